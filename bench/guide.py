"""Enlarged guides: the synthetic one with as many more rows or providers as are wanted. No randomness.

The new LERG 6 rows are copies of the old under NPAs that the guide does not have: each NPA-NXX a row for the whole
code and ten for its thousands blocks, as a code is that was opened to number pooling. So carriers, switches and rate
centres keep their shares, and calls to the new codes go through the same checks with the same outcome.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from bench.workload import PROVIDER_CATEGORY, Workload
from gateway.numbering.lerg_files import TABLES

BLOCKS = "A0123456789"
CODES_OF_A_PROVIDER = 2
FIRST_NXX = 220

Row = dict[str, str]


def with_rows(source: Path, target: Path, rows: int) -> Path:
    """`source` in the folder `target`, with LERG 6 brought to `rows` rows (left alone where it has as many)."""
    _copy(source, target)
    old = _read(target / "lerg6.csv")
    new_places = ((npa, nxx, block) for npa, nxx in _new_codes(old) for block in BLOCKS)
    new = (
        {**row, "npa": npa, "nxx": nxx, "block_id": block}
        for row, (npa, nxx, block) in zip(cycle(old), new_places, strict=False)
    )
    _append(target / "lerg6.csv", islice(new, max(0, rows - len(old))))
    return target


def with_providers(source: Path, target: Path, workload: Workload, providers: int) -> Path:
    """`source` in the folder `target`, with so many more providers, each with codes where `workload`'s has its own."""
    _copy(source, target)
    old = _read(target / "lerg6.csv")
    carrier = next(row for row in _read(target / "lerg1.csv") if row["category"] == PROVIDER_CATEGORY)
    home = next(row for row in old if (row["ocn"], row["switch"]) == (workload.providers[0], workload.partner_switch))
    ocns = [f"Y{number:03d}" for number in range(providers)]
    carriers = ({**carrier, "ocn": ocn, "ocn_name": f"PROVIDER {ocn}", "overall_ocn": ocn} for ocn in ocns)
    _append(target / "lerg1.csv", carriers)
    holders = (ocn for ocn in ocns for _ in range(CODES_OF_A_PROVIDER))
    codes = (
        {**home, "npa": npa, "nxx": nxx, "block_id": "A", "ocn": ocn}
        for ocn, (npa, nxx) in zip(holders, _new_codes(old), strict=False)
    )
    _append(target / "lerg6.csv", codes)
    return target


def _new_codes(old: list[Row]) -> Iterator[tuple[str, str]]:
    """NPA and NXX of codes under NPAs that the guide does not have; neither is an N11 code."""
    taken = {row["npa"] for row in old}
    for npa in range(201, 990):
        if str(npa) in taken or npa % 100 == 11:
            continue
        yield from ((str(npa), str(nxx)) for nxx in range(FIRST_NXX, 1_000) if nxx % 100 != 11)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for table in TABLES:
        shutil.copyfile(source / f"{table}.csv", target / f"{table}.csv")


def _read(table: Path) -> list[Row]:
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _append(table: Path, rows: Iterator[Row]) -> None:
    with table.open(encoding="utf-8", newline="") as lines:
        columns = next(csv.reader(lines))
    with table.open("a", encoding="utf-8", newline="") as lines:
        csv.DictWriter(lines, columns, lineterminator="\n").writerows(rows)
