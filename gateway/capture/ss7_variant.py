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
_IAM: Final = int(MessageType.IAM)
_TYPES: Final = frozenset(int(one) for one in MessageType)
_MOST_ITU: Final = 1 << 14
_SPARE_BITS: Final = {Variant.ANSI: 0xC0, Variant.ITU: 0xF0}


class VariantFinder:
    """Tells the variant of each message. What an IAM shows holds for all messages of its network from then on.

    A network is whatever its messages are known by: the addresses of an association, a signalling link.
    """

    def __init__(self, given: Variant | None = None) -> None:
        self._given: Final = given
        self._settled: Final[dict[Hashable, Variant]] = {}
        self.told: Final[Counter[Variant]] = Counter()
        """Messages of ISUP by the variant that they were read in."""

    def of_transfer(self, network: Hashable, opc: int, dpc: int, si: int, data: bytes) -> Variant:
        """Of a message whose routing label is known, as it is in M3UA."""
        if si != ServiceIndicator.ISUP:
            return self._given or self._settled.get(network) or _by_point_codes(opc, dpc)
        variant = self._given
        if variant is None:
            if len(data) > 2 and data[2] == _IAM:
                variant = self._settle(network, variant_of_iam(data))
            else:
                variant = self._settled.get(network) or _by_point_codes(opc, dpc)
        self.told[variant] += 1
        return variant

    def of_signal_unit(self, network: Hashable, data: bytes, start: int, end: int) -> Variant:
        """Of a message whose service information octet is at `start`, with the routing label behind it."""
        is_isup = start < end and data[start] & 15 == ServiceIndicator.ISUP
        variant = self._given or self._settled.get(network)
        if variant is None:
            possible = [one for one in Variant if is_isup and _fits(data, start, end, one)]
            variant = possible[0] if len(possible) == 1 else Variant.ITU
            user = start + label_length(variant)
            if len(possible) == 1 and data[user + 2] == _IAM:
                self._settle(network, variant)
        if is_isup:
            self.told[variant] += 1
        return variant

    def _settle(self, network: Hashable, variant: Variant) -> Variant:
        if len(self._settled) < MOST_NETWORKS or network in self._settled:
            self._settled[network] = variant
        return variant


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
