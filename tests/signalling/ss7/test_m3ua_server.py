"""A server's link against scripted application server processes."""

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
    encode_parameters,
    number,
)
from gateway.interconnection.links import LinkRole, TrafficMode
from gateway.signalling.ss7.application_server import MAX_WAITING, RECOVERY_US
from gateway.signalling.ss7.m3ua_links import Congested, Paused, Resumed
from gateway.signalling.ss7.routing_keys import (
    MAX_KEYS,
    RoutingKey,
    deregistration_results,
    registration_results,
    routing_key_parameter,
)
from gateway.signalling.ss7.server_link import MAX_ASSOCIATIONS
from tests.signalling.ss7.m3ua_ends import OTHER, OURS, SECOND, THEIRS, End, Sent, carried, link, transfer

T = MessageType
IN = transfer(OURS, THEIRS)
OUT = transfer(THEIRS, OURS)
ONE, TWO = "rb#1", "rb#2"


def server(
    *,
    mode: TrafficMode = TrafficMode.LOADSHARE,
    context: int | None = None,
    destinations: tuple[int, ...] = (OURS,),
    heartbeat_us: int = 0,
) -> End:
    return End(
        link("rb", LinkRole.SERVER, mode=mode, context=context, destinations=destinations, heartbeat_us=heartbeat_us)
    )


def context(*values: int) -> Parameter:
    return number(Tag.ROUTING_CONTEXT, *values)


def about(*codes: int) -> Parameter:
    return number(Tag.AFFECTED_POINT_CODE, *codes)


def to(end: End) -> list[str]:
    return [one.link for one in end.sent]


# -- a process --------------------------------------------------------------------------------------------------------


def test_a_process_comes_up_and_becomes_active_and_is_told_of_both() -> None:
    end = server(context=9)
    assert end.up(ONE) == []
    assert end.hear(T.ASPUP, name=ONE) == [T.ASPUP_ACK, T.NTFY]
    assert end.statuses == [(ONE, Status.AS_INACTIVE)]
    assert end.hear(T.ASPAC, number(Tag.TRAFFIC_MODE_TYPE, 2), context(9), name=ONE) == [T.ASPAC_ACK, T.NTFY]
    assert end.sent[0].message.integers(Tag.ROUTING_CONTEXT) == (9,)
    assert end.sent[0].message.integer(Tag.TRAFFIC_MODE_TYPE) == 2
    assert end.statuses == [(ONE, Status.AS_ACTIVE)]
    assert end.told == [Resumed(OURS)]
    assert end.changes == ["application server active", "destination 246-14-7 available"]


def test_what_is_asked_for_twice_is_acknowledged_twice() -> None:
    end = server()
    end.up(ONE)
    end.hear(T.ASPUP, name=ONE)
    assert end.hear(T.ASPUP, name=ONE) == [T.ASPUP_ACK, T.NTFY]
    end.hear(T.ASPAC, name=ONE)
    assert end.hear(T.ASPAC, name=ONE) == [T.ASPAC_ACK]
    end.hear(T.ASPIA, name=ONE)
    assert end.hear(T.ASPIA, name=ONE) == [T.ASPIA_ACK]
    assert end.hear(T.ASPDN, name=ONE) == [T.ASPDN_ACK]
    assert end.hear(T.ASPDN, name=ONE) == [T.ASPDN_ACK]


def test_an_active_process_that_comes_up_again_is_inactive_and_hears_that_it_was_not_expected() -> None:
    end = server().active_process(ONE)
    assert end.hear(T.ASPUP, name=ONE) == [T.ASPUP_ACK, T.ERR, T.NTFY]
    assert end.statuses == [(ONE, Status.AS_PENDING)]
    assert end.reading().associations == ((ONE, "inactive"),)


@pytest.mark.parametrize("kind", [T.ASPAC, T.ASPIA, T.REG_REQ, T.DEREG_REQ, T.DAUD, T.DATA])
def test_before_a_process_is_up_nothing_else_is_expected_of_it(kind: MessageType) -> None:
    end = server()
    end.up(ONE)
    assert end.hear(kind, name=ONE, stream=1 if kind is T.DATA else 0) == [T.ERR]
    assert end.error == ErrorCode.UNEXPECTED_MESSAGE


