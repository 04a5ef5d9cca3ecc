"""Via, name-addr, URIs and lists, in tables, against arbitrary bytes, and against another parser."""

from __future__ import annotations

import itertools
import re

import pytest
import sipmessage
from codecs_at_hand import Codec
from hypothesis import given
from hypothesis import strategies as st
from sip_messages import NOISE, requests

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import Via, headers
from gateway.codecs.sip.python.grammar import LONGEST_URI, LONGEST_VALUE


@pytest.mark.parametrize(
    ("value", "host", "port", "branch", "rport"),
    [
        (b"SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK7", b"192.0.2.1", 5062, b"z9hG4bK7", False),
        (b"SIP/2.0/UDP h", b"h", 5060, b"", False),
        (b"SIP/2.0/UDP h;rport;branch=z9hG4bK7", b"h", 5060, b"z9hG4bK7", True),
        (b"SIP/2.0/UDP h;RPORT;Branch=z9hG4bK7", b"h", 5060, b"z9hG4bK7", True),
        (b"SIP/2.0/UDP h;rport=5070", b"h", 5060, b"", False),
        (b"SIP/2.0/UDP h;rport=", b"h", 5060, b"", True),
        (b"SIP/2.0/UDP h ; branch = z9hG4bK7 ; rport", b"h", 5060, b"z9hG4bK7", True),
        (b"SIP / 2.0 / UDP h : 5061 ;branch=b", b"h", 5061, b"b", False),
        (b"SIP/2.0/a_b h;branch=b", b"h", 5060, b"b", False),
        (b"SIP/2.0/a_b  h;branch=b", b"h", 5060, b"b", False),
        (b"SIP/2.0/UDP h;branch= b ;x", b"h", 5060, b"b", False),
        (b"SIP/2.0/TLS [2001:db8::1]:5061;branch=b", b"[2001:db8::1]", 5061, b"b", False),
        (b"SIP/2.0/UDP [::1];branch=b", b"[::1]", 5060, b"b", False),
        (b'SIP/2.0/UDP h;x="a;branch=no,";branch=b', b"h", 5060, b"b", False),
        (b'SIP/2.0/UDP h;x="\\",";branch=b', b"h", 5060, b"b", False),
        (b'SIP/2.0/UDP h;x="y" ;branch=b', b"h", 5060, b"b", False),
        (b"SIP/2.0/UDP\th;branch=b", b"h", 5060, b"b", False),
        (b"SIP/2.0/X-new h:65535;branch=b", b"h", 65535, b"b", False),
        (b"SIP/2.0/UDP a;branch=1,SIP/2.0/UDP b;branch=2", b"a", 5060, b"1", False),
        (b'SIP/2.0/UDP a;x=",";branch=1 , SIP/2.0/UDP b;branch=2', b"a", 5060, b"1", False),
    ],
)
def test_a_via_is_taken_apart(codec: Codec, value: bytes, host: bytes, port: int, branch: bytes, rport: bool) -> None:
    via = codec.parse_via(value)
    assert via[1:5] == (host, port, branch, rport)
    assert via.end == next(codec.split_list(value))[1]
    assert via.sent_by == b"%s:%d" % (host, port)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b",",
        b",SIP/2.0/UDP h",
        b"SIP/2.0/UDP",
        b"SIP/2.0/UDP ",
        b"SIP/1.0/UDP h",
        b"HTTP/2.0/UDP h",
        b"SIP/2.0/UDP h:port",
        b"SIP/2.0/UDP h:65536",
        b"SIP/2.0/UDP h:123456",
        b"SIP/2.0/UDP h two",
        b'SIP/2.0/UDP h;x="open',
        b'SIP/2.0/UDP h;x="a"b',
        b"SIP/2.0/UDP [::1;branch=b",
        b"SIP/2.0/UDP h;x=<a,SIP/2.0/UDP b>",
        b"SIP/2.0/\xff h",
        b"SIP/2.0/UDP h;branch=b;;x",  # RFC 4475 section 3.1.2.1
        b"SIP/2.0/UDP h;",
        b"SIP/2.0/UDP h ; ;branch=b",
        b"SIP/2.0/UDP h;branch=b;;,;,,",
    ],
)
def test_what_is_no_via_is_malformed(codec: Codec, value: bytes) -> None:
    with pytest.raises(Malformed):
        codec.parse_via(value)


def test_a_via_of_semicolons_and_an_open_quote_is_refused_at_once(codec: Codec) -> None:
    for filling in (b";", b";a", b"; ", b' ;x="y"', b"\\", b" "):
        with pytest.raises(Malformed):
            codec.parse_via(b"SIP/2.0/UDP h;" + filling * 16_384 + b';"')


