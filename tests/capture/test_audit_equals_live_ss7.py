"""What the audit decides of calls that come or leave on circuits is what the gateway decided live."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_exchange import PARTNERS, Plan, RecordedExchange, configuration_with
from recorded_gateway import COLUMBIA, PROVIDER_1, PROVIDER_2, SECOND_US, START_US, WENTZVILLE
from ss7_script import iam, rel

from gateway.capture.audit_result import AuditResult
from gateway.codecs.ss7.isup import MessageType, NatureOfAddress, P, PartyNumber, encode_number, isup_message
from gateway.codecs.ss7.variant import Variant
from gateway.operations.configuration import Configuration
from gateway.policy.verdict import Decision, Outcome
from gateway.wiring.audit import LINKS_ARE_UP, NO_ISUP, audit

Decided = list[tuple[str, int, Decision]]
TRANSIT, TO_SIP, FROM_SIP = (True, True), (True, False), (False, True)
"""Whether the partner, and whether the host, is on circuits."""
WAYS = (TRANSIT, TO_SIP, FROM_SIP)


@pytest.fixture(scope="module")
def configurations(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[bool, bool], Configuration]:
    return {way: configuration_with(tmp_path_factory.mktemp("gateway"), partner=way[0], host=way[1]) for way in WAYS}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures") / "run.pcap"


@pytest.fixture(scope="module")
def runs(configurations: dict[tuple[bool, bool], Configuration]) -> dict[tuple[bool, bool], bytes]:
    """A capture of each way."""
    return {way: RecordedExchange(configurations[way], plans_of(way)).run().capture() for way in WAYS}


def audited(live: RecordedExchange, configuration: Configuration, file: Path, **cut: int) -> AuditResult:
    file.write_bytes(live.capture(**cut))
    return audit([file], configuration)


def decisions(result: AuditResult) -> Decided:
    made = [(call.call_id, one.place.at_us, one.decision) for call in result.calls for one in call.decisions]
    return sorted(made, key=lambda one: (one[1], one[0]))


def by_time(made: Decided) -> Decided:
    return sorted(made, key=lambda one: (one[1], one[0]))


def plans_of(way: tuple[bool, bool]) -> list[Plan]:
    cics = (1, 2, 3, 4, 5) if way[0] else (0,) * 5
    kinds = (
        Plan(0),
        Plan(3_000, called=COLUMBIA),
        Plan(6_000, calling="9995550100"),
        Plan(9_000, bye_by="callee"),
        Plan(12_000, calling=PROVIDER_2, hold_ms=5_000),
    )
    return [
        Plan(one.start_ms, one.calling, one.called, cic, one.answers, one.cause, one.hold_ms, one.bye_by)
        for one, cic in zip(kinds, cics, strict=True)
    ]


@pytest.mark.parametrize("way", WAYS)
def test_calls_between_circuits_and_sip_are_decided_again_alike(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, way: tuple[bool, bool]
) -> None:
    live = RecordedExchange(configurations[way], plans_of(way)).run()
    result = audited(live, configurations[way], file)
    assert len(live.decisions) == 5
    assert {decision.outcome for _, _, decision in live.decisions} == {Outcome.ADMIT, Outcome.REFUSE}
    assert decisions(result) == by_time(live.decisions)
    assert not result.disagreement_count
    admitted = [call for call in result.calls if call.decisions[0].decision.outcome is Outcome.ADMIT]
    assert {len(call.legs) for call in admitted} == {2}
    hops = {one.verdict.violation for call in admitted for one in call.findings if one.check == "between_legs"}
    assert hops == {False}


@pytest.mark.parametrize("way", WAYS)
def test_a_providers_calls_in_progress_are_counted_alike(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, way: tuple[bool, bool]
) -> None:
    """Four at most: each is held until its release, which the replay must have seen on its own circuits."""
    plans = [Plan(place * 2_000, cic=(place + 1) * way[0], hold_ms=7_000 + place * 500) for place in range(12)]
    live = RecordedExchange(configurations[way], plans).run()
    assert {decision.outcome for _, _, decision in live.decisions} == {Outcome.ADMIT, Outcome.REFUSE}
    assert decisions(audited(live, configurations[way], file)) == by_time(live.decisions)


@pytest.mark.parametrize("way", WAYS)
def test_a_capture_that_has_other_times_than_the_gateway_is_decided_alike(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, way: tuple[bool, bool]
) -> None:
    plans = [Plan(place * 2_000, cic=(place + 1) * way[0], hold_ms=7_000 + place * 500) for place in range(12)]
    live = RecordedExchange(configurations[way], plans).run()
    again = decisions(audited(live, configurations[way], file, offset_us=37))
    assert [one for _, _, one in again] == [one for _, _, one in by_time(live.decisions)]


@pytest.mark.parametrize("way", [TRANSIT, FROM_SIP])
def test_where_the_capture_begins_late_the_circuits_that_were_really_seized_are_learnt(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, way: tuple[bool, bool]
) -> None:
    """Before it began circuits were used, and some still are, so that the captured gateway took others than the replay
    would; and a call is set up just then.
    """
    plans = [Plan(place * 1_000, calling=PROVIDER_2, cic=(place + 1) * way[0], hold_ms=22_000) for place in range(5)]
    plans.append(Plan(19_980, calling=PROVIDER_2, called="911", cic=6 * way[0]))
    plans += [
        Plan(20_000 + place * 2_000, cic=(6 + (place + 1) % 6) * way[0], hold_ms=6_000 + place * 300)
        for place in range(12)
    ]
    live = RecordedExchange(configurations[way], plans).run()
    late = [place for place, packet in enumerate(live.packets) if packet[0] >= live.decisions[6][1]]
    result = audited(live, configurations[way], file, first=late[0])
    assert len(live.decisions) == 18
    assert decisions(result) == by_time(live.decisions)[6:]


def test_a_time_stamp_that_is_decades_ahead_does_not_hold_up_the_audit(
    configurations: dict[tuple[bool, bool], Configuration], file: Path
) -> None:
    """A circuit that is not answered for is asked for every minute, which would be millions of times."""
    live = RecordedExchange(configurations[TRANSIT], [Plan(0, cic=1), Plan(2_000, cic=2)]).run()
    seized = live.packets[0]
    unanswered = [packet for packet in live.packets if packet[1] == seized[1] and packet[3][2] == MessageType.IAM]
    live.packets = [*unanswered, (seized[0] + 60 * 31_536_000 * SECOND_US, seized[1], seized[2], iam(9))]
    assert len(audited(live, configurations[TRANSIT], file).calls) == 3


@pytest.mark.parametrize("captured", [True, False])
def test_that_the_circuits_were_not_captured_is_said(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, captured: bool
) -> None:
    live = RecordedExchange(configurations[FROM_SIP], plans_of(FROM_SIP)).run()
    if not captured:
        live.packets = [packet for packet in live.packets if not isinstance(packet[1], int)]
    notes = audited(live, configurations[FROM_SIP], file).notes
    assert LINKS_ARE_UP in notes
    assert (NO_ISUP in notes) is not captured


def test_a_call_that_waits_for_its_continuity_check_is_decided_by_the_message_that_ends_it(
    configurations: dict[tuple[bool, bool], Configuration], file: Path
) -> None:
    live = RecordedExchange(configurations[TO_SIP], [Plan(900_000)])
    live.say(START_US, iam(3, continuity=2), PARTNERS)
    checked = isup_message(Variant.ANSI, MessageType.COT, 3, [(P.CONTINUITY, b"\x01")]).encode()
    live.say(START_US + 400_000, checked, PARTNERS)
    live.run()
    result = audited(live, configurations[TO_SIP], file)
    assert [one for _, _, one in decisions(result)] == [one for _, _, one in live.decisions]
    (call,) = result.calls
    assert [made.place.frame for made in call.decisions] == [2]


def test_a_call_that_waits_for_digits_is_decided_by_them_or_when_no_more_come(tmp_path: Path, file: Path) -> None:
    configuration = configuration_with(tmp_path, partner=True, host=False, variant="itu")
    live = RecordedExchange(configuration, [Plan(900_000)])
    partners, ours = (1 << 11 | 1 << 3 | 1), (2 << 11 | 2 << 3 | 2)
    for cic, at_us in ((3, START_US), (4, START_US + SECOND_US)):
        live.say(at_us, itu_iam(cic, "636327"), partners, ours)
    live.say(START_US + 500_000, sam(3, "0100"), partners, ours)
    live.say(START_US + 60 * SECOND_US, rel(9), partners, ours)
    live.run()
    assert len(live.decisions) == 2
    result = audited(live, configuration, file)
    assert [one for _, _, one in decisions(result)] == [one for _, _, one in live.decisions]
    assert {len(call.decisions) for call in result.calls} == {1}


def itu_iam(cic: int, called: str) -> bytes:
    parameters = [
        (P.NATURE_OF_CONNECTION, b"\0"),
        (P.FORWARD_CALL_INDICATORS, b"\x20\x01"),
        (P.CALLING_PARTYS_CATEGORY, b"\x0a"),
        (P.TRANSMISSION_MEDIUM, b"\0"),
        *(
            (code, encode_number(code, PartyNumber(digits, NatureOfAddress.NATIONAL, screening=3), Variant.ITU))
            for code, digits in ((P.CALLED_PARTY_NUMBER, called), (P.CALLING_PARTY_NUMBER, PROVIDER_1))
        ),
    ]
    return isup_message(Variant.ITU, MessageType.IAM, cic, parameters).encode()


def sam(cic: int, digits: str) -> bytes:
    number = encode_number(P.SUBSEQUENT_NUMBER, PartyNumber(digits, 0), Variant.ITU)
    return isup_message(Variant.ITU, MessageType.SAM, cic, [(P.SUBSEQUENT_NUMBER, number)]).encode()


PLANS = st.builds(
    Plan,
    start_ms=st.integers(0, 20_000),
    calling=st.sampled_from([PROVIDER_1, PROVIDER_2, "9995550100"]),
    called=st.sampled_from([WENTZVILLE, COLUMBIA, "911"]),
    hold_ms=st.integers(10, 20_000),
    bye_by=st.sampled_from(["caller", "callee", "nobody"]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(way=st.sampled_from(WAYS), made=st.lists(PLANS, min_size=1, max_size=12))
def test_any_run_is_decided_again_alike(
    configurations: dict[tuple[bool, bool], Configuration], file: Path, way: tuple[bool, bool], made: list[Plan]
) -> None:
    plans = [
        Plan(one.start_ms, one.calling, one.called, (place + 1) * way[0], True, 17, one.hold_ms, one.bye_by)
        for place, one in enumerate(made)
    ]
    live = RecordedExchange(configurations[way], plans).run()
    assert decisions(audited(live, configurations[way], file)) == by_time(live.decisions)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    way=st.sampled_from(WAYS),
    damage=st.lists(st.tuples(st.integers(0, 60_000), st.binary(max_size=6)), max_size=20),
    cut=st.integers(0, 9_000),
)
def test_whatever_reaches_or_leaves_the_gateway_is_audited(
    configurations: dict[tuple[bool, bool], Configuration],
    runs: dict[tuple[bool, bool], bytes],
    file: Path,
    way: tuple[bool, bool],
    damage: list[tuple[int, bytes]],
    cut: int,
) -> None:
    data = bytearray(runs[way])
    for place, put in damage:
        at = 24 + place % (len(data) - 24)
        data[at : at + len(put)] = put
    file.write_bytes(data[: len(data) - cut])
    result = audit([file], configurations[way])
    assert result.call_count >= len(result.calls)
