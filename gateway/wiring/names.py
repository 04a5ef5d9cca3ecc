"""The names that a gateway looks up, where its configuration asks for any."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.operations.configuration import Configuration
from gateway.signalling.locating import Target, in_order_of_trial
from gateway.transport.resolver import Resolver, ResolverSettings


class Names:
    """Looks up names with the servers and bounds of ``[dns]``."""

    def __init__(self, configuration: Configuration) -> None:
        """Raises `NoServers`, an OSError, where none is configured and the operating system knows none."""
        self.resolver: Final = Resolver(resolver_settings(configuration))
        self._listeners: Final = configuration.listen

    async def locate(self, target: Target) -> Sequence[Hop]:
        """The hops of a target, in the order in which they are to be tried; none where it leads nowhere."""
        located = await self.resolver.locate(target, self._listeners)
        ordered = in_order_of_trial(located.candidates, lambda most: secrets.randbelow(most + 1))
        return [candidate.hop for candidate in ordered]

    def close(self) -> None:
        self.resolver.close()


def names_of(configuration: Configuration) -> Names | None:
    """None where the configuration has no name looked up: then no server is needed, and the library not loaded."""
    return Names(configuration) if configuration.dns.in_dialog else None


def resolver_settings(configuration: Configuration) -> ResolverSettings:
    dns = configuration.dns
    return ResolverSettings(
        servers=dns.servers,
        server_timeout_s=dns.server_timeout_seconds,
        timeout_s=dns.timeout_seconds,
        shortest_ttl_s=dns.shortest_ttl_seconds,
        longest_ttl_s=max(dns.longest_ttl_seconds, dns.shortest_ttl_seconds),
        cached_answers=dns.max_cached,
    )
