"""A DNS server on the loopback, with the records and the manners that a test gives it."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from gateway.interconnection.trunk_groups import Address

LOOPBACK: Final = "127.0.0.1"
SOA: Final = "example. 40 IN SOA ns.example. me.example. 1 2 3 4 30"

Manner = Callable[[dns.message.QueryMessage], list[bytes]]
"""Makes the datagrams that answer a request; of TCP only the first is used."""


class NameServer:
    """Answers over UDP and TCP, at one port. What it has no records for does not exist."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        """``TYPE name`` -> lines of a zone file, aliases and what they lead to included; none: the name has no such."""
        self.manners: dict[str, Manner] = {}
        """``TYPE name``, or ``*`` for all -> how to answer otherwise."""
        self.asked: Counter[str] = Counter()
        self.asked_over_tcp: Counter[str] = Counter()
        self.was_asked: Final = asyncio.Event()
        self.address: Address = (LOOPBACK, 0)

    def answer(self, wire: bytes) -> list[bytes]:
        request = dns.message.from_wire(wire)
        assert isinstance(request, dns.message.QueryMessage)
        question = question_of(request)
        self.asked[question] += 1
        self.was_asked.set()
        manner = self.manners.get(question) or self.manners.get("*")
        return manner(request) if manner is not None else [self.usual(request).to_wire(max_size=65_535)]

    def usual(self, request: dns.message.QueryMessage) -> dns.message.Message:
        lines = self.records.get(question_of(request))
        response = response_to(request, *(lines or ()))
        if not lines:
            response.authority.append(rrset_of(SOA))
        if lines is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


def question_of(request: dns.message.Message) -> str:
    question = request.question[0]
    return f"{dns.rdatatype.to_text(question.rdtype)} {question.name.to_text(omit_final_dot=True)}"


def rrset_of(line: str) -> dns.rrset.RRset:
    name, ttl, _, kind, text = line.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), "IN", kind, text)


def response_to(request: dns.message.QueryMessage, *lines: str) -> dns.message.Message:
    response = dns.message.make_response(request, recursion_available=True)
    for line in lines:
        new = rrset_of(line)
        response.find_rrset(response.answer, new.name, new.rdclass, new.rdtype, create=True).update(new)
    return response


def rcode(code: dns.rcode.Rcode) -> Manner:
    def answer(request: dns.message.QueryMessage) -> list[bytes]:
        response = dns.message.make_response(request)
        response.set_rcode(code)
        return [response.to_wire()]

    return answer


def silence(_request: dns.message.QueryMessage) -> list[bytes]:
    return []


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server: Final = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is no subclass of asyncio's

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        for answer in self._server.answer(data):
            self._transport.sendto(answer, addr)


def _sockets_of_one_port() -> tuple[socket.socket, socket.socket]:
    """For TCP and for UDP: a port that is free for one may be another program's for the other."""
    for _ in range(100):
        streams, datagrams = (socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
        streams.bind((LOOPBACK, 0))
        try:
            datagrams.bind(streams.getsockname())
        except OSError:
            streams.close()
            datagrams.close()
        else:
            return streams, datagrams
    raise OSError("no port is free for TCP and UDP alike")


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    server = NameServer()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        for answer in server.answer(wire)[:1]:
            server.asked_over_tcp[question_of(dns.message.from_wire(wire))] += 1
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
        writer.close()

    streams, datagrams = _sockets_of_one_port()
    server.address = streams.getsockname()
    tcp = await asyncio.start_server(converse, sock=streams)
    udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Datagrams(server), sock=datagrams)
    try:
        yield server
    finally:
        udp.close()
        tcp.close()
        await tcp.wait_closed()


def cut(request: dns.message.QueryMessage) -> list[bytes]:
    """An answer that did not fit."""
    response = dns.message.make_response(request)
    response.flags |= dns.flags.TC
    return [response.to_wire()]
