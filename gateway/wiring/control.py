"""The control plane of a running gateway: what its HTTP API asks of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from gateway import VERSION
from gateway.interconnection.carriers import CarrierKind
from gateway.native import OFFER
from gateway.numbering.csv_rows import TableUnreadable
from gateway.operations.control_plane import StepRefused
from gateway.records.call_records import RECORDS_FILE
from gateway.records.journal import OperatorJournal
from gateway.wiring.denial_of_service import Defence
from gateway.wiring.engine import read_tables
from gateway.wiring.journal_status import entry_status, taken_status
from gateway.wiring.ss7 import circuit_status, link_status
from gateway.wiring.status import group_status, partner_status, provider_status, timestamp

if TYPE_CHECKING:
    from gateway.wiring.live import Gateway

LOG = logging.getLogger("tollgate")

SHOWN_FAULTS: Final = 20
"""Rows that could not be used and are named to who asked for a reload."""
SHOWN_STEPS: Final = 100
"""Of each kind, the last ones, in /status; /journal has all."""
LOGGED_FAULTS: Final = 1_000
"""Rows that could not be used and are named in the log; their number is in /status."""


class GatewayControl:
    """As `gateway.operations.control_plane.ControlPlane` says."""

    def __init__(self, gateway: Gateway, defence: Defence, journal: OperatorJournal) -> None:
        self._gateway: Final = gateway
        self._defence: Final = defence
        self._journal: Final = journal
        self._reading: Final = asyncio.Lock()
        steps = defence.steps
        self.step: Final = steps.step
        self.approve: Final = steps.approve
        self.dismiss: Final = steps.dismiss
        self.block: Final = steps.block

    def ready(self) -> tuple[bool, str]:
        draining = self._gateway.draining
        return (False, "draining: no new calls are taken") if draining else (True, "taking calls")

    def status(self) -> dict[str, Any]:
        """What the gateway is doing, for a person or a script."""
        gateway = self._gateway
        configuration, policy, now = gateway.configuration, gateway.policy, gateway.clock.now_us()
        return {
            "version": VERSION,
            "compiled": list(OFFER.groups),
            "now": timestamp(now),
            "since": timestamp(gateway.started_us),
            "draining": gateway.draining,
            "sip": [str(listener) for listener in gateway.listeners],
            "configuration": str(configuration.file),
            "lerg_rows": gateway.lerg_rows,
            "lerg_row_faults": len(policy.tables.row_faults),
            "calls_in_progress": gateway.calls_in_progress,
            "transactions": gateway.proxy.transactions,
            "providers": [provider_status(ocn, configuration, policy, now) for ocn in gateway.providers],
            "partners": [
                partner_status(carrier, policy, now)
                for carrier in configuration.carriers
                if carrier.kind is CarrierKind.PARTNER
            ],
            "trunk_groups": [
                group_status(
                    group, gateway.proxy.members.groups[group.name], policy, gateway.names, gateway.started_us, now
                )
                | self._circuits_of(group.name)
                for group in configuration.trunk_groups
            ],
            "links": [
                link_status(figures, link)
                for figures, link in zip(gateway.ss7_figures().links, configuration.links, strict=True)
            ],
            "records": {
                "written": gateway.recorder.written,
                "queued": gateway.recorder.queued,
                "lost": gateway.recorder.lost,
                "file": str(configuration.state_folder / RECORDS_FILE),
            },
            "socket_drops": gateway.socket_drops,
            "journal": str(self._journal.head()),
            "journal_faults": list(self._defence.journal_check.faults),
            "at_odds": self._defence.at_odds(),
            "denial_of_service": self._defence.status(now),
            "notices": self._defence.notices_status(),
            "steps": [taken_status(step) for step in policy.standings.trail()[-SHOWN_STEPS:]],
            "blockings": [
                {"at": timestamp(step.at_us), "trunk_group": step.trunk_group, "blocked": step.blocked}
                | {"who": step.who, "why": step.why}
                for step in policy.blockings.trail()[-SHOWN_STEPS:]
            ],
        }

    def _circuits_of(self, trunk_group: str) -> dict[str, Any]:
        exchange = self._gateway.point.exchange if self._gateway.point is not None else None
        if exchange is None or trunk_group not in exchange.tables:
            return {}
        return {"circuits": circuit_status(exchange.tables[trunk_group], exchange.unacknowledged(trunk_group))}

    def journal(self, after: int, limit: int) -> dict[str, Any]:
        """A page of the journal, and its head."""
        entries = self._journal.entries(after, limit)
        return {"entries": [entry_status(entry) for entry in entries], "head": str(self._journal.head())}

    async def reload(self) -> dict[str, Any]:
        """Read the numbering tables again, beside the calls, and decide by them from the next call on.

        Raises `StepRefused` where one cannot be read: the old ones stay in force.
        """
        if self._reading.locked():
            raise StepRefused("the tables are being read already; ask again when that is done")
        gateway = self._gateway
        async with self._reading:
            loop = asyncio.get_running_loop()
            try:
                tables = await loop.run_in_executor(None, read_tables, gateway.configuration)
            except TableUnreadable as error:
                LOG.error("the tables in force stay: %s", error)
                raise StepRefused(f"{error}; the tables in force stay") from error
            gateway.policy.adopt(tables)
        for fault in tables.row_faults[:LOGGED_FAULTS]:
            LOG.warning("row not used: %s", fault)
        LOG.info("tables read again: %d LERG 6 rows, %d rows not used", gateway.lerg_rows, len(tables.row_faults))
        return {
            "at": timestamp(gateway.clock.now_us()),
            "lerg_rows": gateway.lerg_rows,
            "row_faults": len(tables.row_faults),
            "first_faults": [str(fault) for fault in tables.row_faults[:SHOWN_FAULTS]],
        }
