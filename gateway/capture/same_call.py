"""Which legs are one call, where no Call-ID says so: a call that goes on by ISUP, or comes from there (RFC 3398).

A leg is of an earlier leg's call if the two meet in one exchange, one host or the gateway, the later one begins soon
after while the earlier one still looks for its way, and both have the same calling and called number. A carrier that
alters one of the two is what an audit is for: so one number is enough where no other call fits, and where nothing else
that tells one call from another contradicts. What is joined wrongly accuses a carrier of an alteration that nobody
made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from gateway.capture.calls import Leg
from gateway.capture.circuit_ids import circuit_of_call_id
from gateway.capture.circuit_use import End
from gateway.capture.followed_calls import Followed
from gateway.capture.gateway_place import GatewayPlace, leads_on
from gateway.interconnection.trunk_groups import Address
from gateway.policy.call_attempt import CallAttempt

BOTH_NUMBERS_US: Final = 10_000_000
"""How long after a leg the next one may begin, where both numbers are the same."""
ONE_NUMBER_US: Final = 2_000_000
"""The same where only one of them is."""
CIRCUIT_ID_US: Final = 1_000_000
"""How far a time in a Call-ID may be from that of the IAM in the capture: both were taken of one packet."""
MOST_LOOKED_AT: Final = 64
"""Legs that one leg is compared with; the latest ones."""
_DIGITS: Final = 10
"""A country code is there on one leg and not on another."""

_Numbers = tuple[str, str]


class _Known:
    """A leg that may go on by another one."""

    __slots__ = ("followed", "leg", "numbers")

    def __init__(self, followed: Followed, leg: Leg, numbers: _Numbers) -> None:
        self.followed = followed
        self.leg = leg
        self.numbers = numbers

    def waits(self, gateway: GatewayPlace | None) -> bool:
        """Whether the call still looks for its way from here: nobody has answered, refused or given it up, and it did
        not go on, or to no avail.
        """
        if not self.followed.open or _is_over(self.leg):
            return False
        later = self.followed.call.legs[self.leg.number :]
        return all(_failed(one) or not _goes_on_by(self.leg, one, gateway) for one in later)


class SameCalls:
    """Remembers the legs of the last seconds. Bounded by the calls that are followed."""

    def __init__(self, gateway: GatewayPlace | None, most: int) -> None:
        self._gateway: Final = gateway
        self._most: Final = most
        self._recent: Final[deque[tuple[int, _Known]]] = deque()
        self._by_numbers: Final[dict[_Numbers, deque[_Known]]] = {}
        self._by_ends: Final[dict[tuple[Address, Address], _Known]] = {}

    def earlier(self, leg: Leg, attempt: CallAttempt) -> Followed | None:
        """The call that a leg which has just begun belongs to; None where it is a call of its own."""
        at_us = leg.first.place.at_us
        self._forget(at_us)
        numbers = _numbers(attempt)
        found = self._by_circuit_id(leg, attempt.call_id)
        if found is None:
            found = self._first(numbers, leg, at_us) or self._only(numbers, leg, attempt, at_us)
        return found.followed if found is not None else None

    def note(self, followed: Followed, leg: Leg, attempt: CallAttempt) -> None:
        """Remember a leg, by which of whose numbers a later one may be found."""
        calling, called = numbers = _numbers(attempt)
        known = _Known(followed, leg, numbers)
        self._recent.append((leg.first.place.at_us, known))
        self._by_ends[leg.source, leg.destination] = known
        for key in {numbers, ("", called), (calling, "")}:
            self._by_numbers.setdefault(key, deque(maxlen=MOST_LOOKED_AT)).append(known)
        while len(self._recent) > self._most:
            self._drop(self._recent.popleft()[1])

    def _first(self, numbers: _Numbers, leg: Leg, at_us: int) -> _Known | None:
        """The one with the same numbers that waits longest."""
        within_us = BOTH_NUMBERS_US if all(numbers) else ONE_NUMBER_US
        same = (one for one in self._fitting(numbers, leg, at_us, within_us) if one.numbers == numbers)
        return next(same, None) if any(numbers) else None

    def _only(self, numbers: _Numbers, leg: Leg, attempt: CallAttempt, at_us: int) -> _Known | None:
        """The one with the same called or calling number, where there is no second one."""
        calling, called = numbers
        for key in (("", called), (calling, "")):
            fitting = list(self._fitting(key, leg, at_us, ONE_NUMBER_US)) if any(key) else []
            if len(fitting) == 1:
                before = fitting[0].leg.attempt
                return fitting[0] if before is not None and not _contradict(before, attempt) else None
        return None

    def _fitting(self, numbers: _Numbers, leg: Leg, at_us: int, within_us: int) -> Iterator[_Known]:
        for known in self._by_numbers.get(numbers, ()):
            if (
                known.leg is not leg
                and (known.leg.circuit is not None or leg.circuit is not None)
                and 0 <= at_us - known.leg.first.place.at_us <= within_us
                and leads_on(known.leg, leg, self._gateway)
                and known.waits(self._gateway)
            ):
                yield known

    def _by_circuit_id(self, leg: Leg, call_id: str) -> _Known | None:
        """The leg on the circuit that a SIP Call-ID is made of."""
        made_of = circuit_of_call_id(call_id.encode("utf-8", "replace")) if leg.circuit is None else None
        if made_of is None:
            return None
        opc, dpc, cic, iam_at_us = made_of
        source: Address = (opc, cic)
        destination: Address = (dpc, cic)
        known = self._by_ends.get((source, destination))
        if known is None or not known.followed.open:
            return None
        return known if abs(known.leg.first.place.at_us - iam_at_us) <= CIRCUIT_ID_US else None

    def _forget(self, at_us: int) -> None:
        while self._recent and at_us - self._recent[0][0] > BOTH_NUMBERS_US:
            self._drop(self._recent.popleft()[1])

    def _drop(self, known: _Known) -> None:
        calling, called = known.numbers
        for key in {known.numbers, ("", called), (calling, "")}:
            same = self._by_numbers.get(key)
            if same and same[0] is known:
                same.popleft()
            if not same:
                self._by_numbers.pop(key, None)
        ends = (known.leg.source, known.leg.destination)
        if self._by_ends.get(ends) is known:
            del self._by_ends[ends]


def _numbers(attempt: CallAttempt) -> _Numbers:
    """Calling and called digits; empty where there are none."""
    calling, called = attempt.calling.number, attempt.called.number
    return (
        calling.digits[-_DIGITS:] if calling is not None else "",
        called.digits[-_DIGITS:] if called is not None else "",
    )


def _contradict(before: CallAttempt, after: CallAttempt) -> bool:
    """Whether two legs with one number in common are different calls by what else tells calls apart: who changes one
    fact of a call leaves the others.
    """
    if before.charge and after.charge:
        one, other = before.charge[0].number, after.charge[0].number
        if one is not None and other is not None and one.digits[-_DIGITS:] != other.digits[-_DIGITS:]:
            return True
    pairs = (
        (before.jurisdiction, after.jurisdiction),
        (before.originating_line, after.originating_line),
        (before.calling_party_category, after.calling_party_category),
    )
    return any(one is not None and other is not None and one.value != other.value for one, other in pairs)


def _is_over(leg: Leg) -> bool:
    """Whether a leg was answered, refused or released."""
    use = leg.circuit
    if use is None:
        return leg.over or leg.final is not None
    return use.answered is not None or use.release is not None or use.ended is not None


def _goes_on_by(leg: Leg, later: Leg, gateway: GatewayPlace | None) -> bool:
    """Whether a leg of a call has gone on by a later one of it. One from the same sender is another way of its."""
    return later.source != leg.source and (later.source == leg.destination or leads_on(leg, later, gateway))


def _failed(leg: Leg) -> bool:
    """Whether a leg is over without an answer, so that the call may be tried on another one."""
    use = leg.circuit
    if use is not None:
        return use.answered is None and (use.release is not None or use.end is not End.IN_USE)
    return leg.final is not None and leg.final.status >= 300
