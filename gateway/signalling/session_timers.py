"""Session timers (RFC 4028): a call whose sides agreed to refresh it, and no longer do, is over.

The gateway honours what the two sides negotiate. Where the settings say so, it asks for a session interval by itself
and refuses or raises one that is too short for it (section 8).
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.sip import SipMessage, headers
from gateway.codecs.sip.headers import Header
from gateway.signalling.calls import CallsUp
from gateway.signalling.dialogs import Dialog
from gateway.signalling.proxy_settings import ProxySettings
from gateway.signalling.rewriting import with_field
from gateway.signalling.transactions import ClientTransaction

SHORTEST_S: Final = 90
"""Section 5: no session interval is shorter."""
GRACE_US: Final = 32_000_000
"""For the BYE that a side sends when the refresh does not come (section 10), and the round trip of a late refresh."""
STEP_US: Final = 60_000_000
"""Intervals are rounded up to a multiple of this, so that there are few different durations."""
REFRESHES: Final = frozenset({b"INVITE", b"UPDATE"})


class SessionTimers:
    """Reads and, where asked to, writes Session-Expires and Min-SE."""

    def __init__(self, settings: ProxySettings, calls: CallsUp) -> None:
        self._wanted_s: Final = settings.session_expires_s
        self._min_s: Final = settings.min_se_s
        self._calls: Final = calls
        self.active: Final = bool(self._wanted_s or self._min_s)
        """Whether requests have to be looked at; else `refused` and `prepared` change nothing."""

    def refused(self, request: SipMessage) -> bytes:
        """The Min-SE line of a 422 for a session interval that is too short for us; empty where there is no fault.

        Only who knows session timers can be told so (section 8.1).
        """
        if request.method not in REFRESHES:
            return b""
        expires_s = _seconds(request, headers.SESSION_EXPIRES)
        if expires_s is None or expires_s >= self._min_s or not _knows_timer(request):
            return b""
        return b"Min-SE: %d\r\n" % self._min_s

    def prepared(self, request: SipMessage) -> SipMessage:
        """The request with the session interval that we ask for."""
        if request.method not in REFRESHES:
            return request
        expires_s, shortest_s = _seconds(request, headers.SESSION_EXPIRES), _seconds(request, headers.MIN_SE) or 0
        if expires_s is not None and expires_s < self._min_s:
            request = with_field(request, headers.SESSION_EXPIRES, b"Session-Expires: %d" % self._min_s)
            return with_field(request, headers.MIN_SE, b"Min-SE: %d" % self._min_s)
        wanted_s = max(self._wanted_s, shortest_s)
        if self._wanted_s and (expires_s is None or expires_s > wanted_s):
            return with_field(request, headers.SESSION_EXPIRES, b"Session-Expires: %d" % wanted_s)
        return request

    def answered(self, client: ClientTransaction, dialog: Dialog, response: bytes, at_us: int) -> bytes:
        """A 2xx to what opens or refreshes a session: run its timer. Gives the response as it goes on.

        Where only the side that asked knows session timers, the response tells it to refresh (section 8.2).
        """
        expires_s = _negotiated(response)
        if expires_s is None and self._wanted_s and client.request:
            request = SipMessage(client.request)
            expires_s = _seconds(request, headers.SESSION_EXPIRES)
            if expires_s is not None and _knows_timer(request):
                start = response.find(b"\r\n") + 2
                own = b"Session-Expires: %d;refresher=uac\r\nRequire: timer\r\n" % expires_s
                response = response[:start] + own + response[start:]
            else:
                expires_s = None
        call = dialog.call
        if call is not None and not call.attempt.emergency:  # no timer of ours ends one of those (L10)
            self._calls.refresh(dialog, _rounded(expires_s) if expires_s is not None else 0, at_us)
        return response


def _rounded(expires_s: int) -> int:
    """Microseconds after which a session that is not refreshed is over."""
    interval_us = max(expires_s, SHORTEST_S) * 1_000_000 + GRACE_US
    return -(-interval_us // STEP_US) * STEP_US


def _negotiated(response: bytes) -> int | None:
    """The session interval in a 2xx, in seconds; None where it has none."""
    head = response[: response.find(b"\r\n\r\n") + 2].lower()
    for name in (b"\r\nsession-expires", b"\r\nx"):
        start = head.find(name)
        while start >= 0:
            end = head.find(b"\r\n", start + 2)
            field, _, value = head[start:end].partition(b":")
            if field.rstrip(b" \t") == name:
                return _number(value)
            start = head.find(name, end)
    return None


def _seconds(message: SipMessage, header: Header) -> int | None:
    value = message.value(header)
    return _number(value) if value is not None else None


def _number(value: bytes) -> int | None:
    digits = value.partition(b";")[0].strip()
    return int(digits) if digits.isdigit() and len(digits) <= 9 else None


def _knows_timer(request: SipMessage) -> bool:
    spans = request.spans(headers.SUPPORTED) + request.spans(headers.REQUIRE)
    tags = b",".join(request.text(span) for span in spans)
    return b"timer" in tags.lower().replace(b" ", b"").split(b",")
