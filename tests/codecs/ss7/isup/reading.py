"""What must hold of the ISUP codec for any octets at all.

Nothing is raised but `Malformed`, with an offset within the octets. What is read is kept. One parameter can be changed,
and no other changes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, P, variant_of_iam
from gateway.codecs.ss7.variant import Variant

T = TypeVar("T")
TYPED: Final = (
    *("called", "calling", "charge", "redirecting", "original_called", "generic", "category", "originating_line"),
    *("hop_counter", "transmission_medium", "jurisdiction", "nature_of_connection", "forward_call", "backward_call"),
    *("optional_forward", "optional_backward", "cause", "event", "redirection", "user_service", "name"),
    *("transit_network", "carrier", "generic_digits", "continuity", "network_initiated", "range_and_status"),
    *("circuit_group_supervision", "circuit_states"),
)
CHANGES: Final[tuple[tuple[int, bytes | None], ...]] = (
    (P.HOP_COUNTER, b"\x13"),
    (P.CALLED_PARTY_NUMBER, b"\x03\x10"),
    (P.RANGE_AND_STATUS, bytes(9)),
    (P.CAUSE_INDICATORS, b"\x80\x90\0\0\0"),
    (P.CALLING_PARTY_NUMBER, None),
    (P.CHARGE_NUMBER, b""),
)


def read_all(data: bytes, variant: Variant, *, has_cic: bool) -> None:
    """Ask a message for everything. Raises AssertionError, or whatever was let through, where something is not so."""
    _read(lambda: variant_of_iam(data, has_cic), len(data))
    message = _read(lambda: IsupMessage(data, variant, has_cic=has_cic), len(data))
    if message is None:
        return
    assert message.encode() == data, "a message is not kept"
    for name in TYPED:
        _read(lambda name=name: getattr(message, name), len(data))  # type: ignore[misc]
    for code, value in message.parameters:
        assert value in message.values(code), "a parameter is there, and is not"
        assert all(data[begin:end] in message.values(code) for begin, end in message.spans(code)), "it is elsewhere"
    moved = message.with_cic(7)
    assert (moved.cic, moved.parameters) == (7, message.parameters), "another circuit, another message"
    for code, new in CHANGES:
        change(message, code, new)


def change(message: IsupMessage, code: int, value: bytes | None) -> None:
    """One parameter changed, if it can be, and back: no other changes with it."""
    before = list(message.parameters)
    try:
        changed = message.replaced({code: value})
    except ValueError:  # Malformed is one
        return
    assert changed.value(code) == (value if value is not None else _second(before, code)), "it is not what it was to be"
    assert _without(list(changed.parameters), code) == _without(before, code), "another parameter changed with it"


def _second(parameters: list[tuple[int, bytes]], code: int) -> bytes | None:
    values = [value for name, value in parameters if name == code]
    return values[1] if len(values) > 1 else None


def _without(parameters: list[tuple[int, bytes]], code: int) -> list[tuple[int, bytes]]:
    return [one for one in parameters if one[0] != code]


def _read(read: Callable[[], T], most: int) -> T | None:
    try:
        return read()
    except Malformed as fault:
        offset = fault.offset
    assert 0 <= offset <= most, "a fault lies outside of the octets"
    return None
