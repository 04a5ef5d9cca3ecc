"""The calling number's code is the provider's, and homed on the partner's switch (L1.4)."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.interconnection.carriers import CarrierBook, CarrierKind, Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE, TrunkGroup
from gateway.numbering.lerg import LergGuide
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.canonical import switch_of
from gateway.policy.facts import NO_TRUNK_GROUP, evidence, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

TOLL_FREE: Final = frozenset({"800", "822", "833", "844", "855", "866", "877", "888"})
"""NPAs of toll-free service: not geographic, so no switch serves them."""


class _Holder(NamedTuple):
    """Whose a calling number is by LERG, and why."""

    ocn: str
    switch: str
    by: str
    """For a person: ``code 314-555-0`` or ``LRN 3145559999``."""


class CallingCode:
    """Judges the calling number's NPA-NXX-X as of the call's time; a ported number by its location routing number.

    The LRN is the message's (rn beside the calling number), else our own portability data's. An rn of six digits, which
    names the switch that the call came from, is for the jurisdiction check.

    - FABRICATED: the code, or the LRN's, is assigned to nobody.
    - MISMATCH: its OCN is not the one that the call is attributed to; or neither the partner nor one of the partner's
      providers; or the code is homed on another switch than the partner's (`TrunkGroup.home_switch`, where given); or
      the number and its LRN lie in two states, which no porting explains.

    Without a book of carriers the OCN is compared with the partner's only if the call is attributed. Judged on
    partner-side trunk groups. Emergency calls pass.
    """

    name: Final = "calling_code"
    clause: Final = "L1.4"

    def __init__(self, guide: LergGuide | None, ported: PortedNumbers | None, carriers: CarrierBook | None) -> None:
        self._guide = guide
        self._ported = ported
        self._carriers = carriers
        self._pass = passed(self.name, self.clause)
        self._no_guide = not_judged(self.name, self.clause, "no LERG guide configured")
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)
        self._no_number = not_judged(self.name, self.clause, "no calling number (see calling_number)")
        self._foreign = not_judged(self.name, self.clause, "the calling number is not one of the NANP")

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress, guide, number = attempt.ingress, self._guide, attempt.calling.number
        if ingress is None:
            return self._no_ingress
        if ingress.side is not PARTNER_SIDE or attempt.emergency:
            return self._pass
        if guide is None:
            return self._no_guide
        if number is None:
            return self._no_number
        if not number.is_nanp:
            return self._foreign
        rn = attempt.calling_routing_number
        lrn = rn.digits if rn is not None and switch_of(rn) is None else None
        if lrn is None and self._ported is not None:
            lrn = self._ported.lrn_of(number.digits, attempt.at_us)
        if lrn is not None:
            return self._judge_ported(attempt, ingress, guide, number, lrn)
        code = guide.code_of(number.digits, attempt.at_us)
        if code is None:
            return self._unassigned(attempt, number)
        if self._is_providers(attempt, ingress, code.ocn, code.switch):
            return self._pass
        return self._mismatch(attempt, ingress, _Holder(code.ocn, code.switch, f"code {_block(number.digits)}"))

    def _judge_ported(
        self, attempt: CallAttempt, ingress: TrunkGroup, guide: LergGuide, number: TelephoneNumber, lrn: str
    ) -> Finding:
        routing = guide.location_routing(lrn) or guide.code_of(lrn, attempt.at_us)
        if routing is None:
            text = f"the calling number's LRN {lrn} is in no row of LERG 12 and on no code of LERG 6"
            return self._fabricated(text, attempt)
        if self._is_providers(attempt, ingress, routing.ocn, routing.switch):
            code = guide.code_of(number.digits, attempt.at_us)
            if code is None or code.state == routing.state or not code.state or not routing.state:
                return self._pass
            text = f"the calling number {number} is of {code.state}, its LRN {lrn} of {routing.state}"
            return self._broken_tie(text, attempt)
        return self._mismatch(attempt, ingress, _Holder(routing.ocn, routing.switch, f"LRN {lrn} of the ported number"))

    def _is_providers(self, attempt: CallAttempt, ingress: TrunkGroup, ocn: str, switch: str) -> bool:
        return (
            (attempt.provider is None or attempt.provider == ocn)
            and (ingress.home_switch is None or not switch or switch == ingress.home_switch)
            and self._comes_over(ingress, ocn)
        )

    def _comes_over(self, ingress: TrunkGroup, ocn: str) -> bool:
        """Whether the holder of the code is the partner or one of its providers."""
        if ocn == ingress.carrier or self._carriers is None:
            return True
        carrier = self._carriers.get(Ocn(ocn))
        return carrier is not None and carrier.kind is CarrierKind.PROVIDER and carrier.partner == ingress.carrier

    def _unassigned(self, attempt: CallAttempt, number: TelephoneNumber) -> Finding:
        if number.digits[:3] in TOLL_FREE:
            text = f"the calling number {number} is a toll-free number: no provider's code, and on no switch"
            return self._broken_tie(text, attempt)
        text = f"the calling number's code {_block(number.digits)} was assigned to nobody at the time of the call"
        return self._fabricated(text, attempt)

    def _fabricated(self, text: str, attempt: CallAttempt) -> Finding:
        return violation(
            self.name,
            Verdict.FABRICATED,
            self.clause,
            Reason.CALLING_CODE_UNASSIGNED,
            text,
            evidence(attempt.calling),
        )

    def _mismatch(self, attempt: CallAttempt, ingress: TrunkGroup, holder: _Holder) -> Finding:
        if not self._comes_over(ingress, holder.ocn):
            text = f"{holder.by} belongs to OCN {holder.ocn}, which does not come over the partner {ingress.carrier}"
        elif attempt.provider is not None and attempt.provider != holder.ocn:
            text = f"{holder.by} belongs to OCN {holder.ocn}, the call is OCN {attempt.provider}'s"
        else:
            text = f"{holder.by} is homed on {holder.switch}, not on the partner's switch {ingress.home_switch}"
        return self._broken_tie(text, attempt)

    def _broken_tie(self, text: str, attempt: CallAttempt) -> Finding:
        return violation(
            self.name,
            Verdict.MISMATCH,
            self.clause,
            Reason.CALLING_CODE_MISMATCH,
            text,
            evidence(attempt.calling),
        )


def _block(digits: str) -> str:
    """NPA-NXX-X, as LERG users write it."""
    return f"{digits[:3]}-{digits[3:6]}-{digits[6]}"
