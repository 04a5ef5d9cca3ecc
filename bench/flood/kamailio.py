"""Kamailio before a flood (`kamailio.cfg`): the same limits at every level, by its module pipelimit."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from bench.contestants.kamailio import CLOSED_CARRIER, Kamailio, codes_of, tables
from bench.flood.site import INNOCENT, PARTNER, PROVIDER, Site


class FloodedKamailio(Kamailio):
    """pipelimit counts calls in each second: what the gateway has as a rate and a burst of one second."""

    endpoints: Site
    configuration: ClassVar[Path] = Path(__file__).with_name("kamailio.cfg")
    shared_memory_mib: ClassVar[int] = 1024
    over_limit: ClassVar[int] = 480

    def own_faults(self, calls: range) -> list[str]:  # noqa: ARG002 - which calls it lets through is its own to say
        return []

    def _values(self) -> dict[str, object]:
        return super()._values() | {"[answering_port]": self.endpoints.answering_port}

    def _tables(self) -> dict[str, str]:
        codes = codes_of(self.workload)
        limits = {f"ocn-{ocn}": PROVIDER.per_s for ocn in sorted(set(codes.values()))}
        limits |= {f"ocn-{self.workload.providers[0]}": INNOCENT.per_s, f"ocn-{CLOSED_CARRIER}": 0}
        limits["partner"] = PARTNER.per_s
        members: dict[str, str] = {}
        for group in self.endpoints.groups():
            limits[f"group-{group.name}"] = group.limit.per_s
            limits |= {f"source-{port}": group.source_limit.per_s for port in group.ports}
            members |= {str(port): group.name for port in group.ports}
        return tables({"codes": codes, "members": members}, limits)
