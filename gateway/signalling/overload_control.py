"""Overload control: who offers to send less is told how much less (RFC 7339), by loss or by rate (RFC 7415).

An upstream offers it by ``oc`` and ``oc-algo`` in the Via of its requests; nobody else is told anything. What it put
there does not go on to the next hop (section 5.6). How much it is to hold back follows from the limits of its trunk
group and partner, and its own as a source (L8): not from the limit of one provider behind it, for all others there
would be held back with the offender. Emergency calls are never too much, and are told nothing of it (L10).
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, completed_via, headers, parameter_of, parse_via, tag_of, via_without
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.overload_feedback import OVERLOAD_PARAMETERS, Algorithm, Upstream
from gateway.signalling.sip_attempt import is_emergency, read_uri
from gateway.signalling.transactions import ServerTransaction

OFFER: Final = b"oc-algo"
"""A Via without this offers nothing: the quick look. The RFC has it in lower case, and so has everybody."""
MOST_UPSTREAMS: Final = 4_096
"""Upstreams that are known; were there more, all would be learnt anew."""

_UDP: Final = Transport.UDP


class OverloadSource(Protocol):
    """Who knows how much of the limits is used (`RateLimits`)."""

    def is_used_up(self, trunk_group: str, source: Hop, at_us: int) -> bool:
        """Whether a limit of a source, its trunk group or its partner refuses the next call."""


class OverloadControl:
    """Knows the upstreams that take feedback. Times are in microseconds."""

    def __init__(self, limits: OverloadSource, emergency_numbers: frozenset[str]) -> None:
        self._limits: Final = limits
        self._emergency_numbers: Final = emergency_numbers
        self._upstreams: Final[dict[tuple[str, Hop], Upstream]] = {}

    def heed(
        self,
        server: ServerTransaction,
        request: SipMessage,
        trunk_group: str,
        via_value: bytes,
        via: Via,
        at_us: int,
        *,
        shed: bool = False,
    ) -> None:
        """A request in whose Via something is said of overload control: note the offer in its transaction.

        `request` is as it was before a strict router put our own Route into its Request-URI; `shed`: it is refused
        unread.
        """
        algorithm = _offered(via_value[: via.end])
        opens_call = request.method == b"INVITE" and not tag_of(request.required(headers.TO))
        if algorithm is None or (opens_call and self._is_emergency(request.request_uri)):
            return
        source = (
            server.source if server.source.transport is _UDP else Hop(server.source.host, 0, server.source.transport)
        )
        upstream = self._upstream(trunk_group, source, algorithm, at_us)
        too_much = shed or (opens_call and self._limits.is_used_up(trunk_group, source, at_us))
        upstream.sent(too_much=too_much, at_us=at_us)
        own = via_without(via_value, via, OVERLOAD_PARAMETERS)
        server.via = completed_via(own, parse_via(own), server.source.host, server.source.port) or own
        server.upstream = upstream

    def _upstream(self, trunk_group: str, source: Hop, algorithm: Algorithm, at_us: int) -> Upstream:
        upstream = self._upstreams.get((trunk_group, source))
        if upstream is None or upstream.algorithm is not algorithm:
            if len(self._upstreams) >= MOST_UPSTREAMS:
                self._upstreams.clear()
            upstream = self._upstreams[trunk_group, source] = Upstream(algorithm, at_us)
        return upstream

    def _is_emergency(self, uri: bytes) -> bool:
        try:
            called = read_uri(uri)
        except Malformed:
            return False
        return is_emergency(called.uri, called.number, self._emergency_numbers)


def _offered(via: bytes) -> Algorithm | None:
    """The algorithm to be used, of those that a Via offers (RFC 7339 sections 4.1 and 4.2); None where it offers none.

    A rate, where it is offered, for the limits are rates.
    """
    named = parameter_of(via, b"oc-algo")
    if named is None or parameter_of(via, b"oc") is None:
        return None
    names = {name.strip() for name in named.strip(b' \t"').lower().split(b",")}
    if Algorithm.RATE.value in names:
        return Algorithm.RATE
    return Algorithm.LOSS if Algorithm.LOSS.value in names else None
