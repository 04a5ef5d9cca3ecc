"""From an IAM to what an INVITE says of the call (RFC 3398 section 8.2.1.1, Q.1912.5 section 6.1, RFC 4694, RFC 8496).

Only header fields that ISUP has a fact for are written. A field that SIP must have, and ISUP has no fact for, says so:
``sip:unavailable@unknown.invalid`` is nobody's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import (
    AddressPresentation,
    CallingCategory,
    ChargeNature,
    GenericAddressType,
    IsupMessage,
    NumberQualifier,
    P,
    PartyNumber,
    ScreeningIndicator,
    decode_number,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.interworking.diversions import diversion_lines
from gateway.signalling.ss7.interworking.numbers import readable, user_of

ANONYMOUS: Final = b'"Anonymous" <sip:anonymous%s@anonymous.invalid>'
UNAVAILABLE: Final = b"<sip:unavailable%s@unknown.invalid>"
"""Who calls where no number may or can be said: without one, what ISUP tells of the line stands here (RFC 3323)."""
DEFAULT_HOPS: Final = 70

_VOUCHED: Final = frozenset({ScreeningIndicator.NETWORK.value, ScreeningIndicator.USER_VERIFIED_PASSED.value})
"""Screenings under which the network stands for the number: it is asserted (RFC 3325)."""
_RESTRICTED: Final = frozenset({AddressPresentation.RESTRICTED.value, AddressPresentation.RESTRICTED_BY_NETWORK.value})
_NOT_AVAILABLE: Final = AddressPresentation.NOT_AVAILABLE.value
_CALLING_NAME: Final = 1
_NAME_ALLOWED: Final = 0
_NAME_NO_INDICATION: Final = 3

CATEGORIES: Final[Mapping[int, str]] = MappingProxyType(
    {
        CallingCategory.UNKNOWN.value: "unknown",
        CallingCategory.OPERATOR_FRENCH.value: "1",
        CallingCategory.OPERATOR_ENGLISH.value: "operator",
        CallingCategory.OPERATOR_GERMAN.value: "3",
        CallingCategory.OPERATOR_RUSSIAN.value: "4",
        CallingCategory.OPERATOR_SPANISH.value: "5",
        CallingCategory.PRIORITY.value: "priority",
        CallingCategory.DATA.value: "data",
        CallingCategory.TEST.value: "test",
        CallingCategory.PAYPHONE.value: "payphone",
        CallingCategory.EMERGENCY.value: "emergency",
    }
)
"""Calling party's category -> cpc. The ordinary one is left out; any other says its number (cpc takes any token)."""


class CallFields(NamedTuple):
    """What the fields of an INVITE say, as far as the IAM decides it."""

    request_uri: bytes
    from_: bytes
    """Value of From, without a tag."""
    to: bytes
    hops: int
    """Max-Forwards."""
    lines: bytes
    """Header lines of the fields that are not in every INVITE, each with its line end."""


def call_fields(iam: IsupMessage, host: bytes, target: bytes) -> CallFields:
    """What an IAM says of its call, in the words of SIP.

    `host` is our own host, which stands behind the caller's numbers; `target` host and port of where the call goes.
    Whether the call goes on was decided before; a parameter that cannot be read is as one that is not there.
    """
    called = _called(iam)
    uri = b"sip:%s@%s;user=phone" % (called, target) if called else b"sip:" + target
    plain = called.partition(b";")[0]
    caller = _Caller(iam, host)
    lines = caller.lines() + _charge_line(iam, host) + diversion_lines(iam, host)
    hops = readable(lambda: iam.hop_counter)
    to = b"<sip:%s@%s;user=phone>" % (plain, target) if plain else b"<sip:%s>" % target
    return CallFields(uri, caller.from_(), to, DEFAULT_HOPS if hops is None else hops, lines)


# -- who is called ----------------------------------------------------------------------------------------------------


def _called(iam: IsupMessage) -> bytes:
    """User part of the Request-URI: the number that was dialled, with what portability and carrier selection know.

    Where the number was ported, the called party number is the LRN (rn), and the dialled one stands in the generic
    address, in ITU-T the called directory number; npdi says what the M bit says (RFC 4694 section 6). Empty where no
    number is called, as in a call to an operator.
    """
    number = readable(lambda: iam.called)
    called = user_of(P.CALLED_PARTY_NUMBER.value, number, iam.variant) if number is not None else None
    if called is None:
        return b""
    parameters = ""
    forward = readable(lambda: iam.forward_call)
    if forward is not None and forward.ported:
        parameters += ";npdi"
    ported = _ported(iam)
    if ported is not None:
        parameters += f";rn={called}"
        called = ported
    carrier = readable(lambda: iam.transit_network) or readable(lambda: iam.carrier)
    if carrier is not None and carrier.digits.isdigit():
        parameters += f";cic=+1{carrier.digits}"
    return f"{called}{parameters}".encode()


