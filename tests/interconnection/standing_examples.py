"""Carriers, trunk groups and the steps of L8 for tests of the book of standings."""

from __future__ import annotations

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, State, Step, StepKind
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup

PARTNER, OTHER_PARTNER, HOST = Ocn("7001"), Ocn("7002"), Ocn("9740")
OFFENDER, OTHER, STRANGER = Ocn("901A"), Ocn("902B"), Ocn("903C")

CARRIERS = CarrierBook(
    [
        Carrier(HOST, "Host", CarrierKind.HOST),
        Carrier(PARTNER, "Partner", CarrierKind.PARTNER),
        Carrier(OTHER_PARTNER, "Other partner", CarrierKind.PARTNER),
        Carrier(OFFENDER, "Offender", CarrierKind.PROVIDER, PARTNER),
        Carrier(OTHER, "Other", CarrierKind.PROVIDER, PARTNER),
        Carrier(STRANGER, "Stranger", CarrierKind.PROVIDER, OTHER_PARTNER),
    ]
)


def group(name: str, *, carrier: Ocn = PARTNER, side: Side = Side.PARTNER, dedicated: bool = False) -> TrunkGroup:
    return TrunkGroup(name, side, carrier, "WNVLMOXADS0", (Member(Hop("192.0.2.10", 5060)),), dedicated=dedicated)


GROUPS = {
    one.name: one
    for one in (
        group("shared"),
        group("dedicated-1", dedicated=True),
        group("dedicated-2", dedicated=True),
        group("foreign", carrier=OTHER_PARTNER, dedicated=True),
        group("host", carrier=HOST, side=Side.HOST),
    )
}


def step(
    at_us: int,
    kind: StepKind,
    ocn: Ocn = OFFENDER,
    *,
    scope: Scope | None = None,
    trunk_group: str | None = None,
) -> Step:
    return Step(at_us, ocn, kind, "operator", "flood", scope=scope, trunk_group=trunk_group)


def of_kind(kind: StepKind, at_us: int, ocn: Ocn = OFFENDER) -> Step:
    """A step with all that its kind needs: scope provider, or the first dedicated trunk group."""
    scope = Scope.PROVIDER if kind is StepKind.DISCONTINUE else None
    trunk_group = "dedicated-1" if kind is StepKind.CUTOVER else None
    return step(at_us, kind, ocn, scope=scope, trunk_group=trunk_group)


WAYS: dict[State, tuple[StepKind, ...]] = {
    State.NORMAL: (),
    State.THROTTLED: (StepKind.THROTTLE,),
    State.DISCONTINUED: (StepKind.DISCONTINUE,),
    State.REMEDIATED: (StepKind.DISCONTINUE, StepKind.ATTEST, StepKind.CLEAR),
    State.RESTORED: (StepKind.DISCONTINUE, StepKind.ATTEST, StepKind.CLEAR, StepKind.RESTORE),
    State.DEDICATED: (StepKind.CUTOVER,),
}
"""The steps that bring a provider from NORMAL into each state."""


def way_to(state: State) -> list[Step]:
    """Those steps, ten microseconds apart, the first at 10."""
    return [of_kind(kind, 10 * place) for place, kind in enumerate(WAYS[state], start=1)]
