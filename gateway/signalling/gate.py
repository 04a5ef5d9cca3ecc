"""What floods cheaply is refused cheaply (L8): the gate stands before everything that costs.

Every message that comes to nothing (a call that is refused, whatever for; what cannot be read; a request that belongs
to nothing) takes one from the allowance of its source, of its trunk group, of the carrier that answers for it, and of
the gateway. A call that goes on gives one back: so a source may cost the gateway, in vain, as much as its good calls
do, and a set number of messages a second.

Where a source has nothing left, the gate is closed to it. Where its trunk group or the gateway has nothing left, as in
a flood from many sources, it is closed to all sources but those whose latest calls went on. A new call before the
closed gate is looked at only as far as it takes to tell an emergency call (L10), which passes, and the carrier that
answers for it: one of which not too much has come to nothing passes too. All others are refused without being read any
further, so many a second with an answer, and the rest without.

Nothing here is a judgement on a call: the engine never sees what is shed, and nobody's quota is touched.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_name_addr, split_list
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt
from gateway.signalling.allowance import Allowance
from gateway.signalling.ingress import Ingress
from gateway.signalling.origins import GOOD_STANDING, Origin, Trunk
from gateway.signalling.sip_attempt import is_emergency, read_uri

GATEWAY_SHARE: Final = 4
"""How many times a source's allowance the gateway has: what comes to nothing shall take a small part of its time."""
MOST_HOLDERS: Final = 8_192
HOLDERS_US: Final = 60_000_000
"""Numbers whose carrier is remembered, at most, and for how long at most: a flood repeats the same few."""
_CALLING: Final = (headers.P_ASSERTED_IDENTITY, headers.FROM)
"""Where a calling number stands: the first of them that has one (RFC 3325)."""
_BEGIN_NUMBERS: Final = frozenset(b"%c" % character for character in b"+0123456789(")
_LONGEST_NUMBER: Final = 32
_NOT_LOOKED_UP: Final = Ocn("")
_USUAL: Final = b";user=phone"
_UDP: Final = Transport.UDP
_SS7: Final = Transport.SS7


class Shed(NamedTuple):
    """New calls that were refused, or dropped, without being read."""

    source: Hop
    """Over UDP the address and port, 0 for all ports that are no member's; over connections, port 0."""
    trunk_group: str | None
    provider: Ocn | None
    """The carrier that answers for them on a partner's trunk group; None where it is none of the configuration, and for
    calls from the host: who is called has not made them."""
    calls: int


