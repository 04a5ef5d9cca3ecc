"""Messages of every type with every parameter that fits, made by the codec: what other readers are held against."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    CarrierId,
    Cause,
    CircuitState,
    EventInformation,
    ForwardCallIndicators,
    GenericDigits,
    GenericName,
    IsupMessage,
    MessageType,
    NatureOfConnection,
    OptionalBackwardCallIndicators,
    OptionalForwardCallIndicators,
    OptionalPart,
    P,
    PartyNumber,
    RedirectionInformation,
    UserServiceInformation,
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
    layout_of,
    range_and_status,
)
from gateway.codecs.ss7.variant import Variant

ANSI_IAM: Final = bytes.fromhex(
    "2923010060110a03060d038090a207031013525500000a0703171252552143c008c003101352557777eb0703101252559999"
    "ea0100c4031252553d011400"
)
"""CIC 9001; called the LRN, calling number restricted, the ported number as generic address, M bit, charge number."""
ITU_IAM: Final = bytes.fromhex(
    "d500010060010a00020a0804104402976400000a088415212155153204c0090684102121559599091d038090a33d011400"
)
"""CIC 213; an international call, calling number restricted, an additional calling number as generic number."""
OF_ANSI_ONLY: Final = frozenset(
    (
        *(P.JURISDICTION_INFORMATION, P.CARRIER_IDENTIFICATION, P.GENERIC_NAME, P.ORIGINATING_LINE_INFORMATION),
        *(P.CHARGE_NUMBER, P.EGRESS_SERVICE, P.OPERATOR_SERVICES_INFORMATION, P.BUSINESS_GROUP),
        *(P.CIRCUIT_GROUP_CHARACTERISTICS, P.CIRCUIT_VALIDATION_RESPONSE, P.OUTGOING_TRUNK_GROUP_NUMBER),
        *(P.CIRCUIT_IDENTIFICATION_NAME, P.CLLI, P.SERVICE_CODE_INDICATOR, P.SPECIAL_PROCESSING_REQUEST),
        *(P.CARRIER_SELECTION_INFORMATION, P.NETWORK_TRANSPORT, P.NOTIFICATION_INDICATOR, P.TRANSACTION_REQUEST),
    )
)
_RAW: Final[dict[int, str]] = {
    P.CALL_REFERENCE: "0102031000",
    P.ACCESS_TRANSPORT: "7d029181",
    P.CONNECTION_REQUEST: "01020310000102",
    P.FACILITY_INDICATOR: "02",
    P.CUG_INTERLOCK_CODE: "12345678",
    P.SIGNALLING_POINT_CODE: "3412",
    P.USER_TO_USER_INFORMATION: "04414243",
    P.CIRCUIT_ASSIGNMENT_MAP: "01ffffff00",
    P.AUTOMATIC_CONGESTION_LEVEL: "01",
    P.USER_TO_USER_INDICATORS: "02",
    P.ORIGINATION_ISC_POINT_CODE: "3412",
    P.GENERIC_NOTIFICATION: "e0",
    P.CALL_HISTORY_INFORMATION: "0010",
    P.ACCESS_DELIVERY_INFORMATION: "00",
    P.USER_SERVICE_INFORMATION_PRIME: "8090a2",
    P.PROPAGATION_DELAY_COUNTER: "0020",
    P.USER_TELESERVICE_INFORMATION: "9181",
    P.TRANSMISSION_MEDIUM_USED: "03",
    P.CALL_DIVERSION_INFORMATION: "0b",
    P.ECHO_CONTROL_INFORMATION: "00",
    P.MESSAGE_COMPATIBILITY: "80",
    P.PARAMETER_COMPATIBILITY: "3180",
    P.MCID_REQUEST_INDICATORS: "01",
    P.MCID_RESPONSE_INDICATORS: "01",
    P.TRANSMISSION_MEDIUM_PRIME: "02",
    P.REDIRECTION_NUMBER_RESTRICTION: "01",
    P.CALL_TRANSFER_REFERENCE: "07",
    P.LOOP_PREVENTION_INDICATORS: "00",
    P.CCSS: "01",
    P.INFORMATION_REQUEST_INDICATORS: "0900",
    P.INFORMATION_INDICATORS: "4200",
    P.CONTINUITY: "01",
    P.CIRCUIT_GROUP_SUPERVISION: "01",
    P.SUSPEND_RESUME: "01",
    P.CIRCUIT_GROUP_CHARACTERISTICS: "66",
    P.CIRCUIT_VALIDATION_RESPONSE: "01",
    P.COLLECT_CALL_REQUEST: "01",
    P.CARRIER_SELECTION_INFORMATION: "01",
    P.TRANSMISSION_MEDIUM: "03",
    P.CALLING_PARTYS_CATEGORY: "0a",
    P.HOP_COUNTER: "14",
    P.ORIGINATING_LINE_INFORMATION: "1b",
}
_NUMBERS: Final[dict[int, PartyNumber]] = {
    P.CALLED_PARTY_NUMBER: PartyNumber("3125550123", 3),
    P.CALLING_PARTY_NUMBER: PartyNumber("2125551234", 3, presentation=1, screening=3),
    P.REDIRECTING_NUMBER: PartyNumber("3145550101", 3, presentation=1),
    P.REDIRECTION_NUMBER: PartyNumber("3145550102", 3),
    P.CONNECTED_NUMBER: PartyNumber("3145550103", 3, screening=3),
    P.ORIGINAL_CALLED_NUMBER: PartyNumber("3145550104", 3),
    P.LOCATION_NUMBER: PartyNumber("314555", 3, screening=3),
    P.CALL_TRANSFER_NUMBER: PartyNumber("3145550105", 3, screening=1),
    P.CHARGE_NUMBER: PartyNumber("2125559999", 3),
    P.SUBSEQUENT_NUMBER: PartyNumber("123", 0, 0),
}
_GENERIC: Final = {
    Variant.ANSI: PartyNumber("3125557777", 3, kind=0xC0),
    Variant.ITU: PartyNumber("441632960123", 4, presentation=1, screening=1, kind=6, incomplete=True),
}
_CARRIERS: Final = {
    Variant.ANSI: CarrierId("0288", 2, 2, circuit=1),
    Variant.ITU: CarrierId("0288", 2, 2),
}


def values(variant: Variant) -> dict[int, bytes]:
    """A value of every parameter that a sample is made of."""
    made = {
        P.NATURE_OF_CONNECTION: encode_nature_of_connection(NatureOfConnection(1, 2, True)),
        P.FORWARD_CALL_INDICATORS: encode_forward_call_indicators(
            ForwardCallIndicators(isdn_access=True, isup_preference=1, ported=True)
        ),
        P.BACKWARD_CALL_INDICATORS: encode_backward_call_indicators(
            BackwardCallIndicators(2, 1, 1, isdn_access=True, echo_control=True)
        ),
        P.OPTIONAL_FORWARD_CALL_INDICATORS: encode_optional_forward(OptionalForwardCallIndicators(3, True, True)),
        P.OPTIONAL_BACKWARD_CALL_INDICATORS: encode_optional_backward(OptionalBackwardCallIndicators(True, True)),
        P.CAUSE_INDICATORS: encode_cause(Cause(17, 3)),
        P.EVENT_INFORMATION: encode_event(EventInformation(3, True)),
        P.REDIRECTION_INFORMATION: encode_redirection_information(RedirectionInformation(4, 1, 2, 3)),
        P.USER_SERVICE_INFORMATION: encode_user_service(UserServiceInformation(16)),
        P.TRANSIT_NETWORK_SELECTION: encode_carrier(_CARRIERS[variant], variant),
        P.GENERIC_NUMBER: encode_number(P.GENERIC_NUMBER, _GENERIC[variant], variant),
        P.GENERIC_DIGITS: encode_generic_digits(GenericDigits("12345", 1, 1)),
        P.RANGE_AND_STATUS: encode_range_and_status(range_and_status([True, False, True, True, *[False] * 8, True])),
        P.CIRCUIT_STATE: encode_circuit_states(
            [CircuitState(1, 3, 0), CircuitState(0, 1, 2)] * 6 + [CircuitState(3, 0, 0)]
        ),
        P.JURISDICTION_INFORMATION: encode_jurisdiction("212555"),
        P.CARRIER_IDENTIFICATION: encode_carrier(CarrierId("222", 2, 1), Variant.ANSI),
        P.GENERIC_NAME: encode_name(GenericName("ALICE EXAMPLE", 1)),
    }
    found = {int(code): value for code, value in made.items()}
    found |= {int(code): bytes.fromhex(text) for code, text in _RAW.items()}
    found |= {int(code): encode_number(code, number, variant) for code, number in _NUMBERS.items()}
    return found if variant is Variant.ANSI else {code: v for code, v in found.items() if code not in OF_ANSI_ONLY}


def samples(variant: Variant, cic: int = 213) -> Iterator[IsupMessage]:
    """Of every message type: the mandatory parameters alone; then, where there may be others, one message for each."""
    value_of = values(variant)
    for kind in MessageType:
        layout = layout_of(variant, kind)
        if layout is None:
            continue
        names = (*(name for name, _ in layout.fixed), *layout.variable)
        mandatory = [(name, _mandatory(kind, name, value_of)) for name in names]
        yield isup_message(variant, kind, cic, mandatory)
        if layout.optional is OptionalPart.ALWAYS:
            for code, value in value_of.items():
                if code not in names:
                    yield isup_message(variant, kind, cic, [*mandatory, (code, value)])


def _mandatory(kind: int, name: int, value_of: dict[int, bytes]) -> bytes:
    if name == P.RANGE_AND_STATUS and kind in (MessageType.GRS, MessageType.CQM, MessageType.CQR):
        return value_of[name][:1]
    return value_of[name]


def varied(variant: Variant, count: int, seed: int = 4) -> Iterator[IsupMessage]:
    """IAMs, ACMs, CPGs and RELs whose values take all that they may be, at random, but the same for a seed."""
    random = Random(seed)
    value_of = values(variant)
    for _ in range(count):
        value_of |= _varied_values(random, variant)
        kind = random.choice((MessageType.IAM, MessageType.IAM, MessageType.ACM, MessageType.CPG, MessageType.REL))
        layout = layout_of(variant, kind)
        assert layout is not None
        names = [*(name for name, _ in layout.fixed), *layout.variable]
        others = [code for code in _VARIED if code in value_of and code not in names]
        names += random.sample(others, random.randint(0, 8))
        yield isup_message(variant, kind, random.randint(0, 0x0FFF), [(name, value_of[name]) for name in names])


_VARIED: Final = (
    *(P.CALLED_PARTY_NUMBER, P.CALLING_PARTY_NUMBER, P.REDIRECTING_NUMBER, P.ORIGINAL_CALLED_NUMBER),
    *(P.GENERIC_NUMBER, P.CHARGE_NUMBER, P.CAUSE_INDICATORS, P.EVENT_INFORMATION, P.OPTIONAL_BACKWARD_CALL_INDICATORS),
    *(P.REDIRECTION_INFORMATION, P.JURISDICTION_INFORMATION, P.ORIGINATING_LINE_INFORMATION, P.HOP_COUNTER),
    *(P.GENERIC_NAME, P.BACKWARD_CALL_INDICATORS, P.OPTIONAL_FORWARD_CALL_INDICATORS),
)


def _varied_values(random: Random, variant: Variant) -> dict[int, bytes]:
    def octets(*tops: int) -> bytes:
        return bytes(random.randint(0, top) for top in tops)

    found = {int(code): encode_number(code, _varied_number(random), variant) for code in (*_NUMBERS, P.GENERIC_NUMBER)}
    coding = random.choice((0, 2))
    found[P.CAUSE_INDICATORS] = encode_cause(Cause(random.randint(1, 127), random.randint(0, 15), coding))
    found[P.NATURE_OF_CONNECTION] = octets(0x1F)
    found[P.FORWARD_CALL_INDICATORS] = octets(0xFF, 0x3F)
    found[P.BACKWARD_CALL_INDICATORS] = octets(0xFF, 0xFF)
    found[P.OPTIONAL_BACKWARD_CALL_INDICATORS] = octets(0x0F)
    found[P.OPTIONAL_FORWARD_CALL_INDICATORS] = octets(0x07)
    found[P.EVENT_INFORMATION] = octets(0xFF)
    found[P.REDIRECTION_INFORMATION] = octets(0xF7, 0xF7)
    found[P.CALLING_PARTYS_CATEGORY] = octets(0xFF)
    found[P.HOP_COUNTER] = octets(0x1F)
    if variant is Variant.ANSI:
        found[P.ORIGINATING_LINE_INFORMATION] = octets(0xFF)
        found[P.JURISDICTION_INFORMATION] = encode_jurisdiction(f"{random.randint(200_000, 999_999)}")
        found[P.GENERIC_NAME] = encode_name(GenericName("ALICE", random.randint(0, 3), random.randint(0, 7)))
    else:
        found = {code: value for code, value in found.items() if code not in OF_ANSI_ONLY}
    return found


def _varied_number(random: Random) -> PartyNumber:
    return PartyNumber(
        "".join(random.choices("0123456789", k=random.randint(1, 15))),
        random.choice((1, 2, 3, 4, 5)),
        random.choice((1, 1, 1, 3, 5)),
        random.randint(0, 3),
        random.randint(0, 3),
        random.random() < 0.3,
        random.random() < 0.3,
        random.randint(0, 10),
    )
