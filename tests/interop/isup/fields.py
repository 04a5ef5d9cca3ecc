"""What tshark has to show of a parameter, said from our own reading of it: field by field, under tshark's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    ForwardCallIndicators,
    IsupMessage,
    MessageType,
    P,
    PartyNumber,
    decode_backward_call_indicators,
    decode_carrier,
    decode_cause,
    decode_circuit_states,
    decode_event,
    decode_forward_call_indicators,
    decode_jurisdiction,
    decode_name,
    decode_nature_of_connection,
    decode_number,
    decode_optional_backward,
    decode_optional_forward,
    decode_range_and_status,
    decode_redirection_information,
    decode_user_service,
)
from gateway.codecs.ss7.variant import Variant

Fields = dict[str, object]
"""Values by tshark's names; numbers as int, all else as text; a tuple where the field is there several times."""
NUMBER_FIELDS: Final = {
    P.CALLED_PARTY_NUMBER: "isup.called",
    P.CALLING_PARTY_NUMBER: "isup.calling",
    P.REDIRECTING_NUMBER: "isup.redirecting",
    P.REDIRECTION_NUMBER: "isup.redirection_number",
    P.CONNECTED_NUMBER: "isup.connected_number",
    P.ORIGINAL_CALLED_NUMBER: "isup.original_called_number",
    P.LOCATION_NUMBER: "isup.location_number",
    P.CALL_TRANSFER_NUMBER: "isup.call_transfer_number",
    P.CHARGE_NUMBER: "isup.charge_number",
    P.GENERIC_NUMBER: "isup.generic_number",
    P.SUBSEQUENT_NUMBER: "isup.subsequent_number",
}
TEXT: Final = frozenset(
    (
        *NUMBER_FIELDS.values(),
        "isup.jurisdiction",
        "isup.isdn_generic_name_ia5",
        "isup.transit_network_selection",
        "ansi_isup.nw_id",
    )
)
"""Fields that are text even where only digits are in it."""
_WITH_SCREENING: Final = (P.CALLING_PARTY_NUMBER, P.CONNECTED_NUMBER, P.LOCATION_NUMBER)
_WITH_PRESENTATION: Final = (*_WITH_SCREENING, P.GENERIC_NUMBER, P.REDIRECTING_NUMBER, P.ORIGINAL_CALLED_NUMBER)


def fields_of(code: int, value: bytes, message: IsupMessage) -> Fields:
    """What tshark shows of one parameter; {} where it shows nothing that we read too."""
    variant = message.variant
    if code in NUMBER_FIELDS:
        return _number(code, decode_number(code, value, variant), variant)
    if code == P.CAUSE_INDICATORS:
        return _cause(value, variant)
    if code in (P.TRANSIT_NETWORK_SELECTION, P.CARRIER_IDENTIFICATION):
        return _carrier(code, value, variant)
    if code == P.RANGE_AND_STATUS:
        return {"isup.range_indicator": decode_range_and_status(value).circuits}
    return _READERS[code](value) if code in _READERS else {}


def _number(code: int, number: PartyNumber, variant: Variant) -> Fields:
    shown: Fields = {"isup.isdn_odd_even_indicator": len(number.digits) & 1}
    if number.digits:
        shown[NUMBER_FIELDS[P(code)]] = number.digits
    if code == P.SUBSEQUENT_NUMBER:
        return shown
    natures = {
        P.CALLED_PARTY_NUMBER: "called_party",
        P.CHARGE_NUMBER: "charge_number",
        P.REDIRECTION_NUMBER: "called_party",
    }
    shown[f"isup.{natures.get(P(code), 'calling_party')}_nature_of_address_indicator"] = number.nature
    if number.plan:
        shown["isup.numbering_plan_indicator"] = number.plan
    if code in _WITH_PRESENTATION:
        shown["isup.address_presentation_restricted_indicator"] = number.presentation
    if code in _WITH_SCREENING:
        shown["isup.screening_indicator"] = number.screening
    if code == P.GENERIC_NUMBER:
        shown["isup.number_qualifier_indicator"] = number.kind
        shown["isup.screening_indicator_enhanced"] = number.screening
    if variant is Variant.ITU and code in (P.CALLED_PARTY_NUMBER, P.LOCATION_NUMBER):
        shown["isup.inn_indicator"] = int(number.inn)
    if variant is Variant.ITU and code in (P.CALLING_PARTY_NUMBER, P.GENERIC_NUMBER):
        shown["isup.ni_indicator"] = int(number.incomplete)
    return shown


