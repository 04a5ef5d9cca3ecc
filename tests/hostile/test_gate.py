"""What floods cheaply is refused cheaply, and nobody else notices: the gate, in a gateway with all its checks (L8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from gateway.codecs.sip import SipMessage, ack_of_failure, cancel_of, headers, response_to, tag_of
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Hop, Member, Transport
from gateway.signalling.call import Action, Decided, Send
from gateway.signalling.gate import GATEWAY_SHARE, Shed
from gateway.signalling.gatekeeper import MOST_HOSTS, OTHER_HOSTS
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.wiring.engine import policy_of
from tests.hostile.growing import sound
from tests.wiring.small_gateway import (
    HOST_NUMBER,
    OTHER_PROVIDER_NUMBER,
    OUTSIDE_NUMBER,
    PROVIDER_NUMBER,
    UNCONFIRMED_NUMBER,
    Exchange,
)

SECOND_US: Final = 1_000_000
FLOODER, NEIGHBOUR, HOST = Hop("192.0.2.10", 5060), Hop("192.0.2.11", 5060), Hop("192.0.2.20", 5060)
STREAM: Final = Hop("192.0.2.12", 5060, Transport.TCP)
OURSELVES: Final = (Hop("192.0.2.1", 5060), Hop("192.0.2.1", 5060, Transport.TCP))
WASTED, REFUSALS = 20, 5
PROVIDER, OTHER_PROVIDER = Ocn("901A"), Ocn("902B")
NOBODYS_NUMBER: Final = "+19075550100"
"""On a code of no carrier of the configuration."""


class Heard:
    """What an observer is told of."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.malformed_messages = self.strays = self.repeats = self.strangers = 0

    def request(self, _source: Hop, method: bytes, _at_us: int) -> None:
        self.requests.append(method)

    def malformed(self, _source: Hop, _at_us: int) -> None:
        self.malformed_messages += 1

    def stray(self, _source: Hop, _at_us: int) -> None:
        self.strays += 1

    def repeated(self, _source: Hop, _at_us: int) -> None:
        self.repeats += 1

    def stranger(self, _source: Hop, count: int, _at_us: int) -> None:
        self.strangers += count


class Scene:
    """A proxy with two members on the partner's trunk group, and what it does with each message."""

    def __init__(self, folder: Path, flooders: Sequence[Hop] = (FLOODER,)) -> None:
        exchange = Exchange(folder)
        exchange.close()
        ends = {"shared": (*flooders, NEIGHBOUR, STREAM), "host": (HOST,)}
        groups = tuple(
            replace(group, members=tuple(map(Member, ends[group.name])))
            for group in exchange.configuration.trunk_groups
            if group.name in ends
        )
        policy = policy_of(replace(exchange.configuration, trunk_groups=groups), Steps())
        settings = ProxySettings(OURSELVES, b"secret", wasted_per_s=WASTED, refusals_per_s=REFUSALS)
        self.proxy = SipProxy(settings, policy.engine, groups, policy.find_provider)
        self.now_us = 1_760_000_000_000_000
        self._calls = 0

    def receive(self, data: bytes, source: Hop = FLOODER) -> list[Action]:
        return self.proxy.receive(data, source, self.now_us)

    def call(
        self,
        source: Hop = FLOODER,
        *,
        calling: str = OTHER_PROVIDER_NUMBER,
        called: str = HOST_NUMBER,
        uri: str | None = None,
    ) -> str:
        """What becomes of a new call: ``on``, the status of its refusal, or ``dropped``."""
        self._calls += 1
        invite = sound(f"call{self._calls}", source, calling=calling, called=called)
        if uri is not None:
            invite = invite.replace(invite.split(b" ", 2)[1], uri.encode(), 1)
        return outcome(self.receive(invite, source))

    def waste(self, count: int = WASTED, source: Hop = FLOODER, *, calling: str = PROVIDER_NUMBER) -> None:
        """Calls that the engine refuses."""
        for _ in range(count):
            assert self.call(source, calling=calling, called=OUTSIDE_NUMBER) == "404"


