"""What a proxy asks to locate is located beside the loop's other work, and handed back with the token."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from peers import LOOPBACK, Peer, ScriptedProxy

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Locate, Send
from gateway.signalling.locating import Target
from gateway.transport.clock import Clock
from gateway.transport.endpoint import SipEndpoint
from gateway.transport.udp import UdpCarrier, open_socket

TARGET: Final = Target("switch.example")


class AskingProxy(ScriptedProxy):
    """Asks to locate for each datagram, and sends to what was found."""

    def __init__(self) -> None:
        super().__init__(lambda data, _: [Locate(TARGET, int(data))])

    def located(self, token: int, hops: Iterable[Hop], at_us: int) -> list[Action]:  # noqa: ARG002
        return [Send(b"BYE sip:%d SIP/2.0\r\n\r\n" % token, hop) for hop in hops]


async def test_two_names_are_located_at_once_and_the_first_that_is_known_goes_first() -> None:
    peer = Peer()
    turns = [asyncio.Event(), asyncio.Event()]
    asked: list[Target] = []

    async def locator(target: Target) -> Sequence[Hop]:
        asked.append(target)
        await turns[len(asked) - 1].wait()
        return (Hop(*peer.address),)

    endpoint = SipEndpoint(AskingProxy(), Clock(), (), locator=locator)
    endpoint.add(UdpCarrier(endpoint, open_socket(LOOPBACK, 0)))
    endpoint.start()
    for token in (b"1", b"2"):
        peer.send(token, endpoint.local.address)
    turns[1].set()
    assert (await peer.receive()).startswith(b"BYE sip:2 ")
    turns[0].set()
    assert (await peer.receive()).startswith(b"BYE sip:1 ")
    assert asked == [TARGET, TARGET]
    endpoint.close()
    peer.close()


async def test_what_is_still_being_located_ends_with_the_endpoint() -> None:
    peer = Peer()
    asked, ended = asyncio.Event(), asyncio.Event()

    async def locator(_target: Target) -> Sequence[Hop]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ()

    endpoint = SipEndpoint(AskingProxy(), Clock(), (), locator=locator)
    endpoint.add(UdpCarrier(endpoint, open_socket(LOOPBACK, 0)))
    endpoint.start()
    peer.send(b"1", endpoint.local.address)
    await asked.wait()
    endpoint.close()
    await ended.wait()
    peer.close()
