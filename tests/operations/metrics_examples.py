"""A small network, and calls through it, for the tests of metrics and of what is drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from prometheus_client.parser import text_string_to_metric_families

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.interconnection.denial_of_service import State
from gateway.interconnection.trunk_groups import Hop, Member, Mode, Side, TrunkGroup
from gateway.numbering.telephone_number import parse_number
from gateway.operations.denial_of_service_readings import DenialOfServiceFigures
from gateway.operations.dns_readings import DnsFigures, NameReading
from gateway.operations.metrics import GatewayMetrics, RefusalKind
from gateway.operations.readings import (
    ConfigurationInfo,
    ConnectionFigures,
    MemberReading,
    Readings,
)
from gateway.operations.ss7_readings import CircuitFigures, LinkFigures, Ss7Figures
from gateway.policy.call_attempt import CallAttempt, NumberFact, OcnSource
from gateway.policy.verdict import Decision, Finding, Outcome, Refusal, Verdict
from gateway.signalling.call import Call, EndedBy

HOST, PARTNER, ALPHA, BRAVO, STRANGER = (Ocn(ocn) for ocn in ("1234", "7000", "555A", "555B", "999X"))
LIMIT = RateLimit(sustained_per_s=5.0, burst=10, in_progress=20)

CARRIERS = CarrierBook(
    [
        Carrier(HOST, "Host", CarrierKind.HOST),
        Carrier(PARTNER, "Partner", CarrierKind.PARTNER),
        Carrier(ALPHA, "Alpha Voice", CarrierKind.PROVIDER, partner=PARTNER, limit=LIMIT),
        Carrier(BRAVO, "Bravo Voice", CarrierKind.PROVIDER, partner=PARTNER, limit=LIMIT),
    ]
)


def _group(name: str, side: Side, carrier: Ocn, *, dedicated: bool = False) -> TrunkGroup:
    return TrunkGroup(name, side, carrier, "CLMAMOXADS0", (Member(Hop("127.0.0.1", 5060)),), dedicated=dedicated)


SHARED = _group("TG-SHARED", Side.PARTNER, PARTNER)
DEDICATED = _group("TG-DEDICATED", Side.PARTNER, PARTNER, dedicated=True)
SWITCH = replace(
    _group("TG-SWITCH", Side.HOST, HOST),
    members=(Member(Hop("127.0.0.1", 5060)), Member(Hop("127.0.0.1", 5061))),
    capacity=24,
)
TRUNK_GROUPS = (SHARED, DEDICATED, SWITCH)

CHECKS = {"trunk_group": "L8", "rate_limit": "L8", "calling_number": "L7", "calling_code": "L1.4", "footprint": "L9"}
"""Check name -> clause, of some of the engine's checks."""
REFUSAL_KINDS = (
    RefusalKind("calling_number", "L7", Verdict.ALTERED),
    RefusalKind("footprint", "L9", Verdict.OUTSIDE),
    RefusalKind("rate_limit", "L8", Verdict.OVER_LIMIT),
)


NO_CONNECTIONS = ConnectionFigures(up={"in": 0, "out": 0}, handshakes=0, opened={}, refused={}, closed={})

SS7 = Ss7Figures(
    links=[
        LinkFigures(
            name="rb-a",
            carrier="tcp",
            state="active",
            active=True,
            associations=1,
            received={"data": 7, "beat": 2},
            sent={"data": 5},
            lost=1,
            destinations={"2-137-26": True, "2-137-27": False},
            congested={"2-137-26": 2},
        )
    ],
    circuits=[
        CircuitFigures(
            trunk_group="TG-SWITCH", states={"idle": 22, "busy": 2}, events={"T7 expired": 1}, releases={16: 3}
        )
    ],
    isup_received={"IAM": 4},
    held_back={"malformed": 1},
)

ONE_NAME = DnsFigures(names=[NameReading("TG-SWITCH", "sip:switch.example", addresses=1, failing=False)])


