"""The signalling point as the endpoint sees it: M3UA and SIP bytes in and out, calls from each side to each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.codecs.sip import SipMessage, headers
from gateway.codecs.ss7.isup import IsupMessage
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.m3ua import MessageType, decode_m3ua, m3ua_data, transfer_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import Blocking, BlockingBook
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.links import Link, LinkRole
from gateway.interconnection.screening import Screening, rules_of
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.signalling.call import Action, Carry, Decided, Ended, EndedBy, Progressed, Send, Ss7Changed
from gateway.signalling.proxy import SipProxy
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.exchange_settings import ExchangeSettings
from gateway.signalling.ss7.interworking.interworking import Interworking
from gateway.signalling.ss7.interworking.settings import InterworkingSettings
from gateway.signalling.ss7.m3ua_links import M3uaLinks
from gateway.signalling.ss7.signalling_point import SignallingPoint
from tests.signalling.playbook import (
    CALLEE,
    CALLER,
    OURSELVES,
    REFUSED_NUMBER,
    T0,
    Ledger,
    reply,
    request,
    settings_with,
)
from tests.signalling.ss7.exchange_playbook import OURS, A, B, group, iam, message, of_group

SWITCH = "CLMAMOXADS0"
LINK = Link("link-B", LinkRole.SERVER, Variant.ANSI, OURS, ("127.0.0.1", 2905), (B, A))


def sip_group(name: str, side: Side, member: Hop, switch: str = SWITCH) -> TrunkGroup:
    return TrunkGroup(name, side, Ocn("7001" if side is Side.PARTNER else "9740"), switch, (Member(member),))


class Point:
    """A signalling point whose link's peer is a script, and whose SIP peers are."""

    def __init__(self, groups: tuple[TrunkGroup, ...]) -> None:
        self.now_us = T0
        self.ledger = Ledger()
        self.blockings = BlockingBook()
        standings = StandingBook()
        engine = Engine([self.ledger], [self.ledger], Router(groups, guide=None, ported=None, standings=standings))
        finder = ProviderFinder(None, None)
        proxy = SipProxy(settings_with(), engine, groups, finder)
        links = M3uaLinks([LINK])
        exchange = Exchange(
            ExchangeSettings(host=OURSELVES.host),
            groups,
            engine,
            finder,
            proxy.members,
            links.send,
            standings,
            self.blockings,
        )
        agent = Interworking(InterworkingSettings(own=OURSELVES), groups, exchange)
        self.point = SignallingPoint(proxy, links, exchange, agent, Screening(rules_of(groups)))
        self.books: list[Action] = []
        self.isup: list[tuple[int, IsupMessage]] = []
        self.sip: list[tuple[Hop, SipMessage]] = []

    def comes_up(self) -> None:
        """The peer's association comes up, and the circuits are reset."""
        self.takes(self.point.link_up("link-B#1", self.now_us))
        for kind in (1, 4):  # ASP up, ASP active (RFC 4666 section 3)
            head = bytes((1, 0, 3 if kind == 1 else 4, 1)) + (8).to_bytes(4, "big")
            self.takes(self.point.link_received("link-B#1", 0, head, self.now_us))
        for to, said in tuple(self.isup):
            if said.type == M.GRS and said.range_and_status is not None and said.cic is not None:
                flags = [False] * said.range_and_status.circuits
                self.hears(to, of_group(M.GRA, said.cic, flags))
        self.isup.clear()

    def takes(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Carry):
                read = decode_m3ua(action.data)
                if read.type == MessageType.DATA:
                    transfer = transfer_of(read)
                    self.isup.append((transfer.dpc, IsupMessage(transfer.data, Variant.ANSI)))
            elif isinstance(action, Send):
                self.sip.append((action.target, SipMessage(action.data)))
            elif isinstance(action, Decided | Progressed | Ended):
                self.books.append(action)
            else:
                assert isinstance(action, Ss7Changed), action

    def hears(self, origin: int, said: IsupMessage, *, dpc: int = OURS, si: int = 5) -> None:
        data = m3ua_data(Mtp3Transfer(origin, dpc, si, 2, 0, 1, said.data), None)
        self.takes(self.point.link_received("link-B#1", 1, data, self.now_us))

    def gets(self, data: bytes, source: Hop) -> None:
        self.takes(self.point.receive(data, source, self.now_us))

    def last_sip(self, target: Hop, what: str) -> SipMessage:
        found = [said for to, said in self.sip if to == target]
        assert found, self.sip
        said = found[-1]
        assert (str(said.status) if said.status else said.method.decode()) == what, said.data
        return said

    def said(self) -> list[tuple[int, str]]:
        """ISUP messages sent since the last look: to whom, and which."""
        found = [(to, M(said.type).name) for to, said in self.isup]
        self.isup.clear()
        return found


