"""Builds the synthetic Missouri guide (`sim/missouri`) from a list of the state's codes and cities.

    python -m sim.build_missouri SOURCE [FOLDER]

SOURCE is comma-separated with the columns npa, nxx, city, latitude, longitude, v, h; one row for each city of a code.
There is no chance in it: what is not in the cast is shared out by a checksum of the code; one source gives one guide.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from gateway.numbering.csv_rows import TableUnreadable
from gateway.numbering.lerg_rows import CarrierRow, RowStatus
from gateway.numbering.miles import vh_miles
from sim.missouri import cast, folder
from sim.missouri.cities import City, Code, first_free, name_cities, read_codes
from sim.missouri.readme import readme

_FARTHEST_HOST = 25.0
"""Miles within which a one-code exchange is served as a remote of a larger one."""
_CODES_OF_A_HOST = 3
"""Fewest codes of an exchange that serves remotes."""
_METRO = 30.0
"""Miles around a metropolitan anchor within which the metropolitan carrier is the incumbent."""

_METRO_ANCHORS = ("Saint Louis", "Kansas City", "Springfield", "Jefferson City")
_LATA_PLACES = {"520": "STLS", "521": "JFCY", "522": "SPFD", "524": "KSCY"}
"""First four letters of the CLLIs of the competitive carriers' switches and of the tandem in each LATA."""
_PLACES = {
    "Saint Louis": "STLS",
    "Kansas City": "KSCY",
    "Springfield": "SPFD",
    "Jefferson City": "JFCY",
    "Wright City": "WRCT",
}
_BUILDINGS = {
    "XR01": "MB",
    "XR02": "KT",
    "XR03": "SH",
    "XR04": "LM",
    "XR05": "TG",
    "XC02": "TF",
    "XC03": "LK",
    "XW01": "PH",
    "XW02": "SY",
}


class Office(NamedTuple):
    """The incumbent's switch of a city."""

    clli: str
    carrier: CarrierRow
    host: str
    """CLLI of its host, where it is a remote."""
    tandem: str


def place_offices(codes: Mapping[str, Code], cities: Mapping[str, City]) -> dict[str, Office]:
    """City -> the incumbent's switch: as the cast says, else a fictional incumbent's."""
    fixed = {exchange.city: exchange for exchange in cast.EXCHANGES}
    metro = [cities[name] for name in _METRO_ANCHORS]
    incumbents = {city.name: _incumbent(city, metro) for city in cities.values() if city.name not in fixed}
    taken = {exchange.clli[:4] for exchange in cast.EXCHANGES} | set(_PLACES.values())
    stems = {
        name: f"{_PLACES.get(name) or _place(name, taken)}MO{_BUILDINGS[carrier.ocn]}"
        for name, carrier in sorted(incumbents.items())
    }
    count = Counter(code.city for code in codes.values())
    offices = {}
    for name, carrier in incumbents.items():
        larger = [
            cities[other]
            for other, owner in incumbents.items()
            if owner == carrier and count[other] >= _CODES_OF_A_HOST and cities[other].lata == cities[name].lata
        ]
        host = _host(cities[name], larger) if count[name] == 1 else None
        clli = stems[name] + ("RS0" if host else "DS0")
        offices[name] = Office(clli, carrier, f"{stems[host]}DS0" if host else "", _metro_tandem(cities[name].lata))
    for name, exchange in fixed.items():
        tandem = exchange.tandem or _metro_tandem(cities[name].lata)
        offices[name] = Office(exchange.clli, exchange.carrier, exchange.host, tandem)
    return offices


def _host(city: City, larger: Iterable[City]) -> str | None:
    """The larger exchange that a small one is served from, if one is near enough."""
    miles = {other.name: vh_miles(city.v, city.h, other.v, other.h) for other in larger}
    nearest = min(miles, key=lambda name: (miles[name], name), default=None)
    return nearest if nearest is not None and miles[nearest] <= _FARTHEST_HOST else None


