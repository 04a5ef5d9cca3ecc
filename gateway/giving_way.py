"""Long work of a thread beside the gateway's loop, such that the loop hardly waits for it.

The interpreter runs one thread at a time, and lets a busy one keep its turn for a while (`sys.setswitchinterval`; 5 ms
where nobody sets it): too long where a datagram waits. Work that gives its turn away now and then costs less.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

EVERY: Final = 32
"""Items between two turns: a few tenths of a millisecond, where an item takes 10 us."""

_T = TypeVar("_T")


def giving_way(items: Iterable[_T], every: int = EVERY) -> Iterator[_T]:
    """The items, other threads having their turn in between."""
    for number, item in enumerate(items, 1):
        if number % every == 0:
            time.sleep(0)
        yield item
