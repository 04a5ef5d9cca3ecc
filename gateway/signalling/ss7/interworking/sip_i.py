"""ISUP messages in the bodies of SIP messages: SIP-T and SIP-I (RFC 3204, RFC 3372, Q.1912.5 annex C).

A message goes without its CIC, beside the session description where there is one. Its media type names the edition of
ISUP that it is of; what is of another edition than the other side speaks is not sent.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs import mime
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers
from gateway.codecs.ss7.isup import IsupMessage, variant_of_iam
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.isup_body import isup_body, variant_of_edition

SDP: Final = b"application/sdp"
ISUP: Final = b"application/isup"
ACCEPT: Final = b"Accept: application/sdp, application/isup, multipart/mixed\r\n"
_LONGEST_EDITION: Final = 64
_DISPOSITION: Final = b"Content-Disposition: signal;handling=optional"


class Bodies(NamedTuple):
    """What the body of a SIP message holds."""

    sdp: bytes | None
    isup: IsupMessage | None
    edition: bytes
    """Parameters of the ISUP body's media type as they came, ``version=ansi88``; empty where there is none."""
    unknown: bool
    """There is a body, and nothing in it that we know."""


NOTHING: Final = Bodies(None, None, b"", False)


def bodies_of(message: SipMessage) -> Bodies:
    """Take the body apart. Raises `Malformed`, with an offset in the SIP message."""
    content_type = message.value(headers.CONTENT_TYPE)
    start, end = message.body_offset, message.body_end()
    if content_type is None or end <= start:
        return NOTHING
    if content_type == SDP:
        return Bodies(message.data[start:end], None, b"", False)
    sdp = None
    for part in mime.parts_of(content_type, message.data, start, end):
        if sdp is None and part.content_type[:32].strip().lower().startswith(SDP):
            sdp = message.data[part.start : part.end]
    body = isup_body(message, content_type)
    if body is None:
        return Bodies(sdp, None, b"", sdp is None)
    if body.encoded:
        raise Malformed("the ISUP message is not binary", body.start)
    data = message.data[body.start : body.end]
    try:
        variant = body.variant or variant_of_iam(data, has_cic=False)
        return Bodies(sdp, IsupMessage(data, variant, has_cic=False), body.edition, False)
    except Malformed as fault:
        raise Malformed(fault.what, body.start + fault.offset) from None


def edition_of(token: str) -> bytes:
    """Parameters of the media type of a trunk group's setting: ``ansi88``, ``nxv3;base=ansi88``."""
    return b"version=" + token.encode("ascii")[:_LONGEST_EDITION]


def speaks(edition: bytes, variant: Variant) -> bool:
    """Whether an edition is one of a variant's, so that its messages may be sent under that name."""
    return bool(edition) and variant_of_edition(mime.media_type(ISUP + b";" + edition).parameters) is variant


def body_of(sdp: bytes, isup: IsupMessage | None, edition: bytes) -> tuple[bytes, bytes]:
    """Header lines and bytes of a body of these; both empty where there is nothing to say."""
    if isup is None or not speaks(edition, isup.variant):
        return (b"Content-Type: %s\r\n" % SDP, sdp) if sdp else (b"", b"")
    isup_head = b"Content-Type: %s;%s\r\n%s" % (ISUP, edition, _DISPOSITION)
    signal = isup.without_cic().data
    if not sdp:
        return isup_head + b"\r\n", signal
    content_type, body = mime.multipart_mixed([(b"Content-Type: " + SDP, sdp), (isup_head, signal)])
    return b"Content-Type: %s\r\nMIME-Version: 1.0\r\n" % content_type, body