def outcome(actions: list[Action]) -> str:
    sends = [action for action in actions if isinstance(action, Send)]
    if any(send.data.startswith(b"INVITE ") for send in sends):
        return "on"
    return sends[-1].data[8:11].decode() if sends else "dropped"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_who_has_wasted_its_allowance_is_refused_unread_so_often_a_second_and_then_dropped(scene: Scene) -> None:
    scene.waste()
    actions = scene.receive(sound("next", FLOODER, called=OUTSIDE_NUMBER, calling=PROVIDER_NUMBER))
    (refusal,) = actions
    assert isinstance(refusal, Send)
    assert refusal.data.startswith(b"SIP/2.0 480 Too Many Calls In Vain\r\n")
    assert b'\r\nReason: Q.850;cause=42;text="OVER_LIMIT rate_limit L8"\r\nRetry-After: 1\r\n' in refusal.data
    said = [scene.call(calling=PROVIDER_NUMBER) for _ in range(10)]
    assert said == ["480"] * (REFUSALS - 1) + ["dropped"] * (10 - REFUSALS + 1)
    assert scene.proxy.counters.shed == {"calls refused": REFUSALS, "calls dropped": 6}
    assert scene.proxy.take_shed() == [Shed(FLOODER, "shared", PROVIDER, 11)]
    assert scene.proxy.take_shed() == []


def test_what_is_shed_opens_no_transaction_and_takes_nobodys_quota(scene: Scene) -> None:
    scene.waste()
    before = scene.proxy.transactions
    for _ in range(50):
        scene.call(calling=PROVIDER_NUMBER)
    assert scene.proxy.transactions == before


def test_another_provider_on_the_same_source_goes_on(scene: Scene) -> None:
    scene.waste(calling=PROVIDER_NUMBER)
    assert scene.call(calling=PROVIDER_NUMBER) == "480"
    assert [scene.call(calling=OTHER_PROVIDER_NUMBER) for _ in range(100)] == ["on"] * 100


def test_another_source_goes_on_also_with_the_calls_of_the_same_provider(scene: Scene) -> None:
    scene.waste(calling=PROVIDER_NUMBER)
    assert [scene.call(NEIGHBOUR, calling=PROVIDER_NUMBER) for _ in range(100)] == ["on"] * 100


@pytest.mark.parametrize("calling", [NOBODYS_NUMBER, "anonymous", "+449075550100"])
def test_calls_for_which_no_carrier_answers_share_one_allowance(scene: Scene, calling: str) -> None:
    scene.waste(calling=PROVIDER_NUMBER)
    while (said := scene.call(calling=calling)) not in ("480", "dropped"):
        assert said == "403"
    assert scene.proxy.take_shed() == [Shed(FLOODER, "shared", None, 1)]
    assert scene.call(calling=NOBODYS_NUMBER) == "480"
    assert scene.call(calling=OTHER_PROVIDER_NUMBER) == "on"


def test_calls_that_change_their_provider_each_time_are_shed_when_the_gateway_has_wasted_enough(scene: Scene) -> None:
    assert [scene.call(NEIGHBOUR) for _ in range(10)] == ["on"] * 10
    spoofed = [PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER, UNCONFIRMED_NUMBER, NOBODYS_NUMBER]
    looked_at = 0
    for number in range(4_000):
        looked_at += scene.call(calling=spoofed[number % 4], called=OUTSIDE_NUMBER) in ("404", "403")
    assert looked_at <= GATEWAY_SHARE * WASTED
    assert [scene.call(NEIGHBOUR) for _ in range(100)] == ["on"] * 100


def test_whoever_asked_whether_we_are_there_all_night_is_as_good_as_its_latest_calls(scene: Scene) -> None:
    assert [scene.call(NEIGHBOUR) for _ in range(10)] == ["on"] * 10
    for number in range(200):
        scene.now_us += 10 * SECOND_US
        assert outcome(scene.receive(in_vain("OPTIONS", number), NEIGHBOUR)) == "200"
    spoofed = [PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER, UNCONFIRMED_NUMBER, NOBODYS_NUMBER]
    for number in range(1_000):
        scene.call(calling=spoofed[number % 4], called=OUTSIDE_NUMBER)
    assert [scene.call(NEIGHBOUR) for _ in range(100)] == ["on"] * 100


