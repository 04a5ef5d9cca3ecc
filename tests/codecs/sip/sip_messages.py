"""Hypothesis strategies for SIP messages as odd as RFC 3261 lets them be, and a plain one to start tables from."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

PLAIN_INVITE: Final = (
    b"INVITE sip:+16365550199@192.0.2.20 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:+13145550100@192.0.2.10>;tag=a\r\n"
    b"To: <sip:+16365550199@192.0.2.20>\r\n"
    b"Call-ID: c1@192.0.2.10\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Max-Forwards: 70\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def invite_with(*lines: bytes, body: bytes = b"") -> bytes:
    """The plain INVITE with further header lines."""
    head, _, _ = PLAIN_INVITE.partition(b"\r\n\r\n")
    return b"\r\n".join((head, *lines)) + b"\r\n\r\n" + body


_TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFG0123456789-.!%*_+`'~", min_size=1, max_size=12)
_BLANK = st.sampled_from(["", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", " \r\n  "])
_FOREIGN_TEXT = st.binary(max_size=40).map(lambda raw: bytes(byte for byte in raw if byte not in b"\r\n\x00"))


def _spelt(name: str, compact: str | None) -> st.SearchStrategy[str]:
    spellings = {name, name.lower(), name.upper(), name.swapcase(), *((compact, compact.upper()) if compact else ())}
    return st.sampled_from(sorted(spellings))


@st.composite
def header_line(draw: st.DrawFn, name: str, compact: str | None, value: bytes) -> bytes:
    """A header line in any spelling, with any white space that the grammar allows around the colon and the value."""
    spelling = draw(st.one_of(st.just(name), _spelt(name, compact)))
    before = draw(st.sampled_from(["", "", " ", "\t"]))
    after = draw(st.one_of(st.just(" "), _BLANK))
    behind = draw(st.sampled_from(["", "", " ", "\t "]))
    return f"{spelling}{before}:{after}".encode() + value + behind.encode() + b"\r\n"


@st.composite
def via_values(draw: st.DrawFn) -> bytes:
    """One Via value."""
    host = draw(st.sampled_from(["192.0.2.10", "192.0.2.10:5062", "sbc.example.com", "[2001:db8::1]:5060"]))
    branch = draw(st.sampled_from([";branch=z9hG4bKx1", ";Branch=z9hG4bK-7", ";rport;branch=z9hG4bK3", ""]))
    extra = draw(st.sampled_from(["", ";ttl=1", ';x="a,b;c"', ';x="\\"," ;y', ";received=192.0.2.77"]))
    return f"SIP/2.0/UDP {host}{branch}{extra}".encode()


@st.composite
def addresses(draw: st.DrawFn) -> bytes:
    """A name-addr or addr-spec without tag."""
    number = draw(st.sampled_from(["+13145550100", "3145550199", "911", "alice"]))
    name = draw(st.sampled_from(["", "Bob ", '"Bob, the >;tag=x" ', '"a \\" <b>"', '"ö" ']))
    parameters = draw(st.sampled_from(["", ";user=phone", ";a=b"]))
    return f"{name}<sip:{number}@example.com{parameters}>".encode()


@st.composite
def _foreign_line(draw: st.DrawFn) -> bytes:
    name = "X-" + draw(_TOKENS)
    value = draw(_FOREIGN_TEXT)
    fold = draw(st.sampled_from([b"", b"", b"\r\n  more: of it", b"\r\n\tVia: not one"]))
    return name.encode() + draw(st.sampled_from([b":", b" : ", b": "])) + value + fold + b"\r\n"


@st.composite
def heads(draw: st.DrawFn, cseq_method: str = "INVITE") -> list[bytes]:
    """The header lines of a message that passes `SipMessage.check`, in any order but for the Vias among themselves."""
    vias = draw(st.lists(via_values(), min_size=1, max_size=4))
    cut = draw(st.integers(1, len(vias)))
    comma = draw(st.sampled_from([b",", b", ", b" ,\r\n "]))
    lines = [
        draw(header_line("From", "f", draw(addresses()) + b";tag=a")),
        draw(header_line("To", "t", draw(addresses()) + draw(st.sampled_from([b"", b";tag=b"])))),
        draw(header_line("Call-ID", "i", draw(_TOKENS).encode() + b"@host")),
        draw(header_line("CSeq", None, b"%d %s" % (draw(st.integers(0, 2**31 - 1)), cseq_method.encode()))),
        *draw(st.lists(_foreign_line(), max_size=5)),
        *draw(st.lists(header_line("Contact", "m", draw(addresses())), max_size=2)),
    ]
    if draw(st.booleans()):
        lines.append(draw(header_line("Max-Forwards", None, b"%d" % draw(st.integers(1, 255)))))
    if draw(st.booleans()):
        lines.append(draw(header_line("P-Asserted-Identity", None, draw(addresses()))))
    lines = draw(st.permutations(lines))
    via_lines = [draw(header_line("Via", "v", comma.join(vias[:cut])))]
    via_lines += [draw(header_line("Via", "v", value)) for value in vias[cut:]]
    places = sorted(draw(st.integers(0, len(lines))) for _ in via_lines)
    for number, (place, line) in enumerate(zip(places, via_lines, strict=True)):
        lines.insert(place + number, line)
    return lines


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """An INVITE that passes `SipMessage.check`."""
    body = draw(st.binary(max_size=60))
    return b"INVITE sip:+16365550199@192.0.2.20 SIP/2.0\r\n" + b"".join(draw(heads())) + b"\r\n" + body


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A response to an INVITE."""
    status = draw(st.sampled_from([b"180 Ringing", b"200 OK", "486 Besetzt, ö".encode(), b"100 "]))
    return b"SIP/2.0 " + status + b"\r\n" + b"".join(draw(heads())) + b"\r\n" + draw(st.binary(max_size=60))


NOISE: Final = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b"\r\n",
                b"\r",
                b"\n",
                b" ",
                b"\t",
                b",",
                b";",
                b":",
                b'"',
                b"\\",
                b"<",
                b">",
                b"@",
                b"=",
                b"\x00",
                b"\xff",
                b"INVITE ",
                b"sip:a@b",
                b" SIP/2.0",
                b"SIP/2.0 200 OK",
                b"\r\nVia: ",
                b"\r\nv:",
                b"SIP/2.0/UDP h",
                b"\r\nTo: ",
                b"\r\nFrom: ",
                b"\r\nCSeq: 1 INVITE",
                b"\r\nCall-ID: x",
                b";tag=",
                b"tel:",
                b"%41",
                b"\r\n\r\n",
            ]
        ),
        max_size=40,
    ).map(b"".join),
)
"""Bytes that look like SIP often enough to get past the first test of each function."""
