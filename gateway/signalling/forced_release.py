"""Calls that the gateway itself ends, since the traffic that they are of is discontinued (clause L8).

A call that is up gets a BYE to both sides, each written as the other side would write it: with its tags, the next
number in its CSeq, the remote target and the route set that it has learnt (RFC 3261 sections 12.2.1.1 and 15.1.1). A
call that is being set up gets a final response to the caller and CANCEL to the called side (section 9.1); a 2xx that
crosses it is ended as one of a member that was passed over. In the books a call ends when that is said, and it is known
until the BYEs are answered: what its sides still say to each other goes through. Emergency calls are never ended so
(L10).

A caller that has not sent its ACK may not have seen the 2xx, and could not tell what a BYE is about (section 15): both
sides are told when the ACK has passed. Where it never comes, who answered ends the call (section 13.3.1.4).
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, parse_name_addr, split_list
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling import network_blocked
from gateway.signalling.answers import Answers
from gateway.signalling.call import Action, EndedBy, Wanted
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Answer, Dialog, Release
from gateway.signalling.locating import Target
from gateway.signalling.network_blocked import NetworkBlocked, Said
from gateway.signalling.next_hop import NextHops
from gateway.signalling.own_requests import request_in_dialog, with_via
from gateway.signalling.own_side import OwnSide, reason_line
from gateway.signalling.pacing import Paced
from gateway.signalling.parking import Parking
from gateway.signalling.ss7.interworking.causes import sip_status_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import State

PHRASE: Final = "Traffic Discontinued"
"""Of the final response to a call that was being set up."""
LAST_CSEQ: Final = (1 << 31) - 1
"""RFC 3261 section 8.1.1.5."""

ACK_WITHIN_US: Final = 32_000_000
"""So long the called side says its 2xx again; it gives up where no ACK has come (section 13.3.1.4)."""


class _Order(NamedTuple):
    """What is said of all calls that are ended together, and which they are."""

    reason: bytes
    refusal: Said
    wanted: Wanted


class ForcedRelease:
    """Ends calls from the middle. Times are in microseconds; `actions` is what is to be done or told."""

    def __init__(
        self,
        own: OwnSide,
        next_hops: NextHops,
        layer: TransactionLayer,
        calls: CallsUp,
        answers: Answers,
        parking: Parking,
        blocked: NetworkBlocked | None,
        *,
        locate: bool,
    ) -> None:
        """`blocked`: calls that are being set up are refused with 603+; `locate`: next hops that a dialog names by
        host name are looked up.
        """
        self._own: Final = own
        self._next_hops: Final = next_hops
        self._layer: Final = layer
        self._calls: Final = calls
        self._answers: Final = answers
        self._parking: Final = parking
        self._blocked: Final = blocked
        self._locate: Final = locate
        self._waiting: Final[Paced[tuple[Dialog, _Order]]] = Paced()

    def end_calls(self, wanted: Wanted, cause: int, text: str, at_us: int, actions: list[Action]) -> None:
        """End every call that is wanted, but for emergency calls: the first now, the others in `wake`, a few at a time,
        where they are still wanted when it is their turn.

        `cause` (Q.850) and `text` go into the Reason of what is sent (RFC 3326). A call that passes through us several
        times is ended as a whole.
        """
        reason = reason_line(cause, text)
        refusal = Said(sip_status_of(cause), PHRASE, reason)
        if self._blocked is not None:
            refusal = Said(network_blocked.STATUS, network_blocked.PHRASE, self._blocked.lines(text))
        order = _Order(reason, refusal, wanted)
        chosen = (first for first in self._calls.dialogs.first_passes() if _is_wanted(first, wanted, at_us))
        self._waiting.add((first, order) for first in chosen)
        self.wake(at_us, actions)

    @property
    def next_us(self) -> int | None:
        """When the next calls are to be ended; None where none are."""
        return self._waiting.next_us

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Do what is due."""
        for first, order in self._waiting.due(at_us, _is_still_wanted):
            self._end(first, Release(order.reason, order.refusal), at_us, actions)

    def acknowledged(self, dialog: Dialog, at_us: int, actions: list[Action]) -> None:
        """The ACK has passed for which the BYEs of this dialog may have waited."""
        self._hang_up(self._released_with(dialog), at_us, actions)

    def finished(self, dialog: Dialog) -> None:
        """A BYE of ours was answered, or never will be. With the last of them the call is forgotten."""
        release = dialog.release
        if release is None or release.unanswered is None:
            return
        release.unanswered -= 1
        if release.unanswered == 0:
            for each in self._released_with(dialog):
                self._calls.drop(each)

    # -- one call -----------------------------------------------------------------------------------------------------

    def _end(self, first: Dialog, release: Release, at_us: int, actions: list[Action]) -> None:
        """End a call: those of its passes through us that are not over."""
        answered: list[Dialog] = []
        for dialog in tuple(first.passes()):
            call = dialog.call
            if call is None or call.ended_by is not None:
                continue
            if call.answered_at_us is None:
                self._give_up(dialog, release, at_us, actions)
            else:
                dialog.release = release
                answered.append(dialog)
                self._calls.end(dialog, EndedBy.DISCONTINUED, at_us, actions)
        self._hang_up(answered, at_us, actions)

    def _give_up(self, dialog: Dialog, release: Release, at_us: int, actions: list[Action]) -> None:
        """A call that is being set up. What may still come of it finds its INVITE abandoned."""
        client = self._layer.client(dialog.opened_by, b"INVITE")
        if client is not None:
            if client.server is not None:
                status, phrase, lines = release.refusal
                self._answers.in_transaction(client.server, status, phrase, at_us, actions, extra=lines)
            client.cancel_reason = release.reason
            if client.state is State.CALLING:
                self._layer.abandon(client, at_us)
            else:
                client.abandoned = True
                self._layer.cancel(client, at_us, actions)
        if dialog.call is not None:
            dialog.call.final_status = release.refusal.status
        self._calls.end(dialog, EndedBy.DISCONTINUED, at_us, actions)
        self._calls.drop(dialog)

    def _hang_up(self, passes: list[Dialog], at_us: int, actions: list[Action]) -> None:
        """Say BYE to both sides of a call: in front of its first pass through us, and behind its last."""
        if not passes:
            return
        first, last = passes[0], passes[-1]
        release = first.release
        if release is None or release.unanswered is not None or _may_not_know(first, at_us):
            return
        release.unanswered = 0
        for answer in first.answers:
            self._say_bye(first, release, answer, True, at_us, actions)
        for answer in last.answers:
            self._say_bye(last, release, answer, False, at_us, actions)
        for dialog in passes:
            client = self._layer.client(dialog.opened_by, b"INVITE")
            if client is not None:  # another telephone may still answer it, and would be in a call with nobody
                client.abandoned = True
                client.released = tuple(answer.tag for answer in dialog.answers)
            if release.unanswered == 0:
                self._calls.drop(dialog)

    def _released_with(self, dialog: Dialog) -> list[Dialog]:
        """The passes of a call that are released together."""
        first = self._calls.dialogs.get(dialog.key) or dialog
        return [each for each in first.passes() if each.release is dialog.release]

    # -- its BYEs -----------------------------------------------------------------------------------------------------

    def _say_bye(
        self, dialog: Dialog, release: Release, answer: Answer, to_caller: bool, at_us: int, actions: list[Action]
    ) -> None:
        """Send a BYE to one side; nothing where what was said of it makes no message."""
        if to_caller:
            side, names = dialog.caller, dialog.caller_names
            contact, routes = dialog.caller_contact or dialog.from_, dialog.caller_routes
        else:
            side, names = dialog.callee, dialog.callee_names
            contact, routes = answer.contact or dialog.to, answer.routes
        cseq = min(1 + (dialog.callee_cseq if to_caller else dialog.caller_cseq), LAST_CSEQ)
        dialog.numbered(cseq, from_caller=not to_caller)
        addressed = None
        for target, route_set in ((_uri_of(contact), routes), (_address_of(side), ())):
            try:
                addressed = self._addressed(
                    _bye_of(dialog, release, answer, to_caller, cseq, target, route_set), side, names
                )
                break
            except Malformed:  # then to where that side was reached before
                continue
        if addressed is None:
            return
        bye, hop, name = addressed
        release.unanswered = (release.unanswered or 0) + 1
        if name is None:
            self._send(dialog, bye, hop, at_us, actions)
        else:
            self._parking.park(name, None, hop, partial(self._send, dialog, bye), at_us, actions)

    def _addressed(self, data: bytes, side: Hop, names: tuple[bytes, ...]) -> tuple[SipMessage, Hop, Target | None]:
        """A request, where it goes, and the host name that is to be looked up for that. Raises `Malformed`."""
        request = SipMessage(data)
        name = self._next_hops.name_in_dialog(request, names) if self._locate else None
        onward, hop, _ = self._next_hops.in_dialog(request, side, names)
        return onward, hop, name

    def _send(self, dialog: Dialog, bye: SipMessage, hop: Hop, at_us: int, actions: list[Action]) -> None:
        branch = self._own.new_branch()
        data = with_via(bye, self._own.towards(hop).via + branch)
        self._layer.send_request(b"BYE", branch, data, hop, None, dialog, at_us, actions)


