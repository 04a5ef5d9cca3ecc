"""What the gateway reads in responses that it does not only pass on: Retry-After, and a 2xx that nobody waits for."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_name_addr, split_list
from gateway.signalling.own_requests import request_in_dialog

_DELTA_SECONDS: Final = re.compile(rb"[0-9]{1,9}(?=[ \t;(]|\Z)")


def retry_after_of(response: bytes) -> int | None:
    """Seconds of a response's Retry-After (RFC 3261 section 20.33); None where it has none that can be read."""
    try:
        value = SipMessage(response).value(headers.RETRY_AFTER)
    except Malformed:
        return None
    found = _DELTA_SECONDS.match(value) if value is not None else None
    return int(found[0]) if found is not None else None


class Release(NamedTuple):
    """What ends the call of a 2xx, as who had sent the INVITE would write it, but for the Via."""

    ack: bytes
    bye: bytes
    names: tuple[bytes, ...]
    """Contact and Record-Routes of who answered: where it asks to be reached."""


def release_of(answer: SipMessage, own_routes: Set[bytes]) -> Release:
    """ACK and BYE for a 2xx to an INVITE.

    `own_routes` are our entries in Record-Route: the route set is what stands above them, turned round (RFC 3261
    section 12.1.2). Raises `Malformed` where the answer lacks what they need.
    """
    number, _ = answer.cseq()
    contact = answer.value(headers.CONTACT)
    names = [contact if contact is not None else answer.required(headers.TO)]
    target = parse_name_addr(names[0]).uri
    for route in _entries(answer):
        if route in own_routes:
            break
        names.append(route)
    routes = names[:0:-1]
    from_, to = answer.required(headers.FROM), answer.required(headers.TO)
    call_id = answer.required(headers.CALL_ID)
    return Release(
        request_in_dialog(b"ACK", target, routes, from_, to, call_id, number),
        request_in_dialog(b"BYE", target, routes, from_, to, call_id, number + 1),
        tuple(names),
    )


def _entries(answer: SipMessage) -> list[bytes]:
    lines = [answer.text(span) for span in answer.spans(headers.RECORD_ROUTE)]
    return [line[start:end].strip() for line in lines for start, end in split_list(line)]
