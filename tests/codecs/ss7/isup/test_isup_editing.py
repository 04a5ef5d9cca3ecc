"""One parameter changed, all else kept byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import LARGEST_CIC, IsupMessage, MessageType, P, isup_message, layout_of
from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.samples import ANSI_IAM, ITU_IAM, samples

SAMPLES = {variant: list(samples(variant)) for variant in Variant}
EVERY = st.sampled_from(Variant).flatmap(lambda variant: st.sampled_from(SAMPLES[variant]))


def changed(message: IsupMessage, code: int, value: bytes | None) -> list[tuple[int, bytes]]:
    """What the parameters of a message are with one of them changed."""
    found = list(message.parameters)
    names = [name for name, _ in found]
    if code not in names:
        return found if value is None else [*found, (code, value)]
    place = names.index(code)
    found[place : place + 1] = [] if value is None else [(code, value)]
    return found


@given(EVERY, st.sampled_from([0x0A, 0x12, 0x16, 0x1D, 0x3D, 0xC0, 0xEB, 0xFA]), st.none() | st.binary(max_size=30))
def test_a_changed_message_is_the_one_built_with_the_change(
    message: IsupMessage, code: int, value: bytes | None
) -> None:
    wanted = changed(message, code, value)
    try:
        built = isup_message(message.variant, message.type, message.cic, wanted)
    except ValueError:
        with pytest.raises(ValueError, match=r"parameter|octets"):
            message.replaced({code: value})
    else:
        assert message.replaced({code: value}).data == built.data


@given(EVERY, st.dictionaries(st.integers(1, 255), st.binary(max_size=6), max_size=4))
def test_appended_parameters_can_be_taken_out_again(message: IsupMessage, more: dict[int, bytes]) -> None:
    layout = layout_of(message.variant, message.type)
    assert layout is not None
    present = {code for code, _ in message.parameters}
    more = {code: value for code, value in more.items() if code not in present}
    if not layout.optional.value:
        return
    fuller = message.replaced(dict(more))
    assert fuller.parameters == (*message.parameters, *more.items())
    again = fuller.replaced(dict.fromkeys(more))
    assert again.parameters == message.parameters


def test_an_odd_layout_is_kept_where_it_is_not_changed() -> None:
    # The called number stands before the user service information, with an octet in between that belongs to nobody.
    iam = IsupMessage(bytes.fromhex("0100 01 00 6010 0a 08 02 0a 03 031021 ff 03 8090a2 3d 01 14 00"), Variant.ANSI)
    assert iam.called is not None
    assert iam.called.digits == "12"
    assert iam.hop_counter == 20
    assert iam.encode() == iam.data
    fewer = iam.replaced({P.HOP_COUNTER: b"\x13"})
    assert fewer.data == iam.data[:-2] + b"\x13\x00"
    longer = fewer.replaced({P.CALLED_PARTY_NUMBER: bytes.fromhex("03102143")})
    assert longer.data.hex(" ") == "01 00 01 00 60 10 0a 09 02 0b 04 03 10 21 43 ff 03 80 90 a2 3d 01 13 00"
    assert longer.replaced({P.HOP_COUNTER: None}).data.hex(" ") == (
        "01 00 01 00 60 10 0a 09 02 00 04 03 10 21 43 ff 03 80 90 a2"
    )


def test_a_pointer_to_an_optional_part_is_put_in_where_it_was_not() -> None:
    bare = IsupMessage(bytes.fromhex("010010"), Variant.ANSI)
    assert bare.replaced({P.CAUSE_INDICATORS: b"\x80\x90"}).data.hex() == "0100100112028090" + "00"
    reset = isup_message(Variant.ANSI, MessageType.GRS, 1, [(P.RANGE_AND_STATUS, b"\x05")])
    assert reset.data.hex(" ") == "01 00 17 01 01 05"
    fuller = reset.replaced({P.CIRCUIT_ASSIGNMENT_MAP: b"\x01"})
    assert fuller.data.hex(" ") == "01 00 17 02 03 01 05 25 01 01 00"
    assert fuller.replaced({P.RANGE_AND_STATUS: b"\x05\x3f"}).data.hex(" ") == "01 00 17 02 04 02 05 3f 25 01 01 00"


def test_what_the_format_does_not_allow_is_not_done() -> None:
    iam = IsupMessage(ANSI_IAM, Variant.ANSI)
    with pytest.raises(ValueError, match="parameter 0x07 is mandatory, with 2 octets"):
        iam.replaced({P.FORWARD_CALL_INDICATORS: b"\x00"})
    with pytest.raises(ValueError, match="parameter 0x04 is mandatory"):
        iam.replaced({P.CALLED_PARTY_NUMBER: None})
    with pytest.raises(ValueError, match="272 are allowed"):
        iam.replaced({P.ACCESS_TRANSPORT: bytes(250)})
    with pytest.raises(ValueError, match="255 are allowed"):
        iam.replaced({P.ACCESS_TRANSPORT: bytes(256)})
    with pytest.raises(ValueError, match="without an optional part"):
        isup_message(Variant.ITU, MessageType.BLO, 1).replaced({P.CAUSE_INDICATORS: b"\x80\x90"})
    with pytest.raises(ValueError, match="not known"):
        IsupMessage(bytes.fromhex("0100fe"), Variant.ITU).replaced({P.CAUSE_INDICATORS: b"\x80\x90"})
    with pytest.raises(ValueError, match="CIC 16384 is not within"):
        iam.with_cic(16384)


def test_a_pointer_does_not_lead_further_than_an_octet_says() -> None:
    body = isup_message(Variant.ITU, MessageType.USR, 1, [(0x20, bytes(200)), (0x03, b"")])
    assert body.replaced({0x20: bytes(252)}).value(0x20) == bytes(252)
    with pytest.raises(ValueError, match="255 are allowed"):
        body.replaced({0x20: bytes(255)})


def test_parameters_that_share_octets_are_read_but_not_changed() -> None:
    iam = IsupMessage(bytes.fromhex("0100 01 00 6010 0a 03 02 00 03 8090a2"), Variant.ANSI)
    assert iam.value(P.CALLED_PARTY_NUMBER) == iam.value(P.USER_SERVICE_INFORMATION)
    with pytest.raises(Malformed, match="shares octets"):
        iam.replaced({P.CALLED_PARTY_NUMBER: b"\x03\x10"})


@given(st.integers(0, 0x0FFF), st.sampled_from([(ANSI_IAM, Variant.ANSI), (ITU_IAM, Variant.ITU)]))
def test_a_message_moves_to_another_circuit_as_it_is(cic: int, iam: tuple[bytes, Variant]) -> None:
    data, variant = iam
    moved = IsupMessage(data, variant).with_cic(cic)
    assert moved.cic == cic <= LARGEST_CIC[variant]
    assert moved.data[2:] == data[2:]


@pytest.mark.parametrize(
    "shared",
    [
        "0100 0c 02 01 00",  # the length of an empty cause is the end of the optional part
        "0100 0c 02 04 03 80 90 00",  # the optional part ends within the cause
        "0100 0c 02 02 05 80 01 00 00 00",  # a parameter's name and length stand within the cause
    ],
)
def test_an_optional_part_within_another_parameter_is_read_but_nothing_is_changed(shared: str) -> None:
    release = IsupMessage(bytes.fromhex(shared), Variant.ITU)
    assert release.encode() == release.data
    for changes in ({P.CAUSE_INDICATORS: b"\x80\x91"}, {P.ACCESS_TRANSPORT: b"\x7d"}, {P.CAUSE_INDICATORS: b""}):
        with pytest.raises(Malformed, match="shares octets"):
            release.replaced(dict(changes))
