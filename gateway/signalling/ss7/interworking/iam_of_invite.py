"""From the INVITE of a call to its IAM (RFC 3398 section 7.2.1.1, Q.1912.5 section 7.1, RFC 4694, RFC 8496).

Both are read for the same facts (`CallAttempt`), so that what the checks have judged is what goes on. What SIP does not
say is not made up: a parameter without a fact is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    CallingCategory,
    CarrierId,
    ForwardCallIndicators,
    GenericAddressType,
    GenericName,
    IsupMessage,
    MessageType,
    NatureOfAddress,
    NatureOfConnection,
    NumberQualifier,
    P,
    PartyNumber,
    ScreeningIndicator,
    encode_carrier,
    encode_forward_call_indicators,
    encode_jurisdiction,
    encode_name,
    encode_nature_of_connection,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt, NumberFact
from gateway.policy.canonical import is_restricted, names_someone
from gateway.signalling.ss7.interworking.bearers import Bearer, medium_of, user_service_of
from gateway.signalling.ss7.interworking.diversions import redirection_parameters
from gateway.signalling.ss7.interworking.numbers import digits_of, service_nature

EMERGENCY: Final = "911"
LARGEST_HOP_COUNTER: Final = 31
LONGEST_NAME: Final = 15
"""Characters of a generic name; the rest of a longer one is left out (T1.641)."""
MOST_CARRIER_DIGITS: Final = 4

_ISUP_NOT_REQUIRED: Final = 1
_RESTRICTED: Final = 1
_CHARGE_NATURE: Final = re.compile(rb";[ \t]*noa[ \t]*=[ \t]*([1-7])(?![0-9])", re.IGNORECASE)

CATEGORIES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "unknown": CallingCategory.UNKNOWN.value,
        "operator": CallingCategory.OPERATOR_ENGLISH.value,
        "ordinary": CallingCategory.ORDINARY.value,
        "priority": CallingCategory.PRIORITY.value,
        "data": CallingCategory.DATA.value,
        "test": CallingCategory.TEST.value,
        "payphone": CallingCategory.PAYPHONE.value,
    }
)
"""cpc (draft-mahy-iptel-cpc) -> calling party's category. A number stands for itself; anything else is ordinary, also
``emergency``: that is a call to an emergency number, and no caller's word."""


_OF_EMERGENCIES: Final = frozenset({CallingCategory.EMERGENCY.value, CallingCategory.EMERGENCY.value + 1})


def iam_of_invite(attempt: CallAttempt, variant: Variant, bearer: Bearer) -> IsupMessage:
    """The IAM, without a CIC, of a call that an INVITE attempts.

    Raises `Malformed` where the Request-URI carries no telephone number, and the call is no emergency.
    """
    parameters = [
        (P.NATURE_OF_CONNECTION.value, encode_nature_of_connection(NatureOfConnection())),
        *_called_parameters(attempt, variant),
        (P.CALLING_PARTYS_CATEGORY.value, bytes((category_of(attempt, variant),))),
        (P.USER_SERVICE_INFORMATION.value, user_service_of(bearer)),
    ]
    if variant is not Variant.ANSI:
        parameters.append((P.TRANSMISSION_MEDIUM.value, medium_of(bearer)))
    parameters += _calling_parameters(attempt, variant)
    parameters += redirection_parameters(attempt, variant)
    if variant is Variant.ANSI:
        parameters += _ansi_parameters(attempt)
    carrier = attempt.carrier
    if carrier is not None and carrier.value.isdigit() and len(carrier.value) in (3, MOST_CARRIER_DIGITS):
        parameters.append(_carrier_parameter(carrier.value, attempt, variant))
    if attempt.hops is not None:
        parameters.append((P.HOP_COUNTER.value, bytes((min(attempt.hops, LARGEST_HOP_COUNTER),))))
    return isup_message(variant, MessageType.IAM.value, None, parameters)


# -- who is called ----------------------------------------------------------------------------------------------------


