"""What a replay remembers of a capture of any length: so much, and no more."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

REMEMBERED: Final = 100_000
"""Entries of each kind; the oldest is forgotten first."""

_K = TypeVar("_K")
_V = TypeVar("_V")


class Bounded(OrderedDict[_K, _V], Generic[_K, _V]):
    """A dictionary that forgets its oldest entry beyond the bound."""

    def put(self, key: _K, value: _V) -> None:
        self[key] = value
        if len(self) > REMEMBERED:
            self.popitem(last=False)
