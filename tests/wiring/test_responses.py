"""What a gateway does about what its detectors see: taken where it may, recommended where it may not, once (L8)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from scenes import AUTOMATIC, OCN, RECOMMENDING, Scene, scene
from small_gateway import HOST_NUMBER, OTHER_PROVIDER_NUMBER, PROVIDER_NUMBER, Exchange, post

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop
from gateway.records.database import UnavailableError
from gateway.records.evidence import faults_of
from gateway.records.journal import Entry, Kind, OperatorJournal
from gateway.wiring import denial_of_service, evidence
from gateway.wiring.live import running
from gateway.wiring.recommendations import WITHDRAW_AFTER_US
from gateway.wiring.responses import KEEP_AGAIN_US


@pytest.fixture(autouse=True)
def _looks_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denial_of_service, "LOOK_S", 3_600)


@pytest.fixture
def exchange(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path, getattr(request, "param", RECOMMENDING))
    yield exchange
    exchange.close()


automatic = pytest.mark.parametrize("exchange", [AUTOMATIC], indirect=True)


async def test_a_step_is_recommended_once_with_a_clock_and_waits(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await at.after(10)
        (waiting,) = at.waiting
        assert (waiting["step"], waiting["ocn"], waiting["overdue"]) == ("throttle", OCN, False)
        assert waiting["why"].startswith("scripted: 80 calls/s")
        assert waiting["detections"][0]["figures"] == {"calls_per_s": 80.0, "threshold": 10.0}
        assert at.state == "normal"
        await at.after(120)
        assert at.waiting[0]["overdue"] is True
        assert at.gateway.defence.figures().overdue == 1
        assert at.steps() == []


async def test_an_approved_recommendation_is_taken_and_is_not_made_again(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        status, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"], "why": "agreed"})
        assert (status, said["step"], said["approves"]) == (200, "throttle", waiting["number"])
        assert (at.state, at.waiting) == ("throttled", [])
        status, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        assert (status, said["error"]) == (
            409,
            f"{waiting['number']} is not a recommendation that waits; there are: none",
        )
        await at.after(10)
        assert at.waiting == []
        assert at.steps() == [("throttle", "operator")]


async def test_a_dismissed_recommendation_is_not_made_again_while_the_same_thing_goes_on(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        status, _ = await post(at.gateway, "/dismiss", {"recommendation": waiting["number"], "why": "a test call"})
        assert status == 200
        await at.after(20)
        assert at.waiting == []
        at.detector.flood = False
        await at.after(20)
        at.detector.flood = True
        await at.after(2)
        assert len(at.waiting) == 1  # another one


async def test_a_recommendation_that_nothing_calls_for_any_more_is_withdrawn(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        at.detector.flood = False
        await at.after(30)
        assert len(at.waiting) == 1
        await at.after(WITHDRAW_AFTER_US / 1e6)
        assert at.waiting == []
        (dismissal,) = at.entries(Kind.DISMISSAL)
        assert dismissal.who == "tollgate"
        assert dismissal.why.startswith("nothing has called for it since ")


async def test_a_step_that_an_operator_takes_overtakes_what_was_recommended(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert (await post(at.gateway, "/discontinue", {"ocn": OCN, "scope": "provider"}))[0] == 200
        assert at.waiting == []
        (dismissal,) = at.entries(Kind.DISMISSAL)
        assert dismissal.why.startswith("overtaken by entry ")
        await at.after(10)
        assert at.waiting == []


async def test_open_recommendations_survive_a_restart_and_are_withdrawn_if_nothing_calls_for_them(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (before,) = at.waiting
    async with scene(exchange) as at:
        (waiting,) = at.waiting
        assert (waiting["number"], waiting["decide_by"]) == (before["number"], before["decide_by"])
        at.detector.flood = True
        await at.after(4)
        assert [each["number"] for each in at.waiting] == [before["number"]]
        at.detector.flood = False
        await at.after(10)
        await at.after(WITHDRAW_AFTER_US / 1e6)
        assert at.waiting == []


@automatic
async def test_steps_are_taken_where_the_configuration_says_so_from_throttle_to_discontinuance(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert at.state == "throttled"
        await at.after(20)
        assert at.state == "throttled"
        await at.after(15)
        assert at.state == "discontinued"
        assert at.waiting == []
        assert at.steps() == [("throttle", "tollgate"), ("discontinue", "tollgate")]
        for entry in at.entries(Kind.STEP):
            assert entry.evidence is not None
            assert faults_of(exchange.configuration.state_folder, entry.evidence) == ()
        assert len(at.entries(Kind.NOTICE)) == 2
        await at.after(50)
        assert len(at.steps()) == 2


@automatic
@pytest.mark.parametrize("route", ["/undo", "/release"])
async def test_what_an_operator_takes_back_is_not_done_again_while_the_same_thing_goes_on(
    exchange: Exchange, route: str
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        assert (await post(at.gateway, route, {"ocn": OCN, "why": "a sale, announced"}))[0] == 200
        await at.after(60)
        assert at.state == "normal"
        assert at.waiting == []
        at.detector.flood = False
        await at.after(20)
        at.detector.flood = True
        await at.after(2)
        assert at.state == "throttled"


@automatic
async def test_a_discontinuance_that_was_undone_is_not_taken_again_while_the_same_thing_goes_on(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        await at.after(35)
        assert at.state == "discontinued"
        assert (await post(at.gateway, "/undo", {"ocn": OCN, "why": "too much"}))[0] == 200
        await at.after(35)
        await at.after(35)
        assert at.state == "throttled"


@automatic
async def test_the_throttle_of_an_operator_is_not_lifted_by_the_gateway_but_for_one_it_recommended(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        assert (await post(at.gateway, "/throttle", {"ocn": OCN}))[0] == 200
        await at.after(110)
        assert at.state == "throttled"
        (waiting,) = at.waiting
        assert waiting["step"] == "release"
        assert (await post(at.gateway, "/approve", {"recommendation": waiting["number"]}))[0] == 200
        assert at.state == "normal"


async def test_a_step_names_only_a_recommendation_of_that_very_step(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        number = at.waiting[0]["number"]
        status, said = await post(at.gateway, "/discontinue", {"ocn": OCN, "scope": "provider", "approves": number})
        assert (status, said["error"]) == (
            409,
            f"recommendation {number} is to throttle {OCN}: it is not what you ask for",
        )
        assert (await post(at.gateway, "/throttle", {"ocn": OCN, "approves": number}))[0] == 200
        assert at.waiting == []


@automatic
async def test_a_throttle_is_lifted_when_nothing_was_seen_for_the_set_time(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        at.detector.flood = False
        await at.after(95)
        assert at.state == "throttled"
        await at.after(10)
        assert at.state == "normal"
        assert at.steps() == [("throttle", "tollgate"), ("release", "tollgate")]


async def test_a_flood_of_nobody_known_has_no_step_but_advice(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = at.detector.spoofed = True
        await at.after(10)
        assert at.waiting == []
        alerts = at.responses._calls.watch.active
        assert len(alerts) == 1
        assert "cannot be laid to one provider" in str(at.responses.advice_on(alerts[0]))
        assert [entry.body["subject"]["name"] for entry in at.entries(Kind.ALERT)] == ["shared"]


async def test_alerts_on_carriers_that_nobody_has_configured_do_not_fill_the_journal(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.carriers = (OCN, *(Ocn(f"Z{number:03}") for number in range(200)))
        at.detector.flood = True
        await at.after(2)
        assert len(at.responses._calls.watch.active) == 201  # /status and the log have them
        assert [entry.subject for entry in at.entries(Kind.ALERT)] == [OCN]


async def test_an_alert_that_comes_and_goes_is_in_the_journal_once_in_ten_minutes(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        for _ in range(12):
            at.detector.flood = True
            await at.after(4)
            at.detector.flood = False
            await at.after(10)
        assert [" is raised: " in entry.why for entry in at.entries(Kind.ALERT)] == [True, False]
        await at.after(KEEP_AGAIN_US / 1e6)
        at.detector.flood = True
        await at.after(4)
        assert len(at.entries(Kind.ALERT)) == 3


async def test_an_alert_that_is_over_says_that_its_figures_are_past(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tollgate")
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(4)
        at.detector.flood = False
        await at.after(10)
        raised, cleared = (entry.why for entry in at.entries(Kind.ALERT))
        assert " is raised: " in raised
        assert re.fullmatch(r"\w+ is cleared \(at its last: .+\)", cleared)
        assert any(message.endswith(cleared.split(" ", 1)[1]) for message in caplog.messages)


async def test_what_was_dropped_unread_of_strangers_raises_an_alert(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        proxy, watch = gateway.proxy, gateway.defence.calls.watch
        for number in range(400):
            proxy.receive(b"nonsense", Hop("203.0.113.9", 10_000 + number), gateway.clock.now_us())
        assert proxy.counters.unwelcome > 300
        await gateway.defence.look()
        gateway.clock._offset_ns += 2 * 10**9
        await gateway.defence.look()
        assert "stranger_flood source 203.0.113.9" in {f"{a.peak.detector} {a.peak.subject}" for a in watch.active}


async def test_evidence_has_the_calls_and_messages_of_the_time(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await exchange.refused(at.gateway.address, "over-there", called="+18165550100")
        await exchange.set_up(at.gateway.address, "up")
        await exchange.hang_up(at.gateway.address, "up")
        at.gateway.recorder.take_all()
        at.detector.flood = True
        await at.after(2)
        (entry,) = at.entries(Kind.RECOMMENDATION)
        assert entry.evidence is not None
        folder = exchange.configuration.state_folder / "evidence" / entry.evidence["id"]
        document = json.loads((folder / "evidence.json").read_text())
        assert document["ocn"] == OCN
        assert document["detections"][0]["detector"] == "scripted"
        assert b"INVITE sip:" in (folder / "attack.pcapng").read_bytes()


def bundle_of(exchange: Exchange, name: str) -> tuple[dict[str, Any], bytes]:
    """The document and the messages of a bundle."""
    folder = exchange.configuration.state_folder / "evidence" / name
    return json.loads((folder / "evidence.json").read_text()), (folder / "attack.pcapng").read_bytes()


async def test_what_is_approved_later_has_evidence_of_what_was_seen_since(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        await exchange.refused(at.gateway.address, "since-then", called="+18165550100")
        at.gateway.recorder.take_all()
        await at.after(60)
        status, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        assert (status, said["approves"]) == (200, waiting["number"])
        assert said["evidence"] != waiting["evidence"]
        (step,) = at.entries(Kind.STEP)
        assert step.evidence is not None
        assert faults_of(exchange.configuration.state_folder, step.evidence) == ()
        document, packets = bundle_of(exchange, said["evidence"])
        assert document["recommendation"] == {"entry": waiting["number"], "evidence": waiting["evidence"]}
        assert document["from"] <= waiting["at"]
        assert b"since-then" in packets
        assert b"since-then" not in bundle_of(exchange, waiting["evidence"])[1]


async def test_what_is_approved_when_it_is_over_has_the_evidence_of_the_recommendation(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        at.detector.flood = False
        await at.after(20)
        status, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        assert (status, said["evidence"]) == (200, waiting["evidence"])


async def test_what_cannot_be_shown_of_the_time_since_leaves_the_evidence_of_the_recommendation(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        monkeypatch.setattr(evidence, "LONGEST_S", 0.0)
        status, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        assert (status, said["evidence"]) == (200, waiting["evidence"])


async def test_a_recommendation_that_waited_for_days_has_evidence_of_its_last_minutes(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        await at.after(200_000)
        _, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        document, _ = bundle_of(exchange, said["evidence"])
        shown = datetime.fromisoformat(document["to"]) - datetime.fromisoformat(document["from"])
        assert abs(shown.total_seconds() - evidence.MOST_BACK_US / 1e6) < 1


@pytest.mark.parametrize("exchange", [f"{RECOMMENDING}evidence_bundles = 3\n"], indirect=True)
async def test_the_evidence_of_a_recommendation_is_kept_as_that_of_its_step_is(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        at.detector.flood = True
        await at.after(2)
        (waiting,) = at.waiting
        _, said = await post(at.gateway, "/approve", {"recommendation": waiting["number"]})
        other = {"ocn": "902B"}
        for _ in range(3):
            assert (await post(at.gateway, "/throttle", other))[0] == 200
            assert (await post(at.gateway, "/release", other))[0] == 200
        there = {path.name for path in (exchange.configuration.state_folder / "evidence").iterdir()}
        assert {waiting["evidence"], said["evidence"]} < there


async def test_a_step_is_taken_without_evidence_that_takes_too_long(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(evidence, "LONGEST_S", 0.0)
    async with scene(exchange) as at:
        assert (await discontinue(at))["evidence"] is None
        assert at.state == "discontinued"
    assert "does not wait for its evidence" in caplog.text


@pytest.mark.parametrize("exchange", [f"{RECOMMENDING}evidence_bundles = 3\n"], indirect=True)
async def test_who_is_throttled_often_uses_up_nobodys_room_for_evidence(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        discontinued = (await discontinue(at))["evidence"]
        assert (await post(at.gateway, "/undo", {"ocn": OCN}))[0] == 200
        for _ in range(5):
            status, said = await post(at.gateway, "/throttle", {"ocn": OCN})
            assert (status, said["evidence"] is not None) == (200, True)
            assert (await post(at.gateway, "/release", {"ocn": OCN}))[0] == 200
        there = {path.name for path in (exchange.configuration.state_folder / "evidence").iterdir()}
        assert {discontinued, said["evidence"]} <= there
        assert len(there) == 3


async def test_where_numbers_are_masked_no_evidence_shows_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_GATEWAY__MASK_NUMBERS", "true")
    exchange = Exchange(tmp_path, RECOMMENDING)
    async with scene(exchange) as at:
        await exchange.refused(at.gateway.address, "over-there", called="+18165550100")
        at.detector.flood = True
        await at.after(2)
        (entry,) = at.entries(Kind.RECOMMENDATION)
        assert "3145550100" not in json.dumps([entry.body, entry.why, at.gateway.status()])
        assert entry.evidence is not None
        folder = exchange.configuration.state_folder / "evidence" / entry.evidence["id"]
        assert "3145550100" not in "".join(file.read_text() for file in folder.iterdir())
        assert not (folder / "attack.pcapng").exists()
    exchange.close()


async def discontinue(at: Scene, scope: str = "provider", **more: object) -> dict[str, Any]:
    status, said = await post(at.gateway, "/discontinue", {"ocn": OCN, "scope": scope, **more})
    assert status == 200
    return said


async def test_a_removal_is_observed_when_it_is_attested_and_nothing_was_seen_for_the_set_time(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        await discontinue(at)
        await at.after(200)
        assert at.state == "discontinued"  # nobody has attested it
        assert (await post(at.gateway, "/remediate", {"ocn": OCN}))[0] == 200
        await at.after(1)
        assert at.state == "remediated"
        assert at.steps()[-1] == ("clear", "tollgate")
        assert (await post(at.gateway, "/restore", {"ocn": OCN}))[0] == 200
        assert at.state == "restored"


async def test_a_call_of_the_provider_puts_the_observation_off_and_an_emergency_call_does_not(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        await discontinue(at)
        assert (await post(at.gateway, "/remediate", {"ocn": OCN}))[0] == 200
        watching = at.gateway.defence.calls
        await at.gateway.defence.look()
        at.gateway.clock._offset_ns += 80 * 10**9
        answer = await exchange.refused(at.gateway.address, "late")
        assert answer.startswith("SIP/2.0 403 Traffic Discontinued")
        late_us = watching.seen_us(OCN)
        at.gateway.clock._offset_ns += 80 * 10**9
        await exchange.set_up(at.gateway.address, "help", called="911")
        await at.gateway.defence.look()
        assert watching.seen_us(OCN) == late_us
        assert at.state == "discontinued"
        at.gateway.clock._offset_ns += 11 * 10**9
        await at.gateway.defence.look()
        assert at.state == "remediated"


async def test_a_provider_whose_calls_are_still_up_is_not_gone(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await exchange.set_up(at.gateway.address, "long")
        await discontinue(at)
        assert (await post(at.gateway, "/remediate", {"ocn": OCN}))[0] == 200
        await at.after(200)
        assert at.state == "discontinued"
        await exchange.hang_up(at.gateway.address, "long")
        await at.after(80)
        assert at.state == "discontinued"
        await at.after(20)
        assert at.state == "remediated"


async def test_established_calls_of_a_provider_are_ended_at_once_where_it_is_so_ordered(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await exchange.set_up(at.gateway.address, "offender")
        await exchange.set_up(at.gateway.address, "innocent", calling=OTHER_PROVIDER_NUMBER)
        await discontinue(at, drain_seconds=0)
        bye = await exchange.host.receive("BYE ")
        assert "Call-ID: offender\r\n" in bye
        await exchange.partner.receive("BYE ")
        assert at.gateway.calls_in_progress == 1


async def test_established_calls_end_when_their_time_is_up_with_the_partners_others_in_its_scope(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        await exchange.set_up(at.gateway.address, "offender")
        await exchange.set_up(at.gateway.address, "other", calling=OTHER_PROVIDER_NUMBER)
        await exchange.set_up(at.gateway.address, "emergency", called="911")
        said = await discontinue(at, "partner", drain_seconds=60)
        assert said["established_calls"] == 2  # the emergency call is never ended
        (drain,) = at.gateway.status()["denial_of_service"]["drains"]
        assert drain["ocn"] == OCN
        at.gateway.clock._offset_ns += 59 * 10**9
        await at.gateway.defence.look()
        assert at.gateway.calls_in_progress == 3
        at.gateway.clock._offset_ns += 2 * 10**9
        await at.gateway.defence.look()
        assert at.gateway.calls_in_progress == 1  # 911
        assert at.gateway.status()["denial_of_service"]["drains"] == []


async def test_a_step_that_was_undone_before_its_time_ends_no_call(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        await exchange.set_up(at.gateway.address, "offender")
        await discontinue(at, drain_seconds=60)
        assert (await post(at.gateway, "/undo", {"ocn": OCN}))[0] == 200
        assert at.gateway.status()["denial_of_service"]["drains"] == []
        at.gateway.clock._offset_ns += 61 * 10**9
        await at.gateway.defence.look()
        assert at.gateway.calls_in_progress == 1


async def test_a_cut_over_with_force_ends_the_providers_calls_on_the_shared_group(
    exchange: Exchange,
) -> None:
    async with scene(exchange) as at:
        await exchange.set_up(at.gateway.address, "offender")
        await exchange.set_up(at.gateway.address, "innocent", calling=OTHER_PROVIDER_NUMBER)
        status, _ = await post(at.gateway, "/cutover", {"ocn": OCN, "trunk_group": "dedicated", "drain_seconds": 0})
        assert status == 200
        assert at.gateway.calls_in_progress == 1
        assert "Call-ID: offender\r\n" in await exchange.host.receive("BYE ")
        await exchange.set_up(at.gateway.address, "own", calling=PROVIDER_NUMBER, over=exchange.dedicated)
        assert at.gateway.calls_in_progress == 2


async def test_calls_to_a_provider_are_ended_as_those_from_it_are(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        gateway = at.gateway.address
        call = {"calling": HOST_NUMBER, "called": PROVIDER_NUMBER}
        exchange.host.send("INVITE", gateway, "to-it", **call)
        exchange.partner.answer(await exchange.partner.receive("INVITE "), "200 OK", gateway)
        await exchange.host.receive("SIP/2.0 200 ")
        exchange.host.send("ACK", gateway, "to-it", to_tag="b", **call)
        await exchange.partner.receive("ACK ")
        said = await discontinue(at, drain_seconds=0)
        assert said["established_calls"] == 1
        assert "Call-ID: to-it\r\n" in await exchange.partner.receive("BYE ")
        assert "Call-ID: to-it\r\n" in await exchange.host.receive("BYE ")
        assert at.gateway.calls_in_progress == 0


async def test_a_provider_cut_over_with_force_loses_the_calls_to_it_on_the_shared_group(exchange: Exchange) -> None:
    async with scene(exchange) as at:
        gateway = at.gateway.address
        call = {"calling": HOST_NUMBER, "called": PROVIDER_NUMBER}
        exchange.host.send("INVITE", gateway, "to-it", **call)
        exchange.partner.answer(await exchange.partner.receive("INVITE "), "200 OK", gateway)
        await exchange.host.receive("SIP/2.0 200 ")
        exchange.host.send("ACK", gateway, "to-it", to_tag="b", **call)
        await exchange.partner.receive("ACK ")
        fields = {"ocn": OCN, "trunk_group": "dedicated", "drain_seconds": 0}
        status, said = await post(at.gateway, "/cutover", fields)
        assert (status, said["established_calls"]) == (200, 1)
        assert at.gateway.calls_in_progress == 0


async def test_a_bundle_is_not_written_again_for_a_step_that_cannot_be_taken(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(exchange) as at:
        monkeypatch.setattr(OperatorJournal, "append_recommendation", _cannot_be_written)
        at.detector.flood = True
        await at.after(2)
        await at.after(30)
        assert at.waiting == []
        assert len(list((exchange.configuration.state_folder / "evidence").iterdir())) == 1
        monkeypatch.undo()
        monkeypatch.setattr(denial_of_service, "LOOK_S", 3_600)
        await at.after(1)
        assert len(at.waiting) == 1


def _cannot_be_written(*_: object, **__: object) -> Entry:
    raise UnavailableError("journal.db: disk is full")
