"""One M3UA association as a simulated switch has it: application server process or signalling gateway process.

Bytes in, bytes and transfers out. It shares nothing with the gateway's own links but the codec: what one end gets wrong
is not to be got wrong by both. It keeps to what RFC 4666 asks of the two sides and takes what comes in any order; what
it was told of destinations, and what it did not expect, is there to be looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import (
    ErrorCode,
    M3uaMessage,
    MessageType,
    Parameter,
    Status,
    Tag,
    decode_m3ua,
    decode_parameters,
    encode_m3ua,
    encode_parameters,
    m3ua_data,
    transfer_of,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer

MANAGEMENT_STREAM: Final = 0
TRAFFIC_STREAM: Final = 1
LOADSHARE: Final = 2
"""Traffic mode type (RFC 4666 section 3.4.1)."""
REGISTERED_CONTEXT: Final = 100
"""Routing context that a signalling gateway process gives to whoever registers a key."""


class Side(Enum):
    """Which end of the association the switch is."""

    ASP = "application server process"  # it asks to become active
    SGP = "signalling gateway process"  # it answers


class State(Enum):
    """Of the application server process, as this end has it (RFC 4666 section 4.3.1)."""

    DOWN = "down"
    INACTIVE = "inactive"
    ACTIVE = "active"


class Association:
    """One association. `send` gets stream and message; `deliver` what came for MTP's users; `changed` is told after
    every change of `state`, and whenever the other end said how a destination stands.
    """

    def __init__(
        self,
        side: Side,
        *,
        send: Callable[[int, bytes], object],
        deliver: Callable[[Mtp3Transfer], None],
        changed: Callable[[], None],
        routing_context: int | None = None,
    ) -> None:
        self.side = side
        self.state = State.DOWN
        self.routing_context = routing_context
        self.unavailable: set[int] = set()
        """Point codes that the other end said it cannot reach (DUNA)."""
        self.out_of_reach: set[int] = set()
        """Point codes that this end cannot reach: what an audit (DAUD) is told."""
        self.received = Counter[str]()
        """Messages by name."""
        self.faults: list[str] = []
        """What came and should not have, for a person."""
        self._send, self._deliver, self._changed = send, deliver, changed

    # -- what the carrier tells ---------------------------------------------------------------------------------------

    def up(self) -> None:
        """The SCTP association is there."""
        if self.side is Side.ASP:
            self._say(MessageType.ASPUP)

    def down(self) -> None:
        """It is lost."""
        self.unavailable.clear()
        self._stand(State.DOWN)

    def take(self, stream: int, data: bytes) -> None:
        """A message came. What cannot be read is a fault, and answered with ERR."""
        try:
            message = decode_m3ua(data)
            if message.type == MessageType.DATA:
                self._data(stream, message)
                return
            name, handler = _HANDLERS.get(message.type, ("", None))
            self.received[name or f"{message.type:#06x}"] += 1
            if handler is None:
                self._err(ErrorCode.UNSUPPORTED_MESSAGE_TYPE, f"message type {message.type:#06x}")
            else:
                handler(self, message)
        except Malformed as error:
            self._err(ErrorCode.PROTOCOL_ERROR, f"{error}")

    # -- what the switch asks -----------------------------------------------------------------------------------------

    def transfer(self, transfer: Mtp3Transfer) -> bool:
        """Send a message of a user part; False where the association is not active."""
        if self.state is not State.ACTIVE:
            return False
        self._send(TRAFFIC_STREAM, m3ua_data(transfer, self.routing_context))
        return True

    def announce(self, kind: MessageType, point_code: int, level: int | None = None) -> None:
        """Say how a destination stands: DUNA, DAVA, DRST, or SCON with its congestion level."""
        if kind is MessageType.DUNA:
            self.out_of_reach.add(point_code)
        elif kind is MessageType.DAVA:
            self.out_of_reach.discard(point_code)
        parameters = [*self._context(), Parameter(Tag.AFFECTED_POINT_CODE, point_code.to_bytes(4, "big"))]
        if level is not None:
            parameters.append(Parameter(Tag.CONGESTION_INDICATIONS, level.to_bytes(4, "big")))
        self._say(kind, *parameters)

    def leave(self) -> None:
        """The process takes itself out of traffic (ASPIA); it stays up."""
        if self.side is Side.ASP:
            self._say(MessageType.ASPIA, *self._context())

    def join(self) -> None:
        """And asks for traffic again."""
        if self.side is Side.ASP:
            self._say(MessageType.ASPAC, self._traffic_mode(), *self._context())

    # -- messages -----------------------------------------------------------------------------------------------------

    def _data(self, stream: int, message: M3uaMessage) -> None:
        self.received["DATA"] += 1
        if stream == MANAGEMENT_STREAM:
            self._err(ErrorCode.INVALID_STREAM_IDENTIFIER, "DATA on stream 0")
        elif self.state is not State.ACTIVE:
            self._err(ErrorCode.UNEXPECTED_MESSAGE, f"DATA while {self.state.value}")
        else:
            self._deliver(transfer_of(message))

    def _asp_up(self, _message: M3uaMessage) -> None:
        self._say(MessageType.ASPUP_ACK)
        self._notify(Status.AS_INACTIVE)
        self._stand(State.INACTIVE)

    def _asp_down(self, _message: M3uaMessage) -> None:
        self._say(MessageType.ASPDN_ACK)
        self._stand(State.DOWN)

    def _asp_active(self, message: M3uaMessage) -> None:
        if self.state is State.DOWN:
            self._err(ErrorCode.UNEXPECTED_MESSAGE, "ASPAC while down")
            return
        contexts = message.integers(Tag.ROUTING_CONTEXT)
        if contexts:
            self.routing_context = contexts[0]
        self._say(MessageType.ASPAC_ACK, *self._context())
        self._stand(State.ACTIVE)
        self._notify(Status.AS_ACTIVE)

    def _asp_inactive(self, _message: M3uaMessage) -> None:
        self._say(MessageType.ASPIA_ACK, *self._context())
        self._stand(State.INACTIVE)

    def _up_acknowledged(self, _message: M3uaMessage) -> None:
        self._stand(State.INACTIVE)
        self.join()

    def _active_acknowledged(self, _message: M3uaMessage) -> None:
        self._stand(State.ACTIVE)

    def _inactive_acknowledged(self, _message: M3uaMessage) -> None:
        self._stand(State.INACTIVE)

    def _down_acknowledged(self, _message: M3uaMessage) -> None:
        self._stand(State.DOWN)

    def _beat(self, message: M3uaMessage) -> None:
        self._say(MessageType.BEAT_ACK, *message.parameters)

    def _register(self, message: M3uaMessage) -> None:
        """Give every routing key the one context there is: who registers what is not this switch's to judge."""
        for key in message.values(Tag.ROUTING_KEY):
            identifier = dict(decode_parameters(key, 0, len(key))).get(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, bytes(4))
            self.routing_context = REGISTERED_CONTEXT
            result = (
                Parameter(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, identifier),
                Parameter(Tag.REGISTRATION_STATUS, bytes(4)),
                Parameter(Tag.ROUTING_CONTEXT, REGISTERED_CONTEXT.to_bytes(4, "big")),
            )
            self._say(MessageType.REG_RSP, Parameter(Tag.REGISTRATION_RESULT, encode_parameters(result)))

    def _audit(self, message: M3uaMessage) -> None:
        for point_code in _point_codes(message):
            kind = MessageType.DUNA if point_code in self.out_of_reach else MessageType.DAVA
            self._say(kind, *self._context(), Parameter(Tag.AFFECTED_POINT_CODE, point_code.to_bytes(4, "big")))

    def _destination_unavailable(self, message: M3uaMessage) -> None:
        self.unavailable.update(_point_codes(message))
        self._changed()

    def _destination_available(self, message: M3uaMessage) -> None:
        self.unavailable.difference_update(_point_codes(message))
        self._changed()

    def _noted(self, _message: M3uaMessage) -> None:
        """NTFY, SCON and the like: counted, and nothing else to do."""

    def _refused(self, message: M3uaMessage) -> None:
        self.faults.append(f"the other end sent ERR {message.integer(Tag.ERROR_CODE)}")

    # -- saying -------------------------------------------------------------------------------------------------------

    def _stand(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._changed()

    def _say(self, kind: MessageType, *parameters: Parameter) -> None:
        self._send(MANAGEMENT_STREAM, encode_m3ua(M3uaMessage(kind, parameters)))

    def _notify(self, status: Status) -> None:
        self._say(MessageType.NTFY, Parameter(Tag.STATUS, status.to_bytes(4, "big")), *self._context())

    def _err(self, code: ErrorCode, what: str) -> None:
        self.faults.append(what)
        self._say(MessageType.ERR, Parameter(Tag.ERROR_CODE, code.to_bytes(4, "big")))

    def _context(self) -> tuple[Parameter, ...]:
        if self.routing_context is None:
            return ()
        return (Parameter(Tag.ROUTING_CONTEXT, self.routing_context.to_bytes(4, "big")),)

    @staticmethod
    def _traffic_mode() -> Parameter:
        return Parameter(Tag.TRAFFIC_MODE_TYPE, LOADSHARE.to_bytes(4, "big"))


def _point_codes(message: M3uaMessage) -> tuple[int, ...]:
    """Affected point codes without their masks: the lab has no ranges of them."""
    return tuple(value & 0xFFFFFF for value in message.integers(Tag.AFFECTED_POINT_CODE))


_Handler = Callable[[Association, M3uaMessage], None]
_HANDLERS: Final[Mapping[int, tuple[str, _Handler]]] = {
    MessageType.ERR: ("ERR", Association._refused),
    MessageType.NTFY: ("NTFY", Association._noted),
    MessageType.DUNA: ("DUNA", Association._destination_unavailable),
    MessageType.DAVA: ("DAVA", Association._destination_available),
    MessageType.DRST: ("DRST", Association._destination_available),
    MessageType.DAUD: ("DAUD", Association._audit),
    MessageType.SCON: ("SCON", Association._noted),
    MessageType.DUPU: ("DUPU", Association._noted),
    MessageType.ASPUP: ("ASPUP", Association._asp_up),
    MessageType.ASPDN: ("ASPDN", Association._asp_down),
    MessageType.BEAT: ("BEAT", Association._beat),
    MessageType.BEAT_ACK: ("BEAT ACK", Association._noted),
    MessageType.ASPAC: ("ASPAC", Association._asp_active),
    MessageType.ASPIA: ("ASPIA", Association._asp_inactive),
    MessageType.ASPUP_ACK: ("ASPUP ACK", Association._up_acknowledged),
    MessageType.ASPDN_ACK: ("ASPDN ACK", Association._down_acknowledged),
    MessageType.ASPAC_ACK: ("ASPAC ACK", Association._active_acknowledged),
    MessageType.ASPIA_ACK: ("ASPIA ACK", Association._inactive_acknowledged),
    MessageType.REG_REQ: ("REG REQ", Association._register),
}
