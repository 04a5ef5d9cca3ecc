"""Two initial address messages, octet by octet as their standards have them, read field by field."""

from __future__ import annotations

from gateway.codecs.ss7.isup import (
    CallingCategory,
    ForwardCallIndicators,
    GenericAddressType,
    IsupMessage,
    MessageType,
    NatureOfConnection,
    NumberQualifier,
    P,
    PartyNumber,
    UserServiceInformation,
    isup_message,
    variant_of_iam,
)
from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.samples import ANSI_IAM, ITU_IAM


def test_an_ansi_iam_is_read_field_by_field() -> None:
    iam = IsupMessage(ANSI_IAM, Variant.ANSI)
    assert iam.cic == 9001
    assert iam.type == MessageType.IAM
    assert iam.nature_of_connection == NatureOfConnection()
    assert iam.forward_call == ForwardCallIndicators(isup_preference=1, isdn_access=True, ported=True)
    assert iam.category == CallingCategory.ORDINARY
    assert iam.user_service == UserServiceInformation(capability=0, rate=0x10, rest=b"\xa2")
    assert iam.user_service.layer_1 == 2
    assert iam.called == PartyNumber("3125550000", 3)
    assert iam.calling == PartyNumber("2125551234", 3, presentation=1, screening=3)
    assert iam.generic == (PartyNumber("3125557777", 3, kind=GenericAddressType.PORTED),)
    assert iam.charge == PartyNumber("2125559999", 3)
    assert iam.originating_line == 0
    assert iam.jurisdiction == "212555"
    assert iam.hop_counter == 20


def test_an_itu_iam_is_read_field_by_field() -> None:
    iam = IsupMessage(ITU_IAM, Variant.ITU)
    assert iam.cic == 213
    assert iam.nature_of_connection == NatureOfConnection()
    assert iam.forward_call == ForwardCallIndicators(isup_preference=1, isdn_access=True)
    assert iam.category == CallingCategory.ORDINARY
    assert iam.transmission_medium == 0
    assert iam.called == PartyNumber("442079460000", 4)
    assert iam.calling == PartyNumber("12125551234", 4, presentation=1, screening=1)
    assert iam.generic == (PartyNumber("12125559999", 4, kind=NumberQualifier.ADDITIONAL_CALLING),)
    assert iam.user_service == UserServiceInformation(rest=b"\xa3")
    assert iam.hop_counter == 20
    assert iam.charge is None
    assert iam.jurisdiction is None


def test_the_parameters_of_an_iam_stand_in_their_order_with_their_places() -> None:
    iam = IsupMessage(ANSI_IAM, Variant.ANSI)
    assert [code for code, _ in iam.parameters] == [
        *(P.NATURE_OF_CONNECTION, P.FORWARD_CALL_INDICATORS, P.CALLING_PARTYS_CATEGORY),
        *(P.USER_SERVICE_INFORMATION, P.CALLED_PARTY_NUMBER, P.CALLING_PARTY_NUMBER, P.GENERIC_ADDRESS),
        *(P.CHARGE_NUMBER, P.ORIGINATING_LINE_INFORMATION, P.JURISDICTION_INFORMATION, P.HOP_COUNTER),
    ]
    ((begin, end),) = iam.spans(P.CALLING_PARTY_NUMBER)
    assert ANSI_IAM[begin:end] == iam.value(P.CALLING_PARTY_NUMBER) == bytes.fromhex("03171252552143")
    assert iam.spans(P.GENERIC_NAME) == ()
    assert iam.value(P.GENERIC_NAME) is None


def test_both_are_written_again_from_their_parameters() -> None:
    for data, variant in ((ANSI_IAM, Variant.ANSI), (ITU_IAM, Variant.ITU)):
        iam = IsupMessage(data, variant)
        assert isup_message(variant, MessageType.IAM, iam.cic, iam.parameters).encode() == data


def test_an_iam_tells_its_variant_with_its_cic_and_without() -> None:
    assert variant_of_iam(ANSI_IAM) is Variant.ANSI
    assert variant_of_iam(ANSI_IAM[2:], has_cic=False) is Variant.ANSI
    assert variant_of_iam(ITU_IAM) is Variant.ITU
    assert variant_of_iam(ITU_IAM[2:], has_cic=False) is Variant.ITU


def test_a_body_of_sip_has_no_cic_and_gets_one_on_its_circuit() -> None:
    body = IsupMessage(ANSI_IAM[2:], Variant.ANSI, has_cic=False)
    assert body.cic is None
    assert body.jurisdiction == "212555"
    assert body.with_cic(9001).data == ANSI_IAM
    assert IsupMessage(ANSI_IAM, Variant.ANSI).without_cic().data == ANSI_IAM[2:]
    assert body.without_cic() is body
