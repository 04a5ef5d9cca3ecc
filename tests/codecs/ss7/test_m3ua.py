"""M3UA messages: vectors, parameters in any order, and what is malformed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import (
    MAX_LENGTH,
    MAX_PARAMETERS,
    M3uaMessage,
    MessageType,
    Parameter,
    Tag,
    decode_m3ua,
    decode_parameters,
    encode_m3ua,
    encode_parameters,
    m3ua_data,
    message_length,
    transfer_of,
    user_data_offset,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, point_code_text
from gateway.codecs.ss7.variant import Variant

ANSI_IAM = bytes.fromhex(
    "01000101000000580210004e00f60e070002891a050200052923010060110a03060d038090a207031013525500000a0703171252552143"
    "c008c003101352557777eb0703101252559999ea0100c4031252553d0114000000"
)
ITU_IAM = bytes.fromhex(
    "010001010000004c02100041000008090000100905020005d500010060010a00020a0804104402976400000a088415212155153204c009"
    "0684102121559599091d038090a33d011400000000"
)

parameters = st.builds(
    Parameter, st.one_of(st.sampled_from(Tag).map(int), st.integers(0, 0xFFFF)), st.binary(max_size=60)
)
messages = st.builds(
    M3uaMessage,
    st.one_of(st.sampled_from(MessageType).map(int), st.integers(0, 0xFFFF)),
    st.lists(parameters, max_size=8).map(tuple),
)


def test_an_ansi_iam_is_found_in_its_data_message() -> None:
    message = decode_m3ua(ANSI_IAM)
    transfer = transfer_of(message)
    assert message.type == MessageType.DATA
    assert point_code_text(transfer.opc, Variant.ANSI) == "246-14-7"
    assert point_code_text(transfer.dpc, Variant.ANSI) == "2-137-26"
    assert (transfer.si, transfer.ni, transfer.mp, transfer.sls) == (5, 2, 0, 5)
    assert int.from_bytes(transfer.data[:2], "little") == 9001
    assert ANSI_IAM[user_data_offset(message) :].startswith(transfer.data)
    assert m3ua_data(transfer) == ANSI_IAM == encode_m3ua(message)


def test_an_itu_iam_is_found_in_its_data_message() -> None:
    message = decode_m3ua(ITU_IAM)
    transfer = transfer_of(message)
    assert (transfer.opc, transfer.dpc, transfer.sls) == (0x0809, 0x1009, 5)
    assert int.from_bytes(transfer.data[:2], "little") == 213
    assert m3ua_data(transfer) == ITU_IAM == encode_m3ua(message)


def test_the_routing_context_may_stand_behind_the_protocol_data() -> None:
    transfer = transfer_of(decode_m3ua(ANSI_IAM))
    usual = decode_m3ua(m3ua_data(transfer, 7))
    turned = decode_m3ua(encode_m3ua(M3uaMessage(usual.type, usual.parameters[::-1])))
    assert [parameter.tag for parameter in turned.parameters] == [Tag.PROTOCOL_DATA, Tag.ROUTING_CONTEXT]
    for message in (usual, turned):
        assert message.integer(Tag.ROUTING_CONTEXT) == 7
        assert transfer_of(message) == transfer
        offset = user_data_offset(message)
        assert encode_m3ua(message)[offset : offset + len(transfer.data)] == transfer.data


def test_the_padding_of_the_last_parameter_may_be_missing() -> None:
    parameter = Parameter(Tag.INFO_STRING, b"about")
    padded = encode_m3ua(M3uaMessage(MessageType.ASPUP, (parameter,)))
    for data in (padded, padded[:4] + bytes((0, 0, 0, 17)) + padded[8:], padded[:7] + b"\x11" + padded[8:17]):
        assert decode_m3ua(data).parameters == (parameter,)


def test_unknown_messages_and_parameters_are_kept() -> None:
    message = M3uaMessage(0x7F22, (Parameter(0x8001, b"abc"), Parameter(0x8001, b""), Parameter(Tag.STATUS, b"1234")))
    assert decode_m3ua(encode_m3ua(message)) == message
    assert message.values(0x8001) == (b"abc", b"")
    assert message.value(0x8002) is None


def test_a_list_of_numbers_is_read_in_its_order() -> None:
    message = M3uaMessage(MessageType.DUNA, (Parameter(Tag.AFFECTED_POINT_CODE, bytes((0, 0, 0, 1, 8, 0, 1, 0))),))
    assert message.integers(Tag.AFFECTED_POINT_CODE) == (1, 0x08000100)
    assert message.integers(Tag.ROUTING_CONTEXT) == ()


@pytest.mark.parametrize("value", [b"", b"123", b"12345"])
def test_a_number_of_another_length_is_malformed_where_it_stands(value: bytes) -> None:
    first = Parameter(Tag.INFO_STRING, b"five!")
    message = M3uaMessage(MessageType.ASPAC, (first, Parameter(Tag.ROUTING_CONTEXT, value)))
    for read in (message.integer, message.integers):
        with pytest.raises(Malformed) as fault:
            read(Tag.ROUTING_CONTEXT)
        assert fault.value.offset == 8 + 12 + 4


@pytest.mark.parametrize(
    ("data", "offset", "what"),
    [
        (b"", 0, "header"),
        (b"\1\0\3", 3, "header"),
        (b"\2\0\3\1\0\0\0\x08", 0, "version 2"),
        (b"\1\0\3\1\0\0\0\x07", 4, "7 octets"),
        (b"\1\0\3\1\0\0\0\x0c", 4, "12 octets"),
        (b"\1\0\3\1\0\1\0\0", 4, "65536 octets"),
        (b"\1\0\3\1\0\0\0\x08abcd", 8, "more octets"),
        (b"\1\0\3\1\0\0\0\x0a\0\6", 10, "parameter's header"),
        (b"\1\0\3\1\0\0\0\x0c\0\6\0\3", 10, "parameter of 3"),
        (b"\1\0\3\1\0\0\0\x0c\0\6\0\5", 12, "within a parameter"),
    ],
)
def test_what_does_not_follow_the_format_is_malformed(data: bytes, offset: int, what: str) -> None:
    with pytest.raises(Malformed, match=what) as fault:
        decode_m3ua(data)
    assert fault.value.offset == offset


def test_a_message_has_a_bounded_number_of_parameters() -> None:
    most = (Parameter(1, b""),) * MAX_PARAMETERS
    assert decode_m3ua(encode_m3ua(M3uaMessage(0, most))).parameters == most
    with pytest.raises(Malformed, match="parameters"):
        decode_m3ua(encode_m3ua(M3uaMessage(0, (*most, most[0]))))


@pytest.mark.parametrize(
    ("value", "offset"),
    [(None, 8), (b"", 12), (bytes(11), 12), (bytes(8) + b"\x10\0\0\0", 20), (bytes(8) + b"\5\4\0\0", 20)],
)
def test_protocol_data_without_a_routing_label_is_malformed(value: bytes | None, offset: int) -> None:
    found = () if value is None else (Parameter(Tag.PROTOCOL_DATA, value),)
    with pytest.raises(Malformed) as fault:
        transfer_of(M3uaMessage(MessageType.DATA, found))
    assert fault.value.offset == offset


@given(messages)
def test_what_is_encoded_is_decoded_to_the_same(message: M3uaMessage) -> None:
    data = encode_m3ua(message)
    assert decode_m3ua(data) == message
    assert message_length(data) == len(data)


@given(st.binary(max_size=80), st.integers(0, 12))
def test_arbitrary_octets_are_malformed_or_a_message(tail: bytes, claimed: int) -> None:
    for data in (tail, b"\1\0\1\1" + (claimed * 4 + 8).to_bytes(4, "big") + tail):
        offset = 0
        try:
            message = decode_m3ua(data)
            assert decode_m3ua(encode_m3ua(message)) == message
            transfer = transfer_of(message)
            assert data[user_data_offset(message) :].startswith(transfer.data)
        except Malformed as fault:
            offset = fault.offset
        assert 0 <= offset <= len(data)


@given(
    st.builds(
        Mtp3Transfer,
        st.integers(0, (1 << 24) - 1),
        st.integers(0, (1 << 24) - 1),
        st.integers(0, 15),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 255),
        st.binary(max_size=300),
    ),
    st.one_of(st.none(), st.integers(0, (1 << 32) - 1)),
)
def test_a_transfer_goes_through_data_unchanged(transfer: Mtp3Transfer, context: int | None) -> None:
    data = m3ua_data(transfer, context)
    message = decode_m3ua(data)
    assert transfer_of(message) == transfer
    assert message.integer(Tag.ROUTING_CONTEXT) == context
    assert encode_m3ua(message) == data


@given(st.lists(messages, min_size=1, max_size=4), st.data())
def test_a_stream_is_cut_wherever_it_was_cut_before(several: list[M3uaMessage], data: st.DataObject) -> None:
    stream = b"".join(map(encode_m3ua, several))
    cut = data.draw(st.integers(0, len(stream)))
    found, at = [], 0
    while (length := message_length(stream, at)) is not None and at + length <= len(stream):
        found.append(decode_m3ua(stream[at : at + length]))
        at += length
    assert found == several
    assert message_length(stream[:cut][:7]) is None


@pytest.mark.parametrize("header", [b"\2\0\1\1\0\0\0\x08", b"\1\0\1\1\0\0\0\7", b"\1\0\1\1\xff\0\0\0"])
def test_a_stream_without_a_message_at_its_start_is_malformed(header: bytes) -> None:
    with pytest.raises(Malformed):
        message_length(b"1234" + header, 4)


def test_a_message_holds_no_more_than_its_length_fields() -> None:
    with pytest.raises(ValueError, match="no parameter"):
        encode_parameters((Parameter(1, bytes(70_000)),))
    with pytest.raises(ValueError, match="no M3UA message"):
        encode_m3ua(M3uaMessage(1, (Parameter(1, bytes(40_000)),) * 2))
    with pytest.raises(ValueError, match="no M3UA message"):
        encode_m3ua(M3uaMessage(1 << 16))
    with pytest.raises(ValueError, match="no user part"):
        m3ua_data(Mtp3Transfer(1, 2, 5, 2, 0, 0, bytes(MAX_LENGTH)))


def test_a_routing_key_holds_parameters_of_its_own() -> None:
    key = encode_parameters((Parameter(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, b"1234"), Parameter(0x20C, b"\5")))
    assert len(key) == 16
    assert decode_parameters(key, 0, len(key)) == (Parameter(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, b"1234"), (0x20C, b"\5"))
