"""A client's link against a scripted signalling gateway."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.m3ua import (
    DeregistrationStatus,
    ErrorCode,
    MessageType,
    Parameter,
    RegistrationStatus,
    Status,
    Tag,
    UnavailabilityCause,
    number,
)
from gateway.interconnection.links import TrafficMode
from gateway.signalling.ss7.client_association import ACK_US, AUDIT_US, MAX_TRIES, USER_PART_US
from gateway.signalling.ss7.m3ua_links import Congested, Paused, Resumed
from gateway.signalling.ss7.routing_keys import deregistration_result, registration_result, routing_keys
from tests.signalling.ss7.m3ua_ends import OTHER, OURS, SECOND, THEIRS, End, carried, link, transfer

T = MessageType
BACK = transfer(THEIRS, OURS)


def about(*codes: int) -> Parameter:
    return number(Tag.AFFECTED_POINT_CODE, *codes)


def context(*values: int) -> Parameter:
    return number(Tag.ROUTING_CONTEXT, *values)


# -- coming up --------------------------------------------------------------------------------------------------------


def test_a_link_comes_up_becomes_active_and_asks_after_its_destinations() -> None:
    end = End(link(context=9, mode=TrafficMode.OVERRIDE))
    assert end.up() == [T.ASPUP]
    assert end.hear(T.ASPUP_ACK) == [T.ASPAC]
    asked = end.sent[0].message
    assert asked.integer(Tag.TRAFFIC_MODE_TYPE) == TrafficMode.OVERRIDE
    assert asked.integers(Tag.ROUTING_CONTEXT) == (9,)
    assert end.hear(T.ASPAC_ACK, context(9)) == [T.DAUD]
    assert end.sent[0].message.integers(Tag.AFFECTED_POINT_CODE) == (THEIRS,)
    assert end.news == [Resumed(THEIRS)]
    assert end.changes == ["active", "destination 2-137-26 available"]


def test_what_is_not_acknowledged_is_repeated_and_then_the_association_is_restarted() -> None:
    end = End(link())
    end.up()
    for _ in range(MAX_TRIES - 1):
        assert end.after(ACK_US) == [T.ASPUP]
    assert end.after(ACK_US) == []
    assert end.dropped == ["rb-a"]


def test_an_acknowledgement_stops_the_repetition() -> None:
    end = End(link()).active_client()
    assert end.links.next_us is None
    assert end.after(10 * ACK_US) == []
    assert not end.dropped


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (T.ASPUP, ErrorCode.REFUSED_MANAGEMENT_BLOCKING),
        (T.ASPUP, ErrorCode.INVALID_ASP_IDENTIFIER),
        (T.ASPAC, ErrorCode.UNSUPPORTED_TRAFFIC_MODE_TYPE),
        (T.ASPAC, ErrorCode.INVALID_ROUTING_CONTEXT),
        (T.ASPAC, ErrorCode.NO_CONFIGURED_AS_FOR_ASP),
    ],
)
def test_what_the_peer_refuses_is_asked_for_again_after_a_while(asked: MessageType, code: ErrorCode) -> None:
    end = End(link(reconnect_us=7 * SECOND))
    end.up()
    if asked is T.ASPAC:
        end.hear(T.ASPUP_ACK)
    assert end.hear(T.ERR, number(Tag.ERROR_CODE, code)) == []
    assert end.reading().state == "refused"
    assert end.changes[0] == f"the peer refuses: {code.name.lower().replace('_', ' ')}"
    assert end.after(6 * SECOND) == []
    assert end.after(1 * SECOND) == [T.ASPUP]
    assert end.reading().errors == {code.name.lower(): 1}


def test_an_error_that_is_not_about_what_was_asked_for_changes_nothing() -> None:
    end = End(link())
    end.up()
    end.hear(T.ASPUP_ACK)
    assert end.hear(T.ERR, number(Tag.ERROR_CODE, ErrorCode.UNEXPECTED_MESSAGE)) == []
    assert end.hear(T.ERR, number(Tag.ERROR_CODE, 0x7777)) == []
    assert end.hear(T.ASPAC_ACK) == [T.DAUD]
    assert end.reading().errors == {"unexpected_message": 1, "other": 1}


def test_an_acknowledgement_for_another_application_server_is_not_ours() -> None:
    end = End(link(context=9))
    end.up()
    end.hear(T.ASPUP_ACK)
    assert end.hear(T.ASPAC_ACK, context(8)) == []
    assert end.reading().state == "activating"
    assert end.hear(T.ASPAC_ACK, context(8, 9)) == [T.DAUD]


# -- routing key ------------------------------------------------------------------------------------------------------


def registering(status: RegistrationStatus, given: int) -> End:
    end = End(link(register=True))
    end.up()
    assert end.hear(T.ASPUP_ACK) == [T.REG_REQ]
    (key,) = routing_keys(end.sent[0].message)
    assert (key.destinations, key.services, key.mode) == ((OURS,), b"\x05", TrafficMode.LOADSHARE)
    end.hear(T.REG_RSP, registration_result(key.identifier, status, given))
    return end


@pytest.mark.parametrize("status", [RegistrationStatus.SUCCESSFULLY_REGISTERED, RegistrationStatus.ALREADY_REGISTERED])
def test_a_registered_key_gives_the_routing_context_of_what_follows(status: RegistrationStatus) -> None:
    end = registering(status, 77)
    assert end.kinds == [T.ASPAC]
    assert end.sent[0].message.integers(Tag.ROUTING_CONTEXT) == (77,)
    end.hear(T.ASPAC_ACK, context(77))
    assert end.send(transfer())
    assert end.sent[0].message.integer(Tag.ROUTING_CONTEXT) == 77


def test_a_key_that_is_refused_is_registered_again_after_a_while() -> None:
    end = registering(RegistrationStatus.INVALID_DPC, 0)
    assert end.reading().state == "refused"
    assert end.changes == ["the routing key is not registered: status 2", "refused"]
    assert end.after(5 * SECOND) == [T.ASPUP]
    assert end.hear(T.ASPUP_ACK) == [T.REG_REQ]


def test_a_peer_that_knows_no_registration_refuses_it() -> None:
    end = End(link(register=True))
    end.up()
    end.hear(T.ASPUP_ACK)
    end.hear(T.ERR, number(Tag.ERROR_CODE, ErrorCode.UNSUPPORTED_MESSAGE_CLASS))
    assert end.reading().state == "refused"


def test_the_result_of_another_key_and_a_late_one_are_not_taken() -> None:
    end = End(link(register=True))
    end.up()
    end.hear(T.ASPUP_ACK)
    assert end.hear(T.REG_RSP, registration_result(2, RegistrationStatus.SUCCESSFULLY_REGISTERED, 5)) == []
    end.hear(T.REG_RSP, registration_result(1, RegistrationStatus.SUCCESSFULLY_REGISTERED, 6))
    assert end.hear(T.REG_RSP, registration_result(1, RegistrationStatus.SUCCESSFULLY_REGISTERED, 7)) == []
    end.hear(T.ASPAC_ACK, context(6))
    assert end.reading().state == "active"


def test_a_link_with_a_registered_key_deregisters_when_it_leaves() -> None:
    end = registering(RegistrationStatus.SUCCESSFULLY_REGISTERED, 77)
    end.hear(T.ASPAC_ACK)
    assert end.leave() == [T.ASPIA]
    assert end.told == [Paused(THEIRS)]
    assert end.hear(T.ASPIA_ACK) == [T.DEREG_REQ]
    assert end.after(ACK_US) == [T.DEREG_REQ]
    result = deregistration_result(77, DeregistrationStatus.SUCCESSFULLY_DEREGISTERED)
    assert end.hear(T.DEREG_RSP, result) == [T.ASPDN]
    assert end.hear(T.ASPDN_ACK) == []
    assert end.reading().state == "out of service"
    assert end.down() + end.up() == []


def test_a_new_association_registers_anew() -> None:
    end = registering(RegistrationStatus.SUCCESSFULLY_REGISTERED, 77)
    end.hear(T.ASPAC_ACK)
    assert (end.down(), end.told) == ([], [Paused(THEIRS)])
    assert end.up() == [T.ASPUP]
    assert end.hear(T.ASPUP_ACK) == [T.REG_REQ]


def test_nothing_of_a_lost_association_is_left_in_the_next() -> None:
    end = registering(RegistrationStatus.SUCCESSFULLY_REGISTERED, 77)
    end.hear(T.ASPAC_ACK)
    assert end.up() == [T.ASPUP]  # the transport need not have said that the old one was lost
    end.hear(T.ERR, number(Tag.ERROR_CODE, ErrorCode.REFUSED_MANAGEMENT_BLOCKING), context(5))
    assert end.reading().state == "refused"


def test_a_key_is_registered_anew_where_the_peer_took_us_down() -> None:
    end = registering(RegistrationStatus.SUCCESSFULLY_REGISTERED, 77)
    end.hear(T.ASPAC_ACK)
    assert end.hear(T.ASPDN_ACK) == [T.ASPUP]
    assert end.hear(T.ASPUP_ACK) == [T.REG_REQ]


# -- staying active ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unasked", "answer"),
    [
        (T.ASPUP_ACK, [T.ERR, T.ASPAC]),
        (T.ASPIA_ACK, [T.ASPAC]),
        (T.ASPDN_ACK, [T.ASPUP]),
        (T.ASPAC_ACK, []),
    ],
)
def test_an_acknowledgement_that_nobody_asked_for_is_made_undone(
    unasked: MessageType, answer: list[MessageType]
) -> None:
    end = End(link()).active_client()
    assert end.hear(unasked) == answer
    assert (end.told == [Paused(THEIRS)]) == bool(answer)


def test_another_process_takes_over_and_gives_back() -> None:
    end = End(link(mode=TrafficMode.OVERRIDE)).active_client()
    end.hear(T.NTFY, number(Tag.STATUS, Status.ALTERNATE_ASP_ACTIVE))
    assert (end.reading().state, end.told) == ("standby", [Paused(THEIRS)])
    assert not end.send(transfer())
    assert end.hear(T.NTFY, number(Tag.STATUS, Status.AS_ACTIVE)) == []
    assert end.hear(T.NTFY, number(Tag.STATUS, Status.AS_PENDING)) == [T.ASPAC]
    end.hear(T.ASPAC_ACK)
    assert end.news == [Resumed(THEIRS)]


def test_a_notice_that_no_process_is_active_is_contradicted_without_a_pause() -> None:
    end = End(link()).active_client()
    assert end.hear(T.NTFY, number(Tag.STATUS, Status.AS_INACTIVE)) == [T.ASPAC]
    assert end.told == []
    assert end.reading().state == "active"


def test_a_notice_of_another_application_server_is_not_ours() -> None:
    end = End(link(context=9)).active_client(9)
    assert end.hear(T.NTFY, number(Tag.STATUS, Status.ALTERNATE_ASP_ACTIVE), context(8)) == []
    assert end.reading().state == "active"


# -- heartbeats -------------------------------------------------------------------------------------------------------


def test_a_heartbeat_is_sent_after_silence_and_answered_with_its_own_data() -> None:
    end = End(link(heartbeat_us=30 * SECOND)).active_client()
    assert end.after(29 * SECOND) == []
    assert end.after(1 * SECOND) == [T.BEAT]
    assert end.sent[0].message.value(Tag.HEARTBEAT_DATA) == bytes(7) + b"\1"
    assert end.hear(T.BEAT, Parameter(Tag.HEARTBEAT_DATA, b"any"), stream=3) == [T.BEAT_ACK]
    assert (end.sent[0].stream, end.sent[0].message.value(Tag.HEARTBEAT_DATA)) == (3, b"any")


def test_whatever_comes_puts_the_heartbeat_off() -> None:
    end = End(link(heartbeat_us=30 * SECOND)).active_client()
    end.after(20 * SECOND)
    end.data(BACK)
    assert end.after(29 * SECOND) == []
    assert end.after(1 * SECOND) == [T.BEAT]


def test_an_association_that_leaves_two_heartbeats_unanswered_is_restarted() -> None:
    end = End(link(heartbeat_us=30 * SECOND)).active_client()
    assert end.after(89 * SECOND) == [T.BEAT, T.BEAT]
    assert end.after(1 * SECOND) == []
    assert end.dropped == ["rb-a"]
    end.down()
    assert end.after(1_000 * SECOND) == []


def test_an_association_that_was_heard_between_two_heartbeats_is_not_restarted() -> None:
    end = End(link(heartbeat_us=30 * SECOND)).active_client()
    assert end.after(30 * SECOND) == [T.BEAT]
    end.after(20 * SECOND)
    end.hear(T.BEAT_ACK)
    assert end.after(29 * SECOND) == []
    assert end.after(60 * SECOND) == [T.BEAT, T.BEAT]
    assert not end.dropped


# -- messages of the user part ----------------------------------------------------------------------------------------


def test_data_is_sent_on_the_stream_of_its_link_selection_and_never_on_stream_0() -> None:
    end = End(link(context=9)).active_client(9)
    streams: dict[int, int] = {}
    for sls in range(256):
        assert end.send(transfer(sls=sls))
        (sent,) = end.sent
        assert carried(sent) == transfer(sls=sls)
        assert sent.message.integer(Tag.ROUTING_CONTEXT) == 9
        streams[sls] = sent.stream
    assert set(streams.values()) == set(range(1, 17))
    assert all(streams[sls] == streams[sls % 16] for sls in streams)


def test_data_is_handed_on() -> None:
    end = End(link()).active_client()
    assert end.data(BACK) == []
    assert end.told == [BACK]


def test_nothing_is_sent_before_the_link_is_active_nor_by_another_nor_elsewhere() -> None:
    end = End(link())
    assert not end.send(transfer())
    end.up()
    assert not end.send(transfer())
    end = End(link()).active_client()
    assert not end.send(transfer(), "rb-b")
    assert not end.links.send(transfer(), (), end.at_us, [])
    assert not end.send(transfer(dpc=OTHER))
    assert end.links.reachable(THEIRS, ("rb-b", "rb-a"))
    assert not end.links.reachable(THEIRS, ("rb-b",))
    assert not end.links.reachable(OTHER, ("rb-a",))


def test_data_before_the_link_is_up_is_unexpected() -> None:
    end = End(link())
    end.up()
    assert end.data(BACK) == [T.ERR]
    assert end.error == ErrorCode.UNEXPECTED_MESSAGE
    assert end.told == []


def test_data_that_overtakes_the_acknowledgement_is_taken() -> None:
    end = End(link())
    end.up()
    end.hear(T.ASPUP_ACK)
    end.data(BACK)
    assert end.told == [BACK]


def test_data_of_another_routing_context_is_refused_and_names_it() -> None:
    end = End(link(context=9)).active_client(9)
    assert end.data(BACK, 8) == [T.ERR]
    assert end.error == ErrorCode.INVALID_ROUTING_CONTEXT
    assert end.sent[0].message.integers(Tag.ROUTING_CONTEXT) == (8,)
    assert end.sent[0].message.value(Tag.DIAGNOSTIC_INFORMATION) is not None


# -- the network ------------------------------------------------------------------------------------------------------


def test_an_unavailable_destination_is_paused_and_asked_after_until_it_is_back() -> None:
    end = End(link(context=9)).active_client(9)
    end.hear(T.DUNA, context(9), about(THEIRS))
    assert end.told == [Paused(THEIRS)]
    assert end.changes == ["destination 2-137-26 unavailable"]
    assert end.reading().unavailable == (THEIRS,)
    assert not end.send(transfer())
    for _ in range(3):
        assert end.after(AUDIT_US) == [T.DAUD]
    end.hear(T.DAVA, about(THEIRS))
    assert end.told == [Resumed(THEIRS)]
    assert end.after(10 * AUDIT_US) == []


def test_reports_while_a_destination_is_in_trouble_do_not_put_the_audit_off() -> None:
    end = End(link()).active_client()
    end.hear(T.DUNA, about(THEIRS))
    end.after(AUDIT_US - SECOND)
    end.hear(T.DUNA, about(THEIRS))
    assert end.after(SECOND) == [T.DAUD]


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        (0x08_02_89_00, True),  # a cluster: the eight bits of the member count for nothing
        (0x10_02_00_00, True),
        (0xFF_00_00_00, True),
        (0x08_02_88_00, False),
        (0x00_02_89_1B, False),
    ],
)
def test_a_report_may_be_of_a_range_of_point_codes(affected: int, hit: bool) -> None:
    end = End(link()).active_client()
    end.hear(T.DUNA, about(OTHER, affected))
    assert bool(end.told) is hit


def test_a_destination_is_reached_as_long_as_one_link_reaches_it() -> None:
    end = End(link(), link("rb-b"))
    for name in ("rb-a", "rb-b"):
        end.up(name)
        end.hear(T.ASPUP_ACK, name=name)
        end.hear(T.ASPAC_ACK, name=name)
    assert end.told == []
    end.hear(T.DUNA, about(THEIRS), name="rb-a")
    assert end.told == []
    assert end.send(transfer(sls=0), "rb-a", "rb-b")
    assert end.sent[0].link == "rb-b"
    end.down("rb-b")
    assert end.told == [Paused(THEIRS)]


def test_links_share_by_link_selection_and_override_in_their_order() -> None:
    for mode, expected in ((TrafficMode.LOADSHARE, ["rb-a", "rb-b"] * 4), (TrafficMode.OVERRIDE, ["rb-a"] * 8)):
        end = End(link(mode=mode), link("rb-b", mode=mode))
        for name in ("rb-a", "rb-b"):
            end.up(name)
            end.hear(T.ASPUP_ACK, name=name)
            end.hear(T.ASPAC_ACK, name=name)
        used = []
        for sls in range(8):
            assert end.send(transfer(sls=sls), "rb-a", "rb-b")
            used.append(end.sent[0].link)
        assert used == expected


def test_a_restricted_destination_is_reached_by_another_link_if_there_is_one() -> None:
    end = End(link(), link("rb-b"))
    for name in ("rb-a", "rb-b"):
        end.up(name)
        end.hear(T.ASPUP_ACK, name=name)
        end.hear(T.ASPAC_ACK, name=name)
    end.hear(T.DRST, about(THEIRS), name="rb-a")
    assert end.told == []
    assert end.send(transfer(sls=0), "rb-a", "rb-b")
    assert end.sent[0].link == "rb-b"
    end.down("rb-b")
    assert end.send(transfer(sls=0), "rb-a", "rb-b")
    assert end.sent[0].link == "rb-a"
    assert end.after(AUDIT_US) == [T.DAUD]


def test_congestion_is_told_with_its_level_and_its_end() -> None:
    end = End(link()).active_client()
    end.hear(T.SCON, about(THEIRS), number(Tag.CONGESTION_INDICATIONS, 2))
    assert end.told == [Congested(THEIRS, 2)]
    assert end.changes == ["destination 2-137-26: congestion level 2"]
    assert end.reading().congested == {THEIRS: 2}
    end.hear(T.SCON, about(THEIRS), number(Tag.CONGESTION_INDICATIONS, 2))
    assert (end.told, end.changes) == ([Congested(THEIRS, 2)], [])
    assert end.after(AUDIT_US) == [T.DAUD]
    end.hear(T.SCON, about(THEIRS), number(Tag.CONGESTION_INDICATIONS, 0))
    assert end.told == [Congested(THEIRS, 0)]
    assert end.after(2 * AUDIT_US) == []
    assert end.reading().congested == {}


def test_congestion_without_levels_is_told_each_time_and_not_kept() -> None:
    end = End(link()).active_client()
    for _ in range(2):
        end.hear(T.SCON, about(THEIRS))
        assert end.told == [Congested(THEIRS, 1)]
    assert end.reading().congested == {}


def unavailable_user(user: int) -> Parameter:
    return number(Tag.USER_CAUSE, UnavailabilityCause.INACCESSIBLE << 16 | user)


def test_an_unavailable_user_part_is_paused_until_something_comes_from_it() -> None:
    end = End(link()).active_client()
    end.hear(T.DUPU, about(THEIRS), unavailable_user(5))
    assert end.told == [Paused(THEIRS)]
    end.hear(T.DAVA, about(THEIRS))
    assert end.told == []
    end.data(BACK)
    assert end.told == [Resumed(THEIRS), BACK]


def test_an_unavailable_user_part_is_tried_again_after_a_while() -> None:
    end = End(link()).active_client()
    end.hear(T.DUPU, about(THEIRS), unavailable_user(5))
    end.after(USER_PART_US - 1)
    assert end.told == []
    end.after(1)
    assert end.told == [Resumed(THEIRS)]


def test_another_user_part_than_isup_is_no_matter_of_ours() -> None:
    end = End(link()).active_client()
    end.hear(T.DUPU, about(THEIRS), unavailable_user(3))
    assert end.told == []


def test_a_report_of_another_routing_context_is_refused() -> None:
    end = End(link(context=9)).active_client(9)
    assert end.hear(T.DUNA, context(8), about(THEIRS)) == [T.ERR]
    assert end.error == ErrorCode.INVALID_ROUTING_CONTEXT
    assert end.told == []


def test_reports_to_a_process_in_standby_are_not_taken() -> None:
    end = End(link(mode=TrafficMode.OVERRIDE)).active_client()
    end.hear(T.NTFY, number(Tag.STATUS, Status.ALTERNATE_ASP_ACTIVE))
    assert end.hear(T.SCON, about(THEIRS)) == []
    assert end.told == []


def test_what_was_known_of_destinations_is_forgotten_with_the_association() -> None:
    end = End(link()).active_client()
    end.hear(T.DUNA, about(THEIRS))
    end.down()
    end.active_client()
    assert end.news == [Resumed(THEIRS)]


@pytest.mark.parametrize("kind", [T.ASPUP, T.ASPDN, T.ASPAC, T.ASPIA, T.DAUD, T.REG_REQ, T.DEREG_REQ])
def test_what_only_a_process_asks_is_unexpected_of_a_signalling_gateway(kind: MessageType) -> None:
    end = End(link()).active_client()
    assert end.hear(kind, about(THEIRS)) == [T.ERR]
    assert end.error == ErrorCode.UNEXPECTED_MESSAGE


def test_for_a_replay_every_link_is_up_and_no_timer_runs() -> None:
    end = End(link(heartbeat_us=SECOND), link("rb-b"))
    assert end.links.assume_up() == [Resumed(THEIRS)]
    assert end.links.next_us is None
    assert end.send(transfer())
    end.data(BACK)
    assert end.told == [BACK]
