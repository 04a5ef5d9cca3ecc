"""Calls from a circuit to a circuit: two halves back to back, and how the call gets on in the books."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType
from gateway.policy.engine import Engine
from gateway.signalling.call import Action, Call, Ended, EndedBy, Progressed, Wanted
from gateway.signalling.members import TrunkGroupState, TrunkMember, TrunkMembers
from gateway.signalling.pacing import Paced
from gateway.signalling.ss7.circuits import CircuitHalf
from gateway.signalling.ss7.interworking.causes import sip_status_of
from gateway.signalling.timers import TimerQueue

EXPIRED: Final = Cause(102)
"""Recovery on timer expiry: nobody ended the call for as long as a call may take."""
_CANCELLED: Final = 487
_OK: Final = 200


class TransitCall:
    """A call that came on one circuit and leaves on another."""

    __slots__ = ("call", "callee", "caller", "ingress", "member")

    def __init__(self, call: Call, caller: CircuitHalf, ingress: TrunkGroupState | None, member: TrunkMember) -> None:
        self.call: Final = call
        self.caller: Final = caller
        self.callee: CircuitHalf | None = None
        self.ingress: Final = ingress
        self.member: Final = member


class TowardsCalled:
    """The called side, as the caller's half sees it (`HalfCall`)."""

    __slots__ = ("_calls", "_transit")

    def __init__(self, calls: TransitCalls, transit: TransitCall) -> None:
        self._calls: Final = calls
        self._transit: Final = transit

    def pass_on(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        if self._transit.callee is not None:
            self._transit.callee.pass_on(message, at_us, actions)

    def release(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        transit = self._transit
        answered = transit.call.answered_at_us is not None
        ended_by = EndedBy.CALLER if answered else EndedBy.CANCEL
        if transit.caller.timed_out:
            ended_by = EndedBy.TIMEOUT
        self._calls.end(transit, ended_by, _CANCELLED, at_us, actions)
        if transit.callee is not None:
            transit.callee.release_like(transit.caller, cause, at_us, actions)


class TowardsCaller:
    """The calling side, as the called party's half sees it (`HalfCall`)."""

    __slots__ = ("_calls", "_transit")

    def __init__(self, calls: TransitCalls, transit: TransitCall) -> None:
        self._calls: Final = calls
        self._transit: Final = transit

    def pass_on(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        self._calls.progress(self._transit.call, message, at_us, actions)
        self._transit.caller.pass_on(message, at_us, actions)

    def release(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        transit = self._transit
        answered = transit.call.answered_at_us is not None
        ended_by = EndedBy.CALLED if answered else EndedBy.FAILURE
        if transit.callee is not None and transit.callee.timed_out:
            ended_by = EndedBy.TIMEOUT
        self._calls.end(transit, ended_by, sip_status_of(cause.value), at_us, actions)
        transit.caller.release_like(transit.callee, cause, at_us, actions)


class TransitCalls:
    """The books of the calls from circuit to circuit. Times in microseconds."""

    def __init__(self, engine: Engine, longest_us: int) -> None:
        """`longest_us`: a call that nobody ended is released after this."""
        self._engine: Final = engine
        self._longest_us: Final = longest_us
        self._limits: Final[TimerQueue[EndedBy, TransitCall]] = TimerQueue()
        self._up: Final[set[TransitCall]] = set()
        self._discontinued: Final[Paced[tuple[TransitCall, Cause, Wanted]]] = Paced()

    def __len__(self) -> int:
        return len(self._up)

    @property
    def next_us(self) -> int | None:
        """When the next call may have been up too long, or is to be ended."""
        due = (self._limits.next_us, self._discontinued.next_us)
        return min((next_us for next_us in due if next_us is not None), default=None)

    def open(
        self, call: Call, caller: CircuitHalf, ingress: TrunkGroupState | None, member: TrunkMember
    ) -> tuple[TransitCall, TowardsCaller]:
        """A call is let through; its caller's half is told of the other side, which is yet to be called."""
        transit = TransitCall(call, caller, ingress, member)
        caller.other = TowardsCalled(self, transit)
        call.egress_member = member.hop
        TrunkMembers.take(ingress, member)
        self._up.add(transit)
        self._limits.start(EndedBy.TIMEOUT, transit, call.attempt.at_us, self._longest_us)
        return transit, TowardsCaller(self, transit)

    def progress(self, call: Call, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        kind = message.type
        answer = kind in {MessageType.ANM, MessageType.CON}
        if call.progressed_at_us is None and (answer or kind == MessageType.ACM):
            call.progressed_at_us = at_us
            actions.append(Progressed(call))
        if call.answered_at_us is None and answer:
            call.answered_at_us = at_us
            call.final_status = _OK

    def end(self, transit: TransitCall, ended_by: EndedBy, status: int, at_us: int, actions: list[Action]) -> None:
        """End the call in the books, once; `status` is what a SIP caller would have been told of an unanswered one."""
        call = transit.call
        if call.ended_by is not None:
            return
        call.ended_by = ended_by
        call.ended_at_us = at_us
        if call.final_status is None:
            call.final_status = status
        self._up.discard(transit)
        self._limits.stop(EndedBy.TIMEOUT, transit, self._longest_us)
        TrunkMembers.release(transit.ingress, transit.member)
        self._engine.ended(call.attempt, at_us)
        actions.append(Ended(call))

    def end_calls(self, wanted: Wanted, cause: Cause, at_us: int, actions: list[Action]) -> None:
        """Release every call that is wanted, but for emergency calls: the first now, the others in `wake`, where they
        are still wanted when it is their turn.
        """
        chosen = [transit for transit in self._up if not transit.call.attempt.emergency and wanted(transit.call, at_us)]
        self._discontinued.add((transit, cause, wanted) for transit in sorted(chosen, key=_began))
        self._discontinue(at_us, actions)

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Release what has been up too long, and more of what is discontinued."""
        for ended_by, transit in self._limits.due(at_us):
            self._release(transit, ended_by, EXPIRED, at_us, actions)
        self._discontinue(at_us, actions)

    def _discontinue(self, at_us: int, actions: list[Action]) -> None:
        for transit, cause, _ in self._discontinued.due(at_us, _is_still_wanted):
            if transit.call.ended_by is None:  # it may have waited twice
                self._release(transit, EndedBy.DISCONTINUED, cause, at_us, actions)

    def _release(
        self, transit: TransitCall, ended_by: EndedBy, cause: Cause, at_us: int, actions: list[Action]
    ) -> None:
        """End a call, and release it in both directions."""
        self.end(transit, ended_by, sip_status_of(cause.value), at_us, actions)
        transit.caller.release(cause, at_us, actions)
        if transit.callee is not None:
            transit.callee.release(cause, at_us, actions)

    def end_all(self, at_us: int, actions: list[Action]) -> None:
        """The gateway stops."""
        for transit in sorted(self._up, key=_began):
            self.end(transit, EndedBy.SHUTDOWN, _CANCELLED, at_us, actions)


def _is_still_wanted(waiting: tuple[TransitCall, Cause, Wanted], at_us: int) -> bool:
    transit, _, wanted = waiting
    return transit.call.ended_by is None and wanted(transit.call, at_us)


def _began(transit: TransitCall) -> int:
    return transit.call.attempt.at_us
