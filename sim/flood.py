"""A bounded flood of calls from one provider's numbers, to a loopback address and to no other.

The datagrams are made before the first is sent, so that sending costs one system call each. Every final response is
acknowledged, and an answered call is ended at once with BYE: a flood leaves no call behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sim.aiosip_compatibility import RECEIVE_BUFFER_BYTES, Tap
from sim.sip_text import Address, SipText, host_port, read, uri_of

MOST_CALLS = 50_000
MOST_CALLS_A_SECOND = 20_000
LONGEST_S = 60.0
_TICK_S = 0.005


@dataclass(frozen=True, slots=True)
class FloodPlan:
    """What to send. Raises ValueError for a target that isn't on loopback, and for bounds over the module's own."""

    target: Address
    calls: int
    """How many INVITEs at most."""
    calls_per_s: float
    duration_s: float
    """Nothing new is sent after this, whatever is left of `calls`."""
    called: str
    """User part of the Request-URI."""
    first_calling: str
    """The first call's number in E.164 form (``+13145550000``); the next ones count up from it, `numbers` in turn."""
    numbers: int = 100
    domain: str = "flood.invalid"
    settle_s: float = 3.0
    """How long to wait for responses after the last INVITE."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """In every Call-ID and branch of this flood, and of no other."""

    def __post_init__(self) -> None:
        check_loopback(self.target)
        bounds = (
            ("calls", self.calls, MOST_CALLS),
            ("calls_per_s", self.calls_per_s, MOST_CALLS_A_SECOND),
            ("duration_s", self.duration_s, LONGEST_S),
            ("settle_s", self.settle_s, LONGEST_S),
            ("numbers", self.numbers, MOST_CALLS),
        )
        for name, value, most in bounds:
            if not 0 < value <= most:
                raise ValueError(f"{name} is over 0 and at most {most}, got {value}")
        if not self.first_calling.removeprefix("+").isdigit():
            raise ValueError(f"first_calling is a number in E.164 form, got {self.first_calling!r}")


@dataclass(slots=True)
class FloodReport:
    """What came of a flood."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Final status of the INVITEs -> how many calls."""
    provisional: Counter[int] = field(default_factory=Counter)
    ended: int = 0
    """Answered calls whose BYE was answered with 200."""
    lasted_s: float = 0.0
    """From the first INVITE to the last response that was waited for."""

    @property
    def unanswered(self) -> int:
        return self.sent - self.statuses.total()


def check_loopback(target: Address) -> None:
    """Raises ValueError for a target other than 127.0.0.0/8 and ::1: this generator isn't to be pointed at others."""
    try:
        loopback = ipaddress.ip_address(target[0]).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the flood goes to loopback only (127.0.0.0/8 or ::1), not to {target[0]}")


