"""The numbers that the bench calls from and to, and the trunk that they use, taken from the synthetic LERG guide.

Many different numbers, so that look-ups are not one cached key: as a rule 1,000 calling numbers of one provider, 5,000
called numbers all over the LERG area of one switch of the host.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
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
    providers: tuple[str, ...]
    """Whose numbers call, in turn."""
    pairs: tuple[tuple[str, str], ...]
    """Calling and called number, ten digits each."""
    codes: Mapping[str, str]
    """NPA-NXX -> OCN of its holder (of the first block's, where blocks have several)."""

    def write(self, path: Path) -> None:
        """As the generator reads it: a call a line, calling and called number."""
        path.write_text("".join(f"{calling} {called}\n" for calling, called in self.pairs), encoding="ascii")


def choose(
    folder: Path, *, providers: int = 1, calling_numbers: int = CALLING_NUMBERS, called_numbers: int = CALLED_NUMBERS
) -> Workload:
    """The providers with most codes on a partner's switch, calling the widest LERG area of a switch. No randomness."""
    try:
        guide, _ = read_lerg_folder(folder)
    except LergUnreadable as error:
        raise WorkloadError(f"the LERG guide cannot be read: {error}") from error
    now_us = time.time_ns() // 1_000
    codes = [code for code in guide.codes() if guide.code_of(_number(code, 0), now_us) is code]
    callers, home = _busiest_providers(guide, codes, providers, folder)
    host_switch = _widest(guide, codes, home)
    area = guide.footprint_of(host_switch)
    partner_row, host_row = guide.switch(home), guide.switch(host_switch)
    if partner_row is None or host_row is None or area is None:
        raise WorkloadError(f"the LERG guide in {folder} has no switch with a LERG area, or not {home} in LERG 7")
    calling = _numbers(_by_holder(codes, callers, home), calling_numbers)
    called = _numbers([code for code in codes if code.switch != home and area.covers(code)], called_numbers)
    return Workload(
        guide=folder,
        guide_rows=len(guide),
        host=host_row.ocn,
        host_switch=host_switch,
        partner=partner_row.ocn,
        partner_switch=home,
        providers=callers,
        pairs=tuple((calling[i % len(calling)], number) for i, number in enumerate(called)),
        codes={code.npa_nxx: code.ocn for code in reversed(codes)},
    )


def _busiest_providers(
    guide: LergGuide, codes: list[CodeAssignment], wanted: int, folder: Path
) -> tuple[tuple[str, ...], str]:
    """OCNs, and the CLLI of the switch of another carrier on which most codes of such a one are homed."""
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
    home = homes.most_common(1)[0][0][1]
    found = [ocn for (ocn, switch), _ in homes.most_common() if switch == home][:wanted]
    if len(found) < wanted:
        raise WorkloadError(f"the LERG guide in {folder} has {len(found)} providers on {home}, {wanted} are wanted")
    return tuple(found), home


def _widest(guide: LergGuide, codes: list[CodeAssignment], home: str) -> str:
    """The switch, other than `home`, whose LERG area has most codes of other switches than `home`; empty for none."""
    homings: dict[tuple[str, str], list[CodeAssignment]] = {}
    for code in codes:
        if code.switch != home:
            homings.setdefault((code.switch, code.sha), []).append(code)  # an area covers all of them, or none
    sizes: Counter[str] = Counter()
    for switch in guide.switches():
        area = guide.footprint_of(switch.clli)
        if area is not None and switch.clli != home:
            sizes[switch.clli] = sum(len(alike) for alike in homings.values() if area.covers(alike[0]))
    return next((clli for clli, size in sizes.most_common(1) if size), "")


def _by_holder(codes: list[CodeAssignment], holders: tuple[str, ...], switch: str) -> list[CodeAssignment]:
    """The holders' codes on a switch: the first of each, the second of each, and so on."""
    of: dict[str, list[CodeAssignment]] = {ocn: [] for ocn in holders}
    for code in codes:
        if code.switch == switch and code.ocn in of:
            of[code.ocn].append(code)
    return [code for row in zip_longest(*of.values()) for code in row if code is not None]


def _number(code: CodeAssignment, line: int) -> str:
    digits = code.npa_nxx if code.block == WHOLE_CODE else code.npa_nxx + code.block
    return digits + f"{line:0{10 - len(digits)}d}"


def _numbers(codes: list[CodeAssignment], wanted: int) -> list[str]:
    """That many different numbers, taking the codes in turn, so that neighbours in the list are of different codes."""

    def numbers() -> Iterator[str]:
        for line in range(100, 1_000):  # the last three digits: every code, block or whole, has all of them
            yield from (_number(code, line) for code in codes)

    found: dict[str, None] = {}
    for number in numbers():
        if is_valid_nanp(number):
            found[number] = None
        if len(found) == wanted:
            return list(found)
    raise WorkloadError(f"only {len(found)} numbers where {wanted} are wanted: the codes are too few")
