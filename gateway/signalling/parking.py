"""Requests that wait until a name is located: bounded in number and time, and gone on with in the order they came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Locate
from gateway.signalling.locating import Target
from gateway.signalling.transactions import ServerTransaction

MAX_PARKED: Final = 1_000
"""Requests that wait at the same time; those beyond go on at once, as if their name had led nowhere."""
PATIENCE_US: Final = 4_000_000
"""A request waits no longer. Its sender repeats it in vain meanwhile, and gives it up after 32 seconds."""

Onward = Callable[[Hop, int, list[Action]], None]
"""Sends the request on: where to, the time, what is to be done."""


class _Parked(NamedTuple):
    server: ServerTransaction | None
    otherwise: Hop
    onward: Onward
    until_us: int


class Parking:
    """The requests that wait. Times are in microseconds."""

    def __init__(self, can_reach: Callable[[Hop], bool]) -> None:
        """`can_reach` tells of a hop whether a listener of ours leads there, and not back to ourselves."""
        self._can_reach: Final = can_reach
        self._parked: Final[dict[int, _Parked]] = {}
        self._tokens = 0

    def __len__(self) -> int:
        return len(self._parked)

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do."""
        first = next(iter(self._parked.values()), None)
        return first.until_us if first is not None else None

    def park(
        self,
        target: Target,
        server: ServerTransaction | None,
        otherwise: Hop,
        onward: Onward,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """Ask where a target is, and send the request on when that is known; to `otherwise` where it leads nowhere.

        `server` is the request's transaction, None for an ACK.
        """
        if len(self._parked) >= MAX_PARKED:
            onward(otherwise, at_us, actions)
            return
        self._tokens += 1
        self._parked[self._tokens] = _Parked(server, otherwise, onward, at_us + PATIENCE_US)
        actions.append(Locate(target, self._tokens))

    def located(self, token: int, hops: Iterable[Hop], at_us: int, actions: list[Action]) -> None:
        """The answer to `Locate`: the first hop that can be reached is taken. One that comes late changes nothing."""
        parked = self._parked.pop(token, None)
        if parked is not None:
            hop = next(filter(self._can_reach, hops), parked.otherwise)
            parked.onward(hop, at_us, actions)

    def cancel(self, server: ServerTransaction) -> bool:
        """Forget a request that its sender took back; whether it was here."""
        for token, parked in self._parked.items():
            if parked.server is server:
                del self._parked[token]
                return True
        return False

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Send on what has waited long enough."""
        while self._parked:
            token, parked = next(iter(self._parked.items()))
            if parked.until_us > at_us:
                return
            del self._parked[token]
            parked.onward(parked.otherwise, at_us, actions)
