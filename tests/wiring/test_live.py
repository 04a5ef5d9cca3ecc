"""A gateway as it runs: real sockets, real files, a small configuration."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from small_gateway import (
    HOST_NUMBER,
    LOOPBACK,
    OTHER_PROVIDER_NUMBER,
    OUTSIDE_NUMBER,
    PROVIDER_NUMBER,
    UNCONFIRMED_NUMBER,
    Calls,
    Exchange,
    Switch,
    post,
)

from gateway.interconnection.trunk_groups import Address, Hop, Member, Supervision
from gateway.numbering.lerg_files import LergUnreadable
from gateway.operations.api_token import TOKEN_FILE, NoToken
from gateway.operations.configuration import Configuration
from gateway.operations.http_api import CannotServe
from gateway.records.call_records import RECORDS_FILE, read_calls
from gateway.records.call_rows import CallRecord
from gateway.records.database import DatabaseFileError
from gateway.records.journal import JOURNAL_FILE
from gateway.signalling.call import EndedBy
from gateway.transport.udp import open_socket
from gateway.wiring.live import Gateway, running


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


def records_of(exchange: Exchange) -> dict[str, CallRecord]:
    file = exchange.configuration.state_folder / RECORDS_FILE
    return {record.call_id: record for record in read_calls(file)}


async def get(gateway: Gateway, path: str) -> tuple[int, str]:
    host, port = gateway.operations_address
    async with ClientSession() as session, session.get(f"http://{host}:{port}{path}") as answer:
        return answer.status, await answer.text()


async def post_cutover(
    gateway: Gateway, trunk_group: str | None, *, ocn: str = "901A", token: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Cut a provider over; None: take its last step back."""
    route, to = ("/undo", {}) if trunk_group is None else ("/cutover", {"trunk_group": trunk_group})
    return await post(gateway, route, {"ocn": ocn, **to}, token=token)


async def test_a_call_is_admitted_end_to_end_and_recorded_with_provider_and_trunk_groups(exchange: Exchange) -> None:
    calls = Calls()
    async with running(exchange.configuration, observers=[calls]) as gateway:
        await exchange.set_up(gateway.address, "admitted")
        assert gateway.status()["calls_in_progress"] == 1
        groups = {group["name"]: group["calls_in_progress"] for group in gateway.status()["trunk_groups"]}
        assert groups == {"shared": 1, "dedicated": 0, "host": 1}  # it takes a circuit on both
        await exchange.hang_up(gateway.address, "admitted")
        assert (await calls.over("admitted")).ended_by is EndedBy.CALLER
        assert gateway.status()["calls_in_progress"] == 0
    record = records_of(exchange)["admitted"]
    assert (record.provider_ocn, record.provider_source, record.partner_ocn) == ("901A", "calling code", "7001")
    assert (record.trunk_group_in, record.trunk_group_out) == ("shared", "host")
    assert (record.outcome, record.final_status, record.ended_by) == ("ADMIT", 200, "caller")
    assert record.answered_at_us is not None
    assert record.at_us < record.answered_at_us


@pytest.mark.parametrize(
    ("calling", "called", "status", "check", "clause"),
    [
        (PROVIDER_NUMBER, OUTSIDE_NUMBER, "404", "footprint", "L9"),
        (UNCONFIRMED_NUMBER, HOST_NUMBER, "403", "admission", "L11"),
        (OUTSIDE_NUMBER, HOST_NUMBER, "403", "calling_code", "L1.4"),
    ],
)
async def test_a_call_that_breaks_a_clause_is_refused_and_recorded_with_it(
    exchange: Exchange, calling: str, called: str, status: str, check: str, clause: str
) -> None:
    async with running(exchange.configuration) as gateway:
        answer = await exchange.refused(gateway.address, "refused", calling=calling, called=called)
        assert answer.startswith(f"SIP/2.0 {status} ")
        assert f"{check} {clause}" in answer
    record = records_of(exchange)["refused"]
    assert (record.outcome, record.refused_by, record.trunk_group_out) == ("REFUSE", check, None)
    assert record.ended_by == "refusal"


