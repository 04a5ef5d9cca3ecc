"""The proxy: datagrams in, actions out (RFC 3261 section 16, transaction-stateful, without forking).

A request that opens a call is decided by the engine before it goes on. Requests inside a dialog of a call that was let
through go on unasked; a To tag of no such dialog does not get a request past the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via, read_response, tag_of
from gateway.interconnection.trunk_groups import Hop, Member, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.signalling.allowance import Allowance
from gateway.signalling.answers import Answers
from gateway.signalling.call import Action, Call, Send, Wanted
from gateway.signalling.calls import CallsUp
from gateway.signalling.failover import Failover
from gateway.signalling.forced_release import ForcedRelease
from gateway.signalling.forwarding import Forwarder
from gateway.signalling.gate import Gate, Shed
from gateway.signalling.gatekeeper import OVER_ALLOWANCE, Gatekeeper, TrafficObserver
from gateway.signalling.in_dialog import DialogRequests
from gateway.signalling.ingress import Ingress
from gateway.signalling.members import TrunkMembers
from gateway.signalling.network_blocked import said_of
from gateway.signalling.new_calls import NewCalls
from gateway.signalling.next_hop import NextHops
from gateway.signalling.origins import Origin
from gateway.signalling.other_requests import OtherRequests
from gateway.signalling.overload_control import OFFER, OverloadControl, OverloadSource
from gateway.signalling.own_side import OWN_COOKIE, OwnSide
from gateway.signalling.parking import Parking
from gateway.signalling.probing import Prober
from gateway.signalling.proxy_settings import ProxyCounters, ProxySettings
from gateway.signalling.requests import received_via, reply_address, sender_of, server_key
from gateway.signalling.response_relay import ResponseRelay
from gateway.signalling.session_timers import SessionTimers
from gateway.signalling.transaction_layer import ServerKey, TransactionLayer
from gateway.signalling.transactions import ServerTransaction, State
from gateway.signalling.undelivered import Undelivered

_UDP: Final = Transport.UDP


class SipProxy:
    """The SIP side of the gateway. Bytes, their source and the time in; actions out; no I/O."""

    def __init__(
        self,
        settings: ProxySettings,
        engine: Engine,
        trunk_groups: Iterable[TrunkGroup],
        find_provider: ProviderFinder,
        limits: OverloadSource | None = None,
    ) -> None:
        """`limits`: what upstreams that offer overload control are told of; None: they are told nothing."""
        self._settings: Final = settings
        self.members: Final = TrunkMembers(trunk_groups)
        trunk_groups = [group.trunk_group for group in self.members.groups.values()]
        self._ingress: Final = Ingress(trunk_groups)
        self._strangers: Final = Allowance(settings.strangers_per_s)
        rates = (settings.wasted_per_s, settings.refusals_per_s)
        self.gate: Final = Gate(self._ingress, find_provider, settings.emergency_numbers, *rates)
        self._shed: Final = said_of(OVER_ALLOWANCE, settings.network_blocked)
        self.counters: Final = ProxyCounters()
        self._overload: Final = OverloadControl(limits, settings.emergency_numbers) if limits is not None else None
        self._own: Final = OwnSide(settings.listeners, settings.secret)
        self._layer: Final = TransactionLayer(settings.timers)
        self._calls: Final = CallsUp(engine, settings.max_call_s * 1_000_000)
        self._answers: Final = Answers(self._own, self._layer, self.counters, settings.max_message_bytes)
        forwarder = Forwarder(self._own, self._layer)
        next_hops = NextHops(self._own)
        self._restored: Final = next_hops.restored
        self.prober: Final = Prober(self.members, self._layer, self._own)
        self._failover: Final = Failover(
            self.members, self._own, next_hops, self._layer, self._calls, self._answers, forwarder, self.prober
        )
        sessions = SessionTimers(settings, self._calls)
        self._gatekeeper: Final = Gatekeeper(self._own, self.gate, self._layer, self._calls, next_hops, self.counters)
        self._undelivered: Final = Undelivered(self._ingress, self._layer)
        self._parking: Final = Parking(self._own.can_reach)
        self._others: Final = OtherRequests(self._layer, self._answers, self._parking)
        self._released: Final = ForcedRelease(
            self._own,
            next_hops,
            self._layer,
            self._calls,
            self._answers,
            self._parking,
            settings.network_blocked,
            locate=settings.locate_in_dialog,
        )
        self._layer.user = ResponseRelay(
            self._own, self._layer, self._calls, self._answers, self._failover, sessions, self._released
        )
        layer, calls, answers = self._layer, self._calls, self._answers
        self._new_calls: Final = NewCalls(
            settings, engine, find_provider, next_hops, sessions, layer, calls, answers, self._failover
        )
        self._in_dialog: Final = DialogRequests(
            settings, next_hops, sessions, layer, calls, answers, forwarder, self._parking, self._released
        )

    # -- what the transport calls -------------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]:
        """One datagram. Never raises: what cannot be read is answered with 400 or counted and dropped."""
        actions: list[Action] = []
        message = None
        origin = self.gate.origin_of(source)
        if origin is None and not self._is_looked_at(data, at_us):
            self._gatekeeper.unwelcome(source)
            return actions
        try:
            if len(data) > self._settings.max_message_bytes:
                raise Malformed(f"longer than {self._settings.max_message_bytes} bytes", len(data))
            if data.startswith(b"SIP/2.0 "):
                self._receive_response(data, source, at_us, actions)
            else:
                message = SipMessage(data)
                self._receive_request(message, source, origin, at_us, actions)
        except Malformed as fault:
            if data.strip(b"\r\n\x00"):  # empty lines keep a path through a NAT open (RFC 5626 section 3.5.1)
                self._malformed(data, message, fault, source, origin, at_us, actions)
        return actions

    def open_decided(self, invite: bytes, source: Hop, call: Call, at_us: int) -> list[Action]:
        """An INVITE of our own user agent, made of the IAM of a call that the exchange had decided and let through.

        `source` is the exchange at the far end of the circuit, ``Hop(point code, CIC, Transport.SS7)``. From here on
        the call is the proxy's: it tells that it was decided, how it gets on, and that it ended.
        """
        actions: list[Action] = []
        request = SipMessage(invite)
        via_value = request.required(headers.VIA)
        via = parse_via(via_value)
        key = server_key(request, via, via_value, sender_of(source, call.attempt.ingress, known_host=True))
        server = ServerTransaction(key, request, source, source, None)
        self._new_calls.open_decided(server, call, at_us, actions)
        return actions

    def connected(self, hop: Hop, names: frozenset[str]) -> None:
        """A connection is up, accepted or made; `names` are those of its verified certificate, none for TCP."""
        self._ingress.connected(hop, names)

    def wake(self, at_us: int) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        self._layer.fire(at_us, actions)
        self._calls.expire(at_us, actions)
        self._parking.wake(at_us, actions)
        self._released.wake(at_us, actions)
        self.members.wake(at_us, actions)
        self.prober.wake(at_us, actions)
        return actions

    @property
    def next_wake_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        transactions, calls = self._layer.timers.next_us, self._calls.next_us
        released = self._released.next_us
        if released is not None:
            calls = released if calls is None else min(calls, released)
        if len(self._parking):
            parked = self._parking.next_us
            calls = parked if calls is None or parked is None else min(calls, parked)
        if self.members.due or self.prober.due:
            due = (transactions, calls, self.members.next_us, self.prober.next_us)
            return min(next_us for next_us in due if next_us is not None)
        if transactions is None or calls is None:
            return calls if transactions is None else transactions
        return min(transactions, calls)

    def closed(self, hop: Hop, at_us: int) -> list[Action]:
        """A connection is gone: requests that were sent on it and have no answer are lost (RFC 3261 section 17.1.4)."""
        actions: list[Action] = []
        self._ingress.closed(hop)
        self.gate.closed(hop)
        self._layer.closed(hop, at_us, actions)
        return actions

    def undeliverable(self, message: Send, at_us: int) -> list[Action]:
        """No socket took a message, or the connection that was to carry it never came up."""
        actions: list[Action] = []
        self.counters.undeliverable += 1
        self._undelivered.take(message, at_us, actions)
        return actions

    def located(self, token: int, hops: Iterable[Hop], at_us: int) -> list[Action]:
        """What came of `Locate`: the hops in the order in which they are to be tried, or none."""
        actions: list[Action] = []
        self._parking.located(token, hops, at_us, actions)
        return actions

    def redirected(self, branch: bytes, hop: Hop) -> None:
        """The INVITE with this branch of ours went to another member than was asked for: in a replay, who has seen it
        go there says so.
        """
        client = self._layer.client(branch, b"INVITE")
        if client is not None:
            self._failover.redirected(client, hop)

    def members_are(self, trunk_group: str, members: Sequence[Member], at_us: int) -> dict[Hop, str]:
        """A trunk group has these members from now on: the names of some lead elsewhere than before.

        Gives back which of them are left out, each with the reason.
        """
        reachable = [member for member in members if self._own.can_reach(member.hop)]
        self.prober.add(self.members.adopt(trunk_group, reachable), at_us)
        by_hop = self.members.by_hop
        self._ingress.know((member.group.trunk_group, member.hop) for member in by_hop.values())
        self.gate.members_changed()
        left_out = {}
        for member in members:
            known = by_hop.get(member.hop)
            if known is None:
                left_out[member.hop] = "cannot be reached from here"
            elif (owner := known.group.trunk_group.name) != trunk_group:
                left_out[member.hop] = f"belongs to trunk group {owner}"
        return left_out

    def end_calls(self, wanted: Wanted, cause: int, text: str, at_us: int) -> list[Action]:
        """End every call that is wanted, but for emergency calls, with a Q.850 cause and a text that say why.

        Of many calls the first are ended at once, and the others in `wake`, where they are still wanted by then. Each
        is an `Ended` by DISCONTINUED.
        """
        actions: list[Action] = []
        self._released.end_calls(wanted, cause, text, at_us, actions)
        return actions

    def stop(self, at_us: int) -> list[Action]:
        """The gateway stops: every call that is still up is ended in the books."""
        actions: list[Action] = []
        self._calls.end_all(at_us, actions)
        return actions

    def take_shed(self) -> list[Shed]:
        """The new calls that were refused or dropped unread since this was asked last."""
        return self.gate.take_shed()

    def take_unwelcome(self) -> list[tuple[Hop, int]]:
        """How many messages were dropped unread of each host that is no member's, since this was asked last."""
        return self._gatekeeper.take_unwelcome()

    @property
    def observer(self) -> TrafficObserver | None:
        """Who is told of messages that open no call."""
        return self._gatekeeper.observer

    @observer.setter
    def observer(self, observer: TrafficObserver | None) -> None:
        self._gatekeeper.observer = observer

    @property
    def accepting(self) -> bool:
        """False while draining: new calls are refused, those that are up go on."""
        return self._new_calls.accepting

    @accepting.setter
    def accepting(self, accepting: bool) -> None:
        self._new_calls.accepting = accepting

    @property
    def transactions(self) -> int:
        return len(self._layer)

    @property
    def dialogs(self) -> int:
        return len(self._calls.dialogs)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _is_looked_at(self, data: bytes, at_us: int) -> bool:
        """Of those who belong to no trunk group: what may be an answer to us, and so many requests a second.

        The rest must cost next to nothing, and nobody whose address they took is sent anything.
        """
        if data.startswith(b"SIP/2.0 "):
            return OWN_COOKIE in data
        return self._strangers.take(at_us)

    def _receive_request(
        self, request: SipMessage, source: Hop, origin: Origin | None, at_us: int, actions: list[Action]
    ) -> None:
        method = request.method
        if method == b"INVITE" and origin is not None and self._gatekeeper.drops(request, origin, at_us):
            return
        via_value = request.required(headers.VIA)
        via = parse_via(via_value)
        group = self._ingress.group_of(source, via.port)
        known_host = origin is not None
        key = server_key(request, via, via_value, sender_of(source, group, known_host))
        server = self._layer.server(key)
        if method == b"ACK":
            if server is not None and server.state is not State.ACCEPTED:
                self._layer.acknowledged(server, at_us, actions)
            elif not self._in_dialog.relay_ack(request, via_value, via, source, known_host, at_us, actions):
                self._gatekeeper.acknowledged(request, source, origin, at_us)
            return
        trunk, closed = None, False
        if origin is not None:
            trunk = self.gate.trunk_of(origin, group)
            closed = self.gate.is_closed(origin, trunk, at_us)
        if server is not None:
            if self._gatekeeper.repeats(source, origin, trunk, closed, at_us):
                self._layer.repeated(server, at_us, actions)
            return
        if origin is not None and closed and not self._gatekeeper.passes(request, key, source, origin, trunk, at_us):
            if self._gatekeeper.answers(request, source, origin, trunk, at_us):
                self._refuse_unread(request, key, via, via_value, source, group, at_us, actions)
            return
        received = received_via(via_value, via, source)
        reply_to = reply_address(source, via, via_value, self._ingress.datagram_hosts)
        server = ServerTransaction(key, request, source, reply_to, received, known_host)
        to_tag = b"" if method == b"CANCEL" else tag_of(request.required(headers.TO))
        if self._overload is not None and group is not None and OFFER in via_value:
            self._overload.heed(server, self._restored(request), group.name, via_value, via, at_us)
        if method == b"CANCEL":
            self._others.cancel(server, at_us, actions)
        elif to_tag:
            self._in_dialog.relay(server, to_tag, known_host, group, at_us, actions)
        elif method == b"INVITE":
            if group is None:
                self._gatekeeper.calls_on_no_trunk(source, at_us)
            self._new_calls.open(server, group, at_us, actions)
        else:
            self._gatekeeper.request(source, method, at_us)
            self._others.answer(server, known_host, actions)
        if origin is not None:
            opens_call = method == b"INVITE" and not to_tag
            self._gatekeeper.weigh(request, opens_call, source, origin, trunk, at_us, actions)

    def _malformed(
        self,
        data: bytes,
        message: SipMessage | None,
        fault: Malformed,
        source: Hop,
        origin: Origin | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """What cannot be read is answered where that is possible, unless too much came to nothing already."""
        if self._gatekeeper.looks_at_malformed(source, origin, at_us):
            self._answers.malformed(data, message, fault, source, actions)
            if origin is not None and actions:
                origin.answered()
        else:
            self.counters.malformed[fault.what] += 1

    def _refuse_unread(
        self,
        request: SipMessage,
        key: ServerKey,
        via: Via,
        via_value: bytes,
        source: Hop,
        group: TrunkGroup | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """A new call is refused by the gate. It leaves no transaction: its ACK is known by our tag."""
        reply_to = reply_address(source, via, via_value, self._ingress.datagram_hosts)
        server = ServerTransaction(key, request, source, reply_to, received_via(via_value, via, source))
        if self._overload is not None and group is not None and OFFER in via_value:
            self._overload.heed(server, request, group.name, via_value, via, at_us, shed=True)
        self._answers.once(server, self._shed.status, self._shed.phrase, actions, extra=self._shed.lines)

    # -- responses ----------------------------------------------------------------------------------------------------

    def _receive_response(self, data: bytes, source: Hop, at_us: int, actions: list[Action]) -> None:
        response = read_response(data, self._own.towards(source).via)
        client = self._layer.client(response.branch, response.method) if response is not None else None
        if response is None or client is None:
            self._gatekeeper.belongs_to_nothing(source, at_us)
            return
        if client.server is None:
            response = response._replace(onward=data)  # it is for us, and goes no further
        elif not response.onward:
            raise Malformed("the response carries no Via but ours", len(data))
        tag = tag_of(response.to)  # what cannot be read is refused before a transaction changes its state
        if not tag and client.method == b"INVITE" and 200 <= response.status < 300:
            raise Malformed("the To of an answer has no tag")  # no BYE could end its call (RFC 3261 section 8.2.6.2)
        self._layer.answered(client, response, at_us, actions)
