"""The message format tables: what each type must have, in each variant, and what is said of a message without it."""

from __future__ import annotations

import pytest

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    LARGEST_CIC,
    LONGEST_MESSAGE,
    Cause,
    IsupMessage,
    MessageType,
    OptionalPart,
    P,
    encode_cause,
    isup_message,
    layout_of,
    variant_of_iam,
)
from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.samples import ANSI_IAM, ITU_IAM, samples

NEVER, ALWAYS, IF_PRESENT = OptionalPart
RS = P.RANGE_AND_STATUS
CAUSE = P.CAUSE_INDICATORS
FORMATS: list[tuple[str, str, dict[int, int], tuple[int, ...], OptionalPart]] = [
    ("ansi", "IAM", {6: 1, 7: 2, 9: 1}, (P.USER_SERVICE_INFORMATION, P.CALLED_PARTY_NUMBER), ALWAYS),
    ("itu", "IAM", {6: 1, 7: 2, 9: 1, 2: 1}, (P.CALLED_PARTY_NUMBER,), ALWAYS),
    ("itu", "SAM", {}, (P.SUBSEQUENT_NUMBER,), ALWAYS),
    ("both", "INR", {0x0E: 2}, (), ALWAYS),
    ("both", "INF", {0x0F: 2}, (), ALWAYS),
    ("both", "COT", {0x10: 1}, (), NEVER),
    ("both", "ACM", {0x11: 2}, (), ALWAYS),
    ("both", "CON", {0x11: 2}, (), ALWAYS),
    ("both", "CPG", {0x24: 1}, (), ALWAYS),
    ("both", "ANM", {}, (), ALWAYS),
    ("both", "FOT", {}, (), ALWAYS),
    ("both", "REL", {}, (CAUSE,), ALWAYS),
    ("ansi", "RLC", {}, (), IF_PRESENT),
    ("itu", "RLC", {}, (), ALWAYS),
    ("both", "SUS", {0x22: 1}, (), ALWAYS),
    ("both", "RES", {0x22: 1}, (), ALWAYS),
    *(("both", name, {}, (), NEVER) for name in ("CCR", "RSC", "BLO", "UBL", "BLA", "UBA", "LPA", "UCIC", "OLM")),
    *(("ansi", name, {}, (RS,), IF_PRESENT) for name in ("GRS", "GRA", "CQM")),
    *(("itu", name, {}, (RS,), NEVER) for name in ("GRS", "GRA", "CQM")),
    ("ansi", "CQR", {}, (RS, P.CIRCUIT_STATE), IF_PRESENT),
    ("itu", "CQR", {}, (RS, P.CIRCUIT_STATE), NEVER),
    *(("ansi", name, {0x15: 1}, (RS,), IF_PRESENT) for name in ("CGB", "CGU", "CGBA", "CGUA")),
    *(("itu", name, {0x15: 1}, (RS,), NEVER) for name in ("CGB", "CGU", "CGBA", "CGUA")),
    ("both", "CFN", {}, (CAUSE,), ALWAYS),
    ("both", "FAC", {}, (), ALWAYS),
    ("both", "FAR", {0x18: 1}, (), ALWAYS),
    ("both", "FAA", {0x18: 1}, (), ALWAYS),
    ("both", "FRJ", {0x18: 1}, (CAUSE,), ALWAYS),
    ("both", "USR", {}, (P.USER_TO_USER_INFORMATION,), ALWAYS),
    ("both", "SGM", {}, (), ALWAYS),
    ("ansi", "CRM", {6: 1}, (), NEVER),
    ("ansi", "CRA", {}, (), NEVER),
    ("ansi", "CVT", {}, (), NEVER),
    ("ansi", "CVR", {0xE6: 1, 0xE5: 1}, (), ALWAYS),
    ("ansi", "EXM", {}, (), ALWAYS),
]
CASES = [
    (variant, MessageType[name], fixed, variable, optional)
    for variants, name, fixed, variable, optional in FORMATS
    for variant in (Variant if variants == "both" else (Variant(variants),))
]


@pytest.mark.parametrize(("variant", "kind", "fixed", "variable", "optional"), CASES)
def test_a_type_has_the_format_of_its_standard(
    variant: Variant, kind: int, fixed: dict[int, int], variable: tuple[int, ...], optional: OptionalPart
) -> None:
    layout = layout_of(variant, kind)
    assert layout is not None
    assert dict(layout.fixed) == fixed
    assert layout.variable == variable
    assert layout.optional is optional