async def test_a_call_from_an_address_of_no_trunk_group_is_refused(exchange: Exchange) -> None:
    async with running(
        replace(exchange.configuration, trunk_groups=exchange.configuration.trunk_groups[1:])
    ) as gateway:
        answer = await exchange.refused(gateway.address, "stranger")
        assert answer.startswith("SIP/2.0 403 ")
    assert records_of(exchange)["stranger"].trunk_group_in is None


async def test_what_the_gateway_did_can_be_read_over_http(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        assert gateway.policy.tables.row_faults == ()
        await exchange.set_up(gateway.address, "up")
        await exchange.refused(gateway.address, "refused", called=OUTSIDE_NUMBER)
        assert (await get(gateway, "/healthz"))[0] == 200
        assert (await get(gateway, "/readyz"))[0] == 200
        status, metrics = await get(gateway, "/metrics")
    assert status == 200
    lines = [line for line in metrics.splitlines() if not line.startswith("#")]
    assert any("footprint" in line and "OUTSIDE" in line and line.endswith(" 1.0") for line in lines)
    assert any("calls_in_progress" in line and "901A" in line and line.endswith(" 1.0") for line in lines)
    assert any(line.startswith("tollgate_lerg_rows") and line.endswith(" 5.0") for line in lines)


async def test_a_cut_over_moves_new_calls_leaves_established_ones_and_survives_a_restart(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await exchange.set_up(gateway.address, "established")
        status, said = await post_cutover(gateway, "dedicated")
        assert (status, said["trunk_group"], said["established_calls"]) == (200, "dedicated", 1)
        await _cut_over_is_in_force(exchange, gateway.address, "before")
        await exchange.hang_up(gateway.address, "established")
    async with running(exchange.configuration) as gateway:
        (step,) = gateway.status()["steps"]
        assert (step["ocn"], step["trunk_group"], step["who"], step["why"]) == (
            *("901A", "dedicated", "operator", "flood"),
        )
        await _cut_over_is_in_force(exchange, gateway.address, "after")
        assert (await post_cutover(gateway, None))[0] == 200
        await exchange.set_up(gateway.address, "back")
    recorded = records_of(exchange)
    assert recorded["established"].ended_by == "caller"
    assert recorded["before dedicated"].trunk_group_in == "dedicated"
    assert recorded["after shared"].refused_by == "trunk_group"
    assert recorded["back"].trunk_group_in == "shared"


async def _cut_over_is_in_force(exchange: Exchange, gateway: Address, when: str) -> None:
    """901A is taken on the dedicated group alone, and nobody else there."""
    answer = await exchange.refused(gateway, f"{when} shared")
    assert answer.startswith("SIP/2.0 403 Wrong Trunk Group\r\n")
    other = await exchange.refused(gateway, f"{when} other", calling=OTHER_PROVIDER_NUMBER, over=exchange.dedicated)
    assert other.startswith("SIP/2.0 403 Wrong Trunk Group\r\n")
    await exchange.set_up(gateway, f"{when} dedicated", over=exchange.dedicated)


@pytest.mark.parametrize(
    ("trunk_group", "ocn", "token", "status", "said"),
    [
        (
            *("dedicated", "901A", "wrong", 401),
            "the operations token is needed: Authorization: Bearer TOKEN, which is in api.token in the gateway's state",
        ),
        ("shared", "901A", None, 409, "shared is not a dedicated trunk group; there are: dedicated"),
        ("dedicated", "9740", None, 409, "9740 is not a provider"),
        (None, "901A", None, 409, "no step of 901A is in force"),
    ],
)
async def test_a_cut_over_that_cannot_be_taken_changes_nothing_and_says_why(
    exchange: Exchange, trunk_group: str | None, ocn: str, token: str | None, status: int, said: str
) -> None:
    async with running(exchange.configuration) as gateway:
        got, document = await post_cutover(gateway, trunk_group, ocn=ocn, token=token)
        assert (got, document["error"].startswith(said)) == (status, True), document
        assert gateway.status()["steps"] == []
    async with running(exchange.configuration) as gateway:
        assert gateway.status()["steps"] == []


async def test_draining_refuses_new_calls_takes_emergencies_and_ends_with_the_last_call(exchange: Exchange) -> None:
    calls = Calls()
    async with running(exchange.configuration, observers=[calls]) as gateway:
        await exchange.set_up(gateway.address, "established")
        draining = asyncio.create_task(gateway.drain(60))
        await asyncio.sleep(0)
        answer = await exchange.refused(gateway.address, "late")
        assert answer.startswith("SIP/2.0 503 ")
        assert "Retry-After:" in answer
        assert (await get(gateway, "/readyz"))[0] == 503
        exchange.partner.send("INVITE", gateway.address, "emergency", called="911")
        invite = await exchange.host.receive("INVITE sip:911@")
        exchange.host.answer(invite, "486 Busy Here", gateway.address)
        await exchange.host.receive("ACK ")
        await exchange.partner.receive("SIP/2.0 486 ")
        exchange.partner.send("ACK", gateway.address, "emergency", called="911", to_tag="b")
        assert not draining.done()
        await exchange.hang_up(gateway.address, "established")
        async with asyncio.timeout(10):
            await draining
    recorded = records_of(exchange)
    assert recorded["established"].ended_by == "caller"
    assert recorded["emergency"].emergency
    assert "late" not in recorded


async def test_draining_ends_only_when_the_last_bye_was_answered(exchange: Exchange) -> None:
    """Else the socket closes between the BYE and its 200, and the caller repeats it to nobody."""
    calls = Calls()
    async with running(exchange.configuration, observers=[calls]) as gateway:
        await exchange.set_up(gateway.address, "last")
        draining = asyncio.create_task(gateway.drain(60))
        exchange.partner.send("BYE", gateway.address, "last", to_tag="b", cseq=2)
        bye = await exchange.host.receive("BYE ")
        for _ in range(20):
            await asyncio.sleep(0)
        assert not draining.done()
        exchange.host.answer(bye, "200 OK", gateway.address)
        await exchange.partner.receive("SIP/2.0 200 ")
        await calls.over("last")
        async with asyncio.timeout(10):
            await draining


async def test_draining_gives_up_on_calls_that_do_not_end_and_records_them(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        await exchange.set_up(gateway.address, "endless")
        await gateway.drain(0.01)
        assert gateway.status()["draining"]
    record = records_of(exchange)["endless"]
    assert (record.ended_by, record.final_status) == ("shutdown", 200)


async def test_a_gateway_that_stops_records_more_calls_than_may_wait_for_the_disk(exchange: Exchange) -> None:
    async with running(replace(exchange.configuration, record_queue=1)) as gateway:
        for number in range(5):
            await exchange.set_up(gateway.address, f"endless-{number}")
    assert {record.ended_by for record in records_of(exchange).values()} == {"shutdown"}
    assert (gateway.recorder.written, gateway.recorder.lost) == (5, 0)


async def test_draining_without_calls_ends_at_once(exchange: Exchange) -> None:
    async with running(exchange.configuration) as gateway:
        async with asyncio.timeout(10):
            await gateway.drain(3_600)


async def test_a_tap_sees_what_the_gateway_reads_and_sends(exchange: Exchange) -> None:
    seen: list[tuple[Address, Address, bytes]] = []
    async with running(
        exchange.configuration,
        tap=lambda _at_us, source, target, data: seen.append((source.address, target.address, data[:6])),
    ) as gateway:
        await exchange.refused(gateway.address, "tapped", called=OUTSIDE_NUMBER)
        here = gateway.address
    partner = exchange.partner.address
    assert seen[:2] == [(partner, here, b"INVITE"), (here, partner, b"SIP/2.")]


async def test_the_state_folder_is_for_the_gateways_user_alone(exchange: Exchange) -> None:
    folder = exchange.configuration.state_folder
    async with running(exchange.configuration) as gateway:
        token = gateway.api_token()
    async with running(exchange.configuration) as gateway:
        assert gateway.api_token() == token
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (TOKEN_FILE, JOURNAL_FILE, RECORDS_FILE):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


async def test_a_gateway_that_cannot_start_leaves_nothing_open(exchange: Exchange) -> None:
    """Each fault in turn, and then a start on the same files and the same SIP port."""
    configuration = exchange.configuration
    with open_socket(LOOPBACK, 0) as probe:
        listen = (LOOPBACK, probe.getsockname()[1])
    configuration = replace(configuration, listen=(Hop(*listen),))
    state = configuration.state_folder
    state.mkdir()

    async def fails_with(error: type[Exception], **changed: Any) -> None:
        with pytest.raises(error):
            async with running(replace(configuration, **changed)):
                pytest.fail("it started")

    await fails_with(LergUnreadable, lerg_folder=state / "no-such")
    await fails_with(CannotServe, operations_listen=("192.0.2.1", 9464))
    await fails_with(FileNotFoundError, file=state / "no-such.toml")
    (state / TOKEN_FILE).write_bytes(b"")
    await fails_with(NoToken)
    (state / TOKEN_FILE).unlink()
    for name in (JOURNAL_FILE, RECORDS_FILE):
        kept = (state / name).read_bytes() if (state / name).exists() else None
        (state / name).write_bytes(b"something else, and no database of anybody's")
        await fails_with(DatabaseFileError)
        (state / name).unlink()
        if kept is not None:
            (state / name).write_bytes(kept)
    with open_socket(*listen):
        await fails_with(OSError)
    async with running(configuration) as gateway:
        await exchange.set_up(gateway.address, "after all")


def with_a_second_switch(exchange: Exchange, first: Switch, **supervision: int) -> Configuration:
    """The host's trunk group with another switch in front of the one that there is."""
    shared, dedicated, host = exchange.configuration.trunk_groups
    members = (Member(Hop(*first.address)), *(replace(member, priority=1) for member in host.members))
    host = replace(host, members=members, supervision=Supervision(**supervision))
    return replace(exchange.configuration, trunk_groups=(shared, dedicated, host))


async def test_a_call_goes_on_to_the_next_switch_and_status_metrics_and_records_say_so(exchange: Exchange) -> None:
    silent = Switch()
    configuration = with_a_second_switch(exchange, silent, failures=1, failover_us=200_000)
    calls = Calls()
    async with running(configuration, observers=(calls,)) as gateway:
        await exchange.set_up(gateway.address, "1")
        await silent.receive("INVITE ")
        host = json.loads((await get(gateway, "/status"))[1])["trunk_groups"][2]
        assert host["calls_in_progress"] == 1
        assert [(member["state"], member["calls_in_progress"]) for member in host["members"]] == [
            ("out of service", 0),
            ("in service", 1),
        ]
        assert 'tollgate_failovers_total{cause="timeout",trunk_group="host"} 1.0' in (await get(gateway, "/metrics"))[1]
        await exchange.hang_up(gateway.address, "1")
        await calls.over("1")
        await exchange.set_up(gateway.address, "2")  # at once: nobody waits for the silent one again
        await exchange.hang_up(gateway.address, "2")
        await calls.over("2")
        assert gateway.transport.faults == 0
    silent.socket.close()
    expected = str(Hop(*exchange.host.address))
    assert {record.egress_member for record in records_of(exchange).values()} == {expected}


async def test_a_switch_that_does_not_answer_probes_gets_no_call_until_it_does(exchange: Exchange) -> None:
    probed = Switch()
    configuration = with_a_second_switch(exchange, probed, probe_us=100_000, failures=1, failover_us=100_000)
    async with running(configuration) as gateway:
        first = gateway.proxy.members.by_hop[Hop(*probed.address)]
        options = await probed.receive("OPTIONS ")
        async with asyncio.timeout(10):
            while first.used:
                options = await probed.receive("OPTIONS ")
        probed.answer(await probed.receive("OPTIONS "), "200 OK", gateway.address)
        async with asyncio.timeout(10):
            while not first.used:
                probed.answer(options := await probed.receive("OPTIONS "), "200 OK", gateway.address)
        assert f"To: <sip:{LOOPBACK}:{probed.address[1]}>" in options
        assert gateway.transport.faults == 0
    probed.socket.close()
