"""Messages that go no further, for the log: one line for each kind of them, now and then.

Wrong point codes, a circuit that nobody configured: what is said once for each peer and reason helps whoever turns up a
link; what is said for each message would let a peer fill the log.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.signalling.call import Action, Ss7Changed

MOST_KINDS: Final = 256
"""Kinds of messages that are remembered; the one that was told the longest ago is forgotten first."""
QUIET_US: Final = 600_000_000
"""A kind is told again after this time, in microseconds."""


class HeldBack:
    """Tells of messages that were held back. Times in microseconds."""

    def __init__(self) -> None:
        self._told: Final[dict[tuple[int, int, str, str], int]] = {}
        """When each kind was told last: OPC, DPC, link, why. The oldest first."""

    def tell(
        self, transfer: Mtp3Transfer, codes: tuple[str, str], link: str, why: str, at_us: int, actions: list[Action]
    ) -> None:
        """Say that a message of that link was held back, unless that was said lately. `codes`: as written."""
        kind = (transfer.opc, transfer.dpc, link, why)
        told_us = self._told.get(kind)
        if told_us is not None and at_us < told_us + QUIET_US:
            return
        if told_us is not None:
            del self._told[kind]
        elif len(self._told) >= MOST_KINDS:
            oldest = next(iter(self._told))
            if at_us < self._told[oldest] + QUIET_US:
                return  # so many kinds at a time are made up: what is said of them says nothing more
            del self._told[oldest]
        self._told[kind] = at_us
        what = f"a message from {codes[0]} to {codes[1]} was held back: {why}; more of the kind are only counted"
        actions.append(Ss7Changed(f"link {link}", what, good=False, at_us=at_us))
