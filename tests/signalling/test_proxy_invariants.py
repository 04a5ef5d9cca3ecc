"""Whatever comes in and however time passes: no exception, one end for each decided call, and nothing left behind."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    CALLER_TAGGED,
    REFUSED_NUMBER,
    SECOND_US,
    STRANGER,
    T0,
    Datagram,
    Ledger,
    first_word,
    proxy_with,
    reply,
    request,
    settings_with,
)

from gateway.interconnection.trunk_groups import Address
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy, Send

_METHODS = st.sampled_from(["INVITE", "INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "OPTIONS", "REGISTER"])
_SOURCES = st.sampled_from([CALLER, CALLER, CALLEE, STRANGER])
_ODD_LINES = st.sampled_from(
    [
        b"no colon",
        b"t: <sip:911@h>",
        b"Route: <sip:192.0.2.1:5060;lr>",
        b"Route:  <sip:192.0.2.1:5060;lr> , <sip:192.0.2.77;lr>",
        b"Route: <broken",
        b"Route: ,",
        b"Proxy-Require: x",
        b"X: a\r\n b",
        b"Content-Length: 9",
        b"\xff: \xff",
        b"Max-Forwards: 1",
    ]
)


@st.composite
def _requests(draw: st.DrawFn) -> Datagram:
    method = draw(_METHODS)
    tags = [(CALLER_TAGGED, CALLEE_TAGGED), (CALLEE_TAGGED, CALLER_TAGGED), (CALLER_TAGGED, "<sip:1@h>")]
    tags += [('"ö" <sip:1@h>', "<sip:1@h"), ("<sip:1@h>", '<sip:1@h>;x=">;tag=b"'), ("", "")]
    from_, to = draw(st.sampled_from([tags[0], *tags, tags[2], tags[2]]))
    vias = [
        None,
        None,
        None,
        b"Via: SIP/2.0/UDP h",
        b"v:SIP/2.0/UDP h;rport;branch=z9hG4bK1",
        b'Via: SIP/2.0/UDP h;x="',
    ]
    return request(
        method,
        *draw(st.lists(_ODD_LINES, max_size=1)),
        branch=draw(st.sampled_from("1234")),
        via=draw(st.sampled_from(vias)),
        uri=draw(
            st.sampled_from(["sip:6365550199@h", f"sip:{REFUSED_NUMBER}@h", "urn:service:sos", "sip:\xff", "sip:a"])
        ),
        from_=from_,
        to=to,
        call_id=draw(st.sampled_from(["c1", "c1", "c2"])),
        cseq=draw(st.sampled_from([f"1 {method}", f"1 {method}", f"2 {method}", "1", ""])),
        hops=draw(st.sampled_from([b"70", b"70", b"1", b"0", b"", None])),
        source=draw(_SOURCES),
    )


_REPLY = st.tuples(
    st.integers(0, 5),  # which of the requests that we sent, counted from the last
    st.sampled_from([100, 180, 183, 200, 200, 407, 486, 487, 503]),
    st.sampled_from(["b", "c"]),
    st.sampled_from(
        [(b"", b""), (b"", b""), (b"To: ", b"X: "), (b"Via: SIP/2.0/UDP 192.0.2.10", b"X: "), (b": ", b":\t")]
    ),
)
_EVERY_CALL: Final = "every call is to be ended"
_STEPS = st.lists(
    st.one_of(_requests(), _requests(), _REPLY, _REPLY, st.sampled_from([0.1, 1, 5, 33, 200]), st.just(_EVERY_CALL)),
    min_size=1,
    max_size=25,
)


class _Run:
    """A proxy and what it did so far."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.proxy = proxy_with(self.ledger, settings_with(max_call_s=3_600))
        self.now_us = T0
        self.requests_sent: list[tuple[bytes, Address]] = []
        self.decided: list[Call] = []
        self.ended: list[Call] = []

    def note(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                if not first_word(action.data).isdigit():  # whatever we send is a SIP message
                    self.requests_sent.append((action.data, action.target))
            elif isinstance(action, Decided):
                self.decided.append(action.call)
            elif isinstance(action, Ended):
                assert any(call is action.call for call in self.decided)
                assert all(call is not action.call for call in self.ended), "ended twice"
                self.ended.append(action.call)

    def pass_time(self, seconds: float) -> None:
        end_us = self.now_us + round(seconds * SECOND_US)
        while (wake_us := self.proxy.next_wake_us) is not None and wake_us <= end_us:
            self.now_us = max(self.now_us, wake_us)
            self.note(self.proxy.wake(self.now_us))
        self.now_us = end_us


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_every_decided_call_ends_once_and_nothing_is_left_when_all_timers_have_passed(
    steps: list[Datagram | tuple[int, int, str, tuple[bytes, bytes]] | float | str],
) -> None:
    run = _Run()
    for step in steps:
        if isinstance(step, Datagram):
            run.note(run.proxy.receive(step.data, step.source, run.now_us))
        elif isinstance(step, tuple):
            back, status, tag, change = step
            if len(run.requests_sent) <= back or run.requests_sent[-1 - back][0].startswith(b"ACK"):
                continue
            sent, target = run.requests_sent[-1 - back]
            run.note(run.proxy.receive(reply(sent, status, tag).data.replace(*change), target, run.now_us))
        elif isinstance(step, str):
            run.note(run.proxy.end_calls(lambda _, __: True, 21, "L8", run.now_us))
            assert all(call.attempt.emergency for call in run.decided if call.ended_by is None)
            assert not any(call.attempt.emergency for call in run.ended if call.ended_by is EndedBy.DISCONTINUED)
        else:
            run.pass_time(step)
        assert run.ledger.in_progress == sum(call.ended_by is None for call in run.decided)
        assert run.proxy.transactions <= 5 * len(steps)
    run.pass_time(8_000)
    assert len(run.ended) == len(run.decided)
    assert (run.proxy.transactions, run.proxy.dialogs, run.ledger.in_progress) == (0, 0, 0)
    assert run.proxy.next_wake_us is None
