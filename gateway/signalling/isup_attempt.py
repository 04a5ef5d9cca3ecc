"""From an initial address message to the facts of a call: every parameter that carries them, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    IsupMessage,
    MessageType,
    P,
    decode_carrier,
    decode_jurisdiction,
    decode_name,
    decode_number,
)
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop, TrunkGroup
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.attribution import UNKNOWN, Attribution, FindProvider
from gateway.policy.call_attempt import (
    CallAttempt,
    NumberFact,
    OcnSource,
    Presentation,
    Protocol,
    Screening,
    TextFact,
    number_fact,
)
from gateway.signalling.isup_numbers import telephone_number

MAX_VALUES: Final = 16
"""More parameters than this of one kind are not read; the first one beyond is kept as one that cannot be read."""

PORTED: Final = 0xC0
"""Type of address of a generic address that is the number that was dialled before a portability dip (T1.113.3)."""

_CALLED_PARTY_NUMBER: Final = P.CALLED_PARTY_NUMBER.value
_CALLING_PARTY_NUMBER: Final = P.CALLING_PARTY_NUMBER.value
_CALLING_PARTYS_CATEGORY: Final = P.CALLING_PARTYS_CATEGORY.value
_REDIRECTING_NUMBER: Final = P.REDIRECTING_NUMBER.value
_ORIGINAL_CALLED_NUMBER: Final = P.ORIGINAL_CALLED_NUMBER.value
_GENERIC_ADDRESS: Final = P.GENERIC_ADDRESS.value
_CALLED_DIRECTORY_NUMBER: Final = P.CALLED_DIRECTORY_NUMBER.value
_GENERIC_NAME: Final = P.GENERIC_NAME.value
_CHARGE_NUMBER: Final = P.CHARGE_NUMBER.value
_ORIGINATING_LINE_INFORMATION: Final = P.ORIGINATING_LINE_INFORMATION.value
_JURISDICTION_INFORMATION: Final = P.JURISDICTION_INFORMATION.value
_CARRIER_IDENTIFICATION: Final = P.CARRIER_IDENTIFICATION.value
_TRANSIT_NETWORK_SELECTION: Final = P.TRANSIT_NETWORK_SELECTION.value
_IAM: Final = MessageType.IAM.value
_ANSI: Final = Variant.ANSI
_ISUP: Final = Protocol.ISUP
_NOT_KNOWN: Final = OcnSource.NONE
"""Names for code that runs for every call: reading a member off its enumeration runs Python code on 3.11."""

FIELDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        _CALLED_PARTY_NUMBER: "Called party number",
        _CALLING_PARTY_NUMBER: "Calling party number",
        _CALLING_PARTYS_CATEGORY: "Calling party's category",
        _REDIRECTING_NUMBER: "Redirecting number",
        _ORIGINAL_CALLED_NUMBER: "Original called number",
        _GENERIC_ADDRESS: "Generic address",
        _CALLED_DIRECTORY_NUMBER: "Called directory number",
        _GENERIC_NAME: "Generic name",
        _CHARGE_NUMBER: "Charge number",
        _ORIGINATING_LINE_INFORMATION: "Originating line information",
        _JURISDICTION_INFORMATION: "Jurisdiction information",
        _CARRIER_IDENTIFICATION: "Carrier identification",
        _TRANSIT_NETWORK_SELECTION: "Transit network selection",
    }
)
"""What evidence calls a parameter: its name in the standards."""

_ONCE: Final = (
    _CALLING_PARTY_NUMBER,
    _REDIRECTING_NUMBER,
    _ORIGINAL_CALLED_NUMBER,
    _ORIGINATING_LINE_INFORMATION,
    _JURISDICTION_INFORMATION,
)
"""Parameters that may stand once only: a second one is an attempt to be read in two ways."""

_CATEGORIES: Final[Mapping[int, str]] = MappingProxyType(
    {0: "unknown", 2: "operator", 0x0A: "ordinary", 0x0B: "priority", 0x0C: "data", 0x0D: "test", 0x0F: "payphone"}
)
_ANSI_CATEGORIES: Final[Mapping[int, str]] = MappingProxyType({0xE0: "emergency", 0xE1: "emergency"})
"""An emergency service call, and one of high priority (T1.113.3)."""

_PRESENTATIONS: Final = (
    Presentation.ALLOWED,
    Presentation.RESTRICTED,
    Presentation.UNAVAILABLE,
    Presentation.RESTRICTED,  # spare in ANSI, restricted by the network in ITU-T
)
_SCREENINGS: Final = (
    Screening.USER_NOT_VERIFIED,
    Screening.USER_VERIFIED,
    Screening.USER_FAILED,
    Screening.NETWORK,
)


def circuit_call_id(opc: str, dpc: str, cic: int, at_us: int) -> str:
    """What names a call on a circuit, in records and as the local part of a Call-ID made of it.

    Point codes as they are written (``246-14-7``) of the exchange that seized the circuit and of the other one; the
    time of the IAM in microseconds since the Unix epoch, since circuits are used again.
    """
    return f"{opc}.{dpc}.{cic}.{at_us}"


def attempt_of_iam(
    iam: IsupMessage,
    *,
    at_us: int,
    call_id: str,
    source: Hop,
    ingress: TrunkGroup | None,
    find_provider: FindProvider,
    emergency_numbers: frozenset[str],
) -> CallAttempt:
    """The call that an IAM attempts.

    `emergency_numbers` are canonical digits that are emergency calls, beside the calling party's categories that say
    so. Offsets are those in the message, from the CIC. Raises `Malformed` where it is no IAM, the called party number
    cannot be read, or what may stand once stands twice; an emergency call is stopped by none of the last two (L10).
    Any other parameter that cannot be read is a fact without a number or value.
    """
    return facts_of_iam(iam, 0, at_us, call_id, source, ingress, find_provider, emergency_numbers)


def nobodys_call(_calling: TelephoneNumber | None, _lrn: TelephoneNumber | None, _at_us: int) -> Attribution:
    """As `FindProvider`, for a message of which nobody asks whose call it is."""
    return UNKNOWN


def facts_of_iam(
    iam: IsupMessage,
    base: int,
    at_us: int,
    call_id: str,
    source: Hop,
    ingress: TrunkGroup | None,
    find_provider: FindProvider,
    emergency_numbers: frozenset[str],
) -> CallAttempt:
    """As `attempt_of_iam`, for an IAM that stands at byte `base` of another message: offsets are those in that one."""
    if iam.type != _IAM:
        raise Malformed("the message is no initial address message", base)
    reader = _Reader(iam, base)
    category = reader.text(_CALLING_PARTYS_CATEGORY, _category)
    called, routing_number = reader.called()
    # Not by the category: it is the caller's word, and would carry any call past every check and limit.
    emergency = is_emergency_number(called.number, emergency_numbers) or is_emergency_number(
        routing_number, emergency_numbers
    )
    if not emergency:
        reader.check()
    calling = reader.first(_CALLING_PARTY_NUMBER)
    attempt = CallAttempt(at_us, call_id, source, ingress, None, _NOT_KNOWN, called, calling, called)
    attempt.protocol = _ISUP
    attempt.variant = iam.variant
    attempt.emergency = emergency
    attempt.routing_number = routing_number
    attempt.npdi = reader.ported
    attempt.calling_party_category = category
    if len(calling.raw) > 1:
        attempt.presentation = _PRESENTATIONS[calling.raw[1] >> 2 & 3]
        attempt.screening = _SCREENINGS[calling.raw[1] & 3]
    attempt.hops = reader.hop_counter()
    attempt.charge = reader.numbers(_CHARGE_NUMBER)
    attempt.originating_line = reader.text(_ORIGINATING_LINE_INFORMATION, _line)
    attempt.jurisdiction = reader.text(_JURISDICTION_INFORMATION, _jurisdiction)
    attempt.diversions = (
        *reader.numbers(_REDIRECTING_NUMBER),
        *reader.numbers(_ORIGINAL_CALLED_NUMBER),
    )
    attempt.redirections = reader.redirections()
    attempt.display_name = reader.name(attempt.presentation)
    attempt.carrier = reader.carrier()
    attempt.provider, attempt.provider_source = find_provider(calling.number, None, at_us)
    return attempt


class _Reader:
    """Reads the parameters of one IAM as facts. What cannot be read says nothing, and stands where it stands."""

    __slots__ = ("_base", "_doubt", "_iam", "ported")

    def __init__(self, iam: IsupMessage, base: int) -> None:
        self._iam: Final = iam
        self._base: Final = base
        self._doubt: Malformed | None = None
        self.ported = False
        """The ported number translation indicator (M bit): a portability dip was made."""
        forward = iam.forward_call
        if forward is not None:
            self.ported = forward.ported

    def check(self) -> None:
        """Raise `Malformed` where the message can be read in two ways, or not for whom it is."""
        if self._doubt is not None:
            raise self._doubt
        for code in _ONCE:
            spans = self._iam.spans(code)
            if len(spans) > 1:
                raise Malformed(f"the parameter {FIELDS[code]} stands more than once", self._base + spans[1][0])

    def called(self) -> tuple[NumberFact, TelephoneNumber | None]:
        """The number that was dialled, and the LRN by which it is reached where a dip has put it in its place."""
        called = self.first(_CALLED_PARTY_NUMBER)
        if called.number is None:
            self._doubt = self._why_nobody_is_called()
        if self._iam.variant is _ANSI:
            ported = [fact for fact in self.numbers(_GENERIC_ADDRESS) if fact.raw[:1] == _PORTED]
        else:
            ported = list(self.numbers(_CALLED_DIRECTORY_NUMBER))
        if not ported:
            return called, None
        for fact in ported:
            if fact.raw != ported[0].raw:
                self._doubt = Malformed(f"{fact.field} gives two ported numbers", fact.offset)
        return ported[0], called.number

    def _why_nobody_is_called(self) -> Malformed | None:
        """None where the parameter can be read, and has no number."""
        try:
            if self._iam.called is not None:
                return None
        except Malformed as fault:
            return Malformed(f"Called party number: {fault.what}", self._base + fault.offset)
        return Malformed("Called party number: it is missing", self._base + len(self._iam.data))

    def first(self, code: int) -> NumberFact:
        """The (first) number of a parameter; one that is not there stands nowhere."""
        facts = self.numbers(code)
        return facts[0] if facts else number_fact(FIELDS[code], None, b"", -1)

    def numbers(self, code: int) -> tuple[NumberFact, ...]:
        spans = self._iam.spans(code)
        return tuple([self._number(code, start, end) for start, end in spans[:MAX_VALUES]]) if spans else ()

    def _number(self, code: int, start: int, end: int) -> NumberFact:
        raw = self._iam.data[start:end]
        try:
            number = telephone_number(code, decode_number(code, raw, self._iam.variant), self._iam.variant)
        except Malformed:
            number = None
        return number_fact(FIELDS[code], number, raw, self._base + start)

    def text(self, code: int, value_of: Callable[[bytes, Variant], str]) -> TextFact | None:
        spans = self._iam.spans(code)
        if not spans:
            return None
        start, end = spans[0]
        raw = self._iam.data[start:end]
        return TextFact(FIELDS[code], raw, self._base + start, value_of(raw, self._iam.variant))

    def hop_counter(self) -> int | None:
        try:
            return self._iam.hop_counter
        except Malformed:
            return None

    def redirections(self) -> int | None:
        try:
            information = self._iam.redirection
        except Malformed:
            return None
        return information.counter if information is not None else None

    def name(self, number: Presentation | None) -> TextFact | None:
        """The calling party's name, where the called party may be shown it: where it says nothing, as the number."""
        for start, end in self._iam.spans(_GENERIC_NAME)[:MAX_VALUES]:
            raw = self._iam.data[start:end]
            try:
                name = decode_name(raw)
            except Malformed:
                continue
            shown = name.presentation == _ALLOWED or (
                name.presentation == _NO_INDICATION and number is not Presentation.RESTRICTED
            )
            if name.kind == _CALLING_NAME and shown and name.text:
                return TextFact(FIELDS[_GENERIC_NAME], raw, self._base + start, name.text)
        return None

    def carrier(self) -> TextFact | None:
        for code in (_TRANSIT_NETWORK_SELECTION, _CARRIER_IDENTIFICATION):
            fact = self.text(code, _carrier)
            if fact is not None:
                return fact
        return None


