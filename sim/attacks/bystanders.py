"""The innocent in the midst of an attack: another provider's calls, calls to it, and emergency calls, the attacker's
among them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sim.attacks.messages import Numbering
from sim.call_plan import CallOutcome, CallPlan
from sim.cast import DEFAULT_TRUNK, PROVIDERS, Cast

ATTACKER: Final = "bluestem"
INNOCENT: Final = "pawpaw"
CALLS_PER_S: Final = 10.0
HOLD_S: Final = 0.5
ANSWER_S: Final = 4.0
"""How long a caller waits: three times sent again, where the gateway's socket loses what comes (RFC 3261 17.1.1.2)."""


class _Line(NamedTuple):
    """One kind of call in the midst."""

    agent: str
    calling: Numbering
    called: Numbering | str
    emergency: bool = False


_LINES: Final = (
    _Line(INNOCENT, Numbering(("13142061",)), Numbering(("16363275",))),
    _Line("wentzville", Numbering(("16363276",)), Numbering(("13142062",))),
    _Line(INNOCENT, Numbering(("13142062",)), Numbering(("16363325",))),
    _Line(ATTACKER, Numbering(("13142063",)), "911", emergency=True),
    _Line(INNOCENT, Numbering(("13142084",)), Numbering(("16363277",))),
    _Line("river-bend", Numbering(("13142060",)), "911", emergency=True),
)
"""They come on the trunk group, and from the address, by which the attacker's calls come: the hardest case."""


@dataclass(slots=True)
class Share:
    """What came of the calls of some callers."""

    tried: int = 0
    answered: int = 0
    slowest_s: float = 0.0
    """The longest set-up of those answered: from the first INVITE to the 200."""
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, outcome: CallOutcome) -> None:
        self.tried += 1
        if outcome.answered:
            self.answered += 1
            self.slowest_s = max(self.slowest_s, outcome.final_s or 0.0)
        if not outcome.clean:
            seen = outcome.status if outcome.status is not None else "no answer"
            end = f", and its BYE {outcome.bye_status}" if outcome.answered else ""
            self.failures.append(f"{name}: {outcome.call_id} got {seen}{end}")

    @property
    def whole(self) -> bool:
        """Whether every call was answered, and ended as a call is ended."""
        return not self.failures


class Bystanders:
    """Place calls at a steady rate until told to stop."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self.innocent, self.emergency = Share(), Share()

    async def call_until(self, over: asyncio.Event) -> None:
        """Place them, and see every one through."""
        for name in PROVIDERS:
            if name != ATTACKER:
                self._cast.partner.move(name, DEFAULT_TRUNK)
        under_way: list[asyncio.Task[None]] = []
        for number, line in enumerate(itertools.cycle(_LINES)):
            if over.is_set():
                break
            under_way.append(asyncio.create_task(self._place(line, number)))
            await asyncio.sleep(1 / CALLS_PER_S)
        await asyncio.gather(*under_way)

    async def _place(self, line: _Line, number: int) -> None:
        calling = line.calling.number(number)
        called = line.called if isinstance(line.called, str) else line.called.number(number)
        plan = CallPlan(called=called, calling=calling, asserted=(calling,), hold_s=HOLD_S, answer_timeout_s=ANSWER_S)
        outcome = await self._cast.agents[line.agent].call(plan)
        (self.emergency if line.emergency else self.innocent).add(f"{line.agent} to {called}", outcome)

    def faults(self) -> Iterator[str]:
        """Calls that were not answered and ended as they should have been; for a person."""
        for share in (self.innocent, self.emergency):
            if share.tried == 0:
                yield "no call was placed in the midst of the attack"
            yield from share.failures[:3]
            if len(share.failures) > 3:
                yield f"and {len(share.failures) - 3} more calls failed"
