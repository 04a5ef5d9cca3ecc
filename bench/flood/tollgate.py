"""The gateway before a flood: trunk groups, and limits at every level, as its operator would agree them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.contestants.tollgate import Tollgate
from bench.flood.site import INNOCENT, PARTNER, PROVIDER, Limit, Site
from bench.generator import LOOPBACK

HEAD = """\
[gateway]
listen = "{host}:{port}"
state_folder = "{state}"

[operations]
listen = "{host}:{operations_port}"

[numbering]
lerg = "{guide}"

[agreement]
name = "bench-flood"
effective = 2005-10-17

[[carriers]]
ocn = "{host_ocn}"
name = "Host"
kind = "host"

[[carriers]]
ocn = "{partner_ocn}"
name = "Partner"
kind = "partner"
amendment = true
limit = {limit}

[[trunk_groups]]
name = "to-host"
side = "host"
carrier = "{host_ocn}"
switch = "{host_switch}"
members = ["{host}:{answering_port}"]
mode = "enforce"
"""
PROVIDER_TABLE = """
[[carriers]]
ocn = "{ocn}"
name = "Provider"
kind = "provider"
partner = "{partner_ocn}"
numbering_agreement = true
confirmed = 2020-01-01T00:00:00Z
limit = {limit}
"""
GROUP_TABLE = """
[[trunk_groups]]
name = "{name}"
side = "partner"
carrier = "{partner_ocn}"
switch = "{host_switch}"
home_switch = "{partner_switch}"
members = [{members}]
mode = "enforce"
limit = {limit}
source_limit = {source_limit}
"""


class FloodedTollgate(Tollgate):
    """Limits nest: partner, trunk group, provider, source. Everything else is as it is by default."""

    endpoints: Site

    def own_faults(self, calls: range) -> list[str]:  # noqa: ARG002 - which calls it lets through is its own to say
        return []

    def stop(self, calls: range) -> list[str]:
        return super(Tollgate, self).stop(calls)

    def _write_configuration(self) -> Path:
        file = self.folder / "tollgate.toml"
        file.write_text("".join(self._tables()), encoding="utf-8")
        return file

    def _tables(self) -> Iterator[str]:
        workload = self.workload
        yield HEAD.format(
            host=LOOPBACK,
            port=self.port,
            operations_port=self._operations_port,
            state=self.folder / "state",
            guide=workload.guide.resolve(),
            host_ocn=workload.host,
            partner_ocn=workload.partner,
            host_switch=workload.host_switch,
            answering_port=self.endpoints.answering_port,
            limit=_table(PARTNER),
        )
        for number, ocn in enumerate(workload.providers):
            limit = PROVIDER if number else INNOCENT
            yield PROVIDER_TABLE.format(ocn=ocn, partner_ocn=workload.partner, limit=_table(limit))
        for group in self.endpoints.groups():
            yield GROUP_TABLE.format(
                name=group.name,
                partner_ocn=workload.partner,
                host_switch=workload.host_switch,
                partner_switch=workload.partner_switch,
                members=", ".join(f'"{LOOPBACK}:{port}"' for port in group.ports),
                limit=_table(group.limit),
                source_limit=_table(group.source_limit),
            )


def _table(limit: Limit) -> str:
    return f"{{ sustained_per_s = {limit.per_s}.0, burst = {limit.per_s}, in_progress = {limit.in_progress} }}"
