"""The names that a gateway looks up, where its configuration asks for any."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Final

from gateway.interconnection.trunk_groups import Address, Hop, Member, NamedMember, Transport, TrunkGroup
from gateway.operations.configuration import Configuration
from gateway.operations.dns_readings import DnsFigures, NameReading
from gateway.signalling.locating import Candidate, Target, in_order_of_trial, target_of
from gateway.signalling.named_members import members_of
from gateway.transport.name_watch import NameWatch, WatchedName
from gateway.transport.resolver import Resolver, ResolverSettings

LOG = logging.getLogger("tollgate.dns")

MembersAre = Callable[[str, Sequence[Member]], Mapping[Hop, str]]
"""Told of a trunk group's members when the addresses of its names are others than before; gives back which of them it
leaves out, each with the reason.
"""


class Names:
    """Looks up names with the servers and bounds of ``[dns]``, and follows those that are members of trunk groups."""

    def __init__(
        self,
        configuration: Configuration,
        now_us: Callable[[], int],
        members_are: MembersAre,
        certificates: MutableMapping[Address, str],
    ) -> None:
        """`certificates`: which name the certificate of a TLS peer must carry, kept in step with the members.

        Raises `NoServers`, an OSError, where no server is configured and the operating system knows none.
        """
        self._groups: Final = [group for group in configuration.trunk_groups if group.names]
        self._targets: Final = {named.uri: _target(named) for group in self._groups for named in group.names}
        self._located: Final[dict[Target, tuple[Candidate, ...]]] = {}
        self._left_out: Final[dict[str, Mapping[Hop, str]]] = {}
        """By trunk group, addresses of its names that are no members of it."""
        self._members_are: Final = members_are
        self._written: Final = {member.hop for group in configuration.trunk_groups for member in group.members}
        self._certificates_written: Final = dict(certificates)
        self._certificates: Final = certificates
        self._listeners: Final = configuration.listen
        self._resolver: Final = Resolver(resolver_settings(configuration))
        self._watch: Final = NameWatch(self._resolver, self._targets.values(), configuration.listen, self.moved, now_us)
        self._watched: Final = {name.target: name for name in self._watch.names}

    async def start(self) -> None:
        """Look up every member that is a name, and follow it from then on."""
        await self._watch.start()

    def close(self) -> None:
        self._watch.close()
        self._resolver.close()

    async def locate(self, target: Target) -> Sequence[Hop]:
        """The hops of a target, in the order in which they are to be tried; none where it leads nowhere."""
        located = await self._resolver.locate(target, self._listeners)
        ordered = in_order_of_trial(located.candidates, lambda most: secrets.randbelow(most + 1))
        return [candidate.hop for candidate in ordered]

    def of_group(self, group: TrunkGroup) -> list[WatchedName]:
        """What is known of the names of a trunk group."""
        return [self._watched[self._targets[named.uri]] for named in group.names]

    def figures(self) -> DnsFigures:
        """For the metrics."""
        return DnsFigures(
            asked=self._resolver.asked,
            failed=self._resolver.failed,
            cached=len(self._resolver),
            names=[
                NameReading(
                    group.name,
                    str(name.target),
                    addresses=len(self._members_by(name.target, group)),
                    failing=bool(name.failure),
                )
                for group in self._groups
                for name in self.of_group(group)
            ],
        )

    def moved(self, target: Target, candidates: tuple[Candidate, ...]) -> None:
        """A name leads to these addresses from now on."""
        self._located[target] = candidates
        concerned = [group for group in self._groups if any(self._targets[name.uri] == target for name in group.names)]
        for group in concerned:
            self._adopt(group)
        # What one of them let go of, another may have waited for.
        for group in self._groups:
            if self._left_out.get(group.name) and group not in concerned:
                self._adopt(group)
        self._certify()

    def _adopt(self, group: TrunkGroup) -> None:
        located = {named.uri: self._located.get(self._targets[named.uri], ()) for named in group.names}
        left_out = self._members_are(group.name, members_of(group, located))
        known = self._left_out.get(group.name, {})
        self._left_out[group.name] = left_out
        for hop, reason in left_out.items():
            if known.get(hop) != reason:
                LOG.warning("trunk group %s: %s, which DNS has for a name of it, %s", group.name, hop, reason)

    def _members_by(self, target: Target, group: TrunkGroup) -> list[Hop]:
        """Addresses of a name that are members of its trunk group."""
        left_out = self._left_out.get(group.name, {})
        return [candidate.hop for candidate in self._located.get(target, ()) if candidate.hop not in left_out]

    def _certify(self) -> None:
        """RFC 5922 section 4: the certificate is for the domain that was asked for, not for what DNS made of it.

        An address that the configuration has is certified as it says, whatever DNS has there.
        """
        certificates: dict[Address, str] = {}
        for group in self._groups:
            for target in (self._targets[named.uri] for named in group.names):
                for hop in self._members_by(target, group):
                    if hop.transport is Transport.TLS and hop not in self._written:
                        certificates.setdefault(hop.address, group.certificate or target.host)
        self._certificates.clear()
        self._certificates.update(certificates | self._certificates_written)


def names_of(
    configuration: Configuration,
    now_us: Callable[[], int],
    members_are: MembersAre,
    certificates: MutableMapping[Address, str],
) -> Names | None:
    """None where the configuration has no name looked up: then no server is needed, and the library not loaded."""
    if not configuration.dns.in_dialog and not any(group.names for group in configuration.trunk_groups):
        return None
    return Names(configuration, now_us, members_are, certificates)


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


def _target(named: NamedMember) -> Target:
    target = target_of(named.uri.encode())
    if target is None:
        raise AssertionError("the configuration was read with its names")
    return target
