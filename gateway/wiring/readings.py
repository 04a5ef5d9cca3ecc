"""Where a scrape of a running gateway reads what is not counted call by call."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gateway.interconnection.carriers import Ocn
from gateway.operations.dns_readings import DnsFigures
from gateway.operations.readings import ConfigurationInfo, MemberReading, Readings
from gateway.signalling.members import USED
from gateway.wiring.listeners import connection_figures

if TYPE_CHECKING:
    from gateway.wiring.live import Gateway


def readings_of(gateway: Gateway) -> Readings:
    """The readings of a gateway. Its parts are looked at when a scrape comes, so they may be made later than this."""
    configuration, policy = gateway.configuration, gateway.policy
    limits = {carrier.ocn: carrier.limit for carrier in configuration.carriers if carrier.limit is not None}
    digest = hashlib.sha256(configuration.file.read_bytes()).hexdigest()[:12]
    providers = gateway.providers
    return Readings(
        calls_in_progress=lambda: {ocn: policy.limiter.in_progress(ocn) for ocn in providers},
        trunk_group_calls=lambda: {name: group.calls for name, group in gateway.proxy.members.groups.items()},
        members=lambda: _members(gateway),
        failovers=lambda: gateway.proxy.members.failovers,
        limits=lambda: limits,
        cut_over=lambda: _cut_over_now(gateway),
        transactions=lambda: gateway.proxy.transactions,
        dialogs=lambda: gateway.proxy.dialogs,
        messages=lambda: gateway.transport.messages,
        malformed=lambda: gateway.proxy.counters.malformed + gateway.transport.unframed,
        retransmissions_absorbed=lambda: gateway.proxy.counters.absorbed,
        datagrams_dropped=lambda: _dropped(gateway),
        connections=lambda: connection_figures(gateway.connections),
        ss7=lambda: gateway.ss7_figures(),
        denial_of_service=lambda: gateway.defence.figures(),
        dns=lambda: gateway.names.figures() if gateway.names is not None else DnsFigures(),
        records_queued=lambda: gateway.recorder.queued,
        records_written=lambda: gateway.recorder.written,
        records_lost=lambda: gateway.recorder.lost,
        lerg_rows=lambda: gateway.lerg_rows,
        configuration=lambda: ConfigurationInfo(str(configuration.file), digest),
    )


def _dropped(gateway: Gateway) -> int:
    counters = gateway.proxy.counters
    return counters.stray + counters.unwelcome + gateway.transport.unsent + gateway.transport.faults


def _members(gateway: Gateway) -> list[MemberReading]:
    return [
        MemberReading(group.trunk_group.name, str(member.hop), member.standing in USED, member.calls)
        for group in gateway.proxy.members.groups.values()
        for member in group.members
    ]


def _cut_over_now(gateway: Gateway) -> dict[Ocn, str]:
    now = gateway.clock.now_us()
    groups = ((ocn, gateway.policy.standings.group_of(ocn, now)) for ocn in gateway.providers)
    return {ocn: group for ocn, group in groups if group is not None}
