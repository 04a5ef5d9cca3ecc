"""Whose call it is: the provider's OCN, and how it was learnt (agreement L, definitions and L1.4)."""

from __future__ import annotations

from gateway.interconnection.carriers import Ocn
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import OcnSource

Attribution = tuple[Ocn | None, OcnSource]

UNKNOWN: Attribution = (None, OcnSource.NONE)


class ProviderFinder:
    """Attributes a call to an OCN by its calling number.

    A ported calling number belongs to the holder of its LRN (of the code that the LRN is on, where LERG 12 doesn't have
    it), any other to the holder of its NPA-NXX-X as of the call's time. The trunk group does not come into it: a
    dedicated group is judged by who calls on it, so it cannot say who that is.
    """

    def __init__(self, guide: LergGuide | None, ported: PortedNumbers | None) -> None:
        self._guide = guide
        self._ported = ported

    def provider_of(
        self, calling: TelephoneNumber | None, calling_rn: TelephoneNumber | None, at_us: int
    ) -> Attribution:
        guide = self._guide
        if guide is None or calling is None or not calling.is_nanp:
            return UNKNOWN
        lrn = calling_rn.digits if calling_rn is not None else None
        if lrn is None and self._ported is not None:
            lrn = self._ported.lrn_of(calling.digits, at_us)
        if lrn is not None:
            routing = guide.location_routing(lrn) or guide.code_of(lrn, at_us)
            if routing is not None:
                return Ocn(routing.ocn), OcnSource.CALLING_LRN
        code = guide.code_of(calling.digits, at_us)
        if code is None:
            return UNKNOWN
        return Ocn(code.ocn), OcnSource.CALLING_CODE
