"""The checks, one file each, and the order in which the engine runs them."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.interconnection.carriers import CarrierBook
from gateway.interconnection.discontinuance import CutoverBook
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.policy.check import Check
from gateway.policy.checks.admission import Admission
from gateway.policy.checks.called_number import CalledNumber
from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.checks.calling_number import CallingNumber
from gateway.policy.checks.charge_number import ChargeNumber
from gateway.policy.checks.diversion import DivertingNumbers
from gateway.policy.checks.emergency import Emergency
from gateway.policy.checks.footprint import LergFootprint
from gateway.policy.checks.passport import PassportReadable
from gateway.policy.checks.presentation import Presentation
from gateway.policy.checks.rate_limit import RateLimitOfProvider
from gateway.policy.checks.trunk_group import TrunkGroupOfProvider


def all_checks(
    *,
    guide: LergGuide | None = None,
    ported: PortedNumbers | None = None,
    carriers: CarrierBook | None = None,
    cutovers: CutoverBook | None = None,
    gateway_numbers: Iterable[str] = (),
) -> tuple[Check, ...]:
    """Every check, in the engine's order: what is cheap and settles the call first.

    Data that isn't there (None) leaves the checks that need it saying NOT_JUDGED and why. `gateway_numbers` are the
    numbers of gateways and switches themselves, which are never a caller's.
    """
    gateways = tuple(gateway_numbers)
    return (
        Emergency(),
        TrunkGroupOfProvider(cutovers),
        Admission(carriers),
        RateLimitOfProvider(carriers),
        CallingNumber(gateways),
        Presentation(),
        ChargeNumber(gateways),
        CalledNumber(guide, ported),
        DivertingNumbers(),
        PassportReadable(),
        CallingCode(guide, ported, carriers),
        LergFootprint(guide, ported),
    )
