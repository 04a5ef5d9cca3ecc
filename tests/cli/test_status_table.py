"""The status as people read it, row by row."""

from __future__ import annotations

from typing import Any

import click
import pytest

from gateway.cli.status_table import MOST_NORMAL, lines_of

NOW, NOON = "2026-01-15T15:30:00.000+00:00", "2026-01-15T12:00:00.000+00:00"


def provider(ocn: str, state: str = "normal", **more: Any) -> dict[str, Any]:
    standing = {"state": state, "since": None, "scope": None, "trunk_group": None, "attested": None} | more
    limit = {"sustained_per_s": 2.5, "burst": 10, "in_progress": 20}
    held_to = {"sustained_per_s": 1, "burst": 5, "in_progress": 10}
    return {
        "ocn": ocn,
        "name": f"Provider {ocn}",
        "standing": standing,
        "calls_in_progress": 3,
        "limit": limit,
        "throttled_limit": held_to,
        "not_enforced_on": [],
        "refused_for": None,
    }


def group(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "side": "partner",
        "carrier": "7001",
        "dedicated": False,
        "mode": "enforce",
        "kept_for": None,
        "refused_for": None,
        "limit": None,
        "source_limit": None,
        "calls_in_progress": 4,
        "capacity": 24,
        "members": [{"state": "in service"}, {"state": "out of service"}],
    } | more


def status(**more: Any) -> dict[str, Any]:
    of_l8 = {"automatic": [], "alerts": [], "recommendations": [], "drains": []}
    return {
        "version": "1.2.3",
        "now": NOW,
        "since": NOON,
        "draining": False,
        "calls_in_progress": 1,
        "sip": ["udp:192.0.2.1:5060"],
        "denial_of_service": of_l8 | more.pop("denial_of_service", {}),
        "providers": [],
        "partners": [],
        "trunk_groups": [],
        "links": [],
        "notices": {"pending": 0, "delivered": 2, "failed": 0, "not_delivered": []},
        "records": {"written": 7, "lost": 0},
        "socket_drops": 0,
        "journal": "3:abc",
        "journal_faults": [],
        "at_odds": [],
    } | more


def table(**more: Any) -> list[str]:
    return [click.unstyle(line) for line in lines_of(status(**more))]


def row(lines: list[str], start: str) -> str:
    (found,) = (line for line in lines if line.split()[:1] == [start])
    return " ".join(found.split())


def test_a_quiet_gateway_takes_few_lines() -> None:
    assert table() == [
        "tollgate 1.2.3  up 3 h 30 min  1 call up  udp:192.0.2.1:5060",
        "",
        "notices: 2 delivered, 0 pending, 0 failed",
        "steps that the gateway takes by itself: none",
        "records: 7 written  journal: 3:abc",
    ]


@pytest.mark.parametrize(
    ("stands", "says"),
    [
        ({}, "normal 3 up limit 2.5/s, burst 10, 20 at once"),
        (
            {"state": "throttled", "since": "2026-01-15T15:29:00.000+00:00"},
            "throttled for 60 s 3 up limit 1/s, burst 5, 10 at once",
        ),
        ({"state": "discontinued", "since": NOON, "scope": "provider"}, "20 at once its traffic is refused"),
        (
            {"state": "discontinued", "since": NOON, "scope": "partner", "attested": NOW},
            "everything of its partner is refused, removal attested",
        ),
        ({"state": "restored", "since": NOON}, "20 at once refused on shared trunk groups"),
        (
            {"state": "dedicated", "since": "2026-01-10T12:00:00.000+00:00", "trunk_group": "own"},
            "dedicated for 5 d 3 h",
        ),
        ({"state": "dedicated", "since": NOON, "trunk_group": "own"}, "on own only"),
    ],
)
def test_a_provider_is_a_row_that_says_how_it_stands(stands: dict[str, Any], says: str) -> None:
    assert says in row(table(providers=[provider("901A", **stands)]), "901A")


def test_who_is_refused_because_of_another_provider_says_so() -> None:
    stands = {"state": "dedicated", "since": NOON, "trunk_group": "own"}
    partner = {"ocn": "7001", "name": "Partner", "limit": None, "refused_for": "901A"}
    lines = table(
        providers=[
            provider("902B") | {"refused_for": "901A"},
            provider("903C", **stands) | {"refused_for": "901A"},
        ],
        partners=[partner, partner | {"ocn": "7002", "refused_for": None}],
        trunk_groups=[group("shared", refused_for="901A")],
    )
    assert row(lines, "902B").endswith("20 at once refused because of 901A")
    assert row(lines, "903C").endswith("on own only; refused because of 901A")
    assert row(lines, "shared").endswith("in use refused because of 901A")
    assert row(lines, "7001") == "7001 Partner no limit refused because of 901A"
    assert not any(line.split()[:1] == ["7002"] for line in lines)