@pytest.mark.parametrize(
    "kind", [T.ASPUP_ACK, T.ASPAC_ACK, T.NTFY, T.DUNA, T.DAVA, T.DRST, T.DUPU, T.REG_RSP, T.DEREG_RSP]
)
def test_what_only_a_signalling_gateway_says_is_unexpected_of_a_process(kind: MessageType) -> None:
    end = server().active_process(ONE)
    assert end.hear(kind, name=ONE) == [T.ERR]
    assert end.error == ErrorCode.UNEXPECTED_MESSAGE


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ((number(Tag.TRAFFIC_MODE_TYPE, 1),), ErrorCode.UNSUPPORTED_TRAFFIC_MODE_TYPE),
        ((number(Tag.TRAFFIC_MODE_TYPE, 9),), ErrorCode.UNSUPPORTED_TRAFFIC_MODE_TYPE),
        ((context(8),), ErrorCode.INVALID_ROUTING_CONTEXT),
        ((number(Tag.NETWORK_APPEARANCE, 3),), ErrorCode.INVALID_NETWORK_APPEARANCE),
        ((Parameter(Tag.ROUTING_CONTEXT, b"123"),), ErrorCode.PARAMETER_FIELD_ERROR),
        ((Parameter(Tag.TRAFFIC_MODE_TYPE, b""),), ErrorCode.PARAMETER_FIELD_ERROR),
    ],
)
def test_an_activation_that_cannot_be_granted_is_refused(parameters: tuple[Parameter, ...], code: ErrorCode) -> None:
    end = server(context=9)
    end.up(ONE)
    end.hear(T.ASPUP, name=ONE)
    assert end.hear(T.ASPAC, *parameters, name=ONE) == [T.ERR]
    assert end.error == code
    assert end.reading().state == "inactive"
    assert end.reading().refused == {code.name.lower(): 1}


def test_of_several_routing_contexts_those_that_are_known_become_active() -> None:
    end = server(context=9)
    end.up(ONE)
    end.hear(T.ASPUP, name=ONE)
    assert end.hear(T.ASPAC, context(8, 9), name=ONE) == [T.ERR, T.ASPAC_ACK, T.NTFY]
    assert end.sent[0].message.integers(Tag.ROUTING_CONTEXT) == (8,)
    assert end.sent[1].message.integers(Tag.ROUTING_CONTEXT) == (9,)


def test_two_processes_cannot_have_one_identifier() -> None:
    end = server().active_process(ONE, identifier=1)
    end.up(TWO)
    assert end.hear(T.ASPUP, number(Tag.ASP_IDENTIFIER, 1), name=TWO) == [T.ERR]
    assert end.error == ErrorCode.INVALID_ASP_IDENTIFIER
    assert end.hear(T.ASPUP, number(Tag.ASP_IDENTIFIER, 2), name=TWO)[0] is T.ASPUP_ACK
    assert end.sent[0].message.integer(Tag.ASP_IDENTIFIER) == 2


def test_processes_that_are_locked_out_are_down_and_stay_so() -> None:
    end = server().active_process(ONE)
    end.up(TWO)
    assert end.leave() == [T.ASPDN_ACK]
    assert end.hear(T.ASPUP, name=ONE) == [T.ERR]
    assert end.error == ErrorCode.REFUSED_MANAGEMENT_BLOCKING
    end.hear(T.ASPUP, name=TWO)
    assert end.error == ErrorCode.REFUSED_MANAGEMENT_BLOCKING
    end.up("rb#3")
    end.hear(T.ASPUP, name="rb#3")
    assert end.error == ErrorCode.REFUSED_MANAGEMENT_BLOCKING


# -- traffic ----------------------------------------------------------------------------------------------------------


def test_data_of_an_active_process_is_handed_on() -> None:
    end = server(context=9).active_process(ONE)
    for given in (None, 9):
        assert end.data(IN, given, ONE) == []
        assert end.told == [IN]


def test_data_of_an_inactive_process_and_of_another_context_is_refused() -> None:
    end = server(context=9).active_process(ONE)
    assert end.data(IN, 8, ONE) == [T.ERR]
    assert end.error == ErrorCode.INVALID_ROUTING_CONTEXT
    end.hear(T.ASPIA, name=ONE)
    for given in (None, 9):
        assert end.data(IN, given, ONE) == [T.ERR]
        assert end.error == ErrorCode.UNEXPECTED_MESSAGE
    assert end.told == []


