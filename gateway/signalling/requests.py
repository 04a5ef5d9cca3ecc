"""What every request is asked, whatever it wants: which transaction it belongs to, and how far it may go."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, completed_via, headers, parameter_of, split_list, tag_of
from gateway.codecs.sip.headers import Header
from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup
from gateway.signalling.transaction_layer import ServerKey
from gateway.signalling.transactions import ServerTransaction

SCHEMES: Final = frozenset({b"sip", b"sips", b"tel", b"urn"})
EXTENSIONS: Final = frozenset({b"timer"})
"""Option tags that may be asked of us as a proxy (RFC 4028)."""
MAX_NAMED: Final = 32
"""Unsupported extensions that an answer names: one that names thousands is longer than what asked for them."""
_USUAL_HOPS: Final = {b"%d" % number: number for number in range(1, 71)}
MAX_VIAS: Final = 70
"""As many hops as Max-Forwards usually allows."""
_UDP: Final = Transport.UDP
_SS7: Final = Transport.SS7


def server_key(request: SipMessage, via: Via, value: bytes, sender: str) -> ServerKey:
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
    return branch, via.host, via.port, method, sender


def sender_of(source: Hop, group: TrunkGroup | None, known_host: bool) -> str:
    """Whose branches a request's branch is one of.

    A branch can often be guessed: neither a stranger's nor that of another trunk group must stand for somebody's call,
    to forestall or cancel it.
    """
    if group is not None:
        return group.name
    return source.host if known_host else f"{source.host}:{source.port}"


def reply_address(source: Hop, via: Via, value: bytes, hosts: Set[str]) -> Hop:
    """Where responses go (RFC 3261 section 18.2.2, RFC 3581 section 4).

    Over a connection, back on it. A datagram is answered to where it came from, at the port that the Via names unless
    the sender asks for its own. A maddr counts where it is one of `hosts`: it must not turn answers on a third party.
    """
    if source.transport is not _UDP:
        return source
    if b"maddr" in value or b"MADDR" in value:
        maddr = (parameter_of(value[: via.end], b"maddr") or b"").strip(b"[]").decode("ascii", "replace")
        if maddr in hosts:
            return Hop(maddr, via.port)
    return source if via.rport or via.port == source.port else Hop(source.host, via.port)


def received_via(value: bytes, via: Via, source: Hop) -> bytes | None:
    """The previous hop's Via as it goes back, with where it came from; None where nothing is to be filled in.

    A point code is no address that the grammar has a place for (RFC 3261 section 25.1), and our own user agent, which
    stands before it, needs none.
    """
    return None if source.transport is _SS7 else completed_via(value, via, source.host, source.port)


def vias_of(request: SipMessage) -> Iterator[bytes]:
    """Every value of Via, in order, the first MAX_VIAS of them."""
    count = 0
    for span in request.spans(headers.VIA):
        line = request.text(span)
        for start, end in split_list(line):
            count += 1
            if count > MAX_VIAS:
                return
            yield line[start:end]


def scheme_of(request: SipMessage) -> bytes:
    """Of the Request-URI, in lower case. Raises `Malformed` where there is none (RFC 4475 section 3.1.2.7)."""
    scheme = request.request_uri.partition(b":")[0].lower()
    if not scheme[:1].isalpha():
        raise Malformed("the Request-URI does not start with a scheme", len(request.method) + 1)
    return scheme


def unsupported_by_us(request: SipMessage, header: Header, known: Set[bytes] = EXTENSIONS) -> bytes:
    """The extensions in Require or Proxy-Require that are not `known` (RFC 3261 section 16.3 step 5), as a list."""
    if request.value(header) is None:
        return b""
    found: list[bytes] = []
    for span in request.spans(header):
        found += (tag for tag in request.text(span).replace(b",", b" ").split() if tag.lower() not in known)
    return b", ".join(found[:MAX_NAMED])


def request_of(server: ServerTransaction) -> SipMessage:
    if server.request is None:
        raise AssertionError("the request is kept until it is answered")
    return server.request


def hops_left(request: SipMessage) -> int:
    """Max-Forwards; 70 where it is absent (RFC 3261 section 16.6 step 3). Raises `Malformed`."""
    value = request.value(headers.MAX_FORWARDS)
    if value is None:
        return 70
    usual = _USUAL_HOPS.get(value)
    if usual is not None:
        return usual
    digits = value.lstrip(b"0")  # 1*DIGIT: 0068 is 68 (RFC 4475 section 3.1.1.1)
    if not value.isdigit() or len(digits) > 3 or (hops := int(digits or b"0")) > 255:
        raise Malformed("Max-Forwards is not a number from 0 to 255", request.head_end)
    return hops
