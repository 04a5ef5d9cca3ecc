"""The members of the trunk groups while calls run over them: who is in service, who has room, whose turn it is.

How a member stands is a table: state and event give the next state. What calls and probes make known of a member comes
in as events, so that the same events give the same choices, live and in the audit of a capture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from heapq import heappop, heappush
from typing import Final, Protocol

from gateway.interconnection.trunk_groups import Hop, Member, Service, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.engine import NO_MEMBER_FINDING, NO_ROOM_FINDING
from gateway.policy.verdict import Decision, Finding
from gateway.signalling.call import Action, MemberChanged

TIMEOUT: Final = "timeout"
TRANSPORT: Final = "transport"
OVERLOAD: Final = "503"
FAILURE: Final = "5xx"
CAUSES: Final = (TIMEOUT, TRANSPORT, OVERLOAD, FAILURE)
"""Why calls go on to another member."""


class Event(Enum):
    """What is learnt of a member."""

    RESPONDED = auto()
    FAILED = auto()  # no response in time, or no way to it
    FAILED_TOO_OFTEN = auto()  # the last of as many failures in a row as the group allows
    OVERLOADED = auto()  # 503 with Retry-After
    PENALTY_OVER = auto()
    RETRY = auto()  # nothing probes it, and it has been out of service for long enough to be tried with a call


STANDING: Final[dict[Service, dict[Event, Service]]] = {
    Service.IN_SERVICE: {
        Event.FAILED: Service.SUSPECT,
        Event.FAILED_TOO_OFTEN: Service.OUT_OF_SERVICE,
        Event.OVERLOADED: Service.PENALISED,
    },
    Service.SUSPECT: {
        Event.RESPONDED: Service.IN_SERVICE,
        Event.FAILED_TOO_OFTEN: Service.OUT_OF_SERVICE,
        Event.OVERLOADED: Service.PENALISED,
    },
    Service.PENALISED: {  # what it answers otherwise ends nothing: it said itself until when
        Event.FAILED_TOO_OFTEN: Service.OUT_OF_SERVICE,
        Event.PENALTY_OVER: Service.IN_SERVICE,
    },
    Service.OUT_OF_SERVICE: {
        Event.RESPONDED: Service.IN_SERVICE,
        Event.OVERLOADED: Service.PENALISED,
        Event.RETRY: Service.SUSPECT,
    },
}
"""What is not in it changes nothing."""

_IN_SERVICE: Final = Service.IN_SERVICE
USED: Final = frozenset({Service.IN_SERVICE, Service.SUSPECT})
"""Members that stand so get calls."""
_LAST_RESORT: Final = {service: rank for rank, service in enumerate(Service)}
"""In which order an emergency call tries members that no other call is sent to."""


class TrunkMember:
    """One member: its standing, and the calls in progress that were sent to it."""

    __slots__ = (
        "back_us",
        "calls",
        "credit",
        "failures",
        "group",
        "hop",
        "service",
        "settings",
        "since_us",
        "until_us",
    )

    def __init__(self, settings: Member, group: TrunkGroupState) -> None:
        self.settings = settings
        self.hop: Final = settings.hop
        self.group: Final = group
        self.service = Service.IN_SERVICE
        self.since_us = 0
        """When its standing changed last; 0: not yet."""
        self.until_us = 0
        """Until when it is left alone, where that has an end."""
        self.failures = 0
        """In a row, up to now."""
        self.back_us = 0
        """When it responded after its latest failures; 0: not yet."""
        self.calls = 0
        self.credit = 0
        """Its turn among members of its priority (smooth weighted round robin)."""

    @property
    def used(self) -> bool:
        """Whether calls are sent to it."""
        return self.service in USED

    @property
    def standing(self) -> Service:
        """How it stands, for whoever looks on: the exchange at the end of circuits stands as they do."""
        circuits = self.group.circuits
        if circuits is None:
            return self.service
        return Service.IN_SERVICE if circuits.in_service else Service.OUT_OF_SERVICE

    @property
    def stands_since_us(self) -> int:
        """Since when; 0: since the start."""
        circuits = self.group.circuits
        return self.since_us if circuits is None else circuits.since_us

    @property
    def has_room(self) -> bool:
        capacity = self.settings.capacity
        return capacity is None or self.calls < capacity


class CircuitRoom(Protocol):
    """The circuits of a trunk group that is signalled by ISUP (`CircuitTable`)."""

    @property
    def in_service(self) -> bool:
        """Calls are carried on them, or would be if we did not block them ourselves."""

    @property
    def since_us(self) -> int:
        """Since when; 0: since the start. Microseconds."""

    @property
    def why_closed(self) -> Finding | None:
        """Why they carry emergency calls, and no other new ones in either direction; None where they do."""

    def why_no_call(self) -> Finding | None:
        """Why a call that is offered now finds no circuit; None where it does. Asked once for each call."""


class TrunkGroupState:
    """One trunk group: its members, and the calls in progress on it in either direction."""

    __slots__ = ("bounded", "calls", "capacity", "circuits", "members", "only", "trunk_group", "watched")

    def __init__(self, trunk_group: TrunkGroup) -> None:
        self.trunk_group: Final = trunk_group
        self.capacity: Final = trunk_group.capacity
        self.calls = 0
        self.circuits: CircuitRoom | None = None
        """What it has in place of members that take any number of calls, where it is signalled by ISUP."""
        self.consist_of(tuple(TrunkMember(member, self) for member in trunk_group.members))

    def consist_of(self, members: tuple[TrunkMember, ...]) -> None:
        """Have these members from now on."""
        self.members = members
        self.only = members[0] if len(members) == 1 else None
        """The member of a group that has no other."""
        self.bounded = any(member.settings.capacity is not None for member in members)
        """Whether a member of it has a capacity of its own."""
        self.watched = len(members) > 1 or self.trunk_group.supervision.probe_us > 0
        """A group's only member, which nothing probes, is not taken out for its failures: only calls could tell when
        it is back."""

    @property
    def full(self) -> bool:
        return self.capacity is not None and self.calls >= self.capacity

    @property
    def why_none_may_come(self) -> Finding | None:
        """Why no call may come on it: it has as many calls as it may have, or is closed. None where one may."""
        if self.full:
            return NO_ROOM_FINDING
        return self.circuits.why_closed if self.circuits is not None else None


class TrunkMembers:
    """The members of every trunk group. Times are in microseconds; `actions` is what is to be done or told."""

    def __init__(self, trunk_groups: Iterable[TrunkGroup]) -> None:
        self.groups: Final = {group.name: TrunkGroupState(group) for group in trunk_groups}
        self.by_hop: Final[dict[Hop, TrunkMember]] = {
            member.hop: member for group in self.groups.values() for member in group.members
        }
        self.hosts: Final = {hop.host for hop in self.by_hop}
        """Where connections of members come from."""
        self.failovers: Final[Counter[tuple[str, str]]] = Counter()
        """Calls that went on to another member, by trunk group and by what the one before failed with."""
        self.due: Final[list[tuple[int, int, TrunkMember, Event]]] = []
        """Ends of the times for which members are left alone, the earliest first."""
        self._started = 0
        self._capacities = any(group.capacity is not None for group in self.groups.values())
        """Some trunk group has room for so many calls only."""
        self._not_in_service = 0

    def adopt(self, name: str, members: Iterable[Member]) -> list[TrunkMember]:
        """Have these members in a trunk group from now on; gives back those that are new.

        Who stays keeps standing and calls. Who goes gets no new call, and the calls that it has go on. An address that
        is a member already, here or of another group, is left out: a call's trunk group is known by it.
        """
        group = self.groups[name]
        before = {member.hop: member for member in group.members}
        for hop in before:
            del self.by_hop[hop]
        after: list[TrunkMember] = []
        for settings in members:
            if settings.hop not in self.by_hop:
                member = before.get(settings.hop) or TrunkMember(settings, group)
                member.settings = settings
                member.credit = 0
                self.by_hop[settings.hop] = member
                after.append(member)
        group.consist_of(tuple(after))
        self.hosts.clear()
        self.hosts.update(hop.host for hop in self.by_hop)
        self._not_in_service = sum(not member.used for member in self.by_hop.values())
        return [member for member in after if member.hop not in before]

    def have_circuits(self, name: str, circuits: CircuitRoom) -> None:
        """Ask these whether a call can leave on the trunk group."""
        self.groups[name].circuits = circuits
        self._capacities = True

    def has(self, member: TrunkMember) -> bool:
        """Whether it still is a member: an address that its name no longer has is none."""
        return self.by_hop.get(member.hop) is member

    # -- calls --------------------------------------------------------------------------------------------------------

    def room_for(self, attempt: CallAttempt, egress: TrunkGroup) -> Finding | None:
        """Why a call that came on `attempt.ingress` cannot leave on `egress`; None where it can.

        An emergency call can, unless there is nobody to send it to: a group whose names were never located (L10).
        """
        group = self.groups[egress.name]
        if not group.members:
            return NO_MEMBER_FINDING
        if attempt.emergency:
            return None
        if self._capacities:
            if group.full:
                return NO_ROOM_FINDING
            ingress = attempt.ingress
            objection = self.groups[ingress.name].why_none_may_come if ingress is not None else None
            if objection is not None:
                return objection
            if group.circuits is not None:
                return group.circuits.why_no_call()
        if not self._not_in_service and not group.bounded:
            return None
        used = [member for member in group.members if member.used]
        if not used:
            return NO_MEMBER_FINDING
        return None if any(member.has_room for member in used) else NO_ROOM_FINDING

    def choose(
        self, group: TrunkGroupState, *, emergency: bool = False, tried: Sequence[TrunkMember] = ()
    ) -> TrunkMember | None:
        """The member whose turn it is, of those that were not tried yet; None where no other can take the call.

        An emergency call goes, when all else has failed, to members that are full, penalised or out of service (L10).
        """
        if group.only is not None and not tried:
            return group.only
        left = [member for member in group.members if member not in tried]
        able = [member for member in left if member.used and member.has_room]
        if not able and emergency and left:
            rank = min(_LAST_RESORT[member.service] for member in left)
            able = [member for member in left if _LAST_RESORT[member.service] == rank]
        if not able:
            return None
        priority = min(member.settings.priority for member in able)
        return _by_weight([member for member in able if member.settings.priority == priority])

    def member_for(self, decision: Decision) -> TrunkMember | None:
        """The member that a call goes to first; None where it is refused."""
        egress = decision.egress
        if egress is None:
            return None
        group = self.groups[egress.name]
        return group.only or self.choose(group, emergency=decision.emergency)

    def state_of(self, trunk_group: TrunkGroup | None) -> TrunkGroupState | None:
        return self.groups[trunk_group.name] if trunk_group is not None else None

    @staticmethod
    def take(ingress: TrunkGroupState | None, member: TrunkMember) -> None:
        """A call is in progress: it came on `ingress` and is sent to `member`."""
        member.calls += 1
        member.group.calls += 1
        if ingress is not None:
            ingress.calls += 1

    @staticmethod
    def release(ingress: TrunkGroupState | None, member: TrunkMember) -> None:
        """That call is over."""
        member.calls -= 1
        member.group.calls -= 1
        if ingress is not None:
            ingress.calls -= 1

    # -- what is learnt of a member -----------------------------------------------------------------------------------

    def responded(self, member: TrunkMember, at_us: int, actions: list[Action]) -> None:
        if member.failures or member.service is not _IN_SERVICE:
            member.failures = 0
            member.back_us = at_us
            self._happened(member, Event.RESPONDED, at_us, actions)

    def failed(self, member: TrunkMember, asked_at_us: int, at_us: int, actions: list[Action]) -> None:
        """It gave no response in time to what was sent to it first at `asked_at_us`, or there was no way to it.

        What it was asked before it came back says nothing of it now: after an outage that is all that waits.
        """
        group = member.group
        if asked_at_us < member.back_us:
            return
        member.failures += 1
        if not group.watched:  # it is all there is, and only a call could tell when it is back
            self._happened(member, Event.FAILED, at_us, actions)
            return
        too_often = member.failures >= group.trunk_group.supervision.failures
        self._happened(member, Event.FAILED_TOO_OFTEN if too_often else Event.FAILED, at_us, actions)

    def overloaded(self, member: TrunkMember, retry_after_s: int, at_us: int, actions: list[Action]) -> None:
        """It answered 503 and asked to be left alone for `retry_after_s` seconds."""
        longest_us = member.group.trunk_group.supervision.retry_after_max_us
        until_us = at_us + min(retry_after_s * 1_000_000, longest_us)
        if until_us <= at_us or (member.service is Service.PENALISED and until_us <= member.until_us):
            return
        self._happened(member, Event.OVERLOADED, at_us, actions)
        self._later(member, Event.PENALTY_OVER, until_us)

    def _happened(self, member: TrunkMember, event: Event, at_us: int, actions: list[Action]) -> None:
        before = member.service
        after = STANDING[before].get(event, before)
        if after is before or not self.has(member):
            return
        member.service = after
        member.since_us = at_us
        self._not_in_service += (after not in USED) - (before not in USED)
        group = member.group.trunk_group
        if after is Service.OUT_OF_SERVICE:
            member.until_us = 0
            if not group.supervision.probe_us:
                self._later(member, Event.RETRY, at_us + group.supervision.retry_us)
        elif event is Event.RETRY:
            member.failures = group.supervision.failures - 1  # one more, and it is out again
        elif after is Service.IN_SERVICE:
            member.failures = 0
        actions.append(MemberChanged(group.name, member.hop, before, after, at_us))

    # -- time ---------------------------------------------------------------------------------------------------------

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        return self.due[0][0] if self.due else None

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """End the times for which members were left alone."""
        while self.due and self.due[0][0] <= at_us:
            until_us, _, member, event = heappop(self.due)
            if member.until_us == until_us:  # else it stands otherwise since
                self._happened(member, event, at_us, actions)

    def _later(self, member: TrunkMember, event: Event, until_us: int) -> None:
        member.until_us = until_us
        self._started += 1
        heappush(self.due, (until_us, self._started, member, event))


def _by_weight(members: list[TrunkMember]) -> TrunkMember:
    """Whose turn it is: in any row of choices as many for each as its weight asks, and evenly spread."""
    if len(members) == 1:
        return members[0]
    weights = [member.settings.weight for member in members]
    if not any(weights):
        weights = [1] * len(members)
    for member, weight in zip(members, weights, strict=True):
        member.credit += weight
    chosen = max((member for member, weight in zip(members, weights, strict=True) if weight), key=_credit)
    chosen.credit -= sum(weights)
    return chosen


def _credit(member: TrunkMember) -> int:
    return member.credit
