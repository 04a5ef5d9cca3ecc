"""The SIP element that stands between the exchange and the proxy: a user agent for each call that changes networks.

Towards the proxy it is the member of a trunk group whose calls leave on circuits, and the caller of calls that come on
circuits. Both talk in SIP, in memory: what the proxy sends to a hop of `Transport.SS7` comes here, and what is said
here goes to the proxy as `ToProxy`. No socket can say anything in its name, for none has that transport.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_uri, tag_of
from gateway.codecs.ss7.isup import IsupMessage
from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup
from gateway.policy.canonical import is_restricted
from gateway.signalling.call import Action, Call, EndedBy, ToProxy
from gateway.signalling.isup_attempt import nobodys_call
from gateway.signalling.requests import unsupported_by_us
from gateway.signalling.sip_attempt import attempt_of
from gateway.signalling.ss7.half_call import HalfCall
from gateway.signalling.ss7.interworking import causes
from gateway.signalling.ss7.interworking.agent import Agent
from gateway.signalling.ss7.interworking.called_side import CalledSide
from gateway.signalling.ss7.interworking.calling_side import CallingSide
from gateway.signalling.ss7.interworking.encapsulated_iam import merged
from gateway.signalling.ss7.interworking.iam_of_invite import iam_of_invite
from gateway.signalling.ss7.interworking.sdp import Media, NotAcceptable
from gateway.signalling.ss7.interworking.settings import InterworkingSettings
from gateway.signalling.ss7.interworking.sip_i import ACCEPT, NOTHING, bodies_of
from gateway.signalling.ss7.interworking.sip_writing import ALLOW, SUPPORTED, answer_to, host_of, tag_for

_KNOWN_OPTIONS: Final = frozenset({b"100rel", b"timer"})
_WITHOUT_REFRESHES: Final = frozenset({b"100rel"})


class Circuits(Protocol):
    """Where circuits are seized: the exchange."""

    def seize(
        self,
        group: TrunkGroup,
        iam: IsupMessage,
        other: HalfCall,
        at_us: int,
        actions: list[Action],
        *,
        emergency: bool = False,
    ) -> HalfCall | None:
        """Send an IAM on a circuit of the group; None where there is none."""


class Interworking:
    """The user agents of all calls between circuits and SIP. Times are in microseconds."""

    def __init__(self, settings: InterworkingSettings, groups: Iterable[TrunkGroup], circuits: Circuits) -> None:
        self._settings: Final = settings
        self._circuits: Final = circuits
        self._agent: Final = Agent(settings)
        self._groups: Final = {
            group.members[0].hop: group for group in groups if group.circuits is not None and group.members
        }
        self.unreadable = 0
        """Messages of the proxy that could not be read: what a far end wrote into them."""

    # -- from SIP -----------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, target: Hop, at_us: int, actions: list[Action]) -> None:
        """What the proxy sends to an exchange. Never raises: what cannot be read is refused, or dropped.

        `target` is the exchange as a trunk group's member has it, or as a call's own hop names it.
        """
        read: SipMessage | None = None
        try:
            read = SipMessage(data)
            if read.status:
                self._take_response(read, at_us, actions)
            else:
                self._take_request(read, target, at_us, actions)
        except Malformed:
            self.unreadable += 1
            if read is not None and not read.status and read.method != b"ACK":
                with suppress(Malformed):  # it lacks what an answer must repeat
                    self._refuse(read, target, 400, actions)

    def _take_response(self, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        tag = tag_of(response.required(headers.FROM))
        half = self._agent.halves.get((response.required(headers.CALL_ID), tag))
        if half is not None:
            half.take_response(response, at_us, actions)

    def _take_request(self, request: SipMessage, target: Hop, at_us: int, actions: list[Action]) -> None:
        call_id = request.required(headers.CALL_ID)
        tag = tag_of(request.required(headers.TO))
        opening = not tag
        if opening:
            tag = tag_for(call_id, tag_of(request.required(headers.FROM)))
        half = self._agent.halves.get((call_id, tag))
        if opening and request.method == b"INVITE":
            if half is None:
                self._open(request, target, at_us, actions)
            else:  # the same request over another path (RFC 3261 section 8.2.2.2)
                self._refuse(request, target, 482, actions)
        elif opening and request.method == b"OPTIONS":
            self._refuse(request, target, 200, actions, lines=ALLOW + ACCEPT + SUPPORTED)
        elif half is not None:
            half.take_request(request, at_us, actions)
        elif request.method != b"ACK":
            self._refuse(request, target, 481, actions)

    def _open(self, invite: SipMessage, target: Hop, at_us: int, actions: list[Action]) -> None:
        """An INVITE that was let through: its call leaves on a circuit (RFC 3398 section 7.2.1).

        No body stops an emergency call: where its offer cannot be answered, it is told what the media could be.
        """
        group = self._groups.get(target)
        if group is None or group.circuits is None:
            raise AssertionError(f"the proxy has sent a call to {target}, which is no trunk group's member")
        unsupported = unsupported_by_us(invite, headers.REQUIRE, _known_options(invite))
        if unsupported:
            self._refuse(invite, target, 420, actions, lines=b"Unsupported: %s\r\n" % unsupported)
            return
        attempt = attempt_of(
            invite,
            at_us=at_us,
            source=target,
            ingress=None,
            find_provider=nobodys_call,
            emergency_numbers=self._settings.emergency_numbers,
        )
        media = Media(self._settings.media, invite.required(headers.CALL_ID))
        bodies, description = NOTHING, b""
        try:
            bodies = bodies_of(invite)
            description = media.answer(bodies.sdp) if bodies.sdp is not None else b""
        except Malformed:
            if not attempt.emergency:
                raise
        except NotAcceptable as refused:
            if not attempt.emergency:
                warning = f'Warning: {refused.warning} gateway "{refused.text}"\r\n'.encode()
                self._refuse(invite, target, 488, actions, lines=warning)
                return
        if bodies.unknown and not attempt.emergency:
            self._refuse(invite, target, 415, actions, lines=ACCEPT)
            return
        variant = group.circuits.variant
        try:
            iam = iam_of_invite(attempt, variant, media.bearer)
        except Malformed:  # a name, and no number: no exchange has it
            self._refuse(invite, target, 404, actions, lines=_reason(causes.UNALLOCATED_NUMBER))
            return
        if bodies.isup is not None and attempt.encapsulated is not None:  # what was not judged does not go on
            iam = merged(iam, bodies.isup, restricted=bool(is_restricted(attempt)))
        side = CallingSide(self._agent, invite, bodies.edition, target, variant, media, description)
        half = self._circuits.seize(group, iam, side, at_us, actions, emergency=attempt.emergency)
        if half is None:
            self._refuse(invite, target, 503, actions, lines=_reason(causes.NO_CIRCUIT_AVAILABLE))
            return
        side.other = half
        side.proceed(actions)

    def _refuse(self, request: SipMessage, target: Hop, status: int, actions: list[Action], lines: bytes = b"") -> None:
        """Answer a request of no dialog of ours. Raises `Malformed` where it lacks what an answer must repeat."""
        tag = tag_for(request.required(headers.CALL_ID), tag_of(request.required(headers.FROM)))
        actions.append(ToProxy(answer_to(request, status, tag, lines), target))

    # -- from circuits ------------------------------------------------------------------------------------------------

    def call_from_circuit(
        self, call: Call, iam: IsupMessage, half: HalfCall, at_us: int, actions: list[Action]
    ) -> HalfCall:
        """A call that the engine has let through leaves over SIP (RFC 3398 section 8.2.1): its SIP half.

        `iam` is as it came, `half` its half on the circuit. The proxy keeps the call's books from here on.
        """
        ingress, egress = call.attempt.ingress, call.decision.egress
        if ingress is None or egress is None or not ingress.members:
            raise AssertionError("a call that came on a circuit and was let through has two trunk groups")
        target = _address_of(egress)
        side = CalledSide(self._agent, call, iam, half, ingress.members[0].hop.port, target, egress.sip_i)
        side.call_out(at_us, actions)
        return side

    def call_ended(self, call: Call, at_us: int, actions: list[Action]) -> None:
        """A call has ended in the proxy's books. Where nobody hung up, its circuit is still to be released."""
        if call.ended_by is not EndedBy.EXPIRED and call.ended_by is not EndedBy.TIMEOUT:
            return
        attempt = call.attempt
        call_id = attempt.call_id.encode()
        with suppress(Malformed):
            caller = b"" if attempt.source.transport is Transport.SS7 else tag_of(attempt.from_.raw)
            half = self._agent.halves.get((call_id, tag_for(call_id, caller)))
            if half is not None:
                half.abandon(at_us, actions)

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        return self._agent.timers.next_us

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Do what is due."""
        for timer, half in self._agent.timers.due(at_us):
            half.due(timer, at_us, actions)

    def __len__(self) -> int:
        """Dialogs that are known."""
        return len(self._agent.halves)


def _address_of(group: TrunkGroup) -> bytes:
    """Host and port of a trunk group's first member, which the Request-URI names: the proxy chooses who gets it."""
    if group.members:
        hop = group.members[0].hop
        return b"%s:%d" % (host_of(hop), hop.port)
    if group.names:
        uri = parse_uri(group.names[0].uri.encode())
        return uri.host + (b":%d" % uri.port if uri.port else b"")
    return b"unknown.invalid"


def _reason(cause: int) -> bytes:
    return b"Reason: %s\r\n" % causes.reason_of(cause, causes.PUBLIC_NETWORK_SERVING_LOCAL_USER)


def _known_options(invite: SipMessage) -> frozenset[bytes]:
    """Extensions that may be required: session timers, unless it were for us to refresh the session (RFC 4028)."""
    interval = invite.value(headers.SESSION_EXPIRES)
    return _WITHOUT_REFRESHES if interval is not None and b"refresher=uas" in interval.lower() else _KNOWN_OPTIONS
