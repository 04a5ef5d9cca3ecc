"""Which servers a URI leads to (RFC 3263 section 4), told from tables of records: no socket, no time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import pytest

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.dns_records import Answer, IpAddress, Naptr, Question, Record, RecordType, Srv, canonical_name
from gateway.signalling.locating import MAX_CANDIDATES, MAX_SERVERS, Located, Target, locating, target_of

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS
LISTENERS: Final = tuple(Hop("192.0.2.1", 5060, transport) for transport in Transport)
BOTH_VERSIONS: Final = (*LISTENERS, Hop("2001:db8::1", 5060))
UDP_ONLY: Final = (Hop("192.0.2.1", 5060),)

LONGEST: Final = ".".join(["a" * 63] * 3) + "." + "b" * 61

NAPTR_OF_ALL: Final = (
    Naptr(50, 50, "s", "SIPS+D2T", "", "_sips._tcp.a.example"),
    Naptr(90, 50, "s", "SIP+D2T", "", "_sip._tcp.a.example"),
    Naptr(100, 50, "s", "SIP+D2U", "", "_sip._udp.a.example"),
)
"""The example of RFC 3263 section 4.1."""

Zone = Mapping[str, tuple[Record, ...] | str]
"""``TYPE name`` -> records, or why nobody can say. What is not in it does not exist."""

A_ZONE: Final[dict[str, tuple[Record, ...] | str]] = {
    "SRV _sips._tcp.a.example": (Srv(0, 0, 5071, "s1.a.example"),),
    "SRV _sip._tcp.a.example": (Srv(0, 0, 5070, "s1.a.example"),),
    "SRV _sip._udp.a.example": (Srv(0, 0, 5069, "s1.a.example"),),
    "A s1.a.example": (IpAddress("192.0.2.10"),),
    "A a.example": (IpAddress("192.0.2.99"),),
}


class Search(NamedTuple):
    located: Located
    asked: list[str]
    rounds: int


def search(target: Target, zone: Zone, listeners: tuple[Hop, ...] = LISTENERS, ttl_s: int = 60) -> Search:
    steps = locating(target, listeners)
    asked: list[str] = []
    rounds = 0
    try:
        questions = next(steps)
        while True:
            assert questions, "a round without questions"
            rounds += 1
            asked += map(str, questions)
            answers = []
            for question in questions:
                found = zone.get(str(question), ())
                answers.append(Answer((), 5, found) if isinstance(found, str) else Answer(found, ttl_s))
            questions = steps.send(answers)
    except StopIteration as end:
        return Search(end.value, asked, rounds)


def hops(target: Target, zone: Zone, listeners: tuple[Hop, ...] = LISTENERS) -> list[str]:
    return [str(candidate.hop) for candidate in search(target, zone, listeners).located.candidates]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("192.0.2.7"), "udp:192.0.2.7:5060"),
        (Target("192.0.2.7", 5080), "udp:192.0.2.7:5080"),
        (Target("192.0.2.7", None, TCP), "tcp:192.0.2.7:5060"),
        (Target("192.0.2.7", None, TLS), "tls:192.0.2.7:5061"),
        (Target("192.0.2.7", secure=True), "tls:192.0.2.7:5061"),
        (Target("192.0.2.7", 5099, TCP, secure=True), "tls:192.0.2.7:5099"),
        (Target("2001:db8::7"), "udp:[2001:db8::7]:5060"),
    ],
)
def test_an_address_is_asked_of_nobody(target: Target, expected: str) -> None:
    found = search(target, {}, BOTH_VERSIONS)
    assert ([str(candidate.hop) for candidate in found.located.candidates], found.asked) == ([expected], [])
    assert found.located.ttl_s is None


@pytest.mark.parametrize(
    ("target", "asked", "expected"),
    [
        (Target("s1.a.example", 5080), ["A s1.a.example"], "udp:192.0.2.10:5080"),
        (Target("s1.a.example", 5080, TCP), ["A s1.a.example"], "tcp:192.0.2.10:5080"),
        (Target("s1.a.example", 5081, secure=True), ["A s1.a.example"], "tls:192.0.2.10:5081"),
        (Target("a.example", None, UDP), ["SRV _sip._udp.a.example", "A s1.a.example"], "udp:192.0.2.10:5069"),
        (Target("a.example", None, TCP), ["SRV _sip._tcp.a.example", "A s1.a.example"], "tcp:192.0.2.10:5070"),
        (Target("a.example", None, TLS), ["SRV _sips._tcp.a.example", "A s1.a.example"], "tls:192.0.2.10:5071"),
        (Target("a.example", None, TCP, True), ["SRV _sips._tcp.a.example", "A s1.a.example"], "tls:192.0.2.10:5071"),
    ],
)
def test_port_and_transport_of_a_uri_say_what_is_asked(target: Target, asked: list[str], expected: str) -> None:
    found = search(target, A_ZONE)
    assert (found.asked, hops(target, A_ZONE)) == (asked, [expected])


@pytest.mark.parametrize(
    ("listeners", "secure", "expected"),
    [
        (LISTENERS, False, ["tls:192.0.2.10:5071"]),
        (LISTENERS[:2], False, ["tcp:192.0.2.10:5070"]),
        (UDP_ONLY, False, ["udp:192.0.2.10:5069"]),
        (LISTENERS, True, ["tls:192.0.2.10:5071"]),
        (LISTENERS[:2], True, []),
    ],
)
def test_naptr_chooses_the_transport_among_those_that_the_gateway_has(
    listeners: tuple[Hop, ...], secure: bool, expected: list[str]
) -> None:
    zone = {**A_ZONE, "NAPTR a.example": NAPTR_OF_ALL}
    assert hops(Target("a.example", secure=secure), zone, listeners) == expected


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        # the lower preference within an order, and no other order once one has matched
        ([(10, 20, "SIP+D2T"), (10, 10, "SIP+D2U"), (20, 1, "SIPS+D2T")], "udp:192.0.2.10:5069"),
        ([(10, 20, "E2U+sip"), (10, 10, "SIP+D2S"), (20, 1, "sip+d2t")], "tcp:192.0.2.10:5070"),
    ],
)
def test_naptr_is_read_by_order_and_preference(records: list[tuple[int, int, str]], expected: str) -> None:
    names = {"SIP+D2U": "_sip._udp", "SIP+D2T": "_sip._tcp", "SIPS+D2T": "_sips._tcp"}
    zone = {
        **A_ZONE,
        "NAPTR a.example": tuple(
            Naptr(order, preference, "S", service, "", f"{names.get(service.upper(), 'x')}.a.example")
            for order, preference, service in records
        ),
    }
    assert hops(Target("a.example"), zone) == [expected]


@pytest.mark.parametrize(
    "record",
    [
        Naptr(1, 1, "u", "SIP+D2U", "", "_sip._udp.a.example"),
        Naptr(1, 1, "s", "SIP+D2U", "!.*!x!", "_sip._udp.a.example"),
        Naptr(1, 1, "s", "SIP+D2U", "", ""),
    ],
)
def test_a_naptr_record_that_is_no_pointer_to_srv_leads_nowhere(record: Naptr) -> None:
    located = search(Target("a.example"), {**A_ZONE, "NAPTR a.example": (record,)}).located
    assert located.candidates == ()
    assert located.failure == "NAPTR a.example names no service that the gateway has a listener for"


def test_a_naptr_service_without_servers_gives_way_to_the_next_preferred() -> None:
    zone = {**A_ZONE, "SRV _sips._tcp.a.example": ()}
    zone["NAPTR a.example"] = tuple(
        record._replace(order=1, preference=place) for place, record in enumerate(NAPTR_OF_ALL)
    )
    assert hops(Target("a.example"), zone) == ["tcp:192.0.2.10:5070"]


@pytest.mark.parametrize("naptr", [(), (Naptr(1, 1, "u", "E2U+email", "!.*!mailto:a@b!", ""),)])
def test_without_naptr_of_sip_the_services_are_asked_by_their_usual_names(naptr: tuple[Record, ...]) -> None:
    zone = {**A_ZONE, "NAPTR a.example": naptr}
    found = search(Target("a.example"), zone)
    assert found.asked == [
        "NAPTR a.example",
        "SRV _sip._udp.a.example",
        "SRV _sip._tcp.a.example",
        "A s1.a.example",
    ]
    assert hops(Target("a.example"), zone) == ["udp:192.0.2.10:5069"]
    assert hops(Target("a.example", secure=True), zone) == ["tls:192.0.2.10:5071"]
    del zone["SRV _sip._udp.a.example"]
    assert hops(Target("a.example"), zone) == ["tcp:192.0.2.10:5070"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("a.example"), ["udp:192.0.2.99:5060"]),
        (Target("a.example", None, TCP), ["tcp:192.0.2.99:5060"]),
        (Target("a.example", secure=True), ["tls:192.0.2.99:5061"]),
    ],
)
def test_without_srv_the_name_itself_is_the_server(target: Target, expected: list[str]) -> None:
    assert hops(target, {"A a.example": (IpAddress("192.0.2.99"),)}) == expected


def test_a_service_that_is_decidedly_not_there_is_not_sought_at_the_plain_name() -> None:
    zone = {**A_ZONE, "SRV _sip._udp.a.example": (Srv(0, 0, 0, ""),), "SRV _sip._tcp.a.example": ()}
    located = search(Target("a.example"), zone).located
    assert located.candidates == ()
    assert located.failure == "a.example says by SRV that the service is not there"


def test_both_ip_versions_are_asked_where_the_gateway_speaks_both() -> None:
    zone = {**A_ZONE, "AAAA s1.a.example": (IpAddress("2001:db8::10"),)}
    target = Target("s1.a.example", 5060)
    assert hops(target, zone, BOTH_VERSIONS) == ["udp:192.0.2.10:5060", "udp:[2001:db8::10]:5060"]
    assert hops(target._replace(transport=TCP), zone, BOTH_VERSIONS) == ["tcp:192.0.2.10:5060"]
    assert hops(target, zone, (Hop("2001:db8::1", 5060),)) == ["udp:[2001:db8::10]:5060"]


@pytest.mark.parametrize(
    ("question", "failure"),
    [
        ("NAPTR a.example", "NAPTR a.example: no answer"),
        ("SRV _sip._udp.a.example", "SRV _sip._udp.a.example: no answer"),
        ("A s1.a.example", "A s1.a.example: no answer"),
    ],
)
def test_what_could_not_be_found_out_is_not_taken_as_absent(question: str, failure: str) -> None:
    located = search(Target("a.example"), {**A_ZONE, question: "no answer"}).located
    assert located == Located((), 5, failure)


def test_a_server_whose_address_is_not_known_leaves_the_others_and_shortens_the_time() -> None:
    servers = (Srv(1, 0, 5060, "s1.a.example"), Srv(2, 0, 5060, "s2.a.example"))
    zone = {**A_ZONE, "SRV _sip._udp.a.example": servers, "A s1.a.example": "no answer"}
    zone["A s2.a.example"] = (IpAddress("192.0.2.20"),)
    located = search(Target("a.example", None, UDP), zone).located
    assert [str(candidate.hop) for candidate in located.candidates] == ["udp:192.0.2.20:5060"]
    assert (located.ttl_s, located.failure) == (5, "A s1.a.example: no answer")


@pytest.mark.parametrize(
    ("target", "listeners", "failure"),
    [
        (Target("192.0.2.7", None, TCP), UDP_ONLY, "the gateway has no listener for tcp"),
        (Target("2001:db8::7"), UDP_ONLY, "no listener of the gateway speaks udp to 2001:db8::7"),
        (Target("a.example", None, TLS), UDP_ONLY, "the gateway has no listener for tls"),
        (Target("a.example", 5060, secure=True), UDP_ONLY, "the gateway has no listener for tls"),
        (Target("a.example", None, UDP, True), LISTENERS, "a SIPS URI cannot be reached over UDP"),
        (Target("nobody.example"), LISTENERS, "nobody.example has no address"),
    ],
)
def test_what_cannot_be_reached_is_said(target: Target, listeners: tuple[Hop, ...], failure: str) -> None:
    located = search(target, A_ZONE, listeners).located
    assert (located.candidates, located.failure) == ((), failure)


def test_addresses_of_nobody_and_ports_of_nobody_are_left_out() -> None:
    hosts = ("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.5", "192.0.2.5")  # noqa: S104
    zone: Zone = {
        "SRV _sip._udp.b.example": (Srv(0, 0, 0, "s1.b.example"), Srv(0, 0, 5060, "s1.b.example")),
        "A s1.b.example": tuple(map(IpAddress, hosts)),
    }
    assert hops(Target("b.example", None, UDP), zone) == ["udp:192.0.2.5:5060"]


def test_ten_thousand_servers_are_cut_to_those_of_the_best_priority() -> None:
    zone: dict[str, tuple[Record, ...] | str] = {
        "SRV _sip._udp.b.example": tuple(Srv(10_000 - n, 0, 5060, f"s{n}.b.example") for n in range(10_000))
    }
    zone |= {f"A s{n}.b.example": tuple(IpAddress(f"10.{n % 200}.0.{k}") for k in range(1, 5)) for n in range(10_000)}
    found = search(Target("b.example", None, UDP), zone)
    assert len(found.asked) == 1 + MAX_SERVERS
    assert len(found.located.candidates) == MAX_CANDIDATES
    assert found.located.candidates[0].server == "s9999.b.example"


def test_no_search_takes_more_than_a_few_rounds() -> None:
    zone = {**A_ZONE, "NAPTR a.example": tuple(record._replace(order=1) for record in NAPTR_OF_ALL)}
    assert search(Target("a.example"), zone).rounds == 3


def test_the_shortest_time_of_all_answers_holds_for_the_result() -> None:
    steps = locating(Target("a.example"), LISTENERS)
    next(steps)
    steps.send([Answer((), 20)])
    steps.send([Answer((Srv(0, 0, 5060, "s.a.example"),), 30), Answer((), 90)])
    with pytest.raises(StopIteration) as end:
        steps.send([Answer((IpAddress("192.0.2.1"),), 3_600)])
    assert end.value.value.ttl_s == 20


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        (b"sip:+13145550100@switch.example", Target("switch.example")),
        (b"sip:Switch.Example.:5070;transport=TCP", Target("switch.example", 5070, TCP)),
        (b"sips:a@switch.example;lr", Target("switch.example", secure=True)),
        (b"sip:a@switch.example;maddr=192.0.2.9", Target("192.0.2.9")),
        (b"sip:a@[2001:DB8::9]:5070", Target("2001:db8::9", 5070)),
        (b"sip:a@switch.example;transport=sctp", None),
        (b"sip:a@switch..example", None),
        (b"sip:a@999.1.1.1", None),
        (b"sip:a@" + b"x" * 64 + b".example", None),
        (b"tel:+13145550100", None),
    ],
)
def test_a_uri_says_whom_to_locate(uri: bytes, target: Target | None) -> None:
    assert target_of(uri) == target


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A.Example.", "a.example"),
        ("_sip._udp.a.example", "_sip._udp.a.example"),
        (LONGEST, LONGEST),
        (LONGEST + "b", None),
        ("-a.example", None),
        ("a b.example", None),
        ("a.example\n", None),
        ("", None),
        (".", None),
        ("1.2.3.4", None),
        ("é.example", None),
    ],
)
def test_a_name_is_one_by_its_letters_and_lengths(text: str, name: str | None) -> None:
    assert canonical_name(text) == name


def test_a_question_reads_as_it_is_written_in_a_zone() -> None:
    assert str(Question("a.example", RecordType.NAPTR)) == "NAPTR a.example"
