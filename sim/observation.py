"""What the lab sees of the running gateway: every decision by its Call-ID, and every packet of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.m3ua import decode_m3ua, transfer_of
from gateway.codecs.ss7.mtp3 import ServiceIndicator
from gateway.codecs.ss7.variant import Variant
from sim.packets import MOST_PACKETS, Carried, Packet
from sim.sip_text import Address

WAIT_S = 5.0
_DATA = b"\x01\x01"
"""Message class and type of M3UA DATA."""


class FindingSeen(NamedTuple):
    """One check's word on a call."""

    check: str
    verdict: str
    clause: str
    text: str = ""


class DecisionSeen(NamedTuple):
    """A decision, in words that can be compared and printed."""

    outcome: str
    refused_by: FindingSeen | None
    trunk_group: str | None
    """The egress trunk group."""
    findings: tuple[FindingSeen, ...]

    def verdict_of(self, check: str) -> FindingSeen | None:
        return next((finding for finding in self.findings if finding.check == check), None)


def seen(decision: Any) -> DecisionSeen:
    """A `gateway.policy.verdict.Decision`, which the simulator isn't to import, as the lab compares it."""
    refused_by = decision.refused_by
    return DecisionSeen(
        decision.outcome.value,
        None if refused_by is None else _finding(refused_by),
        None if decision.egress is None else decision.egress.name,
        tuple(_finding(finding) for finding in decision.findings),
    )


def _finding(finding: Any) -> FindingSeen:
    return FindingSeen(finding.check, finding.verdict.value, finding.clause, finding.text)


def numbered(call_id: str, taken: Container[str]) -> str:
    """A Call-ID, with a number behind it where it was decided before."""
    name, number = call_id, 1
    while name in taken:
        number += 1
        name = f"{call_id} (decision {number})"
    return name


class LiveDecisions:
    """Observes the gateway's calls (`gateway.transport.udp.CallObserver`)."""

    def __init__(self, most: int = 200_000) -> None:
        self.by_call_id: dict[str, DecisionSeen] = {}
        """By `numbered` Call-ID, where one came more than once."""
        self.recording = True
        self._calling: dict[str, str] = {}
        self._most = most
        self._waiting: list[tuple[Callable[[str, DecisionSeen], bool], asyncio.Event]] = []

    def latest(self, prefix: str, after: int, calling: str) -> tuple[str, DecisionSeen] | None:
        """The last call decided whose Call-ID starts so, but for the first `after` of the run: that of this calling
        number, in digits as `TelephoneNumber` has them; else, for it may be altered on the way, of any.

        A call on a circuit has a Call-ID of the gateway's making: point codes, CIC and time.
        """
        late = islice(reversed(self.by_call_id), len(self.by_call_id) - after)
        found = [call_id for call_id in late if call_id.startswith(prefix)]
        for call_id in found:
            if self._calling[call_id] == calling:
                return call_id, self.by_call_id[call_id]
        return (found[0], self.by_call_id[found[0]]) if found else None

    def decided(self, call: Any) -> None:
        if not self.recording or len(self.by_call_id) >= self._most:
            return
        call_id, decision = call.attempt.call_id, seen(call.decision)
        name = numbered(call_id, self.by_call_id)
        self.by_call_id[name] = decision
        number = call.attempt.calling.number
        self._calling[name] = number.digits if number is not None else ""
        for wanted, event in self._waiting:
            if wanted(call_id, decision):
                event.set()

    def progressed(self, call: Any) -> None:
        """Nothing to note."""

    def ended(self, call: Any) -> None:
        """As above."""

    async def until(self, wanted: Callable[[str, DecisionSeen], bool], within_s: float = WAIT_S) -> bool:
        """Wait for a decision; False when the time ran out before it came."""
        event = asyncio.Event()
        entry = (wanted, event)
        self._waiting.append(entry)
        try:
            await asyncio.wait_for(event.wait(), within_s)
        except TimeoutError:
            return False
        finally:
            self._waiting.remove(entry)
        return True


