"""A server's end of an association: the signalling gateway process, towards one application server process.

RFC 4666 section 4.3.4, the side of the SGP. What the process is in each application server is kept there.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.m3ua import ErrorCode, M3uaMessage, MessageType, Parameter, Tag, number
from gateway.interconnection.links import Link
from gateway.signalling.ss7.application_server import ApplicationServer
from gateway.signalling.ss7.application_servers import ApplicationServers
from gateway.signalling.ss7.asp_states import AspEvent, AspReply, AspState
from gateway.signalling.ss7.association import (
    Association,
    MessageCounts,
    Refused,
    required_numbers,
    transfer_in,
)
from gateway.signalling.ss7.destinations import MAX_AFFECTED, MAX_LEVEL, affected
from gateway.signalling.ss7.mtp_indications import Congested
from gateway.signalling.ss7.routing_keys import (
    MAX_KEYS,
    deregistration_result,
    registration_result,
    routing_keys,
)
from gateway.signalling.ss7.turn import Deadlines, Turn

# Read off their enumerations once: every DATA needs them.
_ACTIVE: Final = AspState.ACTIVE
_CONTEXT: Final[int] = Tag.ROUTING_CONTEXT
_NETWORK: Final[int] = Tag.NETWORK_APPEARANCE


class Reachability:
    """Which exchanges can be reached through us: our own, and those that we were told of. Of others we know nothing."""

    def __init__(self, own: int) -> None:
        self.by_code: Final = {own: True}


class ServerAssociation(Association):
    """One application server process that is connected to us."""

    def __init__(
        self,
        name: str,
        link: Link,
        servers: ApplicationServers,
        reachability: Reachability,
        deadlines: Deadlines,
        counts: MessageCounts,
    ) -> None:
        super().__init__(name, link, deadlines, counts)
        self._servers: Final = servers
        self._reachability: Final = reachability
        self.is_up = False
        self.is_locked_out = False

    @property
    def state(self) -> AspState:
        """The furthest that the process is in any application server."""
        stands = [server.stands(self) for server in self._servers.of(self)]
        if AspState.ACTIVE in stands:
            return AspState.ACTIVE
        return AspState.INACTIVE if self.is_up else AspState.DOWN

    # -- events -------------------------------------------------------------------------------------------------------

    def lost(self, turn: Turn) -> None:
        """The association is no longer there."""
        self.deadlines.stop_all(self)
        was_up, self.is_up = self.is_up, False
        for server in self._servers.of(self):
            server.event(self, AspEvent.LOST)
            if was_up:
                server.failed(self, turn)
            server.review(turn)
        self._servers.forget(self)
        turn.changed = True

    def lock_out(self, turn: Turn) -> None:
        """Take the process out of service, until the association is made anew (section 4.3.4.2)."""
        self.is_locked_out = True
        if self.is_up:
            self._go_down(AspEvent.LOCKED_OUT, turn)

    def on_data(self, message: M3uaMessage, turn: Turn) -> None:
        self._check_network(message)
        context = message.integer(_CONTEXT)
        servers = self._servers.of(self)
        if context is not None:
            servers = tuple(server for server in servers if server.context == context)
            if not servers:
                raise Refused(ErrorCode.INVALID_ROUTING_CONTEXT, number(Tag.ROUTING_CONTEXT, context))
        for server in servers:
            if server.stands(self) is _ACTIVE:
                break
        else:
            raise Refused(ErrorCode.UNEXPECTED_MESSAGE)
        transfer = transfer_in(message)
        if self._reachability.by_code.get(transfer.dpc, True):
            turn.indications.append(transfer)
        else:  # section 3.4.1
            self.announce((transfer.dpc,), turn, available=False)

    def on_message(self, message: M3uaMessage, turn: Turn) -> None:
        kind = message.type
        self._check_network(message)
        if kind == MessageType.ASPUP:
            self._up(message, turn)
        elif kind == MessageType.ASPDN:
            self._go_down(AspEvent.ASPDN, turn)
        elif not self.is_up:
            raise Refused(ErrorCode.UNEXPECTED_MESSAGE)
        elif kind == MessageType.ASPAC:
            self._activate(message, turn)
        elif kind == MessageType.ASPIA:
            self._deactivate(message, turn)
        elif kind == MessageType.REG_REQ:
            self._register(message, turn)
        elif kind == MessageType.DEREG_REQ:
            self._deregister(message, turn)
        elif kind in (MessageType.DAUD, MessageType.SCON) and self.state is AspState.ACTIVE:
            if kind == MessageType.DAUD:
                self._audited(message, turn)
            else:
                self._congested(message, turn)
        else:  # what an application server process is told, and never tells
            raise Refused(ErrorCode.UNEXPECTED_MESSAGE)

    @staticmethod
    def _check_network(message: M3uaMessage) -> None:
        """A link is of one network and none is configured by number, so any that is named is one that is not known."""
        network = message.value(_NETWORK)
        if network is not None:
            raise Refused(ErrorCode.INVALID_NETWORK_APPEARANCE, Parameter(Tag.NETWORK_APPEARANCE, network))

    # -- state of the process -----------------------------------------------------------------------------------------

    def _up(self, message: M3uaMessage, turn: Turn) -> None:
        if self.is_locked_out:
            raise Refused(ErrorCode.REFUSED_MANAGEMENT_BLOCKING)
        identifier = message.value(Tag.ASP_IDENTIFIER)
        if identifier is not None:
            if len(identifier) != 4:
                raise Refused(ErrorCode.PARAMETER_FIELD_ERROR)
            if self._is_taken(identifier):
                raise Refused(ErrorCode.INVALID_ASP_IDENTIFIER)
            self.identifier = identifier
        servers = self._servers.of(self)
        self.is_up = True
        replies = [server.event(self, AspEvent.ASPUP) for server in servers]
        about = None if self.identifier is None else Parameter(Tag.ASP_IDENTIFIER, self.identifier)
        self.say(turn, MessageType.ASPUP_ACK, about)
        if AspReply.ACK_UNEXPECTED in replies:
            self.say_error(turn, ErrorCode.UNEXPECTED_MESSAGE)
        for server in servers:
            if not server.review(turn):
                server.notify(self, turn)

    def _is_taken(self, identifier: bytes) -> bool:
        return any(
            other is not self and other.identifier == identifier
            for server in self._servers.all()
            for other in server.processes
        )

    def _go_down(self, event: AspEvent, turn: Turn) -> None:
        self.is_up = False
        servers = self._servers.of(self)
        for server in servers:
            server.event(self, event)
        self.say(turn, MessageType.ASPDN_ACK)
        for server in servers:
            server.review(turn)
        self._servers.forget(self)
        turn.changed = True

    def _activate(self, message: M3uaMessage, turn: Turn) -> None:
        mode = message.integer(Tag.TRAFFIC_MODE_TYPE)
        if mode not in (None, self.link.traffic_mode):
            raise Refused(ErrorCode.UNSUPPORTED_TRAFFIC_MODE_TYPE)
        servers = self._named(message, turn)
        for server in servers:
            server.event(self, AspEvent.ASPAC)
        about = None if mode is None else number(Tag.TRAFFIC_MODE_TYPE, mode)
        self.say(turn, MessageType.ASPAC_ACK, about, _contexts(message, servers))
        for server in servers:
            server.override(self, turn)
            server.review(turn)

    def _deactivate(self, message: M3uaMessage, turn: Turn) -> None:
        servers = self._named(message, turn)
        for server in servers:
            server.event(self, AspEvent.ASPIA)
        self.say(turn, MessageType.ASPIA_ACK, _contexts(message, servers))
        for server in servers:
            server.review(turn)

    def _named(self, message: M3uaMessage, turn: Turn) -> tuple[ApplicationServer, ...]:
        """The application servers that a message names by routing contexts; all of the process where it names none.

        Contexts that are not the process's are refused; where no other is named, the whole message is.
        """
        servers = self._servers.of(self)
        contexts = message.integers(Tag.ROUTING_CONTEXT)
        if not contexts:
            return servers
        named = tuple(server for server in servers if server.context in contexts)
        own = {server.context for server in servers}
        strange = [context for context in contexts if context not in own]
        if strange:
            refused = Refused(ErrorCode.INVALID_ROUTING_CONTEXT, number(Tag.ROUTING_CONTEXT, *strange))
            if not named:
                raise refused
            self.say_error(turn, refused.code, *refused.parameters)
        return named

    # -- routing keys -------------------------------------------------------------------------------------------------

    def _register(self, message: M3uaMessage, turn: Turn) -> None:
        keys = routing_keys(message)
        if not keys:
            raise Refused(ErrorCode.MISSING_PARAMETER)
        results = []
        for key in keys:
            status, context = self._servers.register(self, key, turn)
            results.append(registration_result(key.identifier, status, context))
        self.say(turn, MessageType.REG_RSP, *results)
        for server in self._servers.of(self):
            server.review(turn)

    def _deregister(self, message: M3uaMessage, turn: Turn) -> None:
        results = [
            deregistration_result(context, self._servers.deregister(self, context))
            for context in required_numbers(message, Tag.ROUTING_CONTEXT, MAX_KEYS)
        ]
        turn.changed = True
        self.say(turn, MessageType.DEREG_RSP, *results)
        for server in self._servers.all():
            server.review(turn)

    # -- the network --------------------------------------------------------------------------------------------------

    def _audited(self, message: M3uaMessage, turn: Turn) -> None:
        """DAUD: say of each point code how it stands (section 4.5.3), in as many messages as there are answers."""
        known = self._reachability.by_code
        asked = affected(message, known)
        unknown = [
            value
            for value in required_numbers(message, Tag.AFFECTED_POINT_CODE, MAX_AFFECTED)
            if not value >> 24 and value not in known
        ]
        self.announce(tuple(code for code in asked if known[code]), turn, available=True)
        self.announce(tuple(code for code in asked if not known[code]), turn, available=False)
        if unknown:
            code = ErrorCode.DESTINATION_STATUS_UNKNOWN
            self.say_error(turn, code, number(Tag.AFFECTED_POINT_CODE, *unknown))

    def announce(self, codes: tuple[int, ...], turn: Turn, *, available: bool) -> None:
        """DAVA or DUNA for these point codes, in every application server in which the process is active."""
        kind = MessageType.DAVA if available else MessageType.DUNA
        contexts = [
            server.context
            for server in self._servers.of(self)
            if server.context is not None and server.stands(self) is AspState.ACTIVE
        ]
        if codes and self.state is AspState.ACTIVE:
            about = number(Tag.ROUTING_CONTEXT, *contexts) if contexts else None
            self.say(turn, kind, about, number(Tag.AFFECTED_POINT_CODE, *codes))

    def _congested(self, message: M3uaMessage, turn: Turn) -> None:
        """SCON of a process: it, or the exchange behind it, is congested (section 3.4.4)."""
        indications = message.integer(Tag.CONGESTION_INDICATIONS)
        level = 1 if indications is None else min(indications & 0xFF, MAX_LEVEL)
        for code in affected(message, self.link.destinations):
            turn.indications.append(Congested(code, level))


def _contexts(message: M3uaMessage, servers: tuple[ApplicationServer, ...]) -> Parameter | None:
    """The routing contexts of an acknowledgement: those that the request named."""
    named = [server.context for server in servers if server.context is not None]
    return number(Tag.ROUTING_CONTEXT, *named) if named and message.value(Tag.ROUTING_CONTEXT) is not None else None
