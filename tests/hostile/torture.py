"""Sends the corpus through a running gateway, a case at a time, and says in what the gateway did not do as it must."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, ack_of_failure, headers, response_to
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.wiring.live import Gateway
from tests.hostile.cases import CALLED, CALLING, Case, Kind, names_for
from tests.hostile.forwarding import undue_change
from tests.hostile.wires import Wire

_STATUS: Final = re.compile(rb"SIP/2\.0 (\d{3})[ \r]")


class Torture:
    """One run of the corpus: the partner's switch in front of a gateway, the host's switch behind it."""

    def __init__(self, gateway: Gateway, partner: Wire, host: Wire) -> None:
        self._gateway: Final = gateway
        self.partner: Final = partner
        self.host: Final = host
        own = next(hop for hop in gateway.listeners if hop.transport is host.local.transport)
        self._via: Final = f"Via: SIP/2.0/{host.name} {_text(own)};branch=".encode()
        self._streams: Final = own.transport is not Transport.UDP

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
        return await self._nothing_came(answers, drops)

    # -- requests -----------------------------------------------------------------------------------------------------

    async def _request(self, case: Case, mark: str) -> str | None:
        drops = self._dropped
        data = case.payload(names_for(mark, own=self.partner.local, transport=self.partner.name))
        if self._streams and case.over_a_stream:
            return await self._over_a_stream(case.over_a_stream, data, mark)
        self.partner.send(data)
        if case.expected == "forwarded":
            return await self._forwarded(data, mark)
        answers = await self._answers_until_probed(mark)
        if case.expected == "dropped":
            return await self._nothing_came(answers, drops)
        for answer in answers[-1:]:
            self._acknowledge(data, answer)
            await self._answers_until_probed(f"{mark}-acknowledged")
        statuses = [_status_of(answer) for answer in answers]
        if statuses != [int(case.expected)]:
            return f"answered with {statuses}, and not with {case.expected}"
        if case.answer_holds and case.answer_holds.encode() not in answers[0].split(b"\r\n"):
            return f"the answer lacks {case.answer_holds!r}"
        return await self._nothing_behind()

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
        return fault or await self._nothing_behind()

    # -- requests that a stream cuts in another way than a datagram ---------------------------------------------------

    async def _over_a_stream(self, what: str, data: bytes, mark: str) -> str | None:
        if what == "closed":
            return await self._closed(data)
        return await (self._waits(data, mark) if what == "waits" else self._two_messages(data))

    async def _closed(self, data: bytes) -> str | None:
        """Where its end is nobody can tell: 400 for what can be read of it, and the connection is closed."""
        unframed = self._gateway.transport.unframed.total()
        self.partner.send(data)
        answer = await self.partner.receive()
        await self.partner.closed()
        if _status_of(answer) != 400:
            return f"answered with {_status_of(answer)}, and not with 400"
        if self._gateway.transport.unframed.total() != unframed + 1:
            return "the broken stream was not counted"
        return await self._nothing_behind()

    async def _waits(self, data: bytes, mark: str) -> str | None:
        """The rest may yet come, for a while; who has nothing to do with it is not kept waiting."""
        self.partner.send(data)
        async with await self.partner.another() as other:
            other.send(_sound("OPTIONS", f"beside-{mark}", other))
            answer = await other.receive()
        early = await self.partner.waiting()
        await self.partner.closed()
        if _status_of(answer) != 200:
            return f"another connection was answered with {_status_of(answer)} meanwhile"
        return f"answered with {_status_of(early)} before all of it came" if early else await self._nothing_behind()

    async def _two_messages(self, data: bytes) -> str | None:
        """What stands behind the body is the next message: a call of its own, to where it must not go."""
        first_end = data.index(b"\r\n\r\n") + 4
        self.partner.send(data)
        invite = await self.host.receive()
        fault = undue_change(data[:first_end], invite, self._via)
        refusal = await self.partner.receive()
        while b"Call-ID: second." not in refusal or _status_of(refusal) == 100:
            refusal = await self.partner.receive()
        self._acknowledge(data[first_end:], refusal)
        self.host.send(response_to(SipMessage(invite), 486, "Busy Here", to_tag=b"b"))
        if not (await self.host.receive()).startswith(b"ACK "):
            return "the gateway did not acknowledge the answer"
        busy = await self.partner.receive()
        self._acknowledge(data[:first_end], busy)
        if (_status_of(refusal), _status_of(busy)) != (404, 486):
            return f"answered with {_status_of(busy)} and {_status_of(refusal)}"
        return fault or await self._nothing_behind()

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

    # -- an ordinary call ---------------------------------------------------------------------------------------------

    async def place_call(self, mark: str) -> list[int]:
        """Set up and hung up by the partner; the statuses of what it was answered."""
        self.partner.send(_sound("INVITE", mark, self.partner))
        invite = SipMessage(await self.host.receive())
        self.host.send(response_to(invite, 180, "Ringing", to_tag=b"b"))
        self.host.send(response_to(invite, 200, "OK", to_tag=b"b", extra=_contact(self.host)))
        statuses = [_status_of(await self.partner.receive()) for _ in range(3)]
        self.partner.send(_sound("ACK", mark, self.partner, to_tag="b"))
        acknowledged = await self.host.receive()
        self.partner.send(_sound("BYE", mark, self.partner, to_tag="b", cseq=2))
        bye = await self.host.receive()
        assert (acknowledged[:4], bye[:4]) == (b"ACK ", b"BYE ")
        self.host.send(response_to(SipMessage(bye), 200, "OK"))
        return [*statuses, _status_of(await self.partner.receive())]

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

    async def _nothing_came(self, answers: list[bytes], drops: int) -> str | None:
        if answers:
            return f"answered with {_status_of(answers[0])}, and not dropped"
        if self._dropped != drops + 1:
            return "the drop was not counted"
        return await self._nothing_behind()

    async def _nothing_behind(self) -> str | None:
        """The host must have been sent nothing (more)."""
        more = await self.host.waiting()
        return None if more is None else f"{more[:60]!r} went on"

    async def _quiet(self) -> None:
        """After a fault: take what is left over off the wires, so that it is not held against the next case."""
        await asyncio.sleep(0.1)
        for wire in (self.partner, self.host):
            while await wire.waiting() is not None:
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


def _contact(wire: Wire) -> bytes:
    return f"Contact: <sip:{_text(wire.local)};transport={wire.name.lower()}>\r\n".encode()


def _sound(method: str, mark: str, wire: Wire, *, to_tag: str = "", cseq: int = 1) -> bytes:
    """A request with nothing wrong in it."""
    lines = (
        f"{method} sip:{CALLED}@lab.example SIP/2.0",
        f"Via: SIP/2.0/{wire.name} {_text(wire.local)};branch=z9hG4bK{mark}{cseq}{method if method == 'BYE' else ''}",
        "Max-Forwards: 70",
        f"From: <sip:{CALLING}@lab.example>;tag={mark}",
        f"To: <sip:{CALLED}@lab.example>{to_tag and f';tag={to_tag}'}",
        f"Call-ID: {mark}",
        f"CSeq: {cseq} {method}",
        _contact(wire).decode().rstrip(),
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _status_of(answer: bytes) -> int:
    found = _STATUS.match(answer)
    return int(found[1]) if found is not None else 0


def _text(hop: Hop) -> str:
    return f"{hop.host}:{hop.port}"
