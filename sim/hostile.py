"""Sends the corpus of hostile datagrams to the gateway, and holds its answers against what it owes."""

from __future__ import annotations

import asyncio
from typing import Any

from sim.cast import LOOPBACK
from sim.malformed import HostileDatagram, corpus
from sim.packets import PacketLog
from sim.sip_text import Address

PATIENCE_S = 3.0
PAUSE_S = 0.02
"""Between two datagrams: of one source only so many a second that come to nothing get an answer."""


class _Sender(asyncio.DatagramProtocol):
    def __init__(self, log: PacketLog) -> None:
        self._log = log
        self.own: Address = ("", 0)
        self.transport: Any = None
        self.answers: list[bytes] = []
        self.answered = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.own = transport.get_extra_info("sockname")[:2]

    def send(self, data: bytes, target: Address) -> None:
        self._log.sent(self.own, target, data)
        self.transport.sendto(data, target)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._log.received((addr[0], addr[1]), self.own, data)
        self.answers.append(data)
        self.answered.set()


async def send_corpus(gateway: Address, log: PacketLog) -> list[str]:
    """Send every hostile datagram once; what the gateway did wrong is returned, for a person.

    Each goes from a socket of its own, so that an answer is that datagram's whatever is in it. Behind it goes a sound
    OPTIONS: when that is answered, all that will be said to the datagram has been said.
    """
    faults: list[str] = []
    for number, kind in enumerate(corpus()):
        await asyncio.sleep(PAUSE_S)
        fault = await _send_one(number, kind, gateway, log)
        if fault is not None:
            faults.append(fault)
    return faults


async def _send_one(number: int, kind: HostileDatagram, gateway: Address, log: PacketLog) -> str | None:
    loop = asyncio.get_running_loop()
    transport, sender = await loop.create_datagram_endpoint(lambda: _Sender(log), local_addr=(LOOPBACK, 0))
    mark = f"probe-{number}@hostile.invalid".encode()
    try:
        sender.send(kind.payload(sender.own), gateway)
        sender.send(_options(sender.own, mark), gateway)
        while not any(mark in answer for answer in sender.answers):
            sender.answered.clear()
            await asyncio.wait_for(sender.answered.wait(), PATIENCE_S)
    except TimeoutError:
        return f"{kind.name}: the gateway answered nothing any more"
    finally:
        transport.close()
    statuses = [_status(answer) for answer in sender.answers if mark not in answer]
    if kind.expected.status is None:
        return None if not statuses else f"{kind.name}: answered with {statuses}, expected no answer"
    return None if statuses == [kind.expected.status] else f"{kind.name}: {statuses}, expected {kind.expected.status}"


def _status(answer: bytes) -> int:
    """By the start line alone: what the answer repeats of a broken request may be broken too."""
    digits = answer[8:11]
    return int(digits) if answer.startswith(b"SIP/2.0 ") and digits.isdigit() else 0


def _options(own: Address, call_id: bytes) -> bytes:
    host = f"{own[0]}:{own[1]}".encode()
    return b"\r\n".join(
        (
            b"OPTIONS sip:gateway.invalid SIP/2.0",
            b"Via: SIP/2.0/UDP " + host + b";branch=z9hG4bK" + call_id.partition(b"@")[0],
            b"Max-Forwards: 70",
            b"From: <sip:probe@hostile.invalid>;tag=probe",
            b"To: <sip:gateway.invalid>",
            b"Call-ID: " + call_id,
            b"CSeq: 1 OPTIONS",
            b"Content-Length: 0",
            b"",
            b"",
        )
    )
