"""The document of /status as a person reads it: first what needs somebody, then how everything stands."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import typer

MOST_NORMAL: Final = 20
"""Providers of which nothing is to be said that get a line of their own."""
MOST_NOTICES: Final = 5
"""Notices that are shown of those that were not delivered."""
LONGEST_TEXT: Final = 72
"""Characters of a reason that a terminal shows."""

_COLOURS: Final = {
    "throttled": typer.colors.YELLOW,
    "discontinued": typer.colors.RED,
    "remediated": typer.colors.MAGENTA,
    "restored": typer.colors.CYAN,
    "dedicated": typer.colors.BLUE,
}


class Cell(NamedTuple):
    """A text in a column, and its colour on a terminal."""

    text: str
    colour: str | None = None
    to_the_right: bool = False
    longest: int | None = None
    """Characters of it that a terminal shows; None: all."""


def lines_of(status: dict[str, Any], *, whole: bool = False) -> Iterator[str]:
    """The lines of the table, coloured; `typer.echo` takes the colours off where there is no terminal.

    `whole`: long texts are not cut, for a file or another program.
    """
    now = _time(status["now"])
    section = partial(_section, whole=whole)
    yield _headline(status, now)
    for warning in status["at_odds"]:
        yield typer.style(_shown(warning, None if whole else 300), fg=typer.colors.RED)
    defence = status["denial_of_service"]
    yield from section("recommended", _recommendations(defence["recommendations"]))
    yield from section("alerts", _alerts(defence["alerts"], now))
    yield from section("calls to be ended", _drains(defence["drains"]))
    yield from section("providers", _providers(status["providers"], now))
    yield from section("partners", _partners(status["partners"]))
    yield from section("trunk groups", _groups(status["trunk_groups"]))
    yield from section("links", _links(status["links"]))
    yield from section("notices not delivered", _undelivered(status["notices"]["not_delivered"]))
    yield ""
    yield from _last_lines(status)


def _headline(status: dict[str, Any], now: datetime) -> str:
    calls = status["calls_in_progress"]
    said = [
        f"tollgate {status['version']}",
        f"up {_lasting(now - _time(status['since']))}",
        f"{calls} call{'s' if calls != 1 else ''} up",
        ", ".join(status["sip"]),
    ]
    if status["draining"]:
        said.append(typer.style("draining: no new calls are taken", fg=typer.colors.RED))
    return "  ".join(said)


def _recommendations(waiting: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for each in waiting:
        scope = f", scope {each['scope']}" if each["scope"] is not None else ""
        late = each["overdue"]
        waits = _lasting(timedelta(seconds=each["waits_seconds"]))
        until = f"overdue since {_clock(each['decide_by'])}" if late else f"decide by {_clock(each['decide_by'])}"
        yield (
            Cell(str(each["number"]), to_the_right=True),
            Cell(f"{each['step']} {each['ocn']}{scope}"),
            Cell(f"waits {waits}, {until}", typer.colors.RED if late else typer.colors.YELLOW),
            Cell(each["why"], longest=LONGEST_TEXT),
        )


def _alerts(alerts: Iterable[dict[str, Any]], now: datetime) -> Iterator[Sequence[Cell] | str]:
    for each in alerts:
        subject = each["subject"]
        on = each["trunk_group"]
        where = f" on {on}" if on is not None and on != subject["name"] else ""
        yield (
            Cell(each["detector"], typer.colors.RED),
            Cell(f"{subject['kind']} {subject['name']}{where}"),
            Cell(f"for {_lasting(now - _time(each['raised']))}"),
            Cell(each["text"], longest=LONGEST_TEXT),
        )
        if each["advice"] is not None:
            yield each["advice"]
        if each["declined"] is not None:
            yield _declined(each["declined"], now)


def _declined(said: dict[str, Any], now: datetime) -> str:
    since = _lasting(now - _time(said["at"]))
    return f"declined by {said['who']} at {_clock(said['at'])}, {since} ago ({said['how']}, entry {said['entry']})"


def _drains(drains: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for each in drains:
        yield Cell(each["ocn"]), Cell(each["step"]), Cell(f"at {_clock(each['calls_end'])}", typer.colors.YELLOW)


def _undelivered(notices: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    """Those that were tried in vain, the last first."""
    tried = [each for each in notices if each["reason"] is not None]
    for each in tried[: -MOST_NOTICES - 1 : -1]:
        yield (
            Cell(each["notice"]),
            Cell(f"{each['state']} by {each['channel']}", typer.colors.RED if each["state"] == "failed" else None),
            Cell(each["recipient"], longest=32),
            Cell(each["reason"], longest=LONGEST_TEXT),
        )


def _providers(providers: Sequence[dict[str, Any]], now: datetime) -> Iterator[Sequence[Cell] | str]:
    normal = [each for each in providers if each["standing"]["state"] == "normal"]
    left_out = normal[MOST_NORMAL:]
    for each in providers:
        if each in left_out:
            continue
        standing = each["standing"]
        state = standing["state"]
        limit = each["throttled_limit"] if state == "throttled" else each["limit"]
        yield (
            Cell(each["ocn"]),
            Cell(each["name"], longest=28),
            Cell(state, _COLOURS.get(state)),
            Cell(f"for {_lasting(now - _time(standing['since']))}" if standing["since"] else ""),
            Cell(f"{each['calls_in_progress']} up", to_the_right=True),
            Cell(_limit(limit) or "no limit"),
            Cell("; ".join(filter(None, (_standing_note(standing), _refused_for(each))))),
        )
        if each["not_enforced_on"]:
            yield f"NOT enforced on {', '.join(each['not_enforced_on'])}"
    if left_out:
        yield (Cell(""), Cell(f"and {len(left_out)} more that are normal"))


def _standing_note(standing: dict[str, Any]) -> str:
    match standing["state"]:
        case "dedicated":
            return f"on {standing['trunk_group']} only"
        case "restored":
            return "refused on shared trunk groups"
        case "discontinued" | "remediated":
            pass
        case _:
            return ""
    what = "everything of its partner" if standing["scope"] == "partner" else "its traffic"
    return f"{what} is refused" + (", removal attested" if standing["attested"] is not None else "")


def _refused_for(each: dict[str, Any]) -> str:
    """For whose sake a provider, partner or trunk group is refused that did nothing itself."""
    return f"refused because of {each['refused_for']}" if each["refused_for"] is not None else ""


def _limit(limit: dict[str, Any] | None, what: str = "limit") -> str:
    if limit is None:
        return ""
    return f"{what} {limit['sustained_per_s']:g}/s, burst {limit['burst']}, {limit['in_progress']} at once"


def _partners(partners: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    """Those of which something is to be said."""
    for each in partners:
        if each["limit"] is not None or each["refused_for"] is not None:
            yield (
                Cell(each["ocn"]),
                Cell(each["name"], longest=28),
                Cell(_limit(each["limit"]) or "no limit"),
                Cell(_refused_for(each), typer.colors.RED),
            )


def _groups(groups: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for group in groups:
        members, circuits = group["members"], group.get("circuits")
        used = sum(member["state"] in ("in service", "suspect") for member in members)
        well = used == len(members)
        capacity = f" of {group['capacity']}" if group["capacity"] is not None else ""
        kept = f"kept for {group['kept_for'] or 'nobody yet'}" if group["dedicated"] else ""
        blocked = circuits is not None and circuits["blocked"]["operator"]
        limits = _limit(group["limit"]), _limit(group["source_limit"], "of each source")
        exchange = "exchange reachable" if circuits is not None and circuits["reachable"] else "exchange unreachable"
        yield (
            Cell(group["name"]),
            Cell(f"{group['side']} {group['carrier']}"),
            Cell(f"{group['calls_in_progress']}{capacity} up", to_the_right=True),
            Cell(
                exchange if circuits is not None else f"{used} of {len(members)} members in use",
                None if well and (circuits is None or circuits["reachable"]) else typer.colors.RED,
            ),
            Cell("" if group["mode"] == "enforce" else f"mode {group['mode']}", typer.colors.YELLOW),
            Cell("blocked by an operator" if blocked else kept, typer.colors.YELLOW if blocked else None),
            Cell("; ".join(filter(None, limits))),
            Cell(_refused_for(group), typer.colors.RED),
        )


def _links(links: Iterable[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for link in links:
        error = link["last_error"]
        up = link["state"] == "active"
        yield (
            Cell(link["name"]),
            Cell(f"{link['role']} {link['address']}"),
            Cell(link["state"], None if up else typer.colors.RED),
            Cell(error["text"] if error is not None and not up else "", longest=LONGEST_TEXT),
        )


def _last_lines(status: dict[str, Any]) -> Iterator[str]:
    notices, records = status["notices"], status["records"]
    said = f"notices: {notices['delivered']} delivered, {notices['pending']} pending, {notices['failed']} failed"
    yield typer.style(said, fg=typer.colors.RED) if notices["failed"] else said
    automatic = ", ".join(status["denial_of_service"]["automatic"]) or "none"
    yield f"steps that the gateway takes by itself: {automatic}"
    if status["socket_drops"]:
        drops = f"the kernel dropped {status['socket_drops']} datagrams: more came than this machine takes in"
        yield typer.style(drops, fg=typer.colors.RED)
    lost = f", {records['lost']} lost" if records["lost"] else ""
    yield f"records: {records['written']} written{lost}  journal: {status['journal']}"
    if status["journal_faults"]:
        count = len(status["journal_faults"])
        faults = f"{count} fault{'s' if count != 1 else ''} in the journal: see `tollgate journal verify`"
        yield typer.style(faults, fg=typer.colors.RED)


def _section(title: str, rows: Iterable[Sequence[Cell] | str], *, whole: bool) -> Iterator[str]:
    """A title and rows in columns; a text goes below the row before it. Nothing where there are no rows."""
    every = [row if isinstance(row, str) else [_fitted(cell, whole) for cell in row] for row in rows]
    if not every:
        return
    cells = [row for row in every if not isinstance(row, str)]
    widths = [max(len(row[at].text) for row in cells if at < len(row)) for at in range(max(map(len, cells)))]
    yield ""
    yield typer.style(title, bold=True)
    for row in every:
        if isinstance(row, str):
            yield from textwrap.wrap(_shown(row, 1_000), 110, initial_indent="    ", subsequent_indent="    ")
            continue
        padded = (_padded(cell, width) for cell, width in zip(row, widths, strict=False) if width)
        yield ("  " + "  ".join(padded)).rstrip()


def _padded(cell: Cell, width: int) -> str:
    text = cell.text.rjust(width) if cell.to_the_right else cell.text.ljust(width)
    return typer.style(text, fg=cell.colour) if cell.text and cell.colour is not None else text


def _fitted(cell: Cell, whole: bool) -> Cell:
    return cell._replace(text=_shown(cell.text, None if whole else cell.longest))


def _shown(text: str, longest: int | None) -> str:
    """A text on one line that a terminal shows as it is; None: all of it."""
    plain = "".join(character if character.isprintable() else "?" for character in text)
    return plain if longest is None or len(plain) <= longest else f"{plain[: longest - 1]}…"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _clock(text: str) -> str:
    """A time on this machine's clock."""
    return _time(text).astimezone().strftime("%H:%M:%S")


def _lasting(span: timedelta) -> str:
    """How long something lasts, to two units at most: ``42 s``, ``7 min``, ``3 h 05 min``, ``2 d 4 h``."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    minutes, hours = seconds // 60, seconds // 3_600
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60:02} min"
    return f"{hours // 24} d {hours % 24} h"