def test_data_on_stream_0_and_management_on_another_are_on_the_wrong_stream() -> None:
    end = server().active_process(ONE)
    end.hear(T.DATA, Parameter(Tag.PROTOCOL_DATA, bytes(12)), stream=0, name=ONE)
    assert end.error == ErrorCode.INVALID_STREAM_IDENTIFIER
    end.hear(T.ASPUP, stream=1, name=ONE)
    assert end.error == ErrorCode.INVALID_STREAM_IDENTIFIER
    assert end.told == []
    assert end.hear(T.BEAT, stream=1, name=ONE) == [T.BEAT_ACK]


def test_each_link_selection_has_one_process_whatever_else_is_sent() -> None:
    end = server().active_process(ONE).active_process(TWO).active_process("rb#3")
    chosen: dict[int, set[str]] = {}
    for _ in range(3):
        for sls in range(16):
            assert end.send(transfer(THEIRS, OURS, sls), "rb")
            chosen.setdefault(sls, set()).update(to(end))
    assert all(len(names) == 1 for names in chosen.values())
    assert {name for names in chosen.values() for name in names} == {ONE, TWO, "rb#3"}


@pytest.mark.parametrize("links", [1, 2, 3])
def test_processes_of_links_that_share_have_equal_shares_as_well(links: int) -> None:
    names = [f"rb-{at}" for at in range(links)]
    end = End(*(link(name, LinkRole.SERVER) for name in names))
    for name in names:
        end.active_process(f"{name}#1").active_process(f"{name}#2")
    count: dict[str, int] = {}
    for sls in range(48):
        assert end.send(transfer(THEIRS, OURS, sls), *names)
        (used,) = to(end)
        count[used] = count.get(used, 0) + 1
    assert len(count) == 2 * links
    assert set(count.values()) == {24 // links}


def test_the_traffic_of_a_process_that_leaves_goes_to_the_others() -> None:
    end = server().active_process(ONE).active_process(TWO)
    assert end.hear(T.ASPIA, name=ONE) == [T.ASPIA_ACK]
    for sls in range(4):
        end.send(transfer(THEIRS, OURS, sls), "rb")
        assert to(end) == [TWO]
    assert end.told == []


def test_in_override_mode_the_last_to_become_active_takes_over_and_the_other_is_told_by_whom() -> None:
    end = server(mode=TrafficMode.OVERRIDE).active_process(ONE, 1).active_process(TWO, 2)
    assert end.kinds == [T.ASPAC_ACK, T.NTFY]
    assert end.statuses == [(ONE, Status.ALTERNATE_ASP_ACTIVE)]
    assert end.sent[1].message.integer(Tag.ASP_IDENTIFIER) == 2
    end.send(OUT, "rb")
    assert to(end) == [TWO]


def test_what_is_broadcast_is_marked_once_for_each_link_selection_after_a_process_has_joined() -> None:
    end = server(mode=TrafficMode.BROADCAST).active_process(ONE)

    def marks(sls: int) -> list[int | None]:
        end.send(transfer(THEIRS, OURS, sls), "rb")
        return [one.message.integer(Tag.CORRELATION_ID) for one in end.sent]

    assert [marks(5), marks(5), marks(6)] == [[5], [None], [6]]
    end.active_process(TWO)
    assert [marks(5), marks(5)] == [[5, 5], [None, None]]


# -- nobody is active -------------------------------------------------------------------------------------------------


def test_messages_wait_for_a_process_to_become_active_again_and_go_in_their_order() -> None:
    end = server().active_process(ONE)
    assert end.hear(T.ASPIA, name=ONE) == [T.ASPIA_ACK, T.NTFY]
    assert end.statuses == [(ONE, Status.AS_PENDING)]
    waiting = [transfer(THEIRS, OURS, at % 3, bytes((at,))) for at in range(9)]
    assert all(end.send(one, "rb") for one in waiting)
    assert end.reading().waiting == 9
    assert end.hear(T.ASPAC, name=ONE) == [T.ASPAC_ACK, T.NTFY, *[T.DATA] * 9]
    assert [carried(one) for one in end.sent[2:]] == waiting
    assert end.told == []
    assert end.after(10 * RECOVERY_US) == []


def test_messages_that_waited_in_vain_are_lost_and_the_destination_is_paused() -> None:
    end = server().active_process(ONE)
    end.hear(T.ASPIA, name=ONE)
    end.send(OUT, "rb")
    end.after(RECOVERY_US)
    assert end.told == [Paused(OURS)]
    assert end.statuses == [(ONE, Status.AS_INACTIVE)]
    assert (end.reading().state, end.reading().lost) == ("inactive", 1)
    assert not end.send(OUT, "rb")


def test_so_many_messages_wait_and_no_more() -> None:
    end = server().active_process(ONE)
    end.down(ONE)
    assert [end.send(OUT, "rb") for _ in range(MAX_WAITING + 1)] == [True] * MAX_WAITING + [False]
    assert end.reading().lost == 1
    end.after(RECOVERY_US)
    assert end.reading().lost == MAX_WAITING + 1
    assert end.reading().state == "down"


def test_the_others_are_told_which_process_was_lost() -> None:
    end = server().active_process(ONE, 1).active_process(TWO, 2)
    end.down(ONE)
    assert end.statuses == [(TWO, Status.ASP_FAILURE)]
    assert end.sent[0].message.integer(Tag.ASP_IDENTIFIER) == 1


def test_a_process_that_was_down_does_not_fail_when_it_goes() -> None:
    end = server().active_process(ONE, 1).active_process(TWO, 2)
    end.hear(T.ASPDN, name=ONE)
    end.down(ONE)
    assert end.statuses == []


def test_an_association_that_is_made_anew_begins_anew() -> None:
    end = server().active_process(ONE)
    end.up(ONE)
    assert end.reading().associations == ((ONE, "down"),)
    assert end.reading().state == "pending"
    assert end.hear(T.ASPAC, name=ONE) == [T.ERR]


# -- routing keys -----------------------------------------------------------------------------------------------------


def register(end: End, *keys: RoutingKey, name: str = ONE) -> list[tuple[int, int, int]]:
    assert end.hear(T.REG_REQ, *map(routing_key_parameter, keys), name=name)[0] is T.REG_RSP
    return [tuple(result) for result in registration_results(end.sent[0].message)]  # type: ignore[misc]


def up(end: End, name: str = ONE) -> End:
    end.up(name)
    end.hear(T.ASPUP, name=name)
    return end


def test_a_key_for_all_of_a_link_is_given_the_context_of_its_application_server() -> None:
    assert register(up(server(context=9)), RoutingKey(4, (OURS,))) == [(4, 0, 9)]
    end = up(server())
    assert register(end, RoutingKey(4, (OURS,), b"\x05")) == [(4, 0, 1)]
    assert register(end, RoutingKey(5, (OURS,))) == [(5, RegistrationStatus.ALREADY_REGISTERED, 1)]
    assert end.hear(T.ASPAC, context(1), name=ONE) == [T.ASPAC_ACK, T.NTFY]


def test_a_key_for_a_part_of_a_link_has_an_application_server_of_its_own() -> None:
    end = up(up(server(destinations=(OURS, OTHER))), TWO)
    assert register(end, RoutingKey(1, (OURS,))) == [(1, 0, 1)]
    assert register(end, RoutingKey(1, (OTHER,)), name=TWO) == [(1, 0, 2)]
    end.hear(T.ASPAC, context(1), name=ONE)
    assert end.news == [Resumed(OURS)]
    end.hear(T.ASPAC, context(2), name=TWO)
    assert end.news == [Resumed(OTHER)]
    for code, name in ((OURS, ONE), (OTHER, TWO)):
        end.send(transfer(THEIRS, code), "rb")
        assert to(end) == [name]
    assert end.hear(T.ASPAC, context(2), name=ONE) == [T.ERR]


def test_a_registration_ends_with_the_process() -> None:
    end = up(server(destinations=(OURS, OTHER)))
    register(end, RoutingKey(1, (OURS,)))
    end.hear(T.ASPAC, context(1), name=ONE)
    end.down(ONE)
    assert Paused(OURS) in end.told
    assert not end.send(OUT, "rb")
    assert register(up(end), RoutingKey(1, (OURS,))) == [(1, 0, 2)]


def pending_key() -> End:
    """A process has registered a key, was active, and is not; a message waits."""
    end = up(server(destinations=(OURS, OTHER)))
    assert register(end, RoutingKey(1, (OURS,), context=7)) == [(1, 0, 7)]
    end.hear(T.ASPAC, context(7), name=ONE)
    end.hear(T.ASPIA, context(7), name=ONE)
    assert end.send(OUT, "rb")
    return end


def test_nothing_waits_for_a_key_that_is_registered_no_more() -> None:
    end = pending_key()
    end.hear(T.DEREG_REQ, context(7), name=ONE)
    assert (end.told, end.reading().lost, end.reading().waiting) == ([Paused(OURS)], 1, 0)
    end.after(RECOVERY_US)
    assert end.changes == []


def test_of_two_keys_one_is_registered_no_more() -> None:
    end = pending_key()
    register(end, RoutingKey(2, (OTHER,), context=8))
    end.hear(T.ASPAC, context(8), name=ONE)
    end.hear(T.DEREG_REQ, context(7), name=ONE)
    assert end.told == [Paused(OURS)]
    assert end.links.reachable(OTHER, ("rb",))


def test_a_key_goes_with_the_process_that_is_lost_though_it_was_waited_for() -> None:
    end = pending_key()
    end.down(ONE)
    assert (end.told, end.reading().lost) == ([Paused(OURS)], 1)
    assert register(up(end), RoutingKey(1, (OURS,), context=7)) == [(1, 0, 7)]


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (RoutingKey(1, ()), RegistrationStatus.INVALID_DPC),
        (RoutingKey(1, (THEIRS,)), RegistrationStatus.INVALID_DPC),
        (RoutingKey(1, (OURS, THEIRS)), RegistrationStatus.INVALID_DPC),
        (RoutingKey(1, (OURS,), b"\x03"), RegistrationStatus.NOT_PROVISIONED),
        (RoutingKey(1, (OURS,), mode=1), RegistrationStatus.UNSUPPORTED_TRAFFIC_MODE),
        (RoutingKey(1, (OURS,), context=8), RegistrationStatus.CHANGE_REFUSED),
    ],
)
def test_a_key_that_cannot_be_served_is_refused(key: RoutingKey, status: RegistrationStatus) -> None:
    assert register(up(server(context=9)), key) == [(1, status, 0)]


