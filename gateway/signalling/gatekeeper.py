"""What the gate means for each request: what passes where it is closed, what is answered, and what came of it."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.codecs.sip import SipMessage, headers, tag_of
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Finding, Verdict
from gateway.signalling.call import Action, Ended, Send
from gateway.signalling.calls import CallsUp
from gateway.signalling.gate import Gate
from gateway.signalling.next_hop import NextHops
from gateway.signalling.origins import Origin, Trunk
from gateway.signalling.own_side import OwnSide
from gateway.signalling.proxy_settings import ProxyCounters
from gateway.signalling.transaction_layer import ServerKey, TransactionLayer

OVER_ALLOWANCE: Final = Finding(
    *("rate_limit", Verdict.OVER_LIMIT, "L8", "too much of what its source sent came to nothing"),
    refusal=REFUSALS[Reason.OVER_ALLOWANCE],
)
"""Why a call is refused that the gate lets nobody read."""

MOST_HOSTS: Final = 4_096
"""Strangers' addresses that are told apart between two looks at what was dropped of them."""
OTHER_HOSTS: Final = "other addresses"
"""All those beyond, together."""


class TrafficObserver(Protocol):
    """Who wants to know of messages that open no call: what watches for floods of them. Times are microseconds."""

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        """A request came that is neither of a call nor of a dialog: REGISTER, OPTIONS."""

    def malformed(self, source: Hop, at_us: int) -> None:
        """A message came that cannot be read."""

    def stray(self, source: Hop, at_us: int) -> None:
        """A message came that belongs to nothing: a request within a dialog or a CANCEL that gets 481, a response to
        no request of ours, an ACK for nothing."""

    def repeated(self, source: Hop, at_us: int) -> None:
        """A request came again, answered from memory or dropped."""

    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        """So many messages came that belong to no trunk group: new calls; what is dropped unread is asked for."""