def _may_not_know(dialog: Dialog, at_us: int) -> bool:
    """Whether the caller may not have seen the 2xx yet, and still will."""
    since_us = dialog.call.answered_at_us if dialog.call is not None else None
    still = since_us is None or at_us - since_us < ACK_WITHIN_US
    return still and not all(answer.acknowledged for answer in dialog.answers)


def _is_still_wanted(waiting: tuple[Dialog, _Order], at_us: int) -> bool:
    return _is_wanted(waiting[0], waiting[1].wanted, at_us)


def _is_wanted(first: Dialog, wanted: Wanted, at_us: int) -> bool:
    """Whether any pass of a call is wanted, and none is an emergency call."""
    if first.next_pass is None:  # as of nearly all, and every call that is up is asked about
        call = first.call
        return call is not None and call.ended_by is None and not call.attempt.emergency and wanted(call, at_us)
    calls = [dialog.call for dialog in first.passes() if dialog.call is not None and dialog.call.ended_by is None]
    return not any(call.attempt.emergency for call in calls) and any(wanted(call, at_us) for call in calls)


def _bye_of(
    dialog: Dialog,
    release: Release,
    answer: Answer,
    to_caller: bool,
    cseq: int,
    target: bytes,
    routes: tuple[bytes, ...],
) -> bytes:
    tagged = b"%s;tag=%s" % (dialog.to, answer.tag)
    from_, to = (tagged, dialog.from_) if to_caller else (dialog.from_, tagged)
    return request_in_dialog(b"BYE", target, routes, from_, to, dialog.key[0], cseq, release.reason)


def _uri_of(value: bytes) -> bytes:
    """The URI in the first value of a Contact, From or To; empty, which is none, where it cannot be read."""
    try:
        start, end = next(split_list(value))
        return parse_name_addr(value[start:end]).uri
    except (Malformed, StopIteration):
        return b""


def _address_of(side: Hop) -> bytes:
    host = f"[{side.host}]" if ":" in side.host else side.host
    return f"sip:{host}:{side.port}".encode()
