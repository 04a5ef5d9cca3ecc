"""The dated trail of cut-overs (L8): who is on which dedicated group at a time, and which step cannot be taken."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standing_examples import CARRIERS, GROUPS, HOST, OFFENDER, OTHER, PARTNER, STRANGER, step

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind


def cut_over(at_us: int, ocn: Ocn, trunk_group: str | None) -> Step:
    """A cut-over; to None: it is undone."""
    return step(at_us, StepKind.UNDO if trunk_group is None else StepKind.CUTOVER, ocn, trunk_group=trunk_group)


def test_a_provider_is_on_its_group_from_the_step_on_and_off_it_from_the_step_back_on() -> None:
    book = StandingBook(CARRIERS, [cut_over(10, OFFENDER, "dedicated-1"), cut_over(20, OFFENDER, None)])
    for at_us, on in ((9, None), (10, "dedicated-1"), (19, "dedicated-1"), (20, None), (1_000, None)):
        assert book.group_of(OFFENDER, at_us) == on
        assert book.owner_of("dedicated-1", at_us) == (OFFENDER if on else None)


def test_a_move_to_another_group_frees_the_first_for_somebody_else() -> None:
    book = StandingBook(CARRIERS, [cut_over(10, OFFENDER, "dedicated-1"), cut_over(20, OFFENDER, "dedicated-2")])
    assert book.owner_of("dedicated-1", 15) == OFFENDER
    assert book.owner_of("dedicated-1", 20) is None
    assert book.owner_of("dedicated-2", 20) == OFFENDER
    assert book.objection_to(cut_over(21, OTHER, "dedicated-1"), GROUPS) is None


def test_steps_of_one_time_count_in_the_order_in_which_they_were_added_also_before_later_ones() -> None:
    later, first, second = (
        cut_over(20, OTHER, None),
        cut_over(10, OFFENDER, "dedicated-1"),
        cut_over(10, OFFENDER, None),
    )
    assert StandingBook(CARRIERS, [later, first, second]).group_of(OFFENDER, 15) is None
    own_later = cut_over(20, OFFENDER, "dedicated-2")
    book = StandingBook(CARRIERS, [own_later, first, second])
    assert (book.group_of(OFFENDER, 15), book.group_of(OFFENDER, 20)) == (None, "dedicated-2")
    assert book.trail(OFFENDER) == (first, second, own_later)


def test_the_next_step_after_a_time_is_known() -> None:
    book = StandingBook(CARRIERS, [cut_over(30, OFFENDER, None), cut_over(10, OFFENDER, "dedicated-1")])
    book.add(cut_over(20, OTHER, "dedicated-2"))
    assert [book.next_after(at_us) for at_us in (0, 9, 10, 19, 20, 29, 30)] == [10, 10, 20, 20, 30, 30, None]
    assert StandingBook(CARRIERS).next_after(0) is None


def test_who_was_never_cut_over_is_on_no_group_and_a_group_never_given_is_nobodys() -> None:
    book = StandingBook(CARRIERS, [cut_over(10, OFFENDER, "dedicated-1")])
    assert book.group_of(OTHER, 50) is None
    assert book.owner_of("dedicated-2", 50) is None
    assert StandingBook(CARRIERS).trail() == ()


@pytest.mark.parametrize(
    ("taken", "asked", "objection"),
    [
        ([], cut_over(10, OFFENDER, "dedicated-1"), None),
        ([], cut_over(10, Ocn("0000"), "dedicated-1"), "0000 is not a provider of this configuration"),
        ([], cut_over(10, PARTNER, "dedicated-1"), "7001 is not a provider of this configuration"),
        ([], cut_over(10, HOST, None), "9740 is not a provider of this configuration"),
        ([], cut_over(10, OFFENDER, None), "no step of 901A is in force: there is nothing to undo"),
        ([cut_over(5, OFFENDER, "dedicated-1")], cut_over(10, OFFENDER, None), None),
        (
            [cut_over(5, OFFENDER, "dedicated-1"), cut_over(6, OFFENDER, None)],
            cut_over(10, OFFENDER, None),
            "no step of 901A is in force: there is nothing to undo",
        ),
        (
            [cut_over(5, OFFENDER, "dedicated-1")],
            cut_over(10, OFFENDER, "dedicated-1"),
            "901A is already cut over to dedicated-1",
        ),
        ([cut_over(5, OFFENDER, "dedicated-1")], cut_over(10, OFFENDER, "dedicated-2"), None),
        (
            [],
            cut_over(10, OFFENDER, "no-such"),
            "no-such is not a dedicated trunk group; there are: dedicated-1, dedicated-2",
        ),
        (
            [],
            cut_over(10, OFFENDER, "shared"),
            "shared is not a dedicated trunk group; there are: dedicated-1, dedicated-2",
        ),
        (
            [],
            cut_over(10, OFFENDER, "host"),
            "host is not a dedicated trunk group; there are: dedicated-1, dedicated-2",
        ),
        ([], cut_over(10, STRANGER, "shared"), "shared is not a dedicated trunk group; there are: foreign"),
        ([], cut_over(10, OFFENDER, "foreign"), "foreign belongs to 7002, and 901A comes over 7001"),
        (
            [cut_over(5, OTHER, "dedicated-1")],
            cut_over(10, OFFENDER, "dedicated-1"),
            "dedicated-1 is kept for 902B: nobody else may use it (L8)",
        ),
        ([cut_over(5, OTHER, "dedicated-1"), cut_over(6, OTHER, None)], cut_over(10, OFFENDER, "dedicated-1"), None),
    ],
)
def test_a_step_is_taken_or_it_is_said_what_stands_against_it(
    taken: list[Step], asked: Step, objection: str | None
) -> None:
    said = StandingBook(CARRIERS, taken).objection_to(asked, GROUPS)
    if objection is None:
        assert said is None
    else:
        assert said is not None
        assert said.startswith(objection)


def test_where_there_is_no_dedicated_group_at_all_it_says_so() -> None:
    said = StandingBook(CARRIERS).objection_to(cut_over(1, OFFENDER, "shared"), {"shared": GROUPS["shared"]})
    assert said == "shared is not a dedicated trunk group; there are: none"


def test_an_objection_changes_nothing() -> None:
    book = StandingBook(CARRIERS, [cut_over(5, OTHER, "dedicated-1")])
    book.objection_to(cut_over(10, OFFENDER, "dedicated-1"), GROUPS)
    book.objection_to(cut_over(10, OFFENDER, "dedicated-2"), GROUPS)
    assert book.trail() == (cut_over(5, OTHER, "dedicated-1"),)
    assert book.group_of(OFFENDER, 10) is None


_OCNS = [Ocn(f"9{number:02d}A") for number in range(20)]
_NAMES = ["dedicated-1", "dedicated-2", None]
TRAILS = st.lists(
    st.builds(cut_over, st.integers(0, 40), st.sampled_from(_OCNS[:4]), st.sampled_from(_NAMES)),
    max_size=12,
    unique_by=lambda one: (one.ocn, one.at_us),
)
TIMES = range(-1, 42)


def naive_group_of(steps: Sequence[Step], ocn: Ocn, at_us: int) -> str | None:
    """What is left of the cut-overs so far when each step back has taken the last one away."""
    groups: list[str | None] = [None]
    for one in sorted(steps, key=lambda one: one.at_us):
        if one.ocn == ocn and one.at_us <= at_us:
            if one.trunk_group is not None:
                groups.append(one.trunk_group)
            elif len(groups) > 1:
                groups.pop()
    return groups[-1]


@settings(max_examples=50)
@given(TRAILS, st.randoms(use_true_random=False))
def test_a_book_answers_the_same_in_whatever_order_its_steps_were_added(trail: list[Step], random: Random) -> None:
    shuffled = list(trail)
    random.shuffle(shuffled)
    book, other = StandingBook(CARRIERS, trail), StandingBook(CARRIERS, shuffled)
    assert [one.at_us for one in book.trail()] == sorted(one.at_us for one in trail)
    for at_us in TIMES:
        for ocn in _OCNS[:4]:
            assert book.group_of(ocn, at_us) == other.group_of(ocn, at_us) == naive_group_of(trail, ocn, at_us)
        for name in ("dedicated-1", "dedicated-2"):
            assert book.owner_of(name, at_us) == other.owner_of(name, at_us)


@settings(max_examples=50)
@given(TRAILS)
def test_the_owner_of_a_group_is_on_it_and_who_is_on_a_group_finds_it_owned(trail: list[Step]) -> None:
    book = StandingBook(CARRIERS, trail)
    for at_us in TIMES:
        for name in ("dedicated-1", "dedicated-2"):
            owner = book.owner_of(name, at_us)
            on_it = {ocn for ocn in _OCNS[:4] if book.group_of(ocn, at_us) == name}
            assert owner in on_it if on_it else owner is None


@settings(max_examples=50)
@given(TRAILS)
def test_steps_that_meet_no_objection_never_give_one_group_to_two_providers(trail: list[Step]) -> None:
    book = StandingBook(CarrierBook(Carrier(ocn, "", CarrierKind.PROVIDER, PARTNER) for ocn in _OCNS[:4]))
    for one in sorted(trail, key=lambda one: one.at_us):
        if book.objection_to(one, GROUPS) is None:
            book.add(one)
    for at_us in TIMES:
        held = [group for ocn in _OCNS[:4] if (group := book.group_of(ocn, at_us)) is not None]
        assert len(held) == len(set(held))


def test_of_two_providers_on_one_group_the_one_that_was_there_first_owns_it() -> None:
    """No operator's step leads there, but a journal that was put together from two may."""
    steps = [cut_over(10 + place, ocn, "dedicated-1") for place, ocn in enumerate(reversed(_OCNS))]
    assert StandingBook(CARRIERS, steps).owner_of("dedicated-1", 100) == _OCNS[-1]
    assert StandingBook(CARRIERS, reversed(steps)).owner_of("dedicated-1", 100) == _OCNS[-1]
    at_once = [cut_over(10, ocn, "dedicated-1") for ocn in _OCNS]
    assert StandingBook(CARRIERS, at_once).owner_of("dedicated-1", 10) == _OCNS[0]
