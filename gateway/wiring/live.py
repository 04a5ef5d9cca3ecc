"""A live gateway: built from a configuration, run until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any, Final

from gateway import VERSION
from gateway.interconnection.carriers import CarrierKind, Ocn
from gateway.interconnection.trunk_groups import Address, Hop, Member
from gateway.operations.api_token import read_or_make_token
from gateway.operations.configuration import Configuration
from gateway.operations.http_api import operations_app, serve
from gateway.operations.metrics import GatewayMetrics, RefusalKind
from gateway.operations.ss7_readings import Ss7Figures
from gateway.policy.checks import REFUSES
from gateway.policy.engine import NO_MEMBER_FINDING, NO_ROUTE_FINDING
from gateway.records.call_records import RECORDS_FILE, CallRecorder
from gateway.records.folder_lock import FolderLock
from gateway.records.journal import JOURNAL_FILE, OperatorJournal
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.transport.clock import Clock
from gateway.transport.endpoint import CallObserver, SipEndpoint, Tap
from gateway.transport.flight_recorder import FlightRecorder
from gateway.transport.links import LinkEndpoint, LinkTap
from gateway.transport.socket_drops import dropped
from gateway.wiring.call_observers import CallsInProgress, EmergencyLog, RecordKeeping
from gateway.wiring.control import GatewayControl
from gateway.wiring.denial_of_service import Defence, call_watch_of
from gateway.wiring.engine import policy_of
from gateway.wiring.listeners import (
    add_carriers,
    advertised,
    certificates_of,
    open_sockets,
)
from gateway.wiring.names import names_of
from gateway.wiring.readings import readings_of
from gateway.wiring.ss7 import figures_of, point_of

LOG = logging.getLogger("tollgate")

ANSWER_POLL_S: Final = 0.02
"""How often a gateway that drains looks whether the last BYE was answered."""


class Gateway:
    """A running gateway. Made by `running`; also the control plane of its HTTP API."""

    def __init__(
        self,
        configuration: Configuration,
        sockets: Sequence[socket.socket],
        tap: Tap | None,
        observers: Sequence[CallObserver],
        link_tap: LinkTap | None,
    ) -> None:
        self.configuration: Final = configuration
        self._udp: Final = [sock for sock in sockets if sock.type == socket.SOCK_DGRAM]
        folder = configuration.state_folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as undo:  # what was opened is closed again if the rest fails
            self._lock: Final = FolderLock(folder)
            undo.callback(self._lock.close)
            self._journal: Final = OperatorJournal(folder / JOURNAL_FILE)
            undo.callback(self._journal.close)
            # A step that was taken is in force, also where the wall clock was set back since.
            self.clock: Final = Clock(not_before_us=self._journal.last_us())
            self.policy: Final = policy_of(configuration, self._journal.steps())
            listeners = advertised(configuration, sockets)
            self.proxy: Final = SipProxy(
                proxy_settings(configuration, listeners),
                self.policy.engine,
                configuration.trunk_groups,
                self.policy.find_provider,
                self.policy.limiter,
            )
            self.point: Final = point_of(configuration, self.policy, self.proxy, listeners[0])
            certificates = certificates_of(configuration)
            self.names: Final = names_of(configuration, self.clock.now_us, self._members_are, certificates)
            self.recorder: Final = _recorder_of(configuration)
            undo.callback(self.recorder.close)
            self._calls: Final = CallsInProgress()
            watching = call_watch_of(configuration, self.policy.standings, self.clock)
            flight = FlightRecorder(configuration.denial_of_service.evidence_bytes)
            self.metrics: Final = self._new_metrics()
            self.transport: Final = SipEndpoint(
                self.point or self.proxy,
                self.clock,
                (self.metrics, self._calls, RecordKeeping(self.recorder), EmergencyLog(), watching, *observers),
                tap,
                self.names.locate if self.names is not None else None,
                flight,
            )
            self.connections: Final = add_carriers(
                self.transport, configuration, sockets, certificates, self.proxy.members.hosts
            )
            self.links: Final = self._new_links(_both(flight.transferred, link_tap))
            self.transport.links = self.links
            self.proxy.observer = watching.watch
            self.defence: Final = Defence(self, self._journal, watching, flight)
            undo.pop_all()
        self.control: Final = GatewayControl(self, self.defence, self._journal)
        self.started_us: Final = self.clock.now_us()
        self.draining = False
        self.operations_address: Address = configuration.operations_listen

    def _new_links(self, tap: LinkTap) -> LinkEndpoint | None:
        return LinkEndpoint(self.configuration.links, self.point, self.transport, tap) if self.point else None

    def _new_metrics(self) -> GatewayMetrics:
        configuration = self.configuration
        return GatewayMetrics(
            carriers=configuration.carriers,
            trunk_groups=configuration.trunk_groups,
            checks=[check.name for check in self.policy.checks],
            refusal_kinds=_refusal_kinds(),
            readings=readings_of(self),
            version=VERSION,
        )

    @property
    def address(self) -> Address:
        """Where it takes SIP: the first of its listeners."""
        return self.listeners[0].address

    @property
    def listeners(self) -> tuple[Hop, ...]:
        """Where it takes SIP."""
        return tuple(carrier.local for carrier in self.transport.carriers)

    @property
    def socket_drops(self) -> int | None:
        """Datagrams that the kernel dropped at our sockets; None where it does not say."""
        return dropped(self._udp)

    @property
    def lerg_rows(self) -> int:
        """Rows of LERG 6 that calls are decided by."""
        guide = self.policy.tables.guide
        return len(guide) if guide is not None else 0

    @property
    def providers(self) -> list[Ocn]:
        """The interconnected VoIP providers of the configuration."""
        return [carrier.ocn for carrier in self.configuration.carriers if carrier.kind is CarrierKind.PROVIDER]

    def steps_changed(self, at_us: int) -> None:
        """A step is in force that may block circuits, or open them."""
        if self.point is not None:
            self.transport.perform(self.point.steps_changed(at_us), at_us)

    def _members_are(self, trunk_group: str, members: Sequence[Member]) -> dict[Hop, str]:
        return self.proxy.members_are(trunk_group, members, self.clock.now_us())

    def ss7_figures(self) -> Ss7Figures:
        """How links and circuits stand; nothing where there are none."""
        if self.point is None or self.links is None:
            return Ss7Figures()
        return figures_of(self.configuration, self.point, self.links)

    def status(self) -> dict[str, Any]:
        """As `GatewayControl.status`."""
        return self.control.status()

    @property
    def calls_in_progress(self) -> int:
        return self._calls.total

    # -- life ---------------------------------------------------------------------------------------------------------

    async def drain(self, patience_s: float) -> None:
        """Refuse new calls, except to emergency numbers, and wait until those that are up have ended, or patience has.

        In the books a call ends with its BYE. Its parties still wait for the answer, until which it has a dialog.
        """
        self.draining = True
        (self.point or self.proxy).accepting = False
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._calls.idle.wait()
                while self.proxy.dialogs:  # noqa: ASYNC110 - the proxy is free of I/O and has no event to wait for
                    await asyncio.sleep(ANSWER_POLL_S)

    async def start_links(self) -> None:
        """Begin the associations of the signalling links, if there are any. Raises OSError as `LinkEndpoint.start`."""
        if self.links is not None:
            self.steps_changed(self.clock.now_us())
            await self.links.start()

    async def wait_closed(self) -> None:
        """Until what `stop` has begun is done."""
        await self.transport.wait_closed()
        if self.links is not None:
            await self.links.wait_closed()

    def stop(self) -> None:
        """End every call in the books, write what is left to write, let go of socket and files."""
        at_us = self.clock.now_us()
        self.recorder.take_all()
        self.transport.perform((self.point or self.proxy).stop(at_us), at_us)
        self.transport.close()
        if self.links is not None:
            self.links.close()
        if self.names is not None:
            self.names.close()
        self.recorder.close()
        self._journal.close()
        self._lock.close()

    def api_token(self) -> str:
        """The bearer token for changes over HTTP: made at the first start, readable by the gateway's user alone."""
        return read_or_make_token(self.configuration.state_folder)


