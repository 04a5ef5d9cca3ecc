"""Who is behind the circuits of a simulated switch: caller, called line, or the other half of a tandem's call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.codecs.ss7.isup import IsupMessage, MessageType, P, decode_cause
from sim.placed_call import happens
from sim.ss7.call_plan import NORMAL_CLEARING, CircuitOutcome, Conduct
from sim.ss7.circuit_call import CircuitCall, cause_value

SUBSCRIBER_FREE: Final = b"\x16\x14"
"""Backward call indicators: charge, subscriber free, ordinary subscriber, ISUP all the way, ISDN access."""
ALERTING: Final = b"\x01"
"""Event information (Q.763 section 3.21)."""
CONTINUITY_SUCCESSFUL: Final = b"\x01"
RECOVERY_ON_TIMER_EXPIRY: Final = 102
CLEARING_S: Final = 2.0
"""How long a RLC is waited for."""


@dataclass(frozen=True, slots=True)
class CircuitAnswer:
    """How a switch treats the calls that it gets. Times in seconds."""

    progress: bool = False
    """CPG (alerting) follows ACM."""
    ring_s: float = 0.0
    cause: int | None = None
    """Released with this Q.850 cause instead of answered."""
    silent: bool = False
    """Nothing is said to the IAM at all."""
    hang_up_after_s: float | None = None
    """The called side releases after this; None: it waits for the caller."""


@dataclass(slots=True, eq=False)
class ReceivedIam:
    """A call as the answering switch saw it."""

    trunks: str
    cic: int
    iam: IsupMessage
    """As it came."""
    answered: bool = False
    cause: int | None = None
    """Of the REL, whoever sent it; None while there was none."""
    released_by: str | None = None
    """``caller`` or ``called``."""


class Caller:
    """Places one call, and sees it through."""

    def __init__(self, call: CircuitCall, conduct: Conduct, *, continuity: bool = False) -> None:
        self._call, self._conduct = call, conduct
        self._continuity = continuity
        self._messages: list[str] = []
        self._answered = conduct.answered
        self._released, self._cleared = asyncio.Event(), asyncio.Event()
        self._settled = asyncio.Event()
        """Answered or released."""
        self._cause: int | None = None
        self._released_by: str | None = None
        call.party = self

    async def run(self) -> CircuitOutcome:
        """Send the IAM, and see the call through."""
        return await self.see_through() if self._call.start() else self._outcome()

    async def see_through(self) -> CircuitOutcome:
        """The same for a call whose IAM is out."""
        if self._continuity:
            self._call.say(MessageType.COT, ((P.CONTINUITY, CONTINUITY_SUCCESSFUL),))
        conduct = self._conduct
        patience_s = conduct.answer_timeout_s if conduct.give_up_after_s is None else conduct.give_up_after_s
        if not await happens(self._settled, patience_s):
            self._release(RECOVERY_ON_TIMER_EXPIRY if conduct.give_up_after_s is None else NORMAL_CLEARING)
        elif self._answered.is_set():
            await self._hold()
        await happens(self._cleared, CLEARING_S)
        return self._outcome()

    async def _hold(self) -> None:
        """Keep the call for as long as the plan says, or until the other side ends it."""
        ends = [asyncio.ensure_future(self._released.wait())]
        if self._conduct.hang_up is not None:
            ends.append(asyncio.ensure_future(self._conduct.hang_up.wait()))
        try:
            await asyncio.wait(ends, timeout=self._conduct.hold_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if not self._released.is_set():
            self._release(NORMAL_CLEARING)

    def _release(self, cause: int) -> None:
        self._cause, self._released_by = cause, "caller"
        self._call.release(cause_value(cause))

    def heard(self, call: CircuitCall, message: IsupMessage) -> None:  # noqa: ARG002 - the caller has but one
        self._messages.append(name_of(message.type))
        if message.type in (MessageType.ANM, MessageType.CON):
            self._answered.set()
            self._settled.set()

    def released(self, call: CircuitCall, cause: bytes) -> None:  # noqa: ARG002
        self._messages.append("REL")
        self._cause, self._released_by = decode_cause(cause).value, "called"
        self._released.set()
        self._settled.set()

    def cleared(self, call: CircuitCall) -> None:  # noqa: ARG002
        self._cleared.set()

    def _outcome(self) -> CircuitOutcome:
        answered = self._answered.is_set()
        return CircuitOutcome(
            self._call.name,
            answered=answered,
            cause=self._cause,
            released_by=self._released_by if answered else None,
            messages=tuple(self._messages),
            cleared=self._cleared.is_set(),
        )


class CalledLine:
    """Answers one call as its plan says."""

    def __init__(self, call: CircuitCall, plan: CircuitAnswer, note: ReceivedIam) -> None:
        self._call, self._plan, self._note = call, plan, note
        self._timer: asyncio.TimerHandle | None = None
        call.party = self
        if not call.awaits_continuity:
            self._begin()

    def _begin(self) -> None:
        if self._plan.silent:
            return
        if self._plan.cause is not None and self._plan.ring_s == 0:
            self._end(self._plan.cause)
            return
        self._call.say(MessageType.ACM, ((P.BACKWARD_CALL_INDICATORS, SUBSCRIBER_FREE),))
        if self._plan.progress:
            self._call.say(MessageType.CPG, ((P.EVENT_INFORMATION, ALERTING),))
        self._after(self._plan.ring_s)

    def _after(self, seconds: float) -> None:
        if seconds:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if self._plan.cause is not None:
            self._end(self._plan.cause)
            return
        self._call.say(MessageType.ANM)
        self._note.answered = True
        if self._plan.hang_up_after_s is not None:
            self._timer = asyncio.get_running_loop().call_later(self._plan.hang_up_after_s, self.hang_up)

    def hang_up(self) -> None:
        """The called side ends the call."""
        self._end(NORMAL_CLEARING)

    def _end(self, cause: int) -> None:
        self._note.cause, self._note.released_by = cause, "called"
        self._call.release(cause_value(cause))

    def heard(self, call: CircuitCall, message: IsupMessage) -> None:
        if message.type == MessageType.COT and not call.awaits_continuity:
            self._begin()

    def released(self, call: CircuitCall, cause: bytes) -> None:  # noqa: ARG002 - it has but one
        self._note.cause, self._note.released_by = decode_cause(cause).value, "caller"

    def cleared(self, call: CircuitCall) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()


class Joint:
    """A tandem's call: what comes on one half goes on by the other."""

    def __init__(self, one: CircuitCall, other: CircuitCall) -> None:
        self._other = {one: other, other: one}
        one.party = other.party = self

    def heard(self, call: CircuitCall, message: IsupMessage) -> None:
        self._other[call].pass_on(message)

    def released(self, call: CircuitCall, cause: bytes) -> None:
        self._other[call].release(cause)

    def cleared(self, call: CircuitCall) -> None:
        """Each half's circuit is its own."""


def name_of(kind: int) -> str:
    """``IAM`` and the like; of a type that is not known, its number."""
    try:
        return MessageType(kind).name
    except ValueError:
        return f"{kind:#04x}"