def _called_parameters(attempt: CallAttempt, variant: Variant) -> list[tuple[int, bytes]]:
    """Called party number, what stands for a ported number, and the forward call indicators with the M bit.

    A call whose number was ported goes to the LRN, and the number that was dialled goes along: ANSI's generic address,
    ITU-T's called directory number (T1.113.3 section 3.22, Q.769.1).
    """
    dialled = _dialled(attempt, variant)
    if dialled is None:
        raise Malformed("the Request-URI carries no telephone number", attempt.called.offset)
    routing = None
    if len(dialled[0]) > len(EMERGENCY):  # no rn leads a call to 911 elsewhere (L10)
        routing = _routing_digits(attempt.routing_number, variant)
    called = routing or dialled
    parameters: list[tuple[int, bytes]] = []
    if routing is not None:
        code = (P.GENERIC_ADDRESS if variant is Variant.ANSI else P.CALLED_DIRECTORY_NUMBER).value
        ported = PartyNumber(*dialled, kind=GenericAddressType.PORTED.value if variant is Variant.ANSI else 0)
        parameters.append((code, encode_number(code, ported, variant)))
    forward = ForwardCallIndicators(
        international=called[1] == NatureOfAddress.INTERNATIONAL.value and not called[0].startswith("1"),
        interworking=True,
        isup_all_the_way=False,
        isup_preference=_ISUP_NOT_REQUIRED,
        ported=attempt.npdi or routing is not None,
    )
    number = encode_number(P.CALLED_PARTY_NUMBER.value, PartyNumber(*called), variant)
    return [
        (P.FORWARD_CALL_INDICATORS.value, encode_forward_call_indicators(forward)),
        (P.CALLED_PARTY_NUMBER.value, number),
        *parameters,
    ]


def _dialled(attempt: CallAttempt, variant: Variant) -> tuple[str, int] | None:
    """The digits that were dialled, with their nature of address.

    An emergency call without a number (``urn:service:sos``, ``*67911``), or with a prefix before 911, is one to 911,
    which every exchange knows. Any other number that is one of public safety stays what it is.
    """
    found = digits_of(attempt.called, variant)
    if attempt.emergency and (found is None or found[0] == "1" + EMERGENCY):
        return EMERGENCY, service_nature(variant)
    return found


def _routing_digits(number: TelephoneNumber | None, variant: Variant) -> tuple[str, int] | None:
    """The LRN: of the NANP in the form of the variant, else as it is written."""
    if number is None:
        return None
    return digits_of(NumberFact("rn", number, f"+{number.digits}".encode(), 0), variant)


# -- who calls --------------------------------------------------------------------------------------------------------


def category_of(attempt: CallAttempt, variant: Variant) -> int:
    """Calling party's category (draft-mahy-iptel-cpc; an emergency call has one of its own in ANSI)."""
    if attempt.emergency and variant is Variant.ANSI:
        return CallingCategory.EMERGENCY.value
    fact = attempt.calling_party_category
    if fact is None:
        return CallingCategory.ORDINARY.value
    said = fact.raw.decode("ascii", "replace").lower()
    if said.isdigit() and len(said) <= 3 and int(said) <= 255 and int(said) not in _OF_EMERGENCIES:
        return int(said)
    return CATEGORIES.get(said, CallingCategory.ORDINARY.value)


