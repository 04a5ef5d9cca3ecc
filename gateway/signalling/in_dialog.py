"""Requests within the dialog of a call that was let through: they go on unasked, and to the call's other side."""

from __future__ import annotations

from functools import partial
from typing import Final

from gateway.codecs.sip import SipMessage, Via, headers, tag_of
from gateway.interconnection.trunk_groups import Hop, TrunkGroup
from gateway.signalling.answers import AT_CAPACITY, RETRY_AFTER, Answers
from gateway.signalling.call import Action
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Dialog
from gateway.signalling.forced_release import ForcedRelease
from gateway.signalling.forwarding import Forwarder
from gateway.signalling.locating import Target
from gateway.signalling.next_hop import NextHops
from gateway.signalling.parking import Parking
from gateway.signalling.proxy_settings import ProxySettings
from gateway.signalling.remote_targets import REFRESHING, learn_from_request
from gateway.signalling.requests import hops_left, request_of, unsupported_by_us
from gateway.signalling.session_timers import SessionTimers
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ServerTransaction


class DialogRequests:
    """Relays what a side of a call sends to the other."""

    def __init__(
        self,
        settings: ProxySettings,
        next_hops: NextHops,
        sessions: SessionTimers,
        layer: TransactionLayer,
        calls: CallsUp,
        answers: Answers,
        forwarder: Forwarder,
        parking: Parking,
        released: ForcedRelease,
    ) -> None:
        self._locate: Final = settings.locate_in_dialog
        self._max_transactions: Final = settings.max_transactions
        self._emergency_reserve: Final = settings.emergency_reserve
        self._next_hops: Final = next_hops
        self._sessions: Final = sessions
        self._layer: Final = layer
        self._calls: Final = calls
        self._answers: Final = answers
        self._forwarder: Final = forwarder
        self._parking: Final = parking
        self._released: Final = released

    def relay(
        self,
        server: ServerTransaction,
        to_tag: bytes,
        known_host: bool,
        group: TrunkGroup | None,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """A request with a To tag. `known_host`: it comes from the host of a member of a trunk group, which is `group`
        where its port is known as well.
        """
        request = request_of(server)
        if request.method != b"BYE":  # one that could open a call behind us must not be readable in two ways
            request.check()
        else:
            request.body_end()  # nor may anything hide behind a BYE
        call_id = request.required(headers.CALL_ID)
        found = self._calls.dialogs.find(call_id, tag_of(request.required(headers.FROM)), to_tag, server.source.host)
        if found is None or not known_host or not _is_party_to(found[0], group):
            self._answers.once(server, 481, "Call/Transaction Does Not Exist", actions)
            return
        hops = hops_left(request)
        if hops == 0:
            self._answers.once(server, 483, "Too Many Hops", actions)
            return
        unsupported = unsupported_by_us(request, headers.PROXY_REQUIRE)
        if unsupported:
            self._answers.once(server, 420, "Bad Extension", actions, b"Unsupported: %s\r\n" % unsupported)
            return
        dialog, from_caller = found
        emergency = dialog.call is not None and dialog.call.attempt.emergency
        if self._sessions.active and not emergency and (min_se := self._sessions.refused(request)):
            self._answers.once(server, 422, "Session Interval Too Small", actions, min_se)
            return
        if len(self._layer) >= self._max_transactions and not self._must_go_on(request, dialog):
            self._answers.once(server, 503, AT_CAPACITY, actions, extra=RETRY_AFTER)
            return
        # A BYE that a third party answers would end the call in the books while it goes on: only the other side counts.
        name = self._name_in(request, dialog, from_caller) if self._locate else None
        onward, target, pop_route = self._next_hop(request, dialog, from_caller)
        server.request = self._sessions.prepared(onward) if self._sessions.active else onward
        dialog.numbered(request.cseq()[0], from_caller)
        if request.method in REFRESHING:
            learn_from_request(dialog, request, from_caller, opening=False)
        self._layer.add_server(server)
        if request.method == b"INVITE":
            self._answers.in_transaction(server, 100, "Trying", at_us, actions)
        elif request.method == b"BYE":
            dialog.closing = True
        if name is None:
            self._send_on(server, dialog, from_caller, hops - 1, pop_route, target, at_us, actions)
        else:
            send_on = partial(self._send_on, server, dialog, from_caller, hops - 1, pop_route)
            self._parking.park(name, server, target, send_on, at_us, actions)

    def _send_on(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        from_caller: bool,
        hops: int,
        pop_route: bool,
        target: Hop,
        at_us: int,
        actions: list[Action],
    ) -> None:
        client = self._forwarder.forward(server, dialog, target, hops, pop_route, at_us, actions)
        client.to_caller = not from_caller

    def relay_ack(
        self,
        request: SipMessage,
        via_value: bytes,
        via: Via,
        source: Hop,
        known_host: bool,
        at_us: int,
        actions: list[Action],
    ) -> bool:
        """The ACK for a 2xx goes end to end: forwarded, never answered. False where it is for no call that is up."""
        to_tag = tag_of(request.required(headers.TO))
        call_id, from_tag = request.required(headers.CALL_ID), tag_of(request.required(headers.FROM))
        found = self._calls.dialogs.find(call_id, from_tag, to_tag, source.host)
        hops = hops_left(request)
        if found is None or hops == 0 or not known_host:
            return False
        dialog, from_caller = found
        name = self._name_in(request, dialog, from_caller) if self._locate else None
        request, target, pop_route = self._next_hop(request, dialog, from_caller)

        def onward(hop: Hop, _at_us: int, actions: list[Action]) -> None:
            self._forwarder.forward_ack(request, via_value, via, source, hop, hops - 1, pop_route, actions)

        if name is None:
            onward(target, at_us, actions)
        else:
            self._parking.park(name, None, target, onward, at_us, actions)
        if from_caller:
            answer = dialog.answer_of(to_tag)
            if answer is not None and not answer.acknowledged:
                answer.acknowledged = True
                if dialog.release is not None:
                    self._released.acknowledged(dialog, at_us, actions)
        return True

    def _name_in(self, request: SipMessage, dialog: Dialog, from_caller: bool) -> Target | None:
        return self._next_hops.name_in_dialog(request, dialog.callee_names if from_caller else dialog.caller_names)

    def _next_hop(self, request: SipMessage, dialog: Dialog, from_caller: bool) -> tuple[SipMessage, Hop, bool]:
        if from_caller:
            return self._next_hops.in_dialog(request, dialog.callee, dialog.callee_names)
        return self._next_hops.in_dialog(request, dialog.caller, dialog.caller_names)

    def _must_go_on(self, request: SipMessage, dialog: Dialog) -> bool:
        """What is let through also where there are too many transactions: emergency calls, and what ends a call."""
        call = dialog.call
        if call is not None and call.attempt.emergency:
            return len(self._layer) < self._max_transactions + self._emergency_reserve
        return call is not None and request.method == b"BYE" and not dialog.closing


def _is_party_to(dialog: Dialog, group: TrunkGroup | None) -> bool:
    """Whether the carrier at the far end of a trunk group is one of the two that a call is between.

    Another carrier's switch, which is a member too, must not end a call whose tags it has seen.
    """
    if group is None:
        return True
    caller = dialog.ingress.trunk_group.carrier if dialog.ingress is not None else None
    return group.carrier in (caller, dialog.member.group.trunk_group.carrier)
