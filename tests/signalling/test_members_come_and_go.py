"""The members of a trunk group change while calls run over them: a name leads elsewhere than before."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from playbook import (
    CALLEE,
    CALLER,
    GROUPS,
    OURSELVES,
    STRANGER,
    Playbook,
    Wait,
    answered,
    decided,
    ended,
    from_callee,
    in_dialog,
    member_is,
    reply,
    request,
    sends,
    settings_with,
)

from gateway.interconnection.trunk_groups import Hop, Member, Service, Supervision
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy

OTHER: Final = Hop("192.0.2.30", 5060)
HOST: Final = "TG-HOST"


def playing(*members: Hop) -> Playbook:
    groups = (GROUPS[0], replace(GROUPS[1], members=tuple(Member(hop) for hop in members)))
    return Playbook(settings_with(), groups)


def become(play: Playbook, *hops: Hop) -> None:
    play.proxy.members_are(HOST, [Member(hop) for hop in hops], play.now_us)


def test_calls_go_to_the_addresses_that_a_name_has_now() -> None:
    play = playing(CALLEE)
    become(play, OTHER)
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", OTHER)


def test_who_calls_is_known_by_the_addresses_that_a_name_has_now() -> None:
    via = b"Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK"
    play = playing()
    play >> request(source=OTHER, call_id="x", via=via + b"x") << decided(Outcome.REFUSE)
    assert play.call is not None
    assert play.call.attempt.ingress is None
    play << sends("403", OTHER) << ended(EndedBy.REFUSAL, 403)
    become(play, OTHER)
    play >> request(source=OTHER, call_id="y", via=via + b"y") << decided(Outcome.REFUSE)
    assert play.call.attempt.ingress is not None
    assert play.call.attempt.ingress.name == HOST
    play << sends("404", OTHER) << ended(EndedBy.REFUSAL, 404)


def test_connections_of_members_come_from_the_addresses_that_a_name_has_now() -> None:
    play = playing(CALLEE)
    hosts = play.proxy.members.hosts
    become(play, OTHER)
    assert hosts == {CALLER.host, OTHER.host}


def test_a_call_that_is_up_goes_on_with_a_member_that_is_gone() -> None:
    play = playing(CALLEE)
    answered(play)
    become(play, OTHER, CALLEE)
    play >> from_callee("INFO") << sends("INFO", CALLER)
    become(play, OTHER)
    play >> in_dialog("BYE") << sends("BYE", CALLEE)
    play >> reply(play.sent, 200) << sends("200", CALLER) << ended(EndedBy.CALLER, 200)
    assert [member.calls for member in play.proxy.members.groups[HOST].members] == [0]


def test_who_stays_keeps_standing_and_calls() -> None:
    play = playing(CALLEE, OTHER)
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
    members = play.proxy.members
    for _ in range(3):
        members.failed(members.by_hop[OTHER], play.now_us, play.now_us, [])
    become(play, OTHER, STRANGER, CALLEE)
    standing = {member.hop: (member.service, member.calls) for member in members.groups[HOST].members}
    assert standing == {
        OTHER: (Service.OUT_OF_SERVICE, 0),
        STRANGER: (Service.IN_SERVICE, 0),
        CALLEE: (Service.IN_SERVICE, 1),
    }


def test_what_is_learnt_of_a_member_that_is_gone_changes_nothing() -> None:
    play = playing(CALLEE, OTHER)
    members = play.proxy.members
    gone = members.by_hop[OTHER]
    become(play, CALLEE)
    for _ in range(5):
        members.failed(gone, play.now_us, play.now_us, [])
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


def test_an_address_of_another_trunk_group_or_of_ourselves_is_left_out() -> None:
    play = playing(CALLEE)
    become(play, CALLER, OURSELVES, OTHER, OTHER)
    assert [member.hop for member in play.proxy.members.groups[HOST].members] == [OTHER]
    assert play.proxy.members.by_hop[CALLER].group.trunk_group.name == "TG-PARTNER"


def test_who_is_left_out_is_told_with_the_reason() -> None:
    play = playing(CALLEE)
    members = [Member(hop) for hop in (CALLER, OURSELVES, OTHER)]
    assert play.proxy.members_are(HOST, members, play.now_us) == {
        CALLER: "belongs to trunk group TG-PARTNER",
        OURSELVES: "cannot be reached from here",
    }


def test_a_call_whose_first_member_is_gone_goes_on_to_each_that_there_is_now() -> None:
    play = playing(CALLEE, OTHER)
    play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
    become(play, OTHER, STRANGER)
    play >> reply(play.sent, 500) << sends("ACK", CALLEE) << sends("INVITE", OTHER)
    second = play.sent
    for seconds in (0.5, 1.0, 2.0):
        play >> Wait(seconds) << sends("INVITE", OTHER, data=second)
    play >> Wait(0.5) << member_is(Service.SUSPECT, OTHER) << sends("INVITE", STRANGER)


def test_a_group_without_any_address_refuses_calls() -> None:
    play = playing()
    play >> request() << decided(Outcome.REFUSE) << sends("480", CALLER) << ended(EndedBy.REFUSAL, 480)


def test_an_emergency_call_is_refused_only_where_there_is_nobody_to_send_it_to() -> None:
    emergency = request(uri="sip:911@192.0.2.20", to="<sip:911@192.0.2.20>")
    play = playing()
    play >> emergency << decided(Outcome.REFUSE) << sends("480", CALLER) << ended(EndedBy.REFUSAL, 480)
    play = playing()
    become(play, OTHER)
    play >> emergency << decided() << sends("100", CALLER) << sends("INVITE", OTHER)


def test_new_members_are_probed_and_those_that_are_gone_are_not() -> None:
    supervision = Supervision(probe_us=10_000_000)
    groups = (GROUPS[0], replace(GROUPS[1], members=(Member(CALLEE),), supervision=supervision))
    play = Playbook(settings_with(), groups)
    play.proxy.prober.start(play.now_us)
    become(play, OTHER)
    probed = {target for _, what, target in play.until(11) if what == "OPTIONS"}
    assert probed == {OTHER}
