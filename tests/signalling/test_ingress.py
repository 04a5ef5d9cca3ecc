"""Who a peer is: by its address, by its IP address, or by the name in its certificate."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Side, Transport, TrunkGroup
from gateway.signalling.ingress import Ingress

TCP, TLS = Transport.TCP, Transport.TLS
PARTNER, SHARED, NEIGHBOUR, NAMED = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"


def group(name: str, *members: Hop, certificate: str | None = None) -> TrunkGroup:
    return TrunkGroup(
        name, Side.PARTNER, Ocn("7001"), "CLMAMOXADS0", tuple(map(Member, members)), certificate=certificate
    )


GROUPS: Final = (
    group("datagrams", Hop(PARTNER, 5060), Hop(PARTNER, 5062)),
    group("stream", Hop(PARTNER, 5060, TCP)),
    group("first", Hop(SHARED, 5070, TCP), Hop(SHARED, 5090, TCP)),
    group("second", Hop(SHARED, 5080, TCP)),
    group("by-address", Hop(NEIGHBOUR, 5061, TLS)),
    group("by-name", Hop(NAMED, 5061, TLS), certificate="switch.example"),
    group("by-name-dedicated", Hop(NAMED, 5063, TLS), certificate="switch.example"),
    group("other-name", Hop(NAMED, 5065, TLS), certificate="other.example"),
)


@pytest.mark.parametrize(
    ("source", "via_port", "expected", "member"),
    [
        (Hop(PARTNER, 5060), 5060, "datagrams", True),
        (Hop(PARTNER, 5062), 5060, "datagrams", True),
        (Hop(PARTNER, 5061), 5060, None, True),
        (Hop("192.0.2.9", 5060), 5060, None, False),
        (Hop(SHARED, 5070), 5070, None, False),  # a member over TCP is none over UDP
        (Hop(PARTNER, 40_000, TCP, 1), 5060, "stream", True),
        (Hop(PARTNER, 40_000, TCP, 1), 9, "stream", True),
        (Hop(SHARED, 40_000, TCP, 1), 5070, "first", True),
        (Hop(SHARED, 40_000, TCP, 1), 5090, "first", True),
        (Hop(SHARED, 5070, TCP, 1), 5080, "second", True),
        (Hop(SHARED, 40_000, TCP, 1), 5060, None, True),
        (Hop("192.0.2.9", 5060, TCP, 1), 5060, None, False),
        (Hop(NEIGHBOUR, 5061, TCP, 1), 5061, None, True),  # within a call a switch may choose another transport
        (Hop(NAMED, 5061, TCP, 1), 5061, None, False),  # but not one over which it need not show its certificate
    ],
)  # fmt: skip
def test_over_udp_the_address_tells_and_over_tcp_the_ip_address_and_the_port_in_via(
    source: Hop, via_port: int, expected: str | None, member: bool
) -> None:
    ingress = Ingress(GROUPS)
    found = ingress.group_of(source, via_port)
    assert (found.name if found is not None else None) == expected
    assert ingress.is_member(source) is member


@pytest.mark.parametrize(
    ("host", "names", "via_port", "expected", "member"),
    [
        (NEIGHBOUR, {"whoever.example"}, 9, "by-address", True),
        (NEIGHBOUR, set(), 9, "by-address", True),
        (NAMED, {"switch.example"}, 5061, "by-name", True),
        ("198.51.100.7", {"switch.example", "also.example"}, 5063, "by-name-dedicated", True),
        ("198.51.100.7", {"switch.example"}, 9, None, True),
        ("198.51.100.7", {"switch.example"}, 5060, "by-name", True),  # no port in Via
        ("198.51.100.7", {"other.example"}, 9, "other-name", True),
        (NAMED, {"stranger.example"}, 5061, None, False),  # the address alone is not enough where a name is asked for
        (NAMED, set(), 5061, None, False),
        (NEIGHBOUR, {"other.example"}, 5061, "by-address", True),
        (NEIGHBOUR, {"other.example"}, 5065, "other-name", True),
    ],
)  # fmt: skip
def test_over_tls_the_certificate_tells_where_the_trunk_group_asks_for_a_name(
    host: str, names: set[str], via_port: int, expected: str | None, member: bool
) -> None:
    ingress = Ingress(GROUPS)
    hop = Hop(host, 40_000, TLS, 7)
    ingress.connected(hop, frozenset(names))
    found = ingress.group_of(hop, via_port)
    assert (found.name if found is not None else None) == expected
    assert ingress.is_member(hop) is member


@pytest.mark.parametrize(
    ("host", "names", "expected"),
    [
        (PARTNER, {"partner.example"}, "shared"),
        (SHARED, {"partner.example"}, "dedicated"),
        (NEIGHBOUR, {"partner.example", "third.example"}, "third"),
        (PARTNER, {"partner.example", "third.example"}, "shared"),
        ("198.51.100.7", {"third.example"}, "third"),
        ("198.51.100.7", {"partner.example"}, None),  # it could be either: nobody's calls are laid to another
        ("198.51.100.7", {"partner.example", "third.example"}, None),
    ],
)
def test_trunk_groups_of_one_certificate_and_port_are_told_apart_by_the_address(
    host: str, names: set[str], expected: str | None
) -> None:
    ingress = Ingress(
        (
            group("shared", Hop(PARTNER, 5061, TLS), certificate="partner.example"),
            group("dedicated", Hop(SHARED, 5061, TLS), certificate="partner.example"),
            group("third", Hop(NEIGHBOUR, 5061, TLS), certificate="third.example"),
        )
    )
    hop = Hop(host, 40_000, TLS, 7)
    ingress.connected(hop, frozenset(names))
    found = ingress.group_of(hop, 5061)
    assert (found.name if found is not None else None) == expected
    assert ingress.is_member(hop)


def test_what_one_connection_has_shown_says_nothing_of_another() -> None:
    ingress = Ingress(GROUPS)
    ingress.connected(Hop(NAMED, 40_000, TLS, 7), frozenset({"switch.example"}))
    assert ingress.is_member(Hop(NAMED, 40_000, TLS, 7))
    assert not ingress.is_member(Hop(NAMED, 40_000, TLS, 8))
    assert ingress.group_of(Hop(NAMED, 40_000, TLS, 8), 5061) is None
    ingress.closed(Hop(NAMED, 40_000, TLS, 7))
    assert not ingress.is_member(Hop(NAMED, 40_000, TLS, 7))
    assert ingress.group_of(Hop(NAMED, 40_000, TLS, 7), 5061) is None


def test_a_point_code_is_nobodys_host_on_any_socket() -> None:
    exchange = Hop("246-14-7", 1, Transport.SS7)
    ingress = Ingress([group("circuits", exchange)])
    assert ingress.is_member(exchange._replace(port=9001))
    assert ingress.group_of(exchange._replace(port=9001), 1) is not None
    for transport in (Transport.UDP, Transport.TCP, Transport.TLS):
        forged = exchange._replace(transport=transport, connection=1)
        assert not ingress.is_member(forged)
        assert ingress.group_of(forged, 1) is None
