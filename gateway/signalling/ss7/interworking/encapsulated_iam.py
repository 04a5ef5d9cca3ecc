"""The IAM in the body of an INVITE as the ground of the IAM that leaves (SIP-I, Q.1912.5 section 6.1.3, RFC 3372).

The header fields have been acted upon on the way, the body has not: where the two speak of the same fact, the header
fields are right, and where they say the same, the body says it in more detail. What SIP has no word for comes from the
body alone.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.isup import (
    CallingCategory,
    GenericAddressType,
    IsupMessage,
    MessageType,
    P,
    decode_forward_call_indicators,
    encode_forward_call_indicators,
    encode_name,
    encode_number,
    isup_message,
)
from gateway.signalling.isup_numbers import telephone_number
from gateway.signalling.ss7.interworking.numbers import readable

_NUMBERS: Final = frozenset(
    {
        P.CALLED_PARTY_NUMBER.value,
        P.CALLING_PARTY_NUMBER.value,
        P.CHARGE_NUMBER.value,
        P.REDIRECTING_NUMBER.value,
        P.ORIGINAL_CALLED_NUMBER.value,
        P.CALLED_DIRECTORY_NUMBER.value,
    }
)
_OF_THE_BODY: Final = frozenset(
    {
        P.NATURE_OF_CONNECTION.value,
        P.USER_SERVICE_INFORMATION.value,
        P.TRANSMISSION_MEDIUM.value,
        P.REDIRECTION_INFORMATION.value,
        P.GENERIC_NAME.value,
    }
)
"""What the body knows, and SIP at most in part."""
_FIRST_ALONE: Final = (
    _NUMBERS
    | _OF_THE_BODY - {P.GENERIC_NAME.value}
    | {
        P.FORWARD_CALL_INDICATORS.value,
        P.CALLING_PARTYS_CATEGORY.value,
        P.ORIGINATING_LINE_INFORMATION.value,
        P.JURISDICTION_INFORMATION.value,
        P.CARRIER_IDENTIFICATION.value,
        P.TRANSIT_NETWORK_SELECTION.value,
        P.HOP_COUNTER.value,
    }
)
"""What the checks read the first one of: a second one was judged by nobody, and does not go on."""
_PORTABILITY: Final = frozenset({P.CALLED_DIRECTORY_NUMBER.value})
_GENERIC: Final = P.GENERIC_NUMBER.value
_PORTED: Final = bytes((GenericAddressType.PORTED.value,))
_RESTRICTED: Final = 1
_ORDINARY: Final = bytes((CallingCategory.ORDINARY.value,))
"""What stands where SIP says nothing of the category."""


def merged(iam: IsupMessage, body: IsupMessage, *, restricted: bool) -> IsupMessage:
    """The IAM of the header fields with what the body's IAM, of the same variant, knows beyond them.

    `restricted`: SIP asks for the caller's privacy, which the body cannot take back. A body that cannot be made part of
    a message is left out.
    """
    if body.type != MessageType.IAM.value or body.variant is not iam.variant:
        return iam
    said = {code: value for code, value in iam.parameters if code != _GENERIC}
    generic = list(iam.values(_GENERIC))
    parameters: list[tuple[int, bytes]] = []
    read: set[int] = set()
    for code, value in body.parameters:
        if code in read:
            continue
        if code in _FIRST_ALONE:
            read.add(code)
        if code == _GENERIC:
            if value not in generic and value[:1] != _PORTED:
                generic.append(value)
            continue
        own = said.pop(code, None)
        if own is None:
            if code not in _PORTABILITY:  # whether the number was ported the Request-URI says
                parameters.append((code, _withheld(code, value, body) if restricted else value))
            continue
        parameters.append((code, _of_both(code, own, value, iam, body)))
    parameters += said.items()
    parameters += [(_GENERIC, value) for value in generic]
    try:
        return isup_message(iam.variant, MessageType.IAM.value, None, parameters)
    except ValueError:
        return iam


def _of_both(code: int, own: bytes, value: bytes, iam: IsupMessage, body: IsupMessage) -> bytes:
    """The value of a parameter that the header fields (`own`) and the body have."""
    if code == P.FORWARD_CALL_INDICATORS.value:
        ported = decode_forward_call_indicators(own).ported
        return encode_forward_call_indicators(decode_forward_call_indicators(value)._replace(ported=ported))
    if code == P.HOP_COUNTER.value:
        return min(own, value) if len(value) == 1 else own
    if code in _OF_THE_BODY or (code == P.CALLING_PARTYS_CATEGORY.value and own == _ORDINARY):
        return value
    if code in _NUMBERS and _same(code, iam, body):
        return value
    return own


def _same(code: int, iam: IsupMessage, body: IsupMessage) -> bool:
    """Whether both give the same number, and show it to the same people."""
    one, other = iam.number(code), readable(lambda: body.number(code))
    if one is None or other is None or bool(one.presentation) != bool(other.presentation):
        return False
    digits, others = telephone_number(code, one, iam.variant), telephone_number(code, other, iam.variant)
    return digits is not None and others is not None and digits[0::2] == others[0::2]


def _withheld(code: int, value: bytes, body: IsupMessage) -> bytes:
    """The calling number or the name of a caller who asked for privacy, from the body alone: not to be shown."""
    if code == P.CALLING_PARTY_NUMBER.value:
        number = readable(lambda: body.calling)
        if number is not None and not number.presentation:
            return encode_number(code, number._replace(presentation=_RESTRICTED), body.variant)
    elif code == P.GENERIC_NAME.value:
        name = readable(lambda: body.name)
        if name is not None and name.presentation != _RESTRICTED:
            return encode_name(name._replace(presentation=_RESTRICTED))
    return value
