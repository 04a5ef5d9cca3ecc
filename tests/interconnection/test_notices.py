"""What a partner is told of each step."""

from __future__ import annotations

import pytest

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import NORMAL, Scope, Standing, State, Step, StepKind
from gateway.interconnection.notices import Notice, NoticeKind, NoticeMaker, Taken

AT_US = 1_900_000_000_000_000  # 2030-03-17T17:46:40Z
HOST = Carrier(Ocn("XH01"), "Riverbend Telephone", CarrierKind.HOST)
PARTNER = Carrier(Ocn("XP01"), "Clearline", CarrierKind.PARTNER)
PROVIDER = Carrier(Ocn("XV01"), "Flood VoIP", CarrierKind.PROVIDER, partner=PARTNER.ocn)
BOOK = CarrierBook([HOST, PARTNER, PROVIDER])
MANAGER = "am@clearline.example"
HASH = "ab" * 32

THROTTLED = Standing(State.THROTTLED, AT_US)
DISCONTINUED = Standing(State.DISCONTINUED, AT_US, Scope.PROVIDER)
ALL_DISCONTINUED = Standing(State.DISCONTINUED, AT_US, Scope.PARTNER)
REMEDIATED = Standing(State.REMEDIATED, AT_US, Scope.PARTNER)
RESTORED = Standing(State.RESTORED, AT_US)
DEDICATED = Standing(State.DEDICATED, AT_US, trunk_group="dedicated-1")


def step(
    kind: StepKind, scope: Scope | None = None, trunk_group: str | None = None, drain_s: int | None = None
) -> Step:
    return Step(AT_US, PROVIDER.ocn, kind, "operator", "400 calls/s since 17:40", scope, trunk_group, drain_s)


def told_of(taken: Taken, managers: dict[Ocn, str] | None = None) -> Notice:
    maker = NoticeMaker(BOOK, {PARTNER.ocn: MANAGER} if managers is None else managers, ("folder", "webhook"))
    (notice,) = maker.notices_of(taken)
    return notice


STEPS = [
    (
        *(step(StepKind.THROTTLE), NORMAL, THROTTLED, NoticeKind.THROTTLED),
        *("Flood VoIP (XV01) throttled", "is held to its throttled limit"),
    ),
    (
        *(step(StepKind.RELEASE), THROTTLED, NORMAL, NoticeKind.RELEASED),
        *("Flood VoIP (XV01) no longer throttled", "is accepted as before"),
    ),
    (
        *(step(StepKind.DISCONTINUE, Scope.PROVIDER, drain_s=0), NORMAL, DISCONTINUED, NoticeKind.DISCONTINUED),
        *("Discontinuance for Flood VoIP (XV01)", "the traffic of Flood VoIP (XV01) is refused"),
    ),
    (
        *(step(StepKind.DISCONTINUE, Scope.PARTNER), DISCONTINUED, ALL_DISCONTINUED, NoticeKind.DISCONTINUED),
        *("Discontinuance for Flood VoIP (XV01)", "all traffic on the trunks of Clearline (XP01) is refused"),
    ),
    (
        *(step(StepKind.ATTEST), DISCONTINUED, DISCONTINUED, NoticeKind.ATTESTED),
        *("Attestation received for Flood VoIP (XV01)", "We have your statement"),
    ),
    (
        *(step(StepKind.CLEAR), ALL_DISCONTINUED, REMEDIATED, NoticeKind.REMEDIATED),
        *("Removal of Flood VoIP (XV01) observed", "is refused until traffic is restored"),
    ),
    (
        *(step(StepKind.RESTORE), REMEDIATED, RESTORED, NoticeKind.RESTORED),
        *("Traffic restored but for Flood VoIP (XV01)", "the rest of your traffic is accepted"),
    ),
    (
        *(step(StepKind.CUTOVER, trunk_group="dedicated-1", drain_s=30), RESTORED, DEDICATED, NoticeKind.DEDICATED),
        *("Flood VoIP (XV01) on trunk group dedicated-1", "on trunk group dedicated-1 only, and nobody else's there"),
    ),
    (
        *(step(StepKind.UNDO), DISCONTINUED, NORMAL, NoticeKind.UNDONE),
        *("Step about Flood VoIP (XV01) taken back", "is accepted as before"),
    ),
]


@pytest.mark.parametrize(("taken", "before", "after", "kind", "subject", "said"), STEPS)
def test_every_step_is_told_with_what_holds_now_and_why(
    taken: Step, before: Standing, after: Standing, kind: NoticeKind, subject: str, said: str
) -> None:
    notice = told_of(Taken(taken, 17, HASH, before, after, "20300317-XV01"))
    assert (notice.kind, notice.subject, notice.clause, notice.about) == (kind, subject, "L8", PROVIDER.ocn)
    assert said in notice.text
    assert f"Since 2030-03-17T17:46:40.000+00:00: Flood VoIP (XV01) is {after.state.value}" in notice.text
    assert f"Before: {before.state.value}." in notice.text
    for line in ("Reason: 400 calls/s since 17:40", "Evidence: 20300317-XV01", f"Journal: 17:{HASH}"):
        assert line in notice.text.splitlines()
    assert "emergency numbers pass in every state" in notice.text


def test_every_kind_of_step_is_among_them() -> None:
    assert {each[0].kind for each in STEPS} == set(StepKind)


def test_a_notice_goes_from_the_host_to_the_account_manager_of_the_partner() -> None:
    notice = told_of(Taken(step(StepKind.THROTTLE), 17, HASH, NORMAL, THROTTLED))
    assert (notice.sender, notice.recipient, notice.defect) == ("Riverbend Telephone (XH01)", MANAGER, None)
    assert (notice.id, notice.step, notice.at_us) == ("notice-17-abababababab", 17, AT_US)
    assert notice.channels == ("folder", "webhook")
    assert "Evidence" not in notice.text


def test_a_notice_without_an_account_manager_goes_to_the_partner_and_says_what_it_lacks() -> None:
    notice = told_of(Taken(step(StepKind.THROTTLE), 17, HASH, NORMAL, THROTTLED), managers={})
    assert notice.recipient == "Clearline (XP01)"
    assert notice.defect is not None
    assert "L1.3" in notice.defect


@pytest.mark.parametrize(
    ("drain_s", "said"),
    [(None, "left to end by themselves"), (0, "ended at once"), (30, "ended after 30 seconds")],
)
def test_a_notice_says_what_becomes_of_established_calls(drain_s: int | None, said: str) -> None:
    discontinued = step(StepKind.DISCONTINUE, Scope.PROVIDER, drain_s=drain_s)
    assert said in told_of(Taken(discontinued, 17, HASH, NORMAL, DISCONTINUED)).text


@pytest.mark.parametrize("ocn", ["XX99", "XP01"])
def test_who_has_no_partner_is_told_of_to_nobody(ocn: str) -> None:
    taken = Taken(Step(AT_US, Ocn(ocn), StepKind.UNDO, "operator", "why"), 1, HASH, NORMAL, NORMAL)
    assert NoticeMaker(BOOK, {}, ()).notices_of(taken) == ()
