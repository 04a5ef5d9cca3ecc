"""Our end of a client's association: an application server process (RFC 4666 section 4.3.4).

It comes up, registers its routing key where the link asks for that, becomes active, and stays so: whatever takes it out
of traffic, it goes back to where it was. What the signalling gateway says of destinations is kept in `destinations`.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.m3ua import (
    ErrorCode,
    M3uaMessage,
    MessageType,
    Parameter,
    RegistrationStatus,
    Status,
    Tag,
    number,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.interconnection.links import Link
from gateway.signalling.ss7.asp_states import (
    CLIENT,
    REFUSALS,
    TAKES_DATA,
    ClientEffect,
    ClientEvent,
    ClientState,
)
from gateway.signalling.ss7.association import (
    Association,
    MessageCounts,
    Refused,
    required_number,
    transfer_in,
)
from gateway.signalling.ss7.destinations import Destinations
from gateway.signalling.ss7.routing_keys import (
    RoutingKey,
    deregistration_results,
    registration_results,
    routing_key_parameter,
)
from gateway.signalling.ss7.turn import Deadlines, Timer, Turn

ACK_US: Final = 2_000_000
"""T(ack) (RFC 4666 section 4.3.4.1)."""
MAX_TRIES: Final = 5
"""What is not answered after so many messages will not be on this association: it is restarted."""
AUDIT_US: Final = 30_000_000
"""A destination in trouble is asked after so often: the least that T10 of Q.704 section 16.8 may be."""
USER_PART_US: Final = 300_000_000
"""An unavailable user part is taken to be back after this, if nothing comes from it (T4 of Q.764, 5 to 15 minutes)."""
_ACTIVE: Final = ClientState.ACTIVE
_KEY_IDENTIFIER: Final = 1
"""Local-RK-Identifier of the one routing key that a link registers."""
_REPORTS: Final = frozenset(
    map(int, (MessageType.DUNA, MessageType.DAVA, MessageType.DRST, MessageType.SCON, MessageType.DUPU))
)
_NEEDED: Final = frozenset(map(int, (Status.AS_INACTIVE, Status.AS_PENDING, Status.INSUFFICIENT_ASP_RESOURCES)))
_ACKS: Final = {
    int(MessageType.ASPAC_ACK): (ClientEvent.ACTIVE_ACK, ClientEvent.ACTIVE_ACK),
    int(MessageType.ASPIA_ACK): (ClientEvent.INACTIVE_ACK, ClientEvent.INACTIVE_ACK_KEY),
}
"""Without and with a registered routing key."""
_SENT: Final = {
    ClientEffect.SEND_ASPUP: int(MessageType.ASPUP),
    ClientEffect.SEND_REG_REQ: int(MessageType.REG_REQ),
    ClientEffect.SEND_ASPAC: int(MessageType.ASPAC),
    ClientEffect.SEND_ASPIA: int(MessageType.ASPIA),
    ClientEffect.SEND_DEREG_REQ: int(MessageType.DEREG_REQ),
    ClientEffect.SEND_ASPDN: int(MessageType.ASPDN),
}


class ClientAssociation(Association):
    """One of ours: there is one for each link of a client, whether the association is there or not."""

    def __init__(self, link: Link, deadlines: Deadlines, counts: MessageCounts) -> None:
        super().__init__(link.name, link, deadlines, counts)
        self.state = ClientState.DOWN
        self.context = link.routing_context
        self.destinations: Final = Destinations(link)
        self._registered = False
        self._tries = 0

    # -- what the link is asked ---------------------------------------------------------------------------------------

    def is_usable(self, dpc: int) -> bool:
        return self.state is _ACTIVE and self.destinations.is_usable(dpc)

    def is_preferred(self, dpc: int) -> bool:
        return self.state is _ACTIVE and self.destinations.is_preferred(dpc)

    def send(self, transfer: Mtp3Transfer, turn: Turn) -> bool:
        if not self.is_usable(transfer.dpc):
            return False
        self.transfer(turn, transfer, self.context)
        return True

    def assume_up(self) -> None:
        """Be active without a peer: for a replay. No timer runs."""
        self.state = ClientState.ACTIVE

    # -- events -------------------------------------------------------------------------------------------------------

    def connected(self, turn: Turn) -> None:
        self.start_beats(turn)
        self._event(ClientEvent.CONNECTED, turn)

    def lost(self, turn: Turn) -> None:
        self.deadlines.stop_all(self)
        self._registered = False
        self.context = self.link.routing_context
        self._event(ClientEvent.LOST, turn)

    def leave(self, turn: Turn) -> None:
        self._event(ClientEvent.LEAVE, turn)

    def on_data(self, message: M3uaMessage, turn: Turn) -> None:
        if self.state not in TAKES_DATA:
            raise Refused(ErrorCode.UNEXPECTED_MESSAGE)
        context = message.integer(_CONTEXT)
        if context is not None and self.context is not None and context != self.context:
            raise Refused(ErrorCode.INVALID_ROUTING_CONTEXT, number(Tag.ROUTING_CONTEXT, context))
        transfer = transfer_in(message)
        self.destinations.heard(transfer.opc, turn)
        turn.indications.append(transfer)

    def on_message(self, message: M3uaMessage, turn: Turn) -> None:
        kind = message.type
        if kind == MessageType.ASPUP_ACK:
            wanted = self.link.register and not self._registered
            self._event(ClientEvent.UP_ACK_KEY if wanted else ClientEvent.UP_ACK, turn)
        elif kind == MessageType.ASPDN_ACK:
            self._registered = False
            self._event(ClientEvent.DOWN_ACK, turn)
        elif kind in _ACKS:
            if self._concerns_us(message):
                self._event(_ACKS[kind][self._registered], turn)
        elif kind == MessageType.NTFY:
            self._notified(message, turn)
        elif kind in _REPORTS:
            self._reported(message, turn)
        elif kind == MessageType.REG_RSP:
            self._registration(message, turn)
        elif kind == MessageType.DEREG_RSP:
            self._deregistration(message, turn)
        else:  # what a signalling gateway is asked, and never asks
            raise Refused(ErrorCode.UNEXPECTED_MESSAGE)

    def on_error(self, code: int, message: M3uaMessage, turn: Turn) -> None:
        if code in REFUSALS.get(self.state, ()) and self._concerns_us(message):
            turn.tell(self.name, f"the peer refuses: {ErrorCode(code).name.lower().replace('_', ' ')}", good=False)
            self._event(ClientEvent.REFUSAL, turn)

    def on_timer(self, timer: Timer, turn: Turn) -> None:
        if timer is Timer.ACK:
            self._event(ClientEvent.ACK_OVERDUE, turn)
        elif timer is Timer.RETRY:
            self._event(ClientEvent.RETRY, turn)
        elif timer is Timer.USER_PART:
            self.destinations.take_user_parts_back(turn)
        elif timer is Timer.AUDIT:
            self._audit(self.destinations.in_trouble(), turn)

    def _concerns_us(self, message: M3uaMessage) -> bool:
        """Whether a message is about our application server: names our routing context, or none."""
        contexts = message.integers(Tag.ROUTING_CONTEXT)
        return not contexts or self.context is None or self.context in contexts

    def _notified(self, message: M3uaMessage, turn: Turn) -> None:
        status = required_number(message, Tag.STATUS)
        if not self._concerns_us(message):
            return
        if status == Status.ALTERNATE_ASP_ACTIVE:
            self._event(ClientEvent.OVERRIDDEN, turn)
        elif status in _NEEDED:
            self._event(ClientEvent.NEEDED, turn)

    # -- the machine --------------------------------------------------------------------------------------------------

    def _event(self, event: ClientEvent, turn: Turn) -> None:
        step = CLIENT[self.state].get(event)
        if step is None:
            return
        if event is ClientEvent.ACK_OVERDUE:
            self._tries += 1
        else:
            self._tries = 1
        before, self.state = self.state, step.state
        if self.state is not before:
            turn.changed = True
            self.deadlines.stop(Timer.ACK, self)
            self._tell(before, turn)
            if self.state is ClientState.ACTIVE:
                self._entered(turn)
        for effect in step.effects:
            self._do(effect, turn)

    def _tell(self, before: ClientState, turn: Turn) -> None:
        lost = before in (ClientState.ACTIVE, ClientState.STANDBY) and self.state is not ClientState.LEFT
        if self.state in _TOLD or lost:
            good = self.state in (ClientState.ACTIVE, ClientState.STANDBY, ClientState.LEFT)
            turn.tell(self.name, self.state.value, good=good)

    def _do(self, effect: ClientEffect, turn: Turn) -> None:
        if effect is ClientEffect.SEND_UNEXPECTED:
            self.say_error(turn, ErrorCode.UNEXPECTED_MESSAGE)
            return
        if effect is ClientEffect.WAIT:
            self.deadlines.start(Timer.RETRY, self, turn.at_us + self.link.reconnect_us)
            return
        if self._tries > MAX_TRIES:
            turn.drop(self.name, f"{MAX_TRIES} messages {effect.value} were not answered")
            return
        self.say(turn, _SENT[effect], *self._parameters(effect))
        self.deadlines.start(Timer.ACK, self, turn.at_us + ACK_US)

    def _parameters(self, effect: ClientEffect) -> tuple[Parameter | None, ...]:
        link = self.link
        if effect is ClientEffect.SEND_REG_REQ:
            services = bytes((ServiceIndicator.ISUP,))
            key = RoutingKey(_KEY_IDENTIFIER, (link.own,), services, link.routing_context, int(link.traffic_mode))
            return (routing_key_parameter(key),)
        if effect in (ClientEffect.SEND_ASPUP, ClientEffect.SEND_ASPDN):
            return ()
        mode = number(Tag.TRAFFIC_MODE_TYPE, link.traffic_mode) if effect is ClientEffect.SEND_ASPAC else None
        return (mode, self._context_parameter())

    def _context_parameter(self) -> Parameter | None:
        return None if self.context is None else number(Tag.ROUTING_CONTEXT, self.context)

    # -- routing key --------------------------------------------------------------------------------------------------

    def _registration(self, message: M3uaMessage, turn: Turn) -> None:
        for result in registration_results(message):
            if result.identifier != _KEY_IDENTIFIER or self.state is not ClientState.REGISTERING:
                continue
            known = result.status == RegistrationStatus.ALREADY_REGISTERED and result.context
            if result.status == RegistrationStatus.SUCCESSFULLY_REGISTERED or known:
                self._registered = True
                self.context = result.context
                self._event(ClientEvent.REGISTERED, turn)
            else:
                turn.tell(self.name, f"the routing key is not registered: status {result.status}", good=False)
                self._event(ClientEvent.REFUSAL, turn)

    def _deregistration(self, message: M3uaMessage, turn: Turn) -> None:
        if any(result.context == self.context for result in deregistration_results(message)):
            self._registered = False
            self._event(ClientEvent.DEREGISTERED, turn)

    # -- destinations -------------------------------------------------------------------------------------------------

    def _entered(self, turn: Turn) -> None:
        """We are active: what became of the destinations meanwhile is asked for (section 4.5.3)."""
        self.destinations.start()
        self._audit(self.link.destinations, turn)

    def _reported(self, message: M3uaMessage, turn: Turn) -> None:
        if self.state is not ClientState.ACTIVE:  # they are asked for when we are
            return
        if not self._concerns_us(message):
            raise Refused(ErrorCode.INVALID_ROUTING_CONTEXT, number(Tag.ROUTING_CONTEXT, *message.integers(_CONTEXT)))
        self.destinations.reported(message, turn)
        if message.type == MessageType.DUPU:
            self.deadlines.start(Timer.USER_PART, self, turn.at_us + USER_PART_US)
        if self.destinations.in_trouble() and not self.deadlines.runs(Timer.AUDIT, self):
            self.deadlines.start(Timer.AUDIT, self, turn.at_us + AUDIT_US)

    def _audit(self, codes: tuple[int, ...], turn: Turn) -> None:
        if self.state is ClientState.ACTIVE and codes:
            self.say(turn, MessageType.DAUD, self._context_parameter(), number(Tag.AFFECTED_POINT_CODE, *codes))
            if self.destinations.in_trouble():
                self.deadlines.start(Timer.AUDIT, self, turn.at_us + AUDIT_US)


_TOLD: Final = frozenset((ClientState.ACTIVE, ClientState.STANDBY, ClientState.REFUSED, ClientState.LEFT))
_CONTEXT: Final[int] = Tag.ROUTING_CONTEXT