@pytest.mark.parametrize(
    "spelt",
    [
        "sip:{}@lab.example;%72n=+19075550100",
        "sip:{};RN=x@lab.example",
        "http:{}@lab.example",
        "sip:{}@lab example",
    ],
)
def test_a_number_is_its_holders_whatever_somebody_else_has_spelt_with_it(scene: Scene, spelt: str) -> None:
    scene.waste()
    while scene.call(calling=NOBODYS_NUMBER) not in ("480", "dropped"):
        pass
    invite = sound("spelt", FLOODER, calling=OTHER_PROVIDER_NUMBER)
    uri = spelt.format(OTHER_PROVIDER_NUMBER).encode()
    assert outcome(scene.receive(invite.replace(b"sip:%b@lab.example" % OTHER_PROVIDER_NUMBER.encode(), uri))) != "on"
    assert scene.call(calling=OTHER_PROVIDER_NUMBER) == "on"


def test_a_flood_from_many_sources_is_shed_and_the_one_whose_calls_went_on_is_not(scene: Scene) -> None:
    members = [Hop("192.0.2.30", 5000 + number) for number in range(60)]
    scene.proxy.members_are("shared", [Member(hop) for hop in (NEIGHBOUR, *members)], scene.now_us)
    assert [scene.call(NEIGHBOUR) for _ in range(10)] == ["on"] * 10
    looked_at = 0
    for number in range(60 * (WASTED - 1)):  # no source has used up its own allowance
        looked_at += scene.call(members[number % 60], called=OUTSIDE_NUMBER) == "404"
    assert looked_at <= GATEWAY_SHARE * WASTED
    assert [scene.call(NEIGHBOUR) for _ in range(100)] == ["on"] * 100
    assert scene.call(members[0], called="911") == "on"


def test_a_flood_from_many_sources_gets_no_more_answers_than_a_few_of_them(scene: Scene) -> None:
    members = [Hop("192.0.2.30", 5000 + number) for number in range(60)]
    scene.proxy.members_are("shared", [Member(hop) for hop in members], scene.now_us)
    said = [scene.call(members[number % 60], called=OUTSIDE_NUMBER) for number in range(60 * WASTED)]
    assert said.count("480") == GATEWAY_SHARE * REFUSALS
    assert set(said[-60:]) == {"dropped"}


@pytest.mark.parametrize(
    "uri", ["sip:911@h", "tel:911", "urn:service:sos", "sip:sos@h", "sip:9-1-1@h", "sip:1911@h", "sip:*67911#@h"]
)
def test_emergency_calls_pass_whatever_their_source_has_wasted(scene: Scene, uri: str) -> None:
    for calling in (PROVIDER_NUMBER, OTHER_PROVIDER_NUMBER, NOBODYS_NUMBER):
        for _ in range(50):
            scene.call(calling=calling, called=OUTSIDE_NUMBER)
    assert [scene.call(calling=PROVIDER_NUMBER, uri=uri) for _ in range(100)] == ["on"] * 100


def test_an_emergency_call_passes_behind_a_strict_router(scene: Scene) -> None:
    scene.waste()
    invite = sound("strict", FLOODER, calling=PROVIDER_NUMBER)
    route = b"Route: <sip:911@lab.example>\r\nMax-Forwards"
    invite = invite.replace(invite.split(b" ", 2)[1], b"sip:192.0.2.1:5060;lr", 1).replace(b"Max-Forwards", route, 1)
    assert outcome(scene.receive(invite)) == "on"


@pytest.mark.parametrize("called", ["3149115555", "911555", "+19115550100"])
def test_a_number_with_911_in_it_is_no_emergency_call(scene: Scene, called: str) -> None:
    scene.waste()
    assert scene.call(calling=PROVIDER_NUMBER, called=called) == "480"


def test_what_belongs_to_a_call_passes_whatever_its_source_has_wasted(scene: Scene) -> None:
    invite = sound("up", FLOODER)
    onward = next(a.data for a in scene.receive(invite) if isinstance(a, Send) and a.target == HOST)
    scene.waste()
    ringing = response_to(SipMessage(onward), 180, "Ringing", to_tag=b"b")
    assert outcome(scene.receive(ringing, HOST)) == "180"
    (_, cancel) = scene.receive(cancel_of(SipMessage(invite)))
    assert isinstance(cancel, Send)
    assert cancel.data.startswith(b"CANCEL ")
    second = sound("second", NEIGHBOUR)
    onward = next(a.data for a in scene.receive(second, NEIGHBOUR) if isinstance(a, Send) and a.target == HOST)
    scene.receive(response_to(SipMessage(onward), 200, "OK", to_tag=b"b"), HOST)
    scene.waste(source=NEIGHBOUR)
    for method, cseq in (b"ACK", 1), (b"INFO", 2), (b"BYE", 3):
        request = second.replace(b"INVITE", method).replace(b"@lab.example>\r\nCall", b"@lab.example>;tag=b\r\nCall")
        request = request.replace(b"CSeq: 1", b"CSeq: %d" % cseq).replace(b"z9hG4bK", b"z9hG4bK" + method)
        (sent,) = scene.receive(request, NEIGHBOUR)
        assert isinstance(sent, Send)
        assert sent.data.startswith(method)


