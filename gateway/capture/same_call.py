"""Which legs are one call, where no Call-ID says so: a call that goes on by ISUP, or comes from there (RFC 3398).

A leg is of an earlier leg's call if the two meet in one exchange, one host or the gateway, the later one begins soon
after, and both have the same calling and called number. A carrier that alters one of the two is what an audit is for:
so one number is enough where no other call fits.
"""

from __future__ import annotations

from collections import deque
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

    __slots__ = ("followed", "leg", "numbers", "onward")

    def __init__(self, followed: Followed, leg: Leg, numbers: _Numbers) -> None:
        self.followed = followed
        self.leg = leg
        self.numbers = numbers
        self.onward: Leg | None = None

    @property
    def waits(self) -> bool:
        """Whether the call still looks for its way: nobody has answered or refused it, and it did not go on, or to no
        avail.
        """
        use, onward = self.leg.circuit, self.onward
        is_over = self.leg.final is not None if use is None else use.answered is not None or use.ended is not None
        if not self.followed.open or is_over:
            return False
        return onward is None or _failed(onward)


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
        calling, called = _numbers(attempt)
        found = self._by_circuit_id(leg, attempt.call_id)
        if found is None and (calling or called):
            found = self._first((calling, called), leg, at_us, BOTH_NUMBERS_US)
        if found is None:
            found = self._only(("", called), leg, at_us) or self._only((calling, ""), leg, at_us)
        if found is None:
            return None
        found.onward = leg
        return found.followed

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

    def _first(self, numbers: _Numbers, leg: Leg, at_us: int, within_us: int) -> _Known | None:
        """The one that waits longest."""
        return next(iter(self._fitting(numbers, leg, at_us, within_us)), None)

    def _only(self, numbers: _Numbers, leg: Leg, at_us: int) -> _Known | None:
        if numbers == ("", ""):
            return None
        fitting = self._fitting(numbers, leg, at_us, ONE_NUMBER_US)
        return fitting[0] if len(fitting) == 1 else None

    def _fitting(self, numbers: _Numbers, leg: Leg, at_us: int, within_us: int) -> list[_Known]:
        return [
            known
            for known in self._by_numbers.get(numbers, ())
            if known.leg is not leg
            and known.waits
            and (known.leg.circuit is not None or leg.circuit is not None)
            and 0 <= at_us - known.leg.first.place.at_us <= within_us
            and leads_on(known.leg, leg, self._gateway)
        ]

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


def _failed(leg: Leg) -> bool:
    """Whether a leg is over without an answer, so that the call may be tried on another one."""
    use = leg.circuit
    if use is not None:
        return use.answered is None and (use.release is not None or use.end is not End.IN_USE)
    return leg.final is not None and leg.final.status >= 300
