"""What a message of the other exchange is to a circuit: its row in the table of circuit states."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.circuit_states import Event

_PLAIN: Final[dict[int, Event]] = {
    MessageType.SAM: Event.SAM,
    MessageType.CCR: Event.CCR,
    MessageType.ACM: Event.ACM,
    MessageType.CPG: Event.CPG,
    MessageType.CON: Event.CON,
    MessageType.ANM: Event.ANM,
    MessageType.FOT: Event.FOT,
    MessageType.RES: Event.RES,
    MessageType.INR: Event.INR,
    MessageType.INF: Event.INF,
    MessageType.REL: Event.REL,
    MessageType.RLC: Event.RLC,
    **dict.fromkeys(
        (
            MessageType.FAR,
            MessageType.FAA,
            MessageType.FRJ,
            MessageType.PAM,
            MessageType.USR,
            MessageType.CRG,
            MessageType.NRM,
            MessageType.FAC,
            MessageType.IDR,
            MessageType.IRS,
            MessageType.SGM,
            MessageType.LOP,
            MessageType.APM,
            MessageType.PRI,
            MessageType.SDN,
            MessageType.EXM,
        ),
        Event.CALL_MESSAGE,
    ),
}
NOT_OF_A_CALL: Final = frozenset({MessageType.CFN, MessageType.LPA, MessageType.OLM})
"""Known, and nothing comes of them here: no check of ours is in progress, and confusion is only counted."""

_ANSI_ADDRESS: Final = 10
"""Digits of a complete number in the national plan."""


def event_of(message: IsupMessage) -> Event | None:
    """The event; None for a message that is none of a call's. Raises `Malformed` where it cannot be read."""
    event = _PLAIN.get(message.type)
    if event is not None:
        return event
    if message.type == MessageType.COT:
        return Event.CONTINUITY if message.continuity else Event.CONTINUITY_FAILED
    if message.type == MessageType.SUS:
        return Event.SUS_NETWORK if message.network_initiated else Event.SUS_USER
    if message.type == MessageType.IAM:
        return event_of_iam(message)
    return None


def event_of_iam(iam: IsupMessage) -> Event:
    """As `event_of`; an IAM has one, whatever of it can be read."""
    nature = iam.nature_of_connection
    if nature is not None and nature.continuity in {_HERE, _BEFORE}:
        return Event.IAM_TO_CHECK
    return Event.IAM_INCOMPLETE if is_incomplete(iam) else Event.IAM


_HERE: Final = 1
_BEFORE: Final = 2


def is_incomplete(iam: IsupMessage) -> bool:
    """Whether digits are to follow (Q.764 section 2.1.2): a national number of less than ten digits without ST.

    ANSI has no SAM: its called number is always complete (T1.113.4 section 2.1.1). So are service codes, which are
    three digits long: 911 waits for nothing, and is not taken for another number while its digits come one by one. A
    number that cannot be read gets no better by more of them: who takes the call refuses it.
    """
    if iam.variant is Variant.ANSI:
        return False
    try:
        called = iam.called
    except Malformed:
        return False
    if called is None or called.nature != _NATIONAL or called.digits.endswith(_ST):
        return False
    return 0 < len(called.digits) < _ANSI_ADDRESS and len(called.digits) != _SERVICE_CODE


_NATIONAL: Final = 3
_SERVICE_CODE: Final = 3
_ST: Final = "F"
