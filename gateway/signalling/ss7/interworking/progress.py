"""How a call that is being set up gets on: address complete and call progress, and SIP's provisional responses.

RFC 3398 sections 7.2.5 to 7.2.7 (towards SIP) and 8.2.3 (towards ISUP).
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    Event,
    EventInformation,
    IsupMessage,
    MessageType,
    OptionalBackwardCallIndicators,
    P,
    encode_backward_call_indicators,
    encode_event,
    encode_optional_backward,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.interworking.causes import reason_of
from gateway.signalling.ss7.interworking.numbers import readable

RINGING: Final = 180
FORWARDED: Final = 181
QUEUED: Final = 182
SESSION_PROGRESS: Final = 183

_SUBSCRIBER_FREE: Final = 1
_CHARGE: Final = 2
_IN_BAND: Final = encode_optional_backward(OptionalBackwardCallIndicators(in_band=True))
_REMOTE_HOLD: Final = b"\xf9"
_REMOTE_RETRIEVAL: Final = b"\xfa"
"""Generic notification indicators (Q.763 section 3.25)."""
_STATUS_OF_EVENT: Final = {
    Event.ALERTING.value: RINGING,
    Event.FORWARDED_BUSY.value: FORWARDED,
    Event.FORWARDED_NO_REPLY.value: FORWARDED,
    Event.FORWARDED_UNCONDITIONAL.value: FORWARDED,
}
_EVENT_OF_STATUS: Final = {RINGING: Event.ALERTING, FORWARDED: Event.FORWARDED_UNCONDITIONAL}


def status_of(message: IsupMessage) -> int:
    """The provisional response that says what an ACM or a CPG does."""
    if message.type == MessageType.ACM.value:
        backward = readable(lambda: message.backward_call)
        return RINGING if backward is not None and backward.called_status == _SUBSCRIBER_FREE else SESSION_PROGRESS
    event = readable(lambda: message.event)
    return _STATUS_OF_EVENT.get(event.event, SESSION_PROGRESS) if event is not None else SESSION_PROGRESS


def reason_line(message: IsupMessage) -> bytes:
    """The Reason line of an ACM or CPG that has a cause: a tone or announcement tells the caller of it in band."""
    cause = readable(lambda: message.cause)
    return b"Reason: %s\r\n" % reason_of(cause.value, cause.location, cause.coding) if cause is not None else b""


def progress_messages(status: int, variant: Variant, *, acm_sent: bool, in_band: bool) -> list[IsupMessage]:
    """What a provisional response is in ISUP. `in_band`: it has a session description, so that there may be media."""
    optional = [(P.OPTIONAL_BACKWARD_CALL_INDICATORS.value, _IN_BAND)] if in_band else []
    messages: list[IsupMessage] = []
    if not acm_sent:
        messages.append(_acm(variant, free=status == RINGING, optional=optional))
        if status != FORWARDED:
            return messages
    event = _EVENT_OF_STATUS.get(status, Event.IN_BAND if in_band and status == SESSION_PROGRESS else Event.PROGRESS)
    information = (P.EVENT_INFORMATION.value, encode_event(EventInformation(event.value)))
    messages.append(isup_message(variant, MessageType.CPG.value, None, [information, *optional]))
    return messages


def early_acm(variant: Variant) -> IsupMessage:
    """Address complete, and nothing else is known."""
    return _acm(variant, free=False, optional=[])


def answer_message(variant: Variant, *, acm_sent: bool) -> IsupMessage:
    """ANM; CON where no ACM was sent, which an exchange says as ACM and ANM where its network has no CON."""
    if acm_sent:
        return isup_message(variant, MessageType.ANM.value, None)
    indicators = (P.BACKWARD_CALL_INDICATORS.value, _backward(free=False))
    return isup_message(variant, MessageType.CON.value, None, [indicators])


def hold_message(held: bool) -> IsupMessage:
    """ITU-T: the other side has put the call on hold, or has taken it up again (RFC 3398 section 10, Q.733)."""
    event = (P.EVENT_INFORMATION.value, encode_event(EventInformation(Event.PROGRESS.value)))
    notification = (P.GENERIC_NOTIFICATION.value, _REMOTE_HOLD if held else _REMOTE_RETRIEVAL)
    return isup_message(Variant.ITU, MessageType.CPG.value, None, [event, notification])


def _acm(variant: Variant, *, free: bool, optional: list[tuple[int, bytes]]) -> IsupMessage:
    indicators = (P.BACKWARD_CALL_INDICATORS.value, _backward(free=free))
    return isup_message(variant, MessageType.ACM.value, None, [indicators, *optional])


def _backward(*, free: bool) -> bytes:
    status = _SUBSCRIBER_FREE if free else 0
    indicators = BackwardCallIndicators(_CHARGE, status, interworking=True, isup_all_the_way=False)
    return encode_backward_call_indicators(indicators)
