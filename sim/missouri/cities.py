"""Codes and rate centres of Missouri, from a public list of codes and cities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median_low
from typing import NamedTuple

from gateway.numbering import lerg_fields as fields
from gateway.numbering.csv_rows import Column, Faults, TableUnreadable, read_rows
from gateway.numbering.miles import vh_miles

_FARTHEST_CITY = 25.0
"""Miles to the nearest of a code's cities, above which the source contradicts itself and the code is left out."""
_LATA_ANCHORS = {
    "520": ("Saint Louis", "Cape Girardeau", "Poplar Bluff", "Hannibal", "Farmington"),
    "521": ("Jefferson City", "Columbia", "Rolla", "Moberly"),
    "522": ("Springfield", "Joplin", "West Plains", "Lebanon"),
    "524": ("Kansas City", "Saint Joseph", "Sedalia", "Kirksville", "Chillicothe"),
}


class Code(NamedTuple):
    city: str
    v: int
    h: int


class City(NamedTuple):
    name: str
    rate_centre: str
    v: int
    h: int
    lata: str


_SOURCE = (
    Column("npa", fields.npa),
    Column("nxx", fields.nxx),
    Column("city", fields.free_text(30)),
    Column("v", fields.coordinate),
    Column("h", fields.coordinate),
)


def read_codes(lines: Iterable[str], file: str = "source") -> dict[str, Code]:
    """NPA-NXX -> its city and position. Of several cities, the nearest to the code, then the first by name.

    Raises `TableUnreadable` on the first fault: a guide is not built from half a source.
    """
    listed: defaultdict[str, list[Code]] = defaultdict(list)
    faults = Faults()
    for _, row in read_rows(file, lines, _SOURCE, faults):
        code = Code(str(row["city"]), int(str(row["v"] or 0)), int(str(row["h"] or 0)))
        if code.v > 0 and code.h > 0:  # the source gives codes without a position that of 0 N 0 E
            listed[f"{row['npa']}{row['nxx']}"].append(code)
    for fault in faults.collected():
        raise TableUnreadable(file, f"{fault.column}: {fault.reason}" if fault.column else fault.reason, fault.line)
    positions = _positions(listed)
    chosen = {}
    for npa_nxx, codes in sorted(listed.items()):
        miles = {code: vh_miles(code.v, code.h, *positions[code.city]) for code in codes}
        nearest = min(codes, key=lambda code: (miles[code], code.city))
        if miles[nearest] <= _FARTHEST_CITY:
            chosen[npa_nxx] = nearest
    return chosen


def _positions(listed: Mapping[str, Sequence[Code]]) -> dict[str, tuple[int, int]]:
    """City -> V and H: the median of the codes that list it alone, else of all that list it."""
    alone: defaultdict[str, list[Code]] = defaultdict(list)
    shared: defaultdict[str, list[Code]] = defaultdict(list)
    for codes in listed.values():
        for code in codes:
            (alone if len(codes) == 1 else shared)[code.city].append(code)
    return {
        city: (median_low([c.v for c in codes]), median_low([c.h for c in codes]))
        for city in alone.keys() | shared.keys()
        for codes in [alone.get(city) or shared[city]]
    }


def name_cities(codes: Mapping[str, Code]) -> dict[str, City]:
    """The rate centres: one for each city that a code was given to."""
    members: defaultdict[str, list[Code]] = defaultdict(list)
    for code in codes.values():
        members[code.city].append(code)
    positions = {
        city: (median_low([c.v for c in group]), median_low([c.h for c in group])) for city, group in members.items()
    }
    anchors = [(lata, positions[a]) for lata, names in _LATA_ANCHORS.items() for a in names if a in positions]
    taken: set[str] = set()
    cities = {}
    for name in sorted(positions):
        v, h = positions[name]
        lata = min(anchors, key=lambda anchor: (vh_miles(v, h, *anchor[1]), anchor[0]))[0]
        cities[name] = City(name, _abbreviation(name, taken), v, h, lata)
    return cities


def _abbreviation(name: str, taken: set[str]) -> str:
    """At most ten characters, capital, as LERG writes a rate centre: ``ST LOUIS``, ``LKSTLOUIS``."""
    words = "".join(c for c in name.upper() if c.isalnum() or c == " ").split()
    words = ["ST" if word == "SAINT" else word for word in words]
    joined, squeezed = " ".join(words), "".join(words)
    vowelless = "".join(word[0] + "".join(c for c in word[1:] if c not in "AEIOU") for word in words)
    return first_free((joined, squeezed, vowelless), 10, taken)


def first_free(candidates: Iterable[str], length: int, taken: set[str]) -> str:
    """The first candidate that fits and is free, else the last one cut and numbered. Adds it to `taken`."""
    last = ""
    for last in candidates:
        if len(last) <= length and last not in taken:
            taken.add(last)
            return last
    for suffix in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        cut = last[: length - 1] + suffix
        if cut not in taken:
            taken.add(cut)
            return cut
    raise ValueError(f"no free name like {last}")
