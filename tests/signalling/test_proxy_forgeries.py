"""What one peer knows of its own calls gives it nothing over the calls of others, and nobody fills the tables."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    GROUPS,
    STRANGER,
    Datagram,
    Playbook,
    answered,
    decided,
    ended,
    header,
    in_dialog,
    progressed,
    reply,
    request,
    ringing,
    sends,
    started,
)
from playbook import settings_with as settings

from gateway.codecs.sip import headers, parse_via
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy
from gateway.signalling.dialogs import MAX_CALLEE_TAGS

VIA_OF_THE_CALLER = b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1"


def test_a_stranger_who_guesses_a_branch_does_not_cancel_the_call() -> None:
    with Playbook() as play:
        ringing(play)
        play >> request("CANCEL", via=VIA_OF_THE_CALLER, source=STRANGER) << sends("481", STRANGER)


def test_a_stranger_who_guesses_a_branch_does_not_forestall_the_call() -> None:
    with Playbook() as play:
        play >> request(via=VIA_OF_THE_CALLER, call_id="s", source=STRANGER) << decided(Outcome.REFUSE)
        play << sends("403", STRANGER) << ended(EndedBy.REFUSAL, 403)
        play >> request(via=VIA_OF_THE_CALLER) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


def test_a_stranger_cancels_nothing_of_its_own_either_but_is_answered() -> None:
    with Playbook() as play:
        play >> request(source=STRANGER) << decided(Outcome.REFUSE)
        play << sends("403", STRANGER) << ended(EndedBy.REFUSAL, 403)
        play >> request("CANCEL", source=STRANGER) << sends("200", STRANGER)
        play >> request("ACK", source=STRANGER)


def test_from_one_branch_the_next_cannot_be_told() -> None:
    with Playbook() as play:
        branches = []
        for number in range(2):
            play >> request(branch=str(number), call_id=str(number)) << decided() << sends("100", CALLER)
            play << sends("INVITE", CALLEE)
            branches.append(parse_via(header(play.sent, headers.VIA)).branch)
        (first, one), (second, other) = (branch.split(b".") for branch in branches)
        assert (first, second) == (b"z9hG4bKtg1", b"z9hG4bKtg2")
        assert len(one) == len(other) == 16
        assert one != other


def test_requests_in_a_dialog_do_not_grow_the_table_of_transactions_without_bound() -> None:
    with Playbook(settings(max_transactions=8)) as play:
        answered(play)
        for number in range(3):
            play >> in_dialog("INFO", branch=f"i{number}", cseq=2 + number) << sends("INFO", CALLEE)
        assert play.proxy.transactions == 8
        play >> in_dialog("INFO", branch="i3", cseq=5) << sends("503", CALLER)
        assert play.proxy.transactions == 8
        play >> in_dialog("BYE", branch="b", cseq=6) << sends("BYE", CALLEE)
        play >> in_dialog("BYE", branch="c", cseq=7) << sends("503", CALLER)


def test_an_emergency_call_goes_on_where_the_table_of_transactions_is_full() -> None:
    with Playbook(settings(max_transactions=2)) as play:
        play >> request(uri="sip:911@192.0.2.20") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
        play >> in_dialog("INFO") << sends("INFO", CALLEE)


@pytest.mark.parametrize("tags", [MAX_CALLEE_TAGS, MAX_CALLEE_TAGS + 5])
def test_of_however_many_telephones_ring_the_one_that_answers_can_be_talked_to(tags: int) -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 180, "ring0") << progressed() << sends("180", CALLER)
        for number in range(1, tags):
            play >> reply(invite, 180, f"ring{number}") << sends("180", CALLER)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)


def test_a_stranger_with_a_forged_dialog_takes_no_transaction() -> None:
    with Playbook() as play:
        answered(play)
        before = play.proxy.transactions
        play >> Datagram(in_dialog("INFO").data, STRANGER) << sends("481", Hop(STRANGER.host, CALLER.port))
        assert play.proxy.transactions == before


def test_a_bye_that_leads_back_to_its_sender_reaches_the_other_side() -> None:
    back = f"sip:+16365550199@{CALLER.host}:{CALLER.port}"
    with Playbook() as play:
        answered(play)
        play >> request("BYE", branch="2", cseq="2 BYE", to=CALLEE_TAGGED, uri=back)
        play << sends("BYE", CALLEE)


def test_a_called_side_that_answers_with_the_callers_own_tag_cannot_keep_the_call_up() -> None:
    """Tags are said to be unique (RFC 3261 section 19.3), and a hostile telephone chooses what it likes."""
    same = "<sip:+16365550199@192.0.2.20>;tag=a"
    with Playbook() as play:
        play >> reply(started(play), 200, "a") << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1, to=same) << sends("ACK", CALLEE)
        play >> in_dialog("BYE", to=same) << sends("BYE", CALLEE)
        play >> reply(play.sent, 200, "a") << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)


def test_an_answer_without_a_tag_is_dropped_for_no_bye_could_end_its_call() -> None:
    """RFC 3261 section 8.2.6.2: the call is given up like one that nobody answers."""
    with Playbook() as play:
        invite = ringing(play)
        answer = reply(invite, 200)
        play >> answer._replace(data=answer.data.replace(b";tag=b", b"", 1))
        assert play.proxy.counters.malformed["the To of an answer has no tag"] == 1
        assert [told for told in play.until(300) if told[1] in ("CANCEL", "Ended")][-1][1] == "Ended"
        assert play.ledger.in_progress == 0


@pytest.mark.parametrize("where", ["192.0.2.20:9", "192.0.2.20:5062", "192.0.2.20:9;transport=udp", "192.0.2.30:9"])
def test_a_bye_to_a_port_that_nobody_gave_reaches_the_other_side(where: str) -> None:
    """Sent to where nobody answers, it would end the call in the books while it goes on."""
    with Playbook() as play:
        answered(play, b"Contact: <sip:+16365550199@192.0.2.30:5064>")
        play >> in_dialog("BYE", uri=f"sip:+16365550199@{where}") << sends("BYE", CALLEE)


def test_a_port_that_the_called_side_gave_is_where_its_requests_go() -> None:
    with Playbook() as play:
        answered(play, b"Contact: <sip:+16365550199@192.0.2.20:5064>")
        play >> in_dialog("BYE", uri="sip:+16365550199@192.0.2.20:5064") << sends("BYE", Hop("192.0.2.20", 5064))


@pytest.mark.parametrize("method", ["CANCEL", "INVITE"])
def test_a_member_of_another_trunk_group_that_guesses_a_branch_neither_cancels_nor_forestalls(method: str) -> None:
    other = Hop("192.0.2.11", 5060)
    neighbour = TrunkGroup("TG-OTHER", Side.PARTNER, Ocn("7002"), "CLMAMOXADS0", (Member(other),))
    with Playbook(groups=(*GROUPS, neighbour)) as play:
        if method == "CANCEL":
            ringing(play)
            play >> request("CANCEL", via=VIA_OF_THE_CALLER, source=other) << sends("481", other)
        else:
            play >> request(via=VIA_OF_THE_CALLER, call_id="s", source=other) << decided() << sends("100", other)
            play << sends("INVITE", CALLEE)
            play >> request(via=VIA_OF_THE_CALLER) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


@pytest.mark.parametrize("method", ["BYE", "INFO", "INVITE"])
def test_a_switch_of_a_carrier_that_has_no_part_in_a_call_says_nothing_in_it(method: str) -> None:
    other = Hop("192.0.2.11", 5060)
    neighbour = TrunkGroup("TG-OTHER", Side.PARTNER, Ocn("7002"), "CLMAMOXADS0", (Member(other),))
    with Playbook(groups=(*GROUPS, neighbour)) as play:
        answered(play)
        play >> Datagram(in_dialog(method).data, other) << sends("481", Hop(other.host, CALLER.port))
        play >> in_dialog(method) << (sends("100", CALLER) if method == "INVITE" else sends(method, CALLEE))
        if method == "INVITE":
            play << sends("INVITE", CALLEE)
