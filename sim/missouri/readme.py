"""Writes the README of the synthetic Missouri guide from its tables, so that the two cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_files import TABLES, load_guide
from gateway.numbering.portability import load_ported_numbers
from sim.missouri import cast

EXAMPLES_AT_US = 1_767_225_600_000_000
"""The time as of which the README shows the examples: 1 January 2026, 00:00 UTC."""

_ROLES = (
    (cast.HOST, "host carrier"),
    (cast.SPECTRA, "the host carrier's affiliate"),
    (cast.PARTNER, "carrier partner (CLEC)"),
    (cast.PROVIDER_1, "interconnected VoIP provider 1, behind the partner"),
    (cast.PROVIDER_2, "interconnected VoIP provider 2, behind the partner"),
    (cast.PROVIDER_3, "interconnected VoIP provider 3, behind the partner"),
    (cast.SOCKET, "a CLEC with a switch of its own"),
    (cast.METRO_BELL, "metropolitan incumbent, owner of the other tandems"),
    *((carrier, "independent incumbent") for carrier in cast.INDEPENDENTS),
    (cast.CABLE, "competitor"),
    (cast.METRO_CLEC, "competitor"),
    (cast.WIRELESS_1, "wireless"),
    (cast.WIRELESS_2, "wireless"),
)
_SWITCHES = (
    (cast.WENTZVILLE, "end office"),
    (cast.COLUMBIA, "host"),
    (cast.ASHLAND, "remote of Columbia"),
    (cast.HALLSVILLE, "remote of Columbia"),
    (cast.WARRENTON_TANDEM, "local and intraLATA tandem of the host carrier"),
    (cast.TROY, "end office, two homing arrangements"),
    ("BRSNMOXADS0", "end office elsewhere"),
    (cast.PARTNER_SWITCH, "the partner's switch; its providers' codes are homed here"),
    (cast.SOCKET_SWITCH, "Socket's switch"),
    (cast.METRO_CLEC_SWITCH, "a competitor's switch"),
    (cast.SAINT_LOUIS_TANDEM, "tandem of the metropolitan incumbent"),
    (cast.WRIGHT_CITY, "an independent's end office; intraLATA toll by the Warrenton tandem"),
)

_TEXT = """\
# A synthetic Missouri numbering guide

Tables with the column names of LERG, for the lab and the tests. **It is not LERG data**: LERG is licensed, and none of
it is here. Codes, cities and positions come from a public list of Missouri NPA-NXX codes. Everything else is made up:
carriers (but for the names that the agreements use), OCNs (they start with X to show it), which exchange is whose,
switches, homing, thousands blocks, dates, location routing numbers. LATA numbers are real (520 Saint Louis, 521
Westphalia, 522 Springfield, 524 Kansas City); their boundaries are drawn by the nearest large town.

The files, this one included, are written by `python -m sim.build_missouri SOURCE` (columns of the source: npa, nxx,
city, latitude, longitude, v, h). Of several cities of a code the nearest is its rate centre; a code without a position,
or more than 25 miles from every city it names, is left out. Who is who is set in `cast.py`; mend it there and build
again.

{rows:,} rows of LERG 6, {switches} switches, {lrns} location routing numbers, {ported} ported numbers.

## Carriers

| carrier | OCN | in the lab |
|---|---|---|
{carriers}

## Switches

| switch | OCN | what it is | LRN | area (agreement L9) |
|---|---|---|---|---|
{areas}

The providers' location routing numbers, all on {partner_switch}: {provider_lrns}.

## Numbers for scenarios

As of 1 January 2026 (UTC). For a ported number the last column says where its LRN leads; that decides, not the dialled
code.

| number | what | OCN | switch | SHA | rate centre | ported to |
|---|---|---|---|---|---|---|
{numbers}
"""


def readme(files: Mapping[str, str]) -> str:
    """The text, from the tables by file name. Raises ValueError where a table has a faulty row."""
    guide, faults = load_guide({name: files[f"{name}.csv"].splitlines() for name in TABLES}, "Missouri")
    ported, more = load_ported_numbers(files["ported.csv"].splitlines())
    if faults or more:
        raise ValueError("; ".join(map(str, (*faults, *more)[:5])))
    lrn_at = {row.switch: row.lrn for row in guide.location_routing_numbers() if row.ocn not in _PROVIDERS}
    return _TEXT.format(
        rows=len(guide),
        switches=sum(1 for _ in guide.switches()),
        lrns=sum(1 for _ in guide.location_routing_numbers()),
        ported=len(ported),
        carriers="\n".join(f"| {carrier.name} | {carrier.ocn} | {role} |" for carrier, role in _ROLES),
        areas="\n".join(_switch_line(guide, clli, what, lrn_at.get(clli, "")) for clli, what in _SWITCHES),
        partner_switch=cast.PARTNER_SWITCH,
        provider_lrns=", ".join(f"{carrier.ocn} {lrn}" for lrn, carrier in cast.PROVIDER_LRNS),
        numbers="\n".join(_number_line(guide, number, what, ported.lrn_of(number)) for number, what in cast.EXAMPLES),
    )


_PROVIDERS = {carrier.ocn for _, carrier in cast.PROVIDER_LRNS}


def _switch_line(guide: LergGuide, clli: str, what: str, lrn: str) -> str:
    switch, area = guide.switch(clli), guide.footprint_of(clli)
    if switch is None or area is None:
        raise ValueError(f"{clli} is not in LERG 7")
    return f"| {clli} | {switch.ocn} | {what} | {lrn} | {area.describe()} |"


def _number_line(guide: LergGuide, number: str, what: str, lrn: str | None) -> str:
    code = guide.code_of(number, EXAMPLES_AT_US)
    held = f"{code.ocn} | {code.switch} | {code.sha} | {code.rate_centre}" if code is not None else "none | | |"
    routing = guide.location_routing(lrn) if lrn is not None else None
    to = f"{routing.ocn}, {routing.switch} (LRN {lrn})" if routing is not None else ""
    return f"| {number} | {what} | {held} | {to} |"
