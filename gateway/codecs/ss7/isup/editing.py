"""One parameter of a message set to another value, all else kept byte for byte, pointers led to where things moved."""

from __future__ import annotations

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.layouts import Layout, OptionalPart, has_optional_pointer


def refuse_shared_octets(
    data: bytes,
    layout: Layout,
    start: int,
    first: dict[int, tuple[int, int]],
    repeated: list[tuple[int, int, int]],
) -> None:
    """Raises `Malformed` where two parts of a message share octets, so that none can be changed alone.

    Args:
        data: the message.
        layout: its format.
        start: the octet behind its type.
        first: where each value begins and ends, by its parameter's name.
        repeated: name and place of those whose name is there already; they are optional.
    """
    pointers = start + layout.fixed_octets
    pointer = pointers + len(layout.variable)
    fixed = {name for name, _ in layout.fixed}
    extents = [(begin - 2, end, code) for code, begin, end in repeated]
    for code, (begin, end) in first.items():
        if code not in fixed:
            extents.append((begin - (1 if code in layout.variable else 2), end, code))
    if has_optional_pointer(data, pointers, layout) and data[pointer]:
        end_of_optional = _end_of_optional(data, pointer)
        extents.append((end_of_optional, end_of_optional + 1, 0))
    before = 0
    for begin, end, code in sorted(extents):
        if begin < before:
            raise Malformed(f"parameter {code:#04x} shares octets with another", begin)
        before = end


def set_parameter(
    data: bytes, layout: Layout, start: int, span: tuple[int, int] | None, code: int, value: bytes | None
) -> bytes:
    """A message with one parameter replaced, appended or taken out.

    Args:
        data: the message.
        layout: its format.
        start: the octet behind its type.
        span: where the parameter's value is now; None where it is absent.
        code: the parameter's name.
        value: its new value; None takes it out.

    Raises:
        ValueError: the format does not allow it.
    """
    if value is not None and len(value) > 255:
        raise ValueError(f"parameter {code:#04x} would have {len(value)} octets, 255 are allowed")
    for name, size in layout.fixed:
        if name == code and span is not None:
            if value is None or len(value) != size:
                raise ValueError(f"parameter {code:#04x} is mandatory, with {size} octets")
            return data[: span[0]] + value + data[span[1] :]
    pointers = start + layout.fixed_octets
    if code in layout.variable and span is not None:
        if value is None:
            raise ValueError(f"parameter {code:#04x} is mandatory")
        count = len(layout.variable) + has_optional_pointer(data, pointers, layout)
        return _spliced(data, range(pointers, pointers + count), span[0] - 1, span[1], bytes((len(value),)) + value)
    return _set_optional(data, layout, pointers, span, code, value)


def _set_optional(
    data: bytes, layout: Layout, pointers: int, span: tuple[int, int] | None, code: int, value: bytes | None
) -> bytes:
    pointer = pointers + len(layout.variable)
    item = b"" if value is None else bytes((code, len(value))) + value
    if span is not None:
        data = _spliced(data, range(pointers, pointer + 1), span[0] - 2, span[1], item)
        begin = pointer + data[pointer]
        if data[begin]:
            return data
        data = data[:pointer] + b"\0" + data[pointer + 1 :]  # nothing is left but the end of optional parameters
        return _spliced(data, range(pointers, pointer + 1), begin, begin + 1, b"")
    if not item:
        return data
    if layout.optional is OptionalPart.NEVER:
        raise ValueError(f"parameter {code:#04x} has no place in a message without an optional part")
    if not has_optional_pointer(data, pointers, layout):
        data = _with_optional_pointer(data, pointers, pointer)
    if not data[pointer]:
        return _pointed(data, pointer, len(data) - pointer) + item + b"\0"
    at = _end_of_optional(data, pointer)
    return _spliced(data, range(pointers, pointer + 1), at, at, item)


def _end_of_optional(data: bytes, pointer: int) -> int:
    """Where the octet stands that ends the optional part, to which the octet `pointer` leads."""
    at = pointer + data[pointer]
    while data[at]:
        at += 2 + data[at + 1]
    return at


def _with_optional_pointer(data: bytes, pointers: int, pointer: int) -> bytes:
    """The message with a pointer to an optional part that is absent, behind its other pointers."""
    for position in range(pointers, pointer):
        data = _pointed(data, position, data[position] + 1)
    return data[:pointer] + b"\0" + data[pointer:]


def _spliced(data: bytes, pointers: range, begin: int, end: int, insert: bytes) -> bytes:
    """The message with other octets from `begin` to `end`, and the pointers to what is behind them corrected."""
    moved = len(insert) - (end - begin)
    for position in pointers:
        if data[position] and position + data[position] > begin:
            data = _pointed(data, position, data[position] + moved)
    return data[:begin] + insert + data[end:]


def _pointed(data: bytes, position: int, distance: int) -> bytes:
    if distance > 255:
        raise ValueError(f"the pointer at octet {position} would have to lead {distance} octets on, 255 are allowed")
    return data[:position] + bytes((distance,)) + data[position + 1 :]
