"""Every PASSporT can be read, is fresh and says what RFC 8224 and RFC 8588 ask of it (L7)."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.passport import Passport
from gateway.policy.call_attempt import CallAttempt, TextFact
from gateway.policy.facts import evidence, passed, read_identity, tn_number
from gateway.policy.verdict import Finding, Verdict

FRESH_US: Final = 60_000_000
"""How far ``iat`` may be from the call's time: sixty seconds are recommended (RFC 8224 section 4.1)."""
_MICROSECONDS: Final = 1_000_000


class PassportReadable:
    """Judges the form of the Identity headers; at most WARN, since the signature is not verified here.

    That the numbers in them agree with the message's is for the calling_number, called_number and diversion checks.
    """

    name: Final = "passport"
    clause: Final = "L7"

    def __init__(self) -> None:
        self._pass = passed(self.name, self.clause)

    def judge(self, attempt: CallAttempt) -> Finding:
        for fact in attempt.identities:
            doubt = _doubt(fact, attempt.at_us)
            if doubt is not None:
                return Finding(self.name, Verdict.WARN, self.clause, doubt, evidence(fact))
        return self._pass


def _doubt(fact: TextFact, at_us: int) -> str | None:
    passport = read_identity(fact.raw)
    if isinstance(passport, Malformed):
        return f"the Identity header can't be read: {passport}"
    if passport.alg is not None and passport.alg != "ES256":
        return f"the PASSporT is signed with {passport.alg}; ES256 is the one algorithm of SHAKEN (RFC 8588)"
    if passport.compact:
        return None
    return _form(passport) or _freshness(passport, at_us)


def _form(passport: Passport) -> str | None:
    if passport.orig_tn is None and passport.orig_uri is None:
        return "the PASSporT names no originator (orig, RFC 8225 section 5.2.1)"
    for tn in (passport.orig_tn, *passport.dest_tn, passport.div_tn):
        if tn is not None and (not tn.isascii() or not tn.isdigit() or tn_number(tn) is None):
            return f"the PASSporT's number {tn[:40]!r} is not digits with the country code (RFC 8224 section 8.3)"
    if passport.ppt == "shaken" and passport.attest not in ("A", "B", "C"):
        return f"the PASSporT's attestation is {(passport.attest or 'missing')[:40]!r}, not A, B or C (RFC 8588)"
    if passport.info is not None and passport.x5u is not None and passport.info != passport.x5u:
        return "the certificate in info of the Identity header is not the one in x5u of its PASSporT"
    return None


def _freshness(passport: Passport, at_us: int) -> str | None:
    if passport.iat is None:
        return "the PASSporT doesn't say when it was issued (iat, RFC 8225 section 5.1.1)"
    age_us = at_us - passport.iat * _MICROSECONDS
    if abs(age_us) > FRESH_US:
        when = "before" if age_us > 0 else "after"
        return (
            f"the PASSporT was issued {abs(age_us) // _MICROSECONDS} s {when} the call; within 60 s is fresh "
            "(RFC 8224 section 4.1): it may be another call's, replayed"
        )
    return None
