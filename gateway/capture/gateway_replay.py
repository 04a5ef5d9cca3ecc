"""A gateway decides again what a capture shows of its calls: the same proxy, fed with the datagrams that reached it.

What the gateway sent is not taken from the capture: the proxy says again what it would send, so that its transactions,
its dialogs, the standing of the members and the limits of the providers go the way that they went live. Four things
only are learnt from what the gateway sent. The branches in its Via are new in every run, so they are matched with the
ones of this replay, or no response would find its request. A response that the gateway relayed although the capture
does not hold what it was relayed from (a capture of one side) is handed to the proxy as if it had come from there. The
gateway probed the members of its trunk groups in a rhythm of its own, so the replay probes one when the capture shows
that the gateway did. And where the gateway sent a call to another member than this replay, which does not know what
happened before the capture began, the call is that member's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import Final, Generic, NamedTuple, TypeVar

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.answers import AT_CAPACITY
from gateway.signalling.call import Action, Call, Decided, Send
from gateway.signalling.proxy import SipProxy

NOT_DECIDED: Final = f"SIP/2.0 503 {AT_CAPACITY}\r\n".encode()
"""What the proxy answers, without asking the engine, also while it drains: an operator's act that no request shows."""
REMEMBERED: Final = 100_000
"""Transactions whose branches are remembered; the oldest is forgotten first."""