_CALLING_NAME: Final = 1
_ALLOWED: Final = 0
_NO_INDICATION: Final = 3
"""Type and presentation of a generic name (T1.113.3 section 3.25A)."""

_PORTED: Final = bytes((PORTED,))


def is_emergency_number(number: TelephoneNumber | None, emergency_numbers: frozenset[str]) -> bool:
    """Whether one of the given numbers is called, also with the prefix 1 before it."""
    if number is None:
        return False
    if number.digits in emergency_numbers:
        return True
    return not number.is_nanp and number.digits.removeprefix("1") in emergency_numbers


def _category(raw: bytes, variant: Variant) -> str:
    """The category as cpc would write it (draft-mahy-iptel-cpc), else its number: of an operator of another language,
    for one.
    """
    if not raw:
        return ""
    known = _ANSI_CATEGORIES.get(raw[0]) if variant is _ANSI else None
    return known or _CATEGORIES.get(raw[0]) or str(raw[0])


def _line(raw: bytes, _variant: Variant) -> str:
    """ANI II digits as isup-oli writes them."""
    return f"{raw[0]:02d}" if raw else ""


def _jurisdiction(raw: bytes, _variant: Variant) -> str:
    try:
        digits = decode_jurisdiction(raw)
    except Malformed:
        return ""
    return digits if digits.isdecimal() else ""


def _carrier(raw: bytes, variant: Variant) -> str:
    """The carrier identification code: three digits or four (T1.113.3 section 3.36)."""
    try:
        return decode_carrier(raw, variant).digits
    except Malformed:
        return ""
