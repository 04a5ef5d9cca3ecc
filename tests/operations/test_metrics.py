"""Metrics, read back from the text that Prometheus would scrape."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from metrics_examples import (
    ALPHA,
    BRAVO,
    CHECKS,
    DEDICATED,
    PARTNER,
    REFUSAL_KINDS,
    SHARED,
    STRANGER,
    SWITCH,
    TRUNK_GROUPS,
    Stand,
    call,
    ended,
    metrics_of,
    samples_of,
    series,
)

from gateway.interconnection.trunk_groups import Mode
from gateway.operations.dns_readings import DnsFigures, NameReading
from gateway.operations.metrics import GatewayMetrics
from gateway.operations.readings import (
    METHODS,
    MOST_REASONS,
    STATUS_CLASSES,
    ConnectionFigures,
    MemberReading,
)
from gateway.policy.verdict import Verdict
from gateway.signalling.call import Call, EndedBy
from gateway.signalling.members import CAUSES

Series = tuple[str, frozenset[tuple[str, str]]]


def _calls(trunk_group: str, ocn: str, outcome: str) -> Series:
    return series("tollgate_calls_total", trunk_group=trunk_group, ocn=ocn, outcome=outcome)


@pytest.mark.parametrize(
    ("a_call", "counted"),
    [
        pytest.param(call(), _calls("TG-SHARED", "555A", "ADMIT"), id="admitted"),
        pytest.param(call(diverted=True), _calls("TG-SHARED", "555A", "DIVERT"), id="diverted"),
        pytest.param(
            call(violation=("rate_limit", Verdict.OVER_LIMIT)), _calls("TG-SHARED", "555A", "REFUSE"), id="refused"
        ),
        pytest.param(
            call(violation=("rate_limit", Verdict.OVER_LIMIT), mode=Mode.MONITOR),
            _calls("TG-SHARED", "555A", "ADMIT"),
            id="a violation that is only monitored",
        ),
        pytest.param(call(provider=PARTNER), _calls("TG-SHARED", "7000", "ADMIT"), id="the partner's own"),
        pytest.param(call(provider=STRANGER), _calls("TG-SHARED", "other", "ADMIT"), id="not configured"),
        pytest.param(call(provider=None), _calls("TG-SHARED", "other", "ADMIT"), id="provider not known"),
        pytest.param(call(ingress=DEDICATED), _calls("TG-DEDICATED", "555A", "ADMIT"), id="dedicated group"),
        pytest.param(call(ingress=SWITCH), _calls("TG-SWITCH", "555A", "ADMIT"), id="a provider seen on a host group"),
        pytest.param(call(ingress=None), _calls("none", "555A", "ADMIT"), id="no trunk group"),
    ],
)
async def test_a_call_is_counted_once_under_its_group_provider_and_outcome(a_call: Call, counted: Series) -> None:
    metrics = metrics_of(Stand())
    metrics.decided(a_call)
    samples = await samples_of(metrics)
    assert {key: value for key, value in samples.items() if key[0] == counted[0] and value} == {counted: 1}


async def test_a_refusal_names_the_check_the_clause_and_the_verdict() -> None:
    metrics = metrics_of(Stand())
    metrics.decided(call(violation=("calling_number", Verdict.ALTERED)))
    metrics.decided(call(violation=("calling_number", Verdict.MISSING)))
    samples = await samples_of(metrics)
    labels = {"trunk_group": "TG-SHARED", "ocn": "555A", "check": "calling_number", "clause": "L7"}
    for verdict in ("ALTERED", "MISSING"):
        assert samples[series("tollgate_refusals_total", **labels, verdict=verdict)] == 1


async def test_every_finding_is_counted_with_the_mode_it_was_judged_in() -> None:
    metrics = metrics_of(Stand())
    metrics.decided(call(violation=("footprint", Verdict.OUTSIDE), mode=Mode.MONITOR))
    samples = await samples_of(metrics)
    found = {key: value for key, value in samples.items() if key[0] == "tollgate_findings_total" and value}
    passed = {
        series("tollgate_findings_total", check=check, verdict="PASS", mode="enforce"): 1.0
        for check in CHECKS
        if check != "footprint"
    }
    assert found == passed | {
        series("tollgate_findings_total", check="footprint", verdict="OUTSIDE", mode="monitor"): 1
    }
    assert not any(value for key, value in samples.items() if key[0] == "tollgate_refusals_total")


async def test_an_emergency_call_is_counted_on_its_trunk_group() -> None:
    metrics = metrics_of(Stand())
    metrics.decided(call(emergency=True))
    metrics.decided(call())
    samples = await samples_of(metrics)
    assert samples[series("tollgate_emergency_calls_total", trunk_group="TG-SHARED")] == 1


@pytest.mark.parametrize(
    ("progressed_at_us", "bucket"),
    [
        pytest.param(0, "0.001", id="at once"),
        pytest.param(5_000, "0.005", id="on a bound"),
        pytest.param(5_001, "0.01", id="above a bound"),
        pytest.param(3_999_999, "4.0", id="seconds"),
        pytest.param(33_000_000, "+Inf", id="above the last bound"),
        pytest.param(-1_000_000, "0.001", id="clock set back"),
    ],
)
async def test_the_set_up_time_runs_from_the_invite_to_the_first_progress(progressed_at_us: int, bucket: str) -> None:
    metrics = metrics_of(Stand())
    a_call = call()
    a_call.progressed_at_us = progressed_at_us
    metrics.progressed(a_call)
    samples = await samples_of(metrics)
    bounds = [
        dict(labels)["le"]
        for (name, labels), value in samples.items()
        if name == "tollgate_setup_seconds_bucket" and ("trunk_group", "TG-SHARED") in labels and value
    ]
    assert min(bounds, key=float) == bucket
    assert samples[series("tollgate_setup_seconds_count", trunk_group="TG-SHARED")] == 1
    assert samples[series("tollgate_setup_seconds_sum", trunk_group="TG-SHARED")] == max(0, progressed_at_us) / 1e6


@pytest.mark.parametrize("ended_by", list(EndedBy))
async def test_an_end_is_counted_by_what_ended_the_call(ended_by: EndedBy) -> None:
    metrics = metrics_of(Stand())
    metrics.ended(ended(call(), ended_by))
    samples = await samples_of(metrics)
    counted = {key: value for key, value in samples.items() if key[0] == "tollgate_calls_ended_total" and value}
    assert counted == {
        series("tollgate_calls_ended_total", trunk_group="TG-SHARED", ended_by=ended_by.value): 1,
    }


async def test_only_answered_calls_have_a_length() -> None:
    metrics = metrics_of(Stand())
    metrics.ended(ended(call(), EndedBy.CANCEL, ended_at_us=9_000_000))
    metrics.ended(ended(call(), EndedBy.CALLER, answered_at_us=2_000_000, ended_at_us=9_000_000))
    samples = await samples_of(metrics)
    assert samples[series("tollgate_call_seconds_count")] == 1
    assert samples[series("tollgate_call_seconds_sum")] == 7


async def test_every_configured_series_is_there_at_zero_before_the_first_call() -> None:
    samples = await samples_of(metrics_of(Stand()))
    expected = [
        _calls(group.name, ocn, outcome)
        for group, ocns in ((SHARED, ("7000", "555A", "555B", "other")), (SWITCH, ("1234", "other")))
        for ocn in ocns
        for outcome in ("ADMIT", "REFUSE", "DIVERT")
    ]
    expected += [
        series(
            "tollgate_refusals_total",
            trunk_group=group,
            ocn=ocn,
            check=kind.check,
            clause=kind.clause,
            verdict=kind.verdict.value,
        )
        for group in ("TG-SHARED", "TG-DEDICATED")
        for ocn in ("555A", "555B", "other")
        for kind in REFUSAL_KINDS
    ]
    expected += [
        series("tollgate_findings_total", check=check, verdict=verdict.value, mode=mode)
        for check in CHECKS
        for verdict in Verdict
        for mode in ("enforce", "monitor")
    ]
    expected += [
        series(name, trunk_group=group.name)
        for group in TRUNK_GROUPS
        for name in (
            "tollgate_emergency_calls_total",
            "tollgate_setup_seconds_count",
            "tollgate_trunk_group_calls_in_progress",
        )
    ]
    expected += [
        series("tollgate_sip_messages_total", direction=direction, kind=kind)
        for direction in ("in", "out")
        for kind in (*METHODS, *STATUS_CLASSES, "other")
    ]
    expected += [series("tollgate_calls_in_progress", ocn=ocn) for ocn in (ALPHA, BRAVO)]
    expected += [series("tollgate_provider_cut_over", ocn=ocn, trunk_group="TG-DEDICATED") for ocn in (ALPHA, BRAVO)]
    expected += [series("tollgate_malformed_total", reason="other"), series("tollgate_records_lost_total")]
    assert {key: samples.get(key) for key in expected} == dict.fromkeys(expected, 0)


async def test_a_scrape_reads_the_gateway_as_it_stands_then() -> None:
    stand = Stand()
    metrics = metrics_of(stand)
    await metrics.render()
    stand.calls_in_progress = {ALPHA: 3, STRANGER: 2}
    stand.trunk_group_calls = {"TG-SHARED": 5}
    stand.transactions, stand.dialogs, stand.retransmissions_absorbed, stand.datagrams_dropped = 7, 8, 9, 10
    stand.records_queued, stand.records_written, stand.records_lost = 11, 12, 13
    samples = await samples_of(metrics)
    expected = {
        series("tollgate_calls_in_progress", ocn="555A"): 3,
        series("tollgate_calls_in_progress", ocn="other"): 2,
        series("tollgate_trunk_group_calls_in_progress", trunk_group="TG-SHARED"): 5,
        series("tollgate_limit_calls_per_second", ocn="555A"): 5,
        series("tollgate_limit_burst", ocn="555A"): 10,
        series("tollgate_limit_calls_in_progress", ocn="555A"): 20,
        series("tollgate_transactions"): 7,
        series("tollgate_dialogs"): 8,
        series("tollgate_retransmissions_absorbed_total"): 9,
        series("tollgate_datagrams_dropped_total"): 10,
        series("tollgate_records_queued"): 11,
        series("tollgate_records_written_total"): 12,
        series("tollgate_records_lost_total"): 13,
        series("tollgate_lerg_rows"): 5000,
        series("tollgate_configuration_info", file="example.toml", digest="0123abcd"): 1,
        series("tollgate_build_info", version="1.2.3"): 1,
    }
    assert {key: samples.get(key) for key in expected} == expected


async def test_a_cut_over_shows_on_the_provider_and_on_the_trunk_group() -> None:
    stand = Stand()
    metrics = metrics_of(stand)
    stand.cut_over[ALPHA] = "TG-DEDICATED"
    samples = await samples_of(metrics)
    assert samples[series("tollgate_provider_cut_over", ocn="555A", trunk_group="TG-DEDICATED")] == 1
    assert samples[series("tollgate_provider_cut_over", ocn="555B", trunk_group="TG-DEDICATED")] == 0
    kept_for = {
        dict(labels)["trunk_group"]: dict(labels)["dedicated_to"]
        for name, labels in samples
        if name == "tollgate_trunk_group_info"
    }
    assert kept_for == {"TG-SHARED": "", "TG-DEDICATED": "555A", "TG-SWITCH": ""}
    del stand.cut_over[ALPHA]
    samples = await samples_of(metrics)
    assert any(("dedicated_to", "nobody") in labels for name, labels in samples if name == "tollgate_trunk_group_info")


async def test_invented_methods_and_reasons_do_not_make_series_without_end() -> None:
    stand = Stand()
    metrics = metrics_of(stand)
    before = len(await samples_of(metrics))
    stand.messages = {("in", f"METHOD{number}"): 1 for number in range(1000)} | {("in", "180"): 2, ("in", "183"): 1}
    stand.malformed = {f"reason {number}": 1 for number in range(1000)}
    samples = await samples_of(metrics)
    assert len(samples) == before + MOST_REASONS
    assert samples[series("tollgate_sip_messages_total", direction="in", kind="other")] == 1000
    assert samples[series("tollgate_sip_messages_total", direction="in", kind="1xx")] == 3
    assert samples[series("tollgate_malformed_total", reason="other")] == 1000 - MOST_REASONS


async def test_unknown_providers_do_not_make_series_without_end() -> None:
    metrics = metrics_of(Stand())
    metrics.decided(call(provider=STRANGER))
    before = (await samples_of(metrics)).keys()
    for number in range(1000):
        metrics.decided(call(provider=type(STRANGER)(f"{number:04}")))
    assert (await samples_of(metrics)).keys() == before


async def test_no_creation_times_are_exported() -> None:
    assert not [name for name, _ in await samples_of(metrics_of(Stand())) if name.endswith("_created")]


async def test_scrapes_at_the_same_time_and_calls_between_them_agree() -> None:
    metrics = metrics_of(Stand())

    def scraped(text: bytes) -> str:
        prefix = 'tollgate_calls_total{ocn="555A",outcome="ADMIT",trunk_group="TG-SHARED"} '
        return next(line for line in text.decode().splitlines() if line.startswith(prefix)).removeprefix(prefix)

    scrapes = [asyncio.create_task(metrics.render()) for _ in range(8)]
    for _ in range(100):
        metrics.decided(call())
        await asyncio.sleep(0)
    counts = [float(scraped(await scrape)) for scrape in scrapes]
    assert counts == sorted(counts)
    assert float(scraped(await metrics.render())) == 100


@pytest.mark.parametrize("observe", [GatewayMetrics.decided, GatewayMetrics.progressed, GatewayMetrics.ended])
async def test_a_call_of_which_nothing_more_is_known_is_observed_all_the_same(
    observe: Callable[[GatewayMetrics, Call], None],
) -> None:
    metrics = metrics_of(Stand())
    observe(metrics, call(provider=None, ingress=None))
    assert await metrics.render()


async def test_connections_are_shown_by_direction_and_by_what_became_of_them() -> None:
    figures = ConnectionFigures(
        up={"in": 3, "out": 1},
        handshakes=2,
        opened={("tcp", "in"): 5, ("tls", "out"): 1},
        refused={"per_address": 7},
        closed={"idle": 4},
    )
    samples = await samples_of(metrics_of(Stand(connections=figures)))
    assert samples[series("tollgate_connections", direction="in")] == 3
    assert samples[series("tollgate_connections", direction="out")] == 1
    assert samples[series("tollgate_tls_handshakes")] == 2
    assert samples[series("tollgate_connections_opened_total", transport="tls", direction="out")] == 1
    assert samples[series("tollgate_connections_refused_total", reason="per_address")] == 7
    assert samples[series("tollgate_connections_closed_total", reason="idle")] == 4


async def test_what_dns_servers_were_asked_and_what_became_of_names_is_shown() -> None:
    names = [NameReading("TG-SWITCH", "sip:a.example", 3, False), NameReading("TG-SWITCH", "sip:b.example", 0, True)]
    samples = await samples_of(metrics_of(Stand(dns=DnsFigures(asked=9, failed=2, cached=5, names=names))))
    assert samples[series("tollgate_dns_queries_total")] == 9
    assert samples[series("tollgate_dns_failures_total")] == 2
    assert samples[series("tollgate_dns_cached_answers")] == 5
    for name, addresses, failing in (("sip:a.example", 3, 0), ("sip:b.example", 0, 1)):
        assert samples[series("tollgate_name_addresses", trunk_group="TG-SWITCH", name=name)] == addresses
        assert samples[series("tollgate_name_failing", trunk_group="TG-SWITCH", name=name)] == failing


async def test_members_and_what_went_on_to_another_are_read_at_each_scrape() -> None:
    first, second = "udp:127.0.0.1:5060", "udp:127.0.0.1:5061"
    stand = Stand(
        members=[MemberReading("TG-SWITCH", first, False, 0), MemberReading("TG-SWITCH", second, True, 3)],
        failovers={("TG-SWITCH", "timeout"): 2},
    )
    samples = await samples_of(metrics_of(stand))
    for member, in_service, calls in ((first, 0, 0), (second, 1, 3)):
        labels = {"trunk_group": "TG-SWITCH", "member": member}
        assert samples[series("tollgate_member_in_service", **labels)] == in_service
        assert samples[series("tollgate_member_calls_in_progress", **labels)] == calls
    assert samples[series("tollgate_trunk_group_capacity", trunk_group="TG-SWITCH")] == 24
    told = {
        cause: samples[series("tollgate_failovers_total", trunk_group="TG-SWITCH", cause=cause)] for cause in CAUSES
    }
    assert told == {"timeout": 2, "transport": 0, "503": 0, "5xx": 0}
    assert (
        series("tollgate_failovers_total", trunk_group="TG-SHARED", cause="timeout") not in samples
    )  # it has one member
