"""Sends the corpus through a running gateway, a case at a time, and says in what the gateway did not do as it must."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, ack_of_failure, headers, response_to
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.wiring.live import Gateway
from tests.hostile.cases import CALLED, CALLING, Case, Kind, names_for
from tests.hostile.forwarding import undue_change
from tests.wiring.small_gateway import Exchange, Switch

PATIENCE_S: Final = 5.0
_STATUS: Final = re.compile(rb"SIP/2\.0 (\d{3})[ \r]")


class Wire(Protocol):
    """How a switch and the gateway reach each other."""

    name: str
    """As in Via."""
    local: Hop

    def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """The next message. One that never comes is a TimeoutError."""
        ...

    def waiting(self) -> bytes | None:
        """A message that is there already."""
        ...


class DatagramWire:
    """UDP, from a switch's own socket."""

    name = "UDP"

    def __init__(self, switch: Switch, gateway: Address) -> None:
        self._socket: Final[socket.socket] = switch.socket
        self._gateway: Final = gateway
        self.local = Hop(*switch.address)

    def send(self, data: bytes) -> None:
        self._socket.sendto(data, self._gateway)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65_535)

    def waiting(self) -> bytes | None:
        try:
            return self._socket.recv(65_535)
        except BlockingIOError:
            return None


MakeWire = Callable[[Switch, Address], Wire]
WIRES: Final[dict[str, MakeWire]] = {"UDP": DatagramWire}
"""Every transport over which the corpus is sent."""