def _both(one: LinkTap, other: LinkTap | None) -> LinkTap:
    """A tap that hands on to two."""
    if other is None:
        return one

    def tap(at_us: int, source: Address, destination: Address, data: bytes) -> None:
        one(at_us, source, destination, data)
        other(at_us, source, destination, data)

    return tap


def _recorder_of(configuration: Configuration) -> CallRecorder:
    return CallRecorder(
        configuration.state_folder / RECORDS_FILE,
        mask_numbers=configuration.mask_numbers,
        retention_days=configuration.retention_days,
        capacity=configuration.record_queue,
    )


@asynccontextmanager
async def running(
    configuration: Configuration,
    *,
    tap: Tap | None = None,
    observers: Sequence[CallObserver] = (),
    link_tap: LinkTap | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway that takes calls until the block is left.

    `tap` is called for every datagram in and out, `link_tap` for every M3UA message, `observers` for every call, after
    the gateway's own. Raises OSError where an address cannot be bound, `DatabaseFileError` where records or journal
    cannot be opened, `NoToken` where the token's file holds none, and what `policy_of` and `serve` raise.
    """
    with ExitStack() as undo:
        sockets = open_sockets(configuration)
        for sock in sockets:
            undo.callback(sock.close)
        gateway = Gateway(configuration, sockets, tap, observers, link_tap)
        undo.pop_all()
    try:
        host, port = configuration.operations_listen
        async with serve(operations_app(gateway.control, gateway.metrics, gateway.api_token()), host, port) as bound:
            gateway.operations_address = (host, bound)
            gateway.proxy.prober.start(gateway.clock.now_us())
            if gateway.names is not None:
                await gateway.names.start()
            gateway.transport.start()
            await gateway.start_links()
            gateway.defence.start()
            yield gateway
    finally:
        await gateway.defence.stop()
        gateway.stop()
        await gateway.wait_closed()


def proxy_settings(configuration: Configuration, listeners: tuple[Hop, ...]) -> ProxySettings:
    """`listeners`: where peers reach the gateway, each as they are to write it."""
    limits = configuration.limits
    return ProxySettings(
        listeners=listeners,
        secret=secrets.token_hex(16).encode(),
        emergency_numbers=configuration.emergency_numbers,
        max_transactions=limits.max_transactions,
        max_calls=limits.max_dialogs,
        max_message_bytes=limits.max_message_bytes,
        max_call_s=limits.max_call_seconds,
        locate_in_dialog=configuration.dns.in_dialog,
        emergency_reserve=limits.emergency_reserve,
        strangers_per_s=limits.strangers_per_second,
        wasted_per_s=limits.wasted_per_second,
        refusals_per_s=limits.refusals_per_second,
        session_expires_s=limits.session_expires_seconds or 0,
        min_se_s=limits.min_session_seconds or 0,
        network_blocked=configuration.network_blocked,
    )


def _refusal_kinds() -> list[RefusalKind]:
    of_checks = [
        RefusalKind(check, clause, verdict)
        for check, (clauses, verdicts) in REFUSES.items()
        for clause in clauses
        for verdict in verdicts
    ]
    of_routing = (NO_ROUTE_FINDING, NO_MEMBER_FINDING)
    return [*of_checks, *(RefusalKind(finding.check, finding.clause, finding.verdict) for finding in of_routing)]
