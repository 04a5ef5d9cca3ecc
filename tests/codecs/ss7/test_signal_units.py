"""Message signal units within M2UA, M2PA and MTP2."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m2pa import msu_of_m2pa
from gateway.codecs.ss7.m2ua import msu_of_m2ua
from gateway.codecs.ss7.mtp2 import msu_of_mtp2

Finder = Callable[[bytes], tuple[int, int] | None]

MSU = bytes.fromhex("85024000900e000111")
FINDERS: list[Finder] = [msu_of_m2ua, msu_of_m2pa, msu_of_mtp2, lambda data: msu_of_mtp2(data, annex_a=True)]


def m2ua(*parameters: tuple[int, bytes], kind: int = 0x0601) -> bytes:
    body = b"".join(
        tag.to_bytes(2, "big") + (len(value) + 4).to_bytes(2, "big") + value + bytes(-len(value) % 4)
        for tag, value in parameters
    )
    return b"\1\0" + kind.to_bytes(2, "big") + (8 + len(body)).to_bytes(4, "big") + body


def m2pa(user: bytes, kind: int = 0x0B01) -> bytes:
    body = b"\0\0\0\1\0\0\0\2" + user
    return b"\1\0" + kind.to_bytes(2, "big") + (8 + len(body)).to_bytes(4, "big") + body


def crc(data: bytes) -> bytes:
    check = 0xFFFF
    for octet in data:
        check ^= octet
        for _ in range(8):
            check = check >> 1 ^ (0x8408 if check & 1 else 0)
    return (check ^ 0xFFFF).to_bytes(2, "little")


LONG = b"\x85" + bytes(range(100))


@pytest.mark.parametrize(
    ("finder", "frame", "msu"),
    [
        (msu_of_m2ua, m2ua((1, b"\0\0\0\1"), (0x300, MSU)), MSU),
        (msu_of_m2ua, m2ua((0x300, MSU), (0x13, b"\0\0\0\1")), MSU),
        (msu_of_m2ua, m2ua((1, b"\0\0\0\1"), (0x301, b"\x09" + MSU)), MSU),
        (msu_of_m2ua, m2ua((1, b"\0\0\0\1"), kind=0x0602), None),
        (msu_of_m2pa, m2pa(b"\0" + MSU), MSU),
        (msu_of_m2pa, m2pa(b"\0" + MSU) + b"\0\0", MSU),
        (msu_of_m2pa, m2pa(b""), None),
        (msu_of_m2pa, m2pa(b"\0\0\0\1", kind=0x0B02), None),
        (msu_of_mtp2, b"\x1d\x1d\x09" + MSU, MSU),
        (msu_of_mtp2, b"\x1d\x1d\x09" + MSU + b"\xff\xff", MSU),
        (msu_of_mtp2, b"\x1d\x1d\x00", None),
        (msu_of_mtp2, b"\x1d\x1d\x01\x03", None),
        (msu_of_mtp2, b"\x1d\x1d\x3f" + LONG, LONG),
        (msu_of_mtp2, b"\x1d\x1d\x3f" + LONG + crc(b"\x1d\x1d\x3f" + LONG), LONG),
        (FINDERS[3], b"\1\0\2\0\x09\0" + MSU, MSU),
        (FINDERS[3], b"\1\0\2\0\x65\0" + LONG + b"\xff\xff", LONG),
    ],
)
def test_the_message_is_found_in_its_frame(finder: Finder, frame: bytes, msu: bytes | None) -> None:
    span = finder(frame)
    assert (None if span is None else frame[span[0] : span[1]]) == msu


@pytest.mark.parametrize(
    ("finder", "frame", "offset"),
    [
        (msu_of_m2ua, b"\1\0\6", 3),
        (msu_of_m2ua, m2ua(kind=0x0601), 8),
        (msu_of_m2ua, m2ua((0x300, b"")), 12),
        (msu_of_m2ua, m2ua((0x300, MSU))[:-4], 4),
        (msu_of_m2ua, b"\2" + m2ua((0x300, MSU))[1:], 0),
        (msu_of_m2pa, b"\1\0", 2),
        (msu_of_m2pa, m2pa(MSU)[:-1], 4),
        (msu_of_m2pa, m2pa(b"\0"), 17),
        (msu_of_m2pa, b"\0" + m2pa(MSU)[1:], 0),
        (msu_of_mtp2, b"\1\1", 2),
        (msu_of_mtp2, b"\x1d\x1d\x09" + MSU[:-1], 11),
        (msu_of_mtp2, b"\x1d\x1d\x3f" + MSU, 12),
    ],
)
def test_a_frame_that_is_cut_short_is_malformed(finder: Finder, frame: bytes, offset: int) -> None:
    with pytest.raises(Malformed) as fault:
        finder(frame)
    assert fault.value.offset == offset


def test_a_frame_may_begin_within_the_octets() -> None:
    frame = b"1234\x1d\x1d\x09" + MSU
    assert msu_of_mtp2(frame, 4) == (7, len(frame))


@given(st.binary(max_size=90), st.sampled_from([b"", b"\1\0\6\1\0\0\0", b"\1\0\x0b\1\0\0\0", b"\1\1\x3f"]))
def test_arbitrary_octets_are_malformed_or_hold_a_message(tail: bytes, start: bytes) -> None:
    data = start + tail
    for finder in FINDERS:
        offset = 0
        try:
            span = finder(data)
            assert span is None or 0 < span[0] < span[1] <= len(data)
        except Malformed as fault:
            offset = fault.offset
        assert 0 <= offset <= len(data)
