"""The exchanges behind a signalling gateway, as it reports of them (RFC 4666 sections 3.4 and 4.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.codecs.ss7.m3ua import M3uaMessage, MessageType, Tag
from gateway.codecs.ss7.mtp3 import ServiceIndicator, point_code_text
from gateway.interconnection.links import Link
from gateway.signalling.ss7.association import required_number, required_numbers
from gateway.signalling.ss7.mtp_indications import Congested
from gateway.signalling.ss7.turn import Turn

MAX_AFFECTED: Final = 256
"""Most affected point codes of one message that are taken."""
MAX_LEVEL: Final = 3
"""Highest congestion level."""


def affected(message: M3uaMessage, among: Iterable[int]) -> tuple[int, ...]:
    """Those point codes that the message's list of affected ones covers (section 3.4.1: of a range the low bits count
    for nothing). Raises Refused and Malformed.
    """
    ranges = [
        (min(value >> 24, 24), value & 0xFFFFFF)
        for value in required_numbers(message, Tag.AFFECTED_POINT_CODE, MAX_AFFECTED)
    ]
    return tuple(code for code in among if any(code >> bits == first >> bits for bits, first in ranges))


class Destination:
    """One exchange, as the signalling gateway has it."""

    def __init__(self, code: int) -> None:
        self.code: Final = code
        self.is_available = True
        self.is_restricted = False
        """DRST: another link is the better way, if there is one."""
        self.level = 0
        """Congestion level that SCON gave last; a congestion without levels passes by itself and is not kept."""
        self.has_user_part = True
        """Whether its ISUP answers: DUPU says that it does not."""

    @property
    def is_usable(self) -> bool:
        return self.is_available and self.has_user_part

    @property
    def is_in_trouble(self) -> bool:
        return not self.is_available or self.is_restricted or self.level > 0


class Destinations:
    """The destinations of one client's link."""

    def __init__(self, link: Link) -> None:
        self._link: Final = link
        self.by_code: Final = {code: Destination(code) for code in link.destinations}

    def start(self) -> None:
        """We became active: what was known of the destinations is out of date. They are available until denied."""
        for code in self.by_code:
            self.by_code[code] = Destination(code)

    def is_usable(self, code: int) -> bool:
        destination = self.by_code.get(code)
        return destination is not None and destination.is_usable

    def is_preferred(self, code: int) -> bool:
        destination = self.by_code.get(code)
        return destination is not None and destination.is_usable and not destination.is_restricted

    def in_trouble(self) -> tuple[int, ...]:
        return tuple(one.code for one in self.by_code.values() if one.is_in_trouble)

    def heard(self, opc: int, turn: Turn) -> None:
        """Something came from a user part: so it is there (Q.764 section 2.13.2)."""
        destination = self.by_code.get(opc)
        if destination is not None and not destination.has_user_part:
            destination.has_user_part = turn.changed = True

    def reported(self, message: M3uaMessage, turn: Turn) -> None:
        """DUNA, DAVA, DRST, SCON or DUPU. Raises Refused and Malformed."""
        kind = message.type
        turn.changed = True
        for code in affected(message, self.by_code):
            destination = self.by_code[code]
            if kind == MessageType.DUNA:
                destination.is_available = False
            elif kind in (MessageType.DAVA, MessageType.DRST):
                destination.is_available, destination.is_restricted = True, kind == MessageType.DRST
            elif kind == MessageType.SCON:
                self._congested(destination, message, turn)
            else:
                self._user_part(destination, message)

    def _congested(self, destination: Destination, message: M3uaMessage, turn: Turn) -> None:
        indications = message.integer(Tag.CONGESTION_INDICATIONS)
        if indications is None:
            turn.indications.append(Congested(destination.code, 1))
            return
        level = min(indications & 0xFF, MAX_LEVEL)
        turn.indications.append(Congested(destination.code, level))
        if level != destination.level:
            destination.level = level
            name = point_code_text(destination.code, self._link.variant)
            turn.tell(self._link.name, f"destination {name}: congestion level {level}", good=level == 0)

    @staticmethod
    def _user_part(destination: Destination, message: M3uaMessage) -> None:
        if required_number(message, Tag.USER_CAUSE) & 0xFFFF == ServiceIndicator.ISUP:
            destination.has_user_part = False

    def take_user_parts_back(self, turn: Turn) -> None:
        """None is known any longer to be unavailable: whether one is shows when it is used (Q.764 section 2.13.2)."""
        turn.changed = True
        for destination in self.by_code.values():
            destination.has_user_part = True
