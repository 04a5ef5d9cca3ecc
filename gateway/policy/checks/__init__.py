"""The checks, one file each, and the order in which the engine runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gateway.interconnection.carriers import CarrierBook
from gateway.interconnection.denial_of_service import StandingBook
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.policy.check import Check
from gateway.policy.checks.admission import Admission
from gateway.policy.checks.called_number import CalledNumber
from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.checks.calling_number import CallingNumber
from gateway.policy.checks.charge_number import ChargeNumber
from gateway.policy.checks.discontinuance import Discontinuance
from gateway.policy.checks.diversion import DivertingNumbers
from gateway.policy.checks.emergency import Emergency
from gateway.policy.checks.encapsulated_isup import EncapsulatedIsup
from gateway.policy.checks.footprint import LergFootprint
from gateway.policy.checks.jurisdiction import Jurisdiction
from gateway.policy.checks.passport import PassportReadable
from gateway.policy.checks.presentation import Presentation
from gateway.policy.checks.rate_limit import RateLimits
from gateway.policy.checks.trunk_group import TrunkGroupOfProvider
from gateway.policy.routing import Router
from gateway.policy.verdict import Verdict

_INTEGRITY = (Verdict.ALTERED, Verdict.MISSING, Verdict.FABRICATED)
REFUSES: Mapping[str, tuple[tuple[str, ...], tuple[Verdict, ...]]] = MappingProxyType(
    {
        Discontinuance.name: (("L8",), (Verdict.DISCONTINUED,)),
        TrunkGroupOfProvider.name: (("L8",), (Verdict.WRONG_TRUNK_GROUP,)),
        RateLimits.name: (("L8",), (Verdict.OVER_LIMIT,)),
        CallingNumber.name: (("L7",), _INTEGRITY),
        Presentation.name: (("47 CFR 64.1601(b)",), (Verdict.ALTERED,)),
        ChargeNumber.name: (("L7",), (Verdict.ALTERED, Verdict.FABRICATED)),
        CalledNumber.name: (("L7",), _INTEGRITY),
        DivertingNumbers.name: (("L7",), (Verdict.ALTERED, Verdict.FABRICATED)),
        EncapsulatedIsup.name: (("L7",), (Verdict.ALTERED,)),
        CallingCode.name: (("L1.4",), (Verdict.MISMATCH, Verdict.FABRICATED)),
        Jurisdiction.name: (("L7",), (Verdict.MISMATCH, Verdict.FABRICATED)),
        Admission.name: (("L1.1", "L1.2", "L11"), (Verdict.UNCONFIRMED,)),
        LergFootprint.name: (("L9",), (Verdict.OUTSIDE,)),
    }
)
"""What each check can refuse a call for: clauses and verdicts."""


def all_checks(
    *,
    limiter: RateLimits | None = None,
    guide: LergGuide | None = None,
    ported: PortedNumbers | None = None,
    carriers: CarrierBook | None = None,
    standings: StandingBook | None = None,
    router: Router | None = None,
    gateway_numbers: Iterable[str] = (),
) -> tuple[Check, ...]:
    """Every check, in the engine's order: what refuses a flood first, then what the message says of itself, then what
    it says against the tables. A calling code that is not the provider's comes before the provider's admission: it says
    more of the call than that nobody by that OCN was admitted.

    Data that isn't there (None) leaves the checks that need it saying NOT_JUDGED and why. `gateway_numbers` are the
    numbers of gateways and switches themselves, which are never a caller's. `limiter` is one that counts already, and
    `router` the one that routes, which says whose trunks a call from the host leaves on.
    """
    gateways = tuple(gateway_numbers)
    return (
        Emergency(),
        Discontinuance(standings, router),
        TrunkGroupOfProvider(standings),
        limiter if limiter is not None else RateLimits(carriers),
        CallingNumber(gateways),
        Presentation(),
        ChargeNumber(gateways),
        CalledNumber(guide, ported),
        DivertingNumbers(),
        EncapsulatedIsup(),
        PassportReadable(),
        CallingCode(guide, ported, carriers),
        Jurisdiction(guide),
        Admission(carriers),
        LergFootprint(guide, ported),
    )
