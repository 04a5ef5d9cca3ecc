"""Which edition of SS7 the messages of a capture are of: what the operator says, or else what they themselves show.

No message says of itself whether it is ANSI or ITU-T, and one that is read as the other often looks sound. Told by:

- the initial address message: an ANSI one has its two variable parts where an ITU-T one cannot have any;
- the routing label: an ANSI point code has a network identifier (T1.111.8: never 0), an ITU-T one has 14 bits;
- the circuit identification code: its spare bits are 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType, variant_of_iam
from gateway.codecs.ss7.mtp3 import ServiceIndicator, label_length
from gateway.codecs.ss7.variant import Variant

MOST_NETWORKS: Final = 4_096
MOST_VOTES: Final = 100
"""A majority of so many IAMs is not put in question any more."""
_IAM: Final = int(MessageType.IAM)
_TYPES: Final = frozenset(int(one) for one in MessageType)
_MOST_ITU: Final = 1 << 14
_SPARE_BITS: Final = {Variant.ANSI: 0xC0, Variant.ITU: 0xF0}


class VariantFinder:
    """Tells the variant of each message. One that does not show it is taken for what most IAMs of its network were.

    A network is whatever its messages are known by: the addresses of an association, a signalling link.
    """

    def __init__(self, given: Variant | None = None) -> None:
        self._given: Final = given
        self._ansi_iams: Final[dict[Hashable, int]] = {}  # those of ITU-T taken off
        self.told: Final[Counter[Variant]] = Counter()
        """Messages of ISUP by the variant that they were read in."""
        self.shown: Final[Counter[Variant]] = Counter()
        """Where a variant is given: the first messages that show theirs, by it."""

    def of_transfer(self, network: Hashable, opc: int, dpc: int, si: int, data: bytes) -> Variant:
        """Of a message whose routing label is known, as it is in M3UA."""
        variant = self._given
        if variant is None:
            if si == ServiceIndicator.ISUP and len(data) > 2 and data[2] == _IAM:
                variant = variant_of_iam(data)
                self._vote(network, data, variant)
            else:
                variant = self._elected(network) or _by_point_codes(opc, dpc)
        elif si == ServiceIndicator.ISUP and len(data) > 2 and data[2] == _IAM and self.shown.total() < MOST_VOTES:
            self.shown[variant_of_iam(data)] += 1
        if si == ServiceIndicator.ISUP:
            self.told[variant] += 1
        return variant

    def of_signal_unit(self, network: Hashable, data: bytes, start: int, end: int) -> Variant:
        """Of a message whose service information octet is at `start`, with the routing label behind it."""
        is_isup = start < end and data[start] & 15 == ServiceIndicator.ISUP
        variant = self._given or self._elected(network)
        if self._given is not None and is_isup and self.shown.total() < MOST_VOTES:
            self.shown.update(_shown(data, start, end))
        if variant is None:
            possible = _possible(data, start, end) if is_isup else []
            variant = possible[0] if len(possible) == 1 else Variant.ITU
            user = start + label_length(variant)
            if len(possible) == 1 and data[user + 2] == _IAM:
                self._vote(network, data[user:end], variant)
        if is_isup:
            self.told[variant] += 1
        return variant

    def _elected(self, network: Hashable) -> Variant | None:
        majority = self._ansi_iams.get(network)
        if not majority:
            return None
        return Variant.ANSI if majority > 0 else Variant.ITU

    def _vote(self, network: Hashable, iam: bytes, variant: Variant) -> None:
        """An IAM says what its network is, if it is a sound one."""
        majority = self._ansi_iams.get(network, 0)
        if abs(majority) >= MOST_VOTES or (network not in self._ansi_iams and len(self._ansi_iams) >= MOST_NETWORKS):
            return
        try:
            IsupMessage(iam, variant)
        except Malformed:
            return
        self._ansi_iams[network] = majority + (1 if variant is Variant.ANSI else -1)


def _possible(data: bytes, start: int, end: int) -> list[Variant]:
    return [one for one in Variant if _fits(data, start, end, one)]


def _shown(data: bytes, start: int, end: int) -> list[Variant]:
    """The variant of a message of ISUP that can be of one only."""
    possible = _possible(data, start, end)
    return possible if len(possible) == 1 else []


def _by_point_codes(opc: int, dpc: int) -> Variant:
    return Variant.ANSI if opc >= _MOST_ITU or dpc >= _MOST_ITU else Variant.ITU


def _fits(data: bytes, start: int, end: int, variant: Variant) -> bool:
    """Whether a message of ISUP can be of a variant."""
    user = start + label_length(variant)
    if user + 3 > end or data[user + 1] & _SPARE_BITS[variant] or data[user + 2] not in _TYPES:
        return False
    if variant is Variant.ANSI and not (data[start + 3] and data[start + 6]):
        return False
    message = data[user:end]
    if message[2] == _IAM and variant_of_iam(message) is not variant:
        return False
    try:
        IsupMessage(message, variant)
    except Malformed:
        return False
    return True
