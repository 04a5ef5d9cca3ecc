"""Whatever comes in whatever order, on either side: nothing is raised, no circuit is released twice or forgotten."""

from __future__ import annotations

import pytest
from border import OFFER, Border, Released, Seized, caller_says, invited
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import iam_with
from playbook import CALLEE, CALLER, Datagram, Wait, request
from test_circuits_to_sip import CALLING, of_callee
from test_circuits_to_sip import reply as callee_says
from test_sip_to_circuits import ANM, FREE, acm, cpg, message

from gateway.codecs.sip import SipMessage, response_to
from gateway.codecs.ss7.isup import Cause, MessageType, P
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Decided, Ended, Progressed, Send

SUSPENDED = message(MessageType.SUS, {P.SUSPEND_RESUME: b"\x00"})
RESUMED = message(MessageType.RES, {P.SUSPEND_RESUME: b"\x00"})
ISUP = (acm(), acm(FREE), cpg(1), cpg(3), ANM, SUSPENDED, RESUMED, message(MessageType.FOT), Cause(16), Cause(17, 0))


class Run:
    """A border at which anything happens, and what came of it."""

    def __init__(self, *, from_circuits: bool) -> None:
        self.play = Border()
        self.play.start(self.play.from_circuits if from_circuits else self.play.to_circuits)
        self.released = 0
        self.seized = int(from_circuits)
        self.books = 0
        self.last: dict[str, bytes] = {}
        self.number = 10

    def settle(self) -> None:
        for each in self.play.told:
            if isinstance(each, Released):
                self.released += 1
                self.play.circuit.other = None
            elif isinstance(each, Seized):
                self.seized += 1
            elif isinstance(each, Decided):
                self.books += 1
            elif isinstance(each, Ended):
                self.books -= 1
            elif isinstance(each, Send):
                message = SipMessage(each.data)
                self.last[str(message.status) if message.status else message.method.decode()] = each.data
            else:
                assert isinstance(each, Progressed) or each is not None
        self.play.told.clear()

    def on_circuit(self, index: int) -> None:
        event = ISUP[index % len(ISUP)]
        if self.play.circuit.other is None:
            return
        _ = self.play >> event
        if isinstance(event, Cause):
            self.play.circuit.other = None
            self.released += 1
        self.settle()

    def hears(self, datagram: Datagram | Wait) -> None:
        _ = self.play >> datagram
        self.settle()

    def end(self) -> None:
        """The circuit is released, and whoever still has a call is told that it ended."""
        if self.play.circuit.other is not None:
            self.on_circuit(ISUP.index(Cause(16)))
        self.play.until(3 * 64)
        self.play.told.clear()
        assert len(self.play.agent) == 0
        assert self.released == self.seized


STEPS = st.lists(st.tuples(st.sampled_from(("isup", "sip", "answer", "wait")), st.integers(0, 20)), max_size=14)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.booleans())
def test_a_call_from_sip(steps: list[tuple[str, int]], reliable: bool) -> None:
    run = Run(from_circuits=False)
    run.hears(invited(*((b"Require: 100rel",) if reliable else ())))
    for kind, index in steps:
        run.number += 1
        shown = run.last.get("200") or run.last.get("180") or run.last.get("183")
        if kind == "isup":
            run.on_circuit(index)
        elif kind == "wait":
            run.hears(Wait(index))
        elif kind == "answer":
            ours = run.last.get(("BYE", "INVITE", "INFO")[index % 3])
            if ours is not None:
                status = (200, 481, 491, 500)[index % 4]
                run.hears(Datagram(response_to(SipMessage(ours), status, "Answer", to_tag=b"z"), CALLER))
        elif index % 8 == 0:
            run.hears(request("CANCEL"))
        elif shown is not None:
            method = ("ACK", "BYE", "INVITE", "UPDATE", "INFO", "PRACK", "OPTIONS", "REFER")[index % 8]
            body = OFFER if method in ("INVITE", "UPDATE") and index % 2 else b""
            lines = (b"RAck: %d 1 INVITE" % (index % 3 + 1),) if method == "PRACK" else ()
            cseq = 2 if method == "ACK" else run.number
            run.hears(caller_says(method, shown, *lines, cseq=cseq, branch=f"s{run.number}", body=body))
    run.end()


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_a_call_from_a_circuit(steps: list[tuple[str, int]]) -> None:
    run = Run(from_circuits=True)
    run.play.call_in(iam_with(CALLING))
    run.settle()
    invite = run.last["INVITE"]
    for kind, index in steps:
        run.number += 1
        if kind == "isup":
            run.on_circuit(index)
        elif kind == "wait":
            run.hears(Wait(index))
        elif kind == "answer":
            status = (100, 180, 181, 183, 200, 302, 404, 486, 487, 503, 603)[index % 11]
            reliably = (b"Require: 100rel", b"RSeq: %d" % (index % 3 + 1)) if index > 10 and status < 200 else ()
            body = OFFER if status in (183, 200) else b""
            run.hears(callee_says(invite, status, *reliably, body=body, tag=b"bc"[index % 2 : index % 2 + 1]))
        else:
            method = ("BYE", "INVITE", "UPDATE", "INFO", "OPTIONS")[index % 5]
            run.hears(of_callee(method, invite, cseq=run.number))
            ours = run.last.get(("BYE", "CANCEL", "PRACK")[index % 3])
            if ours is not None:
                run.hears(Datagram(response_to(SipMessage(ours), 200, "OK"), CALLEE))
    run.end()


VALID = [
    invited().data,
    request("BYE", to="<sip:x@y>;tag=ss7").data,
    request("OPTIONS").data,
    response_to(SipMessage(invited().data), 183, "Progress", to_tag=b"b", extra=b"Require: 100rel\r\nRSeq: 1\r\n"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(VALID), st.integers(0, 600), st.binary(max_size=8), st.sampled_from(Variant))
def test_damaged_messages_of_the_proxy_are_refused_or_dropped(
    data: bytes, place: int, damage: bytes, variant: Variant
) -> None:
    play = Border(variant)
    play.start(play.to_circuits)
    broken = data[:place] + damage + data[place + len(damage) :]
    actions: list[object] = []
    play.agent.receive(broken, play.on_circuits.members[0].hop, play.now_us, actions)  # type: ignore[arg-type]
    play.agent.receive(damage, play.on_circuits.members[0].hop, play.now_us, actions)  # type: ignore[arg-type]
    assert len(actions) <= 3


@pytest.mark.parametrize("count", [1, 3])
def test_calls_one_after_the_other_leave_nothing_behind(count: int) -> None:
    run = Run(from_circuits=False)
    for number in range(count):
        run.hears(invited(call_id=f"c{number}", branch=f"n{number}"))
        run.on_circuit(ISUP.index(Cause(17, 0)))
    run.end()
