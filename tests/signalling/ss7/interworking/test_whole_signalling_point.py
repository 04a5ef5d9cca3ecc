"""Calls between SIP and circuits through all that stands behind the endpoint: proxy, user agent, exchange, links."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

from border import OFFER, SDP_TYPE, caller_says, invited
from messages import iam_with
from playbook import CALLEE, CALLER, GROUPS, T0, Datagram, Ledger, first_word, request, settings_with

from gateway.codecs.sip import SipMessage, headers, response_to
from gateway.codecs.ss7.isup import (
    Cause,
    IsupMessage,
    MessageType,
    P,
    PartyNumber,
    encode_cause,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.m3ua import decode_m3ua, transfer_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import BlockingBook
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.links import Link, LinkRole
from gateway.interconnection.screening import Screening, rules_of
from gateway.interconnection.trunk_groups import Hop, Member, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.signalling.call import Action, Call, Carry, Decided, Ended, EndedBy, Progressed, Send
from gateway.signalling.proxy import SipProxy
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.exchange_settings import ExchangeSettings
from gateway.signalling.ss7.interworking.interworking import Interworking
from gateway.signalling.ss7.interworking.settings import InterworkingSettings
from gateway.signalling.ss7.m3ua_links import M3uaLinks
from gateway.signalling.ss7.signalling_point import SignallingPoint


def _code(text: str) -> int:
    code = parse_point_code(text, Variant.ANSI)
    assert code is not None
    return code


OURS: Final = _code("2-137-26")
THEIRS: Final = _code("246-14-7")
LINK: Final = Link("link", LinkRole.CLIENT, Variant.ANSI, OURS, ("192.0.2.99", 2905), (THEIRS,))
CIRCUITS: Final = CircuitGroup(Variant.ANSI, OURS, THEIRS, ((1, 4),), ("link",))


def on_circuits(group: TrunkGroup) -> TrunkGroup:
    return replace(group, members=(Member(Hop("246-14-7", 1, Transport.SS7)),), circuits=CIRCUITS)


class Point:
    """A signalling point between a SIP switch and an exchange."""

    def __init__(self, groups: tuple[TrunkGroup, ...]) -> None:
        self.ledger = Ledger()
        standings = StandingBook()
        engine = Engine([self.ledger], [self.ledger], Router(groups, guide=None, ported=None, standings=standings))
        find_provider = ProviderFinder(None, None)
        settings = settings_with()
        proxy = SipProxy(settings, engine, groups, find_provider)
        links = M3uaLinks([LINK])
        host = settings.listeners[0].host
        exchange = Exchange(
            *(ExchangeSettings(host=host), groups, engine, find_provider, proxy.members, links.send, standings),
            BlockingBook(),
        )
        agent = Interworking(InterworkingSettings(settings.listeners[0]), groups, exchange)
        self.point = SignallingPoint(proxy, links, exchange, agent, Screening(rules_of(groups)))
        self.agent = agent
        self.now_us = T0
        self.said: deque[IsupMessage] = deque()
        self.sent: deque[Send] = deque()
        self.calls: deque[str] = deque()
        self.call: Call | None = None
        self._take(self.point.assume_up(T0))

    def _take(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Carry):
                transfer = transfer_of(decode_m3ua(action.data))
                self.said.append(IsupMessage(transfer.data, Variant.ANSI))
            elif isinstance(action, Send):
                self.sent.append(action)
            elif isinstance(action, Decided | Progressed | Ended):
                self.calls.append(type(action).__name__)
                self.call = action.call

    def sip(self, datagram: Datagram) -> None:
        self._take(self.point.receive(datagram.data, datagram.source, self.now_us))

    def isup(self, message: IsupMessage) -> None:
        transfer = Mtp3Transfer(THEIRS, OURS, 5, 2, 0, 0, message.data)
        self._take(self.point.receive_transfer(transfer, self.now_us))

    def waits(self, seconds: int) -> None:
        """Time passes, and everybody is woken when he asks for it."""
        until_us = self.now_us + seconds * 1_000_000
        while (due_us := self.point.next_wake_us) is not None and due_us <= until_us:
            self.now_us = max(self.now_us, due_us)
            self._take(self.point.wake(self.now_us))
        self.now_us = until_us

    def says(self, kind: MessageType) -> IsupMessage:
        message = self.said.popleft()
        assert message.type == kind, MessageType(message.type).name
        return message

    def sends(self, what: str) -> bytes:
        send = self.sent.popleft()
        assert first_word(send.data) == what
        return send.data

    def is_over(self) -> None:
        """Nothing is left to be said, and nothing is in progress."""
        assert (list(self.said), list(self.sent)) == ([], [])
        assert self.ledger.in_progress == 0
        assert all(state.calls == 0 for state in self.point.members.groups.values())
        assert all(table.by_state()["busy"] == 0 for table in self.point.exchange.tables.values())


def message(kind: MessageType, cic: int, parameters: dict[int, bytes] | None = None) -> IsupMessage:
    return isup_message(Variant.ANSI, kind, cic, (parameters or {}).items())


def release(cic: int, cause: int) -> IsupMessage:
    return message(MessageType.REL, cic, {P.CAUSE_INDICATORS: encode_cause(Cause(cause, 4))})


def from_sip() -> tuple[Point, int, bytes]:
    """A call of a SIP caller is up: the point, its circuit, the 200."""
    point = Point((GROUPS[0], on_circuits(GROUPS[1])))
    point.sip(invited())
    point.sends("100")
    iam = point.says(MessageType.IAM)
    assert iam.cic is not None
    point.isup(message(MessageType.ACM, iam.cic, {P.BACKWARD_CALL_INDICATORS: b"\x06\x04"}))
    point.sends("180")
    point.isup(message(MessageType.ANM, iam.cic))
    answer = point.sends("200")
    point.sip(caller_says("ACK", answer))
    return point, iam.cic, answer


def test_a_call_from_sip_is_hung_up_by_its_caller() -> None:
    point, cic, answer = from_sip()
    point.sip(caller_says("BYE", answer, cseq=3))
    point.sends("200")
    rel = point.says(MessageType.REL)
    assert (rel.cic, rel.cause) == (cic, Cause(16, 10))
    point.isup(message(MessageType.RLC, cic))
    assert list(point.calls) == ["Decided", "Progressed", "Ended"]
    point.is_over()


def test_a_call_from_sip_is_hung_up_by_the_exchange() -> None:
    point, cic, _ = from_sip()
    point.isup(release(cic, 31))
    point.says(MessageType.RLC)
    bye = point.sends("BYE")
    assert b"\r\nReason: Q.850;cause=31;location=RLN\r\n" in bye
    point.sip(Datagram(response_to(SipMessage(bye), 200, "OK"), CALLER))
    assert point.call is not None
    assert point.call.ended_by is EndedBy.CALLED
    point.is_over()


def test_a_call_from_sip_that_is_cancelled_frees_its_circuit() -> None:
    point = Point((GROUPS[0], on_circuits(GROUPS[1])))
    point.sip(invited())
    point.sends("100")
    iam = point.says(MessageType.IAM)
    point.sip(request("CANCEL"))
    assert {point.sends("200")[:11], point.sends("487")[:11]} == {b"SIP/2.0 200", b"SIP/2.0 487"}
    rel = point.says(MessageType.REL)
    assert rel.cause == Cause(16, 10)
    point.isup(message(MessageType.RLC, iam.cic or 0))
    point.is_over()


def test_when_no_circuit_is_idle_the_group_is_full() -> None:
    point = Point((GROUPS[0], on_circuits(GROUPS[1])))
    for number in range(4):
        point.sip(invited(call_id=f"c{number}", branch=f"b{number}"))
        point.sends("100")
        point.says(MessageType.IAM)
    point.sip(invited(call_id="c5", branch="b5"))
    assert b"\r\nReason: Q.850;cause=34;" in point.sends("480")
    point.sip(invited(call_id="c6", branch="b6", uri="sip:911@h"))
    assert point.sends("100")
    assert b"\r\nReason: Q.850;cause=34;" in point.sends("500")


CALLING: Final = {
    P.CALLING_PARTY_NUMBER.value: encode_number(
        P.CALLING_PARTY_NUMBER, PartyNumber("3145550100", screening=3), Variant.ANSI
    )
}


def reply(to: bytes, status: int, body: bytes = b"") -> Datagram:
    extra = b"Contact: <sip:192.0.2.20:5060>\r\n" + (SDP_TYPE + b"\r\n" if body else b"")
    data = response_to(SipMessage(to), status, "Answer", to_tag=b"b", extra=extra)
    return Datagram(data.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body, CALLEE)


def from_circuit() -> tuple[Point, bytes]:
    """A call of the exchange is up: the point, and its INVITE."""
    point = Point((on_circuits(GROUPS[0]), GROUPS[1]))
    point.isup(iam_with(CALLING).with_cic(3))
    invite = point.sends("INVITE")
    point.sip(reply(invite, 180))
    assert point.says(MessageType.ACM).cic == 3
    point.sip(reply(invite, 200, OFFER))
    point.says(MessageType.ANM)
    point.sends("ACK")
    return point, invite


def test_a_call_from_a_circuit_is_hung_up_by_its_caller() -> None:
    point, invite = from_circuit()
    assert SipMessage(invite).required(headers.CALL_ID).endswith(b"@192.0.2.1")
    point.isup(release(3, 16))
    point.says(MessageType.RLC)
    bye = point.sends("BYE")
    point.sip(Datagram(response_to(SipMessage(bye), 200, "OK"), CALLEE))
    assert list(point.calls) == ["Decided", "Progressed", "Ended"]
    assert point.call is not None
    assert point.call.ended_by is EndedBy.CALLER
    point.is_over()


def test_a_call_from_a_circuit_is_hung_up_by_the_called_side() -> None:
    point, invite = from_circuit()
    from_ = SipMessage(invite).required(headers.FROM).decode()
    to = SipMessage(invite).required(headers.TO).decode() + ";tag=b"
    call_id = SipMessage(invite).required(headers.CALL_ID).decode()
    point.sip(request("BYE", from_=to, to=from_, call_id=call_id, cseq="9 BYE", branch="x", source=CALLEE))
    point.sends("200")
    assert point.says(MessageType.REL).cause == Cause(16, 10)
    point.isup(message(MessageType.RLC, 3))
    point.is_over()


def test_an_answer_before_anything_else_is_told_as_acm_and_anm_where_there_is_no_connect() -> None:
    point = Point((on_circuits(GROUPS[0]), GROUPS[1]))
    point.isup(iam_with(CALLING).with_cic(3))
    point.sip(reply(point.sends("INVITE"), 200, OFFER))
    point.says(MessageType.ACM)
    point.says(MessageType.ANM)


def test_a_busy_telephone_is_a_release_with_its_cause() -> None:
    point = Point((on_circuits(GROUPS[0]), GROUPS[1]))
    point.isup(iam_with(CALLING).with_cic(3))
    point.sip(reply(point.sends("INVITE"), 486))
    point.sends("ACK")
    assert point.says(MessageType.REL).cause == Cause(17, 10)
    point.isup(message(MessageType.RLC, 3))
    point.is_over()


def test_a_reset_circuit_ends_the_call_on_sip() -> None:
    point, _ = from_circuit()
    point.isup(message(MessageType.RSC, 3))
    point.says(MessageType.RLC)
    point.sends("BYE")


def test_a_call_that_the_proxy_gives_up_lets_its_circuit_go() -> None:
    """Its sides agreed to refresh the session (RFC 4028), and the one on SIP is gone."""
    point = Point((GROUPS[0], on_circuits(GROUPS[1])))
    point.sip(invited(b"Supported: timer", b"Require: timer", b"Session-Expires: 90"))
    point.sends("100")
    iam = point.says(MessageType.IAM)
    point.isup(message(MessageType.ACM, iam.cic or 0, {P.BACKWARD_CALL_INDICATORS: b"\x06\x04"}))
    point.sends("180")
    point.isup(message(MessageType.ANM, iam.cic or 0))
    answer = point.sends("200")
    assert b"\r\nSession-Expires: 90;refresher=uac\r\n" in answer
    point.sip(caller_says("ACK", answer))
    point.waits(181)
    rel = point.says(MessageType.REL)
    assert rel.cause == Cause(102)
    point.isup(message(MessageType.RLC, iam.cic or 0))
    assert point.call is not None
    assert point.call.ended_by is EndedBy.EXPIRED
    point.is_over()
    assert len(point.agent) == 0


def test_a_call_from_a_circuit_that_is_up_too_long_lets_its_circuit_go() -> None:
    point, _ = from_circuit()
    point.waits(14_401)
    assert point.says(MessageType.REL).cause == Cause(102)
    point.isup(message(MessageType.RLC, 3))
    assert point.call is not None
    assert point.call.ended_by is EndedBy.TIMEOUT
    point.is_over()


def test_trunk_groups_with_one_exchange_are_told_apart_by_their_circuits() -> None:
    """Another group's member, at the same point code, is in front of the one that the call came on."""
    caller, callee = on_circuits(GROUPS[0]), GROUPS[1]
    other = replace(
        caller,
        name="TG-OTHER",
        members=(Member(Hop("246-14-7", 11, Transport.SS7)),),
        circuits=replace(CIRCUITS, cics=((11, 14),)),
    )
    point = Point((other, caller, callee))
    point.isup(iam_with(CALLING).with_cic(3))
    invite = point.sends("INVITE")
    point.sip(reply(invite, 180))
    point.says(MessageType.ACM)
    point.isup(release(3, 16))
    point.says(MessageType.RLC)
    assert point.call is not None
    assert point.call.attempt.ingress is caller
    cancel = point.sends("CANCEL")
    point.sip(Datagram(response_to(SipMessage(cancel), 200, "OK"), CALLEE))
    point.sip(reply(invite, 487))
    point.sends("ACK")
    point.is_over()
