"""SIP messages of our user agent: requests within a dialog, responses, and the lines that they have in common.

Everything that is made up here follows from the call: the same call gives the same bytes, live and when a capture of it
is decided again.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final
from zlib import crc32

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import LONGEST_URI, SipMessage, headers, parse_name_addr, response_to, split_list, tag_of
from gateway.interconnection.trunk_groups import Hop, Transport

ALLOW: Final = b"Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS\r\n"
METHODS: Final = frozenset({b"INVITE", b"ACK", b"CANCEL", b"BYE", b"PRACK", b"UPDATE", b"INFO", b"OPTIONS"})
SUPPORTED: Final = b"Supported: 100rel\r\n"
MAX_ROUTES: Final = 32
"""Entries of a route set that are heeded; who sends more of them gets no requests through them."""

PHRASES: Final = {
    **{100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 183: "Session Progress", 200: "OK"},
    **{400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout"},
    **{410: "Gone", 415: "Unsupported Media Type", 420: "Bad Extension", 480: "Temporarily Unavailable"},
    **{
        481: "Call/Transaction Does Not Exist",
        482: "Loop Detected",
        484: "Address Incomplete",
        486: "Busy Here",
        487: "Request Terminated",
    },
    **{488: "Not Acceptable Here", 491: "Request Pending", 500: "Server Internal Error", 501: "Not Implemented"},
    **{502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out", 603: "Decline"},
}
_NO_BODY: Final = b"Content-Length: 0\r\n\r\n"


def tag_for(call_id: bytes, other_tag: bytes) -> bytes:
    """Our tag in the dialog of a Call-ID, with the other side's tag where that comes first."""
    return b"ss7" + blake2b(call_id + b"\n" + other_tag, digest_size=8).hexdigest().encode()


def host_of(hop: Hop) -> bytes:
    """A hop's host as a URI writes it."""
    return f"[{hop.host}]".encode() if ":" in hop.host else hop.host.encode()


def contact_of(own: Hop, exchange: Hop, *, secure: bool) -> bytes:
    """The Contact line: requests of the dialog come to the gateway, which knows by the dialog whose they are."""
    scheme = b"sips" if secure else b"sip"
    transport = b"" if own.transport is Transport.UDP or secure else b";transport=%s" % own.transport.value.encode()
    address = b"%s:%s@%s:%d%s" % (scheme, exchange.host.encode(), host_of(own), own.port, transport)
    return b"Contact: <%s>\r\n" % address


def via_of(exchange: Hop, port: int, branch: bytes) -> bytes:
    """The Via line of a request: the exchange stands in it as a host that no name server knows (RFC 2606).

    `port` is that of the trunk group's member, by which groups with the same exchange are told apart.
    """
    return b"Via: SIP/2.0/TCP %s.invalid:%d;branch=z9hG4bK-%s\r\n" % (exchange.host.encode(), port, branch)


