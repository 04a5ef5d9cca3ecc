"""OPTIONS to the members of a trunk group, to learn which of them are in service before a call does.

Any final response shows that a member is there, but 408 (a proxy that reached nobody) and 503.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final
from zlib import crc32

from gateway.codecs.sip import RelayedResponse
from gateway.interconnection.trunk_groups import Hop, Service, Transport
from gateway.signalling.call import Action
from gateway.signalling.members import TrunkMember, TrunkMembers
from gateway.signalling.own_side import OwnSide
from gateway.signalling.responses import retry_after_of
from gateway.signalling.transaction_layer import TransactionLayer
from gateway.signalling.transactions import ClientTransaction


class Prober:
    """Sends the probes and takes their answers. Times are in microseconds."""

    def __init__(self, members: TrunkMembers, layer: TransactionLayer, own_side: OwnSide) -> None:
        self._members: Final = members
        self._layer: Final = layer
        self._self: Final = own_side
        self.due: list[tuple[int, int, TrunkMember]] = []
        self._under_way: Final[set[TrunkMember]] = set()

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        return self.due[0][0] if self.due else None

    def start(self, at_us: int) -> None:
        """Probe from now on. The first probes are spread over one period, so that they do not come all at once."""
        self.add(self._members.by_hop.values(), at_us)

    def add(self, members: Iterable[TrunkMember], at_us: int) -> None:
        """Probe these too, until they are members no longer."""
        for member in members:
            period_us = member.group.trunk_group.supervision.probe_us
            if period_us:
                place = crc32(str(member.hop).encode())
                heappush(self.due, (at_us + period_us * (place % 1_000) // 1_000, place, member))

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Send the probes that are due."""
        while self.due and self.due[0][0] <= at_us:
            due_us, place, member = heappop(self.due)
            if not self._members.has(member):
                continue
            period_us = member.group.trunk_group.supervision.probe_us
            place = crc32(place.to_bytes(4, "big"))
            # A twentieth more or less each time: gateways that were started together do not stay in step.
            next_us = due_us + period_us * (950 + place % 101) // 1_000
            heappush(self.due, (max(next_us, at_us), place, member))
            if member.service is not Service.PENALISED:  # it asked to be left alone
                self.probe(member, at_us, actions)

    def probe(self, member: TrunkMember, at_us: int, actions: list[Action]) -> None:
        """Ask a member whether it is there, unless it still owes an answer."""
        if member in self._under_way:
            return
        branch = self._self.new_branch()
        data = self._options(member.hop, branch)
        client = self._layer.send_request(b"OPTIONS", branch, data, member.hop, None, None, at_us, actions)
        client.member = member
        self._under_way.add(member)
        self._layer.expect(client, at_us, member.group.trunk_group.supervision.failover_us)

    def answered(self, client: ClientTransaction, response: RelayedResponse, at_us: int, actions: list[Action]) -> None:
        """A response to a probe came."""
        member = client.member
        if response.status < 200 or member is None:
            return
        retry_after_s = retry_after_of(response.onward) if response.status == 503 else None
        if retry_after_s is not None:
            self._under_way.discard(member)
            self._members.overloaded(member, retry_after_s, at_us, actions)
        else:
            self._over(client, answered=response.status not in (408, 503), at_us=at_us, actions=actions)

    def unanswered(self, client: ClientTransaction, at_us: int, actions: list[Action]) -> None:
        """No answer came in time, or there is no way to the member."""
        self._over(client, answered=False, at_us=at_us, actions=actions)

    def _over(self, client: ClientTransaction, *, answered: bool, at_us: int, actions: list[Action]) -> None:
        member = client.member
        if member is None:
            return
        self._under_way.discard(member)
        if answered:
            self._members.responded(member, at_us, actions)
        else:
            self._members.failed(member, client.sent_at_us, at_us, actions)

    def _options(self, target: Hop, branch: bytes) -> bytes:
        """RFC 3261 section 11.1."""
        own = self._self.towards(target)
        host = f"[{target.host}]" if ":" in target.host else target.host
        transport = "" if target.transport is Transport.UDP else f";transport={target.transport.value}"
        uri = f"sip:{host}:{target.port}{transport}".encode()
        return b"".join(
            (
                b"OPTIONS %s SIP/2.0\r\n%s%s\r\nMax-Forwards: 70\r\n" % (uri, own.via, branch),
                b"From: <sip:%s>;tag=%s\r\nTo: <%s>\r\n" % (own.sent_by, branch[-16:], uri),
                b"Call-ID: %s@%s\r\nCSeq: 1 OPTIONS\r\n" % (branch[7:], own.sent_by.rpartition(b":")[0]),
                b"Accept: application/sdp\r\nContent-Length: 0\r\n\r\n",
            )
        )
