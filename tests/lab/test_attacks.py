"""The attacks of the lab: a few of them against a real gateway, and what is said of them."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sim.attacks.attack import Attack, Found, Holds
from sim.attacks.attack_table import attack_documents, attack_lines, attack_table
from sim.attacks.attacker import AssaultReport
from sim.attacks.beside import play_beside
from sim.attacks.bystanders import Share
from sim.attacks.catalogue import ATTACKS
from sim.attacks.defence import defence
from sim.attacks.messages import Kind
from sim.attacks.play import AttackResult, play, play_all
from sim.attacks.witness import AlertSeen, RecommendationSeen
from sim.audited import audited
from sim.call_plan import CallOutcome
from sim.laboratory import opened
from sim.observation import differences
from sim.packets import write_capture

BY_SLUG = {attack.slug: attack for attack in ATTACKS}
FLOOD = BY_SLUG["invite-flood-honest-numbers"]
ALERT = AlertSeen("invite_flood", "provider XV02", "XV02", "many", {"calls_per_s": 89.0, "threshold": 20.0}, None)


class Unwatched:
    def started(self, name: str) -> None: ...

    def done(self, name: str, got: str, why: Sequence[str]) -> None: ...


def result(attack: Attack = FLOOD, **changes: object) -> AttackResult:
    share = Share(tried=8, answered=8, slowest_s=0.0214)
    whole = AttackResult(
        attack,
        AssaultReport(sent=340, statuses=Counter({200: 64, 480: 226}), sending_s=2.26),
        innocent=share,
        emergency=Share(tried=4, answered=4, slowest_s=0.01),
        alerts=(ALERT,),
        recommended=(RecommendationSeen("throttle", "XV02"),),
        held=Counter({Holds.OCN: 180, Holds.GATE: 96}),
        why=(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_the_catalogue_has_every_kind_of_message_and_each_attack_a_name_of_its_own() -> None:
    assert {attack.kind for attack in ATTACKS} == set(Kind)
    assert len(BY_SLUG) == len(ATTACKS) >= 12
    assert all(slug.replace("-", "").isalnum() for slug in BY_SLUG)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.slug)
def test_an_attack_says_what_must_come_of_it(attack: Attack) -> None:
    assert attack.held_by
    assert attack.found or attack.held_by != (Holds.NOTHING,)


def test_every_detector_is_tried() -> None:
    found = {found.detector for attack in ATTACKS for found in attack.found}
    assert found == {
        *("invite_flood", "register_flood", "options_flood", "malformed_datagrams", "stray_messages"),
        *("short_calls", "asr_acd", "calling_share", "sequential_calling", "sequential_called"),
        *("calls_in_progress", "emergency_flood", "stranger_flood", "retransmission_storm"),
    }


# -- against a gateway ------------------------------------------------------------------------------------------------


async def test_attacks_come_out_as_expected_and_nobody_else_feels_them(tmp_path: Path) -> None:
    slugs = ("invite-flood-honest-numbers", "flood-of-emergency-calls", "calling-numbers-in-sequence")
    results = await play_all([BY_SLUG[slug] for slug in slugs], tmp_path, Unwatched())
    assert [(one.attack.slug, one.why) for one in results] == [(slug, ()) for slug in slugs]
    assert all(one.innocent.tried and one.emergency.tried for one in results)


async def test_an_attack_decides_again_from_its_capture(tmp_path: Path) -> None:
    async with opened(tmp_path, operations_port=0, defence=defence(("throttle",))) as lab:
        played = await play(BY_SLUG["invite-flood-honest-numbers-throttled-automatically"], lab)
        assert played.why == ()
        write_capture(tmp_path / "attack.pcap", lab.packets())
        assert differences(lab.live.by_call_id, audited(tmp_path / "attack.pcap", lab.configuration).decisions) == []


async def test_what_does_not_come_is_told(tmp_path: Path) -> None:
    wrong = replace(
        BY_SLUG["flood-of-responses-to-nothing"],
        messages=20,
        per_s=200.0,
        found=(Found("invite_flood", "provider XV02", "throttle"),),
        held_by=(Holds.PARTNER,),
    )
    (played,) = await play_all([wrong], tmp_path, Unwatched())
    assert not played.agrees
    assert "invite_flood was not raised of provider XV02, and throttle recommended" in played.why
    assert "nothing was held by: partner limit" in played.why


class Noting:
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def started(self, name: str) -> None:
        self.told.append(("started", name))

    def done(self, name: str, got: str, why: Sequence[str]) -> None:  # noqa: ARG002
        self.told.append((got, name))


async def test_attacks_in_a_process_of_their_own_come_out_the_same_and_are_told_of(tmp_path: Path) -> None:
    attack, watcher = BY_SLUG["flood-of-responses-to-nothing"], Noting()
    (played,) = await play_beside([attack], tmp_path / "attacks", tmp_path / "attacks.log", watcher)
    assert (played.attack, played.why) == (attack, ())
    assert watcher.told == [("started", attack.title), ("stray_messages", attack.title)]
    assert "stray_messages" in (tmp_path / "attacks.log").read_text()


async def test_attacks_that_cannot_be_played_are_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="attacks could not be played: NotADirectoryError"):
        await play_beside([FLOOD], tmp_path / "file", tmp_path / "attacks.log", Unwatched())


async def test_the_process_of_the_attacks_ends_with_who_waits_for_it(tmp_path: Path) -> None:
    under_way = asyncio.Event()

    class Waiting(Unwatched):
        def started(self, name: str) -> None:  # noqa: ARG002
            under_way.set()

    playing = asyncio.create_task(play_beside([FLOOD], tmp_path, tmp_path / "attacks.log", Waiting()))
    await under_way.wait()
    assert len(multiprocessing.active_children()) == 1
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert multiprocessing.active_children() == []


# -- what is said of them ---------------------------------------------------------------------------------------------


def test_an_attack_is_a_block_of_labelled_lines() -> None:
    lines = [line.text for line in attack_table([result()], 120)]
    assert lines[0].strip() == "attack"
    assert lines[-4:] == [
        "ok       INVITE flood, honest numbers",
        "         sent      340 (calls) in 2.3 s; held by: OCN limit 180, gate 96",
        "         found     invite_flood of provider XV02: calls_per_s 89, threshold 20; recommends: throttle",
        "         innocent  8 of 8 answered, slowest set-up 21 ms; 911: 4 of 4 answered",
    ]


@pytest.mark.parametrize(("columns", "most"), [(60, 60), (80, 80), (120, 120), (300, 120), (None, 120)])
def test_no_line_is_wider_than_the_terminal_or_120_columns(columns: int | None, most: int) -> None:
    results = [result(attack, why=("a reason " * 20,)) for attack in ATTACKS]
    lines = attack_table(results, columns)
    assert max(len(line.text) for line in lines) <= most
    text = " ".join(line.text for line in lines)
    assert all(word in text for attack in ATTACKS for word in attack.title.split())


def test_the_progress_names_the_detector_of_the_table() -> None:
    other = ALERT._replace(detector="short_calls")
    assert result(alerts=(other, ALERT)).got == "invite_flood"
    assert (result(alerts=(other,)).got, result(alerts=()).got) == ("short_calls", "nothing found")


def test_what_differs_is_marked_and_said_right_below() -> None:
    differing = result(alerts=(), why=("invite_flood was not raised of provider XV02",))
    lines = [line for line in attack_table([result(), differing], None) if line.differs]
    assert [line.text for line in lines] == [
        "DIFFERS  INVITE flood, honest numbers",
        "         sent      340 (calls) in 2.3 s; held by: OCN limit 180, gate 96",
        "         found     invite_flood of provider XV02 expected, not raised",
        "         innocent  8 of 8 answered, slowest set-up 21 ms; 911: 4 of 4 answered",
        "         why       invite_flood was not raised of provider XV02",
    ]
    assert list(attack_lines([result(), differing])) == [
        "1 of 2 attacks came out as expected",
        "in their midst 24 of 24 innocent and emergency calls were answered",
    ]


def test_the_document_has_what_was_expected_beside_what_was_seen() -> None:
    (entry,) = attack_documents([result()])
    assert entry["expected"] == [{"detector": "invite_flood", "subject": "provider XV02", "step": "throttle"}]
    assert entry["detections"][0]["figures"] == {"calls_per_s": 89.0, "threshold": 20.0}
    assert entry["recommended"] == [{"step": "throttle", "ocn": "XV02"}]
    assert entry["held_by"] == {"OCN limit": 180, "gate": 96}
    assert entry["innocent"] == {"tried": 8, "answered": 8, "slowest_ms": 21.4}
    assert entry["agrees"] is True


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (CallOutcome("one", 480), ["pawpaw: one got 480"]),
        (CallOutcome("one", None), ["pawpaw: one got no answer"]),
        (CallOutcome("one", 200, answered=True, bye_status=None), ["pawpaw: one got 200, and its BYE None"]),
        (CallOutcome("one", 200, answered=True, bye_status=200, final_s=0.5), []),
    ],
)
def test_a_call_in_the_midst_must_be_answered_and_ended(outcome: CallOutcome, said: list[str]) -> None:
    share = Share()
    share.add("pawpaw", outcome)
    assert (share.failures, share.whole) == (said, not said)
