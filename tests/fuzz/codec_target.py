"""What must hold of the SIP codec for any bytes at all.

Nothing is raised but `Malformed`. The quick reading of a message and the careful one say the same. What goes on differs
from what came in no more than a proxy may, and is read as it was read before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.passport import decode_identity
from gateway.codecs.sip import (
    RelayedResponse,
    SipMessage,
    ack_of_failure,
    cancel_of,
    completed_via,
    forwarded,
    headers,
    parse_name_addr,
    parse_uri,
    parse_via,
    read_response,
    response_to,
    split_list,
    tag_of,
)
from tests.hostile.forwarding import undue_change
from tests.hostile.world import readings

OWN_VIA: Final = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch="
_OWN: Final = OWN_VIA + b"z9hG4bKtg1.1\r\nRecord-Route: <sip:192.0.2.1:5060;lr>\r\n"
_SOURCE: Final = ("192.0.2.99", 5099)
_UNUSUAL: Final = b"Subject : x\r\n"
"""A line that has any message read with care."""


def codec(data: bytes) -> None:
    """Raises, with AssertionError or whatever the codec let through, where something does not hold."""
    _relayed(data)
    try:
        message = SipMessage(data)
    except Malformed:
        return
    _fields(message)
    _read_twice(data, message)
    if message.status == 0:
        _forwarded(message)
        _answered(message)


def _fields(message: SipMessage) -> None:
    """Every field, read for whatever it could hold."""
    for header in headers.ALL:
        spans = message.spans(header)
        assert (message.value(header) is not None) == bool(spans), f"{header} is there, and is not"
        for span in spans:
            value = message.text(span)
            for start, end in split_list(value):
                element = value[start:end]
                with suppress(Malformed):
                    parse_uri(parse_name_addr(element).uri)
                with suppress(Malformed):
                    parse_via(element)
            with suppress(Malformed):
                decode_identity(value)
        if spans:
            assert message.text(spans[0]) == message.value(header), f"{header} has two first values"
    for header in (headers.FROM, headers.TO):
        field = message.value(header)
        if field is not None:
            with suppress(Malformed):
                assert parse_name_addr(field).tag == tag_of(field), f"{header} has two tags"
    with suppress(Malformed):
        parse_uri(message.request_uri)


def _read_twice(data: bytes, message: SipMessage) -> None:
    """The same message with a line that is no matter of ours, so that it is read with care."""
    start = data.index(b"\r\n") + 2
    try:
        careful = SipMessage(data[:start] + _UNUSUAL + data[start:])
    except Malformed as fault:
        if message.data.count(b"\r\n", 0, message.head_end) >= 256:  # one line more is one too many
            return
        raise AssertionError("the careful reading finds malformed what the quick one reads") from fault
    for header in headers.ALL:
        quick, slow = ([one.text(span) for span in one.spans(header)] for one in (message, careful))
        assert quick == slow, f"{header} is read in two ways"
    checked: list[str | None] = []
    for one in (message, careful):
        try:
            one.check()
            checked.append(None)
        except Malformed as fault:
            checked.append(fault.what)
    assert checked[0] == checked[1], "one reading is malformed, and the other is not"


def _forwarded(message: SipMessage) -> None:
    try:
        message.check()
        value = message.required(headers.VIA)
        via = parse_via(value)
        received = completed_via(value, via, *_SOURCE)
    except Malformed:
        return
    if received is not None:
        completed = parse_via(received)
        assert (completed.branch, completed.sent_by) == (via.branch, via.sent_by), "the previous hop became another"
        assert completed_via(received, completed, *_SOURCE) in (None, received), "it is completed twice"
    hops = message.value(headers.MAX_FORWARDS)
    if hops is not None and (not hops.isdigit() or len(hops) > 3 or int(hops) == 0):
        return
    sent = forwarded(message, _OWN, int(hops) - 1 if hops is not None else 70, received)
    fault = undue_change(message.data, sent, OWN_VIA)
    assert fault is None, f"an undue change: {fault}"
    assert readings(sent) == readings(message.data), "what goes on is read in another way than what came"
    SipMessage(sent).check()


def _answered(message: SipMessage) -> None:
    with suppress(Malformed):
        answer = SipMessage(response_to(message, 403, "Forbidden", to_tag=b"ours", extra=b"X: 1\r\n"))
        assert answer.required(headers.CALL_ID) == message.required(headers.CALL_ID)
        assert answer.body_end() == len(answer.data)
        ack_of_failure(message, answer.required(headers.TO))
        cancel_of(message)


def _relayed(data: bytes) -> None:
    """A response as it is relayed, and the same with our Via spelt so that it is read with care.

    One in which a field stands twice is left out: the quick reading takes the first that is spelt in full.
    """
    start = data.find(b"\r\n") + 2
    if not data.startswith(b"SIP/2.0 ") or not data.startswith(OWN_VIA, start):
        return
    spelt = data[:start] + b"Via:  " + data[start + 5 :]
    quick, careful = _read(data), _read(spelt)
    if quick is None or careful is None:
        return
    message = SipMessage(spelt)
    if all(len(message.spans(header)) <= 1 for header in (headers.TO, headers.CSEQ)):
        assert quick == careful, "a response is read in two ways"


def _read(data: bytes) -> RelayedResponse | None:
    try:
        return read_response(data, OWN_VIA)
    except Malformed:
        return None
