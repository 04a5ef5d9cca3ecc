"""What every request is asked, whatever it wants: which transaction it belongs to, and how far it may go."""

from __future__ import annotations

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers
from gateway.codecs.sip.grammar import Via
from gateway.codecs.sip.message import SipMessage
from gateway.codecs.sip.relayed import tag_of
from gateway.signalling.transaction_layer import ServerKey
from gateway.signalling.transactions import ServerTransaction


def server_key(request: SipMessage, via: Via, value: bytes) -> ServerKey:
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


def request_of(server: ServerTransaction) -> SipMessage:
    if server.request is None:
        raise AssertionError("the request is kept until it is answered")
    return server.request


def hops_left(request: SipMessage) -> int:
    """Max-Forwards; 70 where it is absent (RFC 3261 section 16.6 step 3). Raises `Malformed`."""
    value = request.value(headers.MAX_FORWARDS)
    if value is None:
        return 70
    digits = value.lstrip(b"0")  # 1*DIGIT: 0068 is 68 (RFC 4475 section 3.1.1.1)
    if not value.isdigit() or len(digits) > 3 or (hops := int(digits or b"0")) > 255:
        raise Malformed("Max-Forwards is not a number from 0 to 255", request.head_end)
    return hops
