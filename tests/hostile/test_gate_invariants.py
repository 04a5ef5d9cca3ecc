"""Whatever floods, and however: no emergency call is shed, nor a call of a source of good standing (L8, L10)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.gate import GATEWAY_SHARE
from gateway.signalling.origins import GOOD_STANDING
from tests.hostile.test_gate import FLOODER, NEIGHBOUR, NOBODYS_NUMBER, VAIN, WASTED, Scene
from tests.wiring.small_gateway import OTHER_PROVIDER_NUMBER, OUTSIDE_NUMBER, PROVIDER_NUMBER, UNCONFIRMED_NUMBER

NUMBERS = [PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER, UNCONFIRMED_NUMBER, NOBODYS_NUMBER, "anonymous"]
FLOODERS = [FLOODER, *(FLOODER._replace(port=5060 + number) for number in range(1, 9))]


class Floods(RuleBasedStateMachine):
    """Several members flood, one calls honestly; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="gate-")
        self.scene = Scene(Path(self._folder.name), FLOODERS)
        self.began_us = self.scene.now_us
        self.in_vain = self.gone_on = 0

    def teardown(self) -> None:
        self._folder.cleanup()

    @initialize()
    def the_innocent_has_been_calling(self) -> None:
        assert {self.scene.call(NEIGHBOUR) for _ in range(GOOD_STANDING)} == {"on"}
        self.gone_on = GOOD_STANDING

    @rule(
        calls=st.integers(1, 200),
        sources=st.integers(1, len(FLOODERS)),
        numbers=st.integers(1, len(NUMBERS)),
        gap_us=st.sampled_from([0, 20, 1_000]),
    )
    def some_flood(self, calls: int, sources: int, numbers: int, gap_us: int) -> None:
        for number in range(calls):
            self.scene.now_us += gap_us
            source, calling = FLOODERS[number % sources], NUMBERS[number % numbers]
            self.in_vain += self.scene.call(source, calling=calling, called=OUTSIDE_NUMBER) in ("404", "403")

    @rule(kind=st.sampled_from(list(VAIN)), count=st.integers(1, 100), source=st.sampled_from(FLOODERS))
    def some_send_what_opens_no_call(self, kind: str, count: int, source: Hop) -> None:
        for number in range(count):
            self.scene.receive(VAIN[kind](number), source)

    @rule(source=st.sampled_from([*FLOODERS, NEIGHBOUR]), calling=st.sampled_from(NUMBERS))
    def an_emergency_call_goes_on(self, source: Hop, calling: str) -> None:
        assert self.scene.call(source, calling=calling, called="911") == "on"
        self.gone_on += 1

    @rule(calling=st.sampled_from([PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER]))
    def an_innocent_call_goes_on(self, calling: str) -> None:
        assert self.scene.call(NEIGHBOUR, calling=calling) == "on"
        self.gone_on += 1

    @rule(milliseconds=st.integers(1, 3_000))
    def time_passes(self, milliseconds: int) -> None:
        self.scene.now_us += milliseconds * 1_000
        self.scene.proxy.wake(self.scene.now_us)

    @invariant()
    def little_more_was_read_in_vain_than_the_gateway_may_waste(self) -> None:
        elapsed_s = (self.scene.now_us - self.began_us) / 1_000_000
        allowed = GATEWAY_SHARE * WASTED * (1 + elapsed_s) + self.gone_on
        each = len(FLOODERS) * WASTED * (1 + elapsed_s)
        carriers = len(NUMBERS) * WASTED * (1 + elapsed_s)
        assert self.in_vain <= allowed + each + carriers


Floods.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestFloods = Floods.TestCase
