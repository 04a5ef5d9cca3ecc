"""Carriers and the standing that the agreement gives them (agreement L, definitions, L1.1, L1.2 and L11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NewType

Ocn = NewType("Ocn", str)
"""Operating company number: four characters, the identity of a carrier in LERG 1."""


class CarrierKind(Enum):
    HOST = "host"  # owner of the switches
    PARTNER = "partner"  # the CLEC whose trunks these are
    PROVIDER = "provider"  # an interconnected VoIP provider that reaches the host over a partner's trunks


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What a provider, source, trunk group or partner may send: a token bucket, and a ceiling on calls in progress."""

    sustained_per_s: float
    burst: int
    in_progress: int


@dataclass(frozen=True, slots=True)
class Carrier:
    ocn: Ocn
    name: str
    kind: CarrierKind
    partner: Ocn | None = None
    """A provider's partner: the carrier over whose trunks it comes. Its traffic is the partner's own (L2)."""
    numbering_agreement: bool = False
    """The provider's numbering agreement with the host exists (L11, first half)."""
    amendment: bool = False
    """The partner has signed this amendment (L11, second half). Read from the partner."""
    confirmed_at_us: int | None = None
    """When the host confirmed the provider's numbering agreement (L1.1), microseconds since the Unix epoch."""
    stopped_at_us: int | None = None
    """From when the partner no longer routes the provider (L1.2), microseconds since the Unix epoch."""
    limit: RateLimit | None = None
    """Of a provider: its own calls; of a partner: all calls on its trunks together. None: not limited."""
    throttled: RateLimit | None = None
    """Of a provider, while it is throttled (L8); None: what the configuration sets for all."""


class CarrierBook:
    """The carriers of one configuration, by OCN."""

    def __init__(self, carriers: Iterable[Carrier]) -> None:
        self._by_ocn = {carrier.ocn: carrier for carrier in carriers}

    def get(self, ocn: Ocn | None) -> Carrier | None:
        return self._by_ocn.get(ocn) if ocn is not None else None

    def __iter__(self) -> Iterator[Carrier]:
        return iter(self._by_ocn.values())

    def __contains__(self, ocn: object) -> bool:
        return ocn in self._by_ocn

    def providers_of(self, partner: Ocn) -> tuple[Carrier, ...]:
        """The providers that come over this partner's trunks."""
        return tuple(c for c in self if c.kind is CarrierKind.PROVIDER and c.partner == partner)
