"""A message in the words of the network that it goes to: ANSI and ITU-T ISUP say most things alike, some not."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    IsupMessage,
    MessageType,
    P,
    UserServiceInformation,
    encode_backward_call_indicators,
    encode_carrier,
    encode_user_service,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant

_SPEECH: Final = 0x00
_UNRESTRICTED: Final = 0x02
_AUDIO: Final = 0x03
_CAPABILITY_OF_MEDIUM: Final = {0: 0x00, 2: 0x08, 3: 0x10}
"""Transmission medium requirement (Q.763 section 3.54) -> information transfer capability (Q.931 section 4.5.5)."""
_MEDIUM_OF_CAPABILITY: Final = {0x00: _SPEECH, 0x08: _UNRESTRICTED, 0x09: _UNRESTRICTED, 0x10: _AUDIO}
_MU_LAW: Final = b"\xa2"

NO_INDICATIONS: Final = encode_backward_call_indicators(BackwardCallIndicators())


def in_words_of(variant: Variant, message: IsupMessage, *, acm_sent: bool = True) -> tuple[IsupMessage, ...]:
    """The message, or the messages, by which a network of a variant is told the same; none where it has no word for it.

    An answer before any ACM is a CON in ITU-T ISUP. ANSI has none: it gets an ACM and an ANM. What is said alike is the
    very message that came, byte for byte.

    Args:
        variant: of the circuit that it is to be sent on.
        message: as it came.
        acm_sent: an ACM was sent on that circuit.
    """
    if message.variant is not variant:
        translated = _translated(message, variant)
        if translated is None:
            return ()
        message = translated
    if not acm_sent and (message.type == MessageType.ANM or (message.type == MessageType.CON and variant is _ANSI)):
        return _acm_and_anm(message)
    return (message,)


_ANSI: Final = Variant.ANSI


def _acm_and_anm(answer: IsupMessage) -> tuple[IsupMessage, IsupMessage]:
    parameters = answer.parameters
    indicators = answer.value(P.BACKWARD_CALL_INDICATORS) or NO_INDICATIONS
    acm = isup_message(answer.variant, MessageType.ACM, answer.cic, ((P.BACKWARD_CALL_INDICATORS, indicators),))
    rest = [(code, value) for code, value in parameters if code != P.BACKWARD_CALL_INDICATORS]
    return acm, isup_message(answer.variant, MessageType.ANM, answer.cic, rest)


def _translated(message: IsupMessage, variant: Variant) -> IsupMessage | None:
    """None for what the other network has no word for, and for what must be read to be said otherwise, and cannot."""
    kind = message.type
    try:
        parameters = _with_carrier(message, variant)
        if kind == MessageType.IAM:
            parameters = _bearer(message, variant, parameters)
        elif kind == MessageType.CON and variant is _ANSI:
            kind = MessageType.ANM  # there is no CON to put them into: an ACM and an ANM are made of it
        return isup_message(variant, kind, message.cic, parameters)
    except (Malformed, ValueError):
        return None


def _with_carrier(message: IsupMessage, variant: Variant) -> list[tuple[int, bytes]]:
    """Carriers are written differently; all else that both have is alike, and what one has alone is passed on."""
    parameters = list(message.parameters)
    carrier = message.transit_network
    if carrier is None:
        return parameters
    if variant is _ANSI:
        plan = _PLANS.get(len(carrier.digits), carrier.plan)
        value = encode_carrier(carrier._replace(plan=plan, circuit=carrier.circuit or 0), variant)
    else:
        value = encode_carrier(carrier._replace(circuit=None), variant)
    code = int(P.TRANSIT_NETWORK_SELECTION)
    return [(each, value if each == code else old) for each, old in parameters]


_PLANS: Final = {3: 1, 4: 2}
"""Digits of a carrier identification code -> network identification plan (T1.113.3): ANSI must say which it is."""


def _bearer(message: IsupMessage, variant: Variant, parameters: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """ANSI must have user service information, ITU-T the transmission medium requirement (Q.1912.5, RFC 3398)."""
    if variant is _ANSI:
        kept = [(code, value) for code, value in parameters if code != P.TRANSMISSION_MEDIUM]
        if message.value(P.USER_SERVICE_INFORMATION) is None:
            capability = _CAPABILITY_OF_MEDIUM.get(message.transmission_medium or 0, 0x10)
            rest = b"" if capability == 0x08 else _MU_LAW
            service = encode_user_service(UserServiceInformation(capability=capability, rest=rest))
            kept.append((P.USER_SERVICE_INFORMATION, service))
        return kept
    service_information = message.user_service
    capability = service_information.capability if service_information is not None else 0x10
    medium = _MEDIUM_OF_CAPABILITY.get(capability, _AUDIO)
    return [*parameters, (P.TRANSMISSION_MEDIUM, bytes((medium,)))]