def test_itu_has_no_table_for_the_types_of_ansi() -> None:
    for kind in (MessageType.CRM, MessageType.CRA, MessageType.CVT, MessageType.CVR, MessageType.EXM):
        assert layout_of(Variant.ITU, kind) is None


@pytest.mark.parametrize("variant", Variant)
def test_a_sample_of_every_type_is_read_and_written_again(variant: Variant) -> None:
    count = 0
    for sample in samples(variant):
        again = IsupMessage(sample.data, variant)
        assert again.parameters == sample.parameters
        assert isup_message(variant, again.type, again.cic, again.parameters).data == sample.data
        count += 1
    assert count > 500


@pytest.mark.parametrize("variant", Variant)
def test_a_sample_cut_short_says_where_it_ends(variant: Variant) -> None:
    for sample in samples(variant):
        for length in range(len(sample.data)):
            cut = sample.data[:length]
            if _ends_where_its_optional_part_would_begin(cut, sample):
                assert IsupMessage(cut, variant).type == sample.type
                continue
            with pytest.raises(Malformed) as caught:
                IsupMessage(cut, variant)
            assert 0 <= caught.value.offset <= length


def _ends_where_its_optional_part_would_begin(cut: bytes, sample: IsupMessage) -> bool:
    """A pointer that leads nowhere is the one thing that may be missing without harm."""
    layout = layout_of(sample.variant, sample.type)
    assert layout is not None
    return not layout.variable and len(cut) == 3 + layout.fixed_octets


@pytest.mark.parametrize(
    ("data", "variant", "what", "offset"),
    [
        ("", "itu", "ends before its type", 0),
        ("0100", "itu", "ends before its type", 2),
        ("010001006001", "itu", "ends within its mandatory fixed part", 6),
        ("010001006001 0a", "itu", "ends within its mandatory fixed part", 7),
        ("0100 0c", "itu", "ends within its pointers", 3),
        ("0100 0c 00 00", "itu", "does not lead behind the pointers", 3),
        ("0100 0c 01 00", "itu", "does not lead behind the pointers", 3),
        ("0100 0c 09 00 02 8090", "itu", "leads behind the end", 3),
        ("0100 0c 02 00 04 8090", "itu", "parameter 0x12 is longer than the message", 5),
        ("0100 0c 02 09 02 8090", "itu", "optional part leads behind the end", 4),
        ("0100 09 05 00", "itu", "optional part leads behind the end", 3),
        ("0100 09 01", "itu", "optional part leads behind the end", 3),
        ("0100 09 01 2c 01 e0", "itu", "before the end of optional parameters", 7),
        ("0100 09 01 2c", "itu", "before the length of parameter 0x2c", 5),
        ("0100 09 01 2c 03 e0", "itu", "parameter 0x2c is longer than the message", 5),
    ],
)
def test_what_is_broken_is_said_with_its_offset(data: str, variant: str, what: str, offset: int) -> None:
    with pytest.raises(Malformed, match=what) as caught:
        IsupMessage(bytes.fromhex(data), Variant(variant))
    assert caught.value.offset == offset


def test_a_message_longer_than_a_signal_unit_is_refused() -> None:
    longest = bytes.fromhex("010013") + bytes(LONGEST_MESSAGE - 3)
    assert IsupMessage(longest, Variant.ITU).parameters == ()
    with pytest.raises(Malformed) as caught:
        IsupMessage(longest + b"\0", Variant.ITU)
    assert caught.value.offset == LONGEST_MESSAGE


def test_a_release_complete_may_lack_the_pointer_to_what_it_has_not() -> None:
    for variant in Variant:
        assert IsupMessage(bytes.fromhex("010010"), variant).parameters == ()
        assert IsupMessage(bytes.fromhex("01001000"), variant).parameters == ()
        with_cause = IsupMessage(bytes.fromhex("01001001120280ff00"), variant)
        assert with_cause.cause == Cause(127, 0)
    assert isup_message(Variant.ANSI, MessageType.RLC, 1).data.hex() == "010010"
    assert isup_message(Variant.ITU, MessageType.RLC, 1).data.hex() == "01001000"
    cause = (P.CAUSE_INDICATORS, encode_cause(Cause(127, 0)))
    assert isup_message(Variant.ANSI, MessageType.RLC, 1, [cause]).data.hex() == "01001001120280ff00"


