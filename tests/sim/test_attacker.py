from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lab_cast import Cast

from sim.aiosip_compatibility import write_reply
from sim.attacks.attacker import Assault, Attacker
from sim.attacks.messages import Kind, Numbering
from sim.sip_text import SipText, read
from sim.sip_text import field as header
from sim.user_agents import AnswerPlan

CALLING = Numbering.from_number("+13145550000", 100)
CALLED = Numbering.from_number("+15735550123", 1)


def assault(**changes: Any) -> Assault:
    values: dict[str, Any] = {
        "target": ("127.0.0.1", 5060),
        "kind": Kind.CALLS,
        "messages": 60,
        "per_s": 2000.0,
        "calling": CALLING,
        "called": CALLED,
    }
    return Assault(**{**values, **changes})


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "localhost.example", "0.0.0.0", "::"])  # noqa: S104
def test_an_attack_goes_to_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        assault(target=(host, 5060))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1"])
def test_any_loopback_address_will_do(host: str) -> None:
    assert assault(target=(host, 5060)).target[0] == host


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("messages", {"messages": 0}),
        ("messages", {"messages": 10**6}),
        ("per_s", {"per_s": 10.0**6}),
        ("the time that it takes", {"messages": 1000, "per_s": 0.1}),
        ("settle_s", {"settle_s": 0.0}),
    ],
)
def test_every_bound_is_kept(name: str, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=name):
        assault(**changes)


async def test_no_more_ports_are_bound_than_allowed() -> None:
    with pytest.raises(ValueError, match="ports"):
        await Attacker().start(ports=100_000)


async def test_an_attack_ends_every_call_that_was_answered(cast: Cast) -> None:
    attacker = Attacker(tap=cast.log)
    cast.partner.serve("Riverbend", "SHARED", await attacker.start())
    report = await attacker.run(assault(target=cast.partner.access))
    assert await cast.switch.idle()
    attacker.close()
    assert (report.sent, report.statuses[200], report.ended, report.silent) == (60, 60, 60, 0)
    assert all(call.acked and call.released_by == "caller" for call in cast.switch.received)


async def test_calls_are_held_until_the_attack_is_over_where_it_says_so(cast: Cast) -> None:
    attacker = Attacker()
    await attacker.start()
    report = await attacker.run(assault(target=cast.switch.address, messages=10, hold_s=None))
    assert await cast.switch.idle()
    attacker.close()
    assert (report.held, report.ended) == (10, 10)


async def test_a_call_that_the_other_side_ends_is_over(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(hang_up_after_s=0.0)
    attacker = Attacker()
    await attacker.start()
    report = await attacker.run(assault(target=cast.switch.address, messages=5, hold_s=None, settle_s=0.2))
    assert await cast.switch.idle()
    attacker.close()
    assert report.ended == 5
    assert {call.released_by for call in cast.switch.received} == {"called"}


class AnsweringLate(asyncio.DatagramProtocol):
    """Answers the first call as soon as the second has hung up, and a BYE only when it comes again."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.waiting: list[tuple[SipText, Any]] = []
        self.byes: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, source: Any) -> None:
        message = read(data)
        assert message is not None
        if message.method == b"INVITE":
            self.waiting.append((message, source))
            if len(self.waiting) == 2:
                self._answer()
        elif message.method == b"BYE":
            again, of_call = data in self.byes, len(set(self.byes))
            self.byes.append(data)
            if again:
                self.transport.sendto(write_reply(message, 200, "OK", to_tag="late"), source)
            elif of_call == 0:
                self._answer()

    def _answer(self) -> None:
        message, source = self.waiting.pop()
        contact = header("Contact", f"<sip:late@127.0.0.1:{self.transport.get_extra_info('sockname')[1]}>")
        self.transport.sendto(write_reply(message, 200, "OK", to_tag="late", extra=(contact,)), source)


async def test_a_call_that_is_answered_while_the_others_end_is_ended_too_and_a_bye_that_is_lost_is_sent_again() -> None:
    loop = asyncio.get_running_loop()
    transport, late = await loop.create_datagram_endpoint(AnsweringLate, local_addr=("127.0.0.1", 0))
    attacker = Attacker()
    await attacker.start()
    target = transport.get_extra_info("sockname")[:2]
    report = await attacker.run(assault(target=target, messages=2, hold_s=30.0, settle_s=0.1))
    attacker.close()
    transport.close()
    assert (report.statuses[200], report.ended) == (2, 2)
    assert len(late.byes) == 4


async def test_a_refused_attack_is_acknowledged(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(provisional=(), status=503, phrase="Over Limit")
    attacker = Attacker()
    await attacker.start()
    report = await attacker.run(assault(target=cast.switch.address))
    assert await cast.switch.idle()
    attacker.close()
    assert report.statuses == {503: 60}
    assert all(call.acked for call in cast.switch.received)


async def test_the_calling_numbers_count_up_and_come_round_again(cast: Cast) -> None:
    attacker = Attacker()
    await attacker.start()
    numbers = Numbering.from_number("+13145550000", 3)
    await attacker.run(assault(target=cast.switch.address, messages=5, calling=numbers))
    attacker.close()
    callers = [call.invite.split(b"From: <sip:")[1][:12] for call in cast.switch.received]
    assert callers == [b"+13145550000", b"+13145550001", b"+13145550002", b"+13145550000", b"+13145550001"]


def test_numbers_of_several_blocks_come_in_turn_and_no_two_neighbours() -> None:
    numbers = Numbering(("13142063", "16366792"))
    made = [numbers.number(at) for at in range(6)]
    assert made == ["+13142063000", "+16366792000", "+13142063367", "+16366792367", "+13142063734", "+16366792734"]


def test_a_sequence_stays_within_its_thousands_block() -> None:
    with pytest.raises(ValueError, match="not in one thousands-block"):
        Numbering.from_number("+13145559990", 11)


class Listening(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.address = ("", 0)

    def connection_made(self, transport: Any) -> None:
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, _addr: tuple[Any, ...]) -> None:
        self.got.append(data)


@pytest.mark.parametrize(
    ("kind", "starts", "readable"),
    [
        (Kind.CALLS, b"INVITE sip:+15735550123@", True),
        (Kind.REPEATED_CALL, b"INVITE sip:+15735550123@", True),
        (Kind.REGISTER, b"REGISTER sip:", True),
        (Kind.OPTIONS, b"OPTIONS sip:", True),
        (Kind.BYE, b"BYE sip:", True),
        (Kind.CANCEL, b"CANCEL sip:", True),
        (Kind.ACK, b"ACK sip:", True),
        (Kind.RESPONSE, b"SIP/2.0 200 OK", True),
        (Kind.MALFORMED, b"INVITE sip:", False),
    ],
)
async def test_every_kind_sends_what_it_says(kind: Kind, starts: bytes, readable: bool) -> None:
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_datagram_endpoint(Listening, local_addr=("127.0.0.1", 0))
    attacker = Attacker()
    addresses = await attacker.start(ports=3)
    report = await attacker.run(assault(target=listening.address, kind=kind, messages=12, settle_s=0.1))
    attacker.close()
    transport.close()
    assert report.sent == 12
    assert len(set(addresses)) == 3
    assert all(data.startswith(starts) for data in listening.got)
    assert len(listening.got) == 12
    if readable:
        assert all(read(data) is not None for data in listening.got)
    assert (len(set(listening.got)) == 1) is (kind is Kind.REPEATED_CALL)
