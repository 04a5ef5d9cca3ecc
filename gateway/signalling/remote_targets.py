"""Where a side of a dialog asks to be reached: its Contact, and the Record-Route of the proxies in front of it.

RFC 3261 sections 12.1, 12.2.1.2 and 12.2.2: they are learnt from the request that opens the dialog, from its responses,
and from what refreshes the target later. Remote target and route set are kept as they would be by the other side, so
that the gateway can say in its place that the call is over.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, split_list, tag_of
from gateway.policy.call_attempt import Protocol
from gateway.signalling.dialogs import MAX_NAMES, Answer, Dialog
from gateway.signalling.own_side import OwnSide

LONGEST_NAME: Final = 512
"""A longer value of Contact or Record-Route is not remembered."""
REFRESHING: Final = frozenset({b"INVITE", b"UPDATE", b"SUBSCRIBE", b"NOTIFY", b"REFER"})
"""Methods whose requests and 2xx carry a Contact that counts (RFC 3261, 3311, 6665, 3515)."""

_CONTACT: Final = b"\r\nContact: "
_RECORD_ROUTE: Final = b"\r\nRecord-Route: "
_SIP: Final = Protocol.SIP


def learn_from_request(dialog: Dialog, request: SipMessage, from_caller: bool, opening: bool) -> None:
    """Note where the sender of a request asks to be reached; `opening`: by the request that opens the dialog."""
    contact = request.value(headers.CONTACT)
    if contact is not None and len(contact) <= LONGEST_NAME:
        if from_caller:
            dialog.caller_contact = dialog.learn_caller(contact)
        else:
            contact = dialog.learn_callee(contact)
            answer = dialog.answer_of(tag_of(request.required(headers.FROM)))
            if answer is not None:
                answer.contact = contact
    if opening:
        _learn_opening(dialog, request)


def _learn_opening(dialog: Dialog, invite: SipMessage) -> None:
    dialog.caller_cseq = invite.cseq()[0]
    attempt = dialog.call.attempt if dialog.call is not None else None
    if attempt is not None and attempt.protocol is _SIP:  # the very bytes are kept with the facts
        dialog.from_, dialog.to = attempt.from_.raw, attempt.to.raw
    else:
        dialog.from_, dialog.to = invite.required(headers.FROM), invite.required(headers.TO)
    spans = invite.spans(headers.RECORD_ROUTE)
    if spans:
        lines = [invite.text(span) for span in spans]
        for line in lines:
            if len(line) <= LONGEST_NAME:
                dialog.learn_caller(line)
        dialog.caller_routes = _route_set([line[start:end] for line in lines for start, end in split_list(line)])


def learn_from_response(
    dialog: Dialog, response: bytes, own: OwnSide, from_caller: bool, opening: bool, answer: Answer | None
) -> None:
    """Note where the sender of a response asks to be reached; `opening`: it answers what opens the dialog.

    `answer` is the called side's, where the response is a 2xx of its. A route set does not change later (RFC 3261
    section 12.2). What stands in Record-Route below our own entry is of the other side, which must not be named in its
    place.
    """
    found = _usual_names(response, own, opening)
    if found is None:
        found = _all_names(response, own, opening)
    if found is None:
        return  # relayed by its quick reading: what is wrong with it must not stop a transaction between two states
    contact, routes = found
    learn = dialog.learn_caller if from_caller else dialog.learn_callee
    if contact and len(contact) <= LONGEST_NAME:
        contact = learn(contact)
        if answer is not None:
            answer.contact = contact
        elif from_caller:
            dialog.caller_contact = contact
    if routes:
        routes = [learn(route) if len(route) <= LONGEST_NAME else route for route in routes]
    if answer is not None and opening:
        answer.routes = _route_set(routes[::-1])  # below stands who is nearer to us


def _usual_names(response: bytes, own: OwnSide, opening: bool) -> tuple[bytes, list[bytes]] | None:
    """Contact and the Record-Routes above ours, where both are spelt as usual and none stands above ours; else None."""
    head_end = response.find(b"\r\n\r\n")
    start = response.find(_CONTACT, 0, head_end)
    if start < 0:
        return None
    start += len(_CONTACT)
    end = response.find(b"\r\n", start)
    if response[end + 2] in b" \t":
        return None
    if opening:
        route = response.find(_RECORD_ROUTE, 0, head_end) + len(_RECORD_ROUTE)
        if response[route : response.find(b"\r\n", route)] not in own.routes:
            return None
    return response[start:end], []


def _all_names(response: bytes, own: OwnSide, opening: bool) -> tuple[bytes, list[bytes]] | None:
    """The same of any response; None where it cannot be read."""
    try:
        message = SipMessage(response)
    except Malformed:
        return None
    routes: list[bytes] = []
    for span in message.spans(headers.RECORD_ROUTE) if opening else ():
        line = message.text(span)
        for start, end in split_list(line):
            if line[start:end] in own.routes:
                return message.value(headers.CONTACT) or b"", routes
            routes.append(line[start:end])
    return message.value(headers.CONTACT) or b"", routes


def _route_set(entries: list[bytes]) -> tuple[bytes, ...]:
    """The entries as they are kept; none of them where one is too long, or there are too many: a part leads nowhere."""
    if len(entries) > MAX_NAMES or any(len(entry) > LONGEST_NAME for entry in entries):
        return ()
    return tuple(entries)
