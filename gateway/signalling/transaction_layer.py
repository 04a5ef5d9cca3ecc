"""Runs the transaction tables: keeps the transactions, starts their timers, does what the tables ask."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.codecs.sip import RelayedResponse, SipMessage, ack_of_failure, cancel_of
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Action, send_to
from gateway.signalling.dialogs import Dialog
from gateway.signalling.timers import TimerQueue
from gateway.signalling.transactions import (
    CLIENT,
    ClientTransaction,
    Effect,
    Event,
    ServerTransaction,
    State,
    TimerSettings,
)

ServerKey = tuple[bytes, bytes, int, bytes, str]
"""Branch, sent-by host and port of the topmost Via, and the method (RFC 3261 section 17.2.3); and who sends."""

Transaction = ServerTransaction | ClientTransaction


# Reading a member off its enumeration runs Python code on 3.11; here that would be a tenth of the work.
_PROVISIONAL: Final = Event.PROVISIONAL
_SUCCESS: Final = Event.SUCCESS
_FAILURE: Final = Event.FAILURE
_TIMER_C: Final = Event.TIMER_C
_OVERDUE: Final = Event.OVERDUE
_SEND: Final = Effect.SEND
_REPEAT_RESPONSE: Final = Effect.REPEAT_RESPONSE
_RELAY: Final = Effect.RELAY
_FORGET: Final = Effect.FORGET
_FIRST_START: Final = Effect.START_A
_UDP: Final = Transport.UDP
_CANCEL_END: Final = b"Content-Length: 0\r\n\r\n"

_Reached = tuple[str, int, Transport]
"""Host, port and transport of a peer behind connections."""


class TransactionUser(Protocol):
    """Who stands above the transactions."""

    def on_response(
        self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]
    ) -> None: ...

    def on_silence(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None: ...

    def on_slow(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None: ...

    def on_unreachable(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None: ...

    def on_overdue(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None: ...


class TransactionLayer:
    """The transactions of one proxy. Every method appends what is to be done to `actions`."""

    user: TransactionUser
    """Set once, before the first request or response: it is built on this layer."""

    def __init__(self, settings: TimerSettings) -> None:
        self._settings: Final = settings
        self._servers: dict[ServerKey, ServerTransaction] = {}
        self._clients: dict[tuple[bytes, bytes], ClientTransaction] = {}
        self._over_connections: dict[_Reached, dict[ClientTransaction, None]] = {}
        self.timers: Final[TimerQueue[Event, Transaction]] = TimerQueue()
        t1, t2, t4 = settings.t1_us, settings.t2_us, settings.t4_us
        self._durations: Final = {  # started once, at the length that RFC 3261 table 4 gives
            Effect.START_C: (Event.TIMER_C, settings.timer_c_us),
            Effect.START_D: (Event.TIMER_D, settings.timer_d_us),
            Effect.START_H: (Event.TIMER_H, 64 * t1),
            Effect.START_I: (Event.TIMER_I, t4),
            Effect.START_J: (Event.TIMER_J, 64 * t1),
            Effect.START_K: (Event.TIMER_K, t4),
            Effect.START_L: (Event.TIMER_L, 64 * t1),
            Effect.START_M: (Event.TIMER_M, 64 * t1),
        }
        self._growing: Final = {  # start at T1 and double; the INVITE's own is not capped
            Effect.START_A: (Event.TIMER_A, 1 << 62),
            Effect.START_E: (Event.TIMER_E, t2),
            Effect.START_G: (Event.TIMER_G, t2),
        }
        self._giving_up: Final = {Event.TIMER_A: Event.TIMER_B, Event.TIMER_E: Event.TIMER_F}
        self._patience_us: Final = 64 * t1

    # -- keeping ------------------------------------------------------------------------------------------------------

    def server(self, key: ServerKey) -> ServerTransaction | None:
        return self._servers.get(key)

    def client(self, branch: bytes, method: bytes) -> ClientTransaction | None:
        return self._clients.get((branch, method))

    def add_server(self, server: ServerTransaction) -> None:
        self._servers[server.key] = server

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def send_request(
        self,
        method: bytes,
        branch: bytes,
        data: bytes,
        target: Hop,
        server: ServerTransaction | None,
        dialog: Dialog | None,
        at_us: int,
        actions: list[Action],
    ) -> ClientTransaction:
        """Open a client transaction: send the request and repeat it until something comes back."""
        client = ClientTransaction(branch, method, data, target, server, dialog, at_us)
        self._clients[branch, method] = client
        if server is not None:
            server.client = client
        actions.append(send_to(data, target))
        if target.transport is _UDP:
            client.interval_us = self._settings.t1_us
        else:  # timer B or F alone
            client.interval_us = self._patience_us
            self._over_connections.setdefault(target[:3], {})[client] = None
        self.timers.start(client.waits_for, client, at_us, client.interval_us)
        return client

    def respond(self, server: ServerTransaction, status: int, data: bytes, at_us: int, actions: list[Action]) -> None:
        """Send a response in a server transaction."""
        if server.upstream is not None:
            data = server.upstream.told(data, at_us)
        server.response = data
        self._server_event(server, response_event(status), at_us, actions)

    # -- events -------------------------------------------------------------------------------------------------------

    def repeated(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """The same request came again."""
        self._server_event(server, Event.REQUEST, at_us, actions)

    def acknowledged(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """The ACK for a final response other than 2xx came."""
        repeating = server.state is State.COMPLETED
        self._server_event(server, Event.ACK, at_us, actions)
        if repeating:  # its timers would keep it in memory for the rest of the half minute
            self.timers.stop(Event.TIMER_G, server, server.interval_us)
            self.timers.stop(Event.TIMER_H, server, self._patience_us)

    def answered(self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]) -> None:
        """A response came for a request of ours."""
        event = response_event(response.status)
        first = client.state
        self._client_event(client, event, response, at_us, actions)
        if client.state is not first:
            self._stop_waiting(client, event)
        if client.cancel_wanted and event is _PROVISIONAL:
            self.cancel(client, at_us, actions)

    def cancel(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """Cancel an INVITE that we sent: now, or as soon as a provisional response allows it (RFC 3261 section 9.1)."""
        if client.state is State.CALLING:
            client.cancel_wanted = True
            return
        client.cancel_wanted = False
        if client.state is not State.PROCEEDING or client.cancelled:
            return
        client.cancelled = True
        data = cancel_of(SipMessage(client.request))
        if client.cancel_reason:
            data = data[: -len(_CANCEL_END)] + client.cancel_reason + _CANCEL_END
        self.send_request(b"CANCEL", client.branch, data, client.target, None, None, at_us, actions)
        self.timers.start(Event.CANCEL_TIMEOUT, client, at_us, 64 * self._settings.t1_us)

    def expect(self, client: ClientTransaction, at_us: int, within_us: int) -> None:
        """Report the request as overdue when it has no response by then; a probe, when it has no final one."""
        self.timers.start(_OVERDUE, client, at_us, within_us)

    def abandon(self, client: ClientTransaction, at_us: int) -> None:
        """Nobody waits for this INVITE any more: it is not repeated, and is cancelled as soon as something comes back.

        The transaction stays for as long as a response may still come.
        """
        client.abandoned = client.cancel_wanted = True
        self.timers.stop(client.waits_for, client, client.interval_us)
        self.timers.start(Event.TIMER_B, client, at_us, self._patience_us)

    def unreachable(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """A request could not be sent, or is lost with the connection that it was sent on (section 17.1.4)."""
        first = client.state
        self._client_event(client, Event.TRANSPORT_ERROR, None, at_us, actions)
        if client.state is not first:
            self._stop_waiting(client, _FAILURE)

    def closed(self, hop: Hop, at_us: int, actions: list[Action]) -> None:
        """A connection is gone: whoever waits for an answer on it waits in vain."""
        for client in tuple(self._over_connections.get(hop[:3], ())):
            if client.target.connection in (0, hop.connection):
                self.unreachable(client, at_us, actions)

    def fire(self, at_us: int, actions: list[Action]) -> None:
        """Everything that is due happens."""
        for event, transaction in self.timers.due(at_us):
            if isinstance(transaction, ServerTransaction):
                self._server_event(transaction, event, at_us, actions)
            else:
                self._client_event(transaction, event, None, at_us, actions)

    # -- the tables at work -------------------------------------------------------------------------------------------

    def _server_event(self, server: ServerTransaction, event: Event, at_us: int, actions: list[Action]) -> None:
        transition = server.machine[server.state].get(event)
        if transition is None:
            return
        server.state, effects = transition
        for effect in effects:
            if effect is _SEND or effect is _REPEAT_RESPONSE:
                if server.response is not None:
                    actions.append(send_to(server.response, server.reply_to))
            elif effect is _FORGET:
                self._forget_server(server)
            else:
                self._start(effect, server, at_us)

    def _client_event(
        self,
        client: ClientTransaction,
        event: Event,
        response: RelayedResponse | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        transition = client.machine[client.state].get(event)
        if transition is None:
            return
        client.state, effects = transition
        for effect in effects:
            if effect is _RELAY:
                if response is not None:
                    self.user.on_response(client, response, at_us, actions)
            elif effect >= _FIRST_START:
                self._start(effect, client, at_us)
            else:
                self._seldom(effect, client, response, at_us, actions)

    def _seldom(
        self,
        effect: Effect,
        client: ClientTransaction,
        response: RelayedResponse | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        if effect is Effect.FORGET:
            self._forget_client(client)
        elif effect is Effect.REPEAT_REQUEST:
            actions.append(send_to(client.request, client.target))
            if client.interval_us < self._settings.t2_us <= 2 * client.interval_us and client.machine is CLIENT:
                self.user.on_slow(client, at_us, actions)
        elif effect is Effect.ACKNOWLEDGE:
            if client.ack is None and response is not None:
                client.ack = ack_of_failure(SipMessage(client.request), response.to)
            if client.ack is not None:
                actions.append(send_to(client.ack, client.target))
        elif effect is Effect.CANCEL:
            client.overdue = not client.cancelled
            self.cancel(client, at_us, actions)
        elif effect is Effect.GIVE_UP:
            self.user.on_silence(client, at_us, actions)
        elif effect is Effect.UNREACHABLE:
            self.user.on_unreachable(client, at_us, actions)
        elif effect is Effect.REPORT_OVERDUE:
            self.user.on_overdue(client, at_us, actions)

    def _start(self, effect: Effect, transaction: Transaction, at_us: int) -> None:
        fixed = self._durations.get(effect)
        if fixed is not None:
            self.timers.start(fixed[0], transaction, at_us, fixed[1])
            return
        event, cap = self._growing[effect]
        before = transaction.interval_us
        duration = min(2 * before or self._settings.t1_us, cap)
        if effect is Effect.START_E and transaction.state is State.PROCEEDING:
            duration = cap  # RFC 3261 section 17.1.2.2
        transaction.interval_us = duration
        self.timers.start(event, transaction, at_us, duration)
        if isinstance(transaction, ClientTransaction) and before == self._settings.t1_us:
            # Timers B and F run from the first sending on; nearly every request is answered before they are needed.
            self.timers.start(self._giving_up[event], transaction, transaction.sent_at_us, self._patience_us)

    def _stop_waiting(self, client: ClientTransaction, event: Event) -> None:
        """Once something has come back, let go of timers and bytes that would only be carried along."""
        timers = self.timers
        invite = client.method == b"INVITE"
        if invite or event is not _PROVISIONAL:
            timers.stop(client.waits_for, client, client.interval_us)
        if event is _PROVISIONAL:
            return
        if invite:
            timers.stop(_TIMER_C, client, self._settings.timer_c_us)
        client.request = b""
        server = client.server
        if server is not None and server.client is client:  # else another member of the trunk group has the call
            server.request = None
            if invite and event is _SUCCESS:
                server.response = None  # in ACCEPTED a repeated INVITE is absorbed, not answered

    def _forget_server(self, server: ServerTransaction) -> None:
        if self._servers.get(server.key) is server:
            del self._servers[server.key]
        server.client = None

    def _forget_client(self, client: ClientTransaction) -> None:
        self._clients.pop((client.branch, client.method), None)
        if client.target.transport is not _UDP:
            self._forget_connection(client)
        if client.server is not None and client.server.client is client:
            client.server.client = None

    def _forget_connection(self, client: ClientTransaction) -> None:
        reached = client.target[:3]
        waiting = self._over_connections.get(reached)
        if waiting is not None:
            waiting.pop(client, None)
            if not waiting:
                del self._over_connections[reached]

    def forget(self, server: ServerTransaction) -> None:
        """Drop a server transaction that will not be answered (RFC 4320 section 4.2)."""
        self._forget_server(server)


def response_event(status: int) -> Event:
    if status < 200:
        return _PROVISIONAL
    return _SUCCESS if status < 300 else _FAILURE