class FloodGenerator(asyncio.DatagramProtocol):
    """One socket that floods. Its address is known before the first packet, so that a partner can be told of it."""

    def __init__(self, *, tap: Tap | None = None) -> None:
        self._tap = tap
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)
        self._report = FloodReport()
        self._plan: FloodPlan | None = None
        self._finals: dict[bytes, bytes] = {}
        """Call-ID -> the ACK that its final response got, for when that response is sent again."""
        self._ending: set[bytes] = set()
        self._settled = asyncio.Event()
        self._all_sent = False

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Address:
        """Bind. Raises OSError where the port is taken, ValueError where `host` isn't on loopback."""
        check_loopback((host, port))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(host, port))
        return self.address

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def run(self, plan: FloodPlan) -> FloodReport:
        """Send the flood, and wait until each call is over or the time to settle has run out."""
        self._plan, self._report = plan, FloodReport()
        self._finals.clear()
        self._ending.clear()
        self._settled.clear()
        self._all_sent = False
        invites = [self._invite(plan, number) for number in range(plan.calls)]
        started = time.monotonic()
        await self._send_paced(plan, invites, started)
        self._all_sent = True
        self._look_whether_settled()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), plan.settle_s)
        self._report.lasted_s = time.monotonic() - started
        return self._report

    async def _send_paced(self, plan: FloodPlan, invites: list[bytes], started: float) -> None:
        while self._report.sent < plan.calls:
            elapsed = time.monotonic() - started
            if elapsed >= plan.duration_s:
                return
            due = min(plan.calls, int(elapsed * plan.calls_per_s) + 1)
            for invite in invites[self._report.sent : due]:
                self._send(invite)
                self._report.sent += 1
            await asyncio.sleep(_TICK_S)

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._plan is None:
            raise RuntimeError("the flood generator isn't started: call start() first")
        if self._tap is not None:
            self._tap.sent(self.address, self._plan.target, data)
        self._transport.sendto(data, self._plan.target)

    def _invite(self, plan: FloodPlan, number: int) -> bytes:
        own = host_port(self.address)
        calling = f"+{int(plan.first_calling) + number % plan.numbers}"
        user = f"<sip:{calling}@{plan.domain};user=phone>"
        called = f"sip:{plan.called}@{host_port(plan.target)};user=phone"
        mark = f"{plan.mark}-{number}"
        lines = (
            f"INVITE {called} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bKflood-{mark}",
            "Max-Forwards: 70",
            f"From: {user};tag=flood-{number}",
            f"To: <{called}>",
            f"Call-ID: flood-{mark}@{plan.domain}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:flood@{own}>",
            f"P-Asserted-Identity: {user}",
            "Content-Length: 0",
        )
        return "\r\n".join((*lines, "", "")).encode()

    # asyncio.DatagramProtocol

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.address = transport.get_extra_info("sockname")[:2]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self._tap is not None:
            self._tap.received((addr[0], addr[1]), self.address, data)
        message = read(data)
        if message is None or message.is_request:
            return
        call_id = message.first(b"call-id") or b""
        if message.method == b"BYE":
            if message.status >= 200 and call_id in self._ending:
                self._ending.discard(call_id)
                self._report.ended += message.status == 200
        elif message.status < 200:
            self._report.provisional[message.status] += 1
        elif call_id in self._finals:
            self._send(self._finals[call_id])
            return
        else:
            self._conclude(call_id, message)
        self._look_whether_settled()

    def _conclude(self, call_id: bytes, final: SipText) -> None:
        self._report.statuses[final.status] += 1
        ack = self._in_reply(final, b"ACK")
        self._finals[call_id] = ack
        self._send(ack)
        if final.status < 300:
            self._ending.add(call_id)
            self._send(self._in_reply(final, b"BYE"))

    def _in_reply(self, final: SipText, method: bytes) -> bytes:
        """The ACK of a final response, or the BYE after a 2xx (RFC 3261 12.2.1.1, 13.2.2.4, 17.1.1.3)."""
        plan = self._plan
        if plan is None:
            raise RuntimeError("a response came before the flood")
        accepted = final.status < 300
        via = final.values(b"via")[0]
        target = uri_of(final.first(b"contact") or b"") if accepted else b""
        target = target or f"sip:{plan.called}@{host_port(plan.target)};user=phone".encode()
        number = b"2" if method == b"BYE" else b"1"
        lines = [method + b" " + target + b" SIP/2.0", b"Via: " + (via + method.lower() if accepted else via)]
        lines.append(b"Max-Forwards: 70")
        if accepted:
            lines += [b"Route: " + route for route in reversed(final.values(b"record-route"))]
        lines += [f.raw for f in final.fields if f.name in (b"from", b"to", b"call-id")]
        lines += [b"CSeq: " + number + b" " + method, b"Content-Length: 0", b"", b""]
        return b"\r\n".join(lines)

    def _look_whether_settled(self) -> None:
        if self._all_sent and not self._ending and self._report.unanswered <= 0:
            self._settled.set()
