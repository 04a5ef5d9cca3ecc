"""Detectors on captures of a gateway whose configuration is known: what it decides again, and what would follow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from recorded_gateway import (
    GATEWAY,
    PARTNER,
    START_US,
    STRANGER,
    SWITCH,
    Packet,
    RecordedGateway,
    invite,
    pcap_of,
    small_configuration,
)
from typer.testing import CliRunner

from gateway.capture.detection_report import document
from gateway.capture.detection_result import DetectionResult
from gateway.cli import Exit, app
from gateway.codecs.sip import SipMessage, ack_of_failure, headers
from gateway.interconnection.denial_of_service import StepKind
from gateway.interconnection.trunk_groups import Hop
from gateway.operations.configuration import Configuration
from gateway.operations.detector_settings import with_settings
from gateway.wiring.detect import detect

SECOND_US = 1_000_000
REGISTER = (
    b"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%d\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %d@x\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)
HELD_PLACES = "calls_in_progress.enabled=false"
"""Nobody answers these calls, so that they hold their places until they time out."""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return small_configuration(tmp_path / "gateway")


def flood(per_s: float, seconds: float, **facts: str) -> list[Packet]:
    """INVITEs of a provider to the gateway, from one of its numbers and another."""
    return [
        Packet(
            START_US + round(place / per_s * SECOND_US),
            PARTNER,
            GATEWAY,
            invite(f"{place}@x", calling=f"3142061{place * 7 % 1_000:03}", **facts),
        )
        for place in range(round(per_s * seconds))
    ]


def detected(folder: Path, configuration: Configuration, packets: Iterable[Packet], *settings: str) -> DetectionResult:
    file = folder / "capture.pcap"
    file.write_bytes(pcap_of(packets))
    return detect([file], configuration, with_settings(configuration.detectors, settings))


def names(result: DetectionResult) -> set[str]:
    return {f"{alert.peak.detector} {alert.peak.subject}" for alert in result.alerts.values()}


def test_a_flood_of_a_provider_is_held_against_its_contracted_rate(
    tmp_path: Path, configuration: Configuration
) -> None:
    result = detected(tmp_path, configuration, flood(15, 15))
    alert = next(one for one in result.alerts.values() if one.peak.detector == "invite_flood")
    assert str(alert.peak.subject) == "provider XV01"
    assert (
        dict(alert.peak.figures)["contracted_per_s"] == configuration.carriers.get(alert.provider).limit.sustained_per_s
    )  # type: ignore[union-attr]
    assert 10 <= (alert.raised_us - START_US) / SECOND_US <= 11


def test_a_flood_that_goes_on_would_have_been_throttled_and_then_discontinued(
    tmp_path: Path, configuration: Configuration
) -> None:
    result = detected(tmp_path, configuration, flood(15, 100), HELD_PLACES)
    steps = [(step.proposal.kind, step.proposal.ocn) for step in result.steps]
    assert steps == [(StepKind.THROTTLE, "XV01"), (StepKind.DISCONTINUE, "XV01")]
    throttled, discontinued = ((step.at_us - START_US) / SECOND_US for step in result.steps)
    assert throttled <= 11
    assert 60 <= discontinued - throttled <= 62


def test_a_provider_that_is_quiet_again_would_have_been_released(tmp_path: Path, configuration: Configuration) -> None:
    later = Packet(START_US + 900 * SECOND_US, PARTNER, GATEWAY, invite("later@x"))
    result = detected(tmp_path, configuration, [*flood(15, 15), later], HELD_PLACES)
    assert [step.proposal.kind for step in result.steps] == [StepKind.THROTTLE, StepKind.RELEASE]


def test_what_is_no_call_is_told_by_the_proxy(tmp_path: Path, configuration: Configuration) -> None:
    packets = [Packet(START_US + place * 50_000, PARTNER, GATEWAY, REGISTER % (place, place)) for place in range(400)]
    packets += [Packet(START_US + (20 * 20 + place) * 50_000, STRANGER, GATEWAY, b"no SIP") for place in range(400)]
    result = detected(tmp_path, configuration, packets)
    assert names(result) == {"register_flood source 127.0.0.1", "malformed_datagrams source 127.0.0.9"}
    assert result.steps == []
    assert {advice.alert.peak.detector for advice in result.advice.values()} == {
        "register_flood",
        "malformed_datagrams",
    }


def test_calls_of_strangers_and_repeats_are_told_by_the_proxy(tmp_path: Path, configuration: Configuration) -> None:
    packets = [Packet(START_US + place * 50_000, STRANGER, GATEWAY, invite(f"{place}@far")) for place in range(400)] + [
        Packet(START_US + (400 + place) * 50_000, PARTNER, GATEWAY, invite("1@x")) for place in range(400)
    ]
    result = detected(tmp_path, configuration, packets)
    assert names(result) == {"stranger_flood source 127.0.0.9", "retransmission_storm source 127.0.0.1"}
    assert result.steps == []


def test_acks_for_what_the_captured_gateway_refused_unread_are_no_strays(
    tmp_path: Path, configuration: Configuration
) -> None:
    gateway = RecordedGateway(configuration)
    for place in range(1_000):
        at_us, call = START_US + place * 5_000, invite(f"{place}@x", called="9075550100")
        for sent in gateway.receive(call, PARTNER, at_us):
            if sent.data.startswith(b"SIP/2.0 4"):
                to = SipMessage(sent.data).required(headers.TO)
                gateway.receive(ack_of_failure(SipMessage(call), to), PARTNER, at_us + 1_000)
    assert gateway.proxy.counters.shed["calls refused"] > 100
    assert gateway.proxy.counters.stray == 0
    assert "stray_messages source 127.0.0.1" not in names(detected(tmp_path, configuration, gateway.packets))
    without = [packet for packet in gateway.packets if packet.source != GATEWAY]  # nobody gave these tags
    assert "stray_messages source 127.0.0.1" in names(detected(tmp_path, configuration, without))


def test_what_is_dropped_unread_of_a_stranger_is_told_as_well(tmp_path: Path, configuration: Configuration) -> None:
    packets = [Packet(START_US + place * 1_000, STRANGER, GATEWAY, b"no SIP") for place in range(4_000)]
    result = detected(tmp_path, configuration, packets)
    assert names(result) == {"stranger_flood source 127.0.0.9", "malformed_datagrams source 127.0.0.9"}


def test_emergency_calls_lead_to_no_step_and_all_go_on(tmp_path: Path, configuration: Configuration) -> None:
    result = detected(tmp_path, configuration, flood(15, 15, called="911"))
    assert names(result) == {"emergency_flood trunk group riverbend-wentzville"}
    assert result.steps == []
    assert "all are let through" in next(iter(result.advice.values())).text


def test_a_capture_of_somebody_else_is_told_from_a_quiet_one(tmp_path: Path, configuration: Configuration) -> None:
    elsewhere = [Packet(START_US, PARTNER, SWITCH, invite("1@x"))]
    assert "was sent to the gateway" in (detected(tmp_path, configuration, elsewhere).elsewhere or "")
    own = [Packet(START_US, PARTNER, GATEWAY, invite("1@x"))]
    assert detected(tmp_path, configuration, own).elsewhere is None
    assert detected(tmp_path, configuration, []).elsewhere is None


# -- the command ------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["detect", *arguments], env={"COLUMNS": "140"})
    return done.exit_code, done.output


def test_the_table_shows_when_whom_and_how_much_beside_the_threshold(
    tmp_path: Path, configuration: Configuration
) -> None:
    file = tmp_path / "capture.pcap"
    file.write_bytes(pcap_of(flood(15, 100)))
    code, said = run(str(file), "--config", str(configuration.file))
    assert code == Exit.VIOLATIONS
    lines = [" ".join(line.split()) for line in said.splitlines()]
    row = next(line for line in lines if "invite_flood provider XV01" in line)
    assert row.startswith("#")
    assert row.endswith("calls_per_s 15 1")
    assert any(line.startswith("calls ") and "@x" in line for line in lines)
    assert any("throttle XV01:" in line for line in lines)
    assert any("discontinue XV01 (scope provider):" in line for line in lines)


def test_the_document_has_the_same(tmp_path: Path, configuration: Configuration) -> None:
    file = tmp_path / "capture.pcap"
    file.write_bytes(pcap_of(flood(15, 20)))
    code, said = run(str(file), "--config", str(configuration.file), "--json")
    assert code == Exit.VIOLATIONS
    assert json.loads(said) == json.loads(json.dumps(document(detect([file], configuration))))
    assert json.loads(said)["steps"][0]["step"] == "throttle"


def test_a_threshold_can_be_tried_before_it_is_written_down(tmp_path: Path, configuration: Configuration) -> None:
    file = tmp_path / "capture.pcap"
    file.write_bytes(pcap_of(flood(15, 20)))
    arguments = [str(file), "--config", str(configuration.file), "--set", HELD_PLACES]
    assert run(*arguments)[0] == Exit.VIOLATIONS
    assert run(*arguments, "--set", "invite_flood.hold_seconds=30")[0] == Exit.CLEAN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("nothing.of_it=1", "'nothing.of_it=1' is not a setting; write DETECTOR.SETTING=VALUE; there are"),
        ("short_calls.share=1", "short_calls has enabled, longest_seconds, share_percent"),
        ("short_calls.share_percent=200", "short_calls.share_percent: is too large; write 99.9 or less"),
        ("short_calls.minimum_answered=x", "short_calls.minimum_answered: is not a whole number; write digits"),
        ("short_calls", "is not a setting"),
        ("short_calls.minimum_answered", "has no value: write short_calls.minimum_answered=VALUE"),
        ("clear_after_seconds", "has no value: write clear_after_seconds=VALUE"),
    ],
)
def test_a_setting_that_is_none_is_refused_with_what_to_write(tmp_path: Path, given: str, expected: str) -> None:
    code, said = run(str(tmp_path / "absent.pcap"), "--set", given)
    assert code == Exit.USAGE
    assert expected in " ".join(said.split())


def test_what_was_not_read_is_told_apart_from_what_is_quiet(tmp_path: Path) -> None:
    code, said = run(str(tmp_path / "absent.pcap"))
    assert code == Exit.UNREADABLE
    assert "No such file or directory" in said


@pytest.mark.parametrize(
    ("captures", "begins", "exits"),
    [
        ({"quiet": GATEWAY}, "Nothing would have been raised.", Exit.CLEAN),
        ({"elsewhere": SWITCH}, "nothing in the captures was sent to the gateway at 127.0.0.1:", Exit.UNREADABLE),
        ({"absent": None}, "The captures could not be read;", Exit.UNREADABLE),
        ({"absent": None, "quiet": GATEWAY}, "Not all could be read;", Exit.UNREADABLE),
    ],
)
def test_the_report_begins_with_why_there_are_no_alerts(
    tmp_path: Path, configuration: Configuration, captures: dict[str, Hop | None], begins: str, exits: Exit
) -> None:
    for name, to in captures.items():
        if to is not None:
            (tmp_path / name).write_bytes(pcap_of([Packet(START_US, PARTNER, to, invite("1@x"))]))
    code, said = run(*(str(tmp_path / name) for name in captures), "--config", str(configuration.file))
    assert said.startswith(begins)
    assert "('" not in said
    assert code == exits
