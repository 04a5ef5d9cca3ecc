"""SIP-I: the IAM that an INVITE carries in its body, beside or without a session description (RFC 3204, Q.1912.5)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.codecs import mime
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage
from gateway.codecs.ss7.isup import IsupMessage, variant_of_iam
from gateway.codecs.ss7.variant import Variant
from gateway.policy.call_attempt import CallAttempt, TextFact
from gateway.signalling.isup_attempt import facts_of_iam, nobodys_call

MEDIA_TYPE: Final = b"application/isup"
_NOT_ENCODED: Final = frozenset({b"", b"binary", b"8bit", b"7bit"})
_EDITIONS: Final = (
    (b"ansi", Variant.ANSI),
    (b"gr317", Variant.ANSI),
    (b"gr-317", Variant.ANSI),
    (b"itu", Variant.ITU),
    (b"etsi", Variant.ITU),
)
"""How the versions and bases of each variant begin (RFC 3204 section 4.1)."""


class IsupBody(NamedTuple):
    """An ISUP message in the body of a SIP message. It has no CIC."""

    variant: Variant | None
    """As its media type says; None where that says nothing that we know."""
    encoded: bytes
    """Content-Transfer-Encoding, where one hides the message's bytes; else empty."""
    edition: bytes
    """Parameters of its media type that name the edition: ``version=nxv3;base=ansi88``; empty where none does."""
    start: int
    """Where it starts and ends in the SIP message."""
    end: int


def isup_body(message: SipMessage, content_type: bytes) -> IsupBody | None:
    """The ISUP message in the body of a SIP message; None where it carries none.

    Raises `Malformed`, with an offset in the SIP message, where the body cannot be taken apart, or carries two.
    """
    found: IsupBody | None = None
    for part in mime.parts_of(content_type, message.data, message.body_offset, message.body_end()):
        if not part.content_type[:32].strip().lower().startswith(MEDIA_TYPE):
            continue
        try:
            kind = mime.media_type(part.content_type)
        except Malformed as fault:
            raise Malformed(fault.what, part.start) from None
        if kind.name != MEDIA_TYPE:
            continue
        if found is not None:
            raise Malformed("the body carries two ISUP messages", part.start)
        encoded = b"" if part.encoding in _NOT_ENCODED else part.encoding
        found = IsupBody(variant_of_edition(kind.parameters), encoded, _edition(kind.parameters), part.start, part.end)
    return found


def add_isup_body(
    attempt: CallAttempt, invite: SipMessage, content_type: bytes, emergency_numbers: frozenset[str]
) -> None:
    """Give an attempt what the IAM in the body of its INVITE says, or why that cannot be read. Never raises.

    Whether the call is an emergency is for the Request-URI alone to say: it is what routes the call, and nobody is let
    through for what a body that nobody follows claims.
    """
    try:
        body = isup_body(invite, content_type)
    except Malformed as fault:
        attempt.unreadable_body = _unreadable(invite, invite.body_offset, len(invite.data), fault)
        return
    if body is None:
        return
    try:
        attempt.encapsulated = _read(attempt, invite, body, emergency_numbers)
    except Malformed as fault:
        attempt.unreadable_body = _unreadable(invite, body.start, body.end, fault)


def _read(attempt: CallAttempt, invite: SipMessage, body: IsupBody, emergency_numbers: frozenset[str]) -> CallAttempt:
    if body.encoded:
        encoding = body.encoded[:40].decode("ascii", "replace")
        raise Malformed(f"the ISUP message is encoded as {encoding}, and would have to be binary", body.start)
    data = invite.data[body.start : body.end]
    try:
        variant = body.variant or variant_of_iam(data, has_cic=False)
        iam = IsupMessage(data, variant, has_cic=False)
    except Malformed as fault:
        raise Malformed(fault.what, body.start + fault.offset) from None
    return facts_of_iam(
        iam,
        body.start,
        attempt.at_us,
        attempt.call_id,
        attempt.source,
        attempt.ingress,
        nobodys_call,
        emergency_numbers,
    )


def _unreadable(invite: SipMessage, start: int, end: int, fault: Malformed) -> TextFact:
    return TextFact("application/isup", invite.data[start:end], start, f"{fault.what} (at byte {fault.offset})")


def variant_of_edition(parameters: dict[bytes, bytes]) -> Variant | None:
    """The variant of ISUP that the parameters of a media type name; None where they name none that we know."""
    for name in (b"version", b"base"):
        edition = parameters.get(name, b"").lower()
        for beginning, variant in _EDITIONS:
            if edition.startswith(beginning):
                return variant
    return None


_TOKEN: Final = re.compile(rb"[A-Za-z0-9.+_-]{1,32}")


def _edition(parameters: dict[bytes, bytes]) -> bytes:
    named = [(name, parameters.get(name, b"")) for name in (b"version", b"base")]
    return b";".join(name + b"=" + value for name, value in named if _TOKEN.fullmatch(value))
