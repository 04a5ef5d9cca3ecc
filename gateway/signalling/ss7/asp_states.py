"""The state machines of RFC 4666 section 4.3, as tables: both ends of an association, and an application server.

A pair of state and event that a table does not hold changes nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from gateway.codecs.ss7.m3ua import ErrorCode


class ClientState(Enum):
    """How an application server process, our end of a client's association, stands. The values are for people."""

    DOWN = "down"  # no association
    COMING_UP = "coming up"  # ASPUP was sent
    REGISTERING = "registering"  # REG REQ was sent
    ACTIVATING = "activating"  # ASPAC was sent
    ACTIVE = "active"
    STANDBY = "standby"  # up, and another process has the traffic
    REFUSED = "refused"  # the peer would not have us: asked again later
    DEACTIVATING = "deactivating"  # ASPIA was sent
    DEREGISTERING = "deregistering"  # DEREG REQ was sent
    GOING_DOWN = "going down"  # ASPDN was sent
    LEFT = "out of service"  # by our own wish


class ClientEvent(Enum):
    """What happens to an application server process."""

    CONNECTED = "connected"
    LOST = "lost"
    UP_ACK = "ASPUP ACK"
    UP_ACK_KEY = "ASPUP ACK, and a routing key is to be registered"
    REGISTERED = "REG RSP, registered"
    ACTIVE_ACK = "ASPAC ACK"
    INACTIVE_ACK = "ASPIA ACK"
    INACTIVE_ACK_KEY = "ASPIA ACK, and a routing key is registered"
    DEREGISTERED = "DEREG RSP"
    DOWN_ACK = "ASPDN ACK"
    REFUSAL = "ERR or REG RSP: what was asked for is refused"
    OVERRIDDEN = "NTFY: another process is active"
    NEEDED = "NTFY: no process is active, or too few"
    LEAVE = "we go out of service"
    ACK_OVERDUE = "T(ack)"
    RETRY = "retry"


class ClientEffect(Enum):
    """What an application server process does."""

    SEND_ASPUP = "ASPUP"
    SEND_REG_REQ = "REG REQ"
    SEND_ASPAC = "ASPAC"
    SEND_ASPIA = "ASPIA"
    SEND_DEREG_REQ = "DEREG REQ"
    SEND_ASPDN = "ASPDN"
    SEND_UNEXPECTED = "ERR, unexpected message"
    WAIT = "start the retry timer"


class ClientStep(NamedTuple):
    """The next state, and what is done on the way."""

    state: ClientState
    effects: tuple[ClientEffect, ...] = ()


_C = ClientState
_E = ClientEvent
_UP: Final = ClientStep(_C.COMING_UP, (ClientEffect.SEND_ASPUP,))
_REGISTER: Final = ClientStep(_C.REGISTERING, (ClientEffect.SEND_REG_REQ,))
_ACTIVATE: Final = ClientStep(_C.ACTIVATING, (ClientEffect.SEND_ASPAC,))
_REASSERT: Final = ClientStep(_C.ACTIVATING, (ClientEffect.SEND_UNEXPECTED, ClientEffect.SEND_ASPAC))
_WAIT: Final = ClientStep(_C.REFUSED, (ClientEffect.WAIT,))
_DEACTIVATE: Final = ClientStep(_C.DEACTIVATING, (ClientEffect.SEND_ASPIA,))
_DEREGISTER: Final = ClientStep(_C.DEREGISTERING, (ClientEffect.SEND_DEREG_REQ,))
_GO_DOWN: Final = ClientStep(_C.GOING_DOWN, (ClientEffect.SEND_ASPDN,))
_DOWN: Final = ClientStep(_C.DOWN)
_LEFT: Final = ClientStep(_C.LEFT)