@pytest.fixture
def transit() -> Point:
    partner = group("TG-PARTNER", Side.PARTNER, A)
    host = group("TG-HOST", Side.HOST, B)
    point = Point(tuple(on_link(each) for each in (partner, host)))
    point.comes_up()
    return point


@pytest.fixture
def to_circuits() -> Point:
    point = Point((sip_group("TG-PARTNER", Side.PARTNER, CALLER), on_link(group("TG-HOST", Side.HOST, B))))
    point.comes_up()
    return point


@pytest.fixture
def to_sip() -> Point:
    point = Point((on_link(group("TG-PARTNER", Side.PARTNER, B)), sip_group("TG-HOST", Side.HOST, CALLEE)))
    point.comes_up()
    return point


def on_link(each: TrunkGroup) -> TrunkGroup:
    assert each.circuits is not None
    return replace(each, circuits=replace(each.circuits, links=("link-B",)))


OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
WITH_OFFER = (b"Content-Type: application/sdp", b"Content-Length: %d" % len(OFFER), b"Contact: <sip:a@192.0.2.10>")


def test_a_call_between_circuits_goes_over_the_links_both_ways(transit: Point) -> None:
    transit.hears(A, iam(1))
    assert transit.said() == [(B, "IAM")]
    transit.hears(B, message(M.ACM, 2))
    transit.hears(B, message(M.ANM, 2))
    transit.hears(B, message(M.REL, 2))
    assert transit.said() == [(A, "ACM"), (A, "ANM"), (B, "RLC"), (A, "REL")]
    assert [type(told) for told in transit.books] == [Decided, Progressed, Ended]


def test_a_call_from_sip_leaves_on_a_circuit_and_its_books_are_the_proxys(to_circuits: Point) -> None:
    point = to_circuits
    point.gets(*request("INVITE", *WITH_OFFER, body=OFFER))
    assert point.said() == [(B, "IAM")]
    point.hears(B, message(M.ACM, 2))
    point.last_sip(CALLER, "180")
    point.hears(B, message(M.ANM, 2))
    answer = point.last_sip(CALLER, "200")
    to = answer.required(headers.TO)
    point.gets(*request("ACK", branch="2", to=to.decode(), cseq="1 ACK"))
    point.gets(*request("BYE", branch="3", to=to.decode(), cseq="2 BYE"))
    assert point.said() == [(B, "REL")]
    point.last_sip(CALLER, "200")
    assert [type(told) for told in point.books] == [Decided, Progressed, Ended]
    assert isinstance(point.books[-1], Ended)
    assert point.books[-1].call.ended_by is EndedBy.CALLER
    point.hears(B, message(M.RLC, 2))
    assert point.point.exchange.tables["TG-HOST"].by_state()["idle"] == 4
    assert point.ledger.in_progress == 0
    assert point.point.circling == 0


def test_a_call_from_sip_that_the_exchange_releases_is_refused_with_the_status_of_the_cause(to_circuits: Point) -> None:
    to_circuits.gets(*request("INVITE", *WITH_OFFER, body=OFFER))
    to_circuits.hears(B, message(M.REL, 2, cause=17))
    to_circuits.last_sip(CALLER, "486")
    assert to_circuits.ledger.in_progress == 0


