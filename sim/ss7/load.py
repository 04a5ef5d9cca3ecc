"""Load on circuits: a switch that does nothing but place calls, or answer them, as fast as it is told to.

The messages are made before the first is sent, and what comes is read at fixed places, so that what is measured is the
other end. `python -m sim.ss7.load caller` and `... answerer` are the two as processes; their last line is a report in
JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from gateway.codecs.ss7.isup import MessageType, P, isup_message
from gateway.codecs.ss7.m3ua import m3ua_data
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator, parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.transport import sctp
from sim.loopback import check_loopback
from sim.sip_text import Address
from sim.ss7.association import TRAFFIC_STREAM, Association, Side, State
from sim.ss7.call_plan import NORMAL_CLEARING, IsupPlan
from sim.ss7.circuit_call import cause_value
from sim.ss7.parties import SUBSCRIBER_FREE
from sim.ss7.switch import NATIONAL

MOST_CALLS: Final = 2_000_000
MOST_CALLS_A_SECOND: Final = 100_000
LONGEST_S: Final = 600.0
READY_S: Final = 10.0
"""How long the association gets to be active."""
_TICK_S: Final = 0.002
_DATA: Final = b"\x01\x01"
_PROTOCOL_DATA: Final = b"\x02\x10"
_LABEL: Final = 16
"""Octets from a protocol data parameter to the CIC in it: its header, and the routing label."""
_IAM, _ANM, _REL, _RLC, _GRS = (
    int(kind) for kind in (MessageType.IAM, MessageType.ANM, MessageType.REL, MessageType.RLC, MessageType.GRS)
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Who talks to whom, and over which circuits."""

    own: int
    adjacent: int
    cics: tuple[int, ...]
    variant: Variant = Variant.ANSI
    routing_context: int | None = None


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What to place. Raises ValueError for bounds over the module's own."""

    calls: int
    calls_per_s: float
    """0: as many as the circuits can take."""
    iams: tuple[IsupPlan, ...]
    """Calls, in turn."""
    settle_s: float = 3.0
    """How long to wait for the last call to be over."""

    def __post_init__(self) -> None:
        bounds = (
            ("calls", self.calls, 1, MOST_CALLS),
            ("calls_per_s", self.calls_per_s, 0, MOST_CALLS_A_SECOND),
            ("settle_s", self.settle_s, 0, LONGEST_S),
            ("iams", len(self.iams), 1, MOST_CALLS),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                raise ValueError(f"{name} is from {least} to {most}, got {value}")


@dataclass(slots=True)
class LoadReport:
    """What came of a load."""

    sent: int = 0
    answered: int = 0
    ended: int = 0
    """Answered calls whose REL was answered with RLC."""
    refused: Counter[int] = field(default_factory=Counter)
    """Q.850 cause of the REL that came instead of an answer -> calls."""
    unsent: int = 0
    """Calls for which no circuit was free in their time."""
    lasted_s: float = 0.0
    """From the first IAM to the last message that was waited for."""
    set_up_ms: list[float] = field(default_factory=list)
    """From IAM to ANM, of every 16th call."""

    @property
    def calls_per_s(self) -> float:
        return self.ended / self.lasted_s if self.lasted_s else 0.0

    @property
    def unanswered(self) -> int:
        """Calls of which nothing came."""
        return self.sent - self.answered - self.refused.total()

    def document(self) -> dict[str, object]:
        """For machines."""
        found = asdict(self)
        found["refused"] = dict(self.refused)
        found["set_up_ms"] = {part: _quantile(self.set_up_ms, part) for part in (0.5, 0.99)}
        return found | {"calls_per_s": round(self.calls_per_s, 1), "unanswered": self.unanswered}


def _quantile(values: Sequence[float], part: float) -> float | None:
    return round(sorted(values)[int(part * (len(values) - 1))], 3) if values else None


class _LoadSwitch:
    """One signalling point on one association (`gateway.transport.sctp.SctpUser`), as client or server."""

    def __init__(self, neighbours: Neighbours, side: Side, carrier: sctp.SctpCarrier | None = None) -> None:
        self.neighbours, self.side = neighbours, side
        self._carrier = carrier if carrier is not None else sctp.open_carrier(sctp.LinkCarrier.TCP)
        self._listener: sctp.Listener | None = None
        self._transport: sctp.Association | None = None
        self._m3ua: Association | None = None
        self._active = asyncio.Event()

    def listen(self, address: Address) -> Address:
        """Raises OSError, and ValueError where the address isn't on loopback."""
        check_loopback(address)
        self._listener = self._carrier.listen(address, self, lambda _host: True)
        return self._listener.local

    def connect(self, address: Address) -> None:
        """Raises ValueError where the address isn't on loopback."""
        check_loopback(address)
        self._transport = self._carrier.connect(address, self)

    async def ready(self, within_s: float = READY_S) -> bool:
        """Wait until the association is active; False when the time ran out before."""
        try:
            await asyncio.wait_for(self._active.wait(), within_s)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._transport is not None:
            self._transport.abort()

    def up(self, association: sctp.Association) -> None:
        self._transport = association
        self._m3ua = Association(
            self.side,
            send=association.send,
            deliver=_nothing,
            changed=self._changed,
            routing_context=self.neighbours.routing_context,
        )
        self._m3ua.up()

    def _changed(self) -> None:
        if self._m3ua is not None and self._m3ua.state is State.ACTIVE:
            self._active.set()
        else:
            self._active.clear()

    def received(self, arrived: Sequence[sctp.Arrived]) -> None:
        for _, stream, data in arrived:
            if data[2:4] != _DATA:
                if self._m3ua is not None:
                    self._m3ua.take(stream, data)
                continue
            at = 8 if data[8:10] == _PROTOCOL_DATA else 16
            at += _LABEL
            kind, cic = data[at + 2], data[at] | data[at + 1] << 8
            if kind == _GRS:
                self._acknowledge_reset(cic, data, at + 3)
            else:
                self.heard(kind, cic, data, at + 3)

    def _acknowledge_reset(self, cic: int, data: bytes, at: int) -> None:
        """The other end resets circuits when it first sees this one: they are all idle (Q.764 section 2.9.3.2)."""
        circuits = data[at + data[at] + 1] + 1
        value = bytes([circuits - 1, *bytes((circuits + 7) // 8)])
        message = isup_message(self.neighbours.variant, MessageType.GRA, cic, ((P.RANGE_AND_STATUS, value),))
        self.say(self.enclosed(cic, message.encode()))

    def down(self, association: sctp.Association, why: str) -> None:  # noqa: ARG002 - whatever the reason
        self._active.clear()

    def heard(self, kind: int, cic: int, data: bytes, at: int) -> None:
        """A message came. `at` is where its first parameter begins in `data`."""
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.send(TRAFFIC_STREAM, data)

    def prepared(self, kind: MessageType, parameters: Iterable[tuple[int, bytes]] = ()) -> dict[int, bytes]:
        """A message for each circuit, as it goes out."""
        made = tuple(parameters)
        variant = self.neighbours.variant
        return {
            cic: self.enclosed(cic, isup_message(variant, kind, cic, made).encode()) for cic in self.neighbours.cics
        }

    def enclosed(self, cic: int, message: bytes) -> bytes:
        own, adjacent, sls = self.neighbours.own, self.neighbours.adjacent, cic & 0x0F
        transfer = Mtp3Transfer(own, adjacent, ServiceIndicator.ISUP, NATIONAL, 0, sls, message)
        context = self.neighbours.routing_context if self._m3ua is None else self._m3ua.routing_context
        return m3ua_data(transfer, context)


def _nothing(_transfer: Mtp3Transfer) -> None:
    """DATA is read at its fixed places, and not by the association."""


class LoadAnswerer(_LoadSwitch):
    """Answers every IAM at once, with ACM and ANM, and every REL with RLC."""

    def __init__(self, neighbours: Neighbours, side: Side, carrier: sctp.SctpCarrier | None = None) -> None:
        super().__init__(neighbours, side, carrier)
        self.answered = 0
        self.ended = 0
        self._alerting: dict[int, bytes] = {}
        self._answers: dict[int, bytes] = {}
        self._cleared: dict[int, bytes] = {}

    def _changed(self) -> None:
        super()._changed()
        if not self._answers and self._active.is_set():
            self._alerting = self.prepared(MessageType.ACM, ((P.BACKWARD_CALL_INDICATORS, SUBSCRIBER_FREE),))
            self._answers = self.prepared(MessageType.ANM)
            self._cleared = self.prepared(MessageType.RLC)

    def heard(self, kind: int, cic: int, data: bytes, at: int) -> None:  # noqa: ARG002 - it wants no parameter
        if kind == _IAM:
            self.answered += 1
            self.say(self._alerting[cic])
            self.say(self._answers[cic])
        elif kind == _REL:
            self.ended += 1
            self.say(self._cleared[cic])


class LoadCaller(_LoadSwitch):
    """Places calls, and ends each as soon as it is answered."""

    def __init__(self, neighbours: Neighbours, side: Side, carrier: sctp.SctpCarrier | None = None) -> None:
        super().__init__(neighbours, side, carrier)
        self.report = LoadReport()
        self._free: deque[int] = deque()
        self._under_way: dict[int, float | None] = {}
        """CIC -> when its IAM went out, of a call not answered yet; None of one that is."""
        self._releases: dict[int, bytes] = {}
        self._cleared: dict[int, bytes] = {}
        self._over = asyncio.Event()
        self._all_sent = False

    async def run(self, plan: LoadPlan) -> LoadReport:
        """Place the calls, and wait until each is over or the time to settle has run out."""
        self.report = report = LoadReport()
        self._releases = self.prepared(MessageType.REL, ((P.CAUSE_INDICATORS, cause_value(NORMAL_CLEARING)),))
        self._cleared = self.prepared(MessageType.RLC)
        variant = self.neighbours.variant
        iams = [call.iam(variant, 0).encode()[2:] for call in plan.iams]
        self._free = deque(self.neighbours.cics)
        self._under_way.clear()
        self._over.clear()
        self._all_sent = False
        started = time.monotonic()
        await self._paced(plan, iams, started)
        self._all_sent = True
        if self._under_way:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), plan.settle_s)
        report.lasted_s = time.monotonic() - started
        return report

    async def _paced(self, plan: LoadPlan, iams: Sequence[bytes], started: float) -> None:
        placed, report = 0, self.report
        while placed < plan.calls:
            elapsed = time.monotonic() - started
            if elapsed > LONGEST_S:
                return
            due = min(plan.calls, int(elapsed * plan.calls_per_s) + 1) if plan.calls_per_s else plan.calls
            while placed < due and self._free:
                self._place(self._free.popleft(), iams[placed % len(iams)])
                placed += 1
            if plan.calls_per_s and placed < due:
                report.unsent += due - placed
                placed = due
            await asyncio.sleep(_TICK_S if plan.calls_per_s else 0)

    def _place(self, cic: int, iam: bytes) -> None:
        self._under_way[cic] = time.monotonic()
        self.report.sent += 1
        self.say(self.enclosed(cic, cic.to_bytes(2, "little") + iam))

    def heard(self, kind: int, cic: int, data: bytes, at: int) -> None:
        report = self.report
        if kind == _ANM:
            began = self._under_way.get(cic)
            if began is None:
                return
            self._under_way[cic] = None
            if not report.answered & 15:
                report.set_up_ms.append((time.monotonic() - began) * 1000)
            report.answered += 1
            self.say(self._releases[cic])
        elif kind == _RLC:
            if self._under_way.get(cic, 0.0) is None:
                report.ended += 1
                self._done(cic)
        elif kind == _REL:
            self.say(self._cleared[cic])
            if cic in self._under_way:
                if self._under_way[cic] is not None:
                    report.refused[data[at + data[at] + 2] & 0x7F] += 1
                self._done(cic)

    def _done(self, cic: int) -> None:
        del self._under_way[cic]
        self._free.append(cic)
        if self._all_sent and not self._under_way:
            self._over.set()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim.ss7.load", description=__doc__)
    parser.add_argument("role", choices=("caller", "answerer"))
    parser.add_argument("--side", choices=("asp", "sgp"), default="asp", help="asp connects, sgp listens")
    parser.add_argument("--address", required=True, help="127.0.0.1:2905")
    parser.add_argument("--own", required=True, help="point code, 246-14-7")
    parser.add_argument("--adjacent", required=True)
    parser.add_argument("--cics", default="1-1000", help="first and last")
    parser.add_argument("--carrier", choices=[kind.value for kind in sctp.LinkCarrier], default="tcp")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second; 0: as many as there are circuits for")
    parser.add_argument("--called", default="6363270100")
    parser.add_argument("--calling", default="3142061100", help="the first; the next ones count up")
    parser.add_argument("--numbers", type=int, default=100)
    parser.add_argument("--variant", choices=[variant.value for variant in Variant], default="ansi")
    parser.add_argument("--seconds", type=float, default=LONGEST_S, help="of an answerer: it stops then, or at Ctrl-C")
    return parser.parse_args(given)


async def _process(arguments: argparse.Namespace) -> dict[str, object]:
    variant = Variant(arguments.variant)
    own, adjacent = (parse_point_code(text, variant) for text in (arguments.own, arguments.adjacent))
    if own is None or adjacent is None:
        raise ValueError(
            f"--own and --adjacent are point codes of {variant.value}, as 246-14-7 (ansi) or 2-100-4 (itu)"
        )
    first, _, last = arguments.cics.partition("-")
    neighbours = Neighbours(own, adjacent, tuple(range(int(first), int(last or first) + 1)), variant)
    kind = LoadCaller if arguments.role == "caller" else LoadAnswerer
    side = Side.ASP if arguments.side == "asp" else Side.SGP
    switch = kind(neighbours, side, sctp.open_carrier(sctp.LinkCarrier(arguments.carrier)))
    host, _, port = arguments.address.rpartition(":")
    if side is Side.ASP:
        switch.connect((host, int(port)))
    else:
        switch.listen((host, int(port)))
    try:
        if not await switch.ready(arguments.seconds if isinstance(switch, LoadAnswerer) else READY_S):
            raise OSError(f"no association with {arguments.address} became active")
        if isinstance(switch, LoadCaller):
            calling = int(arguments.calling)
            iams = tuple(IsupPlan(arguments.called, str(calling + more)) for more in range(arguments.numbers))
            return (await switch.run(LoadPlan(arguments.calls, arguments.rate, iams))).document()
        await asyncio.sleep(min(arguments.seconds, LONGEST_S))
        return {"answered": switch.answered, "ended": switch.ended}
    finally:
        switch.close()


def main(given: Sequence[str] | None = None) -> int:
    """One load switch, until its calls or its time are over."""
    try:
        report = asyncio.run(_process(_arguments(given)))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
