"""A live gateway between a partner and a switch, in memory and in simulated time, whose packets are written down.

The proxy, the engine and the tables are the real ones; only sockets and the clock are not there.
"""

from __future__ import annotations

import heapq
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from struct import pack

from gateway.interconnection.denial_of_service import Step
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Hop
from gateway.operations.configuration import Configuration, load_configuration
from gateway.policy.verdict import Decision
from gateway.signalling.call import Decided, Send, Wanted
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.wiring.engine import policy_of

REPOSITORY = Path(__file__).parents[2]
GATEWAY = Hop("127.0.0.1", 5060)
PARTNER = Hop("127.0.0.1", 5070)
DEDICATED = Hop("127.0.0.1", 5071)
SWITCH = Hop("127.0.0.1", 5080)
OTHER_SWITCH = Hop("127.0.0.1", 5081)
STRANGER = Hop("127.0.0.9", 5060)
START_US = 1_780_000_000_000_000  # in May 2026, when both providers are confirmed
SECOND_US = 1_000_000

PROVIDER_1 = "3142061100"
PROVIDER_2 = "3142063100"
WENTZVILLE = "6363270100"
COLUMBIA = "5732560100"
_CODES = ("636,327", "314,206", "573,256")


@dataclass(frozen=True)
class Packet:
    at_us: int
    source: Hop
    destination: Hop
    data: bytes


def small_configuration(folder: Path) -> Configuration:
    """The example configuration with a guide of a few codes, and limits that a handful of calls exceeds."""
    lerg = folder / "lerg"
    lerg.mkdir(parents=True)
    for table in (REPOSITORY / "sim" / "missouri").glob("*.csv"):
        shutil.copy(table, lerg)
    header, *rows = (lerg / "lerg6.csv").read_text().splitlines()
    kept = [row for row in rows if any(code in row for code in _CODES)]
    (lerg / "lerg6.csv").write_text("\n".join([header, *kept]) + "\n")
    text = (REPOSITORY / "deploy" / "tollgate.toml").read_text()
    text = text.replace('"../sim/missouri"', '"lerg"').replace('"../sim/missouri/ported.csv"', '"lerg/ported.csv"')
    text = text.replace('"../var/tollgate"', '"state"')
    text = re.sub(r"burst = 20\b", "burst = 3", text)
    text = re.sub(r"sustained_per_s = 10\b", "sustained_per_s = 1", text)
    text = re.sub(r"in_progress = 100\b", "in_progress = 4", text)
    file = folder / "tollgate.toml"
    file.write_text(text)
    return load_configuration(file)


class RecordedGateway:
    """The gateway under test: what goes in and out is in `packets`, what it decided in `decisions`."""

    def __init__(self, configuration: Configuration, standings: Sequence[Step] = ()) -> None:
        policy = policy_of(configuration, Steps(tuple(standings)))
        settings = ProxySettings((GATEWAY,), secret=b"live", emergency_numbers=configuration.emergency_numbers)
        self.proxy = SipProxy(settings, policy.engine, configuration.trunk_groups, policy.find_provider)
        self.proxy.prober.start(START_US)
        self.packets: list[Packet] = []
        self.decisions: list[tuple[str, int, Decision]] = []

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Send]:
        sends = self.wake(at_us)
        self.packets.append(Packet(at_us, source, GATEWAY, data))
        return sends + self._perform(self.proxy.receive(data, source, at_us), at_us)

    def end_calls(self, wanted: Wanted, at_us: int) -> list[Send]:
        """The gateway ends calls by itself: their traffic is discontinued."""
        sends = self.wake(at_us)
        return sends + self._perform(self.proxy.end_calls(wanted, 21, "DISCONTINUED L8", at_us), at_us)

    def wake(self, at_us: int) -> list[Send]:
        sends: list[Send] = []
        while (due := self.proxy.next_wake_us) is not None and due <= at_us:
            sends += self._perform(self.proxy.wake(due), due)
        return sends

    def _perform(self, actions: Iterable[object], at_us: int) -> list[Send]:
        sends = []
        for action in actions:
            if isinstance(action, Decided):
                self.decisions.append((action.call.attempt.call_id, at_us, action.call.decision))
            elif isinstance(action, Send):
                self.packets.append(Packet(at_us, GATEWAY, action.target, action.data))
                sends.append(action)
        return sends


