"""A live signalling point between exchanges and SIP switches, in memory and in simulated time, whose messages are
written down.

Proxy, exchange, user agent, engine and tables are the real ones; sockets, links and the clock are not there.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from recorded_gateway import (
    GATEWAY,
    PARTNER,
    PROVIDER_1,
    SECOND_US,
    START_US,
    SWITCH,
    WENTZVILLE,
    invite,
    response_to,
    small_configuration,
)
from ss7_script import ANSI, ONE, THREE, TWO, acm, anm, capture_at, iam, rel, rlc

from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.m3ua import MessageType as M3uaType
from gateway.codecs.ss7.m3ua import decode_m3ua, transfer_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Address, Hop
from gateway.operations.configuration import Configuration, load_configuration
from gateway.policy.verdict import Decision
from gateway.signalling.call import Carry, Decided, Send
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.signalling.ss7.signalling_point import SignallingPoint
from gateway.wiring.engine import policy_of
from gateway.wiring.ss7 import point_of

PARTNERS, OURS, HOSTS = ONE, TWO, THREE
"""Point codes: of the partner's exchange, of the gateway, of the host's exchange."""
LINKS = """
[[links]]
name = "{name}"
role = "server"
variant = "{variant}"
point_code = "2-2-2"
address = "127.0.0.1:{port}"
destinations = ["{destination}"]
"""
CIRCUITS = 'circuits = {{ point_code = "{code}", cics = ["1-{last}"], links = ["{name}"] }}'


def configuration_with(
    folder: Path, *, partner: bool, host: bool, circuits: int = 24, variant: str = "ansi"
) -> Configuration:
    """The small configuration, its partner or its host on circuits in place of SIP."""
    file = small_configuration(folder).file
    text = file.read_text()
    links = ""
    for wanted, members, name, code, port in (
        (partner, 'members = ["127.0.0.1:5070"]', "partner-link", "1-1-1", 2905),
        (host, 'members = ["127.0.0.1:5080"]', "host-link", "3-3-3", 2906),
    ):
        if wanted:
            assert members in text
            text = text.replace(members, CIRCUITS.format(code=code, last=circuits, name=name), 1)
            links += LINKS.format(name=name, port=port, destination=code, variant=variant)
    file.write_text(text.replace("[[trunk_groups]]", links + "\n[[trunk_groups]]", 1))
    return load_configuration(file)


@dataclass(frozen=True)
class Plan:
    """One call as the world around the gateway plays it. Times in milliseconds."""

    start_ms: int
    calling: str | None = PROVIDER_1
    called: str = WENTZVILLE
    cic: int = 0
    """Of a call that comes on a circuit; 0: it comes by SIP."""
    answers: bool = True
    cause: int = 17
    """Of the host's exchange where it does not answer."""
    hold_ms: int = 1_000
    bye_by: str = "caller"


Event = Callable[[int], None]


