"""What checks and comparisons ask of a call's facts: are two numbers the same, what does a PASSporT say, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.passport import Passport, decode_identity
from gateway.codecs.privacy import privacy_values
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.numbering.telephone_number import Nature, TelephoneNumber, parse_number
from gateway.policy.call_attempt import CallAttempt, NumberFact, Protocol, TextFact
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Evidence, Finding, Verdict

NO_TRUNK_GROUP: Final = "no trunk group configured for the source"
"""Why a check that goes by the trunk group does not judge a call that came on none."""
NO_PRIVACY: Final[frozenset[str]] = frozenset()
_PLUS_ONE = re.compile(rb"(?:^|:|\"|<|\s)\+1")


def passed(check: str, clause: str) -> Finding:
    """The one PASS finding of a check, made once: an honest call costs no allocation."""
    return Finding(check, Verdict.PASS, clause)


def not_judged(check: str, clause: str, why: str) -> Finding:
    return Finding(check, Verdict.NOT_JUDGED, clause, why)


def violation(
    check: str, verdict: Verdict, clause: str, reason: Reason, text: str, evidence: tuple[Evidence, ...]
) -> Finding:
    """A finding that can refuse the call."""
    return Finding(check, verdict, clause, text, evidence, REFUSALS[reason])


def evidence(*facts: NumberFact | TextFact | None) -> tuple[Evidence, ...]:
    """Where these facts stand; what is not in the message at all stands nowhere."""
    return tuple(Evidence(fact.field, fact.raw, fact.offset) for fact in facts if fact is not None and fact.offset >= 0)


class Names(NamedTuple):
    """What the traces of a portability dip are called in one protocol."""

    routing_number: str
    npdi: str


_SIP_NAMES: Final = Names("rn", "npdi")  # RFC 4694
_ISUP_NAMES: Final = Names("LRN", "the M bit of the Forward call indicators")  # T1.113.3 section 3.20


def names_of(attempt: CallAttempt) -> Names:
    """As a person who reads the message's own protocol knows them."""
    return _ISUP_NAMES if attempt.protocol is Protocol.ISUP else _SIP_NAMES


def asked_privacy(attempt: CallAttempt) -> frozenset[str]:
    """The priv-values of all Privacy lines together."""
    if not attempt.privacy:
        return NO_PRIVACY
    return NO_PRIVACY.union(*(privacy_values(fact.raw) for fact in attempt.privacy))


def same_number(one: TelephoneNumber, other: TelephoneNumber) -> bool:
    """Whether two spellings name one number: ten digits equal ``+1`` and the same ten, and no ``+CC`` number."""
    return one.digits == other.digits and one.is_nanp == other.is_nanp


def claims_nanp(fact: NumberFact) -> bool:
    """Whether the number is written as one of the NANP, valid or not: ten digits, eleven from 1, or ``+1``."""
    number = fact.number
    if number is None:
        return False
    if number.is_nanp or number.nature is Nature.NATIONAL:
        return True
    return number.nature is Nature.INTERNATIONAL and _PLUS_ONE.search(fact.raw) is not None


def canonical_digits(numbers: Iterable[str]) -> frozenset[str]:
    """Canonical digits of configured numbers; what is no number is left out (configuration has checked it)."""
    return frozenset(number.digits for number in map(parse_number, numbers) if number is not None)


def on_partner_side(attempt: CallAttempt) -> bool:
    """Whether the call came over a trunk group that the amendment governs."""
    return attempt.ingress is not None and attempt.ingress.side is PARTNER_SIDE


_PAYPHONE_LINES = frozenset({"27", "70"})
"""ANI II digits of a coin line: network-controlled (27) and private (70)."""


def text_of(fact: TextFact) -> str:
    """What a parameter says, in lower case, whether the fact holds ``cpc=payphone``, ``payphone`` or octets of ISUP."""
    return (fact.value or fact.raw.rpartition(b"=")[2].strip(b' "\t').decode("ascii", "replace")).lower()


def is_payphone(attempt: CallAttempt) -> bool:
    """Whether the message says that a payphone calls, by its category or its originating line information."""
    category, line = attempt.calling_party_category, attempt.originating_line
    return (category is not None and text_of(category) == "payphone") or (
        line is not None and text_of(line) in _PAYPHONE_LINES
    )


def tn_number(tn: str | None) -> TelephoneNumber | None:
    """The number of a PASSporT's ``tn``, which is written with the country code and without ``+`` (RFC 8224, 8.3)."""
    if tn is None:
        return None
    digits = tn.removeprefix("+")
    return parse_number(digits) if len(digits) == 10 else parse_number(f"+{digits}")


class ReadPassport(NamedTuple):
    """An Identity header and what could be read from it."""

    fact: TextFact
    passport: Passport


@lru_cache(maxsize=64)  # three checks read the same header of one call
def read_identity(raw: bytes) -> Passport | Malformed:
    try:
        return decode_identity(raw)
    except Malformed as malformed:
        return malformed


def passports_of(attempt: CallAttempt) -> tuple[ReadPassport, ...]:
    """The PASSporTs that can be read. What can't be is the passport check's to report."""
    read = ((fact, read_identity(fact.raw)) for fact in attempt.identities)
    return tuple(ReadPassport(fact, passport) for fact, passport in read if isinstance(passport, Passport))
