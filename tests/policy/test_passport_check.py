"""The form of the PASSporTs of a call (RFC 8224, RFC 8225, RFC 8588)."""

from __future__ import annotations

import pytest
from attempts import AT_US, SECOND_US, attempt, identity, text_fact

from gateway.policy.call_attempt import TextFact
from gateway.policy.checks.passport import PassportReadable
from gateway.policy.verdict import Verdict

CHECK = PassportReadable()
NOW = AT_US // SECOND_US

ROWS = [
    ("none", (), Verdict.PASS),
    ("an honest one", (identity(),), Verdict.PASS),
    ("an honest one and its div", (identity(), identity(div="16365550144")), Verdict.PASS),
    ("the compact form", (text_fact("Identity", "..c2ln;info=<https://c.example>;alg=ES256"),), Verdict.PASS),
    ("a minute old", (identity(iat=NOW - 60),), Verdict.PASS),
    ("a minute ahead", (identity(iat=NOW + 60),), Verdict.PASS),
    ("older than a minute", (identity(iat=NOW - 61),), Verdict.WARN),
    ("further ahead than a minute", (identity(iat=NOW + 61),), Verdict.WARN),
    ("without a time", (identity(iat=None),), Verdict.WARN),
    ("unreadable", (text_fact("Identity", "nonsense"),), Verdict.WARN),
    ("an unreadable one behind a good one", (identity(), text_fact("Identity", "a.b.c")), Verdict.WARN),
    ("a number with +", (identity(orig="+13145550100"),), Verdict.WARN),
    ("a number without the country code's digits", (identity(orig="alice"),), Verdict.WARN),
    ("a destination with separators", (identity(dest=("1-636-555-0199",)),), Verdict.WARN),
    ("an unknown attestation", (identity(attest="D"),), Verdict.WARN),
    ("no attestation", (identity(attest=None),), Verdict.WARN),
    ("another algorithm", (text_fact("Identity", "..c2ln;info=<https://c.example>;alg=none"),), Verdict.WARN),
]


@pytest.mark.parametrize(("identities", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_passport_is_read_or_warned_of_and_never_refuses_a_call(
    identities: tuple[TextFact, ...], verdict: Verdict
) -> None:
    finding = CHECK.judge(attempt(identities=identities))
    assert finding.verdict is verdict
    assert finding.refusal is None
    assert len(finding.evidence) == (0 if verdict is Verdict.PASS else 1)


def test_a_certificate_that_is_named_twice_must_be_the_same() -> None:
    fact = identity()
    elsewhere = fact._replace(
        raw=fact.raw.replace(b"info=<https://certificates.example/", b"info=<https://other.example/")
    )
    assert CHECK.judge(attempt(identities=(elsewhere,))).verdict is Verdict.WARN


def test_a_replayed_passport_says_how_old_it_is() -> None:
    assert "61 s before the call" in CHECK.judge(attempt(identities=(identity(iat=NOW - 61),))).text