@pytest.mark.parametrize(
    ("value", "values"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b" a\t", [b"a"]),
        (b"a,b , c", [b"a", b"b", b"c"]),
        (b"a\r\n ,\r\n\tb", [b"a", b"b"]),
        (b"a,", [b"a"]),
        (b",a", [b"", b"a"]),
        (b"a,,b", [b"a", b"", b"b"]),
        (b'"a,b" <c,d>,e', [b'"a,b" <c,d>', b"e"]),
        (b'"a\\",b",c', [b'"a\\",b"', b"c"]),
        (b'"a\\\\",b', [b'"a\\\\"', b"b"]),
        (b'"open,b', [b'"open,b']),
        (b"<open,b", [b"<open,b"]),
        (b'a,"\\', [b"a", b'"\\']),
    ],
)
def test_a_list_is_split_at_its_own_commas(codec: Codec, value: bytes, values: list[bytes]) -> None:
    assert [value[start:end] for start, end in codec.split_list(value)] == values


@pytest.mark.parametrize(
    ("value", "name", "uri", "tag"),
    [
        (b"<sip:1@h>", b"", b"sip:1@h", b""),
        (b"<sip:1@h>;tag=x", b"", b"sip:1@h", b"x"),
        (b"sip:1@h;tag=x", b"", b"sip:1@h", b"x"),
        (b"sip:1@h ;tag=x", b"", b"sip:1@h", b"x"),
        (b"sip:1@h", b"", b"sip:1@h", b""),
        (b"<sip:1@h;tag=uri>", b"", b"sip:1@h;tag=uri", b""),
        (b"<sip:1@h;tag=uri>;a=b; TAG = x ;c", b"", b"sip:1@h;tag=uri", b"x"),
        (b"Bob Smith <sip:1@h>;tag=x", b"Bob Smith", b"sip:1@h", b"x"),
        (b'"Bob <sip:2@h>;tag=y" <sip:1@h>;tag=x', b"Bob <sip:2@h>;tag=y", b"sip:1@h", b"x"),
        (b'"a\\"b\\\\" <sip:1@h>', b'a"b\\', b"sip:1@h", b""),
        (b'""<sip:1@h>', b"", b"sip:1@h", b""),
        (b'<sip:1@h>;x=">;tag=no;";tag=yes', b"", b"sip:1@h", b"yes"),
        (b'<sip:1@h>;x="a;tag=no"', b"", b"sip:1@h", b""),
        (b'<sip:1@h>;x="\\";tag=no;\\""', b"", b"sip:1@h", b""),
        (b'sip:1@h;x=";tag=no;"', b"", b"sip:1@h", b""),
        (b"\xff\xfe <sip:1@h>;tag=\xff", b"\xff\xfe", b"sip:1@h", b"\xff"),
    ],
)
def test_a_name_addr_is_taken_apart(codec: Codec, value: bytes, name: bytes, uri: bytes, tag: bytes) -> None:
    address = codec.parse_name_addr(value)
    assert (address.display_name, address.uri, address.tag) == (name, uri, tag)
    assert value[address.uri_offset :].startswith(address.uri)


@pytest.mark.parametrize(
    "value",
    [
        b"<sip:1@h",
        b'"open <sip:1@h>',
        b'"a" sip:1@h',
        b'"a" b <sip:1@h>',
        b'x "<sip:2@h>" <sip:1@h>',
        b"<sip:1@h> x;tag=y",
        b"<sip:1@h><sip:2@h>",
        b'"a\\" <sip:1@h>',
    ],
)
def test_what_is_no_name_addr_is_malformed(codec: Codec, value: bytes) -> None:
    with pytest.raises(Malformed):
        codec.parse_name_addr(value)


@pytest.mark.parametrize(
    ("parameters", "name", "value"),
    [
        (b"", b"tag", None),
        (b";tag", b"tag", b""),
        (b";tag=", b"tag", b""),
        (b";a=1;TAG=x", b"tag", b"x"),
        (b";tag=x;tag=y", b"tag", b"x"),
        (b';a="b c"', b"a", b"b c"),
        (b';a=";tag=x";b', b"tag", None),
        (b';a=";tag=x;', b"tag", None),  # an open quote hides the rest
        (b';a=";tag=x;\\', b"tag", None),
        (b";xtag=1", b"tag", None),
    ],
)
def test_a_parameter_is_found_outside_quotes_only(
    codec: Codec, parameters: bytes, name: bytes, value: bytes | None
) -> None:
    assert codec.parameter_of(parameters, name) == value