def _cause(value: bytes, variant: Variant) -> Fields:
    cause = decode_cause(value)
    if variant is Variant.ITU and cause.coding:
        return {"isup.cause_indicators": value.hex(":")}  # of another standard's list tshark shows no more
    if variant is Variant.ITU:
        return {
            "q931.cause_location": cause.location,
            "q931.coding_standard": cause.coding,
            "isup.cause_indicator": cause.value,
        }
    name = "ansi_isup.cause_indicator" if cause.coding == 2 else "isup.cause_indicator"
    return {"isup.cause_location": cause.location, "ansi_isup.coding_standard": cause.coding, name: cause.value}


def _carrier(code: int, value: bytes, variant: Variant) -> Fields:
    carrier = decode_carrier(value, variant)
    if variant is Variant.ITU:
        return {
            "isup.type_of_network_identification": carrier.network_type,
            "isup.network_identification_plan": carrier.plan,
            "isup.transit_network_selection": carrier.digits,
        }
    if code == P.CARRIER_IDENTIFICATION:
        return {"ansi_isup.type_of_nw_id": carrier.network_type, "ansi_isup.nw_id_plan": carrier.plan}
    shown: Fields = {
        "isup.type_of_network_identification": carrier.network_type,
        "ansi_isup.tns.nw_id_plan": carrier.plan,
    }
    if carrier.plan == 2:
        shown["ansi_isup.nw_id"] = carrier.digits
    if carrier.circuit is not None:
        shown["ansi_isup.circuit_code"] = carrier.circuit
    return shown


def _nature_of_connection(value: bytes) -> Fields:
    nature = decode_nature_of_connection(value)
    return {
        "isup.satellite_indicator": nature.satellites,
        "isup.continuity_check_indicator": nature.continuity,
        "isup.echo_control_device_indicator": int(nature.echo_control),
    }


def _forward(value: bytes) -> Fields:
    names = (
        *("natnl_inatnl_call", "end_to_end_method", "interworking", "end_to_end_information", "isdn_user_part"),
        *("preferences", "isdn_access", "sccp_method", "ported_num_trans", "qor_attempt"),
    )
    indicators = decode_forward_call_indicators(value)
    assert len(ForwardCallIndicators._fields) == len(names) + 1
    return {f"isup.forw_call_{name}_indicator": int(bit) for name, bit in zip(names, indicators, strict=False)}


def _backward(value: bytes) -> Fields:
    names = (
        *("charge_indicator", "called_partys_status_indicator", "called_partys_category_indicator"),
        *("backw_call_end_to_end_method_indicator", "backw_call_interworking_indicator"),
        "backw_call_end_to_end_information_indicator",
        *("backw_call_isdn_user_part_indicator", "backw_call_holding_indicator", "backw_call_isdn_access_indicator"),
        *("backw_call_echo_control_device_indicator", "backw_call_sccp_method_indicator"),
    )
    indicators = decode_backward_call_indicators(value)
    assert len(BackwardCallIndicators._fields) == len(names)
    return {f"isup.{name}": int(bit) for name, bit in zip(names, indicators, strict=True)}


def _optional_forward(value: bytes) -> Fields:
    indicators = decode_optional_forward(value)
    return {
        "isup.clg_call_ind": indicators.closed_user_group,
        "isup.simple_segmentation_ind": int(indicators.segmentation),
        "isup.connected_line_identity_request_ind": int(indicators.connected_line_requested),
    }


