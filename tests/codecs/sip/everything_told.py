"""All that a codec says of some bytes, as values to compare: results, and errors with their text and place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from codecs_at_hand import Codec

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import headers

OWN_VIA = b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch="
_OWN = OWN_VIA + b"z9hG4bKtg1.ab\r\n"
_ROUTES = b"Record-Route: <sip:192.0.2.1:5060;lr>\r\n"
_ADDRESSES = (headers.FROM, headers.TO, headers.CONTACT, headers.ROUTE, headers.P_ASSERTED_IDENTITY)

Told = dict[str, Any]


def told_of_message(codec: Codec, data: bytes) -> Told:
    """What every accessor and every edit says of a message."""
    told: Told = {"response": _told(lambda: codec.read_response(data, OWN_VIA))}
    message = _told(lambda: codec.SipMessage(data))
    if isinstance(message, tuple):
        return told | {"message": message}
    told |= {name: getattr(message, name) for name in ("method", "request_uri", "status", "head_end", "body_offset")}
    for header in headers.ALL:
        for accessor in (message.value, message.required, message.span, message.spans, message.lines):
            told[f"{accessor.__name__} {header}"] = _told(lambda ask=accessor, header=header: ask(header))
        told[f"any {header}"] = message.has_any((header,))
        told[f"texts {header}"] = [message.text(span) for span in message.spans(header)]
    told["seldom"] = message.has_any((headers.DIVERSION, headers.PRIVACY, headers.VIA))
    told["texts"] = [message.text(span) for span in ((0, len(data)), (-40, 9999), (3, 2))]
    told |= {"check": _told(message.check), "cseq": _told(message.cseq), "body end": _told(message.body_end)}
    told |= {f"edit {number}": _told(edit) for number, edit in enumerate(_edits(codec, message))}
    for header in (*_ADDRESSES, headers.VIA):
        told |= {
            f"{header} {number} {name}": said
            for number, span in enumerate(message.spans(header)[:3])
            for name, said in told_of_value(codec, message.text(span)).items()
        }
    return told


def told_of_value(codec: Codec, value: bytes) -> Told:
    """What every function of the grammar says of a value."""
    told: Told = {"list": list(codec.split_list(value)), "tag": _told(lambda: codec.tag_of(value))}
    told |= {name: codec.parameter_of(value, name.encode()) for name in ("tag", "branch", "rport", "x")}
    told["via"] = via = _told(lambda: codec.parse_via(value))
    if _is_result(via):
        for host in ("192.0.2.10", "::1", "sbc.example.com"):
            told[f"completed {host}"] = _told(lambda host=host: codec.completed_via(value, via, host, 5099))
    told["address"] = address = _told(lambda: codec.parse_name_addr(value))
    uris = [value, address.uri] if _is_result(address) else [value]
    return told | {f"uri {number}": _told(lambda uri=uri: codec.parse_uri(uri)) for number, uri in enumerate(uris)}


def _edits(codec: Codec, message: Any) -> Iterator[Callable[[], bytes]]:
    yield lambda: codec.forwarded(message, _OWN + _ROUTES, 69, None)
    yield lambda: codec.forwarded(message, _OWN, 0, b"SIP/2.0/UDP completed", pop_route=True)
    yield lambda: codec.without_top_via(message)
    yield lambda: codec.response_to(message, 100, "Trying", via=b"SIP/2.0/UDP completed")
    yield lambda: codec.response_to(message, 486, "Busy Here", to_tag=b"ours", extra=b"X: 1\r\n")
    yield lambda: codec.rerouted(message, b"sip:other", [b"<sip:c>", b"<sip:d>"])
    yield lambda: codec.rerouted(message, message.request_uri, [])
    yield lambda: codec.cancel_of(message)
    yield lambda: codec.ack_of_failure(message, b"<sip:a>;tag=b")


def _told(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Malformed as fault:
        return ("malformed", fault.what, fault.offset, str(fault))


def _is_result(told: Any) -> bool:
    return not (isinstance(told, tuple) and told[0] == "malformed")
