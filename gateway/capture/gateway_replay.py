"""A gateway decides again what a capture shows of its calls: the same proxy and exchange, fed with what reached them.

What the gateway sent is not taken from the capture: the proxy says again what it would send, so that its transactions,
its dialogs, the standing of the members and the limits of the providers go the way that they went live. A few things
only are learnt from what the gateway sent. The branches in its Via are new in every run, so they are matched with the
ones of this replay, or no response would find its request. Its To tags are as new, and matched with the ones of this
replay as well. A response that the gateway relayed although the capture does not hold what it was relayed from (a
capture of one side) is handed to the proxy as if it had come from there. The gateway probed the members of its trunk
groups in a rhythm of its own, so the replay probes one when the capture shows that the gateway did. A call that the
gateway itself ended is ended where the capture has its BYE, which has no Via but the gateway's own and says why. And
where the gateway sent a call to another member than this replay, which does not know what happened before the capture
began, the call is that member's; for circuits `CircuitReplay` sees to that. A SIP call that was made of one on a
circuit has the time of its IAM in its Call-ID, as the gateway took it and not as the capture did. Calls that an
operator's step had the gateway end are ended when their time was up by the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from gateway.capture.bounded import Bounded
from gateway.capture.circuit_ids import CircuitId, circuit_of_call_id
from gateway.capture.given_tags import GivenTags
from gateway.capture.replay_keys import DialogKey, Key, dialog_key, first_vias, key_of
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via, tag_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.answers import AT_CAPACITY
from gateway.signalling.call import Action, Call, Decided, Send, Wanted
from gateway.signalling.proxy import SipProxy

if TYPE_CHECKING:  # an exchange is loaded for a gateway that has one
    from gateway.capture.circuit_replay import ExchangeReplay
    from gateway.capture.msu import LinkMessage
    from gateway.signalling.ss7.signalling_point import SignallingPoint

NOT_DECIDED: Final = f"SIP/2.0 503 {AT_CAPACITY}\r\n".encode()
"""What the proxy answers, without asking the engine, also while it drains: an operator's act that no request shows."""
SAME_IAM_US: Final = 1_000_000
"""How far the time of an IAM may be from that of the same one in the capture."""
MOST_WAKES: Final = 20_000
"""Timers that run out one by one between two packets; then time leaps. An exchange asks again every minute for as long
as nobody answers, and a damaged time stamp may be decades ahead."""
_CAUSE: Final = re.compile(rb"Q\.850;cause=([0-9]{1,3})(?![0-9])")


class _Sent(NamedTuple):
    """A request that this replay would send on."""

    branch: bytes
    via: bytes
    """The whole line."""
    target: Hop


_Names = tuple[tuple[bytes, bytes], ...]
"""What stands in the capture, and what the replay says instead."""


class _Invite(NamedTuple):
    """An INVITE that this replay made of a call on a circuit."""

    at_us: int
    """The time in its Call-ID."""
    names: tuple[bytes, ...]


class Replayed(NamedTuple):
    """What the replay says of one datagram that reached the gateway."""

    decided: Call | None
    """The call that was decided on it."""
    answer: str
    """``483 Too Many Hops``: what the gateway answers by itself to a request that it does not decide; else empty."""
    overruled: bool = False
    """The capture shows by `answer` that the gateway was draining and has not decided this call."""


NOTHING: Final = Replayed(None, "")


class DueEnds(Protocol):
    """What has the established calls that a step concerns ended when their time is up (L8)."""

    @property
    def next_us(self) -> int | None:
        """When calls are to be ended next; None: never."""

    def end_due(self, at_us: int) -> None:
        """End those whose time is up, by `GatewayReplay.end_calls`."""