def test_a_call_from_sip_that_is_cancelled_is_released_on_its_circuit(to_circuits: Point) -> None:
    to_circuits.gets(*request("INVITE", *WITH_OFFER, body=OFFER))
    to_circuits.gets(*request("CANCEL", cseq="1 CANCEL"))
    assert to_circuits.said() == [(B, "IAM"), (B, "REL")]
    to_circuits.last_sip(CALLER, "487")


def test_a_call_from_sip_finds_no_room_where_no_circuit_is_idle(to_circuits: Point) -> None:
    for number in range(4):
        call = request("INVITE", *WITH_OFFER, body=OFFER, branch=f"1{number}", call_id=f"c{number}")
        to_circuits.gets(*call)
    assert len(to_circuits.said()) == 4
    to_circuits.gets(*request("INVITE", *WITH_OFFER, body=OFFER, branch="15", call_id="c5"))
    assert to_circuits.said() == []
    to_circuits.last_sip(CALLER, "480")
    assert to_circuits.ledger.in_progress == 4


def test_a_call_from_a_circuit_leaves_over_sip_and_is_decided_once(to_sip: Point) -> None:
    point = to_sip
    point.hears(B, iam(1))
    invite = point.last_sip(CALLEE, "INVITE")
    point.gets(*reply(invite.data, 180))
    assert point.said() == [(B, "ACM")]
    point.gets(*reply(invite.data, 200, lines=(b"Contact: <sip:b@192.0.2.20>",)))
    assert point.said() == [(B, "ANM")]
    point.last_sip(CALLEE, "ACK")
    point.hears(B, message(M.REL, 1))
    assert point.said() == [(B, "RLC")]
    bye = point.last_sip(CALLEE, "BYE")
    point.gets(*reply(bye.data, 200))
    assert [type(told) for told in point.books] == [Decided, Progressed, Ended]
    assert point.ledger.in_progress == 0
    assert point.point.exchange.tables["TG-PARTNER"].by_state()["idle"] == 4


def test_a_refused_call_from_a_circuit_never_reaches_sip(to_sip: Point) -> None:
    to_sip.hears(B, iam(1, REFUSED_NUMBER))
    assert to_sip.said() == [(B, "REL")]
    assert to_sip.sip == []
    assert [type(told) for told in to_sip.books] == [Decided, Ended]


def test_a_final_response_releases_the_circuit_with_the_cause_of_the_status(to_sip: Point) -> None:
    to_sip.hears(B, iam(1))
    to_sip.gets(*reply(to_sip.last_sip(CALLEE, "INVITE").data, 486))
    kind, rel = to_sip.isup[-1]
    assert (kind, rel.type) == (B, M.REL)
    assert rel.cause is not None
    assert rel.cause.value == 17


def test_calls_over_both_sides_pass_on_while_another_circuit_is_used_for_each(to_sip: Point) -> None:
    for cic in (1, 2, 3, 4):
        to_sip.hears(B, iam(cic))
    assert len({said.data.split(b"Call-ID: ")[1].split(b"\r\n")[0] for _, said in to_sip.sip}) == 4


@pytest.mark.parametrize(
    ("origin", "dpc", "si", "why"),
    [
        (0x090909, OURS, 5, "point codes"),
        (B, B, 5, "point codes"),
        (B, OURS, 3, "service indicator"),
    ],
)
def test_what_no_rule_allows_is_dropped_unread_and_counted(
    to_sip: Point, origin: int, dpc: int, si: int, why: str
) -> None:
    to_sip.hears(origin, iam(1), dpc=dpc, si=si)
    assert to_sip.said() == []
    assert to_sip.books == []
    assert to_sip.point.exchange.counters.screened == {why: 1}


def test_a_lost_link_leaves_the_exchange_without_a_way_and_new_calls_without_a_member(to_circuits: Point) -> None:
    to_circuits.takes(to_circuits.point.link_down("link-B#1", to_circuits.now_us))
    to_circuits.now_us += 10_000_000  # T(r) of RFC 4666
    to_circuits.takes(to_circuits.point.wake(to_circuits.now_us))
    to_circuits.gets(*request("INVITE", *WITH_OFFER, body=OFFER))
    to_circuits.last_sip(CALLER, "480")