def _optional_backward(value: bytes) -> Fields:
    indicators = decode_optional_backward(value)
    return {
        "isup.inband_information_ind": int(indicators.in_band),
        "isup.call_diversion_may_occur_ind": int(indicators.diversion_may_occur),
        "isup.simple_segmentation_ind": int(indicators.segmentation),
        "isup.mlpp_user": int(indicators.mlpp),
    }


def _redirection(value: bytes) -> Fields:
    information = decode_redirection_information(value)
    shown: Fields = {
        "isup.redirecting_ind": information.indicator,
        "isup.original_redirection_reason": information.original_reason,
    }
    if not information.short:
        shown["isup.redirection_counter"] = information.counter
        shown["isup.redirection_reason"] = information.reason
    return shown


def _event(value: bytes) -> Fields:
    event = decode_event(value)
    return {"isup.event_ind": event.event, "isup.event_presentation_restr_ind": int(event.restricted)}


def _user_service(value: bytes) -> Fields:
    bearer = decode_user_service(value)
    shown: Fields = {
        "isup.user_service_information": value.hex(":"),
        "q931.coding_standard": bearer.coding,
        "q931.information_transfer_capability": bearer.capability,
        "q931.transfer_mode": bearer.mode,
        "q931.information_transfer_rate": bearer.rate,
    }
    if bearer.layer_1 is not None:
        shown["q931.uil1"] = bearer.layer_1
    return shown


def _name(value: bytes) -> Fields:
    name = decode_name(value)
    return {
        "isup.isdn_generic_name_presentation": name.presentation,
        "isup.isdn_generic_name_availability": int(name.unavailable),
        "isup.isdn_generic_name_type": name.kind,
        "isup.isdn_generic_name_ia5": name.text,
    }


def _circuit_states(value: bytes) -> Fields:
    states = decode_circuit_states(value)
    return {
        "isup.mtc_blocking_state": tuple(state.maintenance for state in states),
        "isup.call_processing_state": tuple(state.call for state in states if state.call or state.maintenance < 3),
    }


def _octet(name: str, mask: int = 0xFF) -> Callable[[bytes], Fields]:
    return lambda value: {name: value[0] & mask}


_READERS: Final[dict[int, Callable[[bytes], Fields]]] = {
    P.NATURE_OF_CONNECTION: _nature_of_connection,
    P.FORWARD_CALL_INDICATORS: _forward,
    P.BACKWARD_CALL_INDICATORS: _backward,
    P.OPTIONAL_FORWARD_CALL_INDICATORS: _optional_forward,
    P.OPTIONAL_BACKWARD_CALL_INDICATORS: _optional_backward,
    P.REDIRECTION_INFORMATION: _redirection,
    P.EVENT_INFORMATION: _event,
    P.USER_SERVICE_INFORMATION: _user_service,
    P.GENERIC_NAME: _name,
    P.CIRCUIT_STATE: _circuit_states,
    P.JURISDICTION_INFORMATION: lambda value: {"isup.jurisdiction": decode_jurisdiction(value)},
    P.GENERIC_DIGITS: lambda value: {"isup.generic_digits": value.hex(":")},
    P.CALLING_PARTYS_CATEGORY: _octet("isup.calling_partys_category"),
    P.TRANSMISSION_MEDIUM: _octet("isup.transmission_medium_requirement"),
    P.HOP_COUNTER: _octet("isup.hop_counter", 0x1F),
    P.ORIGINATING_LINE_INFORMATION: _octet("isup.originating_line_info"),
    P.CONTINUITY: _octet("isup.continuity_indicator", 1),
    P.SUSPEND_RESUME: _octet("isup.suspend_resume_indicator", 1),
    P.CIRCUIT_GROUP_SUPERVISION: _octet("isup.cgs_message_type", 3),
}
"""Parameters whose layout is the same in both variants."""
UNREAD_BY_TSHARK: Final = frozenset(
    (MessageType.CRM, MessageType.CRA, MessageType.CVT, MessageType.EXM, MessageType.SDN)
)
"""Types of which tshark shows the name and no parameter."""