def test_a_key_that_is_narrower_than_a_point_code_is_refused() -> None:
    inner = encode_parameters(
        (
            number(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, 1),
            number(Tag.DESTINATION_POINT_CODE, OURS),
            number(Tag.ORIGINATING_POINT_CODE_LIST, THEIRS),
        )
    )
    end = up(server())
    end.hear(T.REG_REQ, Parameter(Tag.ROUTING_KEY, inner), name=ONE)
    (result,) = registration_results(end.sent[0].message)
    assert result.status == RegistrationStatus.UNSUPPORTED_ROUTING_KEY_PARAMETER


def test_keys_that_overlap_are_refused_and_so_is_one_too_many() -> None:
    codes = tuple(range(1, 3 * MAX_KEYS))
    end = up(server(destinations=codes))
    assert register(end, RoutingKey(1, (1, 2)))[0][1] == 0
    assert register(end, RoutingKey(2, (2, 3))) == [(2, RegistrationStatus.CANNOT_SUPPORT_UNIQUE_ROUTING, 0)]
    more = [register(end, RoutingKey(code, (code,)))[0][1] for code in codes[2 : MAX_KEYS + 2]]
    assert more == [0] * (MAX_KEYS - 1) + [RegistrationStatus.INSUFFICIENT_RESOURCES]


