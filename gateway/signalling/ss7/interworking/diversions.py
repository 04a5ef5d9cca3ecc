"""Diverting numbers between SIP and ISUP: Diversion and History-Info, redirecting and original called number.

RFC 5806 (with its appendix on ISUP), RFC 7044, RFC 4458 (the causes in History-Info). ISUP has room for the first
diverting number and for the last one; of those between it has the count.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import (
    IsupMessage,
    P,
    PartyNumber,
    RedirectionInformation,
    encode_number,
    encode_redirection_information,
)
from gateway.codecs.ss7.variant import Variant
from gateway.policy.call_attempt import CallAttempt, NumberFact
from gateway.signalling.ss7.interworking.numbers import digits_of, readable, user_of

UNKNOWN: Final = 0
_DIVERSION: Final = 3
_DIVERSION_ALL_RESTRICTED: Final = 4
"""Redirecting indicators of ITU-T's redirection information; ANSI reserves the field."""
_RESTRICTED: Final = 1
_MOST: Final = 7
"""What the redirection counter holds."""

_REASONS: Final = (
    *(b"unknown", b"user-busy", b"no-answer", b"unconditional", b"deflection", b"deflection", b"unavailable"),
)
"""Redirecting reasons 0 to 6 (Q.763 section 3.45) as Diversion writes them."""
_REASON_OF: Final = {
    b"unknown": 0,
    b"user-busy": 1,
    b"no-answer": 2,
    b"unconditional": 3,
    b"deflection": 4,
    b"unavailable": 6,
}
"""The others of RFC 5806 (time-of-day, do-not-disturb, follow-me ...) have no word in ISUP: unknown."""
_REASON_OF_CAUSE: Final = {302: 3, 486: 1, 408: 2, 480: 5, 487: 4, 503: 6}
"""cause in History-Info (RFC 4458 section 2.1) -> redirecting reason."""

_REASON: Final = re.compile(rb";[ \t]*reason[ \t]*=[ \t]*\"?([A-Za-z-]+)", re.IGNORECASE)
_COUNTER: Final = re.compile(rb";[ \t]*counter[ \t]*=[ \t]*([0-9]{1,2})(?![0-9])", re.IGNORECASE)
_PRIVACY: Final = re.compile(rb";[ \t]*privacy[ \t]*=[ \t]*\"?(full|uri)", re.IGNORECASE)
_HISTORY_CAUSE: Final = re.compile(rb";[ \t]*cause[ \t]*=[ \t]*([0-9]{3})(?![0-9])", re.IGNORECASE)
_HISTORY_PRIVACY: Final = re.compile(rb"[?&]Privacy=[^&>]*history", re.IGNORECASE)


class Diverting(NamedTuple):
    """A number that diverted the call."""

    fact: NumberFact
    reason: int
    """Redirecting reason (Q.763 section 3.45)."""
    times: int
    """Diversions that it stands for."""
    restricted: bool


def diverting_of(attempt: CallAttempt) -> list[Diverting]:
    """The diverting numbers that SIP names, the most recent first: of Diversion, else of History-Info."""
    if attempt.diversions:
        return [_of_diversion(fact) for fact in attempt.diversions if fact.number is not None]
    found: list[Diverting] = []
    before: NumberFact | None = None
    for fact in attempt.history:
        cause = _HISTORY_CAUSE.search(fact.raw)
        if cause is not None and before is not None and before.number is not None:
            reason = _REASON_OF_CAUSE.get(int(cause[1]), UNKNOWN)
            found.append(Diverting(before, reason, 1, _HISTORY_PRIVACY.search(before.raw) is not None))
        before = fact
    return found[::-1]


def _of_diversion(fact: NumberFact) -> Diverting:
    reason, counter = _REASON.search(fact.raw), _COUNTER.search(fact.raw)
    return Diverting(
        fact,
        _REASON_OF.get(reason[1].lower(), UNKNOWN) if reason is not None else UNKNOWN,
        max(int(counter[1]), 1) if counter is not None else 1,
        _PRIVACY.search(fact.raw) is not None,
    )


def redirection_parameters(attempt: CallAttempt, variant: Variant) -> list[tuple[int, bytes]]:
    """Redirecting number, original called number and redirection information of a call that SIP says was diverted."""
    diverting = diverting_of(attempt)
    if not diverting:
        return []
    last, first = diverting[0], diverting[-1]
    restricted = any(each.restricted for each in diverting)
    indicator = 0
    if variant is not Variant.ANSI:
        indicator = _DIVERSION_ALL_RESTRICTED if restricted else _DIVERSION
    count = min(sum(each.times for each in diverting), _MOST)
    parameters = [
        (P.REDIRECTING_NUMBER.value, _encoded(P.REDIRECTING_NUMBER.value, last, variant)),
        (P.ORIGINAL_CALLED_NUMBER.value, _encoded(P.ORIGINAL_CALLED_NUMBER.value, first, variant)),
    ]
    information = RedirectionInformation(indicator, first.reason, count, last.reason)
    return [*parameters, (P.REDIRECTION_INFORMATION.value, encode_redirection_information(information))]


def _encoded(code: int, diverting: Diverting, variant: Variant) -> bytes:
    found = digits_of(diverting.fact, variant)
    if found is None:
        raise AssertionError("only numbers divert")
    presentation = _RESTRICTED if diverting.restricted else 0
    return encode_number(code, PartyNumber(*found, presentation=presentation), variant)


def diversion_lines(iam: IsupMessage, host: bytes) -> bytes:
    """The Diversion header lines of a call that was redirected, the most recent first; empty where it was not.

    `host` is what stands behind the numbers.
    """
    last, first = readable(lambda: iam.redirecting), readable(lambda: iam.original_called)
    information = readable(lambda: iam.redirection)
    if last is None and first is None:
        return b""
    if information is None:
        information = RedirectionInformation()
    last_user = user_of(P.REDIRECTING_NUMBER.value, last, iam.variant) if last is not None else None
    first_user = user_of(P.ORIGINAL_CALLED_NUMBER.value, first, iam.variant) if first is not None else None
    count = max(information.counter, 1)
    if last is not None and last_user is not None and first is not None and first_user is not None:
        if last_user == first_user and count == 1:  # the one who was called first diverted it himself
            return _line(last_user, last, information.reason, 1, host)
        return _line(last_user, last, information.reason, 1, host) + _line(
            first_user, first, information.original_reason, max(count - 1, 1), host
        )
    if last is not None and last_user is not None:
        return _line(last_user, last, information.reason, count, host)
    if first is not None and first_user is not None:
        return _line(first_user, first, information.original_reason, count, host)
    return b""


def _line(user: str, party: PartyNumber, reason: int, count: int, host: bytes) -> bytes:
    said = _REASONS[reason] if reason < len(_REASONS) else _REASONS[UNKNOWN]
    privacy = b";privacy=full" if party.presentation else b""
    return b"Diversion: <sip:%s@%s;user=phone>;reason=%s;counter=%d%s\r\n" % (
        *(user.encode(), host, said, count),
        privacy,
    )
