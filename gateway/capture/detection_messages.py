"""What detectors are told where nothing is known but the messages: no gateway, no provider, no limit.

Every address, and every exchange, that calls come from is taken for a trunk group, known by its name. A call is let
through; how it gets on, its own messages say.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from gateway.capture.auditing import EMPTY_LINES, SIP_PORT, looks_like_sip
from gateway.capture.detection_result import CALLS_ON_ANOTHER_LEG
from gateway.capture.msu import LinkMessage, Msu, Unread
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, tag_of
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Address, Hop, Side, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.verdict import Decision, Outcome
from gateway.policy.watch import Watch

if TYPE_CHECKING:
    from gateway.capture.sigtran import Ss7
    from gateway.codecs.ss7.isup import IsupMessage

MOST_CALLS: Final = 100_000
"""Calls whose end is waited for; of the oldest beyond, no more is known than that it came."""
MOST_GROUPS: Final = 100_000
"""Addresses that are taken for a trunk group; further ones are taken for one together."""
REST: Final = "other addresses"
EMERGENCY_NUMBERS: Final = frozenset({"911"})
_CHALLENGES: Final = frozenset({401, 407})
"""After these the same call is tried again (RFC 3261 section 22)."""
_NOBODY: Final = ProviderFinder(None, None)

_K = TypeVar("_K")


@dataclass(slots=True)
class _Call:
    """A call on its way."""

    attempt: CallAttempt
    decision: Decision
    progressed_us: int | None = None
    answered_us: int | None = None


class _Calls(Generic[_K]):
    """The calls that are not over, bounded."""

    def __init__(self) -> None:
        self._calls: Final[OrderedDict[_K, _Call]] = OrderedDict()

    def begin(self, key: _K, call: _Call) -> None:
        self._calls[key] = call
        if len(self._calls) > MOST_CALLS:
            self._calls.popitem(last=False)

    def get(self, key: _K) -> _Call | None:
        return self._calls.get(key)

    def end(self, key: _K) -> _Call | None:
        return self._calls.pop(key, None)


class MessagesFeed:
    """Follows calls by their messages, each leg by itself."""

    def __init__(self, seen: Counter[str]) -> None:
        """`seen` is where it is counted what the detectors were told of."""
        self.watch: Watch | None = None
        self._seen: Final = seen
        self._sip: Final[_Calls[tuple[bytes, Address, Address]]] = _Calls()
        self._first_legs: Final[OrderedDict[bytes, tuple[Address, Address]]] = OrderedDict()
        """By Call-ID, of as many calls, between which addresses each was seen first."""
        self._isup: Final[_Calls[tuple[int, int, int]]] = _Calls()
        self._groups: Final[dict[str, Decision]] = {}

    def take(self, captured: Datagram | Ss7) -> None:
        if isinstance(captured, Datagram):
            self._take_datagram(captured)
        elif isinstance(captured, Unread):
            if captured.source is not None:
                self._malformed(Hop(*captured.source), captured.at_us)
        elif isinstance(captured, Msu):
            self._take_msu(captured)
        elif not isinstance(captured, LinkMessage):
            raise TypeError(captured)

    def pass_time(self, at_us: int) -> None:
        """Nothing becomes known with the time."""

    # -- SIP ----------------------------------------------------------------------------------------------------------

    def _take_datagram(self, datagram: Datagram) -> None:
        payload, source = datagram.payload, Hop(*datagram.source)
        if not looks_like_sip(payload):
            sip_port = SIP_PORT in (datagram.source[1], datagram.destination[1])
            if not sip_port or not payload.strip(EMPTY_LINES):
                return
        try:
            message = SipMessage(payload)
            if message.status:
                self._take_response(message, datagram)
            else:
                self._take_request(message, datagram)
        except Malformed:
            if not datagram.truncated:
                self._malformed(source, datagram.at_us)

    def _take_request(self, request: SipMessage, datagram: Datagram) -> None:
        method, watch = request.method, self.watch
        source, destination, at_us = datagram.source, datagram.destination, datagram.at_us
        call_id = request.required(headers.CALL_ID)
        if method == b"INVITE":
            if not datagram.truncated:
                request.check()
            if not tag_of(request.required(headers.TO)):
                self._take_invite(request, (call_id, source, destination), Hop(*source), at_us)
        elif method == b"BYE":
            for key in ((call_id, source, destination), (call_id, destination, source)):
                self._over(self._sip.end(key), at_us)
        elif method in (b"REGISTER", b"OPTIONS") and watch is not None and not tag_of(request.required(headers.TO)):
            self._seen[method.decode()] += 1
            watch.request(Hop(*source), method, at_us)

    def _take_invite(self, invite: SipMessage, key: tuple[bytes, Address, Address], source: Hop, at_us: int) -> None:
        if self._sip.get(key) is not None:
            return  # sent again, or captured twice
        decision = self._decision_for(source.host)
        attempt = attempt_of_invite(invite, at_us, source, decision.egress)
        self._begin(self._sip, key, attempt, decision)
        leg = key[1:]
        if self._first_legs.setdefault(key[0], leg) != leg:
            self._seen[CALLS_ON_ANOTHER_LEG] += 1
        elif len(self._first_legs) > MOST_CALLS:
            self._first_legs.popitem(last=False)

    def _take_response(self, response: SipMessage, datagram: Datagram) -> None:
        status, (_, method) = response.status, response.cseq()
        asker, at_us = datagram.destination, datagram.at_us
        if status == 481 and method != b"INVITE" and self.watch is not None:
            self._seen["stray"] += 1
            self.watch.stray(Hop(*asker), at_us)
        if method != b"INVITE" or status < 180:
            return
        key = (response.required(headers.CALL_ID), asker, datagram.source)
        self._progress(self._sip, key, answered=200 <= status < 300, at_us=at_us)
        if status >= 300 and status not in _CHALLENGES:
            self._over(self._sip.end(key), at_us)

    # -- ISUP ---------------------------------------------------------------------------------------------------------

    def _take_msu(self, msu: Msu) -> None:
        from gateway.codecs.ss7.isup import IsupMessage, MessageType  # loaded for a capture that has some of it
        from gateway.codecs.ss7.mtp3 import ServiceIndicator, point_code_text

        transfer = msu.transfer
        if transfer.si != ServiceIndicator.ISUP:
            return
        opc = point_code_text(transfer.opc, msu.variant)
        try:
            message = IsupMessage(transfer.data, msu.variant)
            cic = message.cic or 0
            forwards, backwards = (transfer.opc, transfer.dpc, cic), (transfer.dpc, transfer.opc, cic)
            if message.type == MessageType.IAM:
                self._take_iam(message, forwards, Hop(opc, cic, Transport.SS7), msu.at_us)
            elif message.type in (MessageType.ACM, MessageType.CPG, MessageType.ANM, MessageType.CON):
                answered = message.type in (MessageType.ANM, MessageType.CON)
                self._progress(self._isup, backwards, answered=answered, at_us=msu.at_us)
            elif message.type in (MessageType.REL, MessageType.RSC):
                for key in (forwards, backwards):
                    self._over(self._isup.end(key), msu.at_us)
        except Malformed:
            self._malformed(Hop(opc, 0, Transport.SS7), msu.at_us)

    def _take_iam(self, iam: IsupMessage, key: tuple[int, int, int], source: Hop, at_us: int) -> None:
        from gateway.signalling.isup_attempt import attempt_of_iam

        decision = self._decision_for(source.host)
        attempt = attempt_of_iam(
            iam,
            at_us=at_us,
            call_id=f"{source.host}/{source.port}",
            source=source,
            ingress=decision.egress,
            find_provider=_NOBODY.provider_of,
            emergency_numbers=EMERGENCY_NUMBERS,
        )
        self._over(self._isup.end(key), at_us)  # seized again: its release is not in the capture
        self._begin(self._isup, key, attempt, decision)

    # -- what is told -------------------------------------------------------------------------------------------------

    def _decision_for(self, name: str) -> Decision:
        """The decision that every call from an address gets, with what is taken for its trunk group."""
        known = self._groups.get(name)
        if known is None:
            if len(self._groups) >= MOST_GROUPS:
                name = REST
            group = TrunkGroup(name, Side.PARTNER, Ocn(""), "", ())
            known = self._groups[name] = Decision(Outcome.ADMIT, group, (), ())
        return known

    def _begin(self, calls: _Calls[_K], key: _K, attempt: CallAttempt, decision: Decision) -> None:
        calls.begin(key, _Call(attempt, decision))
        self._seen["calls"] += 1
        self._seen["emergency calls"] += attempt.emergency
        if self.watch is not None:
            self.watch.decided(attempt, decision)

    def _progress(self, calls: _Calls[_K], key: _K, *, answered: bool, at_us: int) -> None:
        call = calls.get(key)
        if call is None:
            return
        if call.progressed_us is None:
            call.progressed_us = at_us
        if answered and call.answered_us is None:
            call.answered_us = at_us

    def _over(self, call: _Call | None, at_us: int) -> None:
        if call is not None and self.watch is not None:
            self.watch.ended(call.attempt, call.decision, call.progressed_us, call.answered_us, at_us)

    def _malformed(self, source: Hop, at_us: int) -> None:
        self._seen["malformed"] += 1
        if self.watch is not None:
            self.watch.malformed(source, at_us)


def attempt_of_invite(invite: SipMessage, at_us: int, source: Hop, group: TrunkGroup | None) -> CallAttempt:
    """The call that an INVITE attempts, of no known provider. Raises `Malformed`."""
    from gateway.signalling.sip_attempt import attempt_of  # what reads SIP is not loaded for a capture of SS7 alone

    return attempt_of(
        invite,
        at_us=at_us,
        source=source,
        ingress=group,
        find_provider=_NOBODY.provider_of,
        emergency_numbers=EMERGENCY_NUMBERS,
    )
