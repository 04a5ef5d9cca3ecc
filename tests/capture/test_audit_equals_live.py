"""What the audit decides of a capture is what the gateway decided live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_gateway import (
    COLUMBIA,
    DEDICATED,
    GATEWAY,
    OTHER_SWITCH,
    PARTNER,
    PROVIDER_1,
    PROVIDER_2,
    SECOND_US,
    START_US,
    STRANGER,
    SWITCH,
    WENTZVILLE,
    Packet,
    Plan,
    RecordedGateway,
    Trouble,
    World,
    invite,
    pcap_of,
    small_configuration,
)

from gateway.capture.audit_result import AuditResult
from gateway.capture.limits import AuditLimits
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Step, StepKind
from gateway.interconnection.trunk_groups import Hop, Member, Supervision
from gateway.operations.configuration import Configuration
from gateway.policy.engine import NO_MEMBER_FINDING, NO_ROOM_FINDING
from gateway.policy.verdict import Decision, Outcome, Verdict
from gateway.records.journal import JOURNAL_FILE, OperatorJournal
from gateway.wiring.audit import audit, exit_code

Decided = list[tuple[str, int, Decision]]


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return small_configuration(tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures") / "run.pcap"


@pytest.fixture(scope="module")
def short_run(configuration: Configuration) -> bytes:
    """A capture of a call that is answered, one that fails and one that is cancelled."""
    plans = [Plan(0), Plan(1_000, answer=486), Plan(2_000, cancel_after_ms=50, answer_after_ms=900)]
    return pcap_of(World(RecordedGateway(configuration), plans).run().packets)


def audited(
    packets: Iterable[Packet], configuration: Configuration, file: Path, identifications: Iterator[int] | None = None
) -> AuditResult:
    file.write_bytes(pcap_of(packets, identifications))
    return audit([file], configuration)


def decisions(result: AuditResult) -> Decided:
    made = [
        (call.call_id, decided.place.at_us, decided.decision) for call in result.calls for decided in call.decisions
    ]
    return sorted(made, key=lambda one: (one[1], one[0]))


def by_time(live: Decided) -> Decided:
    return sorted(live, key=lambda one: (one[1], one[0]))


MANY_WAYS = (
    Plan(0),
    Plan(100, calling=PROVIDER_2),
    Plan(200, answer=486),
    Plan(300, hold_ms=90_000),
    Plan(400, bye_by="callee", hold_ms=500),
    Plan(500),
    Plan(600),  # over the limit
    Plan(20_000, calling=PROVIDER_2, asserted=PROVIDER_1),  # CPN altered
    Plan(30_000, called=COLUMBIA),  # outside the footprint
    Plan(800, calling=PROVIDER_2, answer=0, cancel_after_ms=300),
    Plan(2_000, cancel_after_ms=50),
    Plan(3_000, answer=0),  # timer B ends it
    Plan(4_000, bye_by="nobody"),
    Plan(5_000, source=STRANGER),
    Plan(5_500, source=DEDICATED),
    Plan(6_000, called="911", source=DEDICATED),
    Plan(7_000, max_forwards=0),
    Plan(8_000, answer=503, retry=True),
    Plan(9_000, repeats=3, answer_after_ms=1_800),
    Plan(40_000),
    Plan(41_000, calling=PROVIDER_2, answer=404, retry=True),
    Plan(60_000, hold_ms=100),
)


def test_every_decision_of_a_run_is_made_again_with_every_finding(configuration: Configuration, file: Path) -> None:
    live = World(RecordedGateway(configuration), MANY_WAYS).run()
    outcomes = {decision.outcome for _, _, decision in live.decisions}
    assert outcomes == set(Outcome)
    refused_by = {decision.refused_by.check for _, _, decision in live.decisions if decision.refused_by}
    assert refused_by >= {"rate_limit", "calling_number", "footprint", "trunk_group"}
    result = audited(live.packets, configuration, file)
    assert decisions(result) == by_time(live.decisions)
    assert result.disagreement_count == 0


def test_calls_that_the_gate_shed_are_shed_again_and_all_others_decided_the_same(
    configuration: Configuration, file: Path
) -> None:
    flood = [Plan(1_000 + 3 * number, called=COLUMBIA) for number in range(500)]
    others = [Plan(1_500 + 400 * number, calling=PROVIDER_2, hold_ms=100) for number in range(5)]
    emergencies = [Plan(2_000 + 10 * number, called="911") for number in range(10)]
    live = World(RecordedGateway(configuration), [*flood, *others, *emergencies]).run()
    assert 100 < len(live.decisions) < 400
    assert sum(decision.emergency for _, _, decision in live.decisions) == 10
    result = audited(live.packets, configuration, file)
    assert decisions(result) == by_time(live.decisions)
    assert result.disagreement_count == 0


def test_a_mirrored_capture_with_every_packet_twice_gives_the_same_decisions(
    configuration: Configuration, file: Path
) -> None:
    live = World(RecordedGateway(configuration), MANY_WAYS).run()
    twice = [packet for packet in live.packets for _ in range(2)]
    result = audited(twice, configuration, file, (number // 2 + 1 for number in range(10**9)))
    assert decisions(result) == by_time(live.decisions)


def test_a_capture_of_the_partners_side_alone_gives_the_same_decisions(
    configuration: Configuration, file: Path
) -> None:
    live = World(RecordedGateway(configuration), MANY_WAYS).run()
    partners = {PARTNER, DEDICATED, STRANGER}
    one_side = [packet for packet in live.packets if partners & {packet.source, packet.destination}]
    assert decisions(audited(one_side, configuration, file)) == by_time(live.decisions)


def test_a_cutover_counts_from_its_own_time(configuration: Configuration, file: Path, tmp_path: Path) -> None:
    step = Step(
        START_US + 10 * SECOND_US,
        Ocn("XV01"),
        StepKind.CUTOVER,
        "operator",
        "a flood",
        trunk_group="riverbend-dedicated",
    )
    plans = [Plan(9_000), Plan(9_000, source=DEDICATED), Plan(11_000), Plan(12_000, source=DEDICATED)]
    live = World(RecordedGateway(configuration, [step]), plans).run()
    assert [decision.outcome.value for _, _, decision in live.decisions] == ["ADMIT", "REFUSE", "REFUSE", "ADMIT"]
    journal = OperatorJournal(tmp_path / JOURNAL_FILE)
    journal.append_step(step)
    journal.close()
    with_journal = replace(configuration, state_folder=tmp_path)
    assert decisions(audited(live.packets, with_journal, file)) == by_time(live.decisions)


@pytest.mark.parametrize("scope", Scope)
def test_a_discontinuance_counts_from_its_own_time_and_until_it_is_undone(
    configuration: Configuration, file: Path, tmp_path: Path, scope: Scope
) -> None:
    steps = [
        Step(START_US + 10 * SECOND_US, Ocn("XV01"), StepKind.DISCONTINUE, "operator", "a flood", scope=scope),
        Step(START_US + 20 * SECOND_US, Ocn("XV01"), StepKind.UNDO, "operator", "the wrong provider"),
    ]
    plans = [Plan(9_000), Plan(11_000), Plan(21_000)]
    live = World(RecordedGateway(configuration, steps), plans).run()
    assert [decision.outcome.value for _, _, decision in live.decisions] == ["ADMIT", "REFUSE", "ADMIT"]
    journal = OperatorJournal(tmp_path / JOURNAL_FILE)
    for step in steps:
        journal.append_step(step)
    journal.close()
    audit = audited(live.packets, replace(configuration, state_folder=tmp_path), file)
    assert decisions(audit) == by_time(live.decisions)
    assert audit.findings["discontinuance"][Verdict.DISCONTINUED] == 1


def test_calls_that_a_draining_gateway_turned_away_are_not_decided(configuration: Configuration, file: Path) -> None:
    gateway = RecordedGateway(configuration)
    World(gateway, [Plan(0, bye_by="nobody")]).run(seconds=2)
    gateway.proxy.accepting = False
    gateway.receive(invite("late@partner.example"), PARTNER, START_US + 3 * SECOND_US)
    result = audited(gateway.packets, configuration, file)
    assert decisions(result) == by_time(gateway.decisions)
    late = result.calls[-1]
    assert late.why_not_judged == "the gateway answers it before any check: 503 Gateway At Capacity"


def test_calls_that_the_gateway_ended_take_no_places_afterwards(configuration: Configuration, file: Path) -> None:
    """They have places in progress that the next calls can only have when these are over."""
    stay = [Plan(2_000 * n, bye_by="nobody") for n in range(4)]
    after = [Plan(30_000 + 2_000 * n, bye_by="nobody") for n in range(4)]
    world = World(RecordedGateway(configuration), [*stay, Plan(15_000), *after])
    world.ends_calls(20_000, lambda call, _: call.attempt.provider is not None)
    live = world.run()
    outcomes = [decision.outcome for _, _, decision in live.decisions]
    assert outcomes == [Outcome.ADMIT] * 4 + [Outcome.REFUSE] + [Outcome.ADMIT] * 4
    assert decisions(audited(live.packets, configuration, file)) == by_time(live.decisions)


def test_a_request_that_the_gateway_answers_by_itself_is_not_decided(configuration: Configuration, file: Path) -> None:
    live = World(RecordedGateway(configuration), [Plan(0, max_forwards=0)]).run()
    result = audited(live.packets, configuration, file)
    assert not live.decisions
    assert result.calls[0].why_not_judged == "the gateway answers it before any check: 483 Too Many Hops"


def test_a_call_that_does_not_enter_the_gateway_is_judged_by_what_its_messages_say_as_without_a_configuration(
    configuration: Configuration, file: Path
) -> None:
    altered = invite("past@partner.example", asserted=PROVIDER_2)
    onwards = altered.replace(b"Via:", b"Via: SIP/2.0/UDP 127.0.0.1:7000;branch=z9hG4bK-b\r\nVia:", 1)
    beyond = ("127.0.0.1", 7_001)
    past = [Packet(START_US, PARTNER, STRANGER, altered), Packet(START_US + 1, STRANGER, beyond, onwards)]
    result = audited(past, configuration, file)
    without = audit([file])
    by_itself = {"calling_number", "charge_number", "called_number", "presentation", "diversion", "passport"}
    for check in (*by_itself, "between_legs"):
        assert result.findings[check] == without.findings[check]
    assert result.violation_count == without.violation_count == 2
    assert exit_code(result) == 1
    why = "no leg of it enters the gateway at 127.0.0.1:5060"
    assert result.calls[0].why_not_judged == f"{why}; only what its INVITEs say of themselves is judged"
    for check in ("trunk_group", "rate_limit", "calling_code", "admission", "footprint"):
        assert list(result.not_judged[check]) == [f"{why}: see gateway.listen in the configuration"]


def test_a_leg_that_only_later_leads_to_the_gateway_makes_the_call_the_gateways_to_decide(
    configuration: Configuration, file: Path
) -> None:
    before = Packet(START_US - SECOND_US, STRANGER, PARTNER, invite("0@partner.example", asserted=PROVIDER_2))
    gateway = RecordedGateway(configuration)
    gateway.receive(invite("0@partner.example"), PARTNER, START_US)
    result = audited([before, *gateway.packets], configuration, file)
    assert decisions(result) == by_time(gateway.decisions)
    assert result.findings["calling_number"].total() == 1
    assert result.calls[0].why_not_judged == ""


def test_a_gateway_that_decided_otherwise_is_shown_to_differ(
    configuration: Configuration, file: Path, tmp_path: Path
) -> None:
    step = Step(START_US, Ocn("XV01"), StepKind.CUTOVER, "operator", "a flood", trunk_group="riverbend-dedicated")
    journal = OperatorJournal(tmp_path / JOURNAL_FILE)
    journal.append_step(step)
    journal.close()
    live = World(RecordedGateway(configuration), [Plan(1_000), Plan(5_000, source=DEDICATED)]).run()
    result = audited(live.packets, replace(configuration, state_folder=tmp_path), file)
    assert [call.disagreements for call in result.calls] == [
        [
            "frame 1: the far end answered 200 Said By The Switch in frame 8; this configuration would have refused "
            "with 403 Wrong Trunk Group"
        ],
        [
            "frame 15: the far end answered 403 Wrong Trunk Group in frame 16; this configuration would have let the "
            "call through"
        ],
    ]


def test_decisions_beyond_the_bounds_are_made_and_counted(configuration: Configuration, file: Path) -> None:
    gateway = RecordedGateway(configuration)
    for number in range(8):
        source = Hop("127.0.0.1", 7_000 + number)
        gateway.receive(invite("1@a", source=source, branch=f"z9hG4bK{number}"), source, START_US + number)
    file.write_bytes(pcap_of(gateway.packets))
    result = audit([file], configuration, limits=AuditLimits(legs=3))
    (call,) = result.calls
    assert len(gateway.decisions) == 8
    assert (len(call.decisions), call.decisions_not_held) == (3, 5)
    assert result.outcomes == {"REFUSE": 8}
    assert result.violation_count == 8


def test_the_address_of_the_captured_gateway_can_be_given(configuration: Configuration, file: Path) -> None:
    live = World(RecordedGateway(configuration), [Plan(0)]).run()
    file.write_bytes(pcap_of(live.packets))
    elsewhere = replace(configuration, listen=("127.0.0.1", 0))
    assert decisions(audit([file], elsewhere, gateway_address=GATEWAY.address)) == by_time(live.decisions)


def test_the_gateways_own_hop_alters_nothing(configuration: Configuration, file: Path) -> None:
    live = World(RecordedGateway(configuration), [Plan(0)]).run()
    (call,) = audited(live.packets, configuration, file).calls
    assert [(leg.source, leg.destination) for leg in call.legs] == [
        (PARTNER.address, GATEWAY.address),
        (GATEWAY.address, ("127.0.0.1", 5080)),
    ]
    assert [finding.verdict.value for finding in call.findings if finding.check == "between_legs"] == ["PASS"]


def test_an_answer_that_repeats_a_broken_via_does_not_stop_the_audit(configuration: Configuration, file: Path) -> None:
    gateway = RecordedGateway(configuration)
    broken = re.sub(rb"Via: [^\r]*", b"Via: SIP/2.0/UDP ][;;;branch", invite("broken@partner.example"))
    assert gateway.receive(broken, PARTNER, START_US)[0].data.startswith(b"SIP/2.0 400 ")
    gateway.receive(invite("sound@partner.example"), PARTNER, START_US + SECOND_US)
    assert decisions(audited(gateway.packets, configuration, file)) == by_time(gateway.decisions)


def test_a_body_cut_off_by_the_snapshot_length_does_not_change_the_decision(
    configuration: Configuration, file: Path
) -> None:
    data = invite("cut@partner.example").replace(b"Content-Length: 0", b"Content-Length: 40") + b"v" * 40
    gateway = RecordedGateway(configuration)
    gateway.receive(data, PARTNER, START_US)
    whole = pcap_of(gateway.packets[:1])
    captured = len(whole) - 24 - 16 - 30
    file.write_bytes(whole[:32] + captured.to_bytes(4, "little") + whole[36:-30])
    assert decisions(audit([file], configuration)) == by_time(gateway.decisions)


PLANS = st.builds(
    Plan,
    start_ms=st.integers(0, 20_000),
    calling=st.sampled_from([PROVIDER_1, PROVIDER_2, "9995550100"]),
    called=st.sampled_from([WENTZVILLE, COLUMBIA, "911"]),
    asserted=st.sampled_from([None, None, PROVIDER_2]),
    source=st.sampled_from([PARTNER, PARTNER, PARTNER, DEDICATED, STRANGER]),
    answer=st.sampled_from([200, 200, 200, 486, 503, 0]),
    answer_after_ms=st.integers(0, 3_000),
    hold_ms=st.integers(10, 40_000),
    bye_by=st.sampled_from(["caller", "callee", "nobody"]),
    cancel_after_ms=st.none() | st.integers(1, 2_000),
    repeats=st.integers(0, 2),
    retry=st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans=st.lists(PLANS, min_size=1, max_size=25))
def test_any_run_is_decided_again_alike(configuration: Configuration, file: Path, plans: list[Plan]) -> None:
    live = World(RecordedGateway(configuration), plans).run()
    assert decisions(audited(live.packets, configuration, file)) == by_time(live.decisions)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    damage=st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=6)), max_size=20), cut=st.integers(0, 9_000)
)
def test_whatever_reaches_or_leaves_the_gateway_is_audited(
    configuration: Configuration, file: Path, short_run: bytes, damage: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(short_run)
    for place, put in damage:
        at = 24 + place % (len(data) - 24)
        data[at : at + len(put)] = put
    file.write_bytes(data[: len(data) - cut])
    result = audit([file], configuration)
    assert result.call_count >= len(result.calls)


# -- members ----------------------------------------------------------------------------------------------------------


def with_two_switches(configuration: Configuration, *, first: int = 0) -> Configuration:
    """The host's trunk group with a second member, probed every five seconds, for three calls at most."""
    partner, dedicated, host = configuration.trunk_groups
    supervision = Supervision(probe_us=5 * SECOND_US, failures=2, failover_us=SECOND_US)
    members = (Member(SWITCH, priority=first), Member(OTHER_SWITCH, priority=1 - first))
    host = replace(host, members=members, supervision=supervision, capacity=3)
    return replace(configuration, trunk_groups=(partner, dedicated, host))


