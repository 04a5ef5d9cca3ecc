"""An application server as a signalling gateway has it: its processes, its traffic, what waits while none is active.

RFC 4666 sections 4.3.2 (states), 4.3.4.3 (traffic modes) and 4.3.4.5 (what is notified).
"""

from __future__ import annotations

from collections import deque
from typing import Final

from gateway.codecs.ss7.m3ua import MessageType, Parameter, Status, Tag, number
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.links import Link, TrafficMode
from gateway.signalling.ss7.asp_states import (
    APPLICATION_SERVER,
    SERVER,
    AsEvent,
    AspEvent,
    AspReply,
    AspState,
    AsState,
)
from gateway.signalling.ss7.association import Association, MessageCounts
from gateway.signalling.ss7.turn import Deadlines, Timer, Turn

RECOVERY_US: Final = 2_000_000
"""T(r): how long messages wait for a process to become active again."""
MAX_WAITING: Final = 1_000
"""Most messages that wait; those behind are lost, and the caller is told."""
_DOWN: Final = AspState.DOWN
_BROADCAST: Final = TrafficMode.BROADCAST
_NOTIFIED: Final = {
    AsState.INACTIVE: Status.AS_INACTIVE,
    AsState.ACTIVE: Status.AS_ACTIVE,
    AsState.PENDING: Status.AS_PENDING,
}


class ApplicationServer:
    """The processes that share the traffic to some point codes: one routing key."""

    def __init__(
        self, link: Link, destinations: frozenset[int], context: int | None, deadlines: Deadlines, counts: MessageCounts
    ) -> None:
        self.link: Final = link
        self.destinations: Final = destinations
        self.context = context
        self.state = AsState.DOWN
        self.processes: Final[dict[Association, AspState]] = {}
        """Those that are up."""
        self._active: Final[list[Association]] = []
        """Those that are active, the longest first."""
        self._waiting: Final[deque[Mtp3Transfer]] = deque()
        self._deadlines: Final = deadlines
        self._counts: Final = counts
        self._marked: Final[set[int]] = set()
        """Link selections whose first message since a process became active was marked (broadcast)."""

    # -- processes ----------------------------------------------------------------------------------------------------

    def stands(self, process: Association) -> AspState:
        return self.processes.get(process, _DOWN)

    def event(self, process: Association, event: AspEvent) -> AspReply:
        """What a process asks for, or what happens to it. What it is sent is the caller's matter, then `review`."""
        step = SERVER[self.stands(process)].get(event)
        if step is None:
            return AspReply.NOTHING
        if step.state is AspState.DOWN:
            self.processes.pop(process, None)
        else:
            self.processes[process] = step.state
        if step.state is not AspState.ACTIVE:
            if process in self._active:
                self._active.remove(process)
        elif process not in self._active:
            self._active.append(process)
            self._marked.clear()
        return step.reply

    def override(self, process: Association, turn: Turn) -> None:
        """A process has become active: in override mode it takes the traffic of the one that had it."""
        if self.link.traffic_mode is not TrafficMode.OVERRIDE or self.stands(process) is not AspState.ACTIVE:
            return
        about = None if process.identifier is None else Parameter(Tag.ASP_IDENTIFIER, process.identifier)
        for other in tuple(self._active):
            if other is not process and self.event(other, AspEvent.OVERRIDDEN) is AspReply.ALTERNATE_ACTIVE:
                other.say(turn, MessageType.NTFY, *self._notice(Status.ALTERNATE_ASP_ACTIVE), about)

    def failed(self, process: Association, turn: Turn) -> None:
        """A process was lost: the others are told which, where it had a name."""
        if process.identifier is not None:
            about = Parameter(Tag.ASP_IDENTIFIER, process.identifier)
            for other in self.processes:
                other.say(turn, MessageType.NTFY, *self._notice(Status.ASP_FAILURE), about)

    def _notice(self, status: Status) -> tuple[Parameter | None, ...]:
        context = None if self.context is None else number(Tag.ROUTING_CONTEXT, self.context)
        return number(Tag.STATUS, status), context

    # -- state --------------------------------------------------------------------------------------------------------

    def review(self, turn: Turn, *, over: bool = False) -> bool:
        """Find the state anew after processes have changed, or T(r) is `over`; whether it is another one.

        All processes that are up are told of it. What waited is sent to the process that became active, or lost.
        """
        if self._active:
            event = AsEvent.SOME_ACTIVE
        elif self.processes:
            event = AsEvent.OVER_NONE_ACTIVE if over else AsEvent.NONE_ACTIVE
        else:
            event = AsEvent.OVER_ALL_DOWN if over else AsEvent.ALL_DOWN
        state = APPLICATION_SERVER[self.state].get(event, self.state)
        if state is self.state:
            return False
        starts = self.state is AsState.DOWN  # its first process has come up, and is not active yet
        self.state = state
        turn.changed = True
        turn.tell(self.link.name, f"application server {state.value}", good=starts or state is AsState.ACTIVE)
        for process in self.processes:
            self.notify(process, turn)
        if state is AsState.PENDING:
            self._deadlines.start(Timer.RECOVERY, self, turn.at_us + RECOVERY_US)
        else:
            self._deadlines.stop(Timer.RECOVERY, self)
            self._settle(turn)
        return True

    def notify(self, process: Association, turn: Turn) -> None:
        """Tell a process how the application server stands."""
        status = _NOTIFIED.get(self.state)
        if status is not None:
            process.say(turn, MessageType.NTFY, *self._notice(status))

    def expired(self, timer: Timer, turn: Turn) -> None:  # noqa: ARG002 - there is but T(r)
        self.review(turn, over=True)

    def close(self) -> None:
        """It is no longer: nothing can be sent to it."""
        self._deadlines.stop_all(self)
        self._counts.lost += len(self._waiting)
        self._waiting.clear()

    def assume_active(self, process: Association) -> None:
        """Have a process be active: for a replay."""
        self.processes[process] = AspState.ACTIVE
        self._active.append(process)
        self.state = AsState.ACTIVE

    # -- traffic ------------------------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        return self.state is AsState.ACTIVE or self.state is AsState.PENDING

    @property
    def waiting(self) -> int:
        """Messages that wait for a process to become active."""
        return len(self._waiting)

    def send(self, transfer: Mtp3Transfer, share: int, turn: Turn) -> bool:
        """To one process by its share of the traffic, or to all (broadcast); or let it wait. False: it is lost."""
        active = self._active
        if active:
            if self.link.traffic_mode is _BROADCAST:
                self._broadcast(transfer, turn)
            else:  # what has one link selection has one share and so one process, which keeps its order
                active[share % len(active)].transfer(turn, transfer, self.context)
            return True
        if self.state is not AsState.PENDING:
            return False
        if len(self._waiting) >= MAX_WAITING:
            self._counts.lost += 1
            return False
        self._waiting.append(transfer)
        return True

    def _broadcast(self, transfer: Mtp3Transfer, turn: Turn) -> None:
        mark = None
        if transfer.sls not in self._marked:  # so that a newcomer knows where it joined (section 4.3.4.3)
            self._marked.add(transfer.sls)
            mark = transfer.sls
        for process in self._active:
            process.transfer(turn, transfer, self.context, mark)

    def _settle(self, turn: Turn) -> None:
        if self.state is AsState.ACTIVE:
            while self._waiting:
                transfer = self._waiting.popleft()
                self.send(transfer, transfer.sls, turn)
        self._counts.lost += len(self._waiting)
        self._waiting.clear()
