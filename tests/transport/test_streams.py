"""SIP over TCP, on real sockets."""

from __future__ import annotations

import socket
from typing import Final

from stream_peers import FarEnd, gateway_side, request, response, soon

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Send

TCP: Final = Transport.TCP


async def test_a_request_comes_in_and_its_answer_goes_back_on_the_same_connection() -> None:
    async with gateway_side(lambda _data, source: [Send(response(), source)]) as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.send(request())
        assert await caller.receive() == response()
        data, source = await gateway.message()
        assert data == request()
        assert source == Hop(*caller.address, TCP, source.connection)
        assert source.connection >= 1
        await caller.close()
        assert await soon(gateway.proxy.gone.get()) == source


async def test_messages_come_out_whole_however_the_stream_is_cut() -> None:
    async with gateway_side() as gateway:
        caller = await FarEnd.to(gateway.address)
        caller.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = [request(number, body=b"v=0\r\n" * number) for number in range(3)]
        for byte in b"".join(sent):
            caller.send(bytes((byte,)))
            await caller.writer.drain()
        assert [(await gateway.message())[0] for _ in sent] == sent
        caller.send(b"".join(sent * 100))
        assert [(await gateway.message())[0] for _ in sent * 100] == sent * 100
        await caller.close()
