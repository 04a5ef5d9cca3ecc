"""Where the parameters of a message stand: pointers to the variable ones, names and lengths of the optional ones.

Q.763 sections 1.3 to 1.7.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.layouts import ANSI_LAYOUTS, ITU_LAYOUTS, Layout, OptionalPart, has_optional_pointer

Span = tuple[int, int]
"""Where in a message a value begins and ends."""
Format = tuple[dict[int, Span], int, Layout]
"""A layout made ready for reading: the spans of the mandatory fixed part, where it ends, and the layout."""

ALWAYS: Final = OptionalPart.ALWAYS


def _formats(layouts: list[Layout | None], start: int) -> list[Format | None]:
    table: list[Format | None] = [None] * 256
    for kind, layout in enumerate(layouts):
        if layout is None:
            continue
        at = start
        spans = {}
        for code, size in layout.fixed:
            spans[code] = (at, at + size)
            at += size
        table[kind] = (spans, at, layout)
    return table


ITU_FORMATS: Final = (_formats(ITU_LAYOUTS, 1), _formats(ITU_LAYOUTS, 3))
ANSI_FORMATS: Final = (_formats(ANSI_LAYOUTS, 1), _formats(ANSI_LAYOUTS, 3))
"""By whether there is a CIC, and by message type."""


def find_parameters(data: bytes, form: Format, repeated: list[tuple[int, int, int]]) -> dict[int, Span]:
    """The spans of all parameters, by name. Of one that is there again, name and span go into `repeated`.

    Raises:
        Malformed: the message ends early, or a pointer or a length leads out of it, or a pointer to the pointers.
    """
    fixed, at, (_, variable, optional) = form
    length = len(data)
    if at > length:
        raise Malformed("the message ends within its mandatory fixed part", length)
    first = fixed.copy()
    with_optional = (optional is ALWAYS and bool(variable)) or has_optional_pointer(data, at, form[2])
    pointers_end = at + len(variable) + with_optional
    if pointers_end > length:
        raise Malformed("the message ends within its pointers", length)
    for code in variable:
        where = at + data[at]
        if where < pointers_end:
            raise Malformed(f"the pointer to parameter {code:#04x} does not lead behind the pointers", at)
        if where >= length:
            raise Malformed(f"the pointer to parameter {code:#04x} leads behind the end of the message", at)
        end = where + 1 + data[where]
        if end > length:
            raise Malformed(f"parameter {code:#04x} is longer than the message", where)
        first[code] = (where + 1, end)
        at += 1
    if not with_optional or not data[at]:
        return first
    where = at + data[at]
    if where < pointers_end:
        raise Malformed("the pointer to the optional part does not lead behind the pointers", at)
    if where >= length:
        raise Malformed("the pointer to the optional part leads behind the end of the message", at)
    _find_optional(data, where, first, repeated)
    return first


def _find_optional(data: bytes, at: int, first: dict[int, Span], repeated: list[tuple[int, int, int]]) -> None:
    length = len(data)
    while at < length:
        code = data[at]
        if not code:
            return
        begin = at + 2
        if begin > length:
            raise Malformed(f"the message ends before the length of parameter {code:#04x}", length)
        end = begin + data[at + 1]
        if end > length:
            raise Malformed(f"parameter {code:#04x} is longer than the message", at + 1)
        if code in first:
            repeated.append((code, begin, end))
        else:
            first[code] = (begin, end)
        at = end
    raise Malformed("the message ends before the end of optional parameters", length)
