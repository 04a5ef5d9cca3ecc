"""SIP messages (RFC 3261) read lazily and changed only where the proxy must.

The one place where the codec is chosen: the Python in ``python/`` is what it does, in full; the C in ``c/`` does the
same faster, and is taken where it was built and may be offered (`gateway.native`). Everybody imports from here.
"""

from typing import TYPE_CHECKING

from gateway.codecs.sip.python.edit import (
    ack_of_failure,
    cancel_of,
    completed_via,
    forwarded,
    rerouted,
    response_to,
    via_without,
    with_first_via,
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

IMPLEMENTATION = "Python"
"""Which one runs: ``C`` or ``Python``."""

if not TYPE_CHECKING:
    try:
        from gateway.codecs.sip._codec import (
            SipMessage,
            completed_via,
            forwarded,
            parameter_of,
            parse_name_addr,
            parse_uri,
            parse_via,
            read_response,
            response_to,
            split_list,
            tag_of,
            without_top_via,
        )

        IMPLEMENTATION = "C"
    except ModuleNotFoundError as missing:
        if missing.name != "gateway.codecs.sip._codec":
            raise

__all__ = [
    "IMPLEMENTATION",
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
    "via_without",
    "with_first_via",
    "without_top_via",
]
