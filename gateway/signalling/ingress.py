"""Who a peer is: the trunk group that a message came on, and whether it came from a member of any.

Over UDP a peer is the address that it sends from. The port of a connection is the kernel's choice at the far end, so
over TCP a peer is its IP address, and over TLS the names of its certificate where the trunk group asks for one. Where
several trunk groups share that, the port that the peer writes into its Via tells them apart; where they share a
certificate's name and the port as well, the address that it connects from does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup

_UDP: Final = Transport.UDP
_TLS: Final = Transport.TLS
_SS7: Final = Transport.SS7

_Groups = dict[int, TrunkGroup | None]
"""Trunk groups of one peer, by the port of the member, which the peer writes into its Via. None: several have it."""


class Ingress:
    """Knows the members of all trunk groups, and the verified names of the connections that are up."""

    def __init__(self, trunk_groups: Iterable[TrunkGroup]) -> None:
        self._datagrams: Final[dict[Hop, TrunkGroup]] = {}
        self.datagram_hosts: Final[set[str]] = set()
        """Hosts of the members that are reached over UDP."""
        self._hosts: Final[defaultdict[tuple[Transport, str], _Groups]] = defaultdict(dict)
        self._certificates: Final[defaultdict[str, list[tuple[Hop, TrunkGroup]]]] = defaultdict(list)
        self._all_hosts: Final[set[str]] = set()
        """Hosts of the members that are known by their address: not of those that have to show a certificate."""
        self._connections: Final[dict[int, _Groups]] = {}
        """Groups of a TLS connection, found when it was made."""
        self.know((group, member.hop) for group in trunk_groups for member in group.members)

    def know(self, members: Iterable[tuple[TrunkGroup, Hop]]) -> None:
        """Know these and no others from now on. A TLS connection that is up stays with whom it was made."""
        for known in (self._datagrams, self.datagram_hosts, self._hosts, self._certificates, self._all_hosts):
            known.clear()
        for group, member in members:
            self._add(group, member)

    def _add(self, group: TrunkGroup, member: Hop) -> None:
        if member.transport is not _SS7 and (member.transport is not _TLS or group.certificate is None):
            self._all_hosts.add(member.host)  # a point code is nobody's host: none may be reached under its name
        if member.transport is _UDP:
            self._datagrams[member] = group
            self.datagram_hosts.add(member.host)
        elif member.transport is _TLS and group.certificate is not None:
            self._certificates[group.certificate].append((member, group))
        else:
            self._hosts[member.transport, member.host][member.port] = group

    # -- connections --------------------------------------------------------------------------------------------------

    def connected(self, hop: Hop, names: frozenset[str]) -> None:
        """A connection is up; `names` are those of its verified certificate, in lower case."""
        if hop.transport is _TLS:
            self._connections[hop.connection] = self._hosts.get((_TLS, hop.host), {}) | self._named(hop.host, names)

    def _named(self, host: str, names: frozenset[str]) -> _Groups:
        """The trunk groups of a certificate's names; of several with one port, the one with a member at that host."""
        members = [member for name in self._certificates.keys() & names for member in self._certificates[name]]
        found: _Groups = {}
        for member, group in [(member, group) for member, group in members if member.host == host] or members:
            found[member.port] = group if found.get(member.port, group) is group else None
        return found

    def closed(self, hop: Hop) -> None:
        self._connections.pop(hop.connection, None)

    # -- who is it? ---------------------------------------------------------------------------------------------------

    def is_member(self, source: Hop) -> bool:
        """Whether a message came from a switch at the far end of some trunk group."""
        if source.transport is _UDP:
            return source.host in self.datagram_hosts
        # Within a call a switch may choose another transport; over a connection its address is its own.
        return source.host in self._all_hosts or bool(self._groups_of(source))

    def group_of(self, source: Hop, via_port: int) -> TrunkGroup | None:
        """The trunk group that a message came on; `via_port` is the port in the Via of its sender."""
        if source.transport is _UDP:
            return self._datagrams.get(source)
        groups = self._groups_of(source)
        if len(groups) == 1:
            return next(iter(groups.values()))
        found = groups.get(via_port)
        if found is None and source.transport is _TLS and via_port == 5060:
            return groups.get(5061)  # what a Via over TLS means that names no port (RFC 3261 section 18.2.2)
        return found

    def _groups_of(self, source: Hop) -> _Groups:
        if source.transport is _TLS:
            known = self._connections.get(source.connection)
            if known is not None:
                return known
        return self._hosts.get((source.transport, source.host), {})
