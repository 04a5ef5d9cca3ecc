"""On which trunk groups what is in force about a provider is not enforced."""

from __future__ import annotations

import pytest

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import NORMAL, Scope, Standing, StandingBook, State, Step, StepKind
from gateway.interconnection.trunk_groups import Mode, Side, TrunkGroup
from gateway.policy.enforcement import at_odds, not_enforced_on

PARTNER, OTHER_PARTNER, HOST = Ocn("7001"), Ocn("7002"), Ocn("9740")


def group(name: str, side: Side = Side.PARTNER, carrier: Ocn = PARTNER, **more: object) -> TrunkGroup:
    return TrunkGroup(name, side, carrier, "WNVLMOXADS0", (), **more)  # type: ignore[arg-type]


GROUPS = (
    group("enforced"),
    group("monitored", default_mode=Mode.MONITOR),
    group("partly", modes={"discontinuance": Mode.OFF, "trunk_group": Mode.MONITOR, "rate_limit": Mode.MONITOR}),
    group("own", dedicated=True, modes={"trunk_group": Mode.MONITOR}),
    group("of another", carrier=OTHER_PARTNER, default_mode=Mode.MONITOR),
    group("host", Side.HOST, HOST, default_mode=Mode.MONITOR),
)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (NORMAL, ()),
        (Standing(State.THROTTLED, 1), ("monitored (monitor)", "partly (monitor)")),
        (
            Standing(State.DISCONTINUED, 1, Scope.PROVIDER),
            ("monitored (monitor)", "partly (off)", "host (monitor)"),
        ),
        (
            Standing(State.REMEDIATED, 1, Scope.PARTNER),
            ("monitored (monitor)", "partly (off)", "host (monitor)"),
        ),
        (
            Standing(State.RESTORED, 1),
            ("monitored (monitor)", "partly (off)", "own (monitor)", "host (monitor)"),
        ),
        (
            Standing(State.DEDICATED, 1, trunk_group="own"),
            ("monitored (monitor)", "partly (monitor)", "own (monitor)"),
        ),
    ],
)
def test_it_is_said_for_each_standing_where_nothing_is_refused_for_it(
    standing: Standing, said: tuple[str, ...]
) -> None:
    assert not_enforced_on(standing, PARTNER, GROUPS) == said


PROVIDER = Ocn("901A")
STOPPED = Step(1, PROVIDER, StepKind.DISCONTINUE, "operator", "flood", scope=Scope.PARTNER)
CUT_OVER = Step(1, PROVIDER, StepKind.CUTOVER, "operator", "flood", trunk_group="own")
UNDONE = Step(2, PROVIDER, StepKind.UNDO, "operator", "over")
NOBODY: dict[Ocn, Ocn] = {}


@pytest.mark.parametrize(
    ("steps", "partners", "groups", "said"),
    [
        ((STOPPED,), {PROVIDER: PARTNER}, GROUPS, ""),
        (
            (STOPPED,),
            NOBODY,
            GROUPS,
            "no provider of the configuration, and its partner's other traffic is let through",
        ),
        ((STOPPED, UNDONE), NOBODY, GROUPS, ""),
        ((CUT_OVER,), {PROVIDER: PARTNER}, GROUPS, ""),
        ((CUT_OVER,), {PROVIDER: PARTNER}, (group("own"),), "on own, which is no dedicated trunk group of its partner"),
        ((CUT_OVER,), {PROVIDER: PARTNER}, (), "on own, which is no dedicated trunk group of its partner"),
        ((CUT_OVER,), {PROVIDER: OTHER_PARTNER}, GROUPS, "on own, which is no dedicated trunk group of its partner"),
    ],
)
def test_it_is_said_what_a_changed_configuration_no_longer_bears_out(
    steps: tuple[Step, ...], partners: dict[Ocn, Ocn], groups: tuple[TrunkGroup, ...], said: str
) -> None:
    carriers = CarrierBook(
        Carrier(ocn, ocn, CarrierKind.PROVIDER, partner=partner) for ocn, partner in partners.items()
    )
    found = list(at_odds(StandingBook(carriers, steps), carriers, groups, 3))
    assert len(found) == bool(said)
    assert said in "".join(found)
