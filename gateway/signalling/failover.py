"""A call whose member of the trunk group fails goes on to the next one, before its caller notices.

A member fails a call by sending no response in time, by a 5xx, or because there is no way to it; what the caller was
told of (any provisional response but 100) cannot be taken back, so that after it a failure is the caller's. A 6xx ends
a call everywhere (RFC 3261 section 21.6), and any other response is an answer. When nobody is left, the caller gets
the best of what came (section 16.7 step 6): a timeout is a 408, and a 503 becomes a 500, for the gateway itself is in
service.

A member that was passed over may still answer. A provisional response is answered with CANCEL. A 2xx is answered with
ACK and BYE by the gateway itself: were it passed on, the caller would have two calls, of which the books know one, and
were it dropped, the member would have a call without anybody in it.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import RelayedResponse, SipMessage, headers, tag_of
from gateway.interconnection.trunk_groups import Hop, Service
from gateway.signalling.answers import Answers
from gateway.signalling.call import Action, EndedBy, Send
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Dialog
from gateway.signalling.forwarding import Forwarder, hindrance_of
from gateway.signalling.members import FAILURE, OVERLOAD, TIMEOUT, TRANSPORT, TrunkMember, TrunkMembers
from gateway.signalling.next_hop import NextHops
from gateway.signalling.own_requests import with_via
from gateway.signalling.own_side import OwnSide
from gateway.signalling.probing import Prober
from gateway.signalling.requests import hops_left, request_of
from gateway.signalling.responses import release_of, retry_after_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ClientTransaction, ServerTransaction

_IN_SERVICE: Final = Service.IN_SERVICE
PATIENCE_US: Final = 32_000_000
"""After so long without an answer a call is not sent to yet another member: its caller has given up, or soon will."""


class Failover:
    """Sends the INVITEs that open calls, and heeds what the answers to them, and to the probes, tell of the members.

    Times are in microseconds.
    """

    def __init__(
        self,
        members: TrunkMembers,
        own: OwnSide,
        next_hops: NextHops,
        layer: TransactionLayer,
        calls: CallsUp,
        answers: Answers,
        forwarder: Forwarder,
        prober: Prober,
    ) -> None:
        self.members: Final = members
        self._own: Final = own
        self._next_hops: Final = next_hops
        self._layer: Final = layer
        self._calls: Final = calls
        self._answers: Final = answers
        self._forwarder: Final = forwarder
        self._prober: Final = prober

    def send(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        hops: int,
        pop_route: bool,
        at_us: int,
        actions: list[Action],
    ) -> None:
        """Send an INVITE that opens a call to the dialog's member."""
        member = dialog.member
        client = self._forwarder.forward(server, dialog, member.hop, hops, pop_route, at_us, actions, record_route=True)
        client.member = member
        dialog.opened_by = client.branch
        group, tried = member.group, dialog.tried
        if group.only is None and any(other is not member and other not in tried for other in group.members):
            self._layer.expect(client, at_us, group.trunk_group.supervision.failover_us)

    def overdue(self, client: ClientTransaction, member: TrunkMember, at_us: int, actions: list[Action]) -> None:
        """A member has sent no response in time, and is passed over."""
        server, dialog = client.server, client.dialog
        if server is None or dialog is None:
            self._prober.unanswered(client, at_us, actions)
            return
        if client.cancel_wanted:
            return
        self.members.failed(member, client.sent_at_us, at_us, actions)
        following = self._next(server, dialog, at_us)
        if following is not None:  # else it may still answer, until timer B
            self._layer.abandon(client, at_us)
            _keep_best(dialog, 408, b"")
            self._move(server, dialog, following, TIMEOUT, at_us, actions)

    def redirected(self, client: ClientTransaction, hop: Hop) -> None:
        """An INVITE went to that member of its trunk group, and not to the one that was chosen."""
        member, dialog = self.members.by_hop.get(hop), client.dialog
        if member is None or dialog is None or client.branch != dialog.opened_by or client.abandoned:
            return
        if member.group is dialog.member.group and dialog.call is not None and dialog.call.ended_by is None:
            client.member = member
            self._calls.give_to(dialog, member)

    # -- what comes back ----------------------------------------------------------------------------------------------

    def takes(
        self,
        client: ClientTransaction,
        member: TrunkMember,
        response: RelayedResponse,
        at_us: int,
        actions: list[Action],
    ) -> bool:
        """A response of a member to a probe, or to an INVITE that opens a call. False: it is the caller's."""
        server, dialog = client.server, client.dialog
        if server is None or dialog is None:
            self._prober.answered(client, response, at_us, actions)
            return True
        if client.abandoned:
            if 200 <= response.status < 300:
                self._release(client, response, at_us, actions)
            return True
        if not 500 <= response.status < 600:
            if member.failures or member.service is not _IN_SERVICE:
                self.members.responded(member, at_us, actions)
            return False
        if response.status == 503:
            retry_after_s = retry_after_of(response.onward)
            if retry_after_s is not None:
                self.members.overloaded(member, retry_after_s, at_us, actions)
        return self._failed(client, server, dialog, response, at_us, actions)

    def silent(self, client: ClientTransaction, member: TrunkMember, at_us: int, actions: list[Action]) -> bool:
        """An INVITE that opens a call ran out of time. False: the caller is to be told."""
        if not client.abandoned and not client.cancelled:  # a cancelled one has sent something
            self.members.failed(member, client.sent_at_us, at_us, actions)
        return client.abandoned

    def unreachable(self, client: ClientTransaction, member: TrunkMember, at_us: int, actions: list[Action]) -> bool:
        """There is no way to the member: as a 503 from it (RFC 3261 section 16.9). False: the caller is to be told."""
        server, dialog = client.server, client.dialog
        if server is None or dialog is None:
            self._prober.unanswered(client, at_us, actions)
            return True
        self.members.failed(member, client.sent_at_us, at_us, actions)
        if client.abandoned:
            return True
        if client.cancel_wanted:
            return False
        return self._go_on(server, dialog, (503, b""), TRANSPORT, at_us, actions)

    # -- the next member, or none -------------------------------------------------------------------------------------

    def _failed(
        self,
        client: ClientTransaction,
        server: ServerTransaction,
        dialog: Dialog,
        response: RelayedResponse,
        at_us: int,
        actions: list[Action],
    ) -> bool:
        """A member answered with 5xx."""
        call = dialog.call
        given_up = client.cancelled or client.cancel_wanted
        if given_up or call is None or call.ended_by is not None:
            return False
        if call.progressed_at_us is not None:
            return False
        cause = OVERLOAD if response.status == 503 else FAILURE
        return self._go_on(server, dialog, (response.status, response.onward), cause, at_us, actions)

    def _go_on(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        failure: tuple[int, bytes],
        cause: str,
        at_us: int,
        actions: list[Action],
    ) -> bool:
        """Send the call to the next member, for the last one has failed it.

        Where nobody is left, tell the caller what an earlier one said, if that is better; False: it is not.
        """
        following = self._next(server, dialog, at_us)
        if following is not None:
            _keep_best(dialog, *failure)
            self._move(server, dialog, following, cause, at_us, actions)
            return True
        best = dialog.best
        if best is None or best[0] == 503 or _rank(failure[0]) < _rank(best[0]):
            return False
        status, data = best
        if data:
            self._layer.respond(server, status, data, at_us, actions)
        else:
            self._answers.in_transaction(server, status, "Request Timeout", at_us, actions)
        self._calls.fail(dialog, status, EndedBy.TIMEOUT if status == 408 else EndedBy.FAILURE, at_us, actions)
        return True

    def _next(self, server: ServerTransaction, dialog: Dialog, at_us: int) -> TrunkMember | None:
        """Who is tried next; None where nobody is left, or the call is over, or has been tried for too long."""
        call, request = dialog.call, server.request
        if call is None or call.ended_by is not None or request is None:
            return None
        emergency = call.attempt.emergency
        if not emergency and at_us - call.attempt.at_us >= PATIENCE_US:
            return None
        tried = [*dialog.tried, dialog.member]
        while (member := self.members.choose(dialog.member.group, emergency=emergency, tried=tried)) is not None:
            if hindrance_of(request, member.hop, emergency=emergency) is None:
                return member
            tried.append(member)
        return None

    def _move(
        self,
        server: ServerTransaction,
        dialog: Dialog,
        following: TrunkMember,
        cause: str,
        at_us: int,
        actions: list[Action],
    ) -> None:
        self.members.failovers[following.group.trunk_group.name, cause] += 1
        dialog.tried = (*dialog.tried, dialog.member)
        self._calls.give_to(dialog, following)
        request = request_of(server)
        pop_route = request.value(headers.ROUTE) is not None  # ours: any other was taken off before
        self.send(server, dialog, hops_left(request) - 1, pop_route, at_us, actions)

    # -- answers that come too late -----------------------------------------------------------------------------------

    def _release(self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]) -> None:
        """ACK a 2xx that nobody waits for, each time that it comes, and end its call the first time."""
        try:
            release = release_of(SipMessage(response.onward), self._own.routes)
            ack, target, _ = self._next_hops.in_dialog(SipMessage(release.ack), client.target, release.names)
            bye, _, _ = self._next_hops.in_dialog(SipMessage(release.bye), client.target, release.names)
        except Malformed:
            return  # it cannot be told where an ACK would go: the member gives the call up by itself (section 13.3.1.4)
        via = self._own.towards(target).via
        actions.append(Send(with_via(ack, via + self._own.new_branch()), target))
        tag = tag_of(response.to)
        if tag not in client.released:
            client.released = (*client.released, tag)[-_MOST_RELEASED:]
            branch = self._own.new_branch()
            self._layer.send_request(b"BYE", branch, with_via(bye, via + branch), target, None, None, at_us, actions)


_MOST_RELEASED: Final = 16
"""Forked answers of one member that are told apart."""


def _keep_best(dialog: Dialog, status: int, data: bytes) -> None:
    if dialog.best is None or _rank(status) < _rank(dialog.best[0]):
        dialog.best = (status, data)


def _rank(status: int) -> tuple[int, bool]:
    """RFC 3261 section 16.7 step 6: the lowest class is told; a 503 only where there is nothing else."""
    return status // 100, status == 503