def _calling_parameters(attempt: CallAttempt, variant: Variant) -> list[tuple[int, bytes]]:
    """Calling party number, and what the caller said of himself beside it.

    Where the network asserts an identity (RFC 3325), it has provided the number; what stands in From alone is the
    user's word, and nobody has verified it.
    """
    calling = attempt.calling
    found = digits_of(calling, variant)
    if found is None:
        return []
    presentation = _RESTRICTED if is_restricted(attempt) else 0
    asserted = calling is not attempt.from_
    screening = (ScreeningIndicator.NETWORK if asserted else ScreeningIndicator.USER_NOT_VERIFIED).value
    number = PartyNumber(*found, presentation=presentation, screening=screening)
    code = P.CALLING_PARTY_NUMBER.value
    parameters = [(code, encode_number(code, number, variant))]
    said = digits_of(attempt.from_, variant)
    if asserted and said is not None and said != found:
        kind = (
            GenericAddressType.SUPPLEMENTAL_USER_PROVIDED_NOT_SCREENED
            if variant is Variant.ANSI
            else NumberQualifier.ADDITIONAL_CALLING
        ).value
        own = PartyNumber(*said, presentation=presentation, kind=kind)
        parameters.append((P.GENERIC_NUMBER.value, encode_number(P.GENERIC_NUMBER.value, own, variant)))
    return parameters


def _ansi_parameters(attempt: CallAttempt) -> list[tuple[int, bytes]]:
    """Charge number, originating line information, jurisdiction, name: what only ANSI has a place for."""
    parameters: list[tuple[int, bytes]] = []
    charge = next((fact for fact in attempt.charge if fact.number is not None), None)
    found = digits_of(charge, Variant.ANSI) if charge is not None else None
    if charge is not None and found is not None:
        nature = _CHARGE_NATURE.search(charge.raw)
        number = PartyNumber(found[0], int(nature[1]) if nature is not None else found[1])
        parameters.append((P.CHARGE_NUMBER.value, encode_number(P.CHARGE_NUMBER.value, number, Variant.ANSI)))
    line = attempt.originating_line
    if line is not None and line.raw.isdigit() and len(line.raw) <= 2:
        parameters.append((P.ORIGINATING_LINE_INFORMATION.value, bytes((int(line.raw),))))
    jurisdiction = jurisdiction_of(attempt.calling_routing_number)
    if jurisdiction is not None:
        parameters.append((P.JURISDICTION_INFORMATION.value, encode_jurisdiction(jurisdiction)))
    name = _name_of(attempt)
    if name:
        parameters.append((P.GENERIC_NAME.value, encode_name(GenericName(name))))
    return parameters


def jurisdiction_of(routing_number: TelephoneNumber | None) -> str | None:
    """The six digits NPA-NXX of the calling number's LRN, which may come as those six digits alone.

    A JIP that came on ISUP goes through SIP as ``rn=+1`` and its six digits: the four that would make it an LRN are not
    known, and are not made up.
    """
    if routing_number is None:
        return None
    digits = routing_number.digits
    if len(digits) == 7 and digits.startswith("1"):
        digits = digits[1:]
    return digits[:6] if len(digits) in (6, 10) and digits.isdigit() else None


def _name_of(attempt: CallAttempt) -> str:
    """From's display name as a generic name has it; empty where there is none, or it is not to be shown."""
    fact = attempt.display_name
    if fact is None or is_restricted(attempt):
        return ""
    text = fact.value or fact.raw.decode("utf-8", "replace")
    written = text.isascii() and text.isprintable() and names_someone(text)
    return text[:LONGEST_NAME].rstrip() if written else ""


def _carrier_parameter(code: str, attempt: CallAttempt, variant: Variant) -> tuple[int, bytes]:
    """The carrier of cic (RFC 4694): RFC 3398 section 7.2.1.1 has it select the transit network of an international
    call, and identify the carrier of any other. ITU-T has the first one only.
    """
    called = attempt.routing_number or attempt.called.number
    international = called is not None and not called.is_nanp
    name = P.TRANSIT_NETWORK_SELECTION if international or variant is not Variant.ANSI else P.CARRIER_IDENTIFICATION
    plan = 2 if len(code) == MOST_CARRIER_DIGITS or variant is not Variant.ANSI else 1
    circuit = 0 if name is P.TRANSIT_NETWORK_SELECTION and variant is Variant.ANSI else None
    return name.value, encode_carrier(CarrierId(code, plan=plan, circuit=circuit), variant)