def test_time_brings_the_allowance_back(scene: Scene) -> None:
    scene.waste()
    scene.now_us += SECOND_US // WASTED
    assert scene.call(calling=PROVIDER_NUMBER) == "on"  # what goes on takes nothing
    assert scene.call(calling=PROVIDER_NUMBER, called=OUTSIDE_NUMBER) == "404"
    scene.now_us += SECOND_US
    scene.waste()


def test_calls_that_go_on_give_back_what_others_wasted(scene: Scene) -> None:
    for _ in range(20 * WASTED):  # half of what comes is refused, at any rate
        assert scene.call(calling=OTHER_PROVIDER_NUMBER) == "on"
        assert scene.call(calling=OTHER_PROVIDER_NUMBER, called=OUTSIDE_NUMBER) == "404"
    assert not scene.proxy.counters.shed


@pytest.mark.parametrize("source", [FLOODER, HOST])
def test_calls_of_the_host_are_told_apart_by_whose_number_they_call(scene: Scene, source: Hop) -> None:
    if source is HOST:
        for _ in range(WASTED):
            assert scene.call(HOST, calling=HOST_NUMBER, called=NOBODYS_NUMBER) == "404"
        assert scene.call(HOST, calling=HOST_NUMBER, called=NOBODYS_NUMBER) == "480"
        assert scene.call(HOST, calling=HOST_NUMBER, called=PROVIDER_NUMBER) == "on"
        assert scene.proxy.take_shed() == [Shed(HOST, "host", None, 1)]
    else:
        scene.waste(calling=PROVIDER_NUMBER)
        assert scene.call(HOST, calling=HOST_NUMBER, called=PROVIDER_NUMBER) == "on"


def test_who_is_called_too_often_has_not_made_the_calls_that_are_shed(scene: Scene) -> None:
    for number in range(2 * WASTED):
        invite = sound(f"last{number}", HOST, calling=HOST_NUMBER, called=PROVIDER_NUMBER)
        scene.receive(invite.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), HOST)
    assert scene.proxy.take_shed() == [Shed(HOST, "host", None, WASTED)]


def in_vain(method: str, number: int, *, tag: str = "") -> bytes:
    """A request that belongs to nothing."""
    invite = sound(f"vain{number}", FLOODER).replace(b"INVITE", method.encode())
    return invite.replace(b"@lab.example>\r\nCall", f"@lab.example>{tag}\r\nCall".encode())


VAIN: dict[str, Callable[[int], bytes]] = {
    "REGISTER": lambda number: in_vain("REGISTER", number),
    "OPTIONS": lambda number: in_vain("OPTIONS", number),
    "BYE of no dialog": lambda number: in_vain("BYE", number, tag=";tag=b"),
    "INVITE in no dialog": lambda number: in_vain("INVITE", number, tag=";tag=b"),
    "CANCEL of nothing": lambda number: in_vain("CANCEL", number),
    "malformed": lambda number: in_vain("INVITE", number).replace(b"Call-ID", b"Call\x00ID"),
    "no SIP": lambda number: b"GET / HTTP/1.%d\r\nHost: h\r\n\r\n" % number,
}


@pytest.mark.parametrize("message", VAIN.values(), ids=VAIN)
def test_what_opens_no_call_is_answered_so_often_and_then_dropped(
    scene: Scene, message: Callable[[int], bytes]
) -> None:
    answered = sum(bool(scene.receive(message(number))) for number in range(500))
    assert answered <= 2 * WASTED
    assert scene.call(NEIGHBOUR) == "on"
    assert scene.call(called="911") == "on"
    assert scene.call(calling=PROVIDER_NUMBER) == "on"  # nothing of it was this provider's