class RecordedExchange:
    """Plays plans against a signalling point."""

    def __init__(self, configuration: Configuration, plans: Sequence[Plan]) -> None:
        policy = policy_of(configuration, Steps())
        settings = ProxySettings((GATEWAY,), secret=b"live", emergency_numbers=configuration.emergency_numbers)
        proxy = SipProxy(settings, policy.engine, configuration.trunk_groups, policy.find_provider)
        point = point_of(configuration, policy, proxy, GATEWAY)
        assert point is not None
        self.point: SignallingPoint = point
        self.packets: list[tuple[int, int | Address, int | Address, bytes]] = []
        self.decisions: list[tuple[str, int, Decision]] = []
        self._events: list[tuple[int, int, Event]] = []
        self._order = count()
        self._plans = {f"call-{place}@partner.example": plan for place, plan in enumerate(plans)}
        self._by_cic = {(plan.cic, plan.start_ms): plan for plan in plans if plan.cic}
        self._on_circuit: dict[int, Plan] = {}
        self._seen: set[tuple[bytes, ...]] = set()
        self._perform(point.assume_up(START_US - SECOND_US), START_US - SECOND_US)
        for call_id, plan in self._plans.items():
            at_us = START_US + plan.start_ms * 1_000
            if plan.cic:
                data = iam(plan.cic, plan.calling, plan.called)
                self._at(at_us, lambda now, plan=plan, data=data: self._seize(plan, data, now))  # type: ignore[misc]
            else:
                data = invite(call_id, calling=plan.calling or "", called=plan.called)
                self._datagram(at_us, data, PARTNER)

    def run(self, seconds: int = 120) -> RecordedExchange:
        end = START_US + seconds * SECOND_US
        while True:
            due = self.point.next_wake_us
            event_at = self._events[0][0] if self._events else end + 1
            if due is not None and due <= min(end, event_at):
                self._perform(self.point.wake(due), due)
            elif event_at > end:
                return self
            else:
                at_us, _, event = heapq.heappop(self._events)
                event(at_us)

    def capture(self, offset_us: int = 0, first: int = 0) -> bytes:
        """What went in and out, from packet `first` on, each `offset_us` after the gateway had it."""
        return capture_at((at_us + offset_us, *rest) for at_us, *rest in self.packets[first:])  # type: ignore[misc]

    # -- in -----------------------------------------------------------------------------------------------------------

    def _at(self, at_us: int, event: Event) -> None:
        heapq.heappush(self._events, (at_us, next(self._order), event))

    def _seize(self, plan: Plan, data: bytes, at_us: int) -> None:
        self._on_circuit[plan.cic] = plan
        self._isup(data, PARTNERS, at_us)

    def say(self, at_us: int, data: bytes, opc: int, dpc: int = OURS) -> None:
        """An exchange sends an ISUP message, whatever the plans are."""
        self._at(at_us, lambda now: self._isup(data, opc, now, dpc))

    def _isup(self, data: bytes, opc: int, at_us: int, dpc: int = OURS) -> None:
        self.packets.append((at_us, opc, dpc, data))
        transfer = Mtp3Transfer(opc, dpc, 5, 2, 0, 1, data)
        self._perform(self.point.receive_transfer(transfer, at_us), at_us)

    def _datagram(self, at_us: int, data: bytes, source: Hop) -> None:
        self._at(at_us, lambda now: self._sip(data, source, now))

    def _sip(self, data: bytes, source: Hop, at_us: int) -> None:
        self.packets.append((at_us, source.address, GATEWAY.address, data))
        self._perform(self.point.receive(data, source, at_us), at_us)

    # -- out ----------------------------------------------------------------------------------------------------------

    def _perform(self, actions: Iterable[object], at_us: int) -> None:
        for action in actions:
            if isinstance(action, Decided):
                self.decisions.append((action.call.attempt.call_id, at_us, action.call.decision))
            elif isinstance(action, Send):
                self.packets.append((at_us, GATEWAY.address, action.target.address, action.data))
                self._switch(action, at_us)
            elif isinstance(action, Carry):
                message = decode_m3ua(action.data)
                if message.type == M3uaType.DATA:
                    transfer = transfer_of(message)
                    self.packets.append((at_us, transfer.opc, transfer.dpc, transfer.data))
                    self._exchange(transfer, at_us)

    def _exchange(self, transfer: Mtp3Transfer, at_us: int) -> None:
        """What another exchange does."""
        message = IsupMessage(transfer.data, ANSI if transfer.opc == OURS else Variant.ITU)
        cic, there = message.cic or 0, transfer.dpc
        if message.type == MessageType.IAM:
            called = message.called
            plan = next(one for one in self._plans.values() if called is not None and called.digits == one.called)
            if not plan.answers:
                self.say(at_us + 50_000, rel(cic, plan.cause), there)
                return
            self.say(at_us + 50_000, acm(cic), there)
            self.say(at_us + 300_000, anm(cic), there)
            if plan.bye_by == "callee":
                self.say(at_us + 300_000 + plan.hold_ms * 1_000, rel(cic), there)
        elif message.type == MessageType.REL:
            self.say(at_us + 10_000, rlc(cic), there, transfer.opc)
        elif message.type == MessageType.ANM and there == PARTNERS:
            plan = self._on_circuit.get(cic)
            if plan is not None and plan.bye_by == "caller":
                self.say(at_us + plan.hold_ms * 1_000, rel(cic), there)

    def _switch(self, sent: Send, at_us: int) -> None:
        """What a SIP switch does, the host's or the partner's."""
        data = sent.data
        key = (data.split(b" ", 1)[0], data)
        if key in self._seen:
            return
        self._seen.add(key)
        if data.startswith(b"SIP/2.0 "):
            self._caller(data, at_us)
        elif data.startswith(b"INVITE "):
            self._datagram(at_us + 5_000, response_to(data, 180, b"callee"), sent.target)
            final = 200 if next(iter(self._plans.values())).answers else 486
            self._datagram(at_us + 300_000, response_to(data, final, b"callee", *_CONTACT), sent.target)
        elif not data.startswith(b"ACK "):
            self._datagram(at_us + 5_000, response_to(data, 200, b"callee"), sent.target)

    def _caller(self, data: bytes, at_us: int) -> None:
        """The SIP caller acknowledges final responses, and hangs up."""
        status, cseq = int(data[8:11]), header(data, b"CSeq")
        if status < 200 or not cseq.endswith(b"INVITE"):
            return
        call_id = header(data, b"Call-ID").decode()
        plan, to = self._plans[call_id], header(data, b"To").decode()
        opening = invite(call_id, calling=plan.calling or "", called=plan.called, to=to)
        if status >= 300:
            self._datagram(at_us + 2_000, opening.replace(b"INVITE", b"ACK"), PARTNER)
            return
        target = header(data, b"Contact").strip(b"<>")
        for wait_ms, method, number in ((2, b"ACK", b"1"), (plan.hold_ms, b"BYE", b"2")):
            if method == b"BYE" and plan.bye_by != "caller":
                continue
            request = opening.replace(b"INVITE", method).replace(b"CSeq: 1", b"CSeq: " + number)
            request = request.replace(b"z9hG4bK-1", b"z9hG4bK-" + method)
            route = b"Route: <sip:%s:%d;lr>\r\n" % (GATEWAY.host.encode(), GATEWAY.port)
            _, _, rest = request.partition(b"\r\n")
            line = b" ".join((method, target, b"SIP/2.0"))
            self._datagram(at_us + wait_ms * 1_000, line + b"\r\n" + route + rest, PARTNER)


_CONTACT = (b"Contact: <sip:%s:%d>" % (SWITCH.host.encode(), SWITCH.port),)


def header(data: bytes, name: bytes) -> bytes:
    start = data.index(b"\r\n" + name + b": ") + len(name) + 4
    return data[start : data.index(b"\r\n", start)]
