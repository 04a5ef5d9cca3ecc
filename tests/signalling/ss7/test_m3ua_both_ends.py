"""A client and a server wired to one another: what both make of one association, and of several."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.m3ua import MessageType
from gateway.interconnection.links import LinkRole, TrafficMode
from gateway.signalling.ss7.m3ua_links import Paused, Resumed
from tests.signalling.ss7.m3ua_ends import OURS, SECOND, THEIRS, Wire, link, transfer

BACK = transfer(THEIRS, OURS)


def wire(
    processes: int = 1,
    *,
    mode: TrafficMode = TrafficMode.LOADSHARE,
    context: int | None = None,
    register: bool = False,
    heartbeat_us: int = 0,
) -> Wire:
    client = link(context=context, register=register, mode=mode, heartbeat_us=heartbeat_us)
    server_context = None if register else context
    server = link("rb", LinkRole.SERVER, context=server_context, mode=mode, heartbeat_us=heartbeat_us)
    return Wire(client, server, processes).connect()


@pytest.mark.parametrize(("context", "register"), [(None, False), (7, False), (None, True)])
def test_an_association_comes_up_and_carries_messages_both_ways(context: int | None, register: bool) -> None:
    both = wire(context=context, register=register)
    assert both.from_client(transfer())
    assert both.from_server(BACK)
    assert both.delivered == [("server", transfer()), ("rb#1", BACK)]
    assert both.news == [("server", Resumed(OURS)), ("rb#1", Resumed(THEIRS))]
    assert both.server.reading().state == both.names["rb#1"].reading().state == "active"
    assert not both.server.reading().refused
    assert not both.server.reading().errors


def test_the_messages_of_the_beginning_are_those_of_the_rfc() -> None:
    both = wire(register=True)
    assert [(who[0], kind.name) for who, kind in both.seen] == [
        (">", "ASPUP"),
        ("<", "ASPUP_ACK"),
        ("<", "NTFY"),
        (">", "REG_REQ"),
        ("<", "REG_RSP"),
        (">", "ASPAC"),
        ("<", "ASPAC_ACK"),
        ("<", "NTFY"),
        (">", "DAUD"),
        ("<", "DAVA"),
    ]


def test_a_client_leaves_in_order() -> None:
    both = wire(register=True)
    both.seen.clear()
    both.leave("rb#1")
    assert [kind.name for who, kind in both.seen if kind is not MessageType.NTFY] == [
        "ASPIA",
        "ASPIA_ACK",
        "DEREG_REQ",
        "DEREG_RSP",
        "ASPDN",
        "ASPDN_ACK",
    ]
    assert both.names["rb#1"].reading().state == "out of service"
    assert both.server.reading().state in ("pending", "down")
    both.after(3 * SECOND)
    assert both.server.reading().state == "down"
    assert ("server", Paused(OURS)) in both.news


def test_heartbeats_keep_a_silent_association_up() -> None:
    both = wire(heartbeat_us=30 * SECOND)
    for _ in range(20):
        both.after(10 * SECOND)
    assert both.server.reading().state == both.names["rb#1"].reading().state == "active"
    assert {MessageType.BEAT, MessageType.BEAT_ACK} <= {kind for _, kind in both.seen}


def test_processes_share_the_traffic_by_link_selection() -> None:
    both = wire(2)
    for sls in range(16):
        for _ in range(2):
            both.from_server(transfer(THEIRS, OURS, sls))
    by_process = {name: [one.sls for who, one in both.delivered if who == name] for name in both.names}
    assert {name: len(found) for name, found in by_process.items()} == {"rb#1": 16, "rb#2": 16}
    assert not set(by_process["rb#1"]) & set(by_process["rb#2"])


def test_in_override_mode_the_process_that_came_last_has_the_traffic() -> None:
    both = wire(2, mode=TrafficMode.OVERRIDE)
    assert [end.reading().state for end in both.names.values()] == ["standby", "active"]
    both.from_server(BACK)
    assert [who for who, _ in both.delivered] == ["rb#2"]


def test_the_process_in_standby_takes_over_where_the_active_one_is_lost() -> None:
    both = wire(2, mode=TrafficMode.OVERRIDE)
    both.disconnect("rb#2")
    assert both.names["rb#1"].reading().state == "active"
    assert both.from_server(BACK)
    assert [who for who, _ in both.delivered] == ["rb#1"]
    assert ("server", Paused(OURS)) not in both.news


def test_in_broadcast_mode_every_process_has_every_message() -> None:
    both = wire(2, mode=TrafficMode.BROADCAST)
    both.from_server(BACK)
    assert both.delivered == [("rb#1", BACK), ("rb#2", BACK)]


def test_a_lost_association_pauses_both_ends_and_a_new_one_resumes_them() -> None:
    both = wire()
    both.news.clear()
    both.disconnect("rb#1")
    assert both.news == [("rb#1", Paused(THEIRS))]
    both.after(3 * SECOND)
    assert both.news == [("rb#1", Paused(THEIRS)), ("server", Paused(OURS))]
    both.news.clear()
    both.connect()
    assert both.news == [("server", Resumed(OURS)), ("rb#1", Resumed(THEIRS))]


def test_what_is_sent_while_no_process_is_active_waits_for_the_next() -> None:
    both = wire()
    both.disconnect("rb#1")
    assert both.from_server(BACK)
    assert not both.delivered
    both.connect()
    assert both.delivered == [("rb#1", BACK)]


def test_both_ends_may_leave_at_once() -> None:
    both = wire()
    both.server.leave()
    both.leave("rb#1")
    both.after(60 * SECOND)
    assert both.server.reading().state == "down"
    assert both.names["rb#1"].reading().state == "out of service"