def test_a_request_that_is_repeated_without_end_is_answered_so_often_and_then_dropped(scene: Scene) -> None:
    invite = sound("again", FLOODER)
    assert outcome(scene.receive(invite)) == "on"
    assert sum(bool(scene.receive(invite)) for _ in range(500)) <= 2 * WASTED
    assert scene.proxy.counters.shed["repeats dropped"] >= 500 - 2 * WASTED
    cancel = cancel_of(SipMessage(invite))
    assert scene.receive(cancel)
    assert sum(bool(scene.receive(cancel)) for _ in range(500)) <= 2 * WASTED


def test_all_ports_of_a_members_host_that_are_no_member_share_one_allowance_and_get_no_more_answers(
    scene: Scene,
) -> None:
    ports = [Hop(FLOODER.host, 10_000 + number) for number in range(1_000)]
    answered = [outcome(scene.receive(sound(f"port{port.port}", port), port)) for port in ports]
    assert answered == ["403"] * WASTED + ["dropped"] * (1_000 - WASTED)
    assert scene.proxy.take_shed() == [Shed(Hop(FLOODER.host, 0), None, None, 1_000 - WASTED)]
    assert scene.call() == "on"


def test_over_tcp_all_connections_of_an_address_share_one_allowance(scene: Scene) -> None:
    connections = [STREAM._replace(port=40_000 + number, connection=number + 1) for number in range(WASTED + 1)]
    said = [scene.call(source, calling=PROVIDER_NUMBER, called=OUTSIDE_NUMBER) for source in connections]
    assert said == ["404"] * WASTED + ["480"]
    for source in connections:
        scene.proxy.closed(source, scene.now_us)
    assert scene.call(connections[0], calling=PROVIDER_NUMBER) == "480"
    assert scene.call(connections[0], calling=OTHER_PROVIDER_NUMBER) == "on"


def test_members_that_stay_keep_what_they_wasted_when_others_come(scene: Scene) -> None:
    scene.waste()
    newcomer = Hop("192.0.2.13", 5060)
    scene.proxy.members_are("shared", [Member(FLOODER), Member(newcomer)], scene.now_us)
    assert scene.call(calling=PROVIDER_NUMBER) == "480"
    assert scene.call(newcomer, calling=PROVIDER_NUMBER) == "on"
    assert scene.call(NEIGHBOUR) in ("403", "dropped")  # it is no member any more, nor its host


def test_an_observer_hears_of_everything_that_opens_no_call_also_of_what_is_dropped(scene: Scene) -> None:
    heard = scene.proxy.observer = Heard()
    for number in range(100):
        for message in VAIN.values():
            scene.receive(message(number))
        scene.receive(response_to(SipMessage(sound(f"r{number}", HOST)), 200, "OK", to_tag=b"b"), HOST)
        scene.receive(in_vain("ACK", number, tag=";tag=b"))
    assert (heard.requests.count(b"REGISTER"), heard.requests.count(b"OPTIONS")) == (100, 100)
    assert (heard.malformed_messages, heard.strays) == (200, 500)


def test_an_observer_hears_of_every_repeat_also_of_those_that_are_dropped(scene: Scene) -> None:
    heard = scene.proxy.observer = Heard()
    invite = sound("again", FLOODER)
    for _ in range(501):
        scene.receive(invite)
    assert scene.proxy.counters.shed["repeats dropped"]
    assert heard.repeats == scene.proxy.counters.absorbed == 500


def test_every_call_of_strangers_is_told_also_those_that_are_dropped(scene: Scene) -> None:
    heard = scene.proxy.observer = Heard()
    for number in range(100):
        port = Hop(FLOODER.host, 10_000 + number)
        scene.receive(sound(f"port{number}", port), port)
        elsewhere = Hop("203.0.113.9", 10_000 + number)
        scene.receive(sound(f"far{number}", elsewhere), elsewhere)
        assert scene.call() == "on"
    (shed,) = scene.proxy.take_shed()
    (unwelcome,) = scene.proxy.take_unwelcome()
    assert (shed.source.host, unwelcome[0]) == (FLOODER.host, Hop("203.0.113.9", 0))
    assert heard.strangers + shed.calls + unwelcome[1] == 200
    assert scene.proxy.take_unwelcome() == []