_Key = tuple[bytes, bytes, int, bytes, bytes]
"""Of the Via before the gateway's own: branch (or all of it, of an RFC 2543 element), host, port; Call-ID, CSeq."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class _Bounded(OrderedDict[_K, _V], Generic[_K, _V]):
    """A dictionary that forgets its oldest entry beyond a bound."""

    def put(self, key: _K, value: _V) -> None:
        self[key] = value
        if len(self) > REMEMBERED:
            self.popitem(last=False)


class _Sent(NamedTuple):
    """A request that this replay would send on."""

    branch: bytes
    via: bytes
    """The whole line."""
    target: Hop


class Replayed(NamedTuple):
    """What the replay says of one datagram that reached the gateway."""

    decided: Call | None
    """The call that was decided on it."""
    answer: str
    """``483 Too Many Hops``: what the gateway answers by itself to a request that it does not decide; else empty."""
    overruled: bool = False
    """The capture shows by `answer` that the gateway was draining and has not decided this call."""


NOTHING: Final = Replayed(None, "")


class GatewayReplay:
    """Feeds a proxy from a capture. The datagrams must come in the order in which they were captured."""

    def __init__(self, proxy: SipProxy, addresses: Collection[Address]) -> None:
        """`addresses` are those at which the captured gateway listened; the proxy must be told the same host and port,
        or it will not know its own Via and Route.
        """
        self._proxy: Final = proxy
        self._addresses: Final = frozenset(addresses)
        self._now_us = 0
        self._sent: Final[_Bounded[_Key, _Sent]] = _Bounded()
        self._branches: Final[_Bounded[bytes, bytes]] = _Bounded()  # the capture's branch to the replay's
        self._answered: Final[_Bounded[_Key, int]] = _Bounded()  # the highest status sent back

    def enters(self, destination: Address) -> bool:
        """Whether what is sent there reaches the gateway."""
        return destination in self._addresses

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

    def see_transfer(self, _transfer: Mtp3Transfer, _at_us: int) -> Replayed:
        return NOTHING

    def _wake(self, at_us: int) -> None:
        """Let the time pass, each timer at its own time. A live clock does not go back, so nor does this one."""
        at_us = max(at_us, self._now_us)
        due = self._proxy.next_wake_us
        while due is not None and due <= at_us:
            self._now_us = max(due, self._now_us)
            self._note(self._proxy.wake(self._now_us))
            due = self._proxy.next_wake_us
        self._now_us = at_us

    def _receive(self, payload: bytes, source: Address, is_response: bool) -> Replayed:
        actions = self._proxy.receive(payload, Hop(*source), self._now_us)
        self._note(actions)
        for action in actions:
            if isinstance(action, Decided):
                return Replayed(action.call, "")
        if is_response:
            return NOTHING
        answer = next((action.data for action in actions if isinstance(action, Send)), b"")
        if not answer.startswith(b"SIP/2.0 ") or answer.startswith(b"SIP/2.0 1"):
            return NOTHING
        return Replayed(None, answer[8 : answer.find(b"\r\n")].decode("utf-8", "replace"))

    # -- what the replay sends ----------------------------------------------------------------------------------------

    def _note(self, actions: list[Action]) -> None:
        """Remember the branches and the answers of what this replay would send."""
        for action in actions:
            if not isinstance(action, Send):
                continue
            try:
                self._note_one(SipMessage(action.data), action.target)
            except Malformed:  # a 400 repeats the fields of the request, whatever is wrong with them
                continue

    def _note_one(self, message: SipMessage, target: Hop) -> None:
        vias = _vias(message, 1 if message.status else 2)
        if message.status:
            key = _key(vias[0], message)
            self._answered.put(key, max(message.status, self._answered.get(key, 0)))
        elif len(vias) == 2:
            via = b"Via: " + vias[0][1] + b"\r\n"
            self._sent.put(_key(vias[1], message), _Sent(vias[0][0].branch, via, target))

    # -- what the captured gateway sent -------------------------------------------------------------------------------

    def _learn(self, message: SipMessage, destination: Address) -> Replayed:
        vias = _vias(message, 1 if message.status else 2)
        if message.status:
            return self._relayed(message, _key(vias[0], message), destination)
        branch = vias[0][0].branch
        if len(vias) == 2:
            sent = self._sent.get(_key(vias[1], message))
            if sent is not None:
                if message.method == b"INVITE" and sent.target.address != destination and branch not in self._branches:
                    self._proxy.redirected(sent.branch, Hop(*destination))
                self._branches.put(branch, sent.branch)
        elif message.method == b"OPTIONS" and branch not in self._branches:
            self._probed(branch, Hop(*destination))
        return NOTHING

    def _probed(self, branch: bytes, target: Hop) -> None:
        """The gateway asked a member whether it is there."""
        actions: list[Action] = []
        member = self._proxy.members.by_hop.get(target)
        if member is not None:
            self._proxy.prober.probe(member, self._now_us, actions)
        for action in actions:
            if isinstance(action, Send):
                self._branches.put(branch, parse_via(SipMessage(action.data).required(headers.VIA)).branch)

    def _relayed(self, response: SipMessage, key: _Key, destination: Address) -> Replayed:
        """A response that this replay has not sent was relayed from where the capture does not look."""
        sent, answered = self._sent.get(key), self._answered.get(key, 0)
        if sent is not None and response.status > max(100, answered):
            start = response.data.find(b"\r\n") + 2
            data = response.data[:start] + sent.via + response.data[start:]
            self._note(self._proxy.receive(data, Hop(*destination), self._now_us))
        if answered != 503 and response.data.startswith(NOT_DECIDED):
            return Replayed(None, f"503 {AT_CAPACITY}", overruled=True)
        return NOTHING

    def _translated(self, payload: bytes) -> bytes:
        """A response with this replay's branch in place of the captured gateway's."""
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


def _vias(message: SipMessage, count: int) -> list[tuple[Via, bytes]]:
    """The topmost Vias, at most `count`, each with its text. Raises `Malformed` where there is none."""
    found: list[tuple[Via, bytes]] = []
    for span in message.spans(headers.VIA):
        text = message.text(span)
        while text and len(found) < count:
            via = parse_via(text)
            found.append((via, text[: via.end].strip()))
            text = text[via.end :].lstrip(b", \t")
        if len(found) == count:
            break
    if not found:
        raise Malformed("the Via header field is missing", message.head_end)
    return found


def _key(via: tuple[Via, bytes], message: SipMessage) -> _Key:
    value, text = via
    branch = value.branch if value.branch.startswith(b"z9hG4bK") else text
    return branch, value.host, value.port, message.required(headers.CALL_ID), message.required(headers.CSEQ)
