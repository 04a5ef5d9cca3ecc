"""Messages made from parameters, and which variant an IAM of unknown origin is of."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.codes import MessageType
from gateway.codecs.ss7.isup.layouts import OptionalPart, layout_of
from gateway.codecs.ss7.isup.message import LARGEST_CIC, LONGEST_MESSAGE, IsupMessage
from gateway.codecs.ss7.variant import Variant


def isup_message(
    variant: Variant, type: int, cic: int | None, parameters: Iterable[tuple[int, bytes]] = ()
) -> IsupMessage:
    """A message in the layout that the tables give: fixed part, pointers, variable parameters, optional part.

    Args:
        variant: whose tables.
        type: `MessageType`.
        cic: the circuit; None for the body of a SIP message, which has no CIC.
        parameters: names and values. Of a mandatory parameter the first is taken; everything else goes into the
            optional part, in this order.

    Raises:
        ValueError: a type without a table; a mandatory parameter that is missing or has another length than the table
            says; a parameter for a type without an optional part; a CIC that does not fit; more octets than a message
            may have.
    """
    layout = layout_of(variant, type)
    if layout is None:
        raise ValueError(f"there is no format for message type {type:#04x} ({variant.value})")
    if cic is not None and not 0 <= cic <= LARGEST_CIC[variant]:
        raise ValueError(f"CIC {cic} is not within 0 to {LARGEST_CIC[variant]}")
    left = list(parameters)
    fixed = b"".join(_taken(left, type, name, size) for name, size in layout.fixed)
    variable = [_taken(left, type, name) for name in layout.variable]
    if any(not 0 < name <= 255 or len(value) > 255 for name, value in left):
        raise ValueError("a parameter's name is 1 to 255, and its value has at most 255 octets")
    optional = b"".join(bytes((name, len(value))) + value for name, value in left)
    if optional and layout.optional is OptionalPart.NEVER:
        raise ValueError(f"parameter {left[0][0]:#04x} has no place in message type {type:#04x}")
    with_pointer = bool(optional) or layout.optional is OptionalPart.ALWAYS
    distance = len(variable) + with_pointer
    pointers = b""
    for value in variable:
        pointers += bytes((distance,))
        distance += len(value)  # the octet of its length, less the pointer that is behind us
    if with_pointer:
        pointers += bytes((distance if optional else 0,))
    head = b"" if cic is None else cic.to_bytes(2, "little")
    contents = b"".join(bytes((len(value),)) + value for value in variable)
    data = head + bytes((type,)) + fixed + pointers + contents + (optional + b"\0" if optional else b"")
    if len(data) > LONGEST_MESSAGE:
        raise ValueError(f"the message would have {len(data)} octets, {LONGEST_MESSAGE} are allowed")
    return IsupMessage(data, variant, has_cic=cic is not None)


def _taken(parameters: list[tuple[int, bytes]], type: int, name: int, size: int | None = None) -> bytes:
    """The first value of a name, taken out of the list."""
    for place, (code, value) in enumerate(parameters):
        if code == name:
            if (size is not None and len(value) != size) or len(value) > 255:
                raise ValueError(f"parameter {name:#04x} has {len(value)} octets instead of {size or 'at most 255'}")
            del parameters[place]
            return value
    raise ValueError(f"message type {type:#04x} must have parameter {name:#04x}")


def variant_of_iam(data: bytes, has_cic: bool = True) -> Variant:
    """Whether an IAM is ANSI's or ITU-T's, where nothing else tells.

    ANSI's pointers stand where ITU-T has the transmission medium and the pointer to the called number: the first leads
    over three pointers (to the user service information), the second over that information as well. What is no IAM by
    ANSI's table is taken for ITU-T's.

    Raises:
        Malformed: it is no IAM.
    """
    at = 2 if has_cic else 0
    if len(data) <= at or data[at] != MessageType.IAM:
        raise Malformed("the message is no IAM", min(at, len(data)))
    if len(data) > at + 8 and data[at + 5] == 3 and data[at + 6] == 3 + data[at + 8]:
        return Variant.ANSI
    return Variant.ITU