class Torture:
    """One run of the corpus: the partner's switch in front of a gateway, the host's switch behind it."""

    def __init__(self, exchange: Exchange, gateway: Gateway, make_wire: MakeWire) -> None:
        self._gateway: Final = gateway
        self.partner: Final = make_wire(exchange.partner, gateway.address)
        self.host: Final = make_wire(exchange.host, gateway.address)
        self._via: Final = f"Via: SIP/2.0/{self.host.name} {_text(Hop(*gateway.address))};branch=".encode()

    async def run(self, cases: Iterable[Case]) -> list[str]:
        """What was wrong, a line a case. Each case is over before the next one starts."""
        faults: list[str] = []
        for number, case in enumerate(cases):
            try:
                fault = await self.try_case(case, f"m{number}")
            except TimeoutError:
                fault = "what must come did not"
            if fault is not None:
                faults.append(f"{case}: {fault}")
                await self._quiet()
        return faults

    async def try_case(self, case: Case, mark: str) -> str | None:
        if case.kind is Kind.REQUEST:
            return await self._request(case, mark)
        if case.kind is Kind.RESPONSE:
            return await self._response(case, mark)
        drops = self._dropped
        self.host.send(case.payload(names_for(mark)))
        answers = await self._answers_until_probed(mark)
        return self._nothing_came(answers, drops)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _request(self, case: Case, mark: str) -> str | None:
        drops = self._dropped
        data = case.payload(names_for(mark, own=self.partner.local, transport=self.partner.name))
        self.partner.send(data)
        if case.expected == "forwarded":
            return await self._forwarded(data, mark)
        answers = await self._answers_until_probed(mark)
        if case.expected == "dropped":
            return self._nothing_came(answers, drops)
        for answer in answers[-1:]:
            self._acknowledge(data, answer)
            await self._answers_until_probed(f"{mark}-acknowledged")
        statuses = [_status_of(answer) for answer in answers]
        if statuses != [int(case.expected)]:
            return f"answered with {statuses}, and not with {case.expected}"
        if case.answer_holds and case.answer_holds.encode() not in answers[0].split(b"\r\n"):
            return f"the answer lacks {case.answer_holds!r}"
        return self._nothing_behind()

    async def _forwarded(self, data: bytes, mark: str) -> str | None:
        """The INVITE must reach the host as it was; the host is busy, and that must come back."""
        early = [answer for answer in await self._answers_until_probed(mark) if _status_of(answer) != 100]
        if early:
            return f"answered with {_status_of(early[0])}, and not forwarded"
        invite = await self.host.receive()
        fault = undue_change(data, invite, self._via)
        self.host.send(response_to(SipMessage(invite), 486, "Busy Here", to_tag=b"b"))
        if not (await self.host.receive()).startswith(b"ACK "):
            return "the gateway did not acknowledge the answer"
        answer = await self.partner.receive()
        self._acknowledge(data, answer)
        if _status_of(answer) != 486:
            return f"the answer came back as {_status_of(answer)}"
        return fault or self._nothing_behind()

    def _acknowledge(self, invite: bytes, answer: bytes) -> None:
        with suppress(Malformed):  # what cannot be read was answered without a transaction
            request = SipMessage(invite)
            if request.method == b"INVITE":
                self.partner.send(ack_of_failure(request, SipMessage(answer).required(headers.TO)))

    # -- responses ----------------------------------------------------------------------------------------------------

    async def _response(self, case: Case, mark: str) -> str | None:
        invite = _sound("INVITE", mark, self.partner)
        self.partner.send(invite)
        behind = await self.host.receive()
        data = case.payload(_names_of_response(behind, mark))
        self.host.send(data)
        self.host.send(response_to(SipMessage(behind), 486, "Busy Here", to_tag=b"b"))
        came = [answer for answer in await self._until_final() if _status_of(answer) != 100]
        self._acknowledge(invite, came[-1])
        if not (await self.host.receive()).startswith(b"ACK "):
            return "the gateway did not acknowledge the answer"
        if case.expected == "dropped":
            return None if len(came) == 1 else f"{came[0]!r} came back"
        expected = re.sub(rb"\r\nVia: [^\r]*", b"", data, count=1)
        return None if came[:-1] == [expected] else f"{came[:-1]} came back"

    async def _until_final(self) -> list[bytes]:
        came = [await self.partner.receive()]
        while _status_of(came[-1]) != 486:
            came.append(await self.partner.receive())
        return came

    # -- what else there is -------------------------------------------------------------------------------------------

    async def _answers_until_probed(self, mark: str) -> list[bytes]:
        """A sound OPTIONS goes behind; when it is answered, all that will be said to what went before has been said."""
        self.partner.send(_sound("OPTIONS", f"probe-{mark}", self.partner))
        answers: list[bytes] = []
        while True:
            answer = await self.partner.receive()
            if f"Call-ID: probe-{mark}\r\n".encode() in answer:
                return answers
            answers.append(answer)

    @property
    def _dropped(self) -> int:
        counters = self._gateway.proxy.counters
        return counters.malformed.total() + counters.stray

    def _nothing_came(self, answers: list[bytes], drops: int) -> str | None:
        if answers:
            return f"answered with {_status_of(answers[0])}, and not dropped"
        if self._dropped != drops + 1:
            return "the drop was not counted"
        return self._nothing_behind()

    def _nothing_behind(self) -> str | None:
        """The host must have been sent nothing (more)."""
        more = self.host.waiting()
        return None if more is None else f"{more[:60]!r} went on"

    async def _quiet(self) -> None:
        """After a fault: take what is left over off the wires, so that it is not held against the next case."""
        await asyncio.sleep(0.1)
        for wire in (self.partner, self.host):
            while wire.waiting() is not None:
                pass


def _names_of_response(invite: bytes, mark: str) -> dict[str, str]:
    """What a response's braces stand for: what it must repeat of the request, as it stands there."""
    lines = invite.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    vias = [line for line in lines if line.startswith("Via: ")]
    values = dict(line.split(": ", 1) for line in lines[1:])
    return names_for(mark) | {
        "vias": "\n".join(vias),
        "own_via": vias[0],
        "from": values["From"],
        "to": values["To"],
        "call_id": values["Call-ID"],
        "cseq": values["CSeq"],
    }


def _sound(method: str, mark: str, wire: Wire) -> bytes:
    """A request with nothing wrong in it."""
    lines = (
        f"{method} sip:{CALLED}@lab.example SIP/2.0",
        f"Via: SIP/2.0/{wire.name} {_text(wire.local)};branch=z9hG4bK{mark}",
        "Max-Forwards: 70",
        f"From: <sip:{CALLING}@lab.example>;tag={mark}",
        f"To: <sip:{CALLED}@lab.example>",
        f"Call-ID: {mark}",
        f"CSeq: 1 {method}",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _status_of(answer: bytes) -> int:
    found = _STATUS.match(answer)
    return int(found[1]) if found is not None else 0


def _text(hop: Hop) -> str:
    return f"{hop.host}:{hop.port}"
