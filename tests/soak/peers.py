"""The switches of a soak, each a process of its own so that it can be killed: SIP, written out plainly.

    python -m tests.soak.peers callee PORT SEED
    python -m tests.soak.peers caller PORT GATEWAY-PORT SEED JOURNAL RATE CALLING-PREFIX TRANSPORT SESSION-SECONDS

A callee answers over UDP what comes, in different ways. A caller places calls over ``udp`` or ``tcp``, asking for a
session interval unless that is 0 (RFC 4028), at a rate until it is told to stop (SIGTERM). It writes a line to its
journal for each call: when it begins, and what became of it. A call with no second line was up when the caller was
killed.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

HOST: Final = "127.0.0.1"
T1_S: Final = 0.5
SETUP_LIMIT_S: Final = 20.0
COPIED: Final = re.compile(rb"^(?:Via|Record-Route|From|Call-ID|CSeq): .*?\r\n", re.MULTILINE)
TO: Final = re.compile(rb"^To: ([^\r]*)\r", re.MULTILINE)
CALL_ID: Final = re.compile(rb"^Call-ID: ([^\r]*)\r", re.MULTILINE)
CSEQ: Final = re.compile(rb"^CSeq: (\d+) (\w+)\r", re.MULTILINE)
SESSION: Final = re.compile(rb"^(Session-Expires: \d+)\r", re.MULTILINE)
ROUTE: Final = re.compile(rb"^Record-Route: ([^\r]*)\r", re.MULTILINE)


class Callee(asyncio.DatagramProtocol):
    """Answers: most calls ring and are answered, some are busy, some ring until the caller gives up."""

    def __init__(self, port: int, seed: int) -> None:
        self.contact: Final = f"<sip:{HOST}:{port}>"
        self.random: Final = random.Random(seed)
        self.transport: asyncio.DatagramTransport
        self.answered: Final[dict[bytes, list[bytes]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        method = data.partition(b" ")[0]
        if method in (b"ACK", b"SIP/2.0"):
            return
        key = b"".join(COPIED.findall(data))
        known = self.answered.get(key)
        if known is not None:  # a retransmission gets the same again
            for response in known[-1:]:
                self.transport.sendto(response, addr)
            return
        if len(self.answered) > 20_000:
            self.answered.clear()
        said: list[bytes] = []
        self.answered[key] = said
        if method != b"INVITE":
            self._say(data, "200 OK", addr, said)
            return
        chance = self.random.random()
        self._say(data, "180 Ringing", addr, said)
        if chance < 0.8:
            self._say(data, "200 OK", addr, said)
        elif chance < 0.9:
            self._say(data, "486 Busy Here", addr, said)
        elif chance < 0.95:
            asyncio.get_running_loop().call_later(8, self._say, data, "487 Request Terminated", addr, said)

    def _say(self, request: bytes, status: str, addr: tuple[str, int], said: list[bytes]) -> None:
        to = TO.search(request)
        value = to[1] if to is not None else b""
        if b";tag=" not in value:
            value += b";tag=callee"
        session = SESSION.search(request) if status == "200 OK" else None
        timer = session[1] + b";refresher=uac\r\nRequire: timer\r\n" if session is not None else b""
        copied = b"".join(COPIED.findall(request))
        response = (
            b"SIP/2.0 %s\r\n%sTo: %s\r\n%s" % (status.encode(), copied, value, timer)
            + f"Contact: {self.contact}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        said.append(response)
        self.transport.sendto(response, addr)


class Caller(asyncio.DatagramProtocol):
    """Places calls, gives every seventh up before it is answered, and hangs up the others after a while.

    It takes datagrams, or the bytes of a connection.
    """

    def __init__(self, port: int, seed: int, journal: TextIO, calling: str, transport: str, session_s: int) -> None:
        self.port: Final = port
        self.random: Final = random.Random(seed)
        self.journal: Final = journal
        self.calling: Final = calling
        self.over: Final = transport
        self.session: Final = f"Supported: timer\r\nSession-Expires: {session_s}\r\n" if session_s else ""
        self.send: Callable[[bytes], object]
        self.waiting: Final[dict[tuple[bytes, bytes], asyncio.Queue[bytes]]] = {}
        self.placed = 0
        self.name: Final = f"{port}-{seed}"

    async def connect(self, gateway: int) -> None:
        loop = asyncio.get_running_loop()
        if self.over == "tcp":
            reader, writer = await asyncio.open_connection(HOST, gateway)
            self.send = writer.write
            self.reading = loop.create_task(self._read(reader))
            return
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(HOST, self.port), remote_addr=(HOST, gateway)
        )
        self.send = transport.sendto

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:  # nobody here sends a body
                self.datagram_received(await reader.readuntil(b"\r\n\r\n"), ("", 0))

    def datagram_received(self, data: bytes, _addr: tuple[str, int]) -> None:
        call_id, cseq = CALL_ID.search(data), CSEQ.search(data)
        if data.startswith(b"SIP/2.0 ") and call_id is not None and cseq is not None:
            queue = self.waiting.get((call_id[1], cseq[2]))
            if queue is not None and queue.qsize() < 100:
                queue.put_nowait(data)

    def note(self, call_id: str, what: str) -> None:
        self.journal.write(f"{call_id} {what}\n")
        self.journal.flush()

    async def place(self) -> None:
        """One call from beginning to end."""
        self.placed += 1
        call_id = f"{self.name}-{self.placed}"
        calling, called = f"{self.calling}{self.random.randrange(1000):03}", f"636327{self.random.randrange(10_000):04}"
        head = (
            f"Max-Forwards: 70\r\nFrom: <sip:+1{calling}@{HOST}>;tag=caller\r\nCall-ID: {call_id}\r\n"
            f"P-Asserted-Identity: <sip:+1{calling}@{HOST}>\r\n"
            f"Contact: <sip:{HOST}:{self.port};transport={self.over}>\r\n"
        )
        uri, to = f"sip:+1{called}@{HOST}", f"To: <sip:+1{called}@{HOST}>"
        self.note(call_id, "begins-with-timer" if self.session else "begins")
        give_up = self.placed % 7 == 0
        cancel_after = 0.05 if give_up else None
        answer = await self._ask("INVITE", uri, f"{head}{self.session}{to}\r\n", call_id, 1, cancel_after)
        if answer is None:
            self.note(call_id, "silence")
            return
        status = int(answer[8:11])
        value = TO.search(answer)
        tagged = f"To: {value[1].decode() if value is not None else ''}\r\n"
        if status >= 300:
            self._send("ACK", uri, head + tagged, call_id, 1, "1INVITE")
            self.note(call_id, str(status))
            return
        recorded = b",".join(ROUTE.findall(answer)).decode().split(",")
        routes = "".join(f"Route: {route.strip()}\r\n" for route in reversed(recorded))
        self._send("ACK", uri, head + tagged + routes, call_id, 1, "1ACK")
        await asyncio.sleep(self.random.expovariate(0.5))
        over = await self._ask("BYE", uri, head + tagged + routes, call_id, 2)
        self.note(call_id, "200" if over is not None else "200 unanswered-bye")

    def _send(self, method: str, uri: str, fields: str, call_id: str, cseq: int, branch: str) -> bytes:
        data = (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.over.upper()} {HOST}:{self.port};"
            f"branch=z9hG4bK{call_id}.{branch};rport\r\n{fields}CSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        self.send(data)
        return data

    async def _ask(
        self, method: str, uri: str, fields: str, call_id: str, cseq: int, cancel_after: float | None = None
    ) -> bytes | None:
        """Send a request until a final response comes; None where none does."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        key = (call_id.encode(), method.encode())
        self.waiting[key] = queue
        interval, provisional = T1_S, False
        data = self._send(method, uri, fields, call_id, cseq, f"{cseq}{method}")
        try:
            async with asyncio.timeout(SETUP_LIMIT_S if method == "INVITE" else 32):
                while True:
                    try:
                        answer = await asyncio.wait_for(queue.get(), interval)
                    except TimeoutError:
                        if not provisional and self.over == "udp":
                            self.send(data)
                            interval = min(interval * 2, 4)
                        continue
                    if not answer.startswith(b"SIP/2.0 1"):
                        return answer
                    if not provisional and cancel_after is not None:
                        await asyncio.sleep(cancel_after)
                        self._send("CANCEL", uri, fields, call_id, cseq, f"{cseq}{method}")
                    provisional = True
        except TimeoutError:
            if method == "INVITE":
                self._send("CANCEL", uri, fields, call_id, cseq, f"{cseq}{method}")
            return None
        finally:
            del self.waiting[key]


async def answer_calls(port: int, seed: int) -> None:
    stopped = _stopped()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Callee(port, seed), local_addr=(HOST, port))
    await stopped.wait()


async def place_calls(caller: Caller, gateway: int, rate: float) -> None:
    """Calls at a rate until SIGTERM; then those that are up come to their end."""
    stopped = _stopped()
    await caller.connect(gateway)
    async with asyncio.TaskGroup() as calls:
        while not stopped.is_set():
            calls.create_task(caller.place())
            try:
                await asyncio.wait_for(stopped.wait(), 1 / rate)
            except TimeoutError:
                continue


def _stopped() -> asyncio.Event:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    return stopped


def main(role: str, port: str, *rest: str) -> None:
    if role == "callee":
        asyncio.run(answer_calls(int(port), int(rest[0])))
        return
    gateway, seed, journal, rate, calling, transport, session_s = rest
    with Path(journal).open("a", encoding="ascii") as lines:
        caller = Caller(int(port), int(seed), lines, calling, transport, int(session_s))
        asyncio.run(place_calls(caller, int(gateway), float(rate)))


if __name__ == "__main__":
    main(*sys.argv[1:])
