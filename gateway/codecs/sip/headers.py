"""The header fields that Tollgate reads, under their full and compact names (RFC 3261 section 7.3.3)."""

from __future__ import annotations

from typing import Final


class Header:
    """One header field, known by its name."""

    __slots__ = ("compact", "key", "name", "prefix", "single")

    def __init__(self, name: str, compact: str | None = None, *, single: bool = False) -> None:
        self.name: Final = name
        self.key: Final = name.encode()
        self.prefix: Final = self.key + b":"
        """What its line starts with, as nearly everybody writes it."""
        self.compact: Final = compact
        self.single: Final = single
        """The field may stand once only: a second one is an attempt to be read in two ways."""

    def __repr__(self) -> str:
        return self.name


CALL_ID = Header("Call-ID", "i", single=True)
CONTACT = Header("Contact", "m")
CONTENT_LENGTH = Header("Content-Length", "l", single=True)
CONTENT_TYPE = Header("Content-Type", "c", single=True)
CSEQ = Header("CSeq", single=True)
DIVERSION = Header("Diversion")  # RFC 5806
FROM = Header("From", "f", single=True)
HISTORY_INFO = Header("History-Info")  # RFC 7044
IDENTITY = Header("Identity", "y")  # RFC 8224
MAX_FORWARDS = Header("Max-Forwards", single=True)
MIN_SE = Header("Min-SE")  # RFC 4028
P_ASSERTED_IDENTITY = Header("P-Asserted-Identity")  # RFC 3325
P_CHARGE_INFO = Header("P-Charge-Info")  # RFC 8496
PRIVACY = Header("Privacy")  # RFC 3323
PROXY_REQUIRE = Header("Proxy-Require")
REASON = Header("Reason")  # RFC 3326
RECORD_ROUTE = Header("Record-Route")
REQUIRE = Header("Require")
RETRY_AFTER = Header("Retry-After")
ROUTE = Header("Route")
SESSION_EXPIRES = Header("Session-Expires", "x")  # RFC 4028
SUPPORTED = Header("Supported", "k")
TIMESTAMP = Header("Timestamp", single=True)
TO = Header("To", "t", single=True)
VIA = Header("Via", "v")

ALL: Final[tuple[Header, ...]] = (
    CALL_ID,
    CONTACT,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    CSEQ,
    DIVERSION,
    FROM,
    HISTORY_INFO,
    IDENTITY,
    MAX_FORWARDS,
    MIN_SE,
    P_ASSERTED_IDENTITY,
    P_CHARGE_INFO,
    PRIVACY,
    PROXY_REQUIRE,
    REASON,
    RECORD_ROUTE,
    REQUIRE,
    RETRY_AFTER,
    ROUTE,
    SESSION_EXPIRES,
    SUPPORTED,
    TIMESTAMP,
    TO,
    VIA,
)


BY_NAME: Final = {
    name.lower().encode(): header for header in ALL for name in (header.name, header.compact) if name is not None
}
"""Header fields by their full and compact names in lower case."""

_UNREAD: Final = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Authorization"),
    *("Call-Info", "Content-Disposition", "Content-Encoding", "Date", "Event", "Expires", "Geolocation"),
    *("Organization", "P-Access-Network-Info", "P-Charging-Vector", "P-Early-Media", "P-Preferred-Identity"),
    *("Proxy-Authorization", "RAck", "RSeq", "Remote-Party-ID", "Server"),
    *("Session-ID", "Subject", "User-Agent", "Warning", "WWW-Authenticate", "X-Call-ID"),
)
USUAL_PREFIXES: Final = frozenset(name.encode() + b":" for name in _UNREAD) | {header.prefix for header in ALL}
"""Names as nearly everybody writes them, with their colon, of fields that are read here and of others."""