def _ported(iam: IsupMessage) -> str | None:
    if iam.variant is Variant.ANSI:
        number = _generic(iam, GenericAddressType.PORTED.value)
        code = P.GENERIC_ADDRESS.value
    else:
        code = P.CALLED_DIRECTORY_NUMBER.value
        number = readable(lambda: iam.number(code))
    return user_of(code, number, iam.variant) if number is not None else None


def _generic(iam: IsupMessage, kind: int) -> PartyNumber | None:
    """The first generic address, in ITU-T generic number, of a kind."""
    code = P.GENERIC_NUMBER.value
    for value in iam.values(code):
        if value[:1] == bytes((kind,)):
            return readable(lambda: decode_number(code, value, iam.variant))  # noqa: B023  # called before the next one
    return None


# -- who calls --------------------------------------------------------------------------------------------------------


class _Caller:
    """The calling party as From, P-Asserted-Identity and Privacy tell of him.

    A number that the network vouches for is asserted; a user's own word stands in From alone, restricted or not, and
    Privacy says that it is not to be shown. Digits are never taken out (47 CFR 64.1601(b)).
    """

    def __init__(self, iam: IsupMessage, host: bytes) -> None:
        number = readable(lambda: iam.calling)
        self._host: Final = host
        self._user: Final = user_of(P.CALLING_PARTY_NUMBER.value, number, iam.variant) if number is not None else None
        # Digits beside "not available" are not meant to be shown; without digits it only says that there are none.
        self._restricted: Final = number is not None and (
            number.presentation in _RESTRICTED or (number.presentation == _NOT_AVAILABLE and self._user is not None)
        )
        self._asserted: Final = number is not None and self._user is not None and number.screening in _VOUCHED
        self._parameters: Final = _line_parameters(iam)
        self._said: Final = _said_by_caller(iam) if self._asserted else None
        self._name: Final = b"" if self._restricted else _name_of(iam)

    def from_(self) -> bytes:
        if self._user is None:
            return ANONYMOUS % self._parameters if self._restricted else self._name + UNAVAILABLE % self._parameters
        if self._restricted and self._asserted:
            return ANONYMOUS % b""
        if self._said is not None:
            return self._name + self._address(self._said, b"")
        return self._name + self._address(self._user, b"" if self._asserted else self._parameters)

    def lines(self) -> bytes:
        lines = b""
        if self._asserted and self._user is not None:
            lines = b"P-Asserted-Identity: %s\r\n" % self._address(self._user, self._parameters)
        if self._restricted:
            # RFC 3325 section 9.3; where From has the digits, they are the user's own to be hidden (RFC 3323, 4.2).
            lines += b"Privacy: id\r\n" if self._asserted else b"Privacy: user;id\r\n"
        return lines

    def _address(self, user: str, parameters: bytes) -> bytes:
        return b"<sip:%s%s@%s;user=phone>" % (user.encode(), parameters, self._host)


def _line_parameters(iam: IsupMessage) -> bytes:
    """Parameters of the calling number's URI: the JIP as far as an rn can say it, OLI, category."""
    parameters = b""
    jurisdiction = readable(lambda: iam.jurisdiction)
    if jurisdiction is not None and jurisdiction.isdigit():
        parameters += b";rn=+1" + jurisdiction.encode()
    line = readable(lambda: iam.originating_line)
    if line is not None:
        parameters += b";isup-oli=%02d" % line
    category = readable(lambda: iam.category)
    if category is not None and category != CallingCategory.ORDINARY.value:
        parameters += b";cpc=" + CATEGORIES.get(category, str(category)).encode()
    return parameters


def _said_by_caller(iam: IsupMessage) -> str | None:
    """The number that the user gave beside the one that the network vouches for; None where there is none."""
    wanted = (
        GenericAddressType.SUPPLEMENTAL_USER_PROVIDED_NOT_SCREENED
        if iam.variant is Variant.ANSI
        else NumberQualifier.ADDITIONAL_CALLING
    ).value
    number = _generic(iam, wanted)
    if number is None or number.presentation != AddressPresentation.ALLOWED.value:
        return None
    return user_of(P.GENERIC_NUMBER.value, number, iam.variant)


def _name_of(iam: IsupMessage) -> bytes:
    """The calling party's name as a display name, with the space behind it; empty where it may not be shown."""
    name = readable(lambda: iam.name)
    if name is None or name.kind != _CALLING_NAME or name.presentation not in (_NAME_ALLOWED, _NAME_NO_INDICATION):
        return b""
    text = name.text.strip()
    if not text or not text.isascii() or not text.isprintable():
        return b""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" '.encode()


def _charge_line(iam: IsupMessage, host: bytes) -> bytes:
    """P-Charge-Info (RFC 8496), with the nature of address where it is not that of the calling party's number."""
    number = readable(lambda: iam.charge)
    user = user_of(P.CHARGE_NUMBER.value, number, iam.variant) if number is not None else None
    if number is None or user is None:
        return b""
    nature = b"" if number.nature == ChargeNature.CALLING_NATIONAL.value else b";noa=%d" % number.nature
    return b"P-Charge-Info: <sip:%s@%s;user=phone>%s\r\n" % (user.encode(), host, nature)