@pytest.mark.parametrize(
    ("raw", "user", "user_parameters", "host", "port", "parameters"),
    [
        (b"sip:h", b"", b"", b"h", 0, b""),
        (b"sip:1@h", b"1", b"", b"h", 0, b""),
        (b"SIPS:1@h:5061", b"1", b"", b"h", 5061, b""),
        (b"sip:1:secret@h", b"1", b"", b"h", 0, b""),
        (b"sip:%2B1314@h", b"+1314", b"", b"h", 0, b""),
        (b"sip:%zz@h", b"%zz", b"", b"h", 0, b""),
        (b"sip:+1;npdi;rn=+2@h;user=phone", b"+1", b";npdi;rn=+2", b"h", 0, b";user=phone"),
        (b"sip:1@h;a;b=c?X=y&Z=w", b"1", b"", b"h", 0, b";a;b=c"),
        (b"sip:a?b/c@h", b"a?b/c", b"", b"h", 0, b""),
        (b"sip:1@[2001:db8::1]:5060;lr", b"1", b"", b"[2001:db8::1]", 5060, b";lr"),
        (b"sip:\xff@h", b"\xff", b"", b"h", 0, b""),
        (b"tel:+1-314;rn=+2;npdi", b"+1-314", b";rn=+2;npdi", b"", 0, b""),
        (b"TEL:911;phone-context=+1", b"911", b";phone-context=+1", b"", 0, b""),
        (b"urn:service:sos", b"service:sos", b"", b"", 0, b""),
        (b"mailto:a@b@c", b"a@b@c", b"", b"", 0, b""),
    ],
)
def test_a_uri_is_taken_apart(
    codec: Codec, raw: bytes, user: bytes, user_parameters: bytes, host: bytes, port: int, parameters: bytes
) -> None:
    uri = codec.parse_uri(raw)
    assert uri == (raw.partition(b":")[0].lower(), user, user_parameters, host, port, parameters)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"1@h",
        b":1@h",
        b"s1p:1@h",
        b"sip:",
        b"sip:@",
        b"sip:1@",
        b"sip:1@h@g",
        b"sip:1@h?x=@g",
        b"sip:1@h;x=@g",
        b"sip:1@h:99999",
        b"sip:1@h:123456",
        b"sip:1@h:x",
        b"sip:1@h g",
        b"sip:1 2@h",
        b"sip:1@h\n",
        b"sip:1@h>",
        b"sip:1@\xc3\xb6",
        b"sip:1@[::1",
        b"sip:1@::1",
        b"sip:" + b"1" * LONGEST_URI + b"@h",
        b"tel:" + b"1" * LONGEST_URI,
    ],
)
def test_what_is_no_uri_is_malformed(codec: Codec, raw: bytes) -> None:
    with pytest.raises(Malformed):
        codec.parse_uri(raw)


@pytest.mark.parametrize(
    ("raw", "name", "value"),
    [
        (b"sip:1;rn=+2@h", b"rn", b"+2"),
        (b"sip:1@h;rn=+2", b"rn", b"+2"),
        (b"sip:1;rn=+2@h;rn=+3", b"rn", b"+2"),
        (b"sip:1;npdi@h", b"npdi", b""),
        (b"sip:1@h", b"npdi", None),
        (b"tel:1;RN=+2", b"rn", b"+2"),
    ],
)
def test_a_parameter_of_the_number_is_found_on_either_side_of_the_host(
    codec: Codec, raw: bytes, name: bytes, value: bytes | None
) -> None:
    assert codec.parse_uri(raw).telephone_parameter(name) == value


@given(NOISE)
def test_arbitrary_bytes_raise_nothing_but_malformed(codec: Codec, noise: bytes) -> None:
    for start in (b"", b"SIP/2.0/UDP h", b"sip:", b"tel:", b"<sip:a@b>", b'"a'):
        value = start + noise
        for parse in (
            codec.parse_via,
            codec.parse_name_addr,
            codec.parse_uri,
            lambda value: codec.parse_name_addr(value).tag,
        ):
            try:
                parse(value)
            except Malformed:
                continue
        pieces = list(codec.split_list(value))
        assert all(0 <= first <= last <= len(value) for first, last in pieces)
        assert all(before[1] < behind[0] for before, behind in itertools.pairwise(pieces))


