"""Who is around a flooded gateway: the sockets, the trunk groups, the numbers, and what was agreed with whom."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from bench.generator import LOOPBACK, Endpoints
from bench.guide import with_providers
from bench.workload import Workload, choose

SOURCES = (1, 1_000)
"""From how many source ports a flood comes."""
MEMBERS = 63
"""Of those ports to a trunk group: 64 is the most that a configuration takes."""
PROVIDERS = 200
"""Whose numbers a spoofed flood pretends to call from, a call each in turn: the innocent's among them."""
NUMBERS_OF_A_PROVIDER = 20
INNOCENT_PER_S = 200
"""The innocent provider's calls."""
EMERGENCIES_PER_S = 20
"""Emergency calls on the innocent's trunk group, and as many on the flood's, from the ports that flood."""
_BUFFER = 4 << 20


class NoFlood(Exception):
    """No flood can be made on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What was agreed: calls a second, as many at once, and calls in progress."""

    per_s: int
    in_progress: int


INNOCENT = Limit(2 * INNOCENT_PER_S, 4_000)
"""The innocent provider, its trunk group, and each of its sources."""
PROVIDER = Limit(50, 1_000)
"""Each other provider, the flooding one as well."""
PARTNER = Limit(1_500, 10_000)
"""All of them together: they share one partner."""
FLOOD_GROUP = {1: Limit(100, 1_000), 1_000: Limit(20, 1_000)}
"""Each trunk group of the flood, by the number of its sources: one group, or sixteen."""
FLOOD_SOURCE = {1: Limit(80, 1_000), 1_000: Limit(5, 1_000)}
"""Each source of the flood."""


@dataclass(frozen=True, slots=True)
class Group:
    """A trunk group of the partner."""

    name: str
    ports: tuple[int, ...]
    """Of its members, on loopback."""
    limit: Limit
    source_limit: Limit


class Site(Endpoints):
    """The sockets around every contestant. Each contestant is told of all of them; one is called at a time.

    `caller` is the innocent provider's switch, `answering` the host's; `called` stays unused.
    """

    def __init__(self) -> None:
        """Raises NoFlood where this user may not open so many."""
        super().__init__()
        _allow_open_files(2 * sum(SOURCES))
        try:
            self.emergency_caller = _bound()
            self.answering = _bound()
            self.flood = {count: [_bound() for _ in range(count)] for count in SOURCES}
        except OSError as error:
            raise NoFlood(f"{sum(SOURCES)} sockets cannot be opened: {error.strerror} (see ulimit -n)") from error

    @property
    def answering_port(self) -> int:
        return _port(self.answering)

    def groups(self) -> Iterator[Group]:
        """The partner's trunk groups: the innocent's own, the one of a single source that floods, those of many."""
        yield Group("innocent", (self.caller_port, _port(self.emergency_caller)), INNOCENT, INNOCENT)
        for count, sockets in self.flood.items():
            ports = tuple(map(_port, sockets))
            for number, first in enumerate(range(0, count, MEMBERS)):
                name = f"flood-{count}-{number}"
                yield Group(name, ports[first : first + MEMBERS], FLOOD_GROUP[count], FLOOD_SOURCE[count])

    def close(self) -> None:
        super().close()
        for one in (
            self.emergency_caller,
            self.answering,
            *(one for sockets in self.flood.values() for one in sockets),
        ):
            one.close()


@dataclass(frozen=True, slots=True)
class Workloads:
    """Who calls whom, for each kind of call. All are of one partner, and call numbers of one switch of the host."""

    all: Workload
    """Every provider's calls in turn, so that no two calls in a row have the same one: the spoofed flood."""
    innocent: Workload
    """The calls of its first provider."""
    flooding: Workload
    """The calls of the second: the honest flood."""


def workloads(guide: Path, folder: Path) -> Workloads:
    """The lab's guide, enlarged to as many providers. Raises WorkloadError."""
    few = choose(guide)
    enlarged = with_providers(guide, folder, few, PROVIDERS)
    everyone = choose(enlarged, providers=PROVIDERS, calling_numbers=PROVIDERS * NUMBERS_OF_A_PROVIDER)
    holders = set(everyone.codes.values())  # of whole codes, so that the first six digits say whose a number is
    innocent, flooding = [ocn for ocn in everyone.providers if ocn in holders][:2]
    others = tuple(ocn for ocn in everyone.providers if ocn not in (innocent, flooding))
    everyone = replace(everyone, providers=(innocent, flooding, *others))
    return Workloads(everyone, _of(everyone, innocent), _of(everyone, flooding))


def _of(workload: Workload, ocn: str) -> Workload:
    """The calls of one provider alone, to everything that is called at all."""
    own = [calling for calling, _ in workload.pairs if workload.codes[calling[:6]] == ocn]
    called = [number for _, number in workload.pairs]
    pairs = tuple(zip(islice(cycle(own), len(called)), called, strict=True))
    return replace(workload, providers=(ocn,), pairs=pairs)


def _bound() -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)  # the kernel grants what rmem_max allows
    one.bind((LOOPBACK, 0))
    return one


def _port(one: socket.socket) -> int:
    return int(one.getsockname()[1])


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )
