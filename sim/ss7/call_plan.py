"""What a call on a circuit is to say of itself, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.codecs.ss7.isup import (
    AddressPresentation,
    CallingCategory,
    CarrierId,
    ChargeNature,
    GenericAddressType,
    IsupMessage,
    MessageType,
    NatureOfAddress,
    P,
    PartyNumber,
    RedirectionInformation,
    ScreeningIndicator,
    encode_carrier,
    encode_jurisdiction,
    encode_number,
    encode_redirection_information,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant

NORMAL_CLEARING: Final = 16
SPEECH: Final = b"\x80\x90\xa2"
"""User service information: speech, 64 kbit/s, mu-law (Q.931 section 4.5.5); the medium requirement of speech is 0."""
CONTINUITY_REQUIRED: Final = 0x04
ISUP_SO_FAR: Final = 0x60
"""Of the first octet of the forward call indicators (Q.763 section 3.23): ISUP is used up to here, and not required
from here on."""
PORTED: Final = 0x10
"""Of the second: the number is translated already (T1.113.3: bit M). Its lowest bit says that the access is ISDN."""
UNCONDITIONAL: Final = 3
"""Redirecting reason (Q.763 section 3.45)."""


@dataclass(frozen=True, slots=True)
class IsupPlan:
    """One call to place. Numbers are digits as the IAM has them: ten for a national number, without a 1 before them.

    None: the parameter is not sent. A number that begins with ``+`` is international.
    """

    called: str
    """Called party number."""
    calling: str | None
    presentation: AddressPresentation = AddressPresentation.ALLOWED
    screening: ScreeningIndicator = ScreeningIndicator.NETWORK
    charge: str | None = None
    """Charge number (ANSI)."""
    oli: int | None = None
    """Originating line information (ANSI)."""
    jip: str | None = None
    """Jurisdiction information: six digits (ANSI)."""
    ported: str | None = None
    """Generic address of the type ported number: what was dialled, where `called` is an LRN."""
    m_bit: bool = False
    """The number portability dip was made."""
    category: int = CallingCategory.ORDINARY
    redirecting: str | None = None
    original_called: str | None = None
    hops: int | None = None
    carrier: str | None = None
    """Carrier identification: three or four digits (ANSI)."""
    usi: bytes = SPEECH
    continuity: bool = False
    """A continuity check is made on the circuit, and COT follows the IAM."""
    isdn: bool = True
    """The caller's access is ISDN, so the number can be the network's."""

    def iam(self, variant: Variant, cic: int) -> IsupMessage:
        """The initial address message. Raises ValueError for digits that no parameter can hold."""
        return isup_message(variant, MessageType.IAM, cic, self._parameters(variant))

    def _parameters(self, variant: Variant) -> Iterator[tuple[int, bytes]]:
        ansi = variant is Variant.ANSI
        yield P.NATURE_OF_CONNECTION, bytes((CONTINUITY_REQUIRED if self.continuity else 0,))
        yield P.FORWARD_CALL_INDICATORS, bytes((ISUP_SO_FAR, (PORTED if self.m_bit else 0) | self.isdn))
        yield P.CALLING_PARTYS_CATEGORY, bytes((self.category,))
        if ansi:
            yield P.USER_SERVICE_INFORMATION, self.usi
        else:
            yield P.TRANSMISSION_MEDIUM, b"\x00"
        yield from self._numbers(variant)
        if self.redirecting is not None:
            diverted = RedirectionInformation(original_reason=UNCONDITIONAL, reason=UNCONDITIONAL)
            yield P.REDIRECTION_INFORMATION, encode_redirection_information(diverted)
        if ansi:
            if self.oli is not None:
                yield P.ORIGINATING_LINE_INFORMATION, bytes((self.oli,))
            if self.jip is not None:
                yield P.JURISDICTION_INFORMATION, encode_jurisdiction(self.jip)
            if self.carrier is not None:
                plan = 1 if len(self.carrier) == 3 else 2
                yield P.CARRIER_IDENTIFICATION, encode_carrier(CarrierId(self.carrier, plan=plan), variant)
        if self.hops is not None:
            yield P.HOP_COUNTER, bytes((self.hops,))

    def _numbers(self, variant: Variant) -> Iterator[tuple[int, bytes]]:
        yield P.CALLED_PARTY_NUMBER, number(P.CALLED_PARTY_NUMBER, self.called, variant)
        if self.calling is not None:
            value = number(P.CALLING_PARTY_NUMBER, self.calling, variant, self.presentation, self.screening)
            yield P.CALLING_PARTY_NUMBER, value
        if self.ported is not None:
            kind = GenericAddressType.PORTED
            yield P.GENERIC_ADDRESS, number(P.GENERIC_ADDRESS, self.ported, variant, kind=kind)
        if self.charge is not None and variant is Variant.ANSI:
            yield P.CHARGE_NUMBER, number(P.CHARGE_NUMBER, self.charge, variant)
        if self.redirecting is not None:
            yield P.REDIRECTING_NUMBER, number(P.REDIRECTING_NUMBER, self.redirecting, variant)
        if self.original_called is not None:
            yield P.ORIGINAL_CALLED_NUMBER, number(P.ORIGINAL_CALLED_NUMBER, self.original_called, variant)


def number(code: int, digits: str, variant: Variant, presentation: int = 0, screening: int = 0, kind: int = 0) -> bytes:
    """The value of a parameter that holds a number. Raises ValueError where no number is made of these digits.

    ``+`` before them makes it an international one. A charge number is the calling line's (T1.113.3 section 3.10).
    """
    nature: int = NatureOfAddress.INTERNATIONAL if digits.startswith("+") else NatureOfAddress.NATIONAL
    if code == P.CHARGE_NUMBER:
        nature = ChargeNature.CALLING_NATIONAL
    party = PartyNumber(digits.removeprefix("+"), nature, presentation=presentation, screening=screening, kind=kind)
    return encode_number(code, party, variant)


@dataclass(frozen=True, slots=True)
class CircuitOutcome:
    """What the caller saw of a call on a circuit."""

    name: str
    """Point codes and CIC, as the gateway's Call-ID begins: ``246-14-7.2-137-26.9001``."""
    answered: bool
    cause: int | None
    """Q.850 cause of the REL, whoever sent it; None where none came in time."""
    released_by: str | None
    """``caller`` or ``called``, for an answered call; else None."""
    messages: tuple[str, ...]
    """Names of the messages that came, in order."""
    cleared: bool
    """The circuit is idle again: REL was answered with RLC."""

    @property
    def clean(self) -> bool:
        return self.answered and self.cleared and self.cause == NORMAL_CLEARING


@dataclass(frozen=True, slots=True)
class Conduct:
    """How long a caller waits, and how it ends its call. Times in seconds."""

    answer_timeout_s: float = 3.0
    hold_s: float = 0.0
    hang_up: asyncio.Event | None = None
    """Ends an answered call when it is set, and so does the end of `hold_s`."""
    give_up_after_s: float | None = None
    """The caller releases a call that is not answered by then."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Is set when the call is answered."""
    cic: int | None = None
    """Seize this circuit, whatever is known of it; None: the switch chooses a free one."""
