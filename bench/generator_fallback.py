"""The call generator in Python, for machines without a C compiler: `generator.c` says what it does and prints.

``python -m bench.generator_fallback CALLER_FD CALLED_FD GATEWAY_PORT MESSAGES_DIR WORKLOAD FIRST_CALL CALLS WINDOW
MAX_SECONDS RATE HOLD``
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntFlag
from itertools import chain, count
from pathlib import Path

T1_S = 0.5  # RFC 3261 section 17.1.1.1: the first retransmission, then doubling
GIVE_UP_S = 4.0  # a call that is not over by then has failed; RFC 3261's 32 s would stall a round
CHECK_S = 0.05
MAX_DATAGRAM = 4096
MESSAGES = ("invite", "ringing", "answer", "ack", "refused_ack", "bye", "bye_answer")
COPIED = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")
"""Headers of a request that its answers repeat, all lines of them (RFC 3261 sections 8.2.6 and 12.1.1)."""

_FIELD = re.compile(rb"\[(call|calling|called|target|to|routes|copied)\]")
_CALL = re.compile(rb"\r\nCall-ID: (\d{10})")


class Seen(IntFlag):
    """What has arrived of a call."""

    RINGING = 1
    ANSWERED = 2
    ACKNOWLEDGED = 4
    CLEARED = 8
    PROVISIONAL = 16
    TRYING = 32


@dataclass(slots=True)
class Call:
    number: int
    started: float
    resend_at: float
    request: bytes  # the one that awaits an answer: INVITE, then BYE
    interval: float = T1_S
    seen: int = 0


def header_lines(message: bytes, name: str) -> list[bytes]:
    """The values of the header, in order, as the bench and its contestants spell it."""
    mark = f"\r\n{name}: ".encode()
    head = message.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    return [part.split(b"\r\n", 1)[0] for part in head.split(mark)[1:]]


class Template:
    def __init__(self, content: bytes) -> None:
        parts = _FIELD.split(content)
        self._form = b"".join(
            b"%(" + part + b")s" if i % 2 else part.replace(b"%", b"%%") for i, part in enumerate(parts)
        )

    def render(self, values: Mapping[bytes, bytes]) -> bytes:
        return self._form % values


class CallGenerator:
    """Plays both sides of `calls` calls, `window` of them at a time."""

    def __init__(self, caller: socket.socket, called: socket.socket, gateway: tuple[str, int], messages: Path) -> None:
        self._caller = caller
        self._called = called
        self._gateway = gateway
        self._templates = {name: Template((messages / f"{name}.sip").read_bytes()) for name in MESSAGES}
        self._workload: list[tuple[bytes, bytes]] = []
        self._open: dict[int, Call] = {}
        self._setup_us: list[int] = []
        self._rate = 0.0
        self._complete = Seen(0)
        self._numbers: Iterator[int] = iter(())
        self._tally = Counter[str]()
        self._refused = Counter[str]()

    def run(
        self, workload: Path, first_call: int, calls: int, window: int, max_s: float, rate: float, complete: Seen
    ) -> dict[str, object]:
        """Run the calls and tell what was seen, in the words of `bench.generator.Round`.

        `complete` is all that must have been seen of a call for it to be over.
        """
        self._rate, self._complete = rate, complete
        pairs = (line.split() for line in workload.read_bytes().splitlines())
        self._workload = [(calling, called) for calling, called in pairs]
        self._numbers = iter(range(first_call, first_call + calls))
        poller = select.poll()
        for end in (self._caller, self._called):
            end.setblocking(False)
            poller.register(end, select.POLLIN)
        begin = at = next_check = time.monotonic()
        while self._tally["over"] < calls and at < begin + max_s:
            poller.poll(1000 * self._start_due(begin, first_call, window))
            self._drain(self._called)
            self._drain(self._caller)
            at = time.monotonic()
            if at >= next_check:
                next_check = at + CHECK_S
                for call in tuple(self._open.values()):
                    self._watch_timers(call, at)
        counts = {key: self._tally[key] for key in ("retransmissions", "stray", "wrong", "record_routed", "trying")}
        elapsed, completed = time.monotonic() - begin, self._tally["completed"]
        ends = {"completed": completed, "failed": calls - completed, "elapsed_s": round(elapsed, 6)}
        return {**ends, **counts, "refused": dict(self._refused), "setup_us": self._setup_us if rate else []}

    def _start_due(self, begin: float, first_call: int, window: int) -> float:
        """Begin the calls that are due. Seconds to the next one, at most until the timers want to be looked at."""
        while len(self._open) < window and (number := next(self._numbers, None)) is not None:
            due = begin + (number - first_call) / self._rate - time.monotonic() if self._rate else 0.0
            if due > 0:
                self._numbers = chain((number,), self._numbers)
                return min(due, CHECK_S)
            self._start(number)
        return CHECK_S

    def _render(self, name: str, number: int, **values: bytes) -> bytes:
        calling, called = self._workload[number % len(self._workload)]
        own = {b"call": b"%010d" % number, b"calling": calling, b"called": called}
        return self._templates[name].render(own | {key.encode(): value for key, value in values.items()})

    def _send_to_gateway(self, data: bytes) -> None:
        self._send(self._caller, data, self._gateway)

    def _send(self, end: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        try:
            end.sendto(data, to)
        except OSError:
            self._tally["unsent"] += 1  # lost like any other: its call fails or it is sent again

    def _start(self, number: int) -> None:
        invite = self._render("invite", number)
        now = time.monotonic()
        call = Call(number, now, now + T1_S, invite)
        self._open[number] = call
        self._send_to_gateway(call.request)

    def _finish(self, call: Call, outcome: str) -> None:
        del self._open[call.number]
        self._tally[outcome] += 1
        self._tally["over"] += 1
        number = None if self._rate else next(self._numbers, None)
        if number is not None:
            self._start(number)

    def _note(self, call: Call, seen: int) -> None:
        call.seen |= seen
        if call.seen & self._complete == self._complete:
            self._finish(call, "completed")

    def _wrong(self, what: str, message: bytes) -> None:
        self._tally["wrong"] += 1
        if self._tally["wrong"] == 1:
            print(f"generator: {what}:\n{message.decode(errors='replace')}", file=sys.stderr)

    def _drain(self, end: socket.socket) -> None:
        for _ in count():
            try:
                message, source = end.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                return
            found = _CALL.search(message)
            call = self._open.get(int(found[1])) if found else None
            is_response = message.startswith(b"SIP/2.0 ")
            if call is None:
                self._tally["stray"] += 1
            elif is_response != (end is self._caller):
                self._wrong("a message on the wrong side", message)
            elif is_response:
                self._response(call, message)
            else:
                self._request(call, message, source)

    def _response(self, call: Call, message: bytes) -> None:
        """The caller's side."""
        status, for_bye = int(message[8:11]), b"\r\nCSeq: 2 " in message
        branch = b"z9hG4bK%010d%c" % (call.number, b"b" if for_bye else b"i")
        vias = header_lines(message, "Via")
        if len(vias) != 1 or branch not in vias[0]:
            self._wrong("a response whose only Via is not the caller's own", message)
        elif status < 200:
            if status == 100 and not call.seen & Seen.TRYING:
                call.seen |= Seen.TRYING
                self._tally["trying"] += 1
            self._note(call, Seen.PROVISIONAL | (Seen.RINGING if status == 180 else 0))
        elif status >= 300:
            to = header_lines(message, "To")
            self._send_to_gateway(self._render("refused_ack", call.number, to=to[0] if to else b""))
            self._refused[str(status)] += 1
            self._finish(call, "refused")
        elif for_bye:
            self._note(call, Seen.CLEARED)
        elif call.seen & Seen.ANSWERED:
            self._tally["stray"] += 1
        else:
            self._acknowledge_and_clear(call, message)

    def _acknowledge_and_clear(self, call: Call, message: bytes) -> None:
        """By the route set and the remote target of the 200 (RFC 3261 section 12.1.2)."""
        self._setup_us.append(int((time.monotonic() - call.started) * 1e6))
        contact, to = header_lines(message, "Contact"), header_lines(message, "To")
        if not contact or not to:
            self._wrong("a 200 for an INVITE without Contact or To", message)
            return
        target = contact[0][contact[0].find(b"<") + 1 : contact[0].find(b">")]
        record_routes = header_lines(message, "Record-Route")
        self._tally["record_routed"] += bool(record_routes)
        routes = b"".join(b"Route: " + route + b"\r\n" for route in reversed(record_routes))
        call.seen |= Seen.ANSWERED
        self._send_to_gateway(self._render("ack", call.number, target=target, to=to[0], routes=routes))
        if not self._complete & Seen.CLEARED:
            return
        call.request = self._render("bye", call.number, target=target, to=to[0], routes=routes)
        call.interval = T1_S
        call.resend_at = time.monotonic() + T1_S
        self._send_to_gateway(call.request)

    def _request(self, call: Call, message: bytes, source: tuple[str, int]) -> None:
        """The called side."""
        if message.startswith(b"ACK "):
            self._note(call, Seen.ACKNOWLEDGED)
            return
        is_invite = message.startswith(b"INVITE ")
        if not is_invite and header_lines(message, "Route"):
            self._wrong("a BYE with a Route left in it", message)
            return
        copied = b""
        for name in COPIED:
            tag = b";tag=b%010d" % call.number if is_invite and name == "To" else b""
            for value in header_lines(message, name):
                copied += name.encode() + b": " + value + tag + b"\r\n"
        for answer in ("ringing", "answer") if is_invite else ("bye_answer",):
            self._send(self._called, self._render(answer, call.number, copied=copied), source)

    def _watch_timers(self, call: Call, at: float) -> None:
        if at - call.started > GIVE_UP_S:
            self._finish(call, "timed out")
            return
        answers = Seen.CLEARED if call.seen & Seen.ANSWERED else Seen.RINGING | Seen.PROVISIONAL
        held = call.seen & Seen.ANSWERED and not self._complete & Seen.CLEARED
        if held or call.seen & answers or at < call.resend_at:
            return
        call.interval *= 2
        call.resend_at = at + call.interval
        self._tally["retransmissions"] += 1
        self._send_to_gateway(call.request)


def main(arguments: list[str]) -> None:
    caller, called = (socket.socket(fileno=int(fd)) for fd in arguments[:2])
    generator = CallGenerator(caller, called, ("127.0.0.1", int(arguments[2])), Path(arguments[3]))
    first_call, calls, window = map(int, arguments[5:8])
    max_s, rate = map(float, arguments[8:10])
    hold, alone = (argument == "1" for argument in arguments[10:12])
    complete = Seen.RINGING | Seen.ANSWERED
    complete |= (Seen(0) if alone else Seen.ACKNOWLEDGED) | (Seen(0) if hold else Seen.CLEARED)
    print(json.dumps(generator.run(Path(arguments[4]), first_call, calls, window, max_s, rate, complete)))


if __name__ == "__main__":
    main(sys.argv[1:])
