"""The proxy: datagrams in, actions out (RFC 3261 section 16, transaction-stateful, without forking).

A request that opens a call is decided by the engine before it goes on. Requests inside a dialog of a call that was let
through go on unasked; a To tag of no such dialog does not get a request past the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import edit, headers
from gateway.codecs.sip.grammar import Via, parse_via
from gateway.codecs.sip.message import SipMessage
from gateway.codecs.sip.relayed import RelayedResponse, read_response, tag_of
from gateway.interconnection.trunk_groups import Hop, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy, Send
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Dialog
from gateway.signalling.own_side import OwnSide, reason_header
from gateway.signalling.proxy_settings import ProxyCounters, ProxySettings
from gateway.signalling.sip_attempt import attempt_of
from gateway.signalling.transaction_layer import ServerKey, TransactionLayer
from gateway.signalling.transactions import ClientTransaction, ServerTransaction, State

AT_CAPACITY: Final = "Gateway At Capacity"
"""Phrase of the 503 for a call that was not decided: too many are up, or the gateway drains."""
ALLOW: Final = b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r\n"


class SipProxy:
    """The SIP side of the gateway. Bytes, their source and the time in; actions out; no I/O."""

    def __init__(
        self,
        settings: ProxySettings,
        engine: Engine,
        trunk_groups: Iterable[TrunkGroup],
        find_provider: ProviderFinder,
    ) -> None:
        self._settings: Final = settings
        self._engine: Final = engine
        self._find_provider: Final = find_provider.provider_of
        self._members: Final = {member: group for group in trunk_groups for member in group.members}
        self._hosts: Final = frozenset(member.host for member in self._members)
        self._layer: Final = TransactionLayer(self, settings.timers)
        self._calls: Final = CallsUp(engine, settings.max_call_s * 1_000_000)
        self.counters: Final = ProxyCounters()
        self._self: Final = OwnSide(settings.listeners, settings.secret)
        self.accepting = True
        """False while draining: new calls are refused, those that are up go on."""

    # -- what the transport calls -------------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]:
        """One datagram. Never raises: what cannot be read is answered with 400 or counted and dropped."""
        actions: list[Action] = []
        message = None
        try:
            if len(data) > self._settings.max_message_bytes:
                raise Malformed(f"longer than {self._settings.max_message_bytes} bytes", len(data))
            if data.startswith(b"SIP/2.0 "):
                self._receive_response(data, source, at_us, actions)
            else:
                message = SipMessage(data)
                self._receive_request(message, source, at_us, actions)
        except Malformed as fault:
            if data.strip(b"\r\n\x00"):  # empty lines keep a path through a NAT open (RFC 5626 section 3.5.1)
                self._refuse_malformed(message or self._behind_start_line(data), fault, source, actions)
        return actions

    def wake(self, at_us: int) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        self._layer.fire(at_us, actions)
        self._calls.expire(at_us, actions)
        return actions

    @property
    def next_wake_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        transactions, calls = self._layer.timers.next_us, self._calls.next_us
        if transactions is None or calls is None:
            return calls if transactions is None else transactions
        return min(transactions, calls)

    def stop(self, at_us: int) -> list[Action]:
        """The gateway stops: every call that is still up is ended in the books."""
        actions: list[Action] = []
        self._calls.end_all(at_us, actions)
        return actions

    @property
    def transactions(self) -> int:
        return len(self._layer)

    @property
    def dialogs(self) -> int:
        return len(self._calls.dialogs)

    # -- requests -----------------------------------------------------------------------------------------------------

    def _receive_request(self, request: SipMessage, source: Hop, at_us: int, actions: list[Action]) -> None:
        method = request.method
        via_value = request.required(headers.VIA)
        via = parse_via(via_value)
        key = _server_key(request, via, via_value)
        if source.host not in self._hosts:
            # A branch can often be guessed: a stranger's must not stand for a member's call, to forestall or cancel it.
            key = (b"%s from %s:%d" % (key[0], source.host.encode(), source.port), *key[1:])
        server = self._layer.server(key)
        if method == b"ACK":
            if server is not None and server.state is not State.ACCEPTED:
                self._layer.acknowledged(server, at_us, actions)
            else:
                self._forward_ack(request, via_value, via, source, actions)
            return
        if server is not None:
            self.counters.absorbed += 1
            self._layer.repeated(server, at_us, actions)
            return
        received = edit.completed_via(via_value, via, source.host, source.port)
        server = ServerTransaction(key, request, source, received)
        if not via.rport:
            server.reply_to = source._replace(port=via.port)  # RFC 3261 section 18.2.2
        if method == b"CANCEL":
            self._cancel(server, at_us, actions)
            return
        to_tag = tag_of(request.required(headers.TO))
        if to_tag:
            self._request_in_dialog(server, to_tag, at_us, actions)
        elif method == b"INVITE":
            self._new_call(server, at_us, actions)
        else:
            request.check()
            if method == b"OPTIONS":
                self._answer_once(server, 200, "OK", actions, extra=ALLOW)
            else:
                self._answer_once(server, 405, "Method Not Allowed", actions, extra=ALLOW)

    def _new_call(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """An INVITE outside any dialog: the engine decides it."""
        request = _request_of(server)
        request.check()
        key = (request.required(headers.CALL_ID), tag_of(request.required(headers.FROM)))
        if not key[1]:
            raise Malformed("From has no tag", request.spans(headers.FROM)[0][0])
        if self._calls.dialogs.get(key) is not None:
            # The same request over another path (RFC 3261 section 8.2.2.2), or one that would push a call out of the
            # table while it is up.
            self._answer_once(server, 482, "Loop Detected", actions)
            return
        scheme = request.request_uri.partition(b":")[0].lower()
        if scheme not in _SCHEMES:
            if not scheme[:1].isalpha():  # no scheme at all (RFC 4475 section 3.1.2.7)
                raise Malformed("the Request-URI does not start with a scheme", len(request.method) + 1)
            self._answer_once(server, 416, "Unsupported URI Scheme", actions)
            return
        hops = self._hops(request)
        if hops == 0:
            self._answer_once(server, 483, "Too Many Hops", actions)
            return
        if scheme.startswith(b"sip") and b"?" in request.request_uri.rpartition(b"@")[2]:
            # They would be header fields of the next hop's request, which nobody has decided (RFC 3261 section 19.1.1).
            raise Malformed("the Request-URI holds header fields", len(request.method) + 1)
        required = request.value(headers.PROXY_REQUIRE)
        if required is not None:
            self._answer_once(server, 420, "Bad Extension", actions, extra=b"Unsupported: %s\r\n" % required)
            return
        pop_route = self._self.is_first_route_of(request)
        attempt = attempt_of(
            request,
            at_us=at_us,
            source=server.source,
            ingress=self._ingress_of(server.source),
            find_provider=self._find_provider,
            emergency_numbers=self._settings.emergency_numbers,
        )
        if not attempt.emergency and self._overloaded():
            self._answer_once(server, 503, AT_CAPACITY, actions, extra=b"Retry-After: 2\r\n")
            return
        decision = self._engine.decide(attempt)
        call = Call(attempt, decision)
        actions.append(Decided(call))
        # Strangers, who might not even be where their datagrams say, get a share of the table and no more.
        if attempt.ingress is not None or len(self._layer) < self._settings.max_transactions // 8:
            self._layer.add_server(server)
        if decision.egress is None:
            self._refuse(server, call, at_us, actions)
            return
        self._respond(server, 100, "Trying", at_us, actions)
        dialog = self._calls.open(key, server.source, decision.egress.members[0], call)
        client = self._forward(server, dialog, dialog.callee, hops - 1, pop_route, at_us, actions, record_route=True)
        dialog.opened_by = client.branch

    def _refuse(self, server: ServerTransaction, call: Call, at_us: int, actions: list[Action]) -> None:
        finding = call.decision.refused_by
        if finding is None or finding.refusal is None:
            raise AssertionError("a refused call names the finding that refused it")
        refusal = finding.refusal
        extra = reason_header(finding)
        if refusal.retry_after_s is not None:
            extra += b"Retry-After: %d\r\n" % refusal.retry_after_s
        call.final_status = refusal.status
        if self._layer.server(server.key) is server:
            self._respond(server, refusal.status, refusal.phrase, at_us, actions, extra=extra)
        else:
            self._answer_once(server, refusal.status, refusal.phrase, actions, extra=extra)
        call.ended_by = EndedBy.REFUSAL
        call.ended_at_us = at_us
        actions.append(Ended(call))

    def _request_in_dialog(self, server: ServerTransaction, to_tag: bytes, at_us: int, actions: list[Action]) -> None:
        request = _request_of(server)
        if request.method != b"BYE":  # one that could open a call behind us must not be readable in two ways
            request.check()
        call_id = request.required(headers.CALL_ID)
        found = self._calls.dialogs.find(call_id, tag_of(request.required(headers.FROM)), to_tag)
        if found is None or server.source.host not in self._hosts:
            self._answer_once(server, 481, "Call/Transaction Does Not Exist", actions)
            return
        hops = self._hops(request)
        if hops == 0:
            self._answer_once(server, 483, "Too Many Hops", actions)
            return
        dialog, from_caller = found
        if len(self._layer) >= self._settings.max_transactions and not _must_go_on(request, dialog):
            self._answer_once(server, 503, AT_CAPACITY, actions, extra=b"Retry-After: 2\r\n")
            return
        other_side = dialog.callee if from_caller else dialog.caller
        target = self._self.next_hop(request, other_side)
        if target == server.source:  # or a BYE that its sender answers would give a place back while the call is up
            target = other_side
        pop_route = self._self.is_first_route_of(request)
        self._layer.add_server(server)
        if request.method == b"INVITE":
            self._respond(server, 100, "Trying", at_us, actions)
        elif request.method == b"BYE":
            self._calls.end(dialog, EndedBy.CALLER if from_caller else EndedBy.CALLED, at_us, actions)
        self._forward(server, dialog, target, hops - 1, pop_route, at_us, actions)

    def _cancel(self, server: ServerTransaction, at_us: int, actions: list[Action]) -> None:
        """CANCEL of an INVITE that is being relayed (RFC 3261 sections 9.2 and 16.10)."""
        branch, host, port, _ = server.key
        invite = self._layer.server((branch, host, port, b"INVITE"))
        if invite is None:
            self._answer_once(server, 481, "Call/Transaction Does Not Exist", actions)
            return
        self._answer_once(server, 200, "OK", actions)
        if invite.client is not None:
            self._layer.cancel(invite.client, at_us, actions)

    def _forward(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        target: Hop,
        hops: int,
        pop_route: bool,
        at_us: int,
        actions: list[Action],
        record_route: bool = False,
    ) -> ClientTransaction:
        request = _request_of(server)
        branch = self._self.new_branch()
        listener = self._self.towards(target)
        own = listener.via + branch + (listener.record_route if record_route else b"\r\n")
        data = edit.forwarded(request, own, hops, server.via, pop_route=pop_route)
        return self._layer.send_request(request.method, branch, data, target, server, dialog, at_us, actions)

    def _forward_ack(self, request: SipMessage, via_value: bytes, via: Via, source: Hop, actions: list[Action]) -> None:
        """The ACK for a 2xx goes end to end: forwarded, never answered."""
        found = self._calls.dialogs.find(
            request.required(headers.CALL_ID),
            tag_of(request.required(headers.FROM)),
            tag_of(request.required(headers.TO)),
        )
        hops = self._hops(request)
        if found is None or hops == 0 or source.host not in self._hosts:
            self.counters.stray += 1
            return
        dialog, from_caller = found
        target = self._self.next_hop(request, dialog.callee if from_caller else dialog.caller)
        own = self._self.towards(target).via + self._self.new_branch() + b"\r\n"
        received = edit.completed_via(via_value, via, source.host, source.port)
        data = edit.forwarded(request, own, hops - 1, received, pop_route=self._self.is_first_route_of(request))
        actions.append(Send(data, target))

    # -- responses ----------------------------------------------------------------------------------------------------

    def _receive_response(self, data: bytes, source: Hop, at_us: int, actions: list[Action]) -> None:
        response = read_response(data, self._self.towards(source).via)
        client = self._layer.client(response.branch, response.method) if response is not None else None
        if response is None or client is None:
            self.counters.stray += 1
            return
        if client.server is not None and not response.onward:
            raise Malformed("the response carries no Via but ours", len(data))
        self._layer.answered(client, response, at_us, actions)

    def on_response(
        self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]
    ) -> None:
        """A response passes from the called side to the caller (RFC 3261 section 16.7)."""
        status = response.status
        server, dialog = client.server, client.dialog
        if status == 100 or server is None or dialog is None:
            return
        if client.method == b"INVITE":
            tag = tag_of(response.to)
            if tag != dialog.key[1]:  # it is the caller's own where the callee sent a re-INVITE
                dialog.learn(tag)
            self._calls.progress(dialog, status, at_us, actions)
        self._layer.respond(server, status, response.onward, at_us, actions)
        if client.method == b"BYE" and status >= 200 and status not in (401, 407):  # a challenged BYE comes again
            self._calls.drop(dialog)
        elif status >= 300 and client.branch == dialog.opened_by:
            self._calls.fail(dialog, status, _given_up_by(client) or EndedBy.FAILURE, at_us, actions)

    def on_silence(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """Nothing came back in time."""
        server, dialog = client.server, client.dialog
        if server is None:
            return
        if client.method != b"INVITE":
            self._layer.forget(server)  # RFC 4320: a late 408 to a non-INVITE does harm only
            if client.method == b"BYE" and dialog is not None:
                self._calls.drop(dialog)
            return
        ended_by = _given_up_by(client) or EndedBy.TIMEOUT
        status, phrase = (487, "Request Terminated") if ended_by is EndedBy.CANCEL else (408, "Request Timeout")
        self._respond(server, status, phrase, at_us, actions)
        if dialog is not None and client.branch == dialog.opened_by:
            self._calls.fail(dialog, status, ended_by, at_us, actions)

    # -- answers of our own -------------------------------------------------------------------------------------------

    def _respond(
        self,
        server: ServerTransaction,
        status: int,
        phrase: str,
        at_us: int,
        actions: list[Action],
        extra: bytes = b"",
    ) -> None:
        """Answer in the transaction, which repeats the answer as long as it must."""
        request = server.request
        if request is None:
            return
        data = self._self.answer(request, status, phrase, server.via, extra)
        self._layer.respond(server, status, data, at_us, actions)

    def _answer_once(
        self, server: ServerTransaction, status: int, phrase: str, actions: list[Action], extra: bytes = b""
    ) -> None:
        """Answer without a transaction: a repeated request is answered again, the same (RFC 3261 section 8.2.7)."""
        data = self._self.answer(_request_of(server), status, phrase, server.via, extra)
        actions.append(Send(data, server.reply_to))

    def _refuse_malformed(
        self, message: SipMessage | None, fault: Malformed, source: Hop, actions: list[Action]
    ) -> None:
        self.counters.malformed[fault.what] += 1
        if message is None or message.status or message.method == b"ACK":
            return
        status, phrase = 400, "Bad Request: " + fault.what
        if message.method == _OF_ANOTHER_VERSION:
            status, phrase = 505, "Version Not Supported"
        try:
            value = message.required(headers.VIA)
            received = edit.completed_via(value, parse_via(value), source.host, source.port)
        except Malformed:
            received = None
        try:
            actions.append(Send(self._self.answer(message, status, phrase, received), source))
        except Malformed:
            return  # it lacks what an answer must repeat; the drop is counted above

    def _behind_start_line(self, data: bytes) -> SipMessage | None:
        """What is needed to answer a request of which the start line alone cannot be read: its header fields.

        None for what is no request, for an ACK, which nobody answers, and where the header fields are at fault as well.
        """
        start, line_end, rest = data.partition(b"\r\n")
        version = _VERSION_AT_END.search(start)
        if version is None or start.startswith((b"SIP/", b"ACK ")) or len(data) > self._settings.max_message_bytes:
            return None
        method = _UNREADABLE if version[1] == b"2.0" else _OF_ANOTHER_VERSION
        try:
            return SipMessage(method + b" sip:unreadable.invalid SIP/2.0" + line_end + rest)
        except Malformed:
            return None

    # -- small questions ----------------------------------------------------------------------------------------------

    def _ingress_of(self, source: Hop) -> TrunkGroup | None:
        return self._members.get(source)

    def _overloaded(self) -> bool:
        settings = self._settings
        return (
            not self.accepting
            or len(self._layer) >= settings.max_transactions
            or len(self._calls.dialogs) >= settings.max_calls
        )

    def _hops(self, request: SipMessage) -> int:
        value = request.value(headers.MAX_FORWARDS)
        if value is None:
            return 70
        digits = value.lstrip(b"0")  # 1*DIGIT: 0068 is 68 (RFC 4475 section 3.1.1.1)
        if not value.isdigit() or len(digits) > 3 or (hops := int(digits or b"0")) > 255:
            raise Malformed("Max-Forwards is not a number from 0 to 255", request.head_end)
        return hops


_VERSION_AT_END: Final = re.compile(rb" SIP/(\d{1,9}\.\d{1,9}) *\Z")
_UNREADABLE, _OF_ANOTHER_VERSION = b"UNREADABLE", b"OF-ANOTHER-VERSION"
"""Methods that stand for a start line that cannot be read."""

_SCHEMES: Final = frozenset({b"sip", b"sips", b"tel", b"urn"})


def _server_key(request: SipMessage, via: Via, value: bytes) -> ServerKey:
    """What two requests of one transaction have in common (RFC 3261 section 17.2.3).

    An element of RFC 2543 gives no unique branch, and neither does one that sends the cookie alone (RFC 4475 section
    3.2.1): its requests are told apart by the whole Via, Request-URI, Call-ID, number of CSeq and tag of From.
    """
    method = b"INVITE" if request.method == b"ACK" else request.method
    branch = via.branch
    if not branch.startswith(b"z9hG4bK") or len(branch) == 7:
        number = b"%d" % request.cseq()[0]
        tag = tag_of(request.required(headers.FROM))
        branch = b"\n".join((value, request.request_uri, request.required(headers.CALL_ID), number, tag))
    return branch, via.host, via.port, method


def _request_of(server: ServerTransaction) -> SipMessage:
    if server.request is None:
        raise AssertionError("the request is kept until it is answered")
    return server.request


def _must_go_on(request: SipMessage, dialog: Dialog) -> bool:
    """What is let through also where there are too many transactions: emergency calls, and what makes them fewer."""
    call = dialog.call
    return call is not None and (call.attempt.emergency or (request.method == b"BYE" and call.ended_by is None))


def _given_up_by(client: ClientTransaction) -> EndedBy | None:
    """Who wanted an INVITE cancelled: the caller, or timer C."""
    if client.overdue:
        return EndedBy.TIMEOUT
    return EndedBy.CANCEL if client.cancelled or client.cancel_wanted else None
