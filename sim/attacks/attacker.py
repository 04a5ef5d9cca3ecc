"""An attacker: bounded in number, rate and time, and with a loopback address for its target, never another.

What it sends is made before the first datagram goes out, so that sending costs one system call each. It is a real
caller: it acknowledges every final answer, and ends a call that was answered when the plan says so.
"""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sim.aiosip_compatibility import RECEIVE_BUFFER_BYTES, T1_S, Tap, write_reply
from sim.attacks.messages import MAKERS, Ends, Kind, Numbering, acknowledgement, bye, call_id
from sim.loopback import check_loopback
from sim.sip_text import Address, SipText, read

MOST_MESSAGES: Final = 50_000
MOST_A_SECOND: Final = 20_000
MOST_PORTS: Final = 1_000
LONGEST_S: Final = 60.0
HOLDING_S: Final = 6.0
ENDING_S: Final = 64 * T1_S
"""How long calls get to be over after the attack (timer F of RFC 3261 section 17.1.2.2)."""
LONGEST_RESEND_S: Final = 4.0
"""T2 of RFC 3261: a BYE that has no answer is sent again after T1, then at twice the interval, up to this one."""
_TICK_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Assault:
    """What one attacker sends. Raises ValueError for a target that isn't on loopback, and for bounds over the module's
    own.
    """

    target: Address
    kind: Kind
    messages: int
    per_s: float
    calling: Numbering
    called: Numbering | str
    """A number for each, or what all of them call: ``911``."""
    hold_s: float | None = 0.0
    """How long an answered call is kept; None: until the attack is over."""
    settle_s: float = 1.0
    """How long nothing must have been answered for the rest to have no answer."""
    domain: str = "assault.invalid"
    mark: str = field(default_factory=lambda: f"assault-{uuid.uuid4().hex[:12]}")

    def __post_init__(self) -> None:
        check_loopback(self.target)
        for name, value, most in (
            ("messages", self.messages, MOST_MESSAGES),
            ("per_s", self.per_s, MOST_A_SECOND),
            ("settle_s", self.settle_s, LONGEST_S),
            ("the time that it takes", self.messages / max(self.per_s, 1e-9), LONGEST_S),
        ):
            if not 0 < value <= most:
                raise ValueError(f"{name} is over 0 and at most {most}, got {value}")


@dataclass(slots=True)
class AssaultReport:
    """What came of an attack, as the attacker saw it."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Final status -> how many of its messages got it, each once."""
    held: int = 0
    """Calls that were up at the same time, at most."""
    ended: int = 0
    """Answered calls whose BYE was answered with 200, whoever sent it."""
    sending_s: float = 0.0
    """From the first message to the last one."""
    lasted_s: float = 0.0
    """From the first message to the last answer that was waited for."""

    def add(self, other: AssaultReport) -> None:
        """The attack went on."""
        self.sent += other.sent
        self.statuses += other.statuses
        self.held = max(self.held, other.held)
        self.ended += other.ended
        self.sending_s += other.sending_s
        self.lasted_s += other.lasted_s

    @property
    def silent(self) -> int:
        """Messages that nothing came back for."""
        return self.sent - self.statuses.total()


class _Port(asyncio.DatagramProtocol):
    """One socket of the attacker."""

    def __init__(self, heard: Callable[[_Port, bytes, Address], None], tap: Tap | None) -> None:
        self._heard, self._tap = heard, tap
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.address = transport.get_extra_info("sockname")[:2]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        source: Address = (addr[0], addr[1])
        if self._tap is not None:
            self._tap.received(source, self.address, data)
        self._heard(self, data, source)

    def send(self, data: bytes, target: Address) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._tap is not None:
            self._tap.sent(self.address, target, data)
        self._transport.sendto(data, target)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(slots=True)
class _Sent:
    """A call that was placed."""

    port: _Port
    invite: bytes
    acknowledged: bytes = b""
    """The ACK of its final answer, for when that comes again."""
    bye: bytes = b""
    """What will end it, while it is up."""


