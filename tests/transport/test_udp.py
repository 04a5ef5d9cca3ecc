"""SIP over UDP, on real sockets: what comes in goes out, and nothing that fails stops the rest."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import pytest
from peers import LOOPBACK, Listener, Peer, ScriptedProxy, transport_of

from gateway.codecs.sip import SipMessage, headers
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import Address, Hop, Member, Side, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.call_attempt import CallAttempt, NumberFact, OcnSource
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Decision, Outcome
from gateway.signalling.call import Action, Call, Decided, Ended, Progressed, Send
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.signalling.transactions import TimerSettings
from gateway.transport.clock import Clock
from gateway.transport.datagrams import MOST as BATCH
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.message_counts import MessageCounts
from gateway.transport.udp import BATCHES, RECEIVE_BUFFER_BYTES, UdpCarrier, open_socket

SWITCH: Final = "CLMAMOXADS0"


def request(method: str, source: Address, number: int = 1) -> bytes:
    return (
        f"{method} sip:+16365550199@{LOOPBACK} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source[0]}:{source[1]};branch=z9hG4bK{number}\r\n"
        f"From: <sip:+13145550100@{LOOPBACK}>;tag=a\r\n"
        f"To: <sip:+16365550199@{LOOPBACK}>\r\n"
        f"Call-ID: {number}@{LOOPBACK}\r\n"
        f"CSeq: 1 {method}\r\n"
        "Max-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def a_call() -> Call:
    number = NumberFact("From", None, b"", 0)
    attempt = CallAttempt(0, "1", (LOOPBACK, 1), None, None, OcnSource.NONE, number, number, number)
    return Call(attempt, Decision(Outcome.REFUSE, None, (), ()))


@pytest.fixture
def caller() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def callee() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@contextmanager
def started(transport: SipEndpoint) -> Iterator[SipEndpoint]:
    try:
        yield transport
    finally:
        transport.close()


@asynccontextmanager
async def both(caller: Peer, callee: Peer, timers: TimerSettings) -> AsyncIterator[tuple[SipEndpoint, SipProxy]]:
    """A proxy without checks between two peers, and its endpoint."""
    groups = (
        TrunkGroup("partner", Side.PARTNER, Ocn("7001"), SWITCH, (Member(Hop(*caller.address)),)),
        TrunkGroup("host", Side.HOST, Ocn("9740"), SWITCH, (Member(Hop(*callee.address)),)),
    )
    engine = Engine((), (), Router(groups, guide=None, ported=None, standings=StandingBook()))
    sock = open_socket(LOOPBACK, 0)
    settings = ProxySettings((Hop(LOOPBACK, sock.getsockname()[1]),), b"secret", timers=timers)
    proxy = SipProxy(settings, engine, groups, ProviderFinder(None, None))
    transport = SipEndpoint(proxy, Clock(), ())
    transport.add(UdpCarrier(transport, sock))
    transport.start()
    with started(transport):
        yield transport, proxy


@asynccontextmanager
async def proxying(caller: Peer, callee: Peer, timers: TimerSettings) -> AsyncIterator[SipEndpoint]:
    async with both(caller, callee, timers) as (transport, _):
        yield transport


def echo(data: bytes, source: Hop) -> Sequence[Action]:
    return [Send(b"echo of " + data, source)]


async def test_a_datagram_in_leads_to_a_datagram_out(caller: Peer, callee: Peer) -> None:
    async with proxying(caller, callee, TimerSettings()) as transport:
        caller.send(request("OPTIONS", caller.address), transport.local.address)
        assert (await caller.receive()).startswith(b"SIP/2.0 200 OK\r\n")
        caller.send(request("INVITE", caller.address, 2), transport.local.address)
        assert (await caller.receive()).startswith(b"SIP/2.0 100 Trying\r\n")
        assert (await callee.receive()).startswith(b"INVITE sip:+16365550199@")
        assert Counter(transport.messages) == Counter(
            {("in", "OPTIONS"): 1, ("in", "INVITE"): 1, ("out", "2xx"): 1, ("out", "1xx"): 1, ("out", "INVITE"): 1}
        )


async def test_more_datagrams_than_one_batch_are_all_answered_in_order(caller: Peer) -> None:
    with started(transport_of(ScriptedProxy(echo))) as transport:
        datagrams = [b"%d" % number for number in range(2 * BATCH + 10)]
        for data in datagrams:
            caller.send(data, transport.local.address)
        assert [await caller.receive() for _ in datagrams] == [b"echo of " + data for data in datagrams]


async def test_a_few_batches_leave_others_in_the_loop_their_turn(caller: Peer) -> None:
    turns: list[int] = []
    most = BATCHES * BATCH
    seen = 0

    def look(_data: bytes, _source: Hop) -> Sequence[Action]:
        nonlocal seen
        seen += 1
        if seen == 1:
            asyncio.get_running_loop().call_soon(lambda: turns.append(seen))
        return [Send(b"", Hop(*caller.address))] if seen == most + BATCH else []

    transport = transport_of(ScriptedProxy(look))
    with started(transport):
        for _ in range(most + BATCH):
            caller.send(b"x", transport.local.address)
        await caller.receive()
    assert turns == [most]


async def test_a_silent_callee_gets_the_invite_again_and_the_caller_is_told_in_the_end(
    caller: Peer, callee: Peer
) -> None:
    quick = TimerSettings(t1_us=500, t2_us=4_000, t4_us=5_000)
    async with proxying(caller, callee, quick) as transport:
        caller.send(request("INVITE", caller.address), transport.local.address)
        first, again = await callee.receive(), await callee.receive()
        assert first == again
        assert (await caller.receive()).startswith(b"SIP/2.0 100 Trying\r\n")
        assert (await caller.receive()).startswith(b"SIP/2.0 408 Request Timeout\r\n")
        assert transport.messages["in", "INVITE"] == 1


async def test_an_earlier_deadline_takes_the_place_of_a_later_one(caller: Peer) -> None:
    clock = Clock()
    proxy = ScriptedProxy(echo)
    with started(transport_of(proxy)) as transport:
        proxy.wakes_at_us = clock.now_us() + 3_600_000_000
        caller.send(b"first", transport.local.address)
        await caller.receive()
        due_us = proxy.wakes_at_us = clock.now_us() + 1_000
        caller.send(b"second", transport.local.address)
        async with asyncio.timeout(10):
            await proxy.woken.wait()
        assert proxy.woken_at_us[0] >= due_us


@pytest.mark.parametrize(
    "unsendable",
    [
        pytest.param(Send(b"x", Hop(LOOPBACK, 0)), id="port 0"),
        pytest.param(Send(b"x", Hop(LOOPBACK, 70_000)), id="no port"),
        pytest.param(Send(b"x", Hop("255.255.255.255", 9)), id="a broadcast"),
        pytest.param(Send(b"x", Hop("::1", 5060)), id="another family"),
        pytest.param(Send(b"x" * 70_000, Hop(LOOPBACK, 9)), id="too long"),
    ],
)
async def test_what_cannot_be_sent_is_counted_and_what_follows_is_sent(unsendable: Send, caller: Peer) -> None:
    proxy = ScriptedProxy(lambda data, source: [unsendable, *echo(data, source)])
    with started(transport_of(proxy)) as transport:
        caller.send(b"x", transport.local.address)
        assert await caller.receive() == b"echo of x"
        assert transport.unsent == 1
        assert transport.faults == 0
        assert transport.messages["out", "other"] == 1


async def test_a_datagram_that_the_proxy_fails_on_stops_no_other(
    caller: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(data: bytes, source: Hop) -> Sequence[Action]:
        if data == b"bad":
            raise ZeroDivisionError
        return echo(data, source)

    with started(transport_of(ScriptedProxy(answer))) as transport:
        for data in (b"bad", b"good", b"bad", b"better"):
            caller.send(data, transport.local.address)
        assert [await caller.receive(), await caller.receive()] == [b"echo of good", b"echo of better"]
        assert transport.faults == 2
        assert transport.messages["in", "other"] == 4
    assert f"a message of 3 bytes from udp:{LOOPBACK}:{caller.address[1]} was not handled" in caplog.text


async def test_a_timer_that_the_proxy_fails_on_stops_neither_later_timers_nor_datagrams(caller: Peer) -> None:
    clock = Clock()
    proxy = ScriptedProxy(echo)
    proxy.fault_on_waking = ZeroDivisionError()
    with started(transport_of(proxy)) as transport:
        for wanted in (1, 2):
            proxy.woken.clear()
            proxy.wakes_at_us = clock.now_us()
            caller.send(b"x", transport.local.address)
            assert await caller.receive() == b"echo of x"
            async with asyncio.timeout(10):
                await proxy.woken.wait()
            assert len(proxy.woken_at_us) == wanted
        assert transport.faults == 2


async def test_observers_are_told_of_each_call_in_order(caller: Peer) -> None:
    call = a_call()
    first, second = Listener(), Listener()
    proxy = ScriptedProxy(
        lambda *_: [Decided(call), Progressed(call), Ended(call), Send(b"sent", Hop(*caller.address))]
    )
    with started(transport_of(proxy, first, second)) as transport:
        caller.send(b"x", transport.local.address)
        await caller.receive()
    assert first.told == second.told == [("decided", call), ("progressed", call), ("ended", call)]


async def test_an_observer_that_fails_keeps_neither_other_observers_nor_the_peers_waiting(
    caller: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    call = a_call()
    faulty, sound = Listener(ZeroDivisionError()), Listener()
    clock = Clock()
    proxy = ScriptedProxy(lambda *_: [Decided(call), Ended(call), Send(b"sent", Hop(*caller.address))])
    with started(transport_of(proxy, faulty, sound)) as transport:
        proxy.wakes_at_us = clock.now_us()
        caller.send(b"x", transport.local.address)
        assert await caller.receive() == b"sent"
        async with asyncio.timeout(10):
            await proxy.woken.wait()
        assert transport.faults == 2
    assert sound.told == faulty.told == [("decided", call), ("ended", call)]
    assert "ZeroDivisionError" in caplog.text


async def test_a_tap_sees_every_datagram_in_and_out_with_its_time(caller: Peer) -> None:
    seen: list[tuple[int, Hop, Hop, bytes]] = []
    proxy = ScriptedProxy(lambda data, source: [Send(b"x", Hop(LOOPBACK, 0)), *echo(data, source)])
    with started(transport_of(proxy, tap=lambda *datagram: seen.append(datagram))) as transport:
        caller.send(b"x", transport.local.address)
        await caller.receive()
        local = transport.local
    assert [datagram[1:] for datagram in seen] == [
        (Hop(*caller.address), local, b"x"),
        (local, Hop(*caller.address), b"echo of x"),
    ]
    assert seen[0][0] <= seen[1][0]


async def test_a_tap_that_fails_stops_no_call(caller: Peer) -> None:
    def tap(*_: object) -> None:
        raise ZeroDivisionError

    with started(transport_of(ScriptedProxy(echo), tap=tap)) as transport:
        caller.send(b"x", transport.local.address)
        assert await caller.receive() == b"echo of x"
        caller.send(b"y", transport.local.address)
        assert await caller.receive() == b"echo of y"
        assert transport.faults == 4


async def test_an_empty_datagram_is_a_datagram(caller: Peer) -> None:
    with started(transport_of(ScriptedProxy(echo))) as transport:
        caller.send(b"", transport.local.address)
        assert await caller.receive() == b"echo of "
        assert transport.messages["in", "other"] == 1


async def test_after_closing_nothing_is_read_and_no_timer_fires(caller: Peer) -> None:
    clock = Clock()
    proxy = ScriptedProxy(echo)
    transport = transport_of(proxy)
    with started(transport):
        proxy.wakes_at_us = clock.now_us() + 1_000
        caller.send(b"x", transport.local.address)
        await caller.receive()
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, later.set)
    await later.wait()
    assert proxy.woken_at_us == []


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"INVITE sip:a@b SIP/2.0\r\n", "INVITE"),
        (b"ACK sip:a@b SIP/2.0\r\n", "ACK"),
        (b"BYE sip:a@b SIP/2.0\r\n", "BYE"),
        (b"CANCEL sip:a@b SIP/2.0\r\n", "CANCEL"),
        (b"OPTIONS sip:a@b SIP/2.0\r\n", "OPTIONS"),
        (b"REGISTER sip:b SIP/2.0\r\n", "REGISTER"),
        (b"PRACK sip:a@b SIP/2.0\r\n", "PRACK"),
        (b"UPDATE sip:a@b SIP/2.0\r\n", "UPDATE"),
        (b"REFER sip:a@b SIP/2.0\r\n", "REFER"),
        (b"SIP/2.0 100 Trying\r\n", "1xx"),
        (b"SIP/2.0 200 OK\r\n", "2xx"),
        (b"SIP/2.0 603 Decline\r\n", "6xx"),
        (b"SIP/2.0 700 No\r\n", "other"),
        (b"SIP/3.0 200 OK\r\n", "other"),
        (b"HTTP/1.1 200 OK\r\n", "other"),
        (b"ACKNOWLEDGE sip:a@b SIP/2.0\r\n", "other"),
        (b"INVOKE sip:a@b SIP/2.0\r\n", "other"),
        (b"REGRET sip:a@b SIP/2.0\r\n", "other"),
        (b"invite sip:a@b SIP/2.0\r\n", "other"),
        (b"\r\n\r\n", "other"),
        (b"", "other"),
        (b"\xff\xff\xff\xff", "other"),
    ],
)
def test_a_datagram_is_counted_by_what_it_starts_with(start: bytes, kind: str) -> None:
    counts = MessageCounts()
    counts.count(start)
    assert {seen: count for seen, count in counts.by_kind().items() if count} == {kind: 1}


def test_a_port_in_use_is_an_error_that_names_the_address() -> None:
    with open_socket(LOOPBACK, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"udp:{LOOPBACK}:{port} .*Address already in use"):
            open_socket(LOOPBACK, port)


def test_an_address_that_is_not_this_machines_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match=r"udp:192\.0\.2\.1:5060 "):
        open_socket("192.0.2.1", 5060)


def test_a_socket_has_the_receive_buffer_that_a_burst_needs_or_says_what_it_got(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sock = open_socket(LOOPBACK, 0)
    try:
        granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    finally:
        sock.close()
    assert (granted >= RECEIVE_BUFFER_BYTES) is not ("net.core.rmem_max" in caplog.text)


async def test_ipv6_is_served_as_well() -> None:
    with open_socket("::1", 0) as sock:
        assert sock.getsockname()[0] == "::1"


def written_to(received: bytes, start: bytes, *, source: Address, cseq: str, via: bool = True) -> bytes:
    """What a peer makes of a request: a response, or a request in the dialog, with the fields that both have."""
    message = SipMessage(received)
    vias = [b"Via: " + message.text(span) for span in message.spans(headers.VIA)]
    own = f"Via: SIP/2.0/UDP {source[0]}:{source[1]};branch=z9hG4bKof{cseq[0]}".encode()
    to = message.required(headers.TO)
    lines = (
        start,
        *(vias if via else [own]),
        b"From: " + message.required(headers.FROM),
        b"To: " + (to if b";tag=" in to else to + b";tag=b"),
        b"Call-ID: " + message.required(headers.CALL_ID),
        f"CSeq: {cseq}".encode(),
        f"Contact: <sip:{source[0]}:{source[1]}>".encode(),
        b"Max-Forwards: 70",
        b"Content-Length: 0",
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def test_a_call_that_the_gateway_ends_is_hung_up_on_both_its_sockets(caller: Peer, callee: Peer) -> None:
    async with both(caller, callee, TimerSettings(t1_us=20_000)) as (transport, proxy):
        ours = transport.local.address
        caller.send(request("INVITE", caller.address), ours)
        invite = await callee.receive()
        callee.send(written_to(invite, b"SIP/2.0 200 OK", source=callee.address, cseq="1 INVITE"), ours)
        while not (answer := await caller.receive()).startswith(b"SIP/2.0 200 "):
            pass
        caller.send(written_to(answer, b"ACK sip:b SIP/2.0", source=caller.address, cseq="1 ACK", via=False), ours)
        while not (await callee.receive()).startswith(b"ACK "):
            pass
        now_us = Clock().now_us()
        transport.act(proxy.end_calls(lambda _, __: True, 21, "DISCONTINUED L8", now_us), now_us)
        for peer in (caller, callee):
            await peer.receive()  # the first one is lost
            bye = await peer.receive()
            assert bye.startswith(b"BYE sip:")
            peer.send(written_to(bye, b"SIP/2.0 200 OK", source=peer.address, cseq=cseq_of(bye)), ours)
        callee.send(request("OPTIONS", callee.address), ours)
        while not (await callee.receive()).startswith(b"SIP/2.0 "):
            pass
        assert proxy.dialogs == 0


def cseq_of(data: bytes) -> str:
    number, method = SipMessage(data).cseq()
    return f"{number} {method.decode()}"
