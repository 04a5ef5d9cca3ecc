"""What an upstream is told of overload: how much to hold back, in the Via of a response (RFC 7339, RFC 7415).

The figure follows what was too much of an upstream's requests, a second at a time. The share of them that it may send
falls by what still was too much, and grows with each second in which nothing was: by a tenth at first, so that a flood
that goes on is let swell by no more, then faster, so that who is no longer flooding is soon free. With ``loss`` it is
told the rest of that share, to hold back, with ``rate`` how many requests a second were not too much. When nothing is
to be held back any more, it is told so, by an ``oc-validity`` of 0 (section 5.7).
"""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_via, via_without, with_first_via

OVERLOAD_PARAMETERS: Final = frozenset({b"oc", b"oc-algo", b"oc-validity", b"oc-seq"})
"""Via parameters of RFC 7339 section 4."""
INTERVAL_US: Final = 1_000_000
"""A figure is in force for so long before it is reckoned anew."""
VALIDITY_MS: Final = 2_000
"""``oc-validity``: twice that long, so that it does not run out between two responses."""
EASING: Final = 0.1
"""By how much more an upstream may send after a first second in which nothing was too much; with each that follows, by
twice that."""
LEAST_SHARE: Final = 0.01
"""What it may send of its requests at least: who sends nothing hears nothing."""

_SEQUENCE: Final = 100_000
"""``oc-seq`` is a time in seconds with five decimals (RFC 7339 section 9)."""


class Algorithm(Enum):
    """How an upstream holds back."""

    LOSS = b"loss"  # RFC 7339 section 6
    RATE = b"rate"  # RFC 7415


class Upstream:
    """One sender of requests that takes feedback. Times are in microseconds."""

    __slots__ = (
        *("_easing", "_full", "_rate", "_requests", "_sequence", "_share", "_since_us"),
        *("algorithm", "heard_us"),
    )

    def __init__(self, algorithm: Algorithm, at_us: int) -> None:
        self.algorithm: Final = algorithm
        self.heard_us = at_us
        """When its latest request came."""
        self._since_us = at_us
        self._requests = 0
        self._full = 0
        """Of the requests since then, all, and those that were too much."""
        self._share = 1.0
        """Of its requests, what it may send."""
        self._easing = EASING
        self._rate = 0.0
        """Requests a second that it may send, while that share is below 1."""
        self._sequence = 0

    def sent(self, *, too_much: bool, at_us: int) -> None:
        """A request came. `too_much`: it opens a call, and finds a limit used up."""
        self._reckon(at_us)
        self.heard_us = at_us
        self._requests += 1
        self._full += too_much

    def parameters(self, at_us: int) -> bytes:
        """The parameters of its Via in a response; `oc-seq` is higher each time that this is asked (section 4.4)."""
        self._reckon(at_us)
        self._sequence = max(self._sequence + 1, at_us * _SEQUENCE // 1_000_000)
        amount, validity_ms = 0, 0
        if self._share < 1:
            validity_ms = VALIDITY_MS
            amount = round(self._rate) if self.algorithm is Algorithm.RATE else round(100 * (1 - self._share))
            amount = max(amount, 1)
        seconds, rest = divmod(self._sequence, _SEQUENCE)
        return b';oc=%d;oc-algo="%s";oc-validity=%d;oc-seq=%d.%05d' % (
            *(amount, self.algorithm.value, validity_ms),
            *(seconds % 10**12, rest),
        )

    def told(self, response: bytes, at_us: int) -> bytes:
        """A response to it with the parameters in its Via, in place of any that are there already (section 5.4)."""
        with suppress(Malformed):
            message = SipMessage(response)
            value = message.required(headers.VIA)
            return with_first_via(
                message, via_without(value, parse_via(value), OVERLOAD_PARAMETERS) + self.parameters(at_us)
            )
        return response

    def _reckon(self, at_us: int) -> None:
        elapsed_us = at_us - self._since_us
        if elapsed_us < INTERVAL_US:
            return
        if elapsed_us > VALIDITY_MS * 1_000:
            self._share = 1.0  # what it was told has run out, and it may send as it likes
        elif self._full:
            self._share = max(self._share * (1 - self._full / self._requests), LEAST_SHARE)
            self._rate = (self._requests - self._full) * 1_000_000 / elapsed_us
            self._easing = EASING
        elif self._share < 1:
            self._share = min(self._share * (1 + self._easing), 1.0)
            self._rate *= 1 + self._easing
            self._easing *= 2
        self._since_us, self._requests, self._full = at_us, 0, 0