def test_limits_of_partners_and_trunk_groups_are_shown_where_there_are_any() -> None:
    limit = {"sustained_per_s": 30, "burst": 60, "in_progress": 100}
    lines = table(
        partners=[{"ocn": "7001", "name": "Partner", "limit": limit, "refused_for": None}],
        trunk_groups=[group("rb-1", limit=limit, source_limit=limit | {"burst": 9}), group("rb-2", source_limit=limit)],
    )
    assert row(lines, "7001") == "7001 Partner limit 30/s, burst 60, 100 at once"
    assert row(lines, "rb-1").endswith("limit 30/s, burst 60, 100 at once; of each source 30/s, burst 9, 100 at once")
    assert row(lines, "rb-2").endswith("in use of each source 30/s, burst 60, 100 at once")


@pytest.mark.parametrize(("count", "said"), [(1, "1 fault in the journal: "), (2, "2 faults in the journal: ")])
def test_faults_of_the_journal_are_counted(count: int, said: str) -> None:
    assert table(journal_faults=["entry 3 was changed"] * count)[-1].startswith(said)


def test_no_line_ends_in_spaces() -> None:
    every = [group("shared", refused_for="901A"), group("own", mode="monitor"), group("host", side="host")]
    assert [line for line in table(trunk_groups=every) if line != line.rstrip()] == []


def test_a_long_reason_is_cut_on_a_terminal_only() -> None:
    why = "short_calls: " + "x" * 300
    alert = {
        "detector": "short_calls",
        "subject": {"kind": "provider", "name": "901A"},
        "trunk_group": None,
        "raised": NOON,
        "text": why + "\x1b[2J",
        "advice": None,
        "declined": None,
    }
    seen = status(denial_of_service={"alerts": [alert]}, at_odds=["y" * 400])
    cut, whole = ([click.unstyle(line) for line in lines_of(seen, whole=whole)] for whole in (False, True))
    assert any(line.endswith("x…") for line in cut)
    assert any(line.endswith(f"{why}?[2J") for line in whole)
    assert "y" * 400 in whole


def test_it_is_said_where_what_is_in_force_is_not_enforced() -> None:
    stands = provider("901A", "discontinued", since=NOON, scope="provider")
    lines = table(
        providers=[stands | {"not_enforced_on": ["rb-1 (monitor)", "rb-2 (off)"]}],
        trunk_groups=[group("rb-1", mode="monitor")],
    )
    assert "    NOT enforced on rb-1 (monitor), rb-2 (off)" in lines
    assert "mode monitor" in row(lines, "rb-1")


def test_of_many_providers_those_that_are_not_normal_are_always_shown() -> None:
    many = [provider(f"A{number:03}") for number in range(200)]
    many.append(provider("Z999", "throttled", since=NOON))
    lines = table(providers=many)
    assert "throttled" in row(lines, "Z999")
    assert len([line for line in lines if " normal " in line]) == MOST_NORMAL
    assert f"  and {200 - MOST_NORMAL} more that are normal" in " ".join(lines)


def test_calls_that_will_be_ended_are_a_row_with_the_time() -> None:
    lines = table(denial_of_service={"drains": [{"ocn": "901A", "step": "discontinue", "calls_end": NOON}]})
    assert row(lines, "901A").startswith("901A discontinue at ")


def test_notices_that_were_tried_in_vain_are_shown_with_the_reason() -> None:
    notice = {"recipient": "Ann Lee", "subject": "s", "channel": "webhook", "attempts": 1, "next": None}
    many = [notice | {"notice": f"notice-{n}", "state": "pending", "reason": "busy"} for n in range(9)]
    many.append(notice | {"notice": "notice-new", "state": "pending", "reason": None})
    many.append(notice | {"notice": "notice-lost", "state": "failed", "reason": "it was answered 404 Not Found"})
    lines = table(notices={"pending": 10, "delivered": 0, "failed": 1, "not_delivered": many})
    assert row(lines, "notice-lost") == "notice-lost failed by webhook Ann Lee it was answered 404 Not Found"
    assert len([line for line in lines if line.startswith("  notice-")]) == 5


