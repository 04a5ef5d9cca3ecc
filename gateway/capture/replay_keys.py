"""How a replay finds again what a message of a capture belongs to: by its Via, and by its dialog."""

from __future__ import annotations

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via, tag_of

Key = tuple[bytes, bytes, int, bytes, bytes]
"""Of the Via before the gateway's own: branch (or all of it, of an RFC 2543 element), host, port; Call-ID, CSeq."""

DialogKey = tuple[bytes, bytes, bytes]
"""Call-ID, tag of From and tag of To."""


def dialog_key(message: SipMessage) -> DialogKey:
    """Raises `Malformed`."""
    from_, to = message.required(headers.FROM), message.required(headers.TO)
    return message.required(headers.CALL_ID), tag_of(from_), tag_of(to)


def first_vias(message: SipMessage, count: int) -> list[tuple[Via, bytes]]:
    """The topmost Vias, at most `count`, each with its text. Raises `Malformed` where there is none."""
    found: list[tuple[Via, bytes]] = []
    for span in message.spans(headers.VIA):
        text = message.text(span)
        while text and len(found) < count:
            via = parse_via(text)
            found.append((via, text[: via.end].strip()))
            text = text[via.end :].lstrip(b", \t")
        if len(found) == count:
            break
    if not found:
        raise Malformed("the Via header field is missing", message.head_end)
    return found


def key_of(via: tuple[Via, bytes], message: SipMessage) -> Key:
    """`via` is the Via before the gateway's own, with its text. Raises `Malformed`."""
    value, text = via
    branch = value.branch if value.branch.startswith(b"z9hG4bK") else text
    return branch, value.host, value.port, message.required(headers.CALL_ID), message.required(headers.CSEQ)
