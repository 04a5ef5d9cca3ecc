"""What a dishonest tandem does to the IAM of a call on its way: the things that clause L7 forbids, on circuits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.codecs.ss7.isup import AddressPresentation, IsupMessage, P, ScreeningIndicator, encode_jurisdiction
from sim.ss7.call_plan import PORTED, number

_SCREENING_BITS: Final = 0x03
_PRESENTATION_BITS: Final = 0x0C


@dataclass(frozen=True, slots=True)
class IsupTampering:
    """Alterations to an IAM. None and False: left alone. Every parameter that is not named stays byte for byte.

    Numbers are digits as the IAM has them; a parameter that is given a value and is not there is added.
    """

    calling_number: str | None = None
    """Other digits in the calling party number; its nature, presentation and screening stay."""
    remove_calling_number: bool = False
    presentation: AddressPresentation | None = None
    screening: ScreeningIndicator | None = None
    strip_charge_number: bool = False
    charge_number: str | None = None
    oli: int | None = None
    """Other originating line information."""
    drop_jip: bool = False
    jip: str | None = None
    called_number: str | None = None
    drop_ported_number: bool = False
    """The generic address with the dialled digits is lost; the M bit stays."""
    clear_m_bit: bool = False
    category: int | None = None
    redirecting_number: str | None = None
    strip_redirecting: bool = False
    more_hops: int = 0
    """Added to the hop counter, which may only go down."""

    @property
    def honest(self) -> bool:
        return self == HONEST

    def apply(self, iam: IsupMessage) -> IsupMessage:
        """The IAM as it goes on."""
        changes = dict(self._changes(iam))
        return iam.replaced(changes) if changes else iam

    def _changes(self, iam: IsupMessage) -> Iterator[tuple[int, bytes | None]]:
        calling = iam.value(P.CALLING_PARTY_NUMBER)
        if self.remove_calling_number:
            yield P.CALLING_PARTY_NUMBER, None
        elif calling is not None:
            altered = self._calling(iam, calling)
            if altered != calling:
                yield P.CALLING_PARTY_NUMBER, altered
        yield from self._lines(iam)
        if self.called_number is not None:
            yield P.CALLED_PARTY_NUMBER, number(P.CALLED_PARTY_NUMBER, self.called_number, iam.variant)
        if self.drop_ported_number:
            yield P.GENERIC_ADDRESS, None
        indicators = iam.value(P.FORWARD_CALL_INDICATORS)
        if self.clear_m_bit and indicators is not None:
            yield P.FORWARD_CALL_INDICATORS, bytes((indicators[0], indicators[1] & ~PORTED))
        hops = iam.value(P.HOP_COUNTER)
        if self.more_hops and hops:
            yield P.HOP_COUNTER, bytes(((hops[0] + self.more_hops) & 0x1F,))

    def _calling(self, iam: IsupMessage, value: bytes) -> bytes:
        if self.calling_number is not None:
            digits = number(P.CALLING_PARTY_NUMBER, self.calling_number, iam.variant)
            value = bytes((digits[0], value[1])) + digits[2:]
        second = value[1]
        if self.presentation is not None:
            second = second & ~_PRESENTATION_BITS | self.presentation << 2
        if self.screening is not None:
            second = second & ~_SCREENING_BITS | self.screening
        return bytes((value[0], second)) + value[2:]

    def _lines(self, iam: IsupMessage) -> Iterator[tuple[int, bytes | None]]:
        """Who pays, from what line and where, and by whom the call was diverted."""
        if self.strip_charge_number:
            yield P.CHARGE_NUMBER, None
        elif self.charge_number is not None:
            yield P.CHARGE_NUMBER, number(P.CHARGE_NUMBER, self.charge_number, iam.variant)
        if self.oli is not None:
            yield P.ORIGINATING_LINE_INFORMATION, bytes((self.oli,))
        if self.drop_jip:
            yield P.JURISDICTION_INFORMATION, None
        elif self.jip is not None:
            yield P.JURISDICTION_INFORMATION, encode_jurisdiction(self.jip)
        if self.category is not None:
            yield P.CALLING_PARTYS_CATEGORY, bytes((self.category,))
        if self.strip_redirecting:
            yield P.REDIRECTING_NUMBER, None
            yield P.REDIRECTION_INFORMATION, None
        elif self.redirecting_number is not None:
            yield P.REDIRECTING_NUMBER, number(P.REDIRECTING_NUMBER, self.redirecting_number, iam.variant)


HONEST: Final = IsupTampering()


def one_hop_less(iam: IsupMessage) -> IsupMessage:
    """The IAM with the hop counter counted down, where there is one (Q.764 section 2.11.4)."""
    hops = iam.value(P.HOP_COUNTER)
    if not hops or not hops[0] & 0x1F:
        return iam
    return iam.replaced({P.HOP_COUNTER: bytes((hops[0] - 1,))})