def test_addresses_of_strangers_are_told_apart_up_to_a_bound(scene: Scene) -> None:
    for number in range(5_000):
        source = Hop(f"203.0.{number >> 8}.{number & 255}", 5060)
        scene.receive(b"nonsense", source)
    told = dict(scene.proxy.take_unwelcome())
    assert len(told) == MOST_HOSTS + 1
    assert sum(told.values()) == scene.proxy.counters.unwelcome
    assert told[Hop(OTHER_HOSTS, 0)] == scene.proxy.counters.unwelcome - MOST_HOSTS


def test_the_ack_for_a_refusal_that_left_no_state_is_no_stray(scene: Scene) -> None:
    heard = scene.proxy.observer = Heard()
    scene.waste()
    invite = sound("next", FLOODER, called=OUTSIDE_NUMBER, calling=PROVIDER_NUMBER)
    (refusal,) = scene.receive(invite)
    assert isinstance(refusal, Send)
    ack = invite.replace(b"INVITE", b"ACK")
    to = SipMessage(refusal.data).required(headers.TO)
    assert scene.receive(ack.replace(SipMessage(invite).required(headers.TO), to, 1)) == []
    assert heard.strays == 0
    scene.receive(ack)
    assert heard.strays == scene.proxy.counters.stray == 1


def acknowledging(invite: bytes, answer: bytes) -> bytes:
    """The ACK for an answer other than 2xx (RFC 3261 section 17.1.1.3)."""
    return ack_of_failure(SipMessage(invite), SipMessage(answer).required(headers.TO))


def test_an_ack_that_is_sent_again_without_end_is_a_stray_beyond_those_that_we_wait_for(scene: Scene) -> None:
    heard = scene.proxy.observer = Heard()
    scene.waste()
    invite = sound("next", FLOODER, called=OUTSIDE_NUMBER, calling=PROVIDER_NUMBER)
    (refusal,) = scene.receive(invite)
    assert isinstance(refusal, Send)
    ack = acknowledging(invite, refusal.data)
    for _ in range(1_000):
        assert scene.receive(ack) == []
    assert heard.strays == 1_000 - WASTED - 1


def test_who_was_given_tags_cannot_work_out_others(scene: Scene) -> None:
    """Those of a checksum differ as the Call-IDs do: of three, one gives a fourth."""
    tags = []
    for last in (b"0", b"1", b"2", b"3"):
        message = in_vain("OPTIONS", 0).replace(b"vain0", b"vain%s" % last)
        (answer,) = scene.receive(message.replace(b"z9hG4bK", b"z9hG4bK" + last))
        assert isinstance(answer, Send)
        tags.append(int(tag_of(SipMessage(answer.data).required(headers.TO))[2:], 16))
    assert tags[0] ^ tags[1] ^ tags[2] != tags[3]


@pytest.mark.parametrize("source", [FLOODER, Hop(FLOODER.host, 9_999), Hop("203.0.113.9", 5060)])
@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ((b"Max-Forwards: 70", b"Max-Forwards: 0"), b"483"),
        ((b"Max-Forwards: 70", b"Max-Forwards: 70\r\nProxy-Require: no-such"), b"420"),
        ((b"Max-Forwards: 70", b"Max-Forwards: many"), b"400"),
    ],
)
def test_the_ack_for_whatever_leaves_no_state_is_no_stray(
    scene: Scene, source: Hop, changed: tuple[bytes, bytes], status: bytes
) -> None:
    heard = scene.proxy.observer = Heard()
    invite = sound("unfit", source)
    (answer,) = scene.receive(invite.replace(*changed), source)
    assert isinstance(answer, Send)
    assert answer.data[8:11] == status
    assert scene.receive(acknowledging(invite, answer.data), source) == []
    assert (heard.strays, scene.proxy.counters.stray) == (0, 0)


def test_no_decision_tells_of_what_was_shed(scene: Scene) -> None:
    scene.waste()
    actions = [
        action
        for number in range(20)
        for action in scene.receive(sound(f"s{number}", FLOODER, calling=PROVIDER_NUMBER))
    ]
    assert not any(isinstance(action, Decided) for action in actions)
    (first, *_) = actions
    assert isinstance(first, Send)
    assert SipMessage(first.data).value(headers.CALL_ID) == b"s0"
