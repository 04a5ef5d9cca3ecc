"""One ISUP message: its parameters found once, their values read where they are asked for (Q.763 section 1.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup.cause import Cause, decode_cause
from gateway.codecs.ss7.isup.circuits import (
    CircuitState,
    RangeAndStatus,
    decode_circuit_states,
    decode_range_and_status,
)
from gateway.codecs.ss7.isup.digits import decode_jurisdiction
from gateway.codecs.ss7.isup.editing import refuse_shared_octets, set_parameter
from gateway.codecs.ss7.isup.indicators import (
    BackwardCallIndicators,
    EventInformation,
    ForwardCallIndicators,
    NatureOfConnection,
    OptionalBackwardCallIndicators,
    OptionalForwardCallIndicators,
    RedirectionInformation,
    decode_backward_call_indicators,
    decode_event,
    decode_forward_call_indicators,
    decode_nature_of_connection,
    decode_optional_backward,
    decode_optional_forward,
    decode_redirection_information,
    wrong_length,
)
from gateway.codecs.ss7.isup.layouts import layout_of
from gateway.codecs.ss7.isup.numbers import ITU, PartyNumber, decode_number, read_number
from gateway.codecs.ss7.isup.parts import ANSI_FORMATS, ITU_FORMATS, Span, find_parameters
from gateway.codecs.ss7.isup.services import (
    CarrierId,
    GenericDigits,
    GenericName,
    UserServiceInformation,
    decode_carrier,
    decode_generic_digits,
    decode_name,
    decode_user_service,
)
from gateway.codecs.ss7.variant import Variant

LONGEST_MESSAGE: Final = 272
"""Octets of the signalling information field (Q.703 section 2.3.8), and so more than any ISUP message has."""
LARGEST_CIC: Final = {Variant.ANSI: 0x3FFF, Variant.ITU: 0x0FFF}
"""T1.113.3: 14 bits; Q.763 section 1.2: 12 bits."""

_T = TypeVar("_T")


class IsupMessage:
    """A message as it came. Nothing in it is changed: `replaced` and `with_cic` give another one.

    Typed values are None where the parameter is absent, and raise `Malformed`, with the offset in `data`, where it
    cannot be read. Of a parameter that is there several times they give the first; `generic` and `generic_digits` give
    all.
    """

    __slots__ = ("_first", "_repeated", "cic", "data", "has_cic", "type", "variant")

    def __init__(self, data: bytes, variant: Variant, *, has_cic: bool = True) -> None:
        """Find the parameters.

        Args:
            data: the message from the CIC on; without it, from the type on (bodies of SIP-I).
            variant: whose format tables to read it by.
            has_cic: whether the CIC is there.

        Raises:
            Malformed: it is too long, ends early, or a pointer or a length leads out of it.
        """
        at = 2 if has_cic else 0
        length = len(data)
        if length <= at:
            raise Malformed("the message ends before its type", length)
        if length > LONGEST_MESSAGE:
            raise Malformed(f"the message has {length} octets, {LONGEST_MESSAGE} are allowed", LONGEST_MESSAGE)
        kind = data[at]
        self.data: Final = data
        self.variant: Final = variant
        self.has_cic: Final = has_cic
        self.type: Final[int] = kind
        itu = variant is ITU
        self.cic: Final[int | None] = (data[0] | data[1] << 8) & (0x0FFF if itu else 0x3FFF) if has_cic else None
        form = (ITU_FORMATS if itu else ANSI_FORMATS)[has_cic][kind]
        self._repeated: Final[list[tuple[int, int, int]]] = []
        self._first: Final[dict[int, Span]] = {} if form is None else find_parameters(data, form, self._repeated)

    def value(self, code: int) -> bytes | None:
        """The octets of a parameter, the first of its name; None where it is absent."""
        span = self._first.get(code)
        return None if span is None else self.data[span[0] : span[1]]

    def values(self, code: int) -> tuple[bytes, ...]:
        """The octets of every parameter of a name."""
        return tuple(self.data[begin:end] for begin, end in self.spans(code))

    def spans(self, code: int) -> tuple[Span, ...]:
        """Where in `data` the values of a parameter begin and end."""
        span = self._first.get(code)
        if span is None:
            return ()
        if not self._repeated:
            return (span,)
        return (span, *((begin, end) for name, begin, end in self._repeated if name == code))

    @property
    def parameters(self) -> tuple[tuple[int, bytes], ...]:
        """Name and octets of every parameter, unknown ones too, in the order in which they stand."""
        return tuple((code, self.data[begin:end]) for begin, end, code in self._in_order())

    def _in_order(self) -> list[tuple[int, int, int]]:
        found = [(begin, end, code) for code, (begin, end) in self._first.items()]
        found += [(begin, end, code) for code, begin, end in self._repeated]
        found.sort()
        return found

    def encode(self) -> bytes:
        """The octets of the message: those that were read."""
        return self.data

    def with_cic(self, cic: int) -> IsupMessage:
        """The same message for another circuit, spare bits of the CIC cleared; one that had no CIC gets it.

        Raises:
            ValueError: the CIC does not fit the variant.
        """
        if not 0 <= cic <= LARGEST_CIC[self.variant]:
            raise ValueError(f"CIC {cic} is not within 0 to {LARGEST_CIC[self.variant]}")
        rest = self.data[2:] if self.has_cic else self.data
        return IsupMessage(cic.to_bytes(2, "little") + rest, self.variant)

    def without_cic(self) -> IsupMessage:
        """The same message as SIP carries it (RFC 3204)."""
        return IsupMessage(self.data[2:], self.variant, has_cic=False) if self.has_cic else self

    def replaced(self, changes: Mapping[int, bytes | None]) -> IsupMessage:
        """The message with other values: replaced where the parameter is there (the first of its name), else appended
        to the optional part; None takes it out. All else stays byte for byte.

        Raises:
            ValueError: a mandatory parameter taken out, or given another length where that is fixed; a type without a
                table, or without an optional part; a message that becomes too long, or too long for a pointer.
            Malformed: parameters of this message share octets, so that none can be changed alone.
        """
        layout = layout_of(self.variant, self.type)
        if layout is None:
            raise ValueError(f"the parameters of message type {self.type:#04x} are not known")
        start = 3 if self.has_cic else 1
        message = self
        for code, value in changes.items():
            refuse_shared_octets(message.data, layout, start, message._first, message._repeated)
            data = set_parameter(message.data, layout, start, message._first.get(code), code, value)
            if len(data) > LONGEST_MESSAGE:
                raise ValueError(f"the message would have {len(data)} octets, {LONGEST_MESSAGE} are allowed")
            message = IsupMessage(data, self.variant, has_cic=self.has_cic)
        return message

    # Typed values of calls ---------------------------------------------------------------------------------------

    @property
    def called(self) -> PartyNumber | None:
        """Called party number."""
        span = self._first.get(0x04)
        return None if span is None else read_number(0x04, self.data, span[0], span[1], self.variant)

    @property
    def calling(self) -> PartyNumber | None:
        """Calling party number."""
        span = self._first.get(0x0A)
        return None if span is None else read_number(0x0A, self.data, span[0], span[1], self.variant)

    @property
    def charge(self) -> PartyNumber | None:
        """Charge number (ANSI)."""
        span = self._first.get(0xEB)
        return None if span is None else read_number(0xEB, self.data, span[0], span[1], self.variant)

    @property
    def redirecting(self) -> PartyNumber | None:
        """Redirecting number: who forwarded the call last."""
        span = self._first.get(0x0B)
        return None if span is None else read_number(0x0B, self.data, span[0], span[1], self.variant)

    @property
    def original_called(self) -> PartyNumber | None:
        """Original called number: who forwarded the call first."""
        span = self._first.get(0x28)
        return None if span is None else read_number(0x28, self.data, span[0], span[1], self.variant)

    @property
    def generic(self) -> tuple[PartyNumber, ...]:
        """Generic numbers (ITU-T), generic addresses (ANSI); `kind` tells which."""
        span = self._first.get(0xC0)
        if span is None:
            return ()
        if not self._repeated:
            return (read_number(0xC0, self.data, span[0], span[1], self.variant),)
        return tuple([read_number(0xC0, self.data, begin, end, self.variant) for begin, end in self.spans(0xC0)])

    def number(self, code: int) -> PartyNumber | None:
        """The number in any of the parameters that `decode_number` reads. Raises ValueError for others."""
        return self._read(code, lambda value: decode_number(code, value, self.variant))

    @property
    def category(self) -> int | None:
        """Calling party's category, `CallingCategory`."""
        return self._octet(0x09, "calling party's category")

    @property
    def originating_line(self) -> int | None:
        """Originating line information (ANSI): the II digits, 0 to 99."""
        return self._octet(0xEA, "originating line information")

    @property
    def hop_counter(self) -> int | None:
        """How many exchanges may still be passed, 0 to 31 (Q.763 section 3.80)."""
        octet = self._octet(0x3D, "hop counter")
        return None if octet is None else octet & 0x1F

    @property
    def transmission_medium(self) -> int | None:
        """Transmission medium requirement (ITU-T), `TransmissionMedium`."""
        return self._octet(0x02, "transmission medium requirement")

    @property
    def jurisdiction(self) -> str | None:
        """Jurisdiction information (ANSI): six digits."""
        return self._read(0xC4, decode_jurisdiction)

    @property
    def nature_of_connection(self) -> NatureOfConnection | None:
        return self._read(0x06, decode_nature_of_connection)

    @property
    def forward_call(self) -> ForwardCallIndicators | None:
        return self._read(0x07, decode_forward_call_indicators)

    @property
    def backward_call(self) -> BackwardCallIndicators | None:
        return self._read(0x11, decode_backward_call_indicators)

    @property
    def optional_forward(self) -> OptionalForwardCallIndicators | None:
        return self._read(0x08, decode_optional_forward)

    @property
    def optional_backward(self) -> OptionalBackwardCallIndicators | None:
        return self._read(0x29, decode_optional_backward)

    @property
    def cause(self) -> Cause | None:
        return self._read(0x12, decode_cause)

    @property
    def event(self) -> EventInformation | None:
        return self._read(0x24, decode_event)

    @property
    def redirection(self) -> RedirectionInformation | None:
        return self._read(0x13, decode_redirection_information)

    @property
    def user_service(self) -> UserServiceInformation | None:
        return self._read(0x1D, decode_user_service)

    @property
    def name(self) -> GenericName | None:
        """Generic name (ANSI)."""
        return self._read(0xC7, decode_name)

    @property
    def transit_network(self) -> CarrierId | None:
        """Transit network selection."""
        return self._carrier(0x23)

    @property
    def carrier(self) -> CarrierId | None:
        """Carrier identification (ANSI)."""
        return self._carrier(0xC5)

    @property
    def generic_digits(self) -> tuple[GenericDigits, ...]:
        """Generic digits, every one."""
        found = []
        for begin, end in self.spans(0xC1):
            try:
                found.append(decode_generic_digits(self.data[begin:end]))
            except Malformed as fault:
                raise Malformed(fault.what, begin + fault.offset) from None
        return tuple(found)

    # Typed values of circuits ------------------------------------------------------------------------------------

    @property
    def continuity(self) -> bool | None:
        """Of a COT: the check was successful (Q.763 section 3.18)."""
        octet = self._octet(0x10, "continuity indicators")
        return None if octet is None else bool(octet & 1)

    @property
    def network_initiated(self) -> bool | None:
        """Of a SUS or RES: the network, not the subscriber, initiated it (Q.763 section 3.52)."""
        octet = self._octet(0x22, "suspend/resume indicators")
        return None if octet is None else bool(octet & 1)

    @property
    def range_and_status(self) -> RangeAndStatus | None:
        return self._read(0x16, decode_range_and_status)

    @property
    def circuit_group_supervision(self) -> int | None:
        """Circuit group supervision message type, `GroupSupervision`."""
        octet = self._octet(0x15, "circuit group supervision message type")
        return None if octet is None else octet & 3

    @property
    def circuit_states(self) -> tuple[CircuitState, ...] | None:
        """Of a CQR: the state of each circuit of the range."""
        return self._read(0x26, decode_circuit_states)

    # Reading -----------------------------------------------------------------------------------------------------

    def _carrier(self, code: int) -> CarrierId | None:
        if code not in self._first:
            return None
        return self._read(code, lambda value: decode_carrier(value, self.variant))

    def _octet(self, code: int, name: str) -> int | None:
        span = self._first.get(code)
        if span is None:
            return None
        if span[1] - span[0] != 1:
            fault = wrong_length(self.data[span[0] : span[1]], 1, name)
            raise Malformed(fault.what, span[0] + fault.offset)
        return self.data[span[0]]

    def _read(self, code: int, decode: Callable[[bytes], _T]) -> _T | None:
        span = self._first.get(code)
        if span is None:
            return None
        try:
            return decode(self.data[span[0] : span[1]])
        except Malformed as fault:
            raise Malformed(fault.what, span[0] + fault.offset) from None
