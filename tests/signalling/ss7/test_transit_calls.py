"""Calls from one exchange through ours to another: every message of a call, and what the books say of it."""

from __future__ import annotations

from gateway.codecs.ss7.isup import MessageType as M
from gateway.signalling.call import Decided, Ended, EndedBy, Progressed
from tests.signalling.ss7.exchange_playbook import (
    REFUSED_NUMBER,
    A,
    B,
    Stage,
    iam,
    message,
)


def test_a_call_goes_through_from_iam_to_rlc() -> None:
    stage = Stage()
    stage.hears(A, iam(1))
    # B has the lower point code: ours is the higher, and has the even circuits.
    onward = stage.says(B, M.IAM, 2)
    assert onward.hop_counter == 19
    call = stage.tells(Decided)
    assert call.egress_member is not None
    stage.hears(B, message(M.ACM, 2), after_s=1)
    stage.says(A, M.ACM, 1)
    assert stage.tells(Progressed) is call
    stage.hears(B, message(M.CPG, 2))
    stage.says(A, M.CPG, 1)
    stage.hears(B, message(M.ANM, 2), after_s=3)
    stage.says(A, M.ANM, 1)
    assert call.answered_at_us == stage.now_us
    stage.hears(A, message(M.REL, 1), after_s=60)
    stage.says(A, M.RLC, 1)
    stage.releases(B, 2, 16)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status, call.ended_at_us) == (EndedBy.CALLER, 200, stage.now_us)
    stage.hears(B, message(M.RLC, 2))
    stage.says_no_more()
    stage.tells_no_more()
    assert stage.settled()


def test_a_refused_call_is_released_with_the_reasons_cause() -> None:
    stage = Stage()
    stage.hears(A, iam(1, REFUSED_NUMBER))
    call = stage.tells(Decided)
    stage.releases(A, 1, 1)
    assert stage.tells(Ended) is call
    assert (call.ended_by, call.final_status) == (EndedBy.REFUSAL, 604)
    stage.hears(A, message(M.RLC, 1))
    stage.says_no_more()
    assert stage.settled()
