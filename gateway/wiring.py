"""Where the objects meet: a gateway, and the engine on its own, built from a configuration."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from gateway.interconnection.carriers import CarrierKind, Ocn
from gateway.interconnection.discontinuance import Cutover, CutoverBook
from gateway.interconnection.trunk_groups import Address
from gateway.numbering.csv_rows import RowFault
from gateway.numbering.lerg import LergGuide
from gateway.operations.configuration import Configuration
from gateway.operations.http_api import StepRefused, operations_app, serve
from gateway.operations.lerg_folder import read_lerg_folder, read_ported_numbers
from gateway.operations.metrics import GatewayMetrics, RefusalKind
from gateway.operations.readings import ConfigurationInfo, Readings
from gateway.policy.attribution import ProviderFinder
from gateway.policy.check import Check
from gateway.policy.checks import all_checks
from gateway.policy.checks.rate_limit import RateLimitOfProvider
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.records.call_records import CallRecorder
from gateway.records.database import DatabaseFileError
from gateway.records.journal import CutoverJournal
from gateway.signalling.call import Call
from gateway.signalling.proxy import ProxySettings, SipProxy
from gateway.transport.clock import Clock
from gateway.transport.udp import Tap, UdpTransport, open_socket

RECORDS_FILE: Final = "records.db"
JOURNAL_FILE: Final = "journal.db"
TOKEN_FILE: Final = "api.token"  # noqa: S105 - the name of the file that holds it


@dataclass(frozen=True, slots=True)
class Policy:
    """The engine of one configuration, and what it rests on."""

    engine: Engine
    checks: tuple[Check, ...]
    limiter: RateLimitOfProvider
    find_provider: ProviderFinder
    guide: LergGuide
    cutovers: CutoverBook
    row_faults: tuple[RowFault, ...]
    """Rows of the LERG and portability tables that could not be used."""


def policy_of(configuration: Configuration, cutovers: Sequence[Cutover]) -> Policy:
    """The engine that decides a gateway's calls, live or read from a capture.

    `cutovers` are the steps of the operator so far. Raises `LergFault` or `TableUnreadable` where a table is missing.
    """
    guide, faults = read_lerg_folder(configuration.lerg_folder)
    ported = None
    if configuration.ported_file is not None:
        ported, ported_faults = read_ported_numbers(configuration.ported_file)
        faults += ported_faults
    book = CutoverBook(cutovers)
    checks = all_checks(
        guide=guide,
        ported=ported,
        carriers=configuration.carriers,
        cutovers=book,
        gateway_numbers=configuration.gateway_numbers,
    )
    limiter = next(check for check in checks if isinstance(check, RateLimitOfProvider))
    router = Router(
        configuration.trunk_groups,
        guide=guide,
        ported=ported,
        cutovers=book,
        emergency_trunk_group=configuration.emergency_trunk_group,
    )
    engine = Engine(checks, (limiter,), router)
    return Policy(engine, checks, limiter, ProviderFinder(guide, ported), guide, book, faults)


class CallsInProgress:
    """Observes calls: how many are up on each trunk group, and when the last one is over."""

    def __init__(self) -> None:
        self.by_trunk_group: Counter[str] = Counter()
        self.total = 0
        self.idle: Final = asyncio.Event()
        self.idle.set()

    def decided(self, call: Call) -> None:
        if call.decision.egress is not None:
            self._count(call, 1)

    def progressed(self, call: Call) -> None:
        """Nothing changes."""

    def ended(self, call: Call) -> None:
        if call.decision.egress is not None:
            self._count(call, -1)

    def _count(self, call: Call, change: int) -> None:
        if call.attempt.ingress is not None:
            self.by_trunk_group[call.attempt.ingress.name] += change
        self.total += change
        if self.total:
            self.idle.clear()
        else:
            self.idle.set()


class RecordKeeping:
    """Observes calls: each goes into the records when it ends."""

    def __init__(self, recorder: CallRecorder) -> None:
        self.ended: Final = recorder.record

    def decided(self, call: Call) -> None:
        """Nothing is written before the end."""

    def progressed(self, call: Call) -> None:
        """As above."""


class Gateway:
    """A running gateway. Made by `running`; also the control plane of its HTTP API."""

    def __init__(self, configuration: Configuration, sock: socket.socket, tap: Tap | None) -> None:
        self._configuration: Final = configuration
        folder = configuration.state_folder
        folder.mkdir(parents=True, exist_ok=True)
        self.clock: Final = Clock()
        self._journal: Final = CutoverJournal(folder / JOURNAL_FILE)
        self.policy: Final = policy_of(configuration, self._journal.read())
        self._groups: Final = {group.name: group for group in configuration.trunk_groups}
        self.proxy: Final = SipProxy(
            proxy_settings(configuration, sock.getsockname()[1]),
            self.policy.engine,
            configuration.trunk_groups,
            self.policy.find_provider,
        )
        self.recorder: Final = CallRecorder(
            folder / RECORDS_FILE,
            mask_numbers=configuration.mask_numbers,
            retention_days=configuration.retention_days,
            capacity=configuration.record_queue,
        )
        self._calls: Final = CallsInProgress()
        self.metrics: Final = GatewayMetrics(
            carriers=configuration.carriers,
            trunk_groups=configuration.trunk_groups,
            checks=[check.name for check in self.policy.checks],
            refusal_kinds=_refusal_kinds(self.policy.checks),
            readings=self._readings(),
            version=version("tollgate"),
        )
        self.transport: Final = UdpTransport(
            self.proxy, sock, self.clock, (self.metrics, self._calls, RecordKeeping(self.recorder)), tap
        )
        self._started_us: Final = self.clock.now_us()
        self._draining = False
        self.operations_address: Address = configuration.operations_listen

    @property
    def address(self) -> Address:
        """Where it takes SIP."""
        return self.transport.local

    # -- control plane ------------------------------------------------------------------------------------------------

    def ready(self) -> tuple[bool, str]:
        return (False, "draining: no new calls are taken") if self._draining else (True, "taking calls")

    def status(self) -> dict[str, Any]:
        """What the gateway is doing, for a person or a script."""
        now = self.clock.now_us()
        return {
            "version": version("tollgate"),
            "since": _timestamp(self._started_us),
            "draining": self._draining,
            "sip": f"udp:{self.address[0]}:{self.address[1]}",
            "configuration": str(self._configuration.file),
            "lerg_rows": len(self.policy.guide),
            "lerg_row_faults": len(self.policy.row_faults),
            "calls_in_progress": self._calls.total,
            "transactions": self.proxy.transactions,
            "providers": [self._provider_status(ocn, now) for ocn in self._providers()],
            "trunk_groups": [self._group_status(name, now) for name in self._groups],
            "records": {
                "written": self.recorder.written,
                "queued": self.recorder.queued,
                "lost": self.recorder.lost,
                "file": str(self._configuration.state_folder / RECORDS_FILE),
            },
            "cutovers": [
                {"at": _timestamp(step.at_us), "ocn": step.ocn, "trunk_group": step.trunk_group}
                | {"who": step.who, "why": step.why}
                for step in self.policy.cutovers.trail()
            ],
        }

    def _providers(self) -> list[Ocn]:
        return [carrier.ocn for carrier in self._configuration.carriers if carrier.kind is CarrierKind.PROVIDER]

    def _provider_status(self, ocn: Ocn, now: int) -> dict[str, Any]:
        carrier = self._configuration.carriers.get(ocn)
        limit = carrier.limit if carrier is not None else None
        return {
            "ocn": ocn,
            "name": carrier.name if carrier is not None else "",
            "dedicated_trunk_group": self.policy.cutovers.group_of(ocn, now),
            "calls_in_progress": self.policy.limiter.in_progress(ocn),
            "limit": None
            if limit is None
            else {
                "sustained_per_s": limit.sustained_per_s,
                "burst": limit.burst,
                "in_progress": limit.in_progress,
            },
        }

    def _group_status(self, name: str, now: int) -> dict[str, Any]:
        group = self._groups[name]
        return {
            "name": name,
            "side": group.side.value,
            "carrier": group.carrier,
            "switch": group.switch,
            "dedicated": group.dedicated,
            "kept_for": self.policy.cutovers.owner_of(name, now),
            "calls_in_progress": self._calls.by_trunk_group[name],
            "members": [f"{host}:{port}" for host, port in group.members],
        }

    def cutover(self, ocn: str, trunk_group: str | None, who: str, why: str) -> dict[str, Any]:
        """Cut a provider over to a dedicated trunk group, or back (L8). Its established calls are left to drain.

        The step is on the disk before it is in force. Raises `StepRefused`.
        """
        step = Cutover(self.clock.now_us(), Ocn(ocn), trunk_group, who, why)
        objection = self.policy.cutovers.objection_to(step, self._configuration.carriers, self._groups)
        if objection is not None:
            raise StepRefused(objection)
        try:
            self._journal.append(step)
        except DatabaseFileError as error:
            raise StepRefused(str(error)) from error
        self.policy.cutovers.add(step)
        return {
            "at": _timestamp(step.at_us),
            "ocn": ocn,
            "trunk_group": trunk_group,
            "who": who,
            "why": why,
            "established_calls_draining": self.policy.limiter.in_progress(Ocn(ocn)),
        }

    # -- life ---------------------------------------------------------------------------------------------------------

    async def drain(self, patience_s: float) -> None:
        """Refuse new calls and wait until those that are up have ended, or patience has."""
        self._draining = True
        self.proxy.accepting = False
        try:
            await asyncio.wait_for(self._calls.idle.wait(), patience_s)
        except TimeoutError:
            return

    def stop(self) -> None:
        """End every call in the books, write what is left to write, let go of socket and files."""
        at_us = self.clock.now_us()
        self.transport.perform(self.proxy.stop(at_us), at_us)
        self.transport.close()
        self.recorder.close()
        self._journal.close()

    def api_token(self) -> str:
        """The bearer token for changes over HTTP: made at the first start, readable by the gateway's user alone."""
        return read_or_make_token(self._configuration.state_folder)

    def _readings(self) -> Readings:
        configuration, policy = self._configuration, self.policy
        limits = {carrier.ocn: carrier.limit for carrier in configuration.carriers if carrier.limit is not None}
        digest = hashlib.sha256(configuration.file.read_bytes()).hexdigest()[:12]
        providers = self._providers()
        return Readings(
            calls_in_progress=lambda: {ocn: policy.limiter.in_progress(ocn) for ocn in providers},
            trunk_group_calls=lambda: self._calls.by_trunk_group,
            limits=lambda: limits,
            cut_over=self._cut_over_now,
            transactions=lambda: self.proxy.transactions,
            dialogs=lambda: self.proxy.dialogs,
            messages=lambda: self.transport.messages,
            malformed=lambda: self.proxy.counters.malformed,
            retransmissions_absorbed=lambda: self.proxy.counters.absorbed,
            datagrams_dropped=lambda: self.proxy.counters.stray + self.transport.unsent + self.transport.faults,
            records_queued=lambda: self.recorder.queued,
            records_written=lambda: self.recorder.written,
            records_lost=lambda: self.recorder.lost,
            lerg_rows=lambda: len(policy.guide),
            configuration=lambda: ConfigurationInfo(str(configuration.file), digest),
        )

    def _cut_over_now(self) -> dict[Ocn, str]:
        now = self.clock.now_us()
        groups = ((ocn, self.policy.cutovers.group_of(ocn, now)) for ocn in self._providers())
        return {ocn: group for ocn, group in groups if group is not None}