CLIENT: Final[dict[ClientState, dict[ClientEvent, ClientStep]]] = {
    _C.DOWN: {_E.CONNECTED: _UP, _E.LEAVE: _LEFT},
    _C.COMING_UP: {
        _E.UP_ACK: _ACTIVATE,
        _E.UP_ACK_KEY: _REGISTER,
        _E.REFUSAL: _WAIT,
        _E.ACK_OVERDUE: _UP,
        _E.LEAVE: _GO_DOWN,
        _E.LOST: _DOWN,
    },
    _C.REGISTERING: {
        _E.REGISTERED: _ACTIVATE,
        _E.REFUSAL: _WAIT,
        _E.ACK_OVERDUE: _REGISTER,
        _E.DOWN_ACK: _UP,
        _E.LEAVE: _GO_DOWN,
        _E.LOST: _DOWN,
    },
    _C.ACTIVATING: {
        _E.ACTIVE_ACK: ClientStep(_C.ACTIVE),
        _E.REFUSAL: _WAIT,
        _E.ACK_OVERDUE: _ACTIVATE,
        _E.DOWN_ACK: _UP,
        _E.LEAVE: _DEACTIVATE,
        _E.LOST: _DOWN,
    },
    _C.ACTIVE: {
        _E.OVERRIDDEN: ClientStep(_C.STANDBY),
        _E.NEEDED: ClientStep(_C.ACTIVE, (ClientEffect.SEND_ASPAC,)),
        _E.UP_ACK: _REASSERT,
        _E.UP_ACK_KEY: _REASSERT,
        _E.INACTIVE_ACK: _ACTIVATE,
        _E.INACTIVE_ACK_KEY: _ACTIVATE,
        _E.DOWN_ACK: _UP,
        _E.LEAVE: _DEACTIVATE,
        _E.LOST: _DOWN,
    },
    _C.STANDBY: {_E.NEEDED: _ACTIVATE, _E.DOWN_ACK: _UP, _E.LEAVE: _DEACTIVATE, _E.LOST: _DOWN},
    _C.REFUSED: {_E.RETRY: _UP, _E.LEAVE: _GO_DOWN, _E.LOST: _DOWN},
    _C.DEACTIVATING: {
        _E.INACTIVE_ACK: _GO_DOWN,
        _E.INACTIVE_ACK_KEY: _DEREGISTER,
        _E.REFUSAL: _GO_DOWN,
        _E.ACK_OVERDUE: _DEACTIVATE,
        _E.DOWN_ACK: _LEFT,
        _E.LOST: _LEFT,
    },
    _C.DEREGISTERING: {
        _E.DEREGISTERED: _GO_DOWN,
        _E.REFUSAL: _GO_DOWN,
        _E.ACK_OVERDUE: _DEREGISTER,
        _E.DOWN_ACK: _LEFT,
        _E.LOST: _LEFT,
    },
    _C.GOING_DOWN: {_E.DOWN_ACK: _LEFT, _E.REFUSAL: _LEFT, _E.ACK_OVERDUE: _GO_DOWN, _E.LOST: _LEFT},
    _C.LEFT: {
        _E.UP_ACK: ClientStep(_C.LEFT, (ClientEffect.SEND_UNEXPECTED,)),
        _E.UP_ACK_KEY: ClientStep(_C.LEFT, (ClientEffect.SEND_UNEXPECTED,)),
    },
}
"""Section 4.3.4 as the application server process follows it. An acknowledgement that was not asked for says where the
peer takes us to be: we return to where we were.
"""

_R = ErrorCode
REFUSALS: Final[dict[ClientState, frozenset[int]]] = {
    _C.COMING_UP: frozenset(
        (_R.REFUSED_MANAGEMENT_BLOCKING, _R.ASP_IDENTIFIER_REQUIRED, _R.INVALID_ASP_IDENTIFIER, _R.INVALID_VERSION)
    ),
    _C.REGISTERING: frozenset(
        (_R.REFUSED_MANAGEMENT_BLOCKING, _R.UNSUPPORTED_MESSAGE_CLASS, _R.UNSUPPORTED_MESSAGE_TYPE)
    ),
    _C.ACTIVATING: frozenset(
        (
            _R.REFUSED_MANAGEMENT_BLOCKING,
            _R.UNSUPPORTED_TRAFFIC_MODE_TYPE,
            _R.INVALID_ROUTING_CONTEXT,
            _R.NO_CONFIGURED_AS_FOR_ASP,
        )
    ),
    _C.DEACTIVATING: frozenset((_R.UNEXPECTED_MESSAGE, _R.INVALID_ROUTING_CONTEXT, _R.NO_CONFIGURED_AS_FOR_ASP)),
    _C.DEREGISTERING: frozenset(
        (_R.UNEXPECTED_MESSAGE, _R.UNSUPPORTED_MESSAGE_CLASS, _R.UNSUPPORTED_MESSAGE_TYPE, _R.INVALID_ROUTING_CONTEXT)
    ),
    _C.GOING_DOWN: frozenset((_R.UNEXPECTED_MESSAGE,)),
}
"""Error codes with which a peer refuses what was asked for in each state (section 3.8.1). Any other is not about that:
an ASPUP that finds us active is acknowledged and called unexpected in one go.
"""

