"""Where a side of a dialog asks to be reached: its Contact, and the Record-Route of the proxies in front of it.

RFC 3261 sections 12.1, 12.2.1.2 and 12.2.2: they are learnt from the request that opens the dialog, from its responses,
and from what refreshes the target later.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, split_list
from gateway.signalling.dialogs import Dialog
from gateway.signalling.own_side import OwnSide

LONGEST_NAME: Final = 512
"""A longer value of Contact or Record-Route is not remembered."""
REFRESHING: Final = frozenset({b"INVITE", b"UPDATE", b"SUBSCRIBE", b"NOTIFY", b"REFER"})
"""Methods whose requests and 2xx carry a Contact that counts (RFC 3261, 3311, 6665, 3515)."""

_CONTACT: Final = b"\r\nContact: "
_RECORD_ROUTE: Final = b"\r\nRecord-Route: "


def learn_from_request(dialog: Dialog, request: SipMessage, from_caller: bool, opening: bool) -> None:
    """Note where the sender of a request asks to be reached; `opening`: by the request that opens the dialog."""
    learn = dialog.learn_caller if from_caller else dialog.learn_callee
    contact = request.value(headers.CONTACT)
    if contact is not None and len(contact) <= LONGEST_NAME:
        learn(contact)
    for span in request.spans(headers.RECORD_ROUTE) if opening else ():
        if span[1] - span[0] <= LONGEST_NAME:
            learn(request.text(span))


def learn_from_response(dialog: Dialog, response: bytes, own: OwnSide, from_caller: bool, opening: bool) -> None:
    """Note where the sender of a response asks to be reached; `opening`: it answers what opens the dialog.

    A route set does not change later (RFC 3261 section 12.2). What stands in Record-Route below our own entry is of the
    other side, which must not be named in its place.
    """
    learn = dialog.learn_caller if from_caller else dialog.learn_callee
    head_end = response.find(b"\r\n\r\n")
    start = response.find(_CONTACT, 0, head_end)
    if start >= 0:
        start += len(_CONTACT)
        end = response.find(b"\r\n", start)
        if response[end + 2] not in b" \t":
            usual = response[start:end]
            if usual in (dialog.caller_names if from_caller else dialog.callee_names):
                return  # as in the response before
            if end - start <= LONGEST_NAME:
                learn(usual)
            if not opening:
                return
            start = response.find(_RECORD_ROUTE, 0, head_end) + len(_RECORD_ROUTE)
            if response[start : response.find(b"\r\n", start)] in own.routes:
                return
    try:
        message = SipMessage(response)
    except Malformed:
        return  # relayed by its quick reading: what is wrong with it must not stop a transaction between two states
    contact = message.value(headers.CONTACT)
    if contact is not None and len(contact) <= LONGEST_NAME:
        learn(contact)
    for span in message.spans(headers.RECORD_ROUTE) if opening else ():
        line = message.text(span)
        for first, last in split_list(line):
            if line[first:last] in own.routes:
                return
            if last - first <= LONGEST_NAME:
                learn(line[first:last])