@asynccontextmanager
async def running(configuration: Configuration, *, tap: Tap | None = None) -> AsyncIterator[Gateway]:
    """A gateway that takes calls until the block is left.

    `tap` is called for every datagram in and out. Raises OSError where an address cannot be bound,
    `DatabaseFileError` where records or journal cannot be opened, and what `policy_of` raises.
    """
    sock = open_socket(*configuration.listen)
    try:
        gateway = Gateway(configuration, sock, tap)
    except BaseException:
        sock.close()
        raise
    try:
        host, port = configuration.operations_listen
        async with serve(operations_app(gateway, gateway.metrics, gateway.api_token()), host, port) as bound:
            gateway.operations_address = (host, bound)
            gateway.transport.start()
            yield gateway
    finally:
        gateway.stop()


def proxy_settings(configuration: Configuration, port: int) -> ProxySettings:
    limits = configuration.limits
    return ProxySettings(
        host=configuration.record_route_host,
        port=port,
        secret=secrets.token_hex(6).encode(),
        emergency_numbers=configuration.emergency_numbers,
        max_transactions=limits.max_transactions,
        max_calls=limits.max_dialogs,
        max_message_bytes=limits.max_message_bytes,
        max_call_s=limits.max_call_seconds,
    )


def read_or_make_token(folder: Path) -> str:
    """The API token of a state folder. Raises OSError where it can be neither read nor made."""
    file = folder / TOKEN_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("ascii").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(token + "\n")
    return token


def _refusal_kinds(checks: Sequence[Check]) -> list[RefusalKind]:
    return []


def _timestamp(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")
