"""An audit of captures: the engine of a configuration, or one without, on the calls that the captures hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from gateway.capture.audit_result import AuditResult
from gateway.capture.auditing import audit_readers
from gateway.capture.closing import does_not_enter
from gateway.capture.coverage import say_what_was_not_seen
from gateway.capture.faults import NotACapture
from gateway.capture.gateway_place import GatewayPlace
from gateway.capture.judging import Judges
from gateway.capture.limits import AuditLimits
from gateway.capture.reader import CaptureReader
from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import LinkCarrier
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.wiring.engine import policy_of, policy_without_configuration
from gateway.wiring.memory import tune_garbage_collection

if TYPE_CHECKING:  # what only an audit with a configuration needs takes longer to load than a small capture to read
    from gateway.capture.gateway_replay import GatewayReplay
    from gateway.operations.configuration import Configuration
    from gateway.wiring.engine import Policy
    from gateway.wiring.forced_release import Drains

REPLAY_SECRET: Final = b"replay"
"""What is random for a live run; a replay sends nothing to anyone."""
FROM_THE_FIRST_PACKET: Final = (
    "limits are counted from the first packet on: of tokens taken and calls in progress before it nothing is known"
)
LINKS_ARE_UP: Final = "signalling links are taken to be up all the time, and circuits to be idle at the first packet"
BY_HOST_ALONE: Final = (
    "without a configuration a leg over SIP and one on a circuit are one call only where a Call-ID says so, or where "
    "the host of the gateway between them has one IP address for both and others have not; otherwise they are calls "
    "of their own, not compared with each other: give the gateway's --config"
)
NO_ISUP: Final = (
    "the configuration has signalling links, and no ISUP was captured: calls that came on circuits are not in this "
    "report, and those that left on circuits are taken to have been given up; audit a capture of both sides"
)
NO_M3UA: Final = (
    "they are not of port 2905, nor of an address of [[links]] of a configuration, and none begins as a message of M3UA"
)
NO_STREAMS: Final = "calls over TCP and TLS are not in this report, and not counted against any limit or capacity"
NO_CONFIGURATION: Final = "no configuration given: see --config"
EMERGENCY_NUMBERS: Final = frozenset({"911"})


def audit_captures(
    paths: list[Path], configuration: Configuration | None, output: str, variant: Variant | None = None
) -> int:
    """Audit captures and print the report to standard output, as ``table`` or ``json``. Gives the exit code.

    0 clean, 1 violations, 3 where part of an input could not be read; what could be read is reported all the same.
    Raises what `policy_of` raises.
    """
    tune_garbage_collection()
    with reading_shown(paths) as watched:
        result = audit(paths, configuration, variant=variant, watched=watched)
    if output == "json":
        from gateway.capture.report import write_document

        write_document(result, sys.stdout)
    else:
        from gateway.capture.report_table import print_table

        print_table(result)
    sys.stdout.flush()
    return exit_code(result)


def exit_code(result: AuditResult) -> int:
    """3 before 1: an audit that has not seen all of its input is told apart from one that has."""
    if result.unreadable or result.incomplete:
        return 3
    return 1 if result.violation_count else 0


Watched = Callable[[BinaryIO], BinaryIO]
"""Wraps an open capture, so that its reading can be shown."""


def audit(
    paths: Sequence[Path],
    configuration: Configuration | None = None,
    *,
    gateway_address: Address | None = None,
    variant: Variant | None = None,
    limits: AuditLimits | None = None,
    watched: Watched = lambda stream: stream,
) -> AuditResult:
    """Audit captures as one, by the engine of `configuration` with the cut-overs of its journal.

    `gateway_address` is where the captured gateway listened, where that is not what the configuration says (port 0).
    `variant` is what SS7 is read as; None: as its messages show.
    A call that does not enter the gateway, and without a configuration every call, is judged by what its INVITEs and
    IAMs say.
    Inputs that cannot be read are in the result.
    Raises what `policy_of` raises for the tables of the configuration.
    """
    limits = limits or AuditLimits()
    judges, notes = judges_of(configuration, gateway_address)
    with ExitStack() as stack:
        readers, unreadable = opened(paths, stack, configuration, variant, limits, watched)
        result = audit_readers(readers, judges, limits)
    result.unreadable = unreadable
    result.variant_given = variant is not None
    result.notes += notes
    say_what_was_not_seen(result, readers, variant)
    if configuration is not None and variant is not None:
        result.told_otherwise = tuple(link.name for link in configuration.links if link.variant is not variant)
    if configuration is None and result.variants and result.messages["INVITE"]:
        result.notes.append(BY_HOST_ALONE)
    if configuration is not None and configuration.links and not result.variants:
        result.notes.append(NO_ISUP)
    if result.other["TCP"] and _takes_streams(configuration):
        result.notes.append(f"{result.other['TCP']} packets over TCP were not read: {NO_M3UA}; {NO_STREAMS}")
    return result


def opened(
    paths: Sequence[Path],
    stack: ExitStack,
    configuration: Configuration | None,
    variant: Variant | None,
    limits: AuditLimits,
    watched: Watched,
) -> tuple[list[CaptureReader], list[str]]:
    """A reader for each capture, open for as long as `stack` is, and why the others cannot be read."""
    links = frozenset(link.address for link in configuration.links) if configuration is not None else frozenset()
    readers: list[CaptureReader] = []
    unreadable = []
    for place, path in enumerate(paths):
        if place >= limits.captures:
            remedy = "merge them first (mergecap), or read them in turn"
            unreadable.append(f"{path}: more than {limits.captures} captures at once; {remedy}")
            continue
        try:
            stream = stack.enter_context(path.open("rb"))
            readers.append(CaptureReader(watched(stream), str(path), variant=variant, m3ua_addresses=links))
        except NotACapture as error:
            unreadable.append(str(error))
        except OSError as error:
            unreadable.append(f"{path}: {error.strerror or error}; give the path of a capture that you may read")
    return readers, unreadable


def _takes_streams(configuration: Configuration | None) -> bool:
    """Whether the captured gateway may have had calls, or signalling links, over TCP or TLS."""
    if configuration is None or any(hop.transport is not Transport.UDP for hop in configuration.listen):
        return True
    return any(link.carrier is LinkCarrier.TCP for link in configuration.links)


def judges_of(configuration: Configuration | None, gateway_address: Address | None = None) -> tuple[Judges, list[str]]:
    """Who judges the calls, and what a reader of the report must know of it."""
    if configuration is None:
        policy = policy_without_configuration()
        return Judges(policy.engine, policy.find_provider, EMERGENCY_NUMBERS, NO_CONFIGURATION), []
    policy = policy_of(configuration, steps_of(configuration))
    listeners = _listeners_of(configuration, gateway_address)
    point_codes = {link.own: point_code_text(link.own, link.variant) for link in configuration.links}
    gateway = GatewayPlace(listeners[0].address, point_codes)
    replay = _replay_of(configuration, policy, listeners)
    replay.due_ends = _drains_of(policy, replay)
    notes = [FROM_THE_FIRST_PACKET]
    if configuration.links:
        notes.append(LINKS_ARE_UP)
    notes += [
        f"trunk group {group.name}: {named.uri} is not looked up, for its addresses may have been others: calls from "
        "them are of no known trunk group, and calls to the trunk group are refused where it has no other members; "
        "write the addresses of that time as members to have such calls judged"
        for group in configuration.trunk_groups
        for named in group.names
    ][:100]
    notes += [f"row not used: {fault}" for fault in policy.tables.row_faults[:100]]
    why = f"{does_not_enter(gateway)}: see gateway.listen in the configuration"
    return Judges(policy.engine, policy.find_provider, configuration.emergency_numbers, why, replay, gateway), notes


def _listeners_of(configuration: Configuration, gateway_address: Address | None) -> tuple[Hop, ...]:
    """Where the captured gateway took datagrams: nothing else can be read out of a capture."""
    if gateway_address is not None:
        return (Hop(*gateway_address),)
    listeners = [
        hop._replace(host=name) if ip_address(hop.host).is_unspecified else hop
        for hop, name in zip(configuration.listen, configuration.record_route_hosts, strict=True)
    ]
    return tuple(hop for hop in listeners if hop.transport is Transport.UDP) or tuple(listeners)


def _replay_of(configuration: Configuration, policy: Policy, listeners: tuple[Hop, ...]) -> GatewayReplay:
    from dataclasses import replace

    from gateway.capture.gateway_replay import GatewayReplay
    from gateway.signalling.proxy import SipProxy
    from gateway.wiring.live import proxy_settings  # loads the HTTP server: only where there is a gateway to repeat

    settings = replace(proxy_settings(configuration, listeners), secret=REPLAY_SECRET)
    proxy = SipProxy(settings, policy.engine, configuration.trunk_groups, policy.find_provider)
    addresses = [listener.address for listener in listeners]
    if not configuration.links:
        return GatewayReplay(proxy, addresses)
    from gateway.capture.circuit_replay import ExchangeReplay
    from gateway.wiring.ss7 import point_of

    point = point_of(configuration, policy, proxy, listeners[0])
    groups = [group.circuits for group in configuration.trunk_groups if group.circuits is not None]
    if point is None:
        return GatewayReplay(proxy, addresses)
    return GatewayReplay(point, addresses, ExchangeReplay(point, groups, configuration.links))


def _drains_of(policy: Policy, replay: GatewayReplay) -> Drains:
    """The steps of the journal that had calls ended."""
    from gateway.wiring.forced_release import Drains

    drains = Drains(policy, replay.end_calls)
    for step in policy.standings.trail():
        drains.foresee(step)
    return drains


def steps_of(configuration: Configuration) -> Steps:
    """The dated steps of the gateway's journal; none where it has no journal yet."""
    from gateway.interconnection.operator_steps import Steps
    from gateway.records.journal import JOURNAL_FILE, read_steps

    path = configuration.state_folder / JOURNAL_FILE
    return read_steps(path) if path.exists() else Steps()


@contextmanager
def reading_shown(paths: Sequence[Path]) -> Iterator[Watched]:
    """A bar on standard error while captures are read; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda stream: stream
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        total = sum(path.stat().st_size for path in paths if path.is_file())
        task = progress.add_task("reading", total=total)

        yield lambda stream: progress.wrap_file(stream, task_id=task)
