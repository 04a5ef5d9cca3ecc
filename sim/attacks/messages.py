"""What attackers send: SIP messages made from one number each, so that ten thousand of them are cheap to make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from sim.sip_text import Address, SipText, host_port, uri_of


class Kind(Enum):
    """What an attack consists of."""

    CALLS = "calls"  # INVITEs that are acknowledged, and ended as a caller ends a call
    REPEATED_CALL = "one INVITE again and again"
    REGISTER = "REGISTER"
    OPTIONS = "OPTIONS"
    BYE = "BYE of no call"
    CANCEL = "CANCEL of no call"
    ACK = "ACK of no call"
    RESPONSE = "responses to nothing"
    MALFORMED = "malformed datagrams"


class Numbering(NamedTuple):
    """A sequence of telephone numbers: thousands-blocks in turn, and in each the last three digits by `stride`."""

    blocks: tuple[str, ...]
    """In E.164 digits without the last three: ``13142063``."""
    stride: int = 367
    """From a number of a block to its next one. A prime far from 1 and from half a block: no two are neighbours. 1:
    they are in sequence. 0: it is one number."""
    first: int = 0
    size: int = 1_000
    """How many numbers of a block there are, from `first` on."""

    @classmethod
    def from_number(cls, first: str, size: int) -> Numbering:
        """Numbers in sequence, from one in E.164 form on. Raises ValueError where they leave its thousands-block."""
        digits = first.removeprefix("+")
        if not digits.isdigit() or len(digits) < 4 or int(digits[-3:]) + size > 1_000:
            raise ValueError(f"{size} numbers in sequence from {first!r} on are not in one thousands-block")
        return cls((digits[:-3],), 1, int(digits[-3:]), size)

    def number(self, at: int) -> str:
        """The number of the call `at`, in E.164 form."""
        rounds, block = divmod(at, len(self.blocks))
        return f"+{self.blocks[block]}{self.first + rounds * self.stride % self.size:03d}"


class Ends(NamedTuple):
    """Between whom a message goes."""

    own: Address
    target: Address
    mark: str
    """In every Call-ID and branch of this attack, and of no other."""
    domain: str
    """Whose customers the callers say that they are."""


def call_id(ends: Ends, number: int) -> str:
    return f"{ends.mark}-{number}@{ends.domain}"


def invite(ends: Ends, number: int, calling: str, called: str) -> bytes:
    """A call as an honest caller would place it."""
    user = f"<sip:{calling}@{ends.domain};user=phone>"
    uri = f"sip:{called}@{host_port(ends.target)};user=phone"
    extra = (f"Contact: <sip:assault@{host_port(ends.own)}>", f"P-Asserted-Identity: {user}")
    return _request(ends, number, "INVITE", uri, user, f"<{uri}>", extra)


def _bare(method: str, *, in_dialog: bool = False) -> Callable[[Ends, int, str, str], bytes]:
    """Makes requests that are no call: `in_dialog` gives them a To tag, of a dialog that nobody has."""

    def made(ends: Ends, number: int, calling: str, called: str) -> bytes:
        uri = f"sip:{called}@{host_port(ends.target)}"
        tag = ";tag=nobody" if in_dialog else ""
        return _request(ends, number, method, uri, f"<sip:{calling}@{ends.domain}>", f"<{uri}>{tag}", ())

    return made


def _request(
    ends: Ends, number: int, method: str, uri: str, from_: str, to: str, extra: tuple[str, ...], *, cseq: int = 1
) -> bytes:
    lines = (
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {host_port(ends.own)};branch=z9hG4bK{ends.mark}-{number}",
        "Max-Forwards: 70",
        f"From: {from_};tag={number}",
        f"To: {to}",
        f"Call-ID: {call_id(ends, number)}",
        f"CSeq: {cseq} {method}",
        *extra,
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _response(ends: Ends, number: int, calling: str, called: str) -> bytes:
    """An answer to an INVITE that nobody sent, with the gateway's own address in its Via."""
    lines = (
        "SIP/2.0 200 OK",
        f"Via: SIP/2.0/UDP {host_port(ends.target)};branch=z9hG4bK{ends.mark}-{number}",
        f"From: <sip:{calling}@{ends.domain}>;tag={number}",
        f"To: <sip:{called}@{ends.domain}>;tag=nobody",
        f"Call-ID: {call_id(ends, number)}",
        "CSeq: 1 INVITE",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


_BREAKS: Final = (
    (b"CSeq: 1 INVITE", b"CSeq: one INVITE"),
    (b"Content-Length: 0", b"Content-Length: -1"),
    (b"From: <sip:", b"From: <<<>;"),
    (b"Max-Forwards: 70", b"Max-Forwards: many"),
    (b"\r\nTo: ", b"\r\nnobody knows this line\r\nTo: "),
    (b"\r\nCall-ID: ", b"\r\nNo-Call-ID: "),
)
"""What stands in a sound INVITE, and what a broken one has in its place; in turn."""


def _malformed(ends: Ends, number: int, calling: str, called: str) -> bytes:
    sound, broken = _BREAKS[number % len(_BREAKS)]
    return invite(ends, number, calling, called).replace(sound, broken, 1)


MAKERS: Final[Mapping[Kind, Callable[[Ends, int, str, str], bytes]]] = MappingProxyType(
    {
        Kind.CALLS: invite,
        Kind.REPEATED_CALL: invite,
        Kind.REGISTER: _bare("REGISTER"),
        Kind.OPTIONS: _bare("OPTIONS"),
        Kind.BYE: _bare("BYE", in_dialog=True),
        Kind.CANCEL: _bare("CANCEL"),
        Kind.ACK: _bare("ACK", in_dialog=True),
        Kind.RESPONSE: _response,
        Kind.MALFORMED: _malformed,
    }
)
"""How the message of a number is made, from its ends, the number, and the calling and called number of that number."""


def acknowledgement(final: SipText, invite_sent: bytes) -> bytes:
    """The ACK of a final response (RFC 3261 sections 13.2.2.4 and 17.1.1.3)."""
    return _in_reply(final, invite_sent, b"ACK", b"1")


def bye(answer: SipText, invite_sent: bytes) -> bytes:
    """The BYE that ends an answered call (section 15.1.1)."""
    return _in_reply(answer, invite_sent, b"BYE", b"2")


def _in_reply(final: SipText, invite_sent: bytes, method: bytes, cseq: bytes) -> bytes:
    accepted = final.status < 300
    via = final.values(b"via")[0]
    target = uri_of(final.first(b"contact") or b"") if accepted else b""
    target = target or invite_sent.split(b" ", 2)[1]
    lines = [method + b" " + target + b" SIP/2.0", b"Via: " + (via + method.lower() if accepted else via)]
    lines.append(b"Max-Forwards: 70")
    if accepted:
        lines += [b"Route: " + route for route in reversed(final.values(b"record-route"))]
    lines += [f.raw for f in final.fields if f.name in (b"from", b"to", b"call-id")]
    lines += [b"CSeq: " + cseq + b" " + method, b"Content-Length: 0", b"", b""]
    return b"\r\n".join(lines)