MANY_TROUBLES = (
    Trouble(SWITCH, 10_000, 40_000),
    Trouble(OTHER_SWITCH, 20_000, 30_000),
    Trouble(SWITCH, 60_000, 62_000, retry_after_s=10),
    Trouble(OTHER_SWITCH, 64_000, 66_000, retry_after_s=3),
)
THROUGH_TROUBLES = tuple(
    Plan(start_ms, calling=provider, hold_ms=hold_ms, called="911" if start_ms % 7_000 == 0 else WENTZVILLE)
    for start_ms, provider, hold_ms in zip(
        range(1_000, 90_000, 500), [PROVIDER_1, PROVIDER_2] * 100, [300, 900, 1_500, 2_600] * 50, strict=False
    )
)


def test_calls_that_went_to_another_member_or_found_none_are_decided_again_the_same(
    configuration: Configuration, file: Path
) -> None:
    configuration = with_two_switches(configuration)
    live = World(RecordedGateway(configuration), THROUGH_TROUBLES, MANY_TROUBLES).run()
    said = {finding.text for _, _, decision in live.decisions if (finding := decision.refused_by) is not None}
    assert {NO_MEMBER_FINDING.text, NO_ROOM_FINDING.text} <= said
    assert {cause for _, cause in live.proxy.members.failovers} == {"timeout", "503"}
    assert decisions(audited(live.packets, configuration, file)) == by_time(live.decisions)


def test_where_the_capture_begins_after_a_member_failed_the_calls_are_the_other_members(
    configuration: Configuration, file: Path
) -> None:
    """The replay would send them to the first member, of whose failure nothing is in the capture."""
    configuration = with_two_switches(configuration)
    live = World(RecordedGateway(configuration), [Plan(25_000 + 3_000 * n) for n in range(5)], MANY_TROUBLES[:1]).run()
    begin_us = START_US + 24_000_000
    kept = [packet for packet in live.packets if packet.at_us >= begin_us and not packet.data.startswith(b"OPTIONS")]
    assert not any(packet.destination == SWITCH for packet in kept if packet.data.startswith(b"INVITE"))
    result = audited(kept, configuration, file)
    assert decisions(result) == by_time(live.decisions)
    assert len(live.decisions) == 5