def test_what_waits_for_an_operator_comes_first_with_the_number_to_approve() -> None:
    waiting = {
        "number": 17,
        "step": "discontinue",
        "ocn": "901A",
        "scope": "provider",
        "why": "invite_flood: 80 calls/s",
        "decide_by": NOW,
        "waits_seconds": 130,
        "overdue": False,
    }
    lines = table(denial_of_service={"recommendations": [waiting, waiting | {"number": 18, "overdue": True}]})
    assert lines[2] == "recommended"
    assert row(lines, "17").startswith("17 discontinue 901A, scope provider waits 2 min, decide by ")
    assert row(lines, "17").endswith("invite_flood: 80 calls/s")
    assert "overdue since" in row(lines, "18")


def test_an_alert_says_who_since_when_and_what() -> None:
    alert = {
        "detector": "invite_flood",
        "subject": {"kind": "provider", "name": "901A"},
        "trunk_group": "shared",
        "raised": "2026-01-15T15:29:18.000+00:00",
        "text": "80 calls/s over the last 10 s \x1b[2J" + "x" * 100,
        "advice": "the limits of trunk group and source hold; have the partner find the sender",
        "declined": None,
    }
    lines = table(denial_of_service={"alerts": [alert]})
    (line,) = (line for line in lines if "invite_flood" in line)
    assert line.startswith("  invite_flood  provider 901A on shared  for 42 s  80 calls/s over the last 10 s ?[2Jxxx")
    assert line.endswith("…")
    assert lines[lines.index(line) + 1] == f"    {alert['advice']}"


def test_an_alert_says_by_whom_its_step_was_declined_and_when() -> None:
    alert = {
        "detector": "invite_flood",
        "subject": {"kind": "provider", "name": "901A"},
        "trunk_group": None,
        "raised": NOON,
        "text": "80 calls/s",
        "advice": None,
        "declined": {"at": "2026-01-15T15:25:00.000+00:00", "who": "NOC", "how": "undo", "entry": 17},
    }
    lines = table(denial_of_service={"alerts": [alert]})
    (line,) = (line for line in lines if "declined" in line)
    assert line.startswith("    declined by NOC at ")
    assert line.endswith(", 5 min ago (undo, entry 17)")


def test_a_trunk_group_says_its_calls_its_members_and_for_whom_it_is_kept() -> None:
    reachable = {"reachable": True, "blocked": {"operator": False}}
    blocked = {"reachable": False, "blocked": {"operator": True}}
    lines = table(
        trunk_groups=[
            group("shared"),
            group("own", dedicated=True, kept_for="901A", capacity=None),
            group("empty", dedicated=True),
            group("circuits", circuits=reachable),
            group("shut", circuits=blocked),
        ]
    )
    assert row(lines, "shared") == "shared partner 7001 4 of 24 up 1 of 2 members in use"
    assert row(lines, "own") == "own partner 7001 4 up 1 of 2 members in use kept for 901A"
    assert row(lines, "empty").endswith("kept for nobody yet")
    assert row(lines, "circuits").endswith("exchange reachable")
    assert row(lines, "shut").endswith("exchange unreachable blocked by an operator")


def test_a_link_that_is_down_says_why() -> None:
    link = {"name": "rb-a", "role": "client", "address": "192.0.2.7:2905", "state": "down"}
    lines = table(
        links=[
            link | {"last_error": {"text": "cannot be reached", "at": NOW}},
            link | {"name": "rb-b", "state": "active", "last_error": None},
        ]
    )
    assert row(lines, "rb-a") == "rb-a client 192.0.2.7:2905 down cannot be reached"
    assert row(lines, "rb-b") == "rb-b client 192.0.2.7:2905 active"


def test_what_is_lost_is_said_last() -> None:
    lines = table(
        notices={"pending": 1, "delivered": 0, "failed": 2, "not_delivered": []},
        records={"written": 7, "lost": 4},
        socket_drops=12,
        denial_of_service={"automatic": ["throttle"]},
        draining=True,
    )
    assert lines[0].endswith("draining: no new calls are taken")
    assert lines[-4:] == [
        "notices: 0 delivered, 1 pending, 2 failed",
        "steps that the gateway takes by itself: throttle",
        "the kernel dropped 12 datagrams: more came than this machine takes in",
        "records: 7 written, 4 lost  journal: 3:abc",
    ]
