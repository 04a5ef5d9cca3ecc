"""The jurisdiction information is the code of the switch that the call came from (L7)."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment
from gateway.numbering.telephone_number import is_valid_nanp
from gateway.policy.call_attempt import CallAttempt, Protocol, TextFact
from gateway.policy.canonical import switch_of
from gateway.policy.facts import NO_TRUNK_GROUP, evidence, not_judged, passed, violation
from gateway.policy.refusals import Reason
from gateway.policy.verdict import Evidence, Finding, Verdict

_SIP: Final = Protocol.SIP
_ANY_LINE: Final = "0000"
_BLOCKS: Final = "0123456789"


class Jurisdiction:
    """Judges the jurisdiction information parameter (JIP, T1.113.3 section 3.23A): the six digits NPA-NXX by which the
    originating switch is known, in the IAM or in the one that an INVITE carries. By it calls are rated and billed.

    - FABRICATED: no code of the NANP, or one that was assigned to nobody at the time of the call.
    - MISMATCH: no code of the partner's switch (`TrunkGroup.home_switch`, where given); or the calling number is of
      another state, a sign of traffic that cannot be billed.
    - WARN: it is not there in an IAM of ANSI's ISUP.

    SIP has rn beside the calling number in its place: one of six digits is judged here, an LRN by the calling_code
    check. ITU-T's ISUP has nothing.
    Against the tables it is judged on partner-side trunk groups. Emergency calls pass.
    """

    name: Final = "jurisdiction"
    clause: Final = "L7"

    def __init__(self, guide: LergGuide | None = None) -> None:
        self._guide = guide
        self._pass = passed(self.name, self.clause)
        self._no_guide = not_judged(self.name, self.clause, "no LERG guide configured")
        self._no_ingress = not_judged(self.name, self.clause, NO_TRUNK_GROUP)
        text = "the IAM has no Jurisdiction information: which switch the call came from cannot be told"
        self._absent = Finding(self.name, Verdict.WARN, self.clause, text)

    def judge(self, attempt: CallAttempt) -> Finding:
        body = attempt.encapsulated
        if (body is None and attempt.protocol is _SIP and attempt.calling_routing_number is None) or attempt.emergency:
            return self._pass
        given = (attempt if body is None else body).jurisdiction or _of_rn(attempt)
        ingress = attempt.ingress
        if given is None:
            unsaid = attempt.variant is Variant.ANSI
            return self._absent if unsaid and (ingress is None or ingress.side is PARTNER_SIDE) else self._pass
        if not is_valid_nanp(given.value + _ANY_LINE):
            return self._fabricated(f"the {_shown(given)} is no code of the NANP", given)
        if ingress is None:
            return self._no_ingress
        if ingress.side is not PARTNER_SIDE:
            return self._pass
        if self._guide is None:
            return self._no_guide
        return self._by_the_guide(attempt, self._guide, given, ingress.home_switch)

    def _by_the_guide(
        self, attempt: CallAttempt, guide: LergGuide, given: TextFact, home_switch: str | None
    ) -> Finding:
        code = _code_on(guide, given.value, home_switch, attempt.at_us)
        if code is None:
            text = f"the {_shown(given)} was assigned to nobody at the time of the call"
            return self._fabricated(text, given)
        if home_switch is not None and code.switch not in ("", home_switch):
            text = f"the {_shown(given)} is a code of {code.switch}, not of the partner's switch {home_switch}"
            return self._mismatch(text, evidence(given))
        number = attempt.calling.number
        if number is None or not number.is_nanp:
            return self._pass
        own = guide.code_of(number.digits, attempt.at_us)
        if own is None or not own.state or not code.state or own.state == code.state:
            return self._pass
        text = f"the calling number {number} is of {own.state}, the {_shown(given)} of {code.state}"
        return self._mismatch(text, evidence(given, attempt.calling))

    def _fabricated(self, text: str, given: TextFact) -> Finding:
        reason = Reason.JURISDICTION_FABRICATED
        return violation(self.name, Verdict.FABRICATED, self.clause, reason, text, evidence(given))

    def _mismatch(self, text: str, seen: tuple[Evidence, ...]) -> Finding:
        return violation(self.name, Verdict.MISMATCH, self.clause, Reason.JURISDICTION_MISMATCH, text, seen)


def _code_on(guide: LergGuide, code: str, switch: str | None, at_us: int) -> CodeAssignment | None:
    """The assignment of an NPA-NXX; of its thousands blocks, which may be homed apart, one on the switch if any is."""
    found: CodeAssignment | None = None
    for block in _BLOCKS:
        assigned = guide.code_of(f"{code}{block}000", at_us)
        if assigned is not None and assigned.switch in ("", switch):
            return assigned
        found = found or assigned
    return found


def _of_rn(attempt: CallAttempt) -> TextFact | None:
    lrn, calling = attempt.calling_routing_number, attempt.calling
    code = switch_of(lrn) if lrn is not None else None
    return TextFact(f"rn of {calling.field}", calling.raw, calling.offset, code) if code is not None else None


def _shown(given: TextFact) -> str:
    """Where it stands, and the code as LERG users write it, else the octets."""
    return f"{given.field} {f'{given.value[:3]}-{given.value[3:]}' if given.value else given.raw[:8].hex(' ')}"