def answer_to(
    request: SipMessage,
    status: int,
    to_tag: bytes,
    lines: bytes = b"",
    body: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """A response. `lines` are header lines; `body` its own header lines and its bytes."""
    phrase = PHRASES.get(status, "Call Failed")
    data = response_to(request, status, phrase, to_tag=to_tag, extra=lines + body[0])
    if not body[1]:
        return data
    return data[: -len(_NO_BODY)] + b"Content-Length: %d\r\n\r\n%s" % (len(body[1]), body[1])


def record_routes(message: SipMessage) -> bytes:
    """The Record-Route lines of a request, as its responses repeat them (RFC 3261 section 12.1.1)."""
    return b"".join(b"Record-Route: %s\r\n" % message.text(span) for span in message.spans(headers.RECORD_ROUTE))


class Leg:
    """One dialog of ours: who the two ends are, where the other one is, and by what way (RFC 3261 section 12)."""

    __slots__ = ("_cseq", "_exchange", "_routes", "call_id", "local", "local_tag", "port", "remote", "target")

    def __init__(self, exchange: Hop, port: int, call_id: bytes, local: bytes, local_tag: bytes, remote: bytes) -> None:
        """`local` and `remote` are the values of From and To in our requests, tags included where they are known.

        `remote` is also where the other side is taken to be until a Contact says it.
        """
        self._exchange: Final = exchange
        self.port: Final = port
        self.call_id: Final = call_id
        self.local: Final = local
        self.local_tag: Final = local_tag
        self.remote = remote
        self.target = _uri_in(remote) or b"sip:unknown.invalid"
        """The URI in the other side's Contact."""
        self._routes = b""
        self._cseq = 0

    def learn(self, message: SipMessage, *, from_caller: bool) -> None:
        """The message that makes the dialog: a request of the caller, or a response to one."""
        self.retarget(message)
        lines = [message.text(span) for span in message.spans(headers.RECORD_ROUTE)]
        entries = [line[start:end].strip() for line in lines for start, end in split_list(line)][:MAX_ROUTES]
        if not from_caller:
            entries.reverse()
        self._routes = b"".join(b"Route: %s\r\n" % entry for entry in entries)

    def retarget(self, message: SipMessage) -> None:
        """Take the Contact of a message that may change where the other side is; what cannot be read says nothing."""
        contact = message.value(headers.CONTACT)
        if contact is not None:
            first = next(split_list(contact), None)
            if first is not None:
                self.target = _uri_in(contact[first[0] : first[1]]) or self.target

    @property
    def remote_tag(self) -> bytes:
        return tag_of(self.remote)

    def next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    @property
    def cseq(self) -> int:
        """Number of the latest request of ours."""
        return self._cseq

    def request(
        self,
        method: bytes,
        number: int,
        lines: bytes = b"",
        body: tuple[bytes, bytes] = (b"", b""),
        *,
        uri: bytes = b"",
        hops: int = 70,
    ) -> bytes:
        """A request with this number in its CSeq. `uri` stands for the other side's Contact where that is not known."""
        # Forks of one INVITE have our tag in common, and count on their own.
        branch = b"%s-%d%s-%x" % (self.local_tag, number, method, crc32(self.remote_tag))
        return b"".join(
            (
                b"%s %s SIP/2.0\r\n" % (method, uri or self.target),
                via_of(self._exchange, self.port, branch),
                b"Max-Forwards: %d\r\n" % hops,
                self._routes,
                b"From: %s\r\nTo: %s\r\nCall-ID: %s\r\n" % (self.local, self.remote, self.call_id),
                b"CSeq: %d %s\r\n" % (number, method),
                lines,
                body[0],
                b"Content-Length: %d\r\n\r\n" % len(body[1]),
                body[1],
            )
        )


def _uri_in(address: bytes) -> bytes:
    """The URI of an address; empty where it cannot be read, or has what no start line may have."""
    try:
        uri = parse_name_addr(address).uri
    except Malformed:
        return b""
    return uri if uri and not _WHITE.search(uri) and len(uri) <= LONGEST_URI else b""


_WHITE: Final = re.compile(rb"[\x00-\x20\x7f]")


def _tokens(value: bytes | None) -> bytes:
    """The tokens of a list, in lower case, commas and white space as single commas around each: ``,100rel,timer,``."""
    if value is None:
        return b""
    return b"," + b",".join(value.lower().replace(b",", b" ").split()) + b","


def wants(message: SipMessage, header: headers.Header, option: bytes) -> bool:
    """Whether an option tag stands in any line of Supported or Require."""
    return any(b"," + option + b"," in _tokens(message.text(span)) for span in message.spans(header))


def cause_values(message: SipMessage) -> list[bytes]:
    """Values of Reason."""
    return [message.text(span) for span in message.spans(headers.REASON)]


_RSEQ: Final = re.compile(rb"\r\nRSeq[ \t]*:[ \t]*([0-9]{1,10})[ \t]*(?=\r\n)", re.IGNORECASE)
_RACK: Final = re.compile(rb"\r\nRAck[ \t]*:[ \t]*([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+(\w+)", re.IGNORECASE)
_WARNING: Final = re.compile(rb"\r\nWarning[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


def rseq_of(response: SipMessage) -> int | None:
    """RSeq of a provisional response; None where it has none (RFC 3262)."""
    match = _RSEQ.search(response.data, 0, response.head_end + 2)
    return int(match[1]) if match is not None else None


def rack_of(request: SipMessage) -> tuple[int, int] | None:
    """RAck of a PRACK: the RSeq of the response, and the CSeq number of the INVITE; None where it has none."""
    match = _RACK.search(request.data, 0, request.head_end + 2)
    return (int(match[1]), int(match[2])) if match is not None else None


def warnings_of(response: SipMessage) -> list[bytes]:
    """Values of Warning, the first few."""
    return _WARNING.findall(response.data, 0, response.head_end + 2)[:4]