def test_an_ansi_group_message_is_read_with_a_pointer_to_an_optional_part_and_without() -> None:
    without = IsupMessage(bytes.fromhex("0100 18 00 01 02 05 3f".replace(" ", "")), Variant.ANSI)
    assert without.value(P.RANGE_AND_STATUS) == bytes.fromhex("053f")
    absent = IsupMessage(bytes.fromhex("0100 18 00 02 00 02 05 3f".replace(" ", "")), Variant.ANSI)
    assert absent.parameters == without.parameters
    present = IsupMessage(bytes.fromhex("0100 18 00 02 04 02 05 3f 25 02 01ff 00".replace(" ", "")), Variant.ANSI)
    assert present.value(P.CIRCUIT_ASSIGNMENT_MAP) == b"\x01\xff"


def test_a_type_without_a_table_is_kept_and_has_no_parameters() -> None:
    message = IsupMessage(bytes.fromhex("0100fe0102030405"), Variant.ITU)
    assert message.type == 0xFE
    assert message.cic == 1
    assert message.parameters == ()
    assert message.encode() == bytes.fromhex("0100fe0102030405")


def test_unknown_parameters_are_kept_as_octets() -> None:
    message = IsupMessage(bytes.fromhex("010009 01 6f02 abcd fa00 00".replace(" ", "")), Variant.ITU)
    assert message.parameters == ((0x6F, b"\xab\xcd"), (0xFA, b""))


def test_of_a_repeated_parameter_all_values_are_found() -> None:
    generic = bytes.fromhex("c003101352557777")
    other = bytes.fromhex("0003101352558888")
    iam = IsupMessage(ANSI_IAM, Variant.ANSI)
    twice = isup_message(Variant.ANSI, MessageType.IAM, 1, [*iam.parameters, (0xC0, other)])
    assert twice.value(0xC0) == generic
    assert twice.values(0xC0) == (generic, other)
    assert [number.digits for number in twice.generic] == ["3125557777", "3125558888"]
    assert [twice.data[begin:end] for begin, end in twice.spans(0xC0)] == [generic, other]
    assert twice.parameters[-1] == (0xC0, other)


@pytest.mark.parametrize("variant", Variant)
def test_spare_bits_of_the_cic_do_not_count(variant: Variant) -> None:
    assert IsupMessage(b"\xff\xff\x13", variant).cic == LARGEST_CIC[variant]


def test_a_message_is_not_built_without_what_it_must_have() -> None:
    with pytest.raises(ValueError, match=r"message type 0x01 must have parameter 0x06"):
        isup_message(Variant.ANSI, MessageType.IAM, 1)
    with pytest.raises(ValueError, match=r"parameter 0x11 has 1 octets instead of 2"):
        isup_message(Variant.ANSI, MessageType.ACM, 1, [(P.BACKWARD_CALL_INDICATORS, b"\0")])
    with pytest.raises(ValueError, match=r"parameter 0x12 has no place in message type 0x13"):
        isup_message(Variant.ANSI, MessageType.BLO, 1, [(P.CAUSE_INDICATORS, b"\x80\x90")])
    with pytest.raises(ValueError, match=r"no format for message type 0xfe"):
        isup_message(Variant.ANSI, 0xFE, 1)
    with pytest.raises(ValueError, match=r"CIC 4096 is not within 0 to 4095"):
        isup_message(Variant.ITU, MessageType.BLO, 4096)
    with pytest.raises(ValueError, match="272 are allowed"):
        isup_message(Variant.ITU, MessageType.ANM, 1, [(0x6F, bytes(200)), (0x70, bytes(200))])
    with pytest.raises(ValueError, match="at most 255 octets"):
        isup_message(Variant.ITU, MessageType.ANM, 1, [(0x6F, bytes(256))])
    with pytest.raises(ValueError, match="a parameter's name"):
        isup_message(Variant.ITU, MessageType.ANM, 1, [(0, b"")])


def test_only_an_iam_tells_its_variant() -> None:
    with pytest.raises(Malformed, match="no IAM"):
        variant_of_iam(bytes.fromhex("010013"))
    with pytest.raises(Malformed, match="no IAM"):
        variant_of_iam(b"")
    assert variant_of_iam(ITU_IAM[:9]) is Variant.ITU