class Gate:
    """Knows where messages come from, and how much of what came from there came to nothing.

    Bounded by the configuration: its members, their hosts, its carriers, and the connections that are up.
    """

    def __init__(
        self,
        ingress: Ingress,
        finder: ProviderFinder,
        emergency_numbers: frozenset[str],
        wasted_per_s: int,
        refusals_per_s: int,
    ) -> None:
        """`wasted_per_s`: messages of a source that may come to nothing, beside as many as came to something.
        `refusals_per_s`: answers to what is shed of it; of all sources together, as many times more as they may waste.
        """
        self._ingress: Final = ingress
        self._finder: Final = finder
        self._emergency_numbers: Final = emergency_numbers
        self._emergency_digits: Final = frozenset(digits.encode() for digits in emergency_numbers)
        self._holders: Final[dict[bytes, Ocn | None]] = {}
        self._holders_until_us = 0
        self._wasted: Final = wasted_per_s
        self._answers: Final = refusals_per_s
        self._all_answers: Final = Allowance(refusals_per_s * GATEWAY_SHARE)
        self._origins: Final[dict[Hop, Origin]] = {}
        self._hosts: Final[dict[Hop, Origin]] = {}
        """Origins of what comes from a member's host and is no member: by host and transport."""
        self._trunks: Final[dict[str, Trunk]] = {}
        self._all: Final = Allowance(wasted_per_s * GATEWAY_SHARE)
        self._user_agent: Final = Origin(Hop("", 0, _SS7), None, None, wasted_per_s, refusals_per_s)
        """Our own, between circuits and SIP: it says no more than the exchange behind it, and is never shed."""
        self._shed: dict[tuple[Hop, str | None, Ocn | None], int] = {}

    # -- who is it? ---------------------------------------------------------------------------------------------------

    def origin_of(self, source: Hop) -> Origin | None:
        """The origin of a message; None where it comes from the host of no member of a trunk group."""
        origin = self._origins.get(source)
        return origin if origin is not None else self._new_origin(source)

    def trunk_of(self, origin: Origin, group: TrunkGroup | None) -> Trunk | None:
        """The trunk group that a message came on, as the gate knows it."""
        if origin.trunk is not None or group is None:
            return origin.trunk
        return self._trunk(group)

    def members_changed(self) -> None:
        """Some members are no longer what they were. What is left of the allowances of those that stay, stays."""
        known = self._origins.copy()
        self._origins.clear()
        for hop, origin in known.items():
            if self._ingress.is_member(hop) and self._group_of_datagrams(hop) is origin.group:
                self._origins[hop] = origin
        for host in [host for host in self._hosts if host.transport is not _SS7 and not self._ingress.is_member(host)]:
            del self._hosts[host]

    def closed(self, hop: Hop) -> None:
        """A connection is gone."""
        self._origins.pop(hop, None)

    def _new_origin(self, source: Hop) -> Origin | None:
        if source.transport is _SS7:
            return self._user_agent
        if not self._ingress.is_member(source):
            return None
        group = self._group_of_datagrams(source)
        if group is not None:
            trunk = self._trunk(group)
            origin = self._origins[source] = Origin(source, group, trunk, self._wasted, self._answers)
            return origin
        host = Hop(source.host, 0, source.transport)
        shared = self._hosts.get(host)
        if shared is None:
            shared = self._hosts[host] = Origin(host, None, None, self._wasted, self._answers)
        if source.transport is not _UDP:
            self._origins[source] = shared  # until the connection is closed; over UDP ports come and go
        return shared

    def _group_of_datagrams(self, source: Hop) -> TrunkGroup | None:
        return self._ingress.group_of(source, source.port) if source.transport is _UDP else None

    def _trunk(self, group: TrunkGroup) -> Trunk:
        trunk = self._trunks.get(group.name)
        if trunk is None:
            trunk = self._trunks[group.name] = Trunk(group, self._wasted)
        return trunk

    # -- what came of it ----------------------------------------------------------------------------------------------

    def wasted(self, origin: Origin, trunk: Trunk | None, invite: SipMessage | None, at_us: int) -> None:
        """A message came to nothing; `invite` is one that was to open a call."""
        if origin is self._user_agent:
            return
        self._charge(origin, trunk, at_us)
        if trunk is not None and invite is not None:
            self._allowance_of(trunk, self._carrier_of(invite, trunk, at_us)).charge(at_us)

    def spent(self, origin: Origin, trunk: Trunk | None, at_us: int) -> None:
        """A message came to nothing that says nothing of how good the calls of its source are: OPTIONS, by which a
        switch looks whether we are there, or a request that came again.
        """
        if origin is self._user_agent:
            return
        origin.short = True
        origin.allowance.charge(at_us)
        self._all.charge(at_us)
        if trunk is not None:
            trunk.allowance.charge(at_us)

    def _charge(self, origin: Origin, trunk: Trunk | None, at_us: int) -> None:
        self.spent(origin, trunk, at_us)
        origin.standing = max(origin.standing - 1, 0)
        if trunk is not None:
            trunk.standing = max(trunk.standing - 1, 0)

    def good(self, origin: Origin, trunk: Trunk | None, invite: SipMessage, at_us: int) -> None:
        """A call goes on, of an origin that is short."""
        self._give_back(origin, trunk)
        if trunk is not None:
            self._allowance_of(trunk, self._carrier_of(invite, trunk, at_us)).give_back()

    def _give_back(self, origin: Origin, trunk: Trunk | None) -> None:
        origin.allowance.give_back()
        self._all.give_back()
        if trunk is not None:
            trunk.allowance.give_back()
            trunk.standing = min(trunk.standing + 1, 10 * GOOD_STANDING)
        origin.standing = min(origin.standing + 1, GOOD_STANDING)
        origin.short = origin.standing < GOOD_STANDING or not origin.allowance.is_whole

    # -- whether it passes --------------------------------------------------------------------------------------------

    def is_closed(self, origin: Origin, trunk: Trunk | None, at_us: int) -> bool:
        """Whether new calls are looked at only superficially."""
        if origin.allowance.used_up and origin.allowance.is_used_up(at_us):
            return True
        return (
            not origin.standing
            and origin is not self._user_agent
            and (
                (trunk is not None and trunk.allowance.used_up and trunk.allowance.is_used_up(at_us))
                or (self._all.used_up and self._all.is_used_up(at_us))
            )
        )

    def passes(self, invite: SipMessage, origin: Origin, trunk: Trunk | None, at_us: int) -> bool:
        """Whether a new call passes although the gate is closed. What does not is counted as shed.

        `invite` is as it was before a strict router put our own Route into its Request-URI.
        """
        if trunk is None:  # no member: the engine would refuse an emergency call as well
            return self._is_shed(origin, trunk, None)
        if self._is_emergency(invite.request_uri):
            return True
        return self._passes_for(self._carrier_of(invite, trunk, at_us), origin, trunk, at_us)

    def _passes_for(self, carrier: Ocn | None, origin: Origin, trunk: Trunk, at_us: int) -> bool:
        """Whether a call passes the closed gate for the sake of the carrier that answers for it."""
        if not self._allowance_of(trunk, carrier).is_used_up(at_us):
            # Calls that change their carrier each time always find one that has something left: they come to an end
            # with what the gateway has.
            flooding = origin.allowance.is_used_up(at_us) or not trunk.standing
            if not flooding or not self._all.is_used_up(at_us):
                return True
        return self._is_shed(origin, trunk, carrier)

    def may_answer(self, origin: Origin, at_us: int) -> bool:
        """Whether what is shed of a source may get an answer, of its own and of those of all sources together.

        An answer costs more than to shed without one, and a thousand sources would each want theirs.
        """
        return not origin.answers.is_empty(at_us) and not self._all_answers.is_empty(at_us)

    def takes_answer(self, origin: Origin, at_us: int) -> bool:
        """The same; if so it is counted."""
        return self.may_answer(origin, at_us) and origin.answers.take(at_us) and self._all_answers.take(at_us)

    # -- calls on circuits --------------------------------------------------------------------------------------------

    def passes_on_circuit(self, attempt: CallAttempt) -> bool:
        """Whether a new call on a circuit may be decided; one that may not is counted as shed. Its source is the
        exchange at the circuit's far end.
        """
        group = attempt.ingress
        if group is None or attempt.emergency:
            return True
        origin, trunk = self._exchange(attempt.source), self._trunk(group)
        if not self.is_closed(origin, trunk, attempt.at_us):
            return True
        return self._passes_for(self._carrier_of_attempt(attempt, trunk), origin, trunk, attempt.at_us)

    def decided_on_circuit(self, attempt: CallAttempt, *, refused: bool) -> None:
        """What came of a new call on a circuit."""
        group = attempt.ingress
        if group is None:
            return
        origin, trunk = self._exchange(attempt.source), self._trunk(group)
        if refused:
            self._charge(origin, trunk, attempt.at_us)
            self._allowance_of(trunk, self._carrier_of_attempt(attempt, trunk)).charge(attempt.at_us)
        elif origin.short:
            self._give_back(origin, trunk)
            self._allowance_of(trunk, self._carrier_of_attempt(attempt, trunk)).give_back()

    def _exchange(self, source: Hop) -> Origin:
        exchange = Hop(source.host, 0, _SS7)
        origin = self._hosts.get(exchange)
        if origin is None:
            origin = self._hosts[exchange] = Origin(exchange, None, None, self._wasted, self._answers)
        return origin

    def _carrier_of_attempt(self, attempt: CallAttempt, trunk: Trunk) -> Ocn | None:
        carrier = attempt.provider
        if not trunk.from_partner:
            carrier = self._finder.provider_of(attempt.called.number, attempt.routing_number, attempt.at_us)[0]
        return carrier if carrier is not None and carrier in self._finder.carriers else None

    # -- what was shed ------------------------------------------------------------------------------------------------

    def take_shed(self) -> list[Shed]:
        """The calls that were shed since this was asked last."""
        shed, self._shed = self._shed, {}
        return [Shed(source, group, carrier, count) for (source, group, carrier), count in shed.items()]

    def _is_shed(self, origin: Origin, trunk: Trunk | None, carrier: Ocn | None) -> bool:
        blamed = carrier if trunk is not None and trunk.from_partner else None
        key = (origin.hop, trunk.name if trunk is not None else None, blamed)
        self._shed[key] = self._shed.get(key, 0) + 1
        return False

    def _is_emergency(self, uri: bytes) -> bool:
        user = _user_of(uri)
        if len(user) == 12 and user.startswith(b"+1") and user[2:].isdigit() and not user.startswith(b"+11"):
            return user[2:] in self._emergency_digits
        try:
            called = read_uri(uri)
        except Malformed:
            return False
        return is_emergency(called.uri, called.number, self._emergency_numbers)

    # -- who answers for a call ---------------------------------------------------------------------------------------

    def _allowance_of(self, trunk: Trunk, carrier: Ocn | None) -> Allowance:
        if carrier is None:
            return trunk.others
        allowance = trunk.carriers.get(carrier)
        if allowance is None:
            allowance = trunk.carriers[carrier] = Allowance(self._wasted)
        return allowance

    def _carrier_of(self, invite: SipMessage, trunk: Trunk, at_us: int) -> Ocn | None:
        """The carrier of the configuration that answers for a call: on a partner's group the calling number's holder,
        else the called number's, which is whom a call from the host cannot reach. None where it is no such carrier.
        """
        if not trunk.from_partner:
            return self._holder_of(invite.request_uri, at_us)
        for header in _CALLING:
            value = invite.value(header)
            if value is None:
                continue
            try:
                start, end = (0, len(value)) if b"," not in value else next(iter(split_list(value)), (0, 0))
                uri = parse_name_addr(value[start:end]).uri
            except Malformed:
                continue
            if _user_of(uri)[:1] in _BEGIN_NUMBERS:
                return self._holder_of(uri, at_us)
        return None

    def _holder_of(self, uri: bytes, at_us: int) -> Ocn | None:
        """The holder of the number in a URI, where it is a carrier of the configuration."""
        if at_us >= self._holders_until_us or len(self._holders) >= MOST_HOLDERS:
            self._holders.clear()
            self._holders_until_us = at_us + HOLDERS_US
        user, plain = _user_of(uri), _is_plain(uri)
        holder = self._holders.get(user, _NOT_LOOKED_UP) if plain else _NOT_LOOKED_UP
        if holder is not _NOT_LOOKED_UP:
            return holder
        try:
            read = read_uri(uri)
        except Malformed:
            return None
        holder = self._finder.provider_of(read.number, read.routing_number, at_us)[0]
        if holder not in self._finder.carriers:
            holder = None
        # What cannot be read, or carries no number, must not stand for the number that it looks like.
        if plain and read.number is not None and len(user) <= _LONGEST_NUMBER:
            self._holders[user] = holder
        return holder


def _is_plain(uri: bytes) -> bool:
    """Whether nothing in a URI but its number can say who holds it: no rn, however it is spelt, and no context."""
    return uri.count(b";") == uri.endswith(_USUAL)


def _user_of(uri: bytes) -> bytes:
    """The user part of a SIP URI, or the number of a tel URI, without parameters; as much as is needed to know it."""
    start = uri.find(b":") + 1
    end = uri.find(b"@", start)
    user = uri[start:end] if end >= 0 else uri[start:]
    parameters = user.find(b";")
    return user[:parameters] if parameters >= 0 else user
