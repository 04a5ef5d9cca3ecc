"""Which association of the gateway a message of a capture came on, and which exchanges a replay has a way to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.capture.link_replay import LinkReplay
from gateway.capture.msu import LinkMessage
from gateway.codecs.ss7.m3ua import M3uaMessage, MessageType, encode_m3ua
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Address, Link, LinkRole

SERVER: Address = ("192.0.2.1", 2905)
TANDEM: Address = ("192.0.2.9", 2905)
OURS: Address = ("192.0.2.1", 40_000)
FIRST, SECOND = ("192.0.2.7", 40_001), ("192.0.2.7", 40_002)
OFFICE = Link("office", LinkRole.SERVER, Variant.ANSI, 1, SERVER, (2,))
LINKS = (OFFICE, replace(OFFICE, name="tandem", role=LinkRole.CLIENT, address=TANDEM))


def said(kind: MessageType, source: Address, destination: Address) -> LinkMessage:
    return LinkMessage(0, source, destination, encode_m3ua(M3uaMessage(kind)))


def ended(source: Address, destination: Address) -> LinkMessage:
    return LinkMessage(0, source, destination, b"")


M = MessageType


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([said(M.ASPUP, FIRST, SERVER), said(M.ASPAC, FIRST, SERVER)], [("office#1", True), ("office#1", False)]),
        ([said(M.ASPIA, FIRST, SERVER)], [("office#1", False)]),
        ([said(M.ASPUP, FIRST, SERVER), said(M.ASPUP, FIRST, SERVER)], [("office#1", True), ("office#1", False)]),
        ([said(M.BEAT, FIRST, SERVER), said(M.ASPAC, SECOND, SERVER)], [("office#1", False), ("office#2", True)]),
        ([said(M.ASPUP_ACK, TANDEM, OURS), said(M.DUNA, TANDEM, OURS)], [("tandem", True), ("tandem", False)]),
        ([said(M.DUNA, TANDEM, OURS)], [("tandem", False)]),
        ([said(M.ASPUP, FIRST, SERVER), ended(FIRST, SERVER)], [("office#1", True), ("office#1", False)]),
        ([said(M.ASPUP, FIRST, SERVER), ended(SERVER, FIRST)], [("office#1", True), ("office#1", False)]),
        ([ended(FIRST, SERVER)], [(None, False)]),
        ([said(M.ASPUP_ACK, SERVER, FIRST), said(M.ASPUP, OURS, TANDEM)], [(None, False), (None, False)]),
        ([said(M.ASPUP, FIRST, SECOND)], [(None, False)]),
    ],
)
def test_messages_that_reach_the_gateway_are_of_an_association_of_one_of_its_links(
    messages: list[LinkMessage], named: list[tuple[str | None, bool]]
) -> None:
    replay = LinkReplay(LINKS)
    assert [replay.association_of(message) for message in messages] == named


def test_an_association_that_comes_after_one_that_was_ended_has_a_name_of_its_own() -> None:
    replay = LinkReplay(LINKS)
    replay.association_of(said(M.ASPUP, FIRST, SERVER))
    replay.association_of(ended(FIRST, SERVER))
    assert replay.association_of(said(M.ASPUP, SECOND, SERVER)) == ("office#2", True)