class GatewayReplay:
    """Feeds a proxy from a capture. The datagrams must come in the order in which they were captured."""

    def __init__(
        self, proxy: SipProxy | SignallingPoint, addresses: Collection[Address], circuits: ExchangeReplay | None = None
    ) -> None:
        """`addresses` are those at which the captured gateway listened; the proxy must be told the same host and port,
        or it will not know its own Via and Route. `circuits` is the SS7 side of a gateway that has one, and `proxy`
        then the whole of its signalling point.
        """
        self._proxy: Final = proxy
        self._addresses: Final = frozenset(addresses)
        self._circuits: Final = circuits
        self._begun = circuits is None
        self._now_us = 0
        self.decided_late: Final[list[Call]] = []
        """Calls on circuits that a timer decided, and not a message; whoever reads them empties the list."""
        self.due_ends: DueEnds | None = None
        self.listeners: Final[list[Callable[[list[Action]], None]]] = []
        """Told of everything that the gateway asks for, as it asks."""
        self._invites: Final[Bounded[CircuitId, _Invite]] = Bounded()  # calls on circuits that go on by SIP
        self._renamed: Final[Bounded[bytes, _Names]] = Bounded()  # by the capture's Call-ID
        self._sent: Final[Bounded[Key, _Sent]] = Bounded()
        self._branches: Final[Bounded[bytes, bytes]] = Bounded()  # the capture's branch to the replay's
        self._answered: Final[Bounded[Key, int]] = Bounded()  # the highest status sent back
        self._tags: Final = GivenTags()
        self._byes: Final[Bounded[DialogKey, bytes]] = Bounded()  # branches of the replay's own BYEs

    @property
    def sip_proxy(self) -> SipProxy:
        """The proxy that is fed, or the one of the signalling point that is."""
        return self._proxy if isinstance(self._proxy, SipProxy) else self._proxy.proxy

    def enters(self, destination: Address) -> bool:
        """Whether what is sent there reaches the gateway."""
        return destination in self._addresses

    def transfer_enters(self, transfer: Mtp3Transfer) -> bool:
        """Whether a message of SS7 is for an exchange of the gateway."""
        return self._circuits is not None and transfer.dpc in self._circuits.own

    def see(self, payload: bytes, source: Address, destination: Address, at_us: int) -> Replayed:
        """One datagram of the capture. What neither reaches nor leaves the gateway is passed over."""
        if destination in self._addresses:
            self._wake(at_us)
            return self._receive(self._translated(payload), source, payload.startswith(b"SIP/2.0 "))
        if source in self._addresses:
            self._wake(at_us)
            try:
                return self._learn(SipMessage(payload), destination)
            except Malformed:  # not SIP, or not by a gateway of ours: nothing can be learnt from it
                return NOTHING
        return NOTHING

    def see_transfer(self, transfer: Mtp3Transfer, at_us: int) -> Replayed:
        """One message of SS7. What neither reaches nor leaves the gateway is passed over."""
        circuits = self._circuits
        if circuits is None:
            return NOTHING
        decided: Call | None = None
        if transfer.dpc in circuits.own:
            self._wake(at_us)
            for one in circuits.learnt.received(transfer):
                actions = circuits.point.receive_transfer(one, self._now_us)
                self._note(actions)
                decided = decided or _decided(actions)
        elif transfer.opc in circuits.own:
            self._wake(at_us)
            circuits.learnt.sent(transfer, self._now_us)
        return Replayed(decided, "")

    def came_from(self, call: Call) -> Address:
        """Point code and CIC, in the capture, of a call that came on a circuit."""
        circuits, source = self._circuits, call.attempt.source
        return circuits.captured(source) if circuits is not None else source.address

    def end_calls(self, wanted: Wanted, cause: int, text: str, at_us: int) -> None:
        """The gateway ended calls by itself (`SipProxy.end_calls`)."""
        self._note(self._proxy.end_calls(wanted, cause, text, at_us))

    def see_link(self, message: LinkMessage) -> None:
        """How an association or a destination stands: what is not reached gets no calls, as it got none live."""
        if self._circuits is not None:
            self._wake(message.at_us)
            self._note(self._circuits.take_of_link(message, self._now_us))

    def _wake(self, at_us: int) -> None:
        """Let the time pass, each timer at its own time. A live clock does not go back, so nor does this one."""
        at_us = max(at_us, self._now_us)
        if not self._begun and self._circuits is not None:
            self._begun = True
            self._note(self._circuits.point.assume_up(at_us))
        due = self._next_us
        woken = 0
        while due is not None and due <= at_us and woken <= MOST_WAKES:
            woken += 1
            self._now_us = max(due, self._now_us) if woken <= MOST_WAKES else at_us
            if self.due_ends is not None:
                self.due_ends.end_due(self._now_us)
            actions = self._proxy.wake(self._now_us)
            self._note(actions)
            self.decided_late.extend(action.call for action in actions if isinstance(action, Decided))
            due = self._next_us
        self._now_us = at_us

    @property
    def _next_us(self) -> int | None:
        """When something is due next."""
        timers, ends = self._proxy.next_wake_us, self.due_ends.next_us if self.due_ends is not None else None
        if timers is None or ends is None:
            return ends if timers is None else timers
        return min(timers, ends)

    def _receive(self, payload: bytes, source: Address, is_response: bool) -> Replayed:
        actions = self._proxy.receive(payload, Hop(*source), self._now_us)
        self._note(actions)
        decided = _decided(actions)
        if decided is not None:
            return Replayed(decided, "")
        if is_response:
            return NOTHING
        answer = next((action.data for action in actions if isinstance(action, Send)), b"")
        if not answer.startswith(b"SIP/2.0 ") or answer.startswith(b"SIP/2.0 1"):
            return NOTHING
        return Replayed(None, answer[8 : answer.find(b"\r\n")].decode("utf-8", "replace"))

    # -- what the replay sends ----------------------------------------------------------------------------------------

    def _note(self, actions: list[Action]) -> None:
        """Remember the branches, the answers and the circuits of what this replay would send."""
        for tell in self.listeners:
            tell(actions)
        if self._circuits is not None:
            self._circuits.learnt.would_send(actions, self._now_us)
        for action in actions:
            if not isinstance(action, Send):
                continue
            try:
                self._note_one(SipMessage(action.data), action.target)
            except Malformed:  # a 400 repeats the fields of the request, whatever is wrong with them
                continue

    def _note_one(self, message: SipMessage, target: Hop) -> None:
        vias = first_vias(message, 1 if message.status else 2)
        if message.status:
            key = key_of(vias[0], message)
            self._tags.would_give(message)
            self._answered.put(key, max(message.status, self._answered.get(key, 0)))
        elif len(vias) == 1:
            if message.method == b"BYE":
                self._byes.put(dialog_key(message), vias[0][0].branch)
        else:
            via = b"Via: " + vias[0][1] + b"\r\n"
            sent = _Sent(vias[0][0].branch, via, target)
            self._sent.put(key_of(vias[1], message), sent)
            if self._circuits is not None and message.method == b"INVITE":
                made_of = circuit_of_call_id(message.required(headers.CALL_ID))
                if made_of is not None:
                    self._invites.put(made_of[:3], _Invite(made_of[3], _names(message, vias[1][0])))

    # -- what the captured gateway sent -------------------------------------------------------------------------------

    def _learn(self, message: SipMessage, destination: Address) -> Replayed:
        if self._circuits is not None:
            message = self._in_own_names(message)
        vias = first_vias(message, 1 if message.status else 2)
        if message.status:
            self._tags.gave(message)
            return self._relayed(message, key_of(vias[0], message), destination)
        branch = vias[0][0].branch
        if len(vias) == 2:
            sent = self._sent.get(key_of(vias[1], message))
            if sent is not None:
                if message.method == b"INVITE" and sent.target.address != destination and branch not in self._branches:
                    self._proxy.redirected(sent.branch, Hop(*destination))
                self._branches.put(branch, sent.branch)
        elif message.method == b"OPTIONS" and branch not in self._branches:
            self._probed(branch, Hop(*destination))
        elif message.method == b"BYE" and branch not in self._branches:
            self._hung_up(message, branch)
        return NOTHING

    def _hung_up(self, bye: SipMessage, branch: bytes) -> None:
        """The gateway said BYE to a side of a call: it ended a call, or an answer that came too late."""
        key = dialog_key(bye)
        cause = _CAUSE.match(bye.value(headers.REASON) or b"")
        if key not in self._byes and cause is not None:
            call_id = bye.required(headers.CALL_ID).decode("utf-8", "replace")

            def is_it(call: Call, _at_us: int) -> bool:
                return call.attempt.call_id == call_id

            self._note(self._proxy.end_calls(is_it, int(cause[1]), "", self._now_us))
        own = self._byes.get(key)
        if own is not None:
            self._branches.put(branch, own)

    def _probed(self, branch: bytes, target: Hop) -> None:
        """The gateway asked a member whether it is there."""
        actions: list[Action] = []
        member = self._proxy.members.by_hop.get(target)
        if member is not None:
            self._proxy.prober.probe(member, self._now_us, actions)
        for action in actions:
            if isinstance(action, Send):
                self._branches.put(branch, parse_via(SipMessage(action.data).required(headers.VIA)).branch)

    def _relayed(self, response: SipMessage, key: Key, destination: Address) -> Replayed:
        """A response that this replay has not sent was relayed from where the capture does not look."""
        sent, answered = self._sent.get(key), self._answered.get(key, 0)
        if sent is not None and response.status > max(100, answered):
            start = response.data.find(b"\r\n") + 2
            data = response.data[:start] + sent.via + response.data[start:]
            self._note(self._proxy.receive(data, Hop(*destination), self._now_us))
        if answered != 503 and response.data.startswith(NOT_DECIDED):
            return Replayed(None, f"503 {AT_CAPACITY}", overruled=True)
        return NOTHING

    def _in_own_names(self, message: SipMessage) -> SipMessage:
        """A message that the captured gateway sent of a call on a circuit, under the names that the replay has for it.

        They are made of the time of its IAM, which the capture need not have to the microsecond, and of its circuit.
        """
        call_id = message.required(headers.CALL_ID)
        names = self._renamed.get(call_id)
        if names is None and message.method == b"INVITE" and self._circuits is not None:
            made_of = circuit_of_call_id(call_id)
            sent = self._invites.get(self._circuits.replayed(made_of)) if made_of is not None else None
            if sent is not None and made_of is not None and abs(sent.at_us - made_of[3]) <= SAME_IAM_US:
                vias = first_vias(message, 2)
                captured = _names(message, vias[-1][0])
                if captured != sent.names:
                    names = tuple(zip(captured, sent.names, strict=True))
                    self._renamed.put(call_id, names)
        return SipMessage(_renamed(message.data, names)) if names is not None else message

    def _translated(self, payload: bytes) -> bytes:
        """A message with the replay's names of a call on a circuit, a response with this replay's branch in place of
        the captured gateway's.
        """
        if self._renamed:
            try:
                names = self._renamed.get(SipMessage(payload).required(headers.CALL_ID))
            except Malformed:
                return payload
            if names is not None:
                payload = _renamed(payload, names)
        if payload.startswith(b"ACK "):
            return self._tags.translated(payload)
        if not payload.startswith(b"SIP/2.0 "):
            return payload
        try:
            message = SipMessage(payload)
            span = message.span(headers.VIA)
            branch = parse_via(message.required(headers.VIA)).branch
        except Malformed:
            return payload
        own = self._branches.get(branch)
        if own is None or span is None or not branch:
            return payload
        start = payload.find(branch, *span)
        return payload[:start] + own + payload[start + len(branch) :] if start >= 0 else payload


def _decided(actions: list[Action]) -> Call | None:
    return next((action.call for action in actions if isinstance(action, Decided)), None)


def _names(message: SipMessage, via: Via) -> tuple[bytes, ...]:
    """What the gateway's user agent calls a call that came on a circuit: Call-ID, its tag, its own Via."""
    return message.required(headers.CALL_ID), tag_of(message.required(headers.FROM)), via.sent_by


def _renamed(data: bytes, names: _Names) -> bytes:
    for captured, replayed in names:
        if captured:
            data = data.replace(captured, replayed)
    return data
