"""The LERG area of a switch (agreement L9): the codes that may be handed to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.numbering.lerg_rows import CodeAssignment, HomingRow, SwitchFunction, SwitchRow

_NAMED_IN_A_DESCRIPTION = 4


@dataclass(frozen=True, slots=True)
class Footprint:
    """The codes of one switch.

    End office: its own LERG 6 rows, and those of the remotes homed on it. Tandem: the rows whose switch and homing
    arrangement name it as terminating local or intraLATA tandem. A switch that is both covers both. A remote covers its
    own rows, not its host's.
    """

    switch: SwitchRow
    remotes: frozenset[tuple[str, str]]
    """(CLLI, SHA) whose host is this switch."""
    subtending: frozenset[tuple[str, str]]
    """(CLLI, SHA) that name this switch as terminating local or intraLATA tandem."""

    def covers(self, code: CodeAssignment) -> bool:
        """Whether calls to this code may be handed to the switch."""
        if code.switch == self.switch.clli and self.switch.serves_lines:
            return True
        homing = (code.switch, code.sha)
        return homing in self.remotes or homing in self.subtending

    def describe(self) -> str:
        """One plain line: ``end office WNVLMOXADS0`` or ``host CLMAMOXADS0 and its remote ASLDMOXARS0``."""
        parts = []
        if self.remotes:
            remotes = sorted({clli for clli, _ in self.remotes})
            noun = "remote" if len(remotes) == 1 else "remotes"
            parts.append(f"host {self.switch.clli} and its {noun} {_names(remotes)}")
        elif self.switch.serves_lines:
            kind = "remote" if self.switch.functions == {SwitchFunction.REMOTE} else "end office"
            parts.append(f"{kind} {self.switch.clli}")
        if self.switch.is_tandem or self.subtending:
            parts.append(f"tandem {self.switch.clli} and {_subtending(sorted({clli for clli, _ in self.subtending}))}")
        return ", and ".join(parts) or f"switch {self.switch.clli}, which has no LERG area of its own"


def _subtending(switches: list[str]) -> str:
    if not switches:
        return "no switch that subtends it"
    what = "the switch that subtends it" if len(switches) == 1 else "the switches that subtend it"
    return f"{what}: {_names(switches)}"


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED_IN_A_DESCRIPTION])
    more = len(names) - _NAMED_IN_A_DESCRIPTION
    return f"{shown} and {more} more" if more > 0 else shown


def footprints(switches: Mapping[str, SwitchRow], homings: Iterable[HomingRow]) -> dict[str, Footprint]:
    """The footprint of every switch of LERG 7, by CLLI."""
    remotes: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    subtending: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in homings:
        key = (row.switch, row.sha)
        if row.host and row.host != row.switch:
            remotes[row.host].add(key)
        for tandem in (row.local_tandem, row.intralata_tandem):
            if tandem:
                subtending[tandem].add(key)
    return {
        clli: Footprint(switch, frozenset(remotes.get(clli, ())), frozenset(subtending.get(clli, ())))
        for clli, switch in switches.items()
    }
