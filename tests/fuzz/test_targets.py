"""The targets of `make fuzz`, tried for a moment: on every seed, on what broke them once, and on some inputs."""

from __future__ import annotations

import pytest

from tests.fuzz.properties import search
from tests.fuzz.script import Script
from tests.fuzz.seeds import LONGEST, TARGETS, seeds_of


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_fuzzing_starts_from_or_once_found_breaks_a_target(target: str) -> None:
    for seed in seeds_of(target):
        TARGETS[target].check(seed)


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_made_of_the_seeds_breaks_a_target(target: str) -> None:
    search(target, TARGETS[target].check, 40, lambda _: None)


def test_seeds_are_short_enough_to_be_kept_whole() -> None:
    longest = {target: max(map(len, seeds_of(target))) for target in TARGETS}
    assert max(longest.values()) <= LONGEST


def test_a_fault_is_found_and_given_to_the_caller_as_small_as_it_can_be() -> None:
    failed: list[bytes] = []

    def no_invite(data: bytes) -> None:
        assert b"INVITE" not in data

    with pytest.raises(AssertionError):
        search("codec", no_invite, 40, failed.append)
    assert b"INVITE" in failed[-1]
    assert len(failed[-1]) <= len(failed[0])


def test_a_script_that_is_used_up_chooses_the_first_of_everything() -> None:
    script = Script(b"\x05\x01\x02")
    assert (script.choose(3), script.choose(65_536), bool(script)) == (2, 0x0102, False)
    assert (script.choose(7), script.choose(1_000), script.take(5)) == (0, 0, b"")