def _incumbent(city: City, metro: Iterable[City]) -> CarrierRow:
    if city.name == "Wright City":  # the cast's independent end office under the host's tandem
        return cast.INDEPENDENTS[0]
    if any(vh_miles(city.v, city.h, centre.v, centre.h) <= _METRO for centre in metro):
        return cast.METRO_BELL
    return cast.INDEPENDENTS[(int(city.lata) + city.v // 250) % len(cast.INDEPENDENTS)]


def _place(city: str, taken: set[str]) -> str:
    letters = "".join(c for c in city.upper() if c.isalpha())
    squeezed = letters[0] + "".join(c for c in letters[1:] if c not in "AEIOUY")
    return first_free((squeezed[:4].ljust(4, "X"), letters[:4].ljust(4, "X")), 4, taken)


def _metro_tandem(lata: str) -> str:
    return f"{_LATA_PLACES[lata]}MOMB01T"


def _competitive_switch(carrier: CarrierRow, lata: str) -> str:
    return f"{_LATA_PLACES[lata]}MO{_BUILDINGS[carrier.ocn]}DS0"


class Guide(NamedTuple):
    """What the tables are written from."""

    codes: Mapping[str, Code]
    cities: Mapping[str, City]
    offices: Mapping[str, Office]


def lerg6(guide: Guide) -> list[tuple[str, ...]]:
    """LERG 6, ordered by code, block and date of effect."""
    in_cast = {code.npa_nxx for code in cast.CODES}
    first_of: dict[str, str] = {}
    for npa_nxx, code in guide.codes.items():
        first_of.setdefault(code.city, npa_nxx)
    rows = []
    for given in cast.CODES:
        city = guide.cities[guide.codes[given.npa_nxx].city]
        rows.append(_lerg6_row(given.npa_nxx, given.block, given.carrier, given.switch, city, given))
    for npa_nxx, source in guide.codes.items():
        if npa_nxx in in_cast:
            continue
        city, office = guide.cities[source.city], guide.offices[source.city]
        share = crc32(npa_nxx.encode())
        if first_of[source.city] == npa_nxx or share % 100 < 52:
            rows.append(_lerg6_row(npa_nxx, "A", office.carrier, office.clli, city))
        else:
            carrier = _COMPETITORS[share // 100 % len(_COMPETITORS)]
            rows.append(_lerg6_row(npa_nxx, "A", carrier, _competitive_switch(carrier, city.lata), city))
        if share // 1_000 % 4 == 0:
            rows.extend(_pooled(npa_nxx, share, city))
    # Dates sort as the rows come: the cast gives the steps of one block in their order.
    return sorted(rows, key=lambda row: (row[3], row[4], "" if row[5] == "A" else row[5]))


_COMPETITORS = (cast.CABLE, cast.METRO_CLEC, cast.WIRELESS_1, cast.WIRELESS_2)


def _pooled(npa_nxx: str, share: int, city: City) -> Iterable[tuple[str, ...]]:
    """Three thousands blocks of a pooled code, never block 0, where the holder's location routing number is."""
    for step in range(3):
        carrier = _COMPETITORS[(share // 10_000 + step) % len(_COMPETITORS)]
        block = str(1 + (share // 100_000 + 3 * step) % 9)
        yield _lerg6_row(npa_nxx, block, carrier, _competitive_switch(carrier, city.lata), city)


def _lerg6_row(
    npa_nxx: str, block: str, carrier: CarrierRow, switch: str, city: City, given: cast.CastCode | None = None
) -> tuple[str, ...]:
    share = crc32(f"{npa_nxx}{block}".encode())
    made_up = f"{1 + share % 12:02}01{85 + share // 12 % 15}"
    status = given.status.value if given is not None else RowStatus.IN_EFFECT.value
    effective = given.effective if given is not None else made_up
    sha = given.sha if given is not None else "00"
    ssc = "V" if carrier.category == "IPES" else ""
    return (
        *(city.lata, status, effective, npa_nxx[:3], npa_nxx[3:], block, ssc, carrier.ocn),
        *("MO", city.rate_centre, switch, sha),
    )


def lerg7_and_homings(guide: Guide) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """LERG 7 and LERG 7SHA: the incumbents' offices, the tandems, the competitive carriers' switches."""
    switches: list[tuple[str, ...]] = []
    homings: list[tuple[str, ...]] = []
    hosts = {office.host for office in guide.offices.values()}

    def add(clli: str, carrier: CarrierRow, city: City, flags: str) -> None:
        functions = tuple("X" if letter in flags else "" for letter in "EHRLI")
        switches.append((city.lata, clli, carrier.ocn, str(city.v), str(city.h), city.name, "MO", *functions))

    for name, office in guide.offices.items():
        flags = "R" if office.host else "EH" if office.clli in hosts else "E"
        add(office.clli, office.carrier, guide.cities[name], flags)
        # Wright City has the host's tandem for intraLATA toll only; its local calls take the metropolitan carrier's.
        intralata = cast.WARRENTON_TANDEM if office.clli == cast.WRIGHT_CITY else office.tandem
        homings.append((office.clli, "00", office.tandem, intralata, office.host))
    homings.append((cast.TROY, "01", cast.SAINT_LOUIS_TANDEM, cast.SAINT_LOUIS_TANDEM, ""))
    for clli, carrier, city, tandem in _other_switches(guide):
        add(clli, carrier, city, "E" if tandem else "LI")
        if tandem:
            homings.append((clli, "00", tandem, tandem, ""))
    return sorted(switches, key=lambda row: row[1]), sorted(homings)


def _other_switches(guide: Guide) -> Iterable[tuple[str, CarrierRow, City, str]]:
    """CLLI, owner, place and tandem (empty: it is one itself) of the switches that are no incumbent's office."""
    centres = {"STLS": "Saint Louis", "JFCY": "Jefferson City", "SPFD": "Springfield", "KSCY": "Kansas City"}
    for lata, place in _LATA_PLACES.items():
        city = guide.cities[centres[place]]
        yield _metro_tandem(lata), cast.METRO_BELL, city, ""
        for carrier in _COMPETITORS:
            yield _competitive_switch(carrier, lata), carrier, city, _metro_tandem(lata)
    yield cast.WARRENTON_TANDEM, cast.HOST, guide.cities["Warrenton"], ""
    yield cast.PARTNER_SWITCH, cast.PARTNER, guide.cities["Saint Louis"], _metro_tandem("520")
    yield cast.SOCKET_SWITCH, cast.SOCKET, guide.cities["Columbia"], _metro_tandem("521")


def lerg12(codes: Sequence[tuple[str, ...]], remotes: set[str]) -> list[tuple[str, ...]]:
    """LERG 12: for each switch but remotes and tandems, number 0000 of its lowest code, and those of the providers."""
    rows = {}
    for lata, status, _, npa, nxx, block, _, ocn, state, rate_centre, switch, sha in codes:
        if block == "A" and not status and switch not in remotes and switch not in rows:
            rows[switch] = (lata, f"{npa}{nxx}0000", switch, ocn, rate_centre, state, sha)
    providers = [
        ("520", lrn, cast.PARTNER_SWITCH, carrier.ocn, "ST LOUIS", "MO", "00") for lrn, carrier in cast.PROVIDER_LRNS
    ]
    return sorted([*rows.values(), *providers], key=lambda row: row[1])


def build(lines: Iterable[str], file: str = "source") -> dict[str, str]:
    """File name -> text, of every file of the guide. Raises `TableUnreadable` where the source will not do."""
    codes = read_codes(lines, file)
    cities = name_cities(codes)
    missing = [name for name in (*_METRO_ANCHORS, *(e.city for e in cast.EXCHANGES)) if name not in cities]
    missing += [code.npa_nxx for code in cast.CODES if code.npa_nxx not in codes]
    if missing:
        raise TableUnreadable(file, f"the cast needs what this source lacks: {', '.join(dict.fromkeys(missing))}")
    guide = Guide(codes, cities, place_offices(codes, cities))
    rows6 = lerg6(guide)
    rows7, homings = lerg7_and_homings(guide)
    remotes = {office.clli for office in guide.offices.values() if office.host}
    rows12 = lerg12(rows6, remotes)
    lrn_of = {row[2]: row[1] for row in reversed(rows12)} | {c.ocn: lrn for lrn, c in cast.PROVIDER_LRNS}
    rows8 = [
        (c.lata, "MO", c.rate_centre, c.name, str(c.v), str(c.h))
        for c in sorted(cities.values(), key=lambda city: city.rate_centre)
    ]
    functions = "f_end_office,f_host,f_remote,f_local_tandem,f_intralata_tandem"
    files = {
        "lerg1.csv": _csv("ocn,ocn_name,ocn_state,category,overall_ocn", cast.CARRIERS),
        "lerg6.csv": _csv(
            "lata,status,eff_date_mmddyy,npa,nxx,block_id,ssc,ocn,loc_state,rc_abbre,switch,sha_indicator", rows6
        ),
        "lerg7.csv": _csv(f"lata,switch,ocn,v,h,city,state,{functions}", rows7),
        "lerg7sha.csv": _csv("switch,sha_indicator,t_local_tdm,t_intralata_tdm,host", homings),
        "lerg8.csv": _csv("lata,rc_state,rc_abbre,rc_full_name,major_v,major_h", rows8),
        "lerg12.csv": _csv("lata,lrn,switch,ocn,rc_abbre,rc_state,sha_indicator", rows12),
        "ported.csv": _csv("number,lrn", [(p.number, lrn_of[p.to]) for p in cast.PORTED]),
    }
    return files | {"README.md": readme(files)}


def _csv(header: str, rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def main(arguments: Sequence[str]) -> int:
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m sim.build_missouri SOURCE [FOLDER]\n")
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else folder()
    try:
        with Path(arguments[0]).open(encoding="utf-8") as lines:
            files = build(lines, arguments[0])
        for name, text in files.items():
            (target / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 2
    except (TableUnreadable, UnicodeDecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, text in files.items():
        sys.stdout.write(f"{target / name}: {text.count(chr(10))} lines, {len(text):,} characters\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
