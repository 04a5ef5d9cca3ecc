"""What becomes of a circuit: its state and an event give the next state and what to do (Q.764 section 2, T1.113.4).

The table is of one circuit, as one exchange sees it. What the events mean for the call, and for the circuit on which
the call goes on, is done by `CallProcessing`; blocking has its own flags beside the state, and stands in `Maintenance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum, StrEnum, auto
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.signalling.ss7.isup_timers import Timer


class CircuitState(StrEnum):
    """Where a circuit is, by the call on it."""

    IDLE = "idle"
    INCOMING_CHECK = "incoming, continuity check"  # IAM came, and COT is to come before the call goes on
    CHECK_FAILED = "continuity check failed"  # CCR or REL is to come
    CHECKING = "continuity recheck"  # CCR came; COT or REL is to come
    INCOMING_DIGITS = "incoming, collecting digits"  # SAM is to come
    INCOMING_SETUP = "incoming, setting up"  # no backward message was sent
    INCOMING_ALERTING = "incoming, alerting"  # ACM was sent
    INCOMING_ANSWERED = "incoming, answered"
    OUTGOING_SETUP = "outgoing, setting up"  # IAM was sent, no backward message came
    OUTGOING_PROCEEDING = "outgoing, proceeding"  # a backward message came, and the ACM did not
    OUTGOING_ALERTING = "outgoing, alerting"  # ACM came
    OUTGOING_ANSWERED = "outgoing, answered"
    SUSPENDED_BY_USER = "outgoing, suspended by the user"
    SUSPENDED_BY_NETWORK = "outgoing, suspended by the network"
    RELEASING = "releasing"  # REL was sent
    RESETTING = "resetting"  # RSC was sent
    STUCK = "resetting, overdue"  # RSC was sent for so long that maintenance was told (T17)
    GROUP_RESETTING = "resetting in a group"  # GRS was sent
    UNEQUIPPED = "unequipped"  # the other exchange does not know it (UCIC)


class Event(IntEnum):
    """What happens to a circuit."""

    # messages of the other exchange
    IAM = auto()  # to be handed on at once
    IAM_TO_CHECK = auto()  # continuity of this circuit, or of one before it, is being checked
    IAM_INCOMPLETE = auto()  # digits are to follow
    SAM = auto()
    CONTINUITY = auto()  # COT: the check has succeeded
    CONTINUITY_INCOMPLETE = auto()  # COT, and digits are to follow
    CONTINUITY_FAILED = auto()
    CCR = auto()
    ACM = auto()
    CPG = auto()
    CON = auto()
    ANM = auto()
    FOT = auto()
    SUS_USER = auto()
    SUS_NETWORK = auto()
    RES = auto()
    INR = auto()
    INF = auto()
    CALL_MESSAGE = auto()  # any other that belongs to a call and is passed on: FAC, PAM, EXM, CRG, SGM
    REL = auto()
    RLC = auto()
    RSC = auto()
    UCIC = auto()
    # what other messages mean for this circuit
    YIELDED = auto()  # dual seizure, and the other exchange controls the circuit
    PREVAILED = auto()  # dual seizure, and we do
    COMPLETE = auto()  # the digits are all there
    BLOCKED = auto()  # BLO, or CGB for maintenance
    FAILED = auto()  # CGB for a hardware failure
    GROUP_RESET = auto()  # GRS of the other exchange
    RESET_ACKNOWLEDGED = auto()  # GRA
    # what our side wants
    SEIZE = auto()
    SEND_ACM = auto()
    SEND_CON = auto()
    SEND_ANM = auto()
    SEND_OTHER = auto()
    RELEASE = auto()
    RESET = auto()
    RESET_IN_GROUP = auto()
    RETURN = auto()  # a reset that will not be asked for any more: another way to know that it is idle
    # timers
    T1 = auto()
    T2 = auto()
    T5 = auto()
    T6 = auto()
    T7 = auto()
    T8 = auto()
    T9 = auto()
    T16 = auto()
    T17 = auto()
    T27 = auto()
    T10 = auto()
    T36 = auto()


class Do(Enum):
    """What is to be done, in the order of the step."""

    TAKE_CALL = auto()  # hand the IAM on: have it decided
    ADD_DIGITS = auto()
    PASS = auto()  # tell the other half of the call of the message
    SEND = auto()  # send the other half's message here
    SEND_REL = auto()
    SEND_RLC = auto()
    SEND_RSC = auto()
    SEND_LPA = auto()
    RELEASE_OTHER = auto()  # the other half is released, with the cause of the message or of the event
    REPEAT = auto()  # the call is tried again on another circuit (Q.764 section 2.8.1.2)


class Step(NamedTuple):
    """What an event leads to."""

    next: CircuitState
    do: tuple[Do, ...] = ()


_S = CircuitState
_E = Event

_CALL_ENDS: Final[dict[Event, Step]] = {
    _E.REL: Step(_S.IDLE, (Do.SEND_RLC, Do.RELEASE_OTHER)),
    _E.RLC: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),  # none was due: section 2.9.5.1 c
    _E.RSC: Step(_S.IDLE, (Do.SEND_RLC, Do.RELEASE_OTHER)),
    _E.GROUP_RESET: Step(_S.IDLE, (Do.RELEASE_OTHER,)),
    _E.FAILED: Step(_S.IDLE, (Do.RELEASE_OTHER,)),  # no REL is sent on the circuit itself: section 2.8.2.2
    _E.UCIC: Step(_S.UNEQUIPPED, (Do.RELEASE_OTHER,)),
    _E.RELEASE: Step(_S.RELEASING, (Do.SEND_REL,)),
    _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC, Do.RELEASE_OTHER)),
    _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING, (Do.RELEASE_OTHER,)),
}
"""How a call ends, whatever it was doing. A half that has no other half yet is simply gone."""


def _passed(state: CircuitState, *events: Event) -> dict[Event, Step]:
    return {event: Step(state, (Do.PASS,)) for event in events}


def _said(state: CircuitState, *events: Event) -> dict[Event, Step]:
    return {event: Step(state, (Do.SEND,)) for event in events}


_WAITING_FOR_RESET: Final[dict[Event, Step]] = {
    _E.RLC: Step(_S.IDLE),
    _E.RESET_ACKNOWLEDGED: Step(_S.IDLE),
    _E.RETURN: Step(_S.IDLE),
    _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC,)),
    _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING),
    _E.UCIC: Step(_S.UNEQUIPPED),
}

TABLE: Final[Mapping[CircuitState, Mapping[Event, Step]]] = MappingProxyType(
    {
        _S.IDLE: {
            _E.IAM: Step(_S.INCOMING_SETUP, (Do.TAKE_CALL,)),
            _E.IAM_TO_CHECK: Step(_S.INCOMING_CHECK),
            _E.IAM_INCOMPLETE: Step(_S.INCOMING_DIGITS),
            _E.CCR: Step(_S.CHECKING, (Do.SEND_LPA,)),
            _E.REL: Step(_S.IDLE, (Do.SEND_RLC,)),  # section 2.9.5.1 b
            _E.RLC: Step(_S.IDLE),  # section 2.9.5.1 a
            _E.RSC: Step(_S.IDLE, (Do.SEND_RLC,)),
            _E.UCIC: Step(_S.UNEQUIPPED),
            _E.SEIZE: Step(_S.OUTGOING_SETUP, (Do.SEND,)),
            _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC,)),
            _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING),
        },
        _S.INCOMING_CHECK: _CALL_ENDS
        | {
            _E.SAM: Step(_S.INCOMING_CHECK, (Do.ADD_DIGITS,)),
            _E.CONTINUITY: Step(_S.INCOMING_SETUP, (Do.TAKE_CALL,)),
            _E.CONTINUITY_INCOMPLETE: Step(_S.INCOMING_DIGITS),
            _E.CONTINUITY_FAILED: Step(_S.CHECK_FAILED),
            _E.T8: Step(_S.RELEASING, (Do.SEND_REL,)),
        },
        _S.CHECK_FAILED: _CALL_ENDS
        | {
            _E.CCR: Step(_S.CHECKING, (Do.SEND_LPA,)),
            _E.T27: Step(_S.RESETTING, (Do.SEND_RSC,)),
        },
        _S.CHECKING: _CALL_ENDS
        | {
            _E.CCR: Step(_S.CHECKING, (Do.SEND_LPA,)),
            _E.CONTINUITY: Step(_S.IDLE),
            _E.CONTINUITY_FAILED: Step(_S.CHECK_FAILED),
            _E.T36: Step(_S.RESETTING, (Do.SEND_RSC,)),
        },
        _S.INCOMING_DIGITS: _CALL_ENDS
        | {
            _E.SAM: Step(_S.INCOMING_DIGITS, (Do.ADD_DIGITS,)),
            _E.COMPLETE: Step(_S.INCOMING_SETUP, (Do.TAKE_CALL,)),
            _E.T10: Step(_S.INCOMING_SETUP, (Do.TAKE_CALL,)),  # no more came: these are all
        },
        _S.INCOMING_SETUP: _CALL_ENDS
        | _passed(_S.INCOMING_SETUP, _E.INF, _E.CALL_MESSAGE)
        | _said(_S.INCOMING_SETUP, _E.SEND_OTHER)
        | {
            _E.SAM: Step(_S.INCOMING_SETUP),  # the call was decided by the digits before it
            _E.SEND_ACM: Step(_S.INCOMING_ALERTING, (Do.SEND,)),
            _E.SEND_CON: Step(_S.INCOMING_ANSWERED, (Do.SEND,)),
        },
        _S.INCOMING_ALERTING: _CALL_ENDS
        | _passed(_S.INCOMING_ALERTING, _E.INF, _E.FOT, _E.CALL_MESSAGE)
        | _said(_S.INCOMING_ALERTING, _E.SEND_OTHER)
        | {_E.SEND_ANM: Step(_S.INCOMING_ANSWERED, (Do.SEND,))},
        _S.INCOMING_ANSWERED: _CALL_ENDS
        | _passed(_S.INCOMING_ANSWERED, _E.FOT, _E.SUS_USER, _E.SUS_NETWORK, _E.RES, _E.CPG, _E.CALL_MESSAGE)
        | _said(_S.INCOMING_ANSWERED, _E.SEND_OTHER),
        _S.OUTGOING_SETUP: {
            _E.ACM: Step(_S.OUTGOING_ALERTING, (Do.PASS,)),
            _E.CON: Step(_S.OUTGOING_ANSWERED, (Do.PASS,)),
            _E.INR: Step(_S.OUTGOING_PROCEEDING, (Do.PASS,)),
            _E.CALL_MESSAGE: Step(_S.OUTGOING_PROCEEDING, (Do.PASS,)),
            _E.REL: Step(_S.IDLE, (Do.SEND_RLC, Do.RELEASE_OTHER)),
            _E.RLC: Step(_S.RELEASING, (Do.SEND_REL, Do.REPEAT)),
            _E.RSC: Step(_S.IDLE, (Do.SEND_RLC, Do.REPEAT)),
            _E.GROUP_RESET: Step(_S.IDLE, (Do.REPEAT,)),
            _E.FAILED: Step(_S.IDLE, (Do.REPEAT,)),
            _E.UCIC: Step(_S.UNEQUIPPED, (Do.REPEAT,)),
            _E.BLOCKED: Step(_S.RELEASING, (Do.SEND_REL, Do.REPEAT)),  # section 2.8.2.1
            _E.YIELDED: Step(_S.IDLE, (Do.REPEAT,)),  # section 2.9.1.4
            _E.PREVAILED: Step(_S.OUTGOING_SETUP),
            _E.SEND_OTHER: Step(_S.OUTGOING_SETUP, (Do.SEND,)),
            _E.RELEASE: Step(_S.RELEASING, (Do.SEND_REL,)),
            _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC, Do.REPEAT)),
            _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING, (Do.REPEAT,)),
            _E.T7: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),
        },
        _S.OUTGOING_PROCEEDING: _CALL_ENDS
        | _passed(_S.OUTGOING_PROCEEDING, _E.INR, _E.CALL_MESSAGE)
        | _said(_S.OUTGOING_PROCEEDING, _E.SEND_OTHER)
        | {
            _E.ACM: Step(_S.OUTGOING_ALERTING, (Do.PASS,)),
            _E.CON: Step(_S.OUTGOING_ANSWERED, (Do.PASS,)),
            _E.T7: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),
        },
        _S.OUTGOING_ALERTING: _CALL_ENDS
        | _passed(_S.OUTGOING_ALERTING, _E.CPG, _E.INR, _E.CALL_MESSAGE)
        | _said(_S.OUTGOING_ALERTING, _E.SEND_OTHER)
        | {
            _E.ANM: Step(_S.OUTGOING_ANSWERED, (Do.PASS,)),
            _E.T9: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),
        },
        _S.OUTGOING_ANSWERED: _CALL_ENDS
        | _passed(_S.OUTGOING_ANSWERED, _E.CPG, _E.RES, _E.CALL_MESSAGE)
        | _said(_S.OUTGOING_ANSWERED, _E.SEND_OTHER)
        | {
            _E.SUS_USER: Step(_S.SUSPENDED_BY_USER, (Do.PASS,)),
            _E.SUS_NETWORK: Step(_S.SUSPENDED_BY_NETWORK, (Do.PASS,)),
        },
        _S.SUSPENDED_BY_USER: _CALL_ENDS
        | _passed(_S.SUSPENDED_BY_USER, _E.CPG, _E.CALL_MESSAGE)
        | _said(_S.SUSPENDED_BY_USER, _E.SEND_OTHER)
        | {
            _E.SUS_NETWORK: Step(_S.SUSPENDED_BY_NETWORK, (Do.PASS,)),
            _E.RES: Step(_S.OUTGOING_ANSWERED, (Do.PASS,)),
            _E.T2: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),
        },
        _S.SUSPENDED_BY_NETWORK: _CALL_ENDS
        | _passed(_S.SUSPENDED_BY_NETWORK, _E.CPG, _E.SUS_USER, _E.CALL_MESSAGE)
        | _said(_S.SUSPENDED_BY_NETWORK, _E.SEND_OTHER)
        | {
            _E.RES: Step(_S.OUTGOING_ANSWERED, (Do.PASS,)),
            _E.T6: Step(_S.RELEASING, (Do.SEND_REL, Do.RELEASE_OTHER)),
        },
        _S.RELEASING: {
            _E.RLC: Step(_S.IDLE),
            _E.REL: Step(_S.RELEASING, (Do.SEND_RLC,)),  # collision: section 2.3.3
            _E.RSC: Step(_S.IDLE, (Do.SEND_RLC,)),
            _E.GROUP_RESET: Step(_S.IDLE),
            _E.FAILED: Step(_S.IDLE),
            _E.UCIC: Step(_S.UNEQUIPPED),
            _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC,)),
            _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING),
            _E.T1: Step(_S.RELEASING, (Do.SEND_REL,)),
            _E.T5: Step(_S.RESETTING, (Do.SEND_RSC,)),
        },
        _S.RESETTING: _WAITING_FOR_RESET
        | {
            _E.REL: Step(_S.RESETTING, (Do.SEND_RLC,)),
            _E.RSC: Step(_S.RESETTING, (Do.SEND_RLC,)),
            _E.T16: Step(_S.RESETTING, (Do.SEND_RSC,)),
            _E.T17: Step(_S.STUCK, (Do.SEND_RSC,)),
        },
        _S.STUCK: _WAITING_FOR_RESET
        | {
            _E.REL: Step(_S.STUCK, (Do.SEND_RLC,)),
            _E.RSC: Step(_S.STUCK, (Do.SEND_RLC,)),
            _E.T17: Step(_S.STUCK, (Do.SEND_RSC,)),
        },
        _S.GROUP_RESETTING: {
            _E.RESET_ACKNOWLEDGED: Step(_S.IDLE),
            _E.RETURN: Step(_S.IDLE),
            _E.REL: Step(_S.GROUP_RESETTING, (Do.SEND_RLC,)),
            _E.RSC: Step(_S.GROUP_RESETTING, (Do.SEND_RLC,)),
            _E.UCIC: Step(_S.UNEQUIPPED),
        },
        _S.UNEQUIPPED: {
            # Who uses it knows it again.
            _E.IAM: Step(_S.INCOMING_SETUP, (Do.TAKE_CALL,)),
            _E.IAM_TO_CHECK: Step(_S.INCOMING_CHECK),
            _E.IAM_INCOMPLETE: Step(_S.INCOMING_DIGITS),
            _E.CCR: Step(_S.CHECKING, (Do.SEND_LPA,)),
            _E.REL: Step(_S.UNEQUIPPED, (Do.SEND_RLC,)),
            _E.RSC: Step(_S.IDLE, (Do.SEND_RLC,)),
            _E.GROUP_RESET: Step(_S.IDLE),
            _E.RESET: Step(_S.RESETTING, (Do.SEND_RSC,)),
            _E.RESET_IN_GROUP: Step(_S.GROUP_RESETTING),
        },
    }
)
"""What is not in it is unexpected: `step` says what becomes of that."""

MESSAGES: Final = frozenset(list(Event)[: list(Event).index(Event.YIELDED)])
"""Events that are messages of the other exchange."""

TIMERS: Final[Mapping[CircuitState, tuple[Timer, ...]]] = MappingProxyType(
    {
        _S.INCOMING_CHECK: (Timer.T8,),
        _S.CHECK_FAILED: (Timer.T27,),
        _S.CHECKING: (Timer.T36,),
        _S.INCOMING_DIGITS: (Timer.T10,),
        _S.OUTGOING_SETUP: (Timer.T7,),
        _S.OUTGOING_PROCEEDING: (Timer.T7,),
        _S.OUTGOING_ALERTING: (Timer.T9,),
        _S.SUSPENDED_BY_USER: (Timer.T2,),
        _S.SUSPENDED_BY_NETWORK: (Timer.T6,),
        _S.RELEASING: (Timer.T1, Timer.T5),
        _S.RESETTING: (Timer.T16, Timer.T17),
        _S.STUCK: (Timer.T17,),
    }
)
"""Timers that run in a state: started when it is entered, stopped when it is left. One that fires without the state
being left is started again.
"""

EXPIRY: Final[Mapping[Timer, Event]] = MappingProxyType(
    {timer: Event[timer.name] for running in TIMERS.values() for timer in running}
)
"""What happens to a circuit when its timer fires."""

BUSY: Final = frozenset(
    {
        _S.INCOMING_CHECK,
        _S.INCOMING_DIGITS,
        _S.INCOMING_SETUP,
        _S.INCOMING_ALERTING,
        _S.INCOMING_ANSWERED,
        _S.OUTGOING_SETUP,
        _S.OUTGOING_PROCEEDING,
        _S.OUTGOING_ALERTING,
        _S.OUTGOING_ANSWERED,
        _S.SUSPENDED_BY_USER,
        _S.SUSPENDED_BY_NETWORK,
    }
)
"""States with a call."""

OUTGOING: Final = frozenset(state for state in BUSY if "OUTGOING" in state.name or "SUSPENDED" in state.name)

_RESET_IDLE: Final = Step(_S.RESETTING, (Do.SEND_RSC,))
_RESET_AND_REPEAT: Final = Step(_S.RESETTING, (Do.SEND_RSC, Do.REPEAT))
_DISCARDED: Final[Mapping[CircuitState, Step]] = MappingProxyType({state: Step(state) for state in CircuitState})


def step(state: CircuitState, event: Event) -> tuple[Step, bool]:
    """What an event leads to, and whether it was to be expected.

    An unexpected message resets an idle circuit, and one that is being set up and on which nothing came back yet: its
    two ends see it otherwise. Elsewhere it is discarded (Q.764 section 2.9.5.1). What our own side wants out of turn
    changes nothing.
    """
    found = TABLE[state].get(event)
    if found is not None:
        return found, True
    if event in MESSAGES:
        if state is CircuitState.IDLE:
            return _RESET_IDLE, False
        if state is CircuitState.OUTGOING_SETUP:
            return _RESET_AND_REPEAT, False
    return _DISCARDED[state], False