@dataclass(frozen=True)
class Plan:
    """One call as the world around the gateway plays it. Times in milliseconds."""

    start_ms: int
    calling: str = PROVIDER_1
    called: str = WENTZVILLE
    asserted: str | None = None
    """P-Asserted-Identity, where it is not the calling number."""
    source: Hop = PARTNER
    answer: int = 200
    """The switch's final response; 0: it stays silent."""
    answer_after_ms: int = 100
    hold_ms: int = 1_000
    bye_by: str = "caller"
    """Who hangs up; "nobody": the call stays up."""
    cancel_after_ms: int | None = None
    repeats: int = 0
    """The INVITE is sent again so many times, 500 ms apart."""
    retry: bool = False
    """After a failure the INVITE comes again with the next CSeq, as after a challenge."""
    max_forwards: int = 70


Event = Callable[[int], None]


@dataclass(frozen=True)
class Trouble:
    """A switch that does not answer for a time, or answers 503 with Retry-After. Times in milliseconds."""

    switch: Hop
    from_ms: int
    to_ms: int
    retry_after_s: int = 0
    """0: it does not answer at all."""


class World:
    """Plays plans against a gateway, in simulated time."""

    def __init__(self, gateway: RecordedGateway, plans: Sequence[Plan], troubles: Sequence[Trouble] = ()) -> None:
        self.gateway = gateway
        self._troubles = troubles
        self._plans = {f"call-{number}@partner.example": plan for number, plan in enumerate(plans)}
        self._events: list[tuple[int, int, Event]] = []
        self._order = count()
        self._seen: set[tuple[bytes, bytes]] = set()
        self._invites: dict[bytes, Send] = {}
        for call_id, plan in self._plans.items():
            at_us = START_US + plan.start_ms * 1_000
            self._send(at_us, self.invite(call_id, 1), plan.source)
            for repeat in range(plan.repeats):
                self._send(at_us + (repeat + 1) * SECOND_US // 2, self.invite(call_id, 1), plan.source)
            if plan.cancel_after_ms is not None:
                self._send(at_us + plan.cancel_after_ms * 1_000, self._cancel(call_id), plan.source)

    def run(self, seconds: int = 120) -> RecordedGateway:
        end = START_US + seconds * SECOND_US
        while True:
            due = self.gateway.proxy.next_wake_us
            event_at = self._events[0][0] if self._events else None
            if due is not None and due <= end and (event_at is None or due <= event_at):
                self._react(self.gateway.wake(due), due)
                continue
            if event_at is None or event_at > end:
                return self.gateway
            at_us, _, event = heapq.heappop(self._events)
            event(at_us)

    def ends_calls(self, at_ms: int, wanted: Wanted) -> None:
        """At that time the gateway ends calls."""
        self._at(START_US + at_ms * 1_000, lambda now: self._react(self.gateway.end_calls(wanted, now), now))

    def _at(self, at_us: int, event: Event) -> None:
        heapq.heappush(self._events, (at_us, next(self._order), event))

    def _send(self, at_us: int, data: bytes, source: Hop) -> None:
        self._at(at_us, lambda now: self._react(self.gateway.receive(data, source, now), now))

    # -- what the neighbours do ---------------------------------------------------------------------------------------

    def _react(self, sends: list[Send], at_us: int) -> None:
        for send in sends:
            if send.data.startswith(b"SIP/2.0 "):
                self._response_arrives(send, at_us)
            else:
                self._request_arrives(send, at_us)

    def _request_arrives(self, send: Send, at_us: int) -> None:
        method, branch = send.data.split(b" ", 1)[0], _header(send.data, b"Via")
        if (method, branch) in self._seen:
            return
        self._seen.add((method, branch))
        trouble = self._trouble_of(send.target, at_us)
        if method == b"ACK" or (trouble is not None and not trouble.retry_after_s):
            return
        soon = at_us + 5_000
        if method == b"OPTIONS":
            self._send(soon, response_to(send.data, 200, b"callee"), send.target)
            return
        call_id = _header(send.data, b"Call-ID").decode()
        plan = self._plans[call_id]
        if method == b"INVITE" and trouble is not None:
            extra = b"Retry-After: %d" % trouble.retry_after_s
            self._send(soon, response_to(send.data, 503, b"callee", extra), send.target)
            return
        if method == b"INVITE":
            self._invites[branch] = send
            if plan.answer == 0:
                return
            self._send(soon, response_to(send.data, 100, b""), send.target)
            self._send(soon + 10_000, response_to(send.data, 180, b"callee"), send.target)
            final_at = soon + 10_000 + plan.answer_after_ms * 1_000
            self._at(final_at, lambda now: self._answer(send, plan.answer, now))
            if plan.answer == 200 and plan.bye_by == "callee":
                self._send(final_at + plan.hold_ms * 1_000, self._bye(call_id), send.target)
        elif method == b"CANCEL":
            self._send(soon, response_to(send.data, 200, b"callee"), send.target)
            if branch in self._invites:
                self._at(soon, lambda now: self._answer(self._invites[branch], 487, now))
        else:
            self._send(soon, response_to(send.data, 200, b"callee"), send.target)

    def _trouble_of(self, switch: Hop, at_us: int) -> Trouble | None:
        now_ms = (at_us - START_US) // 1_000
        return next((one for one in self._troubles if one.switch == switch and one.from_ms <= now_ms < one.to_ms), None)

    def _answer(self, send: Send, status: int, at_us: int) -> None:
        """The final response to an INVITE, unless there was one already."""
        branch = _header(send.data, b"Via")
        if (b"final", branch) in self._seen:
            return
        self._seen.add((b"final", branch))
        self._react(self.gateway.receive(response_to(send.data, status, b"callee"), send.target, at_us), at_us)

    def _response_arrives(self, send: Send, at_us: int) -> None:
        status = int(send.data[8:11])
        call_id = _header(send.data, b"Call-ID").decode()
        number, _, method = _header(send.data, b"CSeq").partition(b" ")
        plan = self._plans[call_id]
        if method != b"INVITE" or status < 200 or send.target != plan.source:
            return
        first = (b"answer", call_id.encode() + number) not in self._seen
        self._seen.add((b"answer", call_id.encode() + number))
        to = _header(send.data, b"To").decode()
        if status >= 300:
            ack = self.invite(call_id, int(number), to).replace(b"INVITE", b"ACK")
            self._send(at_us + 2_000, ack, plan.source)
            if plan.retry and first and number == b"1":
                self._send(at_us + 3_000, self.invite(call_id, 2), plan.source)
            return
        self._send(at_us + 2_000, self._in_dialog(call_id, "ACK", int(number), to), plan.source)
        if first and plan.bye_by == "caller":
            bye = self._in_dialog(call_id, "BYE", int(number) + 1, to)
            self._send(at_us + plan.hold_ms * 1_000, bye, plan.source)

    # -- messages -----------------------------------------------------------------------------------------------------

    def invite(self, call_id: str, cseq: int, to: str | None = None) -> bytes:
        plan = self._plans[call_id]
        return invite(
            call_id,
            calling=plan.calling,
            called=plan.called,
            asserted=plan.asserted,
            source=plan.source,
            cseq=cseq,
            max_forwards=plan.max_forwards,
            to=to,
        )

    def _cancel(self, call_id: str) -> bytes:
        return self.invite(call_id, 1).replace(b"INVITE", b"CANCEL")

    def _in_dialog(self, call_id: str, method: str, cseq: int, to: str) -> bytes:
        plan = self._plans[call_id]
        host, port = plan.source.address
        return (
            f"{method} sip:{plan.called}@{SWITCH[0]}:{SWITCH[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{method}-{cseq}-{call_id}\r\n"
            f"Route: <sip:{GATEWAY[0]}:{GATEWAY[1]};lr>\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{plan.calling}@partner.example>;tag=caller\r\nTo: {to}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        ).encode()

    def _bye(self, call_id: str) -> bytes:
        """The called side hangs up."""
        plan = self._plans[call_id]
        return (
            f"BYE sip:{plan.calling}@{plan.source[0]}:{plan.source[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {SWITCH[0]}:{SWITCH[1]};branch=z9hG4bK-callee-bye-{call_id}\r\n"
            f"Route: <sip:{GATEWAY[0]}:{GATEWAY[1]};lr>\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{plan.called}@host.example>;tag=callee\r\n"
            f"To: <sip:{plan.calling}@partner.example>;tag=caller\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        ).encode()


def invite(
    call_id: str,
    *,
    calling: str = PROVIDER_1,
    called: str = WENTZVILLE,
    asserted: str | None = None,
    source: Hop = PARTNER,
    cseq: int = 1,
    max_forwards: int = 70,
    to: str | None = None,
    branch: str | None = None,
    extra: str = "",
) -> bytes:
    """An INVITE as the partner's switch sends it."""
    host, port = source.address
    return (
        f"INVITE sip:{called}@{GATEWAY[0]}:{GATEWAY[1]} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {host}:{port};branch={branch or f'z9hG4bK-{cseq}-{call_id}'}\r\n"
        f"Max-Forwards: {max_forwards}\r\n"
        f"From: <sip:{calling}@partner.example>;tag=caller\r\n"
        f"To: {to or f'<sip:{called}@host.example>'}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\n"
        f"Contact: <sip:{calling}@{host}:{port}>\r\n"
        f"P-Asserted-Identity: <sip:{asserted or calling}@partner.example>\r\n"
        f"{extra}Content-Length: 0\r\n\r\n"
    ).encode()


def _header(data: bytes, name: bytes) -> bytes:
    start = data.index(b"\r\n" + name + b": ") + len(name) + 4
    return data[start : data.index(b"\r\n", start)]


def response_to(request: bytes, status: int, tag: bytes, *extra: bytes) -> bytes:
    lines = [b"SIP/2.0 %d Said By The Switch" % status]
    for line in request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name = line.partition(b":")[0]
        if name in (b"Via", b"From", b"Call-ID", b"CSeq", b"Record-Route"):
            lines.append(line)
        elif name == b"To":
            lines.append(line + (b";tag=" + tag if tag and b";tag=" not in line else b""))
    return b"\r\n".join([*lines, *extra, b"Content-Length: 0", b"", b""])


# -- captures ---------------------------------------------------------------------------------------------------------


def pcap_of(packets: Iterable[Packet], identifications: Iterable[int] | None = None) -> bytes:
    """A capture of raw IPv4 packets."""
    numbers = iter(identifications) if identifications is not None else count(1)
    out = [pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)]
    for packet in packets:
        datagram = pack(">HHHH", packet.source[1], packet.destination[1], 8 + len(packet.data), 0) + packet.data
        addresses = ip_address(packet.source[0]).packed + ip_address(packet.destination[0]).packed
        number = next(numbers) & 0xFFFF
        header = pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), number, 0, 64, 17, 0) + addresses
        frame = header + datagram
        out.append(pack("<IIII", *divmod(packet.at_us, SECOND_US), len(frame), len(frame)) + frame)
    return b"".join(out)