def test_a_registration_is_ended_when_the_process_is_not_active_in_it() -> None:
    end = up(server(destinations=(OURS, OTHER)))
    register(end, RoutingKey(1, (OURS,)))
    end.hear(T.ASPAC, context(1), name=ONE)

    def end_it(value: int) -> list[tuple[int, int]]:
        end.hear(T.DEREG_REQ, context(value), name=ONE)
        return [tuple(result) for result in deregistration_results(end.sent[0].message)]  # type: ignore[misc]

    assert end_it(1) == [(1, DeregistrationStatus.ASP_ACTIVE)]
    assert end_it(5) == [(5, DeregistrationStatus.INVALID_ROUTING_CONTEXT)]
    end.hear(T.ASPIA, context(1), name=ONE)
    assert end_it(1) == [(1, DeregistrationStatus.SUCCESSFULLY_DEREGISTERED)]
    assert end_it(1) == [(1, DeregistrationStatus.INVALID_ROUTING_CONTEXT)]
    assert end.hear(T.ASPAC, name=ONE) == [T.ASPAC_ACK, T.NTFY]


def test_a_key_of_another_process_is_not_registered_to_this_one() -> None:
    end = up(up(server(destinations=(OURS, OTHER))), TWO)
    register(end, RoutingKey(1, (OURS,)))
    end.hear(T.DEREG_REQ, context(1), name=TWO)
    (result,) = deregistration_results(end.sent[0].message)
    assert result.status == DeregistrationStatus.NOT_REGISTERED


