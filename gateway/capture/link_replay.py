"""Which of the gateway's associations the messages of a capture came on.

A replay takes every link to be up when it begins, for a capture rarely holds how its associations began. The first one
of a link that is seen stands for the one that was taken to be there; where the capture holds its beginning, it begins
anew.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.capture.msu import LinkMessage
from gateway.codecs.ss7.m3ua import MessageType
from gateway.interconnection.links import Address, Link, LinkRole

MANAGEMENT_STREAM: Final = 0
REMEMBERED: Final = 1_000
"""Associations whose names are remembered; the one seen first is forgotten first."""
_BEGINS: Final = (int(MessageType.ASPUP).to_bytes(2, "big"), int(MessageType.ASPUP_ACK).to_bytes(2, "big"))
"""Class and type of the first message that each of the two sides gets."""


class LinkReplay:
    """Names associations as the gateway's transport does (`gateway.transport.links`)."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links: Final = {(link.role, link.address): link for link in links}
        self._names: Final[OrderedDict[frozenset[Address], str]] = OrderedDict()
        self._seen: Final[Counter[str]] = Counter()  # associations of each link

    def association_of(self, message: LinkMessage) -> tuple[str | None, bool]:
        """The association that a message reached the gateway on, and whether it begins with it; None for another's."""
        ends = frozenset((message.source, message.destination))
        if not message.message:  # either side may have ended it
            return self._names.pop(ends, None), False
        link = self._links.get((LinkRole.SERVER, message.destination)) or self._links.get(
            (LinkRole.CLIENT, message.source)
        )
        if link is None:
            return None, False
        begins = message.message[2:4] in _BEGINS
        name = self._names.get(ends)
        if name is None:
            self._seen[link.name] += 1
            name = link.name if link.role is LinkRole.CLIENT else f"{link.name}#{self._seen[link.name]}"
            self._names[ends] = name
            if len(self._names) > REMEMBERED:
                self._names.popitem(last=False)
            begins = begins or self._seen[link.name] > 1
        elif begins:
            begins = False  # said again
        return name, begins
