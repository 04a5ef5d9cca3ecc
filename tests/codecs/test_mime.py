"""Bodies of several parts (RFC 2046): found where they stand, bounded, and written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.mime import (
    LONGEST_TYPE,
    MAX_HEADERS,
    MAX_PARTS,
    MediaType,
    Part,
    media_type,
    multipart_mixed,
    parts_of,
)

MIXED = b"multipart/mixed;boundary=b"
SDP, ISUP = b"v=0\r\n", b"\x01\x00\r\n--\x20"


def _contents(content_type: bytes, data: bytes) -> list[tuple[bytes, bytes]]:
    return [(part.content_type, data[part.start : part.end]) for part in parts_of(content_type, data, 0, len(data))]


@pytest.mark.parametrize(
    ("value", "name", "parameters"),
    [
        (b"application/sdp", b"application/sdp", {}),
        (b" Application / SDP ;", b"application/sdp", {}),
        (b"application/ISUP;version=ansi88", b"application/isup", {b"version": b"ansi88"}),
        (
            b"application/ISUP; version=ansi92 ; Base=ansi88",
            b"application/isup",
            {b"version": b"ansi92", b"base": b"ansi88"},
        ),
        (b'multipart/mixed; boundary="a \\"b\\";c"', b"multipart/mixed", {b"boundary": b'a "b";c'}),
        (b'multipart/mixed;boundary=""', b"multipart/mixed", {b"boundary": b""}),
    ],
)
def test_a_media_type_is_taken_apart(value: bytes, name: bytes, parameters: dict[bytes, bytes]) -> None:
    assert media_type(value) == MediaType(name, parameters)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"", "not 'type/subtype"),
        (b"application", "not 'type/subtype"),
        (b"application/sdp boundary=b", "not 'type/subtype"),
        (b"application/sdp;version", "not 'name=value'"),
        (b"application/sdp;version=", "not 'name=value'"),
        (b'application/sdp;version="a', "not 'name=value'"),
        (b"application/sdp;a=1;A=2", "gives a twice"),
        (b"a/b" + b"c" * LONGEST_TYPE, "longer than"),
    ],
)
def test_what_is_no_media_type_is_malformed(value: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        media_type(value)


def test_a_body_of_no_parts_is_the_one_part() -> None:
    assert parts_of(b"application/sdp", b"__v=0", 2, 5) == (Part(b"application/sdp", b"", 2, 5),)


@pytest.mark.parametrize(
    ("body", "contents"),
    [
        (b"--b\r\n\r\none\r\n--b--", [(b"", b"one")]),
        (b"--b\r\n\r\n\r\n--b--\r\n", [(b"", b"")]),
        (b"--b\r\nContent-Type: a/b\r\n\r\none\r\n--b--\r\n", [(b"a/b", b"one")]),
        (b"--b\r\ncontent-type:\r\n a/b;\r\n\tc=d\r\n\r\none\r\n--b--\r\n", [(b"a/b; c=d", b"one")]),
        (b"--b\r\nC: a/b\r\n\r\none\r\n--b--\r\n", [(b"a/b", b"one")]),
        (b"--b\r\nX: 1\r\n--b--\r\n", [(b"", b"")]),
        (b"preamble\r\n--b \t\r\n\r\none\r\n--b\t--x\r\n--b--\r\nepilogue\r\n--b\r\n", [(b"", b"one\r\n--b\t--x")]),
        (b"--b\r\n\r\n--bc\r\n\r\n--b--", [(b"", b"--bc\r\n")]),
        (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\n--b\r\n--b--", [(b"", b"one"), (b"", b"two\n--b")]),
        (b"--b\r\n\r\n" + ISUP + b"\r\n--b--", [(b"", ISUP)]),
    ],
)
def test_parts_are_found_between_their_delimiters(body: bytes, contents: list[tuple[bytes, bytes]]) -> None:
    assert _contents(MIXED, body) == contents


def test_the_encoding_of_a_part_is_told() -> None:
    body = b"--b\r\nContent-Transfer-Encoding: BASE64\r\n\r\nAQ==\r\n--b--"
    assert [part.encoding for part in parts_of(MIXED, body, 0, len(body))] == [b"base64"]


def test_parts_of_parts_are_found_where_they_stand() -> None:
    inner = b"--i\r\nContent-Type: a/b\r\n\r\none\r\n--i--"
    outer = b"--b\r\nContent-Type: multipart/mixed;boundary=i\r\n\r\n" + inner + b"\r\n--b\r\n\r\ntwo\r\n--b--"
    assert _contents(MIXED, outer) == [(b"a/b", b"one"), (b"", b"two")]


NESTED = b"plain"
for level in (b"d", b"c", b"b"):
    inside = b"Content-Type: multipart/mixed;boundary=" + bytes((level[0] + 1,))
    NESTED = b"--" + level + b"\r\n" + inside + b"\r\n\r\n" + NESTED + b"\r\n--" + level + b"--"


@pytest.mark.parametrize(
    ("content_type", "body", "what"),
    [
        (b"multipart/mixed", b"--b--", "no boundary"),
        (b'multipart/mixed;boundary=""', b"----", "no boundary"),
        (b"multipart/mixed;boundary=" + b"b" * 71, b"", "no boundary"),
        (b'multipart/mixed;boundary="b "', b"", "no boundary"),
        (b"multipart;boundary=b", b"--b--", "not 'type/subtype"),
        (MIXED, b"", "delimiter that closes"),
        (MIXED, b"--b\r\n\r\none\r\n", "delimiter that closes"),
        (MIXED, b"x--b--", "delimiter that closes"),
        (MIXED, b"--b\r\nno colon\r\n\r\none\r\n--b--", "has no colon"),
        (MIXED, b"--b\r\nContent-Type: a/b\r\ncontent-type: c/d\r\n\r\none\r\n--b--", "more than once"),
        (MIXED, b"--b\r\nX: " + b"x" * MAX_HEADERS + b"\r\n\r\none\r\n--b--", "do not end within"),
        (MIXED, b"--b\r\n\r\n\r\n" * (MAX_PARTS + 1) + b"--b--", f"more than {MAX_PARTS} parts"),
        (MIXED, NESTED, "nested more than 3 deep"),
    ],
)
def test_a_body_that_can_not_be_taken_apart_is_malformed(content_type: bytes, body: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what) as fault:
        parts_of(content_type, body, 0, len(body))
    assert 0 <= fault.value.offset <= len(body)


def test_what_is_written_does_not_take_a_boundary_that_a_part_holds() -> None:
    content_type, body = multipart_mixed([(b"Content-Type: a/b", b"tollgate-part-0"), (b"X: tollgate-part-1", b"")])
    assert content_type == b"multipart/mixed;boundary=tollgate-part-2"
    assert _contents(content_type, body) == [(b"a/b", b"tollgate-part-0"), (b"", b"")]


CONTENTS = st.binary(max_size=60) | st.sampled_from(
    [b"\r\n", b"--tollgate-part-0", b"\r\n--tollgate-part-0--\r\n", ISUP]
)


@given(st.lists(CONTENTS, min_size=1, max_size=MAX_PARTS))
def test_what_is_written_is_read_back(contents: list[bytes]) -> None:
    content_type, body = multipart_mixed([(b"Content-Type: a/b", content) for content in contents])
    assert _contents(content_type, body) == [(b"a/b", content) for content in contents]


PIECES = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"--", b" ", b"Content-Type: ", b"multipart/mixed;boundary=b", b"a/b", b":", b"\x00"]
) | st.binary(max_size=4)


@given(st.lists(PIECES, max_size=30).map(b"".join), st.integers(0, 3))
def test_whatever_a_body_holds_its_parts_lie_within_it_or_it_is_malformed(body: bytes, start: int) -> None:
    start = min(start, len(body))
    try:
        parts = parts_of(MIXED, body, start, len(body))
    except Malformed as fault:
        ends = [0, fault.offset, len(body)]
    else:
        ends = [start]
        for part in parts:
            ends += [part.start, part.end]
        ends.append(len(body))
    assert ends == sorted(ends)


@given(st.binary(max_size=60))
def test_whatever_a_content_type_says_it_is_read_or_malformed(value: bytes) -> None:
    try:
        name, parameters = media_type(value)
    except Malformed:
        return
    assert b"/" in name
    assert all(key == key.lower() for key in parameters)
