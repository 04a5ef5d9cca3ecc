"""On which trunk groups what is in force about a provider is not enforced."""

from __future__ import annotations

import pytest

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import NORMAL, Scope, Standing, State
from gateway.interconnection.trunk_groups import Mode, Side, TrunkGroup
from gateway.policy.enforcement import not_enforced_on

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
