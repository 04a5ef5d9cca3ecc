"""Only a provider confirmed by the host, under both agreements, comes over a partner's trunks (L1.1, L1.2, L11)."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.facts import NO_TRUNK_GROUP, evidence, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Finding, Verdict

_PROVIDER: Final = CarrierKind.PROVIDER


class Admission:
    """Judges whether the provider of a call was admitted at the time of the call.

    A partner's own traffic needs no more than the amendment itself. Any other OCN needs its numbering agreement and
    the partner's amendment (L11), the host's confirmation (L1.1, from `confirmed_at_us` on) and no stop notice (L1.2,
    from `stopped_at_us` on). A call that can be attributed to nobody is UNCONFIRMED: were it let in, leaving out the
    calling number would be the way around the agreement. Emergency calls pass.
    """

    name: Final = "admission"
    clause: Final = "L1.1"

    def __init__(self, carriers: CarrierBook | None) -> None:
        self._carriers = carriers
        self._pass = passed(self.name, self.clause)
        self._no_carriers = not_judged(self.name, self.clause, "no carriers configured")
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)

    def judge(self, attempt: CallAttempt) -> Finding:
        ingress = attempt.ingress
        if ingress is None:
            return self._no_ingress
        if self._carriers is None:
            return self._no_carriers
        if ingress.side is not PARTNER_SIDE or attempt.emergency or attempt.provider == ingress.carrier:
            return self._pass
        if attempt.provider is None:
            return self._unconfirmed(attempt, "L1.1", "the call can be attributed to no provider")
        provider = self._carriers.get(attempt.provider)
        if provider is None:
            return self._unconfirmed(attempt, "L1.1", f"OCN {attempt.provider} was never notified to the host")
        return self._standing(attempt, provider, ingress.carrier) or self._pass

    def _standing(self, attempt: CallAttempt, provider: Carrier, partner: Ocn) -> Finding | None:
        """What the provider lacks, by the clause that asks for it."""
        partner_carrier = self._carriers.get(partner) if self._carriers is not None else None
        amendment = partner_carrier is not None and partner_carrier.amendment
        if (
            amendment
            and provider.partner == partner
            and provider.kind is _PROVIDER
            and provider.numbering_agreement
            and provider.confirmed_at_us is not None
            and provider.confirmed_at_us <= attempt.at_us
            and (provider.stopped_at_us is None or attempt.at_us < provider.stopped_at_us)
        ):
            return None
        who = f"OCN {provider.ocn} ({provider.name})"
        if provider.kind is not CarrierKind.PROVIDER or provider.partner != partner:
            return self._unconfirmed(attempt, "L1.1", f"{who} is not a provider of the partner {partner}")
        if not provider.numbering_agreement or not amendment:
            lacking = " and ".join(
                name
                for name, present in (("numbering agreement", provider.numbering_agreement), ("amendment", amendment))
                if not present
            )
            return self._unconfirmed(attempt, "L11", f"{who} comes without the {lacking}; both are needed")
        if provider.confirmed_at_us is None or attempt.at_us < provider.confirmed_at_us:
            return self._unconfirmed(attempt, "L1.1", f"the host had not confirmed {who} at the time of the call")
        return self._unconfirmed(
            attempt, "L1.2", f"{who} still comes after the partner's notice that it no longer routes it"
        )

    def _unconfirmed(self, attempt: CallAttempt, clause: str, text: str) -> Finding:
        return violation(self.name, Verdict.UNCONFIRMED, clause, Reason.UNCONFIRMED, text, evidence(attempt.calling))