TAKES_DATA: Final = frozenset((_C.ACTIVATING, _C.ACTIVE, _C.STANDBY, _C.DEACTIVATING))
"""States in which DATA may come: also before an ASPAC ACK that it overtook, and behind the last of our being active."""


class AspState(Enum):
    """How a server takes a process to stand in one application server (section 4.3.1, figure 3)."""

    DOWN = "down"
    INACTIVE = "inactive"
    ACTIVE = "active"


class AspEvent(Enum):
    """What a process asks for, or what happens to it."""

    ASPUP = "ASPUP"
    ASPDN = "ASPDN"
    ASPAC = "ASPAC"
    ASPIA = "ASPIA"
    OVERRIDDEN = "another process becomes active"
    LOCKED_OUT = "the server takes it out of service"
    LOST = "lost"


class AspReply(Enum):
    """What the process is sent."""

    ACK = "the acknowledgement"
    ACK_UNEXPECTED = "the acknowledgement, and ERR, unexpected message"
    UNEXPECTED = "ERR, unexpected message"
    ALTERNATE_ACTIVE = "NTFY, alternate ASP active"
    NOTHING = "nothing"


class AspStep(NamedTuple):
    """The next state, and what the process is sent."""

    state: AspState
    reply: AspReply


_S = AspState
_A = AspEvent

SERVER: Final[dict[AspState, dict[AspEvent, AspStep]]] = {
    _S.DOWN: {
        _A.ASPUP: AspStep(_S.INACTIVE, AspReply.ACK),
        _A.ASPDN: AspStep(_S.DOWN, AspReply.ACK),
        _A.ASPAC: AspStep(_S.DOWN, AspReply.UNEXPECTED),
        _A.ASPIA: AspStep(_S.DOWN, AspReply.UNEXPECTED),
    },
    _S.INACTIVE: {
        _A.ASPUP: AspStep(_S.INACTIVE, AspReply.ACK),
        _A.ASPDN: AspStep(_S.DOWN, AspReply.ACK),
        _A.ASPAC: AspStep(_S.ACTIVE, AspReply.ACK),
        _A.ASPIA: AspStep(_S.INACTIVE, AspReply.ACK),
        _A.LOCKED_OUT: AspStep(_S.DOWN, AspReply.ACK),
        _A.LOST: AspStep(_S.DOWN, AspReply.NOTHING),
    },
    _S.ACTIVE: {
        _A.ASPUP: AspStep(_S.INACTIVE, AspReply.ACK_UNEXPECTED),
        _A.ASPDN: AspStep(_S.DOWN, AspReply.ACK),
        _A.ASPAC: AspStep(_S.ACTIVE, AspReply.ACK),
        _A.ASPIA: AspStep(_S.INACTIVE, AspReply.ACK),
        _A.OVERRIDDEN: AspStep(_S.INACTIVE, AspReply.ALTERNATE_ACTIVE),
        _A.LOCKED_OUT: AspStep(_S.DOWN, AspReply.ACK),
        _A.LOST: AspStep(_S.DOWN, AspReply.NOTHING),
    },
}
"""Section 4.3.4 as the signalling gateway process follows it, for one process and one application server."""


class AsState(Enum):
    """How an application server stands (section 4.3.2, figure 4)."""

    DOWN = "down"
    INACTIVE = "inactive"
    ACTIVE = "active"
    PENDING = "pending"  # its last active process is gone, and T(r) runs: messages wait


class AsEvent(Enum):
    """How its processes stand after one of them has changed, or after T(r)."""

    SOME_ACTIVE = "a process is active"
    NONE_ACTIVE = "no process is active, one is inactive"
    ALL_DOWN = "all processes are down"
    OVER_NONE_ACTIVE = "T(r), and a process is inactive"
    OVER_ALL_DOWN = "T(r), and all processes are down"


_T = AsState
_V = AsEvent

APPLICATION_SERVER: Final[dict[AsState, dict[AsEvent, AsState]]] = {
    _T.DOWN: {_V.NONE_ACTIVE: _T.INACTIVE, _V.SOME_ACTIVE: _T.ACTIVE},
    _T.INACTIVE: {_V.SOME_ACTIVE: _T.ACTIVE, _V.ALL_DOWN: _T.DOWN},
    _T.ACTIVE: {_V.NONE_ACTIVE: _T.PENDING, _V.ALL_DOWN: _T.PENDING},
    _T.PENDING: {_V.SOME_ACTIVE: _T.ACTIVE, _V.OVER_NONE_ACTIVE: _T.INACTIVE, _V.OVER_ALL_DOWN: _T.DOWN},
}
"""Figure 4 of section 4.3.2."""
