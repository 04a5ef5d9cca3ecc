"""The numbers that the bench calls from and to, and the trunk that they use, taken from the synthetic LERG guide.

Many different numbers, so that look-ups are not one cached key: 1,000 calling numbers of one provider, 5,000 called
numbers all over the LERG area of one switch of the host.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_files import LergUnreadable
from gateway.numbering.lerg_rows import WHOLE_CODE, CodeAssignment
from gateway.numbering.telephone_number import is_valid_nanp
from gateway.operations.lerg_folder import read_lerg_folder

CALLING_NUMBERS = 1_000
CALLED_NUMBERS = 5_000
PROVIDER_CATEGORY = "IPES"
"""LERG 1 category of an interconnected VoIP provider."""


class WorkloadError(Exception):
    """The guide does not serve; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Who calls whom, and over what. OCNs and CLLIs are those of the guide."""

    guide: Path
    guide_rows: int
    """LERG 6 rows."""
    host: str
    host_switch: str
    partner: str
    partner_switch: str
    provider: str
    pairs: tuple[tuple[str, str], ...]
    """Calling and called number, ten digits each."""

    def write(self, path: Path) -> None:
        """As the generator reads it: a call a line, calling and called number."""
        path.write_text("".join(f"{calling} {called}\n" for calling, called in self.pairs), encoding="ascii")


def choose(folder: Path) -> Workload:
    """The provider with most codes on a partner's switch, calling the widest LERG area of a switch. No randomness."""
    try:
        guide, _ = read_lerg_folder(folder)
    except LergUnreadable as error:
        raise WorkloadError(f"the LERG guide cannot be read: {error}") from error
    now_us = time.time_ns() // 1_000
    codes = [code for code in guide.codes() if guide.code_of(_number(code, 0), now_us) is code]
    provider, home = _busiest_provider(guide, codes, folder)
    areas = {switch.clli: guide.footprint_of(switch.clli) for switch in guide.switches() if switch.clli != home}
    elsewhere = [code for code in codes if code.switch != home]
    covered = {clli: [code for code in elsewhere if area.covers(code)] for clli, area in areas.items() if area}
    host_switch = max(covered, key=lambda clli: len(covered[clli]), default="")
    partner_row, host_row = guide.switch(home), guide.switch(host_switch)
    if partner_row is None or host_row is None or not covered[host_switch]:
        raise WorkloadError(f"the LERG guide in {folder} has no switch with a LERG area, or not {home} in LERG 7")
    calling = _numbers([code for code in codes if code.ocn == provider and code.switch == home], CALLING_NUMBERS)
    called = _numbers(covered[host_switch], CALLED_NUMBERS)
    return Workload(
        guide=folder,
        guide_rows=len(guide),
        host=host_row.ocn,
        host_switch=host_switch,
        partner=partner_row.ocn,
        partner_switch=home,
        provider=provider,
        pairs=tuple((calling[i % len(calling)], number) for i, number in enumerate(called)),
    )


def _busiest_provider(guide: LergGuide, codes: list[CodeAssignment], folder: Path) -> tuple[str, str]:
    """OCN, and the CLLI of the switch of another carrier where most of its codes are homed."""
    homes: Counter[tuple[str, str]] = Counter()
    for code in codes:
        carrier, switch = guide.carrier(code.ocn), guide.switch(code.switch)
        is_provider = carrier is not None and carrier.category == PROVIDER_CATEGORY
        if is_provider and switch is not None and switch.ocn != code.ocn:
            homes[(code.ocn, code.switch)] += 1
    if not homes:
        raise WorkloadError(
            f"the LERG guide in {folder} has no {PROVIDER_CATEGORY} carrier on another carrier's switch"
        )
    return homes.most_common(1)[0][0]


def _number(code: CodeAssignment, line: int) -> str:
    digits = code.npa_nxx if code.block == WHOLE_CODE else code.npa_nxx + code.block
    return digits + f"{line:0{10 - len(digits)}d}"


def _numbers(codes: list[CodeAssignment], wanted: int) -> list[str]:
    """That many different numbers, taking the codes in turn, so that neighbours in the list are of different codes."""

    def numbers() -> Iterator[str]:
        for line in range(100, 1_000):  # the last three digits: every code, block or whole, has all of them
            yield from (_number(code, line) for code in codes)

    found = dict.fromkeys(number for number in numbers() if is_valid_nanp(number))
    if len(found) < wanted:
        raise WorkloadError(f"only {len(found)} numbers where {wanted} are wanted: the codes are too few")
    return list(found)[:wanted]
