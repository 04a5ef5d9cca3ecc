"""Runs the transaction tables: keeps the transactions, starts their timers, does what the tables ask."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.codecs.sip import edit
from gateway.codecs.sip.message import SipMessage
from gateway.interconnection.trunk_groups import Address
from gateway.signalling.call import Action, Send
from gateway.signalling.dialogs import Dialog
from gateway.signalling.timers import TimerQueue
from gateway.signalling.transactions import ClientTransaction, Effect, Event, ServerTransaction, State, TimerSettings

ServerKey = tuple[bytes, bytes, int, bytes]
"""Branch, sent-by host and port of the topmost Via, and the method (RFC 3261 section 17.2.3)."""

Transaction = ServerTransaction | ClientTransaction


class TransactionUser(Protocol):
    """Who stands above the transactions: the proxy."""

    def on_response(
        self, client: ClientTransaction, response: SipMessage, at_us: int, actions: list[Action]
    ) -> None: ...

    def on_silence(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None: ...


class TransactionLayer:
    """The transactions of one proxy. Every method appends what is to be done to `actions`."""

    def __init__(self, user: TransactionUser, settings: TimerSettings) -> None:
        self._user: Final = user
        self._settings: Final = settings
        self._servers: dict[ServerKey, ServerTransaction] = {}
        self._clients: dict[tuple[bytes, bytes], ClientTransaction] = {}
        self.timers: Final[TimerQueue[Event, Transaction]] = TimerQueue()
        t1, t2, t4 = settings.t1_us, settings.t2_us, settings.t4_us
        self._durations: Final = {  # started once, at the length that RFC 3261 table 4 gives
            Effect.START_B: (Event.TIMER_B, 64 * t1),
            Effect.START_D: (Event.TIMER_D, settings.timer_d_us),
            Effect.START_F: (Event.TIMER_F, 64 * t1),
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
        target: Address,
        server: ServerTransaction | None,
        dialog: Dialog | None,
        at_us: int,
        actions: list[Action],
    ) -> ClientTransaction:
        """Open a client transaction: send the request and repeat it until something comes back."""
        client = ClientTransaction(branch, method, data, target, server, dialog)
        self._clients[branch, method] = client
        if server is not None:
            server.client = client
        actions.append(Send(data, target))
        invite = method == b"INVITE"
        self._start(Effect.START_A if invite else Effect.START_E, client, at_us)
        self._start(Effect.START_B if invite else Effect.START_F, client, at_us)
        return client

    def respond(self, server: ServerTransaction, status: int, data: bytes, at_us: int, actions: list[Action]) -> None:
        """Send a response in a server transaction."""
        server.response = data
        self._happen(server, response_event(status), None, at_us, actions)

    # -- events -------------------------------------------------------------------------------------------------------

    def repeated(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """The same request came again."""
        self._happen(server, Event.REQUEST, None, at_us, actions)

    def acknowledged(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """The ACK for a final response other than 2xx came."""
        self._happen(server, Event.ACK, None, at_us, actions)

    def answered(self, client: ClientTransaction, response: SipMessage, at_us: int, actions: list[Action]) -> None:
        """A response came for a request of ours."""
        event = response_event(response.status)
        first = client.state
        self._happen(client, event, response, at_us, actions)
        if client.state is not first:
            self._stop_waiting(client, event)
        if client.cancel_wanted and event is Event.PROVISIONAL:
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
        data = edit.cancel_of(SipMessage(client.request))
        self.send_request(b"CANCEL", client.branch, data, client.target, None, None, at_us, actions)
        self.timers.start(Event.CANCEL_TIMEOUT, client, at_us, 64 * self._settings.t1_us)

    def fire(self, at_us: int, actions: list[Action]) -> None:
        """Everything that is due happens."""
        for event, transaction in self.timers.due(at_us):
            self._happen(transaction, event, None, at_us, actions)

    # -- the tables at work -------------------------------------------------------------------------------------------

    def _happen(
        self, transaction: Transaction, event: Event, message: SipMessage | None, at_us: int, actions: list[Action]
    ) -> None:
        transition = transaction.machine[transaction.state].get(event)
        if transition is None:
            return
        transaction.state, effects = transition
        for effect in effects:
            if effect is Effect.SEND or effect is Effect.REPEAT_RESPONSE:
                self._send_response(transaction, actions)
            elif effect is Effect.RELAY:
                self._relay(transaction, message, at_us, actions)
            elif effect >= Effect.START_A:
                self._start(effect, transaction, at_us)
            else:
                self._seldom(effect, transaction, message, at_us, actions)

    def _send_response(self, transaction: Transaction, actions: list[Action]) -> None:
        if isinstance(transaction, ServerTransaction) and transaction.response is not None:
            actions.append(Send(transaction.response, transaction.source))

    def _relay(self, transaction: Transaction, message: SipMessage | None, at_us: int, actions: list[Action]) -> None:
        if isinstance(transaction, ClientTransaction) and message is not None and transaction.server is not None:
            self._user.on_response(transaction, message, at_us, actions)

    def _seldom(
        self,
        effect: Effect,
        transaction: Transaction,
        message: SipMessage | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        if effect is Effect.FORGET:
            self._forget(transaction)
        elif not isinstance(transaction, ClientTransaction):
            return
        elif effect is Effect.REPEAT_REQUEST:
            actions.append(Send(transaction.request, transaction.target))
        elif effect is Effect.ACKNOWLEDGE:
            if transaction.ack is None and message is not None:
                transaction.ack = edit.ack_of_failure(SipMessage(transaction.request), message)
            if transaction.ack is not None:
                actions.append(Send(transaction.ack, transaction.target))
        elif effect is Effect.CANCEL:
            transaction.overdue = not transaction.cancelled
            self.cancel(transaction, at_us, actions)
        elif effect is Effect.GIVE_UP:
            self._user.on_silence(transaction, at_us, actions)

    def _start(self, effect: Effect, transaction: Transaction, at_us: int) -> None:
        fixed = self._durations.get(effect)
        if fixed is not None:
            event, duration = fixed
        elif effect is Effect.START_C:
            event, duration = Event.TIMER_C, self._settings.timer_c_us
        else:
            event, cap = self._growing[effect]
            duration = min(2 * transaction.interval_us or self._settings.t1_us, cap)
            if effect is Effect.START_E and transaction.state is State.PROCEEDING:
                duration = cap  # RFC 3261 section 17.1.2.2
            transaction.interval_us = duration
        self.timers.start(event, transaction, at_us, duration)

    def _stop_waiting(self, client: ClientTransaction, event: Event) -> None:
        """Once something has come back, let go of timers and bytes that would only be carried along."""
        settings = self._settings
        if client.method == b"INVITE":
            self.timers.stop(Event.TIMER_A, client, client.interval_us)
            self.timers.stop(Event.TIMER_B, client, 64 * settings.t1_us)
        if event is Event.PROVISIONAL:
            return
        if client.method == b"INVITE":
            self.timers.stop(Event.TIMER_C, client, settings.timer_c_us)
        else:
            self.timers.stop(Event.TIMER_E, client, client.interval_us)
            self.timers.stop(Event.TIMER_F, client, 64 * settings.t1_us)
        client.request = b""
        server = client.server
        if server is not None:
            server.request = None
            if event is Event.SUCCESS and server.method == b"INVITE":
                server.response = None  # in ACCEPTED a repeated INVITE is absorbed, not answered

    def _forget(self, transaction: Transaction) -> None:
        if isinstance(transaction, ServerTransaction):
            if self._servers.get(transaction.key) is transaction:
                del self._servers[transaction.key]
            transaction.client = None
        else:
            self._clients.pop((transaction.branch, transaction.method), None)
            if transaction.server is not None:
                transaction.server.client = None

    def forget(self, server: ServerTransaction) -> None:
        """Drop a server transaction that will not be answered (RFC 4320 section 4.2)."""
        self._forget(server)


def response_event(status: int) -> Event:
    if status < 200:
        return Event.PROVISIONAL
    return Event.SUCCESS if status < 300 else Event.FAILURE
