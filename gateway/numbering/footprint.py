"""The LERG area of a switch (agreement L9): the codes that may be handed to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.numbering.lerg_rows import CodeAssignment, HomingRow, SwitchRow

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
            parts.append(f"host {self.switch.clli} and its {_plural('remote', remotes)} {_names(remotes)}")
        elif self.switch.serves_lines:
            kind = "remote" if self._is_remote_only else "end office"
            parts.append(f"{kind} {self.switch.clli}")
        if self.switch.is_tandem or self.subtending:
            switches = sorted({clli for clli, _ in self.subtending})
            homed = (
                f"the {_plural('switch', switches)} that subtend it: {_names(switches)}" if switches else "no switch"
            )
            parts.append(f"tandem {self.switch.clli} and {homed}")
        return ", and ".join(parts) or f"switch {self.switch.clli}, which has no LERG area of its own"

    @property
    def _is_remote_only(self) -> bool:
        return {function.value for function in self.switch.functions} == {"f_remote"}


def _plural(noun: str, names: list[str]) -> str:
    if len(names) == 1:
        return noun
    return noun + ("es" if noun.endswith("ch") else "s")


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
