"""Where the parameters of a message stand: pointers to the variable ones, names and lengths of the optional ones.

Q.763 sections 1.3 to 1.7.
"""

from __future__ import annotations

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.layouts import Layout, has_optional_pointer


def find_variable(data: bytes, at: int, layout: Layout, first: dict[int, tuple[int, int]]) -> int:
    """Follow the pointers, which begin at `at`, and put where each mandatory value begins and ends into `first`.

    Returns:
        Where the optional part begins; 0 where there is none.

    Raises:
        Malformed: a pointer or a length leads out of the message, or a pointer into the pointers.
    """
    length = len(data)
    pointers_end = at + len(layout.variable)
    with_optional = has_optional_pointer(data, at, layout)
    if with_optional:
        pointers_end += 1
    if pointers_end > length:
        raise Malformed("the message ends within its pointers", length)
    for code in layout.variable:
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
        return 0
    where = at + data[at]
    if where < pointers_end:
        raise Malformed("the pointer to the optional part does not lead behind the pointers", at)
    if where >= length:
        raise Malformed("the pointer to the optional part leads behind the end of the message", at)
    return where


def find_optional(
    data: bytes, at: int, first: dict[int, tuple[int, int]], repeated: list[tuple[int, int, int]]
) -> None:
    """Put where each value of the optional part, which begins at `at`, begins and ends into `first`; what `first` has
    already goes into `repeated`, with its name.

    Raises:
        Malformed: a length leads out of the message, or the end of optional parameters is missing.
    """
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
