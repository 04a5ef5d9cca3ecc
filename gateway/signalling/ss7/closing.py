"""Trunk groups that are closed: by an operator, or kept for a provider that is not cut over to them (L8, L10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.interconnection.blocking import BlockingBook
from gateway.interconnection.denial_of_service import StandingBook
from gateway.signalling.call import Action, Ss7Changed
from gateway.signalling.ss7.circuits import CircuitTable
from gateway.signalling.ss7.maintenance import Maintenance

_NEVER: Final = 1 << 62


class Closing:
    """Has circuits blocked and unblocked as the books say, each step from its own time on. Times in microseconds."""

    def __init__(
        self, tables: Iterable[CircuitTable], standings: StandingBook, blockings: BlockingBook, maintenance: Maintenance
    ) -> None:
        self._tables: Final[Sequence[CircuitTable]] = tuple(tables)
        self._standings: Final = standings
        self._blockings: Final = blockings
        self._maintenance: Final = maintenance
        self.next_us = 0
        """When the next step comes into force; the first look is due at once."""

    @property
    def step_us(self) -> int | None:
        """When the next step that is known comes into force: live at once, in a replay at its time in the journal."""
        return self.next_us if 0 < self.next_us < _NEVER else None

    def settle(self, at_us: int, actions: list[Action]) -> None:
        """Close and open groups as it is in force at a time; those that are as they are to be stay so."""
        for table in self._tables:
            closed = table.closed
            table.blocked_by_operator = self._blockings.is_blocked(table.name, at_us)
            table.unowned = table.trunk_group.dedicated and self._standings.owner_of(table.name, at_us) is None
            if table.closed is closed:
                continue
            if table.closed:
                self._maintenance.close(table, at_us, actions)
            else:
                self._maintenance.open(table, at_us, actions)
            what = "circuits blocked, but for emergency calls" if table.closed else "circuits unblocked"
            actions.append(Ss7Changed(f"trunk group {table.name}", what, good=not table.closed, at_us=at_us))
        self.next_us = min(
            (step.at_us for step in self._blockings.trail() if step.at_us > at_us),
            default=_NEVER,
        )
        standing_us = self._standings.next_after(at_us)
        if standing_us is not None and standing_us < self.next_us:
            self.next_us = standing_us
