"""Detectors on captures of which nothing is known but the messages."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_gateway import PARTNER, START_US, STRANGER, SWITCH, Packet, invite, pcap_of, response_to
from ss7_script import ONE, TWO, Said, acm, anm, capture_of, iam, rel, rlc

from gateway.capture.detection_result import DetectionResult
from gateway.interconnection.trunk_groups import Hop
from gateway.operations.detector_settings import with_settings
from gateway.policy.detectors.settings import DetectorSettings
from gateway.wiring.detect import detect, exit_code

SECOND_US = 1_000_000


def detected(folder: Path, capture: bytes, *settings: str) -> DetectionResult:
    file = folder / "capture.pcap"
    file.write_bytes(capture)
    return detect([file], settings=with_settings(DetectorSettings(), settings))


def names(result: DetectionResult) -> list[str]:
    """Detector and subject of each alert, in the order in which they were raised."""
    return [f"{alert.peak.detector} {alert.peak.subject}" for alert in result.alerts.values()]


def packet(at_s: float, source: Hop, destination: Hop, data: bytes) -> Packet:
    return Packet(START_US + round(at_s * SECOND_US), source, destination, data)


def in_dialog(call_id: str, method: str) -> bytes:
    return (
        f"{method} sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-{method}-{call_id}\r\n"
        f"From: <sip:a@b>;tag=caller\r\nTo: <sip:c@d>;tag=callee\r\nCall-ID: {call_id}\r\nCSeq: 2 {method}\r\n\r\n"
    ).encode()


def outside(method: str, number: int) -> bytes:
    return (
        f"{method} sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-{number}\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: {number}@x\r\nCSeq: 1 {method}\r\n\r\n"
    ).encode()


def calls(number: int, *, per_s: float, talked_s: float | None, status: int = 486) -> Iterator[Packet]:
    """Calls one after the other, each answered and over, or refused."""
    for place in range(number):
        at_s, request = place / per_s, invite(f"{place}@x", calling=f"314{2_000_000 + place * 7:07}")
        yield packet(at_s, PARTNER, SWITCH, request)
        yield packet(at_s + 0.01, PARTNER, SWITCH, request)  # sent again
        yield packet(at_s + 0.02, SWITCH, PARTNER, response_to(request, 180, b"callee"))
        if talked_s is None:
            yield packet(at_s + 0.03, SWITCH, PARTNER, response_to(request, status, b"callee"))
        else:
            yield packet(at_s + 0.03, SWITCH, PARTNER, response_to(request, 200, b"callee"))
            yield packet(at_s + 0.03 + talked_s, PARTNER, SWITCH, in_dialog(f"{place}@x", "BYE"))


def in_time(packets: Iterator[Packet]) -> bytes:
    return pcap_of(sorted(packets, key=lambda one: one.at_us))


def test_quiet_traffic_raises_nothing_and_is_counted(tmp_path: Path) -> None:
    result = detected(tmp_path, in_time(calls(100, per_s=2, talked_s=40)))
    assert names(result) == []
    assert result.seen["calls"] == 100
    assert exit_code(result) == 0


@pytest.mark.parametrize(
    ("second_leg", "noted"), [((SWITCH, PARTNER), True), ((PARTNER, STRANGER), True), ((PARTNER, SWITCH), False)]
)
def test_it_is_noted_where_legs_of_one_call_count_each(
    tmp_path: Path, second_leg: tuple[Hop, Hop], *, noted: bool
) -> None:
    first = [packet(place, PARTNER, SWITCH, invite(f"{place}@x")) for place in range(3)]
    second = [packet(place + 0.01, *second_leg, invite(f"{place}@x")) for place in range(3)]
    result = detected(tmp_path, in_time(iter(first + second)))
    assert result.seen["calls"] == (6 if noted else 3)
    assert [note for note in result.notes if "each leg counts" in note] == [
        note for note in result.notes if note.startswith("3 calls have the Call-ID")
    ]
    assert any("each leg counts" in note for note in result.notes) is noted


def test_a_flood_of_invites_is_raised_ten_seconds_after_it_began_and_cleared_when_it_is_over(tmp_path: Path) -> None:
    quiet = calls(300, per_s=2, talked_s=40)
    flood = (packet(70 + place / 60, PARTNER, SWITCH, invite(f"f{place}@x")) for place in range(60 * 15))
    result = detected(tmp_path, in_time(one for part in (quiet, flood) for one in part), "calling_share.enabled=false")
    (alert,) = result.alerts.values()
    assert names(result) == ["invite_flood trunk group 127.0.0.1"]
    assert 80 <= (alert.raised_us - START_US) / SECOND_US <= 81.1
    assert alert.cleared_us is not None
    assert 114 <= (alert.cleared_us - START_US) / SECOND_US <= 117
    assert exit_code(result) == 1


@pytest.mark.parametrize(("talked_s", "expected"), [(3, ["short_calls trunk group 127.0.0.1"]), (7, [])])
def test_short_calls_are_told_by_answer_and_bye(tmp_path: Path, talked_s: float, expected: list[str]) -> None:
    assert names(detected(tmp_path, in_time(calls(60, per_s=2, talked_s=talked_s)))) == expected


@pytest.mark.parametrize(("status", "expected"), [(486, ["asr_acd trunk group 127.0.0.1"]), (401, [])])
def test_calls_that_are_refused_have_no_answer_and_a_challenge_is_no_refusal(
    tmp_path: Path, status: int, expected: list[str]
) -> None:
    assert names(detected(tmp_path, in_time(calls(60, per_s=2, talked_s=None, status=status)))) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (outside("REGISTER", 1), "register_flood"),
        (outside("OPTIONS", 1), "options_flood"),
        (b"INVITE sip:x SIP/2.0\r\nno colon here\r\n\r\n", "malformed_datagrams"),
        (b"not SIP at all", "malformed_datagrams"),
    ],
)
def test_floods_of_other_messages_are_told_by_their_source(tmp_path: Path, data: bytes, expected: str) -> None:
    result = detected(tmp_path, pcap_of(packet(place / 20, STRANGER, SWITCH, data) for place in range(400)))
    assert names(result) == [f"{expected} source 127.0.0.9"]


def test_bytes_that_are_returned_unwanted_show_a_storm(tmp_path: Path) -> None:
    def storm() -> Iterator[Packet]:
        for place in range(400):
            bye = in_dialog(f"{place}@nowhere", "BYE")
            yield packet(place / 20, STRANGER, SWITCH, bye)
            yield packet(place / 20 + 0.001, SWITCH, STRANGER, response_to(bye, 481, b""))

    assert names(detected(tmp_path, pcap_of(storm()))) == ["stray_messages source 127.0.0.9"]


def test_keep_alives_and_other_protocols_are_not_malformed(tmp_path: Path) -> None:
    other = Hop("127.0.0.9", 9_999)
    packets = [packet(place / 50, STRANGER, SWITCH, b"\r\n\r\n") for place in range(1_000)]
    packets += [packet(20 + place / 50, other, Hop("127.0.0.1", 9_998), b"rtp") for place in range(1_000)]
    assert names(detected(tmp_path, pcap_of(packets))) == []


def test_emergency_calls_raise_emergency_flood_and_nothing_else(tmp_path: Path) -> None:
    packets = (packet(place / 60, PARTNER, SWITCH, invite(f"{place}@x", called="911")) for place in range(1_200))
    assert names(detected(tmp_path, pcap_of(packets))) == ["emergency_flood trunk group 127.0.0.1"]


def isup_calls(number: int, talked_ms: int | None) -> Iterator[Said]:
    for place in range(number):
        cic, ms = place % 500 + 1, place * 500
        yield Said(ms, ONE, TWO, iam(cic, calling=f"314{2_000_000 + place * 7:07}"))
        yield Said(ms + 10, TWO, ONE, acm(cic))
        if talked_ms is None:
            yield Said(ms + 20, TWO, ONE, rel(cic, 17))
            yield Said(ms + 30, ONE, TWO, rlc(cic))
        else:
            yield Said(ms + 20, TWO, ONE, anm(cic))
            yield Said(ms + 20 + talked_ms, ONE, TWO, rel(cic))
            yield Said(ms + 30 + talked_ms, TWO, ONE, rlc(cic))


@pytest.mark.parametrize(
    ("talked_ms", "expected"),
    [
        (3_000, ["short_calls trunk group 1-1-1"]),
        (None, ["asr_acd trunk group 1-1-1"]),
        (40_000, []),
    ],
)
def test_calls_on_circuits_are_followed_by_answer_and_release(
    tmp_path: Path, talked_ms: int | None, expected: list[str]
) -> None:
    said = sorted(isup_calls(60, talked_ms), key=lambda one: one.ms)
    result = detected(tmp_path, capture_of(said))
    assert result.seen["calls"] == 60
    assert names(result) == expected


def test_wardialling_on_circuits_is_found(tmp_path: Path) -> None:
    said = [Said(place * 1_000, ONE, TWO, iam(place + 1, called=f"6363270{place:03}")) for place in range(40)]
    assert "sequential_called trunk group 1-1-1" in names(detected(tmp_path, capture_of(said)))


def test_a_time_stamp_decades_ahead_costs_no_more_than_some_hours(tmp_path: Path) -> None:
    flood = [packet(place / 60, PARTNER, SWITCH, invite(f"{place}@x")) for place in range(900)]
    result = detected(tmp_path, pcap_of([*flood, packet(700_000_000, PARTNER, SWITCH, invite("last@x"))]))
    assert all(alert.cleared_us is not None for alert in result.alerts.values())


def test_what_is_no_capture_is_said_and_ends_with_three(tmp_path: Path) -> None:
    file = tmp_path / "no.pcap"
    file.write_bytes(b"nothing of the kind")
    result = detect([file, tmp_path / "absent.pcap"])
    assert [text.partition(": ")[0] for text in result.unreadable] == [str(file), str(tmp_path / "absent.pcap")]
    assert exit_code(result) == 3


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_a_datagram_holds_nothing_is_raised_by_it(payloads: list[bytes]) -> None:
    from gateway.capture.detection import Detecting, detect_in
    from gateway.capture.detection_messages import MessagesFeed
    from gateway.capture.reader import CaptureReader
    from gateway.interconnection.denial_of_service import NORMAL
    from gateway.policy.watch import Watch

    result = DetectionResult()
    feed = MessagesFeed(result.seen)
    detecting = Detecting(result, feed, lambda began_us: Watch((), began_us), None, lambda _ocn, _at_us: NORMAL)
    starts = (b"", b"INVITE sip:a SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"BYE sip:a SIP/2.0\r\nCall-ID: 1\r\n")
    packets = [packet(n, PARTNER, STRANGER, start + data) for n, data in enumerate(payloads) for start in starts]
    assert detect_in([CaptureReader(BytesIO(pcap_of(packets)), "x")], detecting).packets == len(packets)
