"""Whose call it is: the provider's OCN, and how it was learnt (agreement L, definitions and L1.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import OcnSource

Attribution = tuple[Ocn | None, OcnSource]

FindProvider = Callable[[TelephoneNumber | None, TelephoneNumber | None, int], Attribution]
"""Calling number, its LRN if the message gives one, time -> OCN and how it was learnt."""

UNKNOWN: Attribution = (None, OcnSource.NONE)


class ProviderFinder:
    """Attributes a call to an OCN by its calling number.

    A ported calling number belongs to the holder of its LRN (of the code that the LRN is on, where LERG 12 doesn't have
    it), any other to the holder of its NPA-NXX-X as of the call's time. The trunk group does not come into it: a
    dedicated group is judged by who calls on it, so it cannot say who that is.

    An LRN in the message is the sender's word. It goes before our own tables, since nobody's are complete, except where
    these say that the number is a configured provider's: no word takes it from that one and gives it to another, or a
    provider would get past its limit and its discontinuance, and onto another's trunk group, at the other's cost.
    """

    def __init__(
        self, guide: LergGuide | None, ported: PortedNumbers | None, carriers: CarrierBook | None = None
    ) -> None:
        self.change(guide, ported)
        self._providers = frozenset(carrier.ocn for carrier in carriers or () if carrier.kind is CarrierKind.PROVIDER)
        self.carriers: Final = frozenset(carrier.ocn for carrier in carriers or ())
        """Every carrier of the configuration."""

    def change(self, guide: LergGuide | None, ported: PortedNumbers | None) -> None:
        """Attribute by these tables from the next call on."""
        self._guide = guide
        self._ported = ported

    def provider_of(
        self, calling: TelephoneNumber | None, calling_rn: TelephoneNumber | None, at_us: int
    ) -> Attribution:
        guide = self._guide
        if guide is None or calling is None or not calling.is_nanp:
            return UNKNOWN
        known = self._by_our_tables(guide, calling.digits, at_us)
        if calling_rn is None or known[0] in self._providers:
            return known
        claimed = _holder_of_lrn(guide, calling_rn.digits, at_us)
        return (claimed, OcnSource.CALLING_LRN) if claimed is not None else known

    def _by_our_tables(self, guide: LergGuide, digits: str, at_us: int) -> Attribution:
        lrn = self._ported.lrn_of(digits, at_us) if self._ported is not None else None
        holder = _holder_of_lrn(guide, lrn, at_us) if lrn is not None else None
        if holder is not None:
            return holder, OcnSource.CALLING_LRN
        code = guide.code_of(digits, at_us)
        return (Ocn(code.ocn), OcnSource.CALLING_CODE) if code is not None else UNKNOWN


def _holder_of_lrn(guide: LergGuide, lrn: str, at_us: int) -> Ocn | None:
    routing = guide.location_routing(lrn) or guide.code_of(lrn, at_us)
    return Ocn(routing.ocn) if routing is not None else None