@dataclass
class Stand:
    """What the readings of the example gateway say; tests change it as they go."""

    calls_in_progress: dict[Ocn, int] = field(default_factory=dict)
    trunk_group_calls: dict[str, int] = field(default_factory=dict)
    members: list[MemberReading] = field(
        default_factory=lambda: [MemberReading("TG-SWITCH", "udp:127.0.0.1:5060", in_service=True, calls=0)]
    )
    failovers: dict[tuple[str, str], int] = field(default_factory=dict)
    cut_over: dict[Ocn, str] = field(default_factory=dict)
    messages: dict[tuple[str, str], int] = field(default_factory=dict)
    malformed: dict[str, int] = field(default_factory=dict)
    transactions: int = 0
    dialogs: int = 0
    retransmissions_absorbed: int = 0
    datagrams_dropped: int = 0
    connections: ConnectionFigures = NO_CONNECTIONS
    dns: DnsFigures = ONE_NAME
    denial_of_service: DenialOfServiceFigures = field(
        default_factory=lambda: DenialOfServiceFigures(
            states={Ocn("555A"): State.THROTTLED},
            alerts={"invite_flood": 1},
            deliveries={("folder", "delivered"): 1},
            shed_calls={None: 0},
            socket_drops=0,
        )
    )
    ss7: Ss7Figures = SS7
    records_queued: int = 0
    records_written: int = 0
    records_lost: int = 0

    def readings(self) -> Readings:
        return Readings(
            calls_in_progress=lambda: self.calls_in_progress,
            trunk_group_calls=lambda: self.trunk_group_calls,
            members=lambda: self.members,
            failovers=lambda: self.failovers,
            limits=lambda: {carrier.ocn: carrier.limit for carrier in CARRIERS if carrier.limit is not None},
            cut_over=lambda: self.cut_over,
            transactions=lambda: self.transactions,
            dialogs=lambda: self.dialogs,
            messages=lambda: self.messages,
            malformed=lambda: self.malformed,
            retransmissions_absorbed=lambda: self.retransmissions_absorbed,
            datagrams_dropped=lambda: self.datagrams_dropped,
            connections=lambda: self.connections,
            dns=lambda: self.dns,
            denial_of_service=lambda: self.denial_of_service,
            ss7=lambda: self.ss7,
            records_queued=lambda: self.records_queued,
            records_written=lambda: self.records_written,
            records_lost=lambda: self.records_lost,
            lerg_rows=lambda: 5000,
            configuration=lambda: ConfigurationInfo("example.toml", "0123abcd"),
        )


def metrics_of(stand: Stand) -> GatewayMetrics:
    return GatewayMetrics(
        carriers=CARRIERS,
        trunk_groups=TRUNK_GROUPS,
        checks=CHECKS,
        refusal_kinds=REFUSAL_KINDS,
        readings=stand.readings(),
        version="1.2.3",
    )


def call(
    *,
    provider: Ocn | None = ALPHA,
    ingress: TrunkGroup | None = SHARED,
    violation: tuple[str, Verdict] | None = None,
    mode: Mode = Mode.ENFORCE,
    emergency: bool = False,
    diverted: bool = False,
) -> Call:
    """A call decided at 0 us: every check passes, but the one that `violation` names, which is run in `mode`."""
    number = NumberFact("From", parse_number("5735550100"), b"", 0)
    attempt = CallAttempt(
        0, "a-call", ("127.0.0.1", 5060), ingress, provider, OcnSource.CALLING_CODE, number, number, number
    )
    findings, modes = [], []
    refused_by = None
    for check, clause in CHECKS.items():
        if violation is not None and violation[0] == check:
            finding = Finding(check, violation[1], clause, "seen", (), Refusal(403, "Forbidden", 21))
            refused_by = finding if mode is Mode.ENFORCE else None
            modes.append(mode)
        else:
            finding = Finding(check, Verdict.PASS, clause)
            modes.append(Mode.ENFORCE)
        findings.append(finding)
    admitted = Outcome.DIVERT if diverted else Outcome.ADMIT
    outcome = Outcome.REFUSE if refused_by is not None else admitted
    egress = None if refused_by is not None else SWITCH
    return Call(attempt, Decision(outcome, egress, tuple(findings), tuple(modes), refused_by, emergency))


def ended(a_call: Call, ended_by: EndedBy, *, answered_at_us: int | None = None, ended_at_us: int = 0) -> Call:
    a_call.answered_at_us = answered_at_us
    a_call.ended_at_us = ended_at_us
    a_call.ended_by = ended_by
    return a_call


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def samples_of(metrics: GatewayMetrics) -> Samples:
    """Every series of one scrape, read back from its text."""
    families = text_string_to_metric_families((await metrics.render()).decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def series(name: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())