def test_an_operators_step_goes_out_on_the_links(to_circuits: Point) -> None:
    to_circuits.blockings.add(Blocking(to_circuits.now_us, "TG-HOST", True, "op", "maintenance"))
    to_circuits.takes(to_circuits.point.steps_changed(to_circuits.now_us))
    assert to_circuits.said() == [(B, "CGB"), (B, "CGB")]


def test_a_stop_ends_every_call_in_the_books(transit: Point) -> None:
    transit.hears(A, iam(1))
    transit.takes(transit.point.stop(transit.now_us))
    assert isinstance(transit.books[-1], Ended)
    assert transit.books[-1].call.ended_by is EndedBy.SHUTDOWN


def test_in_a_replay_transfers_are_taken_without_links() -> None:
    groups = (on_link(group("TG-PARTNER", Side.PARTNER, A)), on_link(group("TG-HOST", Side.HOST, B)))
    point = Point(groups)
    point.takes(point.point.assume_up(T0))
    point.takes(point.point.receive_transfer(Mtp3Transfer(A, OURS, 5, 2, 0, 1, iam(1).data), T0))
    assert isinstance(point.books[0], Decided)


def test_its_next_deadline_is_the_earliest_of_its_parts(transit: Point) -> None:
    transit.hears(A, iam(1))
    wake_us = transit.point.next_wake_us
    assert wake_us is not None
    assert wake_us <= transit.now_us + 20_000_000
    transit.now_us += 20_000_000
    transit.takes(transit.point.wake(transit.now_us))
    assert transit.said()[-2:] == [(B, "REL"), (A, "REL")]


def ends_every_call(point: Point) -> None:
    point.takes(point.point.end_calls(lambda _, __: True, 21, "DISCONTINUED 7001 L8", point.now_us))


def told_of_the_end(point: Point) -> list[EndedBy | None]:
    return [told.call.ended_by for told in point.books if isinstance(told, Ended)]


def test_a_discontinued_call_between_circuits_is_released_over_the_links(transit: Point) -> None:
    transit.hears(A, iam(1))
    transit.hears(B, message(M.ANM, 2))
    transit.said()
    ends_every_call(transit)
    assert transit.said() == [(A, "REL"), (B, "REL")]
    assert told_of_the_end(transit) == [EndedBy.DISCONTINUED]


@pytest.mark.parametrize("answered", [True, False])
def test_a_discontinued_call_from_sip_is_released_on_its_circuit_with_the_cause(
    to_circuits: Point, answered: bool
) -> None:
    point = to_circuits
    point.gets(*request("INVITE", *WITH_OFFER, body=OFFER))
    point.hears(B, message(M.ACM, 2))
    if answered:
        point.hears(B, message(M.ANM, 2))
        to = point.last_sip(CALLER, "200").required(headers.TO)
        point.gets(*request("ACK", branch="2", to=to.decode(), cseq="1 ACK"))
    point.said()
    ends_every_call(point)
    point.last_sip(CALLER, "BYE" if answered else "403")
    released = [said for _, said in point.isup if said.type == M.REL]
    assert [said.cause.value for said in released if said.cause is not None] == [21]
    assert told_of_the_end(point) == [EndedBy.DISCONTINUED]
    assert point.ledger.in_progress == 0
    assert point.point.circling == 0


@pytest.mark.parametrize("answered", [True, False])
def test_a_discontinued_call_from_a_circuit_is_released_there_with_the_cause(to_sip: Point, answered: bool) -> None:
    point = to_sip
    point.hears(B, iam(1))
    invite = point.last_sip(CALLEE, "INVITE")
    point.gets(*reply(invite.data, 200 if answered else 180, lines=(b"Contact: <sip:b@192.0.2.20>",)))
    point.said()
    ends_every_call(point)
    point.last_sip(CALLEE, "BYE" if answered else "CANCEL")
    released = [said for _, said in point.isup if said.type == M.REL]
    assert [said.cause.value for said in released if said.cause is not None] == [21]
    assert told_of_the_end(point) == [EndedBy.DISCONTINUED]
    assert point.ledger.in_progress == 0