@pytest.mark.parametrize("byte", [b",", b"\\", b'"', b"<", b";", b" ", b"%", b"@", b"\r\n "])
def test_64_kilobytes_of_one_character_are_read_or_refused(codec: Codec, byte: bytes) -> None:
    value = byte * (65_536 // len(byte))
    for start in (b"", b'"', b"<sip:a@b>;x=", b'<sip:a@b>;x="', b"SIP/2.0/UDP h;"):
        list(codec.split_list(start + value))
        for parse in (codec.parse_via, codec.parse_name_addr, lambda value: codec.parse_name_addr(value).tag):
            try:
                parse(start + value)
            except Malformed:
                continue


def _via_by_oracle(value: bytes) -> tuple[str, int, str | None]:
    via = sipmessage.Via.parse(value.decode())
    return via.host, via.port or 5060, via.parameters.get("branch")


@given(requests())
def test_another_parser_reads_the_same_from_the_same_message(codec: Codec, data: bytes) -> None:
    message = codec.SipMessage(data)
    message.check()
    oracle_cseq = sipmessage.CSeq.parse(message.required(headers.CSEQ).decode())
    assert message.cseq() == (oracle_cseq.sequence, oracle_cseq.method.encode())
    vias: list[Via] = []
    for span in message.spans(headers.VIA):
        line = message.text(span)
        for start, end in codec.split_list(line):
            vias.append(codec.parse_via(line[start:end]))
            if b"\\" not in line and b"received" not in line:
                host, port, branch = _via_by_oracle(line[start:end])
                assert (host.strip("[]"), port) == (vias[-1].host.decode().strip("[]"), vias[-1].port)
                assert (branch or "").encode() == vias[-1].branch or b"Branch" in line
    for header in (headers.FROM, headers.TO, headers.CONTACT):
        for span in message.spans(header):
            value = message.text(span)
            ours, theirs = codec.parse_name_addr(value), sipmessage.Address.parse(value.decode())
            assert str(theirs.uri).encode() == ours.uri
            assert ours.display_name.decode().replace("\\", "") == theirs.name.replace("\\", "")
            assert (theirs.parameters.get("tag") or "").encode() == ours.tag
            uri = codec.parse_uri(ours.uri)
            assert (theirs.uri.host, theirs.uri.user) == (uri.host.decode(), uri.user.decode())


@given(st.lists(st.sampled_from([b"a", b'"b,\\"c"', b"<d,e>", b"f;g=h"]), max_size=6), st.sampled_from([b",", b" , "]))
def test_a_joined_list_splits_into_what_was_joined(codec: Codec, values: list[bytes], comma: bytes) -> None:
    joined = comma.join(values)
    assert [joined[start:end] for start, end in codec.split_list(joined)] == values


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"tag=m20",
            b"sip:a@h;tag=m20",
            b"<sip:a@h>;tag=m20",
            b"<sip:a@h;tag=no>;x;tag=m20",
            b"<sip:a@h>; tag = m20 ",
        ),
        *(
            b'"a" <sip:a@h>;tag=m20',
            b'"a;tag=no>" <sip:a@h>;tag=m20',
            b'"\\"" <sip:a@h>;tag="m20"',
            b"<a>;tag=",
            b"<a>;TAG=1",
        ),
        *(
            b"<sip:a@h>tag=m20",
            b'"a <sip:a@h>;tag=m20',
            b"a>;tag=m20<",
            b"<a>;x=>;tag=m20",
            b"sip:a>;tag=m20",
            b"",
            b"<a>",
        ),
        *(b'<a>;x=";tag=no";tag=m20', b"<a>;tag=m20;tag=no", b"a b<a>;tag=m=20", b"<a>;tag=m20 ", b"<a>;tag=m\x0b20"),
    ],
)
def test_an_address_has_one_tag_however_it_is_asked_for(codec: Codec, value: bytes) -> None:
    try:
        address = codec.parse_name_addr(value)
    except Malformed as fault:
        with pytest.raises(Malformed, match=re.escape(str(fault))):
            codec.tag_of(value)
        return
    assert codec.tag_of(value) == address.tag


def test_what_has_no_parameters_has_no_tag(codec: Codec) -> None:
    assert codec.tag_of(b"tag=m20") == b""


@pytest.mark.parametrize("piece", [b"x", b'"', b"\\", b" ", b"<", b";", b'"\\a" '])
def test_a_via_and_an_address_are_only_so_long(codec: Codec, piece: bytes) -> None:
    longest = LONGEST_VALUE // len(piece) * len(piece)
    via, address = b"SIP/2.0/UDP h;x=", b"<sip:a@h>;x="
    assert codec.parse_via(via + b"y" * (LONGEST_VALUE - len(via))).end == LONGEST_VALUE
    assert codec.parse_name_addr(address + b"y" * (LONGEST_VALUE - len(address))).uri == b"sip:a@h"
    with pytest.raises(Malformed, match="Via is longer than 4096 bytes"):
        codec.parse_via(via + piece * longest)
    for ask in (codec.parse_name_addr, codec.tag_of):
        with pytest.raises(Malformed, match="the address is longer than 4096 bytes"):
            ask(address + piece * longest)
