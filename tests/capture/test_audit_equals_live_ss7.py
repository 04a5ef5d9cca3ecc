"""What the audit decides of calls that come or leave on circuits is what the gateway decided live."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_exchange import Plan, RecordedExchange, configuration_with
from recorded_gateway import COLUMBIA, PROVIDER_1, PROVIDER_2, WENTZVILLE

from gateway.capture.audit_result import AuditResult
from gateway.operations.configuration import Configuration
from gateway.policy.verdict import Decision, Outcome
from gateway.wiring.audit import audit

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