class Peer(Protocol):
    """A signalling peer as the gateway names it."""

    @property
    def address(self) -> Address: ...


class GatewayTap:
    """Keeps what the gateway received and sent, on sockets and links, with the times that its decisions rest on."""

    def __init__(self, most: int = MOST_PACKETS) -> None:
        self.packets: list[Packet] = []
        self.left_out = 0
        self.recording = True
        self._most = most

    def __call__(self, at_us: int, source: Peer, destination: Peer, payload: bytes) -> None:
        self._keep(Packet(at_us, source.address, destination.address, payload))

    def link(self, at_us: int, source: Address, destination: Address, message: bytes) -> None:
        """An M3UA message of one of the gateway's signalling links (`gateway.transport.links.LinkTap`)."""
        self._keep(Packet(at_us, source, destination, message, Carried.M3UA))

    def _keep(self, packet: Packet) -> None:
        if not self.recording:
            return
        if len(self.packets) < self._most:
            self.packets.append(packet)
        else:
            self.left_out += 1

    def invite(self, call_id: str, gateway: Address) -> bytes | None:
        """The first INVITE of a call that the gateway received."""
        mark = f"\r\nCall-ID: {call_id}\r\n".encode()
        return next(
            (
                packet.payload
                for packet in reversed(self.packets)
                if packet.destination == gateway and packet.payload.startswith(b"INVITE ") and mark in packet.payload
            ),
            None,
        )

    def iam(self, opc: int, cic: int, variant: Variant) -> IsupMessage | None:
        """The last IAM that the gateway received from that point code on that circuit."""
        for packet in reversed(self.packets):
            if packet.carried is Carried.M3UA and packet.payload[2:4] == _DATA:
                transfer = transfer_of(decode_m3ua(packet.payload))
                if transfer.opc == opc and transfer.si == ServiceIndicator.ISUP:
                    message = IsupMessage(transfer.data, variant)
                    if message.type == MessageType.IAM and message.cic == cic:
                        return message
        return None


def whole_run(of_gateway: Sequence[Packet], of_cast: Iterable[Packet], gateway: Address) -> list[Packet]:
    """Every packet of the run once: the gateway's as it saw them, the others as the cast did.

    Which associations are the gateway's is known by its own packets: either of their ends may have dialled. Only the
    cast tells that one was ended.
    """
    associations = {frozenset(packet[1:3]) for packet in of_gateway if packet.carried is Carried.M3UA}
    others = [
        packet
        for packet in of_cast
        if gateway not in (packet.source, packet.destination)
        and (not packet.payload or frozenset(packet[1:3]) not in associations)
    ]
    return sorted((*of_gateway, *others), key=lambda packet: packet.at_us)


def differences(live: Mapping[str, DecisionSeen], audited: Mapping[str, DecisionSeen]) -> list[str]:
    """Each call that the audit decides otherwise than the gateway did, with what differs; for a person."""
    found = []
    for call_id in sorted(live.keys() | audited.keys()):
        one, other = live.get(call_id), audited.get(call_id)
        if one is None:
            found.append(f"{call_id}: decided by the audit, not by the gateway")
        elif other is None:
            found.append(f"{call_id}: decided by the gateway, not by the audit")
        elif one != other:
            found.append(f"{call_id}: {_difference(one, other)}")
    return found


def _difference(live: DecisionSeen, audited: DecisionSeen) -> str:
    for what, one, other in zip(live._fields, live, audited, strict=True):
        if what != "findings" and one != other:
            return f"{what}: live {one}, audit {other}"
    for one_finding in live.findings:
        other_finding = audited.verdict_of(one_finding.check)
        if one_finding != other_finding:
            return f"finding: live {tuple(one_finding)}, audit {other_finding and tuple(other_finding)}"
    return f"findings: live has {len(live.findings)}, audit {len(audited.findings)}"
