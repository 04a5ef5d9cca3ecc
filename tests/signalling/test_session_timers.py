"""Session timers (RFC 4028): a call that its sides no longer refresh ends in the books."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLER,
    SECOND_US,
    T0,
    Datagram,
    Playbook,
    answered,
    decided,
    ended,
    from_callee,
    in_dialog,
    progressed,
    reply,
    request,
    sends,
    settings_with,
    started,
)

from gateway.signalling.call import EndedBy

TIMER = b"Supported: timer"


def lines_of(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\r\n") if line.lower().startswith((b"session-expires", b"min-se", b"x:"))]


@pytest.mark.parametrize(
    ("line", "expiry_s"),
    [
        (b"Session-Expires: 1800;refresher=uac", 1_860),  # with 32 s of grace, rounded up to a minute
        (b"session-expires : 1800", 1_860),
        (b"x: 1800;refresher=uas", 1_860),
        (b"Session-Expires: 90", 180),
        (b"Session-Expires: 1", 180),  # section 5: no shorter one than 90 s
        (b"Session-Expires: 999999999", 14_400),  # a call is no longer than its bound anyway
    ],
)
def test_a_call_that_nobody_refreshes_expires(line: bytes, expiry_s: int) -> None:
    """RFC 4028 section 8: the proxy may forget a session that expired."""
    with Playbook() as play:
        answered(play, b"X-Other: 1", line)
        assert play.until(20_000) == [(float(expiry_s), "Ended", None)]
        assert play.call is not None
        assert play.call.ended_by is (EndedBy.EXPIRED if expiry_s < 14_400 else EndedBy.TIMEOUT)
        assert play.call.ended_at_us == T0 + expiry_s * SECOND_US
        assert (play.proxy.dialogs, play.ledger.in_progress, play.proxy.next_wake_us) == (0, 0, None)
        play >> in_dialog("BYE") << sends("481", CALLER)


@pytest.mark.parametrize("line", [b"X-Y: 1", b"Session-Expires: soon", b"Session-Expires-Not: 90", b"Session-Expires:"])
def test_without_an_agreed_interval_a_call_does_not_expire(line: bytes) -> None:
    with Playbook() as play:
        answered(play, line)
        assert play.until(14_000) == []


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("caller_refreshes", [True, False])
def test_a_refresh_from_either_side_starts_the_interval_again(method: str, caller_refreshes: bool) -> None:
    with Playbook() as play:
        answered(play, b"Session-Expires: 1800")
        play.until(1_700)
        side, other = (CALLER, CALLEE) if caller_refreshes else (CALLEE, CALLER)
        refresh = in_dialog(method, branch="r") if caller_refreshes else from_callee(method)
        play >> refresh
        if method == "INVITE":
            play << sends("100", side)
        play << sends(method, other)
        play >> reply(play.sent, 200, source=other, lines=(b"Session-Expires: 600",)) << sends("200", side)
        assert [what for what in play.until(2_000) if what[1] == "Ended"] == [(660.0, "Ended", None)]


def test_a_refresh_that_fails_does_not_count() -> None:
    with Playbook() as play:
        answered(play, b"Session-Expires: 1800")
        play.until(1_800)
        play >> in_dialog("UPDATE", branch="r") << sends("UPDATE", CALLEE)
        play >> reply(play.sent, 500, lines=(b"Session-Expires: 600",)) << sends("500", CALLER)
        assert [what for what in play.until(2_000) if what[1] == "Ended"] == [(60.0, "Ended", None)]


def test_a_refresh_without_an_interval_switches_the_timer_off() -> None:
    """Section 7.2: a 2xx without Session-Expires means that there is no session timer."""
    with Playbook() as play:
        answered(play, b"Session-Expires: 600")
        play >> in_dialog("UPDATE", branch="r") << sends("UPDATE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER)
        assert play.until(5_000) == []


def test_a_call_that_ended_does_not_expire() -> None:
    with Playbook() as play:
        answered(play, b"Session-Expires: 600")
        play >> in_dialog("BYE", branch="b") << sends("BYE", CALLEE)
        play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        assert play.until(5_000) == []
        assert play.proxy.next_wake_us is None


def test_an_emergency_call_does_not_expire() -> None:
    with Playbook() as play:
        play >> request(uri="sip:911@192.0.2.20") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200, lines=(b"Session-Expires: 90",)) << progressed() << sends("200", CALLER)
        assert [what for what in play.until(10_000) if what[1] == "Ended"] == []


# -- where the settings say so ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "onward"),
    [
        ((), [b"Session-Expires: 1800"]),
        ((b"Session-Expires: 3600",), [b"Session-Expires: 1800"]),
        ((b"x: 3600;refresher=uac",), [b"Session-Expires: 1800"]),
        ((b"Session-Expires: 900",), [b"Session-Expires: 900"]),
        ((b"Session-Expires: 3600", b"Min-SE: 2000"), [b"Session-Expires: 2000", b"Min-SE: 2000"]),
        ((b"Min-SE: 2000",), [b"Min-SE: 2000", b"Session-Expires: 2000"]),
        ((b"Session-Expires: 100",), [b"Session-Expires: 300", b"Min-SE: 300"]),  # raised: the caller knows no 422
    ],
)
def test_the_interval_that_is_wanted_is_asked_for(lines: tuple[bytes, ...], onward: list[bytes]) -> None:
    """Section 8.1."""
    with Playbook(settings_with(session_expires_s=1_800, min_se_s=300)) as play:
        play >> request("INVITE", *lines, body=b"v=0") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert lines_of(play.sent) == onward
        assert play.sent.endswith(b"\r\n\r\nv=0")


def test_an_interval_that_is_too_short_is_422_for_whom_it_helps() -> None:
    """Section 8.1: with the shortest that we take."""
    with Playbook(settings_with(min_se_s=300)) as play:
        short = (b"Session-Expires: 100", b"k: 100rel, timer")
        play >> request("INVITE", *short) << sends("422", CALLER, lines=(b"Min-SE: 300",))
        answered(play)
        play >> in_dialog("UPDATE", *short, branch="7") << sends("422", CALLER, lines=(b"Min-SE: 300",))
        play >> in_dialog("INFO", *short, branch="8") << sends("INFO", CALLEE)


def test_no_interval_of_an_emergency_call_is_too_short() -> None:
    """L10: nothing of ours refuses one."""
    with Playbook(settings_with(min_se_s=300)) as play:
        short = (b"Session-Expires: 100", b"Supported: timer")
        play >> request("INVITE", *short, uri="sip:911@192.0.2.20") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
        play >> in_dialog("UPDATE", *short, branch="7") << sends("UPDATE", CALLEE)


def test_a_caller_is_told_to_refresh_where_the_called_side_knows_no_timers() -> None:
    """Section 8.2."""
    with Playbook(settings_with(session_expires_s=1_800)) as play:
        play >> request("INVITE", TIMER) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        told = (b"Session-Expires: 1800;refresher=uac", b"Require: timer")
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER, lines=told)
        assert [what for what in play.until(2_000) if what[1] == "Ended"] == [(1_860.0, "Ended", None)]


def test_where_neither_side_knows_timers_there_is_none() -> None:
    with Playbook(settings_with(session_expires_s=1_800)) as play:
        ok = reply(started(play), 200)
        play >> ok << progressed() << sends("200", CALLER)
        assert lines_of(play.sent) == []
        assert [what for what in play.until(9_000) if what[1] == "Ended"] == []


def test_without_settings_nothing_is_added() -> None:
    with Playbook() as play:
        first = request("INVITE", TIMER, b"Session-Expires: 10")
        play >> first << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert lines_of(play.sent) == [b"Session-Expires: 10"]
        ok = reply(play.sent, 200)
        play >> ok << progressed() << sends("200", CALLER)
        assert lines_of(play.sent) == []
        assert isinstance(ok, Datagram)
