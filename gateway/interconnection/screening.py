"""Which signalling is taken on which link: a message is let in where a rule allows it, and dropped unread otherwise.

An exchange that is reached over somebody else's network is asked by what it should not be: calls in the name of other
point codes, other user parts, resets of others' circuits (GSM FS.11 section 3 says why; Q.705 section 8 where).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.interconnection.trunk_groups import TrunkGroup

_MESSAGE_TYPE: Final = 2
"""Where an ISUP message has its type: behind the CIC."""


@dataclass(frozen=True, slots=True)
class ScreeningRule:
    """What is let in: a message that agrees with every part of it."""

    links: frozenset[str]
    """Names of the links that it may come on."""
    opc: int
    """Originating point code."""
    dpc: int
    """Destination point code."""
    service: int = int(ServiceIndicator.ISUP)
    """Service indicator (Q.704 section 14.2.1)."""
    network_indicator: int = 2
    message_types: frozenset[int] | None = None
    """Of ISUP; None: every one."""


class Screening:
    """The rules of a gateway. What none of them allows is not taken."""

    def __init__(self, rules: Iterable[ScreeningRule]) -> None:
        self._rules: Final[dict[tuple[int, int], list[ScreeningRule]]] = {}
        for rule in rules:
            self._rules.setdefault((rule.opc, rule.dpc), []).append(rule)

    def objection_to(self, transfer: Mtp3Transfer, link: str | None) -> str | None:
        """Why a message is not taken, in few words; None where it is.

        Args:
            transfer: what came.
            link: the name of the link that it came on; None where that is not known, as in a capture.
        """
        objection = "point codes"
        for rule in self._rules.get((transfer.opc, transfer.dpc), ()):
            found = _objection_by(rule, transfer, link)
            if found is None:
                return None
            objection = found
        return objection


def _objection_by(rule: ScreeningRule, transfer: Mtp3Transfer, link: str | None) -> str | None:
    if link is not None and link not in rule.links:
        return "link"
    if transfer.si != rule.service:
        return "service indicator"
    if transfer.ni != rule.network_indicator:
        return "network indicator"
    if rule.message_types is None:
        return None
    kind = transfer.data[_MESSAGE_TYPE] if len(transfer.data) > _MESSAGE_TYPE else None
    return None if kind in rule.message_types else "message type"


def rules_of(trunk_groups: Iterable[TrunkGroup]) -> list[ScreeningRule]:
    """What circuits need, and no more: ISUP of the exchange at their other end, to us, on the links that lead to it."""
    rules = []
    for group in trunk_groups:
        circuits = group.circuits
        if circuits is not None:
            rules.append(
                ScreeningRule(
                    frozenset(circuits.links),
                    circuits.adjacent,
                    circuits.own,
                    network_indicator=circuits.network_indicator,
                    message_types=circuits.message_types,
                )
            )
    return rules