class Gatekeeper:
    """Stands at the gate, and knows the transactions and dialogs that are up."""

    def __init__(
        self,
        own: OwnSide,
        gate: Gate,
        layer: TransactionLayer,
        calls: CallsUp,
        next_hops: NextHops,
        counters: ProxyCounters,
    ) -> None:
        self._own: Final = own
        self._gate: Final = gate
        self._layer: Final = layer
        self._calls: Final = calls
        self._restored: Final = next_hops.restored
        self._counters: Final = counters
        self.observer: TrafficObserver | None = None
        self._unwelcome: dict[str, int] = {}

    # -- strangers ----------------------------------------------------------------------------------------------------

    def unwelcome(self, source: Hop) -> None:
        """A message of a host that is no member's is dropped unread. That must cost next to nothing, also where each
        comes from another address.
        """
        self._counters.unwelcome += 1
        host = source.host
        if host not in self._unwelcome and len(self._unwelcome) >= MOST_HOSTS:
            host = OTHER_HOSTS
        self._unwelcome[host] = self._unwelcome.get(host, 0) + 1

    def take_unwelcome(self) -> list[tuple[Hop, int]]:
        """How many messages of each host were since this was asked last; port 0 stands for all ports."""
        unwelcome, self._unwelcome = self._unwelcome, {}
        return [(Hop(host, 0), count) for host, count in unwelcome.items()]

    def calls_on_no_trunk(self, source: Hop, at_us: int) -> None:
        """A new call belongs to no trunk group."""
        if self.observer is not None:
            self.observer.stranger(source, 1, at_us)

    # -- requests -----------------------------------------------------------------------------------------------------

    def repeats(self, source: Hop, origin: Origin | None, trunk: Trunk | None, closed: bool, at_us: int) -> bool:
        """Whether a request that came again is answered from memory, as it is while its source keeps to its
        allowance.
        """
        self._counters.absorbed += 1
        if self.observer is not None:
            self.observer.repeated(source, at_us)
        if origin is None:
            return True
        if closed and not origin.spared.take(at_us):
            self._counters.shed["repeats dropped"] += 1
            return False
        self._gate.spent(origin, trunk, at_us)
        return True

    def looks_at_malformed(self, source: Hop, origin: Origin | None, at_us: int) -> bool:
        """Whether what cannot be read is answered, where it can be."""
        if self.observer is not None:
            self.observer.malformed(source, at_us)
        if origin is None:
            return True
        if self._gate.is_closed(origin, origin.trunk, at_us):
            self._counters.shed["answers to malformed"] += 1
            return False
        self._gate.wasted(origin, origin.trunk, None, at_us)
        return True

    def drops(self, invite: SipMessage, origin: Origin, at_us: int) -> bool:
        """Whether an INVITE of a member over UDP is dropped at once: a flood's, of which so many were answered already
        that nobody need know where the answer would go, or whether it came before. Raises `Malformed`.
        """
        trunk = origin.trunk
        if trunk is None or not self._gate.is_closed(origin, trunk, at_us) or self._gate.may_answer(origin, at_us):
            return False
        if tag_of(invite.required(headers.TO)) or self._gate.passes(self._restored(invite), origin, trunk, at_us):
            return False
        self._counters.shed["calls dropped"] += 1
        return True

    def passes(
        self, request: SipMessage, key: ServerKey, source: Hop, origin: Origin, trunk: Trunk | None, at_us: int
    ) -> bool:
        """Whether a request passes the closed gate: what belongs to a call that is up does, and what `Gate` lets.

        Raises `Malformed`.
        """
        method = request.method
        if method == b"CANCEL":
            branch, host, port, _, sender = key
            invite = self._layer.server((branch, host, port, b"INVITE", sender))
            if invite is None:
                return False
            client = invite.client
            first = client is not None and not client.cancelled and not client.cancel_wanted
            return first or origin.spared.take(at_us)
        to_tag = tag_of(request.required(headers.TO))
        if to_tag:
            from_tag = tag_of(request.required(headers.FROM))
            found = self._calls.dialogs.find(request.required(headers.CALL_ID), from_tag, to_tag, source.host)
            return found is not None
        if method == b"INVITE":
            return self._gate.passes(self._restored(request), origin, trunk, at_us)
        return method == b"OPTIONS" and origin.spared.take(at_us)

    def answers(self, request: SipMessage, source: Hop, origin: Origin, trunk: Trunk | None, at_us: int) -> bool:
        """Whether a request that does not pass is refused with an answer: a new call on a trunk group, so many a
        second. Everything else is dropped. Raises `Malformed`.
        """
        method = request.method
        in_dialog = method == b"CANCEL" or bool(tag_of(request.required(headers.TO)))
        if method != b"INVITE" or in_dialog:
            self._counters.shed["requests dropped"] += 1
            if in_dialog:
                self.stray(source, at_us)
            else:
                self.request(source, method, at_us)
            return False
        answered = trunk is not None and self._gate.takes_answer(origin, at_us)
        self._counters.shed["calls refused" if answered else "calls dropped"] += 1
        if answered:
            origin.answered()
        return answered

    def weigh(
        self,
        request: SipMessage,
        opens_call: bool,
        source: Hop,
        origin: Origin,
        trunk: Trunk | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """What came of a request: nothing, where all that was done is to answer it."""
        last = actions[-1] if actions else None
        answered = type(last) is Send and last.data.startswith(b"SIP/2.0 ") and not last.data.startswith(b"SIP/2.0 1")
        if answered or type(last) is Ended:
            if request.method == b"INVITE":
                origin.answered()
            stray = type(last) is Send and last.data.startswith(b"SIP/2.0 481")
            if request.method == b"OPTIONS" and not stray:
                self._gate.spent(origin, trunk, at_us)
            else:
                self._gate.wasted(origin, trunk, request if opens_call else None, at_us)
            if stray:
                self.stray(source, at_us)
        elif opens_call and origin.short:
            self._gate.good(origin, trunk, request, at_us)

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        """A request came that is neither of a call nor of a dialog."""
        if self.observer is not None:
            self.observer.request(source, method, at_us)

    def acknowledged(self, ack: SipMessage, source: Hop, origin: Origin | None, at_us: int) -> None:
        """An ACK came for no call that is up and for no transaction. It has our tag where it is for an answer that left
        none; but of these there is one for each answer, or whoever was given one tag could send it without end. Of
        strangers so few messages are looked at that they need not be counted. Raises `Malformed`.
        """
        if self._own.has_answered(ack):
            if origin is None:
                return
            if origin.unacknowledged:
                origin.unacknowledged -= 1
                return
        self.belongs_to_nothing(source, at_us)

    def belongs_to_nothing(self, source: Hop, at_us: int) -> None:
        """A response or an ACK goes no further."""
        self._counters.stray += 1
        self.stray(source, at_us)

    def stray(self, source: Hop, at_us: int) -> None:
        """A message belongs to nothing."""
        if self.observer is not None:
            self.observer.stray(source, at_us)
