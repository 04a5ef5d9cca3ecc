"""SIP messages (RFC 3261) read lazily and changed only where the proxy must. Everybody imports from here."""

from gateway.codecs.sip.python.edit import (
    ack_of_failure,
    cancel_of,
    completed_via,
    forwarded,
    rerouted,
    response_to,
    without_top_via,
)
from gateway.codecs.sip.python.grammar import (
    LONGEST_URI,
    NameAddr,
    Uri,
    Via,
    parameter_of,
    parse_name_addr,
    parse_uri,
    parse_via,
    split_list,
    tag_of,
)
from gateway.codecs.sip.python.message import SipMessage, Span
from gateway.codecs.sip.python.relayed import RelayedResponse, read_response

__all__ = [
    "LONGEST_URI",
    "NameAddr",
    "RelayedResponse",
    "SipMessage",
    "Span",
    "Uri",
    "Via",
    "ack_of_failure",
    "cancel_of",
    "completed_via",
    "forwarded",
    "parameter_of",
    "parse_name_addr",
    "parse_uri",
    "parse_via",
    "read_response",
    "rerouted",
    "response_to",
    "split_list",
    "tag_of",
    "without_top_via",
]
