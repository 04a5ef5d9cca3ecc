"""What libusrsctp is given to read: nothing whose lengths cannot be."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.sctp.packets import is_sound

HEADER: Final = "0b590b59 00000000 00000000"
INIT: Final = "00000001 00040000 0011 0011 00000001"


@pytest.mark.parametrize(
    ("chunks", "sound"),
    [
        ("01 00 0014" + INIT, True),
        ("01 00 0018" + INIT + "8000 0004", True),
        ("01 00 001a" + INIT + "8008 0006 c082 0000", True),
        ("01 00 0018" + INIT + "8008 0000", False),  # libusrsctp 0.9.5 never comes back from it
        ("01 00 001e" + INIT + "0000 0004 8008 0000 c082 0000", False),  # nor from this
        ("02 00 0018" + INIT + "0007 0000", False),
        ("02 00 0018" + INIT + "0007 0003", False),
        ("01 00 0016" + INIT + "8000", False),
        ("01 00 0018" + INIT + "8008 0008", False),
        ("01 00 0010 00000001 00040000 0011 0011", False),
        ("01 00 0014" + INIT + "0b 00 0004", False),  # not alone
        ("0b 00 0004 01 00 0014" + INIT, False),
        ("00 03 0011 00000001 0001 0000 00000003 01 000000", True),
        ("00 03 0010 00000001 0001 0000 00000003", False),  # DATA without data
        ("00 03 0011 00000001 0001 0000 00000003 01 000000 03 00 0010 00000001 00040000 0000 0000", True),
        ("03 00 0010 00000001 00040000 0000 0000", True),
        ("04 00 000c 0001 0008 00000001", True),
        ("04 00 000c 0001 0000 00000001", False),
        ("06 00 0004", True),
        ("06 00 0008 000c 0000", False),
        ("09 00 0008 000c 0004", True),
        ("0e 01 0004", True),
        ("0a 00 0008 00000000", True),
        ("0f 00 0010 00000000 00000000 00000000", False),  # AUTH
        ("40 00 0014 00000000 00000000 00000000 00000000", False),  # I-DATA
        ("82 00 0008 00000000", False),  # RE-CONFIG
        ("c0 00 0008 00000000", False),  # FORWARD TSN
        ("c1 00 0010 00000001 00000000 00000000", False),  # ASCONF
        ("0b 00 0000", False),
        ("0b 00 0003", False),
        ("0b 00 0008", False),
        ("0b 00", False),
        ("", False),
        ("0b 00 0004 00", False),
    ],
)
def test_a_packet_is_looked_at_where_its_lengths_can_be(chunks: str, sound: bool) -> None:
    assert is_sound(bytes.fromhex(HEADER + chunks)) is sound


@given(st.binary(max_size=200))
def test_no_packet_is_too_strange_to_be_judged(packet: bytes) -> None:
    is_sound(packet)