# -- the network ------------------------------------------------------------------------------------------------------


def told(sent: Sent) -> tuple[MessageType, tuple[int, ...]]:
    return sent.kind, sent.message.integers(Tag.AFFECTED_POINT_CODE)


def test_a_process_that_asks_hears_how_destinations_stand() -> None:
    end = server(context=9).active_process(ONE)
    end.destination(OTHER, available=False)
    assert [told(one) for one in end.sent] == [(T.DUNA, (OTHER,))]
    end.hear(T.DAUD, about(THEIRS, OTHER, 77), name=ONE)
    assert [told(one) for one in end.sent] == [(T.DAVA, (THEIRS,)), (T.DUNA, (OTHER,)), (T.ERR, (77,))]
    assert end.sent[0].message.integers(Tag.ROUTING_CONTEXT) == (9,)
    assert end.sent[2].message.integer(Tag.ERROR_CODE) == ErrorCode.DESTINATION_STATUS_UNKNOWN
    end.destination(OTHER, available=True)
    assert [told(one) for one in end.sent] == [(T.DAVA, (OTHER,))]
    end.hear(T.DAUD, about(0x08_02_89_00), name=ONE)
    assert [told(one) for one in end.sent] == [(T.DAVA, (THEIRS, OTHER))]


def test_a_process_is_told_of_others_exchanges_and_not_of_its_own_nor_when_it_is_inactive() -> None:
    end = server().active_process(ONE)
    assert end.destination(OURS, available=False) == []
    end.hear(T.ASPIA, name=ONE)
    assert end.destination(OTHER, available=False) == []
    assert end.hear(T.DAUD, about(THEIRS), name=ONE) == [T.ERR]


def test_a_message_for_an_exchange_that_cannot_be_reached_is_answered_and_goes_no_further() -> None:
    end = server().active_process(ONE)
    end.destination(OTHER, available=False)
    end.data(transfer(OURS, OTHER), name=ONE)
    assert [told(one) for one in end.sent] == [(T.DUNA, (OTHER,))]
    assert end.told == []
    end.data(transfer(OURS, 77), name=ONE)
    assert end.told == [transfer(OURS, 77)]


def test_congestion_that_a_process_reports_is_told() -> None:
    end = server().active_process(ONE)
    end.hear(T.SCON, about(OURS), number(Tag.CONGESTION_INDICATIONS, 3), name=ONE)
    assert end.told == [Congested(OURS, 3)]


