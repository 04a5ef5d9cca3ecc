"""The values within parameters: what each octet means, and that nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    CarrierId,
    Cause,
    ChargeNature,
    CircuitState,
    EventInformation,
    ForwardCallIndicators,
    GenericDigits,
    GenericName,
    IsupMessage,
    MessageType,
    NatureOfAddress,
    NatureOfConnection,
    OptionalBackwardCallIndicators,
    OptionalForwardCallIndicators,
    P,
    PartyNumber,
    RangeAndStatus,
    RedirectionInformation,
    UserServiceInformation,
    decode_backward_call_indicators,
    decode_carrier,
    decode_cause,
    decode_circuit_states,
    decode_event,
    decode_forward_call_indicators,
    decode_generic_digits,
    decode_jurisdiction,
    decode_name,
    decode_nature_of_connection,
    decode_number,
    decode_optional_backward,
    decode_optional_forward,
    decode_range_and_status,
    decode_redirection_information,
    decode_user_service,
    encode_backward_call_indicators,
    encode_carrier,
    encode_cause,
    encode_circuit_states,
    encode_event,
    encode_forward_call_indicators,
    encode_generic_digits,
    encode_jurisdiction,
    encode_name,
    encode_nature_of_connection,
    encode_number,
    encode_optional_backward,
    encode_optional_forward,
    encode_range_and_status,
    encode_redirection_information,
    encode_user_service,
    isup_message,
    range_and_status,
)
from gateway.codecs.ss7.variant import Variant

NATIONAL, INTERNATIONAL = NatureOfAddress.NATIONAL, NatureOfAddress.INTERNATIONAL


@pytest.mark.parametrize(
    ("variant", "code", "octets", "number"),
    [
        ("ansi", P.CALLED_PARTY_NUMBER, "03101352550510", PartyNumber("3125555001", NATIONAL)),
        ("ansi", P.CALLED_PARTY_NUMBER, "01101352", PartyNumber("3125", NatureOfAddress.SUBSCRIBER)),
        ("ansi", P.CALLED_PARTY_NUMBER, "83101901", PartyNumber("911", NATIONAL)),
        ("itu", P.CALLED_PARTY_NUMBER, "8490440f", PartyNumber("44F", INTERNATIONAL, inn=True)),
        ("ansi", P.CALLED_PARTY_NUMBER, "04904400", PartyNumber("4400", INTERNATIONAL, spare=0x80)),
        ("itu", P.CALLING_PARTY_NUMBER, "0397", PartyNumber("", 3, 1, 1, 3, incomplete=True)),
        ("itu", P.CALLING_PARTY_NUMBER, "0008", PartyNumber("", 0, 0, presentation=2)),
        ("ansi", P.CALLING_PARTY_NUMBER, "0397", PartyNumber("", 3, 1, 1, 3, spare=0x80)),
        ("ansi", P.CALLING_PARTY_NUMBER, "831121f3", PartyNumber("123", 3, 1, 0, 1, filler=15)),
        ("ansi", P.CHARGE_NUMBER, "0210", PartyNumber("", ChargeNature.NOT_AVAILABLE)),
        ("ansi", P.REDIRECTING_NUMBER, "03142143", PartyNumber("1234", 3, presentation=1)),
        ("ansi", P.ORIGINAL_CALLED_NUMBER, "03172143", PartyNumber("1234", 3, presentation=1, spare=3)),
        ("ansi", P.GENERIC_ADDRESS, "c003102143", PartyNumber("1234", 3, kind=0xC0)),
        ("itu", P.GENERIC_NUMBER, "068391210b", PartyNumber("12B", 3, 1, 0, 1, incomplete=True, kind=6)),
        ("itu", P.SUBSEQUENT_NUMBER, "80210f", PartyNumber("12F", 0, 0)),
        ("itu", P.SUBSEQUENT_NUMBER, "00210f", PartyNumber("12F0", 0, 0)),
        ("itu", P.LOCATION_NUMBER, "839b2103", PartyNumber("123", 3, 1, 2, 3, inn=True)),
    ],
)
def test_a_number_is_read_and_written(variant: str, code: int, octets: str, number: PartyNumber) -> None:
    assert decode_number(code, bytes.fromhex(octets), Variant(variant)) == number
    assert encode_number(code, number, Variant(variant)).hex() == octets


@pytest.mark.parametrize(
    ("octets", "cause"),
    [
        ("8090", Cause(16, 0)),
        ("8395", Cause(21, 3)),
        ("c297", Cause(23, 2, coding=2)),
        ("8281c0", Cause(1, 2, diagnostics=b"\xc0")),
        ("028091", Cause(17, 2, recommendation=b"\x80")),
        ("0290", Cause(16, 2, spare=2)),
        ("9210", Cause(16, 2, spare=5)),
    ],
)
def test_a_cause_is_read_and_written(octets: str, cause: Cause) -> None:
    assert decode_cause(bytes.fromhex(octets)) == cause
    assert encode_cause(cause).hex() == octets


def test_a_cause_of_two_values_is_written_as_the_public_network_s() -> None:
    assert encode_cause(Cause(21)).hex() == "8295"


@pytest.mark.parametrize(
    ("octets", "indicators"),
    [
        ("0000", ForwardCallIndicators(isup_all_the_way=False)),
        ("2000", ForwardCallIndicators()),
        ("2010", ForwardCallIndicators(ported=True)),
        ("6101", ForwardCallIndicators(international=True, isup_preference=1, isdn_access=True)),
        ("9e26", ForwardCallIndicators(False, 3, True, True, False, 2, False, 3, False, True)),
        ("20c8", ForwardCallIndicators(spare=0xC8)),
    ],
)
def test_forward_call_indicators_are_read_and_written(octets: str, indicators: ForwardCallIndicators) -> None:
    assert decode_forward_call_indicators(bytes.fromhex(octets)) == indicators
    assert encode_forward_call_indicators(indicators).hex() == octets


@pytest.mark.parametrize(
    ("octets", "indicators"),
    [
        ("0004", BackwardCallIndicators()),
        ("1614", BackwardCallIndicators(2, 1, 1, isdn_access=True)),
        ("e9eb", BackwardCallIndicators(1, 2, 2, 3, True, True, False, True, False, True, 3)),
    ],
)
def test_backward_call_indicators_are_read_and_written(octets: str, indicators: BackwardCallIndicators) -> None:
    assert decode_backward_call_indicators(bytes.fromhex(octets)) == indicators
    assert encode_backward_call_indicators(indicators).hex() == octets


@pytest.mark.parametrize(
    ("octets", "carrier", "variant"),
    [
        ("22200820", CarrierId("0280", 2, 2, circuit=2), "ansi"),
        ("21220210", CarrierId("222", 2, 1, circuit=1), "ansi"),
        ("212202", CarrierId("222", 2, 1), "ansi"),
        ("a1220f1f", CarrierId("22F", 2, 1, 1, spare=0x100F), "ansi"),
        ("a62301", CarrierId("321", 2, 6), "itu"),
        ("212301", CarrierId("3210", 2, 1), "itu"),
    ],
)
def test_a_carrier_is_read_and_written(octets: str, carrier: CarrierId, variant: str) -> None:
    assert decode_carrier(bytes.fromhex(octets), Variant(variant)) == carrier
    assert encode_carrier(carrier, Variant(variant)).hex() == octets


def test_single_octets_are_read_and_written() -> None:
    assert decode_nature_of_connection(b"\x19") == NatureOfConnection(1, 2, True)
    assert decode_event(b"\x81") == EventInformation(1, True)
    assert decode_optional_forward(b"\x86") == OptionalForwardCallIndicators(2, True, True)
    assert decode_optional_backward(b"\x8b") == OptionalBackwardCallIndicators(True, True, False, True, 0x80)
    assert decode_redirection_information(bytes.fromhex("3431")) == RedirectionInformation(4, 3, 1, 3)
    assert decode_redirection_information(b"\x34") == RedirectionInformation(4, 3, 0, 0, short=True)


def test_a_name_is_read_and_written() -> None:
    assert decode_name(b"\x21ALICE") == GenericName("ALICE", presentation=1)
    assert encode_name(GenericName("", kind=1, unavailable=True)) == b"\x30"
    with pytest.raises(ValueError, match="longer than 15"):
        encode_name(GenericName("A" * 16))


def test_a_jurisdiction_has_six_digits() -> None:
    assert decode_jurisdiction(bytes.fromhex("125255")) == "212555"
    assert encode_jurisdiction("314555").hex() == "135455"
    for wrong in ("31455", "3145550", "31455x", "31 555"):
        with pytest.raises(ValueError, match=r"jurisdiction has six digits|address signals"):
            encode_jurisdiction(wrong)


def test_generic_digits_are_read_by_their_scheme() -> None:
    assert decode_generic_digits(bytes.fromhex("2121 43 05".replace(" ", ""))) == GenericDigits("12345", 1, 1)
    assert decode_generic_digits(bytes.fromhex("012143")) == GenericDigits("1234", 1, 0)
    assert decode_generic_digits(b"\x43AB") == GenericDigits("AB", 3, 2)
    assert decode_generic_digits(b"\x60\x01\xff") == GenericDigits("01ff", 0, 3)
    with pytest.raises(ValueError, match="does not fit encoding scheme"):
        encode_generic_digits(GenericDigits("123", 0, 0))


def test_the_bearer_is_read_with_its_layer_1() -> None:
    assert decode_user_service(bytes.fromhex("8090a2")) == UserServiceInformation()
    assert UserServiceInformation().layer_1 == 2
    assert decode_user_service(bytes.fromhex("8890")).layer_1 is None
    assert decode_user_service(bytes.fromhex("808ea2")) == UserServiceInformation(0, 0, 0, 14)


def test_a_range_names_each_circuit_from_the_cic_on() -> None:
    value = decode_range_and_status(bytes.fromhex("070d"))
    assert value.circuits == 8
    assert value.flags == (True, False, True, True, False, False, False, False)
    assert range_and_status(value.flags) == value
    assert decode_range_and_status(b"\x17").flags == ()
    assert range_and_status([True] * 256) == RangeAndStatus(255, b"\xff" * 32)
    assert range_and_status([False] * 9) == RangeAndStatus(8, b"\0\0")
    for count in (0, 257):
        with pytest.raises(ValueError, match="1 to 256 can be named"):
            range_and_status([True] * count)


def test_circuit_states_are_read_and_written() -> None:
    assert decode_circuit_states(b"\x0c\x07\x03") == (
        CircuitState(0, 3, 0),
        CircuitState(3, 1, 0),
        CircuitState(3, 0, 0),
    )
    assert encode_circuit_states([CircuitState(1, 2, 3)]) == b"\x39"


def test_a_message_of_circuit_maintenance_gives_its_values() -> None:
    group = isup_message(Variant.ANSI, MessageType.CGB, 25, [(0x15, b"\x01"), (0x16, bytes.fromhex("0307"))])
    assert group.circuit_group_supervision == 1
    assert group.range_and_status == RangeAndStatus(3, b"\x07")
    assert isup_message(Variant.ITU, MessageType.COT, 1, [(0x10, b"\x01")]).continuity is True
    assert isup_message(Variant.ITU, MessageType.COT, 1, [(0x10, b"\x00")]).continuity is False
    assert isup_message(Variant.ITU, MessageType.SUS, 1, [(0x22, b"\x01")]).network_initiated is True
    query = isup_message(Variant.ANSI, MessageType.CQR, 1, [(0x16, b"\x01"), (0x26, b"\x0c\x03")])
    assert query.circuit_states == (CircuitState(0, 3, 0), CircuitState(3, 0, 0))


NUMBERS = (0x04, 0x05, 0x0A, 0x0B, 0x0C, 0x21, 0x28, 0x3F, 0x45, 0x6F, 0x7D, 0x7F, 0xC0, 0xEB)


def _of_number(code: int, variant: Variant) -> tuple[Callable[[bytes], object], Callable[[object], bytes]]:
    def read(value: bytes) -> object:
        return decode_number(code, value, variant)

    def write(number: object) -> bytes:
        assert isinstance(number, PartyNumber)
        return encode_number(code, number, variant)

    return read, write


CODECS = [
    *(_of_number(code, variant) for code in NUMBERS for variant in Variant),
    (decode_cause, encode_cause),
    (decode_nature_of_connection, encode_nature_of_connection),
    (decode_forward_call_indicators, encode_forward_call_indicators),
    (decode_backward_call_indicators, encode_backward_call_indicators),
    (decode_optional_forward, encode_optional_forward),
    (decode_optional_backward, encode_optional_backward),
    (decode_event, encode_event),
    (decode_redirection_information, encode_redirection_information),
    (decode_user_service, encode_user_service),
    *((lambda v, x=x: decode_carrier(v, x), lambda c, x=x: encode_carrier(c, x)) for x in Variant),
    (decode_name, encode_name),
    (decode_generic_digits, encode_generic_digits),
    (decode_jurisdiction, encode_jurisdiction),
    (decode_range_and_status, encode_range_and_status),
    (decode_circuit_states, encode_circuit_states),
]


@given(st.sampled_from(CODECS), st.binary(max_size=12))
def test_any_octets_are_read_without_loss_or_refused_with_an_offset_in_them(
    codec: tuple[Callable[[bytes], object], Callable[[object], bytes]], value: bytes
) -> None:
    decode, encode = codec
    try:
        read = decode(value)
    except Malformed as fault:
        assert 0 <= fault.offset <= len(value)  # noqa: PT017 - most octets are read
    else:
        assert encode(read) == value


@given(st.text("0123456789ABCDEF", max_size=20), st.sampled_from(NUMBERS), st.sampled_from(Variant))
def test_any_digits_come_back(digits: str, code: int, variant: Variant) -> None:
    number = PartyNumber(digits, 0, 0) if code == P.SUBSEQUENT_NUMBER else PartyNumber(digits, 4)
    assert decode_number(code, encode_number(code, number, variant), variant) == number


@pytest.mark.parametrize("digits", ["12 4", "12a", "+1", "１"])
def test_what_is_no_address_signal_is_not_written(digits: str) -> None:
    with pytest.raises(ValueError, match="not made of address signals"):
        encode_number(P.CALLED_PARTY_NUMBER, PartyNumber(digits), Variant.ANSI)


def test_a_parameter_without_a_number_is_not_asked_for_one() -> None:
    with pytest.raises(ValueError, match="parameter 0x12 holds no number"):
        decode_number(0x12, b"\x80\x90", Variant.ANSI)
    with pytest.raises(ValueError, match="parameter 0x12 holds no number"):
        encode_number(0x12, PartyNumber("1"), Variant.ANSI)


@pytest.mark.parametrize(
    ("code", "octets", "attribute", "within"),
    [
        (P.CALLING_PARTY_NUMBER, "03", "calling", 1),
        (P.CALLING_PARTY_NUMBER, "8310", "calling", 0),
        (P.GENERIC_ADDRESS, "", "generic", 0),
        (P.GENERIC_ADDRESS, "c083", "generic", 2),
        (P.JURISDICTION_INFORMATION, "1252", "jurisdiction", 0),
        (P.HOP_COUNTER, "1400", "hop_counter", 1),
        (P.ORIGINATING_LINE_INFORMATION, "", "originating_line", 0),
        (P.REDIRECTION_INFORMATION, "343100", "redirection", 2),
        (P.CARRIER_IDENTIFICATION, "22", "carrier", 1),
        (P.GENERIC_NAME, "", "name", 0),
        (P.GENERIC_DIGITS, "21", "generic_digits", 0),
    ],
)
def test_a_value_that_cannot_be_read_says_where_in_the_message(
    code: int, octets: str, attribute: str, within: int
) -> None:
    value = bytes.fromhex(octets)
    message = isup_message(Variant.ANSI, MessageType.ANM, 1, [(P.ACCESS_TRANSPORT, b"\x7d"), (code, value)])
    with pytest.raises(Malformed) as caught:
        getattr(message, attribute)
    assert caught.value.offset == 4 + 3 + 2 + within
    assert IsupMessage(message.data, Variant.ANSI).value(code) == value
