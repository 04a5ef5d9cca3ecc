"""An INVITE outside any dialog: the engine decides it, and it goes on or is refused."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import LONGEST_URI, SipMessage, headers, parse_via, tag_of
from gateway.interconnection.trunk_groups import TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.signalling.answers import AT_CAPACITY, RETRY_AFTER, Answers
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import MAX_PASSES, Dialog, DialogKey
from gateway.signalling.failover import Failover
from gateway.signalling.forwarding import hindrance_of
from gateway.signalling.members import TrunkMember
from gateway.signalling.network_blocked import said_of
from gateway.signalling.next_hop import NextHops
from gateway.signalling.proxy_settings import ProxySettings
from gateway.signalling.remote_targets import learn_from_request
from gateway.signalling.requests import SCHEMES, hops_left, request_of, scheme_of, unsupported_by_us, vias_of
from gateway.signalling.rewriting import with_way
from gateway.signalling.session_timers import SessionTimers
from gateway.signalling.sip_attempt import attempt_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ServerTransaction
from gateway.signalling.trunk_parameters import with_trunk

CONGESTION: Final = b"Reason: Q.850;cause=42\r\n"
"""Switching equipment congestion: why a call on a circuit is released that was decided and finds no room."""


class NewCalls:
    """Has calls decided, and opens those that are let through."""

    def __init__(
        self,
        settings: ProxySettings,
        engine: Engine,
        find_provider: ProviderFinder,
        next_hops: NextHops,
        sessions: SessionTimers,
        layer: TransactionLayer,
        calls: CallsUp,
        answers: Answers,
        failover: Failover,
    ) -> None:
        self._settings: Final = settings
        self._engine: Final = engine
        self._find_provider: Final = find_provider.provider_of
        self._next_hops: Final = next_hops
        self._sessions: Final = sessions
        self._layer: Final = layer
        self._calls: Final = calls
        self._answers: Final = answers
        self._failover: Final = failover
        self._members: Final = failover.members
        self.accepting = True
        """False while draining: new calls are refused, those that are up go on."""

    def open(self, server: ServerTransaction, ingress: TrunkGroup | None, at_us: int, actions: list[Action]) -> None:
        """Decide the call that this INVITE attempts. `ingress` is None where it comes from no trunk group."""
        request = request_of(server)
        request.check()
        server.request = request = self._next_hops.restored(request)
        key = (request.required(headers.CALL_ID), tag_of(request.required(headers.FROM)))
        if not key[1]:
            raise Malformed("From has no tag", request.spans(headers.FROM)[0][0])
        earlier = self._calls.dialogs.get(key)
        if earlier is not None and not self._is_spiral(request, earlier):
            # The same request over another path (RFC 3261 section 8.2.2.2), or one that would push a call out of the
            # table while it is up.
            self._answers.once(server, 482, "Loop Detected", actions)
            return
        hops = hops_left(request)
        if self._unfit(server, request, hops, actions):
            return
        onward, pop_route = self._next_hops.out_of_dialog(request)
        attempt = attempt_of(
            request,
            at_us=at_us,
            source=server.source,
            ingress=ingress,
            find_provider=self._find_provider,
            emergency_numbers=self._settings.emergency_numbers,
        )
        if self._sessions.active and not attempt.emergency and (min_se := self._sessions.refused(request)):
            self._answers.once(server, 422, "Session Interval Too Small", actions, min_se)
            return
        if self._overloaded(attempt.emergency):
            self._answers.once(server, 503, AT_CAPACITY, actions, extra=RETRY_AFTER)
            return
        decision = self._engine.decide(attempt, self._members.room_for)
        call = Call(attempt, decision)
        actions.append(Decided(call))
        # Strangers, who might not even be where their datagrams say, get a share of the table and no more.
        if ingress is not None or len(self._layer) < self._settings.max_transactions // 8:
            self._layer.add_server(server)
        member = self._members.member_for(decision)
        if member is None:
            self._refuse(server, call, at_us, actions)
            return
        self._answers.in_transaction(server, 100, "Trying", at_us, actions)
        self._send_on(server, key, member, call, onward, hops - 1, pop_route, at_us, actions)

    def open_decided(self, server: ServerTransaction, call: Call, at_us: int, actions: list[Action]) -> None:
        """Send on the INVITE of a call that came on a circuit and was let through by what its IAM said.

        It is written by our own user agent: it is not asked whether it can be read in two ways, nor does it need a 100.
        """
        actions.append(Decided(call))
        request = request_of(server)
        hops = hops_left(request)
        member = self._members.member_for(call.decision)
        if hops == 0 or member is None or self._overloaded(call.attempt.emergency):
            status, phrase = (483, "Too Many Hops") if hops == 0 else (503, AT_CAPACITY)
            self._answers.once(server, status, phrase, actions, CONGESTION if hops else b"")
            call.final_status, call.ended_by, call.ended_at_us = status, EndedBy.FAILURE, at_us
            self._engine.ended(call.attempt, at_us)
            actions.append(Ended(call))
            return
        self._layer.add_server(server)
        key = (request.required(headers.CALL_ID), tag_of(request.required(headers.FROM)))
        self._send_on(server, key, member, call, request, hops - 1, False, at_us, actions)

    def _send_on(
        self,
        server: ServerTransaction,
        key: DialogKey,
        member: TrunkMember,
        call: Call,
        onward: SipMessage,
        hops: int,
        pop_route: bool,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """Open the dialog of a call that is let through, and send its INVITE to the member."""
        attempt, egress = call.attempt, call.decision.egress
        dialog = self._calls.open(key, server.source, self._members.state_of(attempt.ingress), member, call)
        learn_from_request(dialog, request_of(server), from_caller=True, opening=True)
        if egress is not None and egress.tgrp is not None and egress.trunk_context is not None:
            uri = with_trunk(onward.request_uri, egress.tgrp.encode(), egress.trunk_context.encode())
            onward, pop_route = with_way(onward, uri, []), False
        if self._sessions.active:
            onward = self._sessions.prepared(onward)
        server.request = onward
        hindrance = hindrance_of(onward, member.hop, emergency=attempt.emergency)
        if hindrance is not None:
            self._answers.in_transaction(server, *hindrance[:2], at_us, actions, hindrance[2])
            self._calls.fail(dialog, hindrance[0], EndedBy.FAILURE, at_us, actions)
            return
        self._failover.send(server, dialog, hops, pop_route, at_us, actions)

    def _unfit(self, server: ServerTransaction, request: SipMessage, hops: int, actions: list[Action]) -> bool:
        """Whether the request cannot go on, whoever sent it (RFC 3261 section 16.3); then it has been answered."""
        if len(request.request_uri) > LONGEST_URI:
            self._answers.once(server, 414, "Request-URI Too Long", actions)
            return True
        scheme = scheme_of(request)
        if scheme not in SCHEMES:
            self._answers.once(server, 416, "Unsupported URI Scheme", actions)
            return True
        if hops == 0:
            self._answers.once(server, 483, "Too Many Hops", actions)
            return True
        if scheme.startswith(b"sip") and b"?" in request.request_uri.rpartition(b"@")[2]:
            # They would be header fields of the next hop's request, which nobody has decided (RFC 3261 section 19.1.1).
            raise Malformed("the Request-URI holds header fields", len(request.method) + 1)
        unsupported = unsupported_by_us(request, headers.PROXY_REQUIRE)
        if unsupported:
            self._answers.once(server, 420, "Bad Extension", actions, b"Unsupported: %s\r\n" % unsupported)
            return True
        return False

    def _refuse(self, server: ServerTransaction, call: Call, at_us: int, actions: list[Action]) -> None:
        finding = call.decision.refused_by
        if finding is None:
            raise AssertionError("a refused call names the finding that refused it")
        status, phrase, lines = said_of(finding, self._settings.network_blocked)
        call.final_status = status
        if self._layer.server(server.key) is server:
            self._answers.in_transaction(server, status, phrase, at_us, actions, extra=lines)
            server.request = None  # the answer is kept, and no other one will be made of it
        else:
            self._answers.once(server, status, phrase, actions, extra=lines)
        call.ended_by = EndedBy.REFUSAL
        call.ended_at_us = at_us
        actions.append(Ended(call))

    def _overloaded(self, emergency: bool) -> bool:
        """Emergency calls pass where others do not: while draining, and into a reserve that only they may use."""
        settings = self._settings
        reserve = settings.emergency_reserve if emergency else 0
        return (
            not (self.accepting or emergency)
            or len(self._layer) >= settings.max_transactions + reserve
            or len(self._calls.dialogs) >= settings.max_calls + reserve
        )

    def _is_spiral(self, request: SipMessage, earlier: Dialog) -> bool:
        """Whether a call that is up comes back to us on its way to another number (RFC 3261 section 16.3 step 4).

        What we sent on is still in the client transactions, so the branch need not carry a hash of it.
        """
        passes = tuple(earlier.passes())
        branches = {parse_via(value).branch for value in vias_of(request)}
        if len(passes) >= MAX_PASSES or any(dialog.opened_by not in branches for dialog in passes):
            return False
        for dialog in passes:
            client = self._layer.client(dialog.opened_by, b"INVITE")
            if client is None or not client.request or SipMessage(client.request).request_uri == request.request_uri:
                return False
        return True