@pytest.mark.parametrize(
    ("kind", "parameters", "code"),
    [
        (T.DAUD, (), ErrorCode.MISSING_PARAMETER),
        (T.DAUD, (about(*range(257)),), ErrorCode.INVALID_PARAMETER_VALUE),
        (T.DAUD, (Parameter(Tag.AFFECTED_POINT_CODE, b"12345"),), ErrorCode.PARAMETER_FIELD_ERROR),
        (T.REG_REQ, (), ErrorCode.MISSING_PARAMETER),
        (T.REG_REQ, (Parameter(Tag.ROUTING_KEY, b"1234"),), ErrorCode.PARAMETER_FIELD_ERROR),
        (T.DEREG_REQ, (), ErrorCode.MISSING_PARAMETER),
        (T.DATA, (), ErrorCode.MISSING_PARAMETER),
        (T.DATA, (Parameter(Tag.PROTOCOL_DATA, b"short"),), ErrorCode.PARAMETER_FIELD_ERROR),
        (T.ASPUP, (Parameter(Tag.ASP_IDENTIFIER, b"1"),), ErrorCode.PARAMETER_FIELD_ERROR),
    ],
)
def test_what_a_message_lacks_or_misstates_is_said(
    kind: MessageType, parameters: tuple[Parameter, ...], code: ErrorCode
) -> None:
    end = server().active_process(ONE)
    assert end.hear(kind, *parameters, name=ONE, stream=1 if kind is T.DATA else 0) == [T.ERR]
    assert end.error == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.PROTOCOL_ERROR),
        (b"\1\0\3\1\0\0", ErrorCode.PROTOCOL_ERROR),
        (b"\1\0\3\1\0\0\0\7", ErrorCode.PROTOCOL_ERROR),
        (b"\2\0\3\1\0\0\0\x08", ErrorCode.INVALID_VERSION),
        (b"\1\0\5\1\0\0\0\x08", ErrorCode.UNSUPPORTED_MESSAGE_CLASS),
        (b"\1\0\3\x7f\0\0\0\x08", ErrorCode.UNSUPPORTED_MESSAGE_TYPE),
        (b"\1\0\3\1\0\0\0\x0c\0\4\0\3", ErrorCode.PARAMETER_FIELD_ERROR),
    ],
)
def test_what_is_no_message_is_refused_with_its_first_octets(data: bytes, code: ErrorCode) -> None:
    end = server().active_process(ONE)
    assert end.take(data, name=ONE) == [T.ERR]
    assert end.error == code
    assert (end.sent[0].message.value(Tag.DIAGNOSTIC_INFORMATION) or b"") == data


def test_a_broken_err_is_not_answered() -> None:
    end = server().active_process(ONE)
    assert end.hear(T.ERR, name=ONE) == []
    assert end.take(b"\1\0\0\0\0\0\0\x0c\0\4\0\3", name=ONE) == []
    assert end.reading().refused == {"missing_parameter": 1, "parameter_field_error": 1}


# -- bounds and readings ----------------------------------------------------------------------------------------------


def test_a_link_has_so_many_associations_and_no_more() -> None:
    end = server()
    for at in range(MAX_ASSOCIATIONS):
        end.up(f"rb#{at + 1}")
        assert not end.dropped
    end.up("rb#99")
    assert end.dropped == ["rb#99"]
    assert end.hear(T.ASPUP, name="rb#99") == []
    end.down(ONE)
    end.up("rb#100")
    assert not end.dropped


def test_an_association_of_no_link_is_dropped() -> None:
    end = server()
    assert (end.up("other"), end.dropped) == ([], ["other"])
    assert end.hear(T.ASPUP, name="other#1") == end.down("other") == []


def test_a_silent_process_is_dropped() -> None:
    end = server(heartbeat_us=10 * SECOND)
    end.up(ONE)
    assert end.after(25 * SECOND) == [T.BEAT, T.BEAT]
    end.after(5 * SECOND)
    assert end.dropped == [ONE]


def test_readings_tell_what_was_sent_and_received() -> None:
    end = server(destinations=(OURS, OTHER)).active_process(ONE)
    up(end, TWO)
    end.send(OUT, "rb")
    end.data(IN, name=ONE)
    end.take(b"\1\0\5\1\0\0\0\x08", name=ONE)
    reading = end.reading()
    assert (reading.name, reading.state, reading.is_active) == ("rb", "active", True)
    assert reading.associations == ((ONE, "active"), (TWO, "inactive"))
    assert reading.received == {"aspup": 2, "aspac": 1, "data": 1, "other": 1}
    assert reading.sent == {"aspup_ack": 2, "ntfy": 3, "aspac_ack": 1, "data": 1, "err": 1}
    assert reading.refused == {"unsupported_message_class": 1}


def test_for_a_replay_a_process_is_active_and_no_timer_runs() -> None:
    end = server(heartbeat_us=SECOND)
    assert end.links.assume_up() == [Resumed(OURS)]
    assert end.links.assume_up() == []
    assert end.links.next_us is None
    assert end.send(OUT, "rb")
    assert to(end) == [ONE]
    end.data(IN, name=ONE)
    assert end.told == [IN]
