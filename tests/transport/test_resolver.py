"""Names are looked up at a real DNS server on the loopback, which answers well, badly, late, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Final

import dns.message
import dns.rcode
import pytest
import pytest_asyncio
from name_server import NameServer, cut, name_server, question_of, rcode, response_to, silence

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.dns_records import MAX_RECORDS, Answer, IpAddress, Naptr, Question, RecordType, Srv
from gateway.signalling.locating import Target
from gateway.transport.dns_exchange import MAX_ALIASES, MAX_ANSWER_BYTES, MAX_STRAYS
from gateway.transport.resolver import FAILURE_TTL_S, Resolver, ResolverSettings

A: Final = RecordType.A
LISTENERS: Final = tuple(Hop("127.0.0.1", 5060, transport) for transport in Transport)
HASTE: Final = {"server_timeout_s": 0.05, "timeout_s": 0.3}


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest_asyncio.fixture
async def server() -> AsyncIterator[NameServer]:
    async with name_server() as server:
        server.records["A a.example"] = ["a.example. 60 IN A 192.0.2.1"]
        yield server


def resolver_at(server: NameServer, watch: Watch | None = None, **bounds: float) -> Resolver:
    return Resolver(ResolverSettings(servers=(server.address,), **bounds), watch or Watch())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "lines", "records"),
    [
        (
            Question("a.example", A),
            ["a.example. 60 IN A 192.0.2.1", "a.example. 60 IN A 192.0.2.2"],
            (IpAddress("192.0.2.1"), IpAddress("192.0.2.2")),
        ),
        (
            Question("a.example", RecordType.AAAA),
            ["a.example. 60 IN AAAA 2001:0db8:0::1"],
            (IpAddress("2001:db8::1"),),
        ),
        (
            Question("_sip._udp.a.example", RecordType.SRV),
            ["_sip._udp.a.example. 60 IN SRV 2 0 5060 B.example.", "_sip._udp.a.example. 60 IN SRV 1 7 5070 ."],
            (Srv(1, 7, 5070, ""), Srv(2, 0, 5060, "b.example")),
        ),
        (
            Question("a.example", RecordType.NAPTR),
            ['a.example. 60 IN NAPTR 50 60 "s" "SIP+D2U" "" _sip._udp.a.example.'],
            (Naptr(50, 60, "s", "SIP+D2U", "", "_sip._udp.a.example"),),
        ),
        (
            Question("a.example", A),
            ["a.example. 60 IN CNAME b.example.", "b.example. 50 IN CNAME c.example.", "c.example. 60 IN A 192.0.2.3"],
            (IpAddress("192.0.2.3"),),
        ),
        (Question("_sip._udp.a.example", RecordType.SRV), ["_sip._udp.a.example. 60 IN SRV 1 1 5060 a\\.b\\ c."], ()),
    ],
)
async def test_records_are_read(
    server: NameServer, question: Question, lines: list[str], records: tuple[object, ...]
) -> None:
    server.records[str(question)] = lines
    answer = await resolver_at(server).ask(question)
    assert (set(answer.records), answer.failure) == (set(records), "")  # the server rotates its addresses
    if question.type is not A:
        assert answer.records == records


async def test_an_alias_is_followed_from_one_answer_to_the_next_and_its_time_counts(server: NameServer) -> None:
    server.records |= {
        "A a.example": ["a.example. 20 IN CNAME b.example."],
        "A b.example": ["b.example. 600 IN A 192.0.2.2"],
    }
    assert await resolver_at(server).ask(Question("a.example", A)) == Answer((IpAddress("192.0.2.2"),), 20)


async def test_aliases_that_lead_in_a_circle_are_left_after_a_few(server: NameServer) -> None:
    server.records |= {
        "A a.example": ["a.example. 60 IN CNAME b.example."],
        "A b.example": ["b.example. 60 IN CNAME a.example."],
    }
    answer = await resolver_at(server).ask(Question("a.example", A))
    assert answer == Answer(
        (), FAILURE_TTL_S, f"cannot be asked: more than {MAX_ALIASES} aliases, one behind the other"
    )
    assert server.asked.total() == MAX_ALIASES


async def test_a_circle_of_aliases_within_one_answer_is_a_failure(server: NameServer) -> None:
    server.records["A a.example"] = ["a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME a.example."]
    answer = await resolver_at(server).ask(Question("a.example", A))
    assert answer.records == ()
    assert "sent what cannot be used" in answer.failure


async def test_a_name_that_is_not_there_is_known_for_the_time_that_the_zone_says(server: NameServer) -> None:
    watch = Watch()
    resolver = resolver_at(server, watch)
    for question in (Question("nobody.example", A), Question("none.example", A)):
        server.records["A none.example"] = []
        assert await resolver.ask(question) == Answer((), 30)
        watch.now_s += 29
        assert (await resolver.ask(question)).ttl_s == 1
        assert server.asked[str(question)] == 1
        watch.now_s += 1
        await resolver.ask(question)
        assert server.asked[str(question)] == 2


@pytest.mark.parametrize(
    ("code", "text"),
    [(dns.rcode.SERVFAIL, "SERVFAIL"), (dns.rcode.REFUSED, "REFUSED"), (dns.rcode.FORMERR, "FORMERR")],
)
async def test_a_server_that_fails_leaves_the_question_open_for_a_short_time(
    server: NameServer, code: dns.rcode.Rcode, text: str
) -> None:
    server.manners["*"] = rcode(code)
    watch = Watch()
    resolver = resolver_at(server, watch)
    host, port = server.address
    expected = Answer((), FAILURE_TTL_S, f"{host}:{port} answered {text}")
    assert await resolver.ask(Question("a.example", A)) == expected
    assert (resolver.asked, resolver.failed) == (1, 1)
    server.manners.clear()
    assert await resolver.ask(Question("a.example", A)) == expected
    watch.now_s += FAILURE_TTL_S
    assert (await resolver.ask(Question("a.example", A))).records == (IpAddress("192.0.2.1"),)


async def test_a_server_that_is_silent_is_given_up(server: NameServer) -> None:
    server.manners["*"] = silence
    host, port = server.address
    answer = await resolver_at(server, **HASTE).ask(Question("a.example", A))
    assert answer == Answer((), FAILURE_TTL_S, answer.failure)
    assert "did not answer in time" in answer.failure
    assert server.asked.total() > 1, "it was asked once only"
    assert f"{host}:{port}" in answer.failure or answer.failure == "did not answer in time"


async def test_the_next_server_is_asked_where_one_is_silent_or_absent(server: NameServer) -> None:
    async with name_server() as silent:
        silent.manners["*"] = silence
        settings = ResolverSettings(((silent.address), ("127.0.0.1", 9), server.address), server_timeout_s=0.05)
        answer = await Resolver(settings).ask(Question("a.example", A))
    assert answer.records == (IpAddress("192.0.2.1"),)


async def test_an_answer_that_was_cut_is_asked_for_again_over_tcp(server: NameServer) -> None:
    turns = count()

    def first_cut(request: dns.message.QueryMessage) -> list[bytes]:
        return cut(request) if next(turns) == 0 else [server.usual(request).to_wire()]

    server.manners["*"] = first_cut
    assert (await resolver_at(server).ask(Question("a.example", A))).records == (IpAddress("192.0.2.1"),)
    assert server.asked_over_tcp["A a.example"] == 1


async def test_an_answer_that_is_cut_over_tcp_too_is_a_failure(server: NameServer) -> None:
    server.manners["*"] = cut
    assert (await resolver_at(server).ask(Question("a.example", A))).failure != ""


async def test_records_beyond_the_limit_are_left_out(server: NameServer) -> None:
    server.records["A a.example"] = [f"a.example. 60 IN A 10.0.0.{n}" for n in range(1, 201)]
    assert len((await resolver_at(server).ask(Question("a.example", A))).records) == MAX_RECORDS


async def test_an_answer_of_ten_thousand_records_is_refused_unread(server: NameServer) -> None:
    server.records["A a.example"] = [f"a.example. 60 IN A 10.{n >> 8}.{n & 255}.1" for n in range(4_000)]

    def whole_over_tcp(request: dns.message.QueryMessage) -> list[bytes]:
        first = server.asked["A a.example"] == 1
        return cut(request) if first else [server.usual(request).to_wire(max_size=65_535)]

    server.manners["*"] = whole_over_tcp
    answer = await resolver_at(server).ask(Question("a.example", A))
    assert answer.records == ()
    assert f"is longer than {MAX_ANSWER_BYTES}" in answer.failure


async def test_answers_to_what_was_not_asked_are_passed_over(server: NameServer) -> None:
    def hostile(request: dns.message.QueryMessage) -> list[bytes]:
        forged = response_to(request, "a.example. 60 IN A 203.0.113.66")
        other_id = dns.message.from_wire(forged.to_wire())
        other_id.id ^= 1
        other_question = dns.message.make_response(dns.message.make_query("b.example.", "A"))
        other_question.id = request.id
        garbage = request.id.to_bytes(2, "big") + b"\xff" * 40
        loop = request.id.to_bytes(2, "big") + b"\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"
        wrong = [other_id.to_wire(), other_question.to_wire(), garbage, loop, b"", b"\x00", request.to_wire()]
        return [*wrong, server.usual(request).to_wire()]

    server.manners["*"] = hostile
    assert (await resolver_at(server).ask(Question("a.example", A))).records == (IpAddress("192.0.2.1"),)


async def test_records_of_other_names_in_an_answer_are_not_believed(server: NameServer) -> None:
    def poison(request: dns.message.QueryMessage) -> list[bytes]:
        return [response_to(request, "a.example. 60 IN A 192.0.2.1", "b.example. 60 IN A 203.0.113.66").to_wire()]

    server.manners["A a.example"] = poison
    server.records["A b.example"] = ["b.example. 60 IN A 192.0.2.2"]
    resolver = resolver_at(server)
    assert (await resolver.ask(Question("a.example", A))).records == (IpAddress("192.0.2.1"),)
    assert (await resolver.ask(Question("b.example", A))).records == (IpAddress("192.0.2.2"),)


async def test_who_guesses_at_a_question_makes_it_fail_and_no_more(server: NameServer) -> None:
    def guesses(request: dns.message.QueryMessage) -> list[bytes]:
        forged = response_to(request, "a.example. 60 IN A 203.0.113.66")
        wires = []
        for n in range(1, MAX_STRAYS + 2):
            forged.id = (request.id + n) & 0xFFFF
            wires.append(forged.to_wire())
        return wires

    server.manners["*"] = guesses
    answer = await resolver_at(server).ask(Question("a.example", A))
    assert answer.records == ()
    assert "are no answer to the question" in answer.failure


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, 5), (1, 5), (60, 60), (604_800, 3_600), (2_147_483_647, 3_600)])
async def test_the_time_of_an_answer_has_a_floor_and_a_ceiling(server: NameServer, ttl_s: int, kept_s: int) -> None:
    server.records["A a.example"] = [f"a.example. {ttl_s} IN A 192.0.2.1"]
    watch = Watch()
    resolver = resolver_at(server, watch)
    assert (await resolver.ask(Question("a.example", A))).ttl_s == kept_s
    watch.now_s += kept_s - 1
    assert (await resolver.ask(Question("a.example", A))).ttl_s == 1
    assert server.asked.total() == 1
    watch.now_s += 1
    await resolver.ask(Question("a.example", A))
    assert server.asked.total() == 2


async def test_a_fresh_answer_is_asked_for_although_one_is_remembered(server: NameServer) -> None:
    resolver = resolver_at(server)
    await resolver.ask(Question("a.example", A))
    server.records["A a.example"] = ["a.example. 60 IN A 192.0.2.9"]
    assert (await resolver.ask(Question("a.example", A), fresh=True)).records == (IpAddress("192.0.2.9"),)
    assert (await resolver.ask(Question("a.example", A))).records == (IpAddress("192.0.2.9"),)


async def test_one_question_of_many_is_put_once(server: NameServer) -> None:
    resolver = resolver_at(server)
    answers = await asyncio.gather(*(resolver.ask(Question("a.example", A)) for _ in range(1_000)))
    assert {answer.records for answer in answers} == {(IpAddress("192.0.2.1"),)}
    assert server.asked.total() == 1


async def test_who_stops_waiting_does_not_take_the_answer_from_the_others(server: NameServer) -> None:
    resolver = resolver_at(server)
    first, second = (asyncio.create_task(resolver.ask(Question("a.example", A))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).records == (IpAddress("192.0.2.1"),)


async def test_questions_wait_for_a_place_and_beyond_a_number_fail_at_once(server: NameServer) -> None:
    under_way: list[int] = []
    resolver = resolver_at(server, at_once=4, waiting=10)

    def watched(request: dns.message.QueryMessage) -> list[bytes]:
        under_way.append(resolver.asked)
        return [server.usual(request).to_wire()]

    server.manners["*"] = watched
    for n in range(100):
        server.records[f"A s{n}.example"] = [f"s{n}.example. 60 IN A 10.0.0.{n}"]
    answers = await asyncio.gather(*(resolver.ask(Question(f"s{n}.example", A)) for n in range(100)))
    failures = [answer.failure for answer in answers]
    assert failures == [""] * 14 + ["too many questions wait for an answer already"] * 86
    assert under_way[0] <= 4


async def test_the_answer_that_was_used_longest_ago_is_forgotten_first(server: NameServer) -> None:
    resolver = resolver_at(server, cached_answers=3)
    for name in ("a", "b", "c", "a", "d", "a", "b"):
        await resolver.ask(Question(f"{name}.example", A))
        assert len(resolver) <= 3
    assert server.asked == {"A a.example": 1, "A b.example": 2, "A c.example": 1, "A d.example": 1}


async def test_a_resolver_that_is_closed_stops_asking(server: NameServer) -> None:
    server.manners["*"] = silence
    resolver = resolver_at(server)
    waiting = asyncio.create_task(resolver.ask(Question("a.example", A)))
    await server.was_asked.wait()
    resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("chosen", "listeners"),
    [("tls:192.0.2.1:5061", LISTENERS), ("tcp:192.0.2.1:5070", LISTENERS[:2]), ("udp:192.0.2.1:5060", LISTENERS[:1])],
)
async def test_a_domain_is_located_by_naptr_srv_and_address(
    server: NameServer, chosen: str, listeners: tuple[Hop, ...]
) -> None:
    server.records |= {
        "NAPTR d.example": [
            'd.example. 60 IN NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp.d.example.',
            'd.example. 60 IN NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.d.example.',
            'd.example. 60 IN NAPTR 30 10 "s" "SIP+D2U" "" _sip._udp.d.example.',
        ],
        "SRV _sips._tcp.d.example": ["_sips._tcp.d.example. 60 IN SRV 0 0 5061 a.example."],
        "SRV _sip._tcp.d.example": ["_sip._tcp.d.example. 60 IN SRV 0 0 5070 a.example."],
        "SRV _sip._udp.d.example": ["_sip._udp.d.example. 60 IN SRV 0 0 5060 a.example."],
    }
    located = await resolver_at(server).locate(Target("d.example"), listeners)
    assert [str(candidate.hop) for candidate in located.candidates] == [chosen]
    assert server.asked.total() == 3


async def test_locating_afresh_asks_every_question_anew(server: NameServer) -> None:
    server.records["SRV _sip._udp.d.example"] = ["_sip._udp.d.example. 60 IN SRV 0 0 5060 a.example."]
    resolver = resolver_at(server)
    target = Target("d.example", None, Transport.UDP)
    for _ in range(3):
        await resolver.locate(target, LISTENERS)
    assert server.asked == {"SRV _sip._udp.d.example": 1, "A a.example": 1}
    await resolver.locate(target, LISTENERS, fresh=True)
    assert server.asked == {"SRV _sip._udp.d.example": 2, "A a.example": 2}


async def test_the_loop_turns_while_a_name_is_looked_up(server: NameServer) -> None:
    turned = asyncio.Event()

    def late(request: dns.message.QueryMessage) -> list[bytes]:
        return [server.usual(request).to_wire()] if turned.is_set() else []

    server.manners["*"] = late
    asking = asyncio.create_task(resolver_at(server, server_timeout_s=0.05).ask(Question("a.example", A)))
    await server.was_asked.wait()
    turned.set()
    assert (await asking).records == (IpAddress("192.0.2.1"),)


def test_a_request_is_named_as_tests_name_it() -> None:
    assert question_of(dns.message.make_query("a.example.", "SRV")) == "SRV a.example"
