"""The outbox: what the journal's notices and deliveries say is still to be done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Step, StepKind
from gateway.interconnection.notices import DeliveryState, Notice, NoticeKind
from gateway.records.journal import OperatorJournal
from gateway.records.outbox import (
    FIRST_PAUSE_US,
    LONGEST_PAUSE_US,
    MOST_ATTEMPTS,
    MOST_FAILED,
    Outbox,
    pause_us,
)

AT_US = 1_900_000_000_000_000
PENDING, DELIVERED, FAILED = DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.FAILED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[OperatorJournal]:
    opened = OperatorJournal(path)
    yield opened
    opened.close()


def take_step(journal: OperatorJournal, *channels: str) -> str:
    """A step that is told of by these channels; the id of the notice."""
    step = Step(AT_US, Ocn("XV01"), StepKind.THROTTLE, "operator", "flood")
    number = journal.append_step(
        step,
        notices=lambda entry: [
            Notice(
                *(f"notice-{entry.sequence}", AT_US, NoticeKind.THROTTLED, "Host", "Partner", "Throttled", "Text"),
                *("L8", Ocn("XV01"), entry.sequence, channels),
            )
        ],
    ).sequence
    return f"notice-{number}"


def due(outbox: Outbox, channel: str, at_us: int = AT_US) -> list[str]:
    return [delivery.notice.id for delivery in outbox.due(channel, at_us)]


def test_a_notice_is_due_on_each_of_its_channels_until_it_is_delivered_there(journal: OperatorJournal) -> None:
    outbox = Outbox(journal)
    first, second = take_step(journal, "folder", "webhook"), take_step(journal, "folder")
    assert (due(outbox, "folder"), due(outbox, "webhook")) == ([first, second], [first])
    outbox.delivered(outbox.due("folder", AT_US)[0], AT_US)
    assert (due(outbox, "folder"), due(outbox, "webhook")) == ([second], [first])
    assert outbox.counts() == {("folder", PENDING): 1, ("webhook", PENDING): 1, ("folder", DELIVERED): 1}


def test_what_was_delivered_is_not_due_after_a_restart_and_what_was_not_is(journal: OperatorJournal) -> None:
    outbox = Outbox(journal)
    take_step(journal, "folder")
    second = take_step(journal, "folder")
    outbox.delivered(outbox.due("folder", AT_US)[0], AT_US)
    outbox.not_delivered(outbox.due("folder", AT_US)[0], AT_US, "no space")
    assert due(outbox, "folder") == []
    again = Outbox(journal)
    assert due(again, "folder") == [second]
    assert again.counts() == outbox.counts()


def test_a_delivery_that_failed_is_due_again_after_a_pause(journal: OperatorJournal) -> None:
    outbox = Outbox(journal)
    notice = take_step(journal, "webhook")
    assert outbox.next_at_us("webhook") is None  # nobody has looked yet
    (delivery,) = outbox.due("webhook", AT_US)
    assert outbox.not_delivered(delivery, AT_US, "503 Busy") is PENDING
    assert outbox.next_at_us("webhook") == AT_US + FIRST_PAUSE_US
    assert due(outbox, "webhook", AT_US + FIRST_PAUSE_US - 1) == []
    (delivery,) = outbox.due("webhook", AT_US + FIRST_PAUSE_US)
    assert (delivery.notice.id, delivery.state, delivery.attempts, delivery.reason) == (notice, PENDING, 1, "503 Busy")
    assert outbox.deliveries() == (delivery,)


def test_a_delivery_is_given_up_after_so_many_attempts_and_stays_given_up(journal: OperatorJournal) -> None:
    outbox = Outbox(journal)
    take_step(journal, "webhook")
    at_us = AT_US
    for attempt in range(1, MOST_ATTEMPTS + 1):
        (delivery,) = outbox.due("webhook", at_us)
        state = outbox.not_delivered(delivery, at_us, f"refused {attempt}")
        assert state is (FAILED if attempt == MOST_ATTEMPTS else PENDING)
        at_us += pause_us(attempt)
    assert due(outbox, "webhook", 2**62) == []
    for one in (outbox, Outbox(journal)):
        assert one.counts() == {("webhook", FAILED): 1}
        (given_up,) = one.deliveries()
        assert (given_up.state, given_up.reason) == (FAILED, f"refused {MOST_ATTEMPTS}")
    assert at_us - AT_US > 24 * 3_600_000_000


@pytest.mark.parametrize(
    ("attempts", "pause"),
    [
        (1, FIRST_PAUSE_US),
        (2, 2 * FIRST_PAUSE_US),
        (10, 512 * FIRST_PAUSE_US),
        (11, LONGEST_PAUSE_US),
        (99, LONGEST_PAUSE_US),
    ],
)
def test_the_pause_doubles_up_to_an_hour(attempts: int, pause: int) -> None:
    assert pause_us(attempts) == pause


def test_the_list_of_what_was_given_up_is_bounded(journal: OperatorJournal) -> None:
    outbox = Outbox(journal)
    for _ in range(MOST_FAILED + 3):
        take_step(journal, "webhook")
    for _ in range(MOST_ATTEMPTS):
        for delivery in outbox.due("webhook", 2**62, 1_000):
            outbox.not_delivered(delivery, AT_US, "refused")
    assert len(outbox.deliveries()) == MOST_FAILED
    assert outbox.counts()["webhook", FAILED] == MOST_FAILED + 3


ACTS = st.lists(
    st.tuples(st.sampled_from(["step", "deliver", "fail", "restart"]), st.sampled_from(["folder", "webhook"])),
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(acts=ACTS)
def test_whatever_happens_each_notice_is_pending_or_delivered_on_each_channel(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("outbox") / "journal.db"
    journal = OperatorJournal(path)
    outbox = Outbox(journal)
    made: set[tuple[str, str]] = set()
    done: set[tuple[str, str]] = set()
    for act, channel in acts:
        if act == "step":
            notice = take_step(journal, "folder", "webhook")
            made |= {(notice, "folder"), (notice, "webhook")}
        elif act == "restart":
            journal.close()
            journal = OperatorJournal(path)
            outbox = Outbox(journal)
        elif found := outbox.due(channel, 2**62):
            if act == "deliver":
                outbox.delivered(found[0], AT_US)
                done.add((found[0].notice.id, channel))
            else:
                outbox.not_delivered(found[0], AT_US, "refused")
        assert {(each.notice.id, each.channel) for each in outbox.deliveries(1_000)} == made - done
    journal.close()
