"""The members of a trunk group, its names resolved: who they are, in which order, and with which share of the calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway.interconnection.trunk_groups import Member, NamedMember, TrunkGroup
from gateway.signalling.locating import Candidate

WHOLE_SHARE: Final = 1_000_000
"""A weight of 1 where weights are divided among addresses: whole numbers of this fineness, whatever DNS holds."""


class _Share(NamedTuple):
    """A member before its place is known."""

    member: Member
    rank: tuple[int, int]
    """Priority as configured, and by SRV within that."""
    part: int
    """Of `whole`, its share of the weight that is configured."""
    whole: int


def members_of(group: TrunkGroup, located: Mapping[str, Sequence[Candidate]]) -> tuple[Member, ...]:
    """Every member of a group: those with an address, then those of each name, by the URI of `NamedMember`.

    SRV priorities count within the configured one (RFC 2782). A name's weight is shared among its servers of one SRV
    priority by their SRV weights, or evenly where these are all 0, and a server's among its addresses. Priorities and
    weights are numbered anew, so that only their order and their proportions mean something.
    """
    shares = [_Share(member, (member.priority, 0), 1, 1) for member in group.members]
    for named in group.names:
        shares += _shares_of(named, located.get(named.uri, ()))
    if len(shares) == len(group.members):
        return group.members
    ranks = {rank: place for place, rank in enumerate(sorted({share.rank for share in shares}))}
    return tuple(
        Member(
            share.member.hop,
            ranks[share.rank],
            -(-share.member.weight * WHOLE_SHARE * share.part // share.whole),
            share.member.capacity,
        )
        for share in shares
    )


def _shares_of(named: NamedMember, candidates: Sequence[Candidate]) -> list[_Share]:
    addresses = Counter((candidate.priority, candidate.server, candidate.hop.port) for candidate in candidates)
    weights: Counter[int] = Counter()
    for priority, server, port in addresses:
        weights[priority] += _weight_of(candidates, priority, server, port)
    shares = []
    for candidate in candidates:
        key = (candidate.priority, candidate.server, candidate.hop.port)
        weight, total = candidate.weight, weights[candidate.priority]
        if not total:  # RFC 2782: no server selection is wanted, and all are as good
            weight, total = 1, sum(priority == candidate.priority for priority, _, _ in addresses)
        member = Member(candidate.hop, named.priority, named.weight, named.capacity)
        shares.append(_Share(member, (named.priority, candidate.priority), weight, total * addresses[key]))
    return shares


def _weight_of(candidates: Sequence[Candidate], priority: int, server: str, port: int) -> int:
    wanted = (priority, server, port)
    return next(
        candidate.weight
        for candidate in candidates
        if (candidate.priority, candidate.server, candidate.hop.port) == wanted
    )