class Attacker:
    """Sends what it is told from its ports in turn. Its addresses are known before the first packet."""

    def __init__(self, *, tap: Tap | None = None) -> None:
        self._tap = tap
        self._ports: list[_Port] = []
        self._calls: dict[bytes, _Sent] = {}
        self._up = 0
        self._ending: dict[bytes, bytes] = {}
        """Call-ID -> BYE that has no answer yet."""
        self._is_over = False
        """Whoever is answered now hangs up at once."""
        self._assault: Assault | None = None
        self.report = AssaultReport()

    async def start(self, ports: int = 1, host: str = "127.0.0.1") -> list[Address]:
        """Bind. Raises OSError where a socket can't be had, ValueError where `host` isn't on loopback."""
        check_loopback((host, 0))
        if not 0 < ports <= MOST_PORTS:
            raise ValueError(f"ports is over 0 and at most {MOST_PORTS}, got {ports}")
        loop = asyncio.get_running_loop()
        for _ in range(ports):
            _, port = await loop.create_datagram_endpoint(lambda: _Port(self._heard, self._tap), local_addr=(host, 0))
            self._ports.append(port)
        return [port.address for port in self._ports]

    def close(self) -> None:
        for port in self._ports:
            port.close()

    async def run(self, assault: Assault, enough: Callable[[], bool] = lambda: True) -> AssaultReport:
        """Send it, wait for answers, and end every call that is still up, once it is `enough`, or `HOLDING_S` later."""
        self._assault, self.report, self._up, self._is_over = assault, AssaultReport(), 0, False
        self._calls.clear()
        self._ending.clear()
        repeated = assault.kind is Kind.REPEATED_CALL
        messages = [self._made(assault, 0 if repeated else number) for number in range(assault.messages)]
        started = time.monotonic()
        await self._paced(assault, messages)
        self.report.sending_s = time.monotonic() - started
        await self._answered(assault.settle_s)
        if self._up:
            await self._holding(enough)
        await self._all_ended()
        self.report.lasted_s = time.monotonic() - started
        report, self.report = self.report, AssaultReport()  # what comes from now on is acknowledged, and in no report
        return report

    async def _answered(self, settle_s: float) -> None:
        """Wait until every message has its answer, or none came for so long.

        That is counted in turns of the loop: on a busy machine, where they take longer, so do answers.
        """
        left, known = round(settle_s / _TICK_S), 0
        deadline = time.monotonic() + LONGEST_S
        while self.report.silent > 0 and left > 0 and time.monotonic() < deadline:
            await asyncio.sleep(_TICK_S)
            left, before, known = left - 1, known, self.report.statuses.total()
            if known != before:
                left = round(settle_s / _TICK_S)

    async def _holding(self, enough: Callable[[], bool]) -> None:
        """Keep the calls that are up until it is enough."""
        deadline = time.monotonic() + HOLDING_S
        while not enough() and time.monotonic() < deadline:  # noqa: ASYNC110 - the caller's to say, without an event
            await asyncio.sleep(_TICK_S)

    async def _all_ended(self) -> None:
        """End what is up, and send each BYE until it has its answer, as RFC 3261 section 17.1.2.2 has it."""
        self._is_over = True
        for of_call in self._calls:
            self._end(of_call)
        now = time.monotonic()
        deadline, interval_s, again_at = now + ENDING_S, T1_S, now + T1_S
        while self._ending and now < deadline:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            if now >= again_at:
                interval_s = min(2 * interval_s, LONGEST_RESEND_S)
                again_at = now + interval_s
                for of_call, unanswered in self._ending.items():
                    self._send_bye(self._calls[of_call], unanswered)

    def _made(self, assault: Assault, number: int) -> bytes:
        ends = Ends(self._port_of(number).address, assault.target, assault.mark, assault.domain)
        called = assault.called if isinstance(assault.called, str) else assault.called.number(number)
        return MAKERS[assault.kind](ends, number, assault.calling.number(number), called)

    def _port_of(self, number: int) -> _Port:
        return self._ports[number % len(self._ports)]

    async def _paced(self, assault: Assault, messages: list[bytes]) -> None:
        started = time.monotonic()
        while self.report.sent < assault.messages:
            elapsed = time.monotonic() - started
            due = min(assault.messages, int(elapsed * assault.per_s) + 1)
            for number in range(self.report.sent, due):
                self._send(assault, number, messages[number])
            await asyncio.sleep(_TICK_S)

    def _send(self, assault: Assault, number: int, message: bytes) -> None:
        repeated = assault.kind is Kind.REPEATED_CALL
        port = self._port_of(0 if repeated else number)
        if assault.kind is Kind.CALLS or (repeated and number == 0):
            self._calls[call_id_of(assault, number)] = _Sent(port, message)
        port.send(message, assault.target)
        self.report.sent += 1

    # -- what comes back ----------------------------------------------------------------------------------------------

    def _heard(self, port: _Port, data: bytes, source: Address) -> None:
        message = read(data)
        if message is None or self._assault is None:
            return
        of_call = message.first(b"call-id") or b""
        call = self._calls.get(of_call)
        if message.is_request:
            if message.method != b"ACK":
                port.send(write_reply(message, 200, "OK", to_tag=None), source)
                self._ended_by_others(of_call, call, message.method)
        elif message.status < 200 or message.method == b"ACK":
            return
        elif message.method == b"BYE" and call is not None:
            self.report.ended += of_call in self._ending and message.status == 200
            self._ending.pop(of_call, None)
        elif call is None:
            self.report.statuses[message.status] += 1
        elif call.acknowledged:
            port.send(call.acknowledged, self._assault.target)
        else:
            self._concluded(of_call, call, message, self._assault)

    def _ended_by_others(self, of_call: bytes, call: _Sent | None, method: bytes) -> None:
        if method != b"BYE" or call is None or not (call.bye or of_call in self._ending):
            return
        self._up -= bool(call.bye)
        call.bye = b""
        self._ending.pop(of_call, None)
        self.report.ended += 1

    def _concluded(self, of_call: bytes, call: _Sent, final: SipText, assault: Assault) -> None:
        self.report.statuses[final.status] += 1
        call.acknowledged = acknowledgement(final, call.invite)
        call.port.send(call.acknowledged, assault.target)
        if final.status >= 300:
            return
        call.bye = bye(final, call.invite)
        self._up += 1
        self.report.held = max(self.report.held, self._up)
        if assault.hold_s == 0.0 or self._is_over:
            self._end(of_call)
        elif assault.hold_s is not None:
            asyncio.get_running_loop().call_later(assault.hold_s, self._end, of_call)

    def _end(self, of_call: bytes) -> None:
        call = self._calls.get(of_call)
        if call is not None and call.bye:
            self._ending[of_call], call.bye = call.bye, b""
            self._send_bye(call, self._ending[of_call])
            self._up -= 1

    def _send_bye(self, call: _Sent, message: bytes) -> None:
        if self._assault is not None:
            call.port.send(message, self._assault.target)


def call_id_of(assault: Assault, number: int) -> bytes:
    return call_id(Ends(("", 0), assault.target, assault.mark, assault.domain), number).encode()
