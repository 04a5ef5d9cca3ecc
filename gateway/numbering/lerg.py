"""The LERG guide in memory: which carrier and switch a number belongs to, and what a switch may be sent.

Immutable: a new edition is a new guide. Only LERG 6 is dated: a code is judged as of the call's own time. The other
tables say what the edition says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gateway.numbering.effective import effective_us
from gateway.numbering.footprint import Footprint, footprints
from gateway.numbering.lerg_rows import (
    WHOLE_CODE,
    CarrierRow,
    CodeAssignment,
    HomingRow,
    LrnRow,
    RateCentreRow,
    RowStatus,
    SwitchRow,
)

_History = tuple[tuple[int, CodeAssignment | None], ...]
"""Steps of one block, newest first: from when (microseconds since the Unix epoch), and who holds it (None: nobody)."""


class LergGuide:
    """One edition of the guide. Its rows were checked by whoever read them (`lerg_files`)."""

    __slots__ = (
        "_carriers",
        "_codes",
        "_footprints",
        "_history",
        "_homings",
        "_lrns",
        "_rate_centres",
        "_switches",
        "edition",
    )

    def __init__(
        self,
        edition: str,
        *,
        carriers: Iterable[CarrierRow] = (),
        codes: Iterable[CodeAssignment] = (),
        switches: Iterable[SwitchRow] = (),
        homings: Iterable[HomingRow] = (),
        rate_centres: Iterable[RateCentreRow] = (),
        lrns: Iterable[LrnRow] = (),
    ) -> None:
        """Of two rows with the same key (for a code: block and effective date) the first counts."""
        self.edition = edition
        """Name or date of the edition, for reports."""
        self._codes = tuple(codes)
        self._history = _histories(self._codes)
        self._carriers = {row.ocn: row for row in reversed(tuple(carriers))}
        self._switches = {row.clli: row for row in reversed(tuple(switches))}
        self._homings = {(row.switch, row.sha): row for row in reversed(tuple(homings))}
        self._rate_centres = {(row.state, row.abbreviation): row for row in reversed(tuple(rate_centres))}
        self._lrns = {row.lrn: row for row in reversed(tuple(lrns))}
        self._footprints = footprints(self._switches, self._homings.values())

    def __len__(self) -> int:
        """Number of LERG 6 rows."""
        return len(self._codes)

    def __repr__(self) -> str:
        return f"LergGuide({self.edition!r}, {len(self)} LERG 6 rows)"

    def codes(self) -> Iterator[CodeAssignment]:
        """Every LERG 6 row, deletions too, in the order they were given."""
        return iter(self._codes)

    def switches(self) -> Iterator[SwitchRow]:
        return iter(self._switches.values())

    def location_routing_numbers(self) -> Iterator[LrnRow]:
        return iter(self._lrns.values())

    def code_of(self, digits: str, at_us: int) -> CodeAssignment | None:
        """The LERG 6 row that a number falls under at a time, or None if its code is not assigned then.

        `digits` is a NANP number in canonical form (ten digits), `at_us` microseconds since the Unix epoch; rows count
        from midnight UTC of their effective date. A thousands block wins over its whole NPA-NXX; where the block was
        deleted, the number falls back to the holder of the NPA-NXX.
        """
        if len(digits) != 10:
            return None
        # This runs for every call: plain slices and one dict for both kinds of key (seven digits and six).
        for key in (digits[:7], digits[:6]):
            history = self._history.get(key)
            if history is None:
                continue
            for from_us, assignment in history:
                if from_us <= at_us:
                    if assignment is not None:
                        return assignment
                    break
        return None

    def location_routing(self, lrn: str) -> LrnRow | None:
        """The LERG 12 row of a location routing number of ten digits."""
        return self._lrns.get(lrn)

    def footprint_of(self, switch: str) -> Footprint | None:
        """The LERG area of a switch, by CLLI; None if the switch is not in LERG 7."""
        return self._footprints.get(switch)

    def switch(self, clli: str) -> SwitchRow | None:
        return self._switches.get(clli)

    def homing(self, switch: str, sha: str) -> HomingRow | None:
        """The LERG 7SHA row of a switch and homing arrangement."""
        return self._homings.get((switch, sha))

    def rate_centre(self, state: str, abbreviation: str) -> RateCentreRow | None:
        return self._rate_centres.get((state, abbreviation))

    def carrier(self, ocn: str) -> CarrierRow | None:
        return self._carriers.get(ocn)

    def carrier_name(self, ocn: str) -> str | None:
        """Name of a carrier in LERG 1."""
        row = self._carriers.get(ocn)
        return row.name if row is not None else None


def _histories(codes: Iterable[CodeAssignment]) -> dict[str, _History]:
    steps: defaultdict[str, list[tuple[int, CodeAssignment | None]]] = defaultdict(list)
    for code in codes:
        key = code.npa_nxx if code.block == WHOLE_CODE else code.npa_nxx + code.block
        assignment = None if code.status is RowStatus.DELETED else code
        steps[key].append((effective_us(code.effective), assignment))
    # The sort is stable, so of two rows with one date the first given stays in front.
    return {key: tuple(sorted(rows, key=lambda step: -step[0])) for key, rows in steps.items()}
