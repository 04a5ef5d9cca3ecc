"""What an operator reads in the log of links and circuits: enough, at once, and not a line for each circuit."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.links import LinkRole
from gateway.interconnection.trunk_groups import Side
from gateway.signalling.call import Action, Ss7Changed
from gateway.signalling.ss7.held_back import MOST_KINDS, QUIET_US, HeldBack
from gateway.signalling.ss7.m3ua_links import M3uaLinks
from gateway.signalling.ss7.supervision import named
from tests.signalling.ss7.exchange_playbook import HOST, SECOND_US, T0, A, B, Stage, group, message
from tests.signalling.ss7.m3ua_ends import link

MANY = group("TG-PARTNER", Side.PARTNER, A, cics=((1, 20),))


def warnings(actions: list[Action]) -> list[str]:
    return [f"{one.subject}: {one.what}" for one in actions if isinstance(one, Ss7Changed) and not one.good]


def test_the_first_reset_that_is_not_answered_is_told_at_once() -> None:
    stage = Stage((MANY, HOST), up=False)
    stage.is_told("resumed", A)
    stage.waits(16)
    assert warnings(list(stage.told)) == ["trunk group TG-PARTNER: GRS of circuits 1-20 not answered by GRA"]
    stage.waits(60)
    assert len(warnings(list(stage.told))) == 1


def test_circuits_whose_blocking_is_not_answered_are_told_of_in_one_line() -> None:
    stage = Stage((MANY, HOST))
    for cic in range(1, 20, 2):
        stage.circuit("TG-PARTNER", cic).locally_blocked = True
        stage.hears(A, message(M.UBA, cic), after_s=1)
    stage.waits(400)
    (said, *again) = warnings(list(stage.told))
    assert said.startswith("trunk group TG-PARTNER: BLO of circuits 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 not answered")
    assert len(again) <= 1


@pytest.mark.parametrize(
    ("cics", "words"),
    [
        ([4], "circuit 4"),
        ([1, 2, 3], "circuits 1-3"),
        ([5, 1, 2], "circuits 1-2, 5"),
        (range(1, 80, 2), "circuits 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31 and others"),
    ],
)
def test_circuits_are_named_by_ranges(cics: list[int], words: str) -> None:
    assert named(cics) == words


def of(opc: int) -> Mtp3Transfer:
    return Mtp3Transfer(opc, B, 5, 2, 0, 0, b"\x01\x00\x0c")


def held_back(log: HeldBack, opc: int, why: str, at_us: int) -> list[str]:
    actions: list[Action] = []
    log.tell(of(opc), ("3-0-0", "1-0-0"), "rb", why, at_us, actions)
    return warnings(actions)


def test_a_message_that_is_held_back_is_told_once_for_each_peer_and_reason_and_again_after_a_while() -> None:
    log = HeldBack()
    (said,) = held_back(log, A, "screened", T0)
    assert said.startswith("link rb: a message from 3-0-0 to 1-0-0 was held back: screened")
    assert not held_back(log, A, "screened", T0 + SECOND_US)
    assert held_back(log, A, "not ISUP", T0 + SECOND_US)
    assert held_back(log, B, "screened", T0 + SECOND_US)
    assert held_back(log, A, "screened", T0 + QUIET_US)


def test_who_makes_up_point_codes_does_not_fill_the_log() -> None:
    log = HeldBack()
    said = [held_back(log, opc, "screened", T0) for opc in range(2 * MOST_KINDS)]
    assert sum(map(len, said)) == MOST_KINDS
    assert held_back(log, 0xABCDEF, "screened", T0 + QUIET_US)


def test_a_process_that_comes_up_is_not_warned_of() -> None:
    links = M3uaLinks([link("rb", LinkRole.SERVER)])
    actions: list[Action] = []
    links.up("rb#1", T0, actions)
    for kind in (b"\x03\x01", b"\x04\x01"):  # ASP up, ASP active
        links.receive("rb#1", 0, b"\x01\x00" + kind + b"\x00\x00\x00\x08", T0, actions)
    told = [one.what for one in actions if isinstance(one, Ss7Changed)]
    assert told[:2] == ["application server inactive", "application server active"]
    assert warnings(actions) == []
    links.down("rb#1", T0, actions)
    assert warnings(actions) == ["link rb: application server pending"]
