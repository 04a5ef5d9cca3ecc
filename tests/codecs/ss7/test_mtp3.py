"""MTP3: service information octet, routing labels, point codes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.mtp3 import (
    Mtp3Transfer,
    decode_mtp3,
    encode_mtp3,
    label_length,
    parse_point_code,
    point_code_text,
)
from gateway.codecs.ss7.variant import Variant

ANSI_MSU = bytes.fromhex("a51a89020700f6052923100000")
"""From 246-0-7 to 2-137-26, link selection 5: of each point code the member comes first."""
ITU_MSU = bytes.fromhex("85024000900e0001")
"""The start of a message of a public capture: 1 to 2, link selection 9."""


def widths(variant: Variant) -> tuple[int, int]:
    return (24, 8) if variant is Variant.ANSI else (14, 4)


@st.composite
def transfers(draw: st.DrawFn) -> tuple[Variant, Mtp3Transfer]:
    variant = draw(st.sampled_from(Variant))
    code, selection = widths(variant)
    codes, small = st.integers(0, (1 << code) - 1), st.integers(0, 3)
    sls = draw(st.integers(0, (1 << selection) - 1))
    si, data = draw(st.integers(0, 15)), draw(st.binary(max_size=300))
    return variant, Mtp3Transfer(draw(codes), draw(codes), si, draw(small), draw(small), sls, data)


def test_an_ansi_routing_label_has_the_member_first() -> None:
    transfer = decode_mtp3(ANSI_MSU, Variant.ANSI)
    assert point_code_text(transfer.dpc, Variant.ANSI) == "2-137-26"
    assert point_code_text(transfer.opc, Variant.ANSI) == "246-0-7"
    assert (transfer.si, transfer.ni, transfer.mp, transfer.sls) == (5, 2, 2, 5)
    assert transfer.data == ANSI_MSU[label_length(Variant.ANSI) :]


def test_an_itu_routing_label_is_one_number_of_32_bits() -> None:
    transfer = decode_mtp3(ITU_MSU, Variant.ITU)
    assert (transfer.opc, transfer.dpc, transfer.sls) == (1, 2, 9)
    assert (transfer.si, transfer.ni, transfer.mp) == (5, 2, 0)
    assert transfer.data == ITU_MSU[label_length(Variant.ITU) :]


def test_a_message_is_found_within_a_frame() -> None:
    frame = b"\x1d\x1d\x20" + ITU_MSU + b"\xff\xff"
    assert decode_mtp3(frame, Variant.ITU, 3, 3 + len(ITU_MSU)) == decode_mtp3(ITU_MSU, Variant.ITU)


@given(transfers())
def test_what_is_encoded_is_decoded_to_the_same(pair: tuple[Variant, Mtp3Transfer]) -> None:
    variant, transfer = pair
    assert decode_mtp3(encode_mtp3(transfer, variant), variant) == transfer


@given(st.binary(max_size=40), st.sampled_from(Variant))
def test_arbitrary_octets_are_malformed_or_encode_to_themselves(data: bytes, variant: Variant) -> None:
    try:
        transfer = decode_mtp3(data, variant)
    except Malformed as fault:
        offset = fault.offset
    else:
        assert encode_mtp3(transfer, variant) == data
        return
    assert offset == len(data) < label_length(variant)


@given(st.binary(max_size=20), st.sampled_from(Variant), st.integers(0, 30), st.integers(0, 30))
def test_a_label_outside_the_octets_is_malformed(data: bytes, variant: Variant, start: int, end: int) -> None:
    offset = 0
    try:
        transfer = decode_mtp3(data, variant, start, end)
        assert encode_mtp3(transfer, variant) == data[start:end]
    except Malformed as fault:
        offset = fault.offset
    assert 0 <= offset <= len(data)


@pytest.mark.parametrize(
    ("variant", "fault"),
    [
        (Variant.ANSI, {"opc": 1 << 24}),
        (Variant.ANSI, {"sls": 256}),
        (Variant.ITU, {"dpc": 1 << 14}),
        (Variant.ITU, {"sls": 16}),
        (Variant.ITU, {"si": 16}),
        (Variant.ANSI, {"ni": 4}),
        (Variant.ANSI, {"mp": -1}),
    ],
)
def test_a_label_holds_no_more_than_its_bits(variant: Variant, fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="holds"):
        encode_mtp3(Mtp3Transfer(1, 2, 5, 2, 0, 0, b"")._replace(**fault), variant)


@pytest.mark.parametrize(
    ("text", "variant", "value"),
    [
        ("246-14-7", Variant.ANSI, 0xF60E07),
        ("2-137-26", Variant.ANSI, 0x02891A),
        ("0-0-0", Variant.ANSI, 0),
        ("255-255-255", Variant.ANSI, 0xFFFFFF),
        ("2-100-4", Variant.ITU, 2 << 11 | 100 << 3 | 4),
        ("7-255-7", Variant.ITU, 0x3FFF),
    ],
)
def test_a_point_code_is_written_in_three_parts(text: str, variant: Variant, value: int) -> None:
    assert point_code_text(value, variant) == text
    assert parse_point_code(text, variant) == value
    assert parse_point_code(str(value), variant) == value


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("256-0-0", Variant.ANSI),
        ("1-2", Variant.ANSI),
        ("1-2-3-4", Variant.ANSI),
        ("", Variant.ANSI),
        ("-1", Variant.ANSI),
        ("16777216", Variant.ANSI),
        ("8-0-0", Variant.ITU),
        ("0-0-8", Variant.ITU),
        ("16384", Variant.ITU),
        ("1-2-\u0663", Variant.ANSI),
        ("1-2-3\n", Variant.ANSI),
    ],
)
def test_what_is_no_point_code_gives_none(text: str, variant: Variant) -> None:
    assert parse_point_code(text, variant) is None


def test_a_value_beyond_the_variant_is_written_as_a_number() -> None:
    assert point_code_text(1 << 24, Variant.ANSI) == "16777216"
    assert point_code_text(1 << 14, Variant.ITU) == "16384"
