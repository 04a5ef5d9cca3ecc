"""SCTP (RFC 9260) over IP or in UDP (RFC 6951): from packets to user messages, each delivered once and in its order.

DATA and I-DATA chunks (RFC 8260) are bundled, fragmented, sent again and overtaken; what comes out here is what the
receiving user was handed. Checksums are not looked at: network cards fill them in after the packet was captured.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, SkipCount
from gateway.capture.sctp_order import StreamOrder
from gateway.capture.stretch import Stretch, joined
from gateway.interconnection.trunk_groups import Address

REPEATED: Final = "repeated SCTP DATA chunks"
NO_DATA: Final = "SCTP without DATA chunks"

_COMMON: Final = Struct(">HHI4x")  # ports, verification tag
_CHUNK: Final = Struct(">BBH")  # type, flags, length
_DATA: Final = Struct(">IHHI")  # TSN, stream, stream sequence number, payload protocol
_I_DATA: Final = Struct(">IH2xII")  # TSN, stream, message identifier, payload protocol or fragment sequence number
_TAG: Final = Struct(">I")
_DATA_TYPE, _INIT, _INIT_ACK, _ABORT, _SHUTDOWN, _I_DATA_TYPE = 0, 1, 2, 6, 7, 64
_KNOWN_TYPES: Final = frozenset({*range(16), 64, 128, 129, 130, 132, 192, 193, 194})
_UNORDERED, _FIRST, _LAST = 4, 2, 1
_NUMBERS: Final = 1 << 32


class SctpPacket(NamedTuple):
    """A captured SCTP packet, common header first."""

    source: str
    destination: str
    """IP addresses."""
    at_us: int
    frame: int
    stretch: Stretch
    cut: bool
    """The snapshot length left its beginning only."""


class UserMessage(NamedTuple):
    """What an SCTP user sent in one piece."""

    source: Address
    destination: Address
    """IP addresses and SCTP ports."""
    at_us: int
    """When it could be delivered: when it was complete, and all before it on its stream were."""
    frame: int
    """The packet that completed it."""
    stream: int
    protocol: int
    """Payload protocol identifier."""
    stretch: Stretch


class AssociationEnd(NamedTuple):
    """One end has ended the association (RFC 9260 sections 9.1 and 9.2)."""

    source: Address
    destination: Address
    at_us: int


class _Chunk(NamedTuple):
    """The payload of a DATA or I-DATA chunk."""

    flags: int
    tsn: int
    stream: int
    sequence: int
    """Stream sequence number, or message identifier."""
    protocol: int
    """Payload protocol identifier; of an I-DATA chunk that is not the first of its message 0."""
    position: int
    """Where it belongs among the fragments of its message: its TSN, or its fragment sequence number."""
    interleaved: bool
    """I-DATA: fragments of several messages may be mixed."""
    stretch: Stretch


class _Flow:
    """One direction of an association."""

    __slots__ = ("destinations", "number", "order", "sources")

    def __init__(self, number: int, source: str, destination: str, order: StreamOrder) -> None:
        self.number = number
        self.sources = {source}
        self.destinations = {destination}
        self.order = order

    def may_send(self, source: str, destination: str) -> bool:
        """Whether a packet with this flow's tag and ports goes its way, and not the other one.

        Both ends may have chosen one tag and one port, and then only their addresses tell the directions apart; a
        multi-homed end may use another address; and both may be on one host.
        """
        if source in self.sources or destination in self.destinations:
            return True
        return source not in self.destinations and destination not in self.sources


_FlowKey = tuple[int, int, int]
"""Verification tag, source port, destination port: the addresses of a multi-homed end change (RFC 9260 section 8.4)."""
_MessageKey = tuple[int, int, int] | None
"""Stream, unordered bit and message identifier of interleaved fragments; others are of one message at a time."""
_FragmentKey = tuple[int, _MessageKey, int]
"""Flow, message, position."""


class _Fragment(NamedTuple):
    chunk: _Chunk
    at_us: int
    frame: int


class SctpLayer:
    """The SCTP associations of one capture. Bounded in flows, chunks remembered, fragments, messages and bytes held."""

    def __init__(self, faults: FaultLog, skipped: SkipCount, limits: CaptureLimits) -> None:
        self._faults: Final = faults
        self._skipped: Final = skipped
        self._limits: Final = limits
        self._flows: Final[OrderedDict[_FlowKey, list[_Flow]]] = OrderedDict()
        self._flow_count = 0
        self._taken: Final[OrderedDict[tuple[int, int], int]] = OrderedDict()  # flow and TSN to a hash of the bytes
        self._fragments: Final[OrderedDict[_FragmentKey, _Fragment]] = OrderedDict()
        self._fragment_bytes = 0
        self._held: Final[OrderedDict[tuple[int, int], _Flow]] = OrderedDict()  # flow and stream, longest waiting first

    def messages(self, packet: SctpPacket) -> list[UserMessage | AssociationEnd]:
        """What can be delivered now that a packet is there, in order."""
        data = packet.stretch.data
        if len(data) < _COMMON.size:
            fault = FaultKind.CUT_SHORT if packet.cut else FaultKind.BAD_LENGTH
            self._report(fault, packet, 0, f"{len(data)} of the 12 bytes of an SCTP header", "the packet is lost")
            return []
        source_port, destination_port, tag = _COMMON.unpack_from(data)
        source, destination = (packet.source, source_port), (packet.destination, destination_port)
        delivered: list[UserMessage | AssociationEnd] = list(self._overdue(packet.at_us))
        flow: _Flow | None = None
        has_data = False
        for kind, flags, start, end in self._chunks(packet):
            if kind in (_INIT, _INIT_ACK) and end >= start + _TAG.size:
                self._begun(_TAG.unpack_from(data, start)[0], destination_port, source_port)
                continue
            if kind in (_ABORT, _SHUTDOWN):
                delivered.append(AssociationEnd(source, destination, packet.at_us))
            if kind not in (_DATA_TYPE, _I_DATA_TYPE):
                continue
            has_data = True
            chunk = self._chunk(packet, kind, flags, start, end)
            if chunk is None:
                continue
            if flow is None:
                flow = self._flow((tag, source_port, destination_port), packet)
            if self._is_new(flow, chunk, packet):
                whole = self._whole(flow, chunk, packet)
                if whole is not None:
                    first, stretch = whole
                    message = UserMessage(
                        source, destination, packet.at_us, packet.frame, chunk.stream, first.protocol, stretch
                    )
                    delivered += self._ordered(flow, first, message)
        if not has_data:
            self._skipped.add(NO_DATA)
        return delivered

    def finish(self) -> Iterator[UserMessage]:
        """The capture is over: what waited for messages that never came, and a report of what was never complete."""
        while self._held:
            yield from self._give_up_waiting("the capture ended")
        while self._fragments:
            self._give_up_fragment("the capture ended")

    # -- packets and chunks -------------------------------------------------------------------------------------------

    def _chunks(self, packet: SctpPacket) -> Iterator[tuple[int, int, int, int]]:
        """Type, flags, and where the value starts and ends, of each chunk."""
        data, position = packet.stretch.data, _COMMON.size
        while position + _CHUNK.size <= len(data):
            kind, flags, length = _CHUNK.unpack_from(data, position)
            end = position + length
            if length < _CHUNK.size or end > len(data):
                cut = packet.cut and length >= _CHUNK.size
                what = f"an SCTP chunk of {length} bytes, with {len(data) - position} left in its packet"
                fault = FaultKind.CUT_SHORT if cut else FaultKind.BAD_LENGTH
                self._report(fault, packet, position, what, "the rest of the packet is lost")
                return
            yield kind, flags, position + _CHUNK.size, end
            position += (length + 3) & ~3
        if position < len(data):
            what = f"{len(data) - position} bytes where an SCTP chunk begins"
            kind = FaultKind.CUT_SHORT if packet.cut else FaultKind.BAD_LENGTH
            self._report(kind, packet, position, what, "they are passed over")

    def _chunk(self, packet: SctpPacket, kind: int, flags: int, start: int, end: int) -> _Chunk | None:
        layout = _DATA if kind == _DATA_TYPE else _I_DATA
        payload = start + layout.size
        if payload >= end:
            what = f"a DATA chunk of {end - start + _CHUNK.size} bytes, without user data (RFC 9260 section 6.2)"
            self._report(FaultKind.BAD_LENGTH, packet, start - _CHUNK.size, what, "it is passed over")
            return None
        tsn, stream, sequence, protocol = layout.unpack_from(packet.stretch.data, start)
        stretch = packet.stretch.part(payload, end)
        if kind == _DATA_TYPE:
            return _Chunk(flags, tsn, stream, sequence, protocol, tsn, False, stretch)
        position = 0 if flags & _FIRST else protocol
        return _Chunk(flags, tsn, stream, sequence, protocol if flags & _FIRST else 0, position, True, stretch)

    # -- associations -------------------------------------------------------------------------------------------------

    def _flow(self, key: _FlowKey, packet: SctpPacket) -> _Flow:
        """The direction of an association that a packet belongs to."""
        flows = self._flows.get(key)
        if flows is None:
            flows = self._flows[key] = []
            if len(self._flows) > self._limits.flows:
                self._flows.popitem(last=False)
        for flow in flows:
            if flow.may_send(packet.source, packet.destination):
                if len(flow.sources) < self._limits.addresses:
                    flow.sources.add(packet.source)
                if len(flow.destinations) < self._limits.addresses:
                    flow.destinations.add(packet.destination)
                return flow
        self._flow_count += 1
        flow = _Flow(self._flow_count, packet.source, packet.destination, StreamOrder(self._limits.streams))
        flows.append(flow)
        del flows[:-2]
        return flow

    def _begun(self, tag: int, source_port: int, destination_port: int) -> None:
        """An association begins in which a tag is used anew: what had it before is over."""
        self._flows.pop((tag, source_port, destination_port), None)

    def _is_new(self, flow: _Flow, chunk: _Chunk, packet: SctpPacket) -> bool:
        """Whether a chunk is taken for the first time; its receiver drops any further one (RFC 9260 section 6.2)."""
        key, bytes_hash = (flow.number, chunk.tsn), hash(chunk.stretch.data)
        known = self._taken.get(key)
        if known is None:
            self._taken[key] = bytes_hash
            if len(self._taken) > self._limits.chunks_remembered:
                self._taken.popitem(last=False)
            return True
        if known == bytes_hash:
            self._skipped.add(REPEATED)
        else:
            what = f"a second DATA chunk with TSN {chunk.tsn}, with other bytes than the first"
            self._faults.report(
                FaultKind.OVERLAPPING_FRAGMENTS,
                packet.frame,
                chunk.stretch.offset,
                what,
                "it is passed over, as its receiver does",
            )
        return False

    # -- fragments ----------------------------------------------------------------------------------------------------

    def _whole(self, flow: _Flow, chunk: _Chunk, packet: SctpPacket) -> tuple[_Chunk, Stretch] | None:
        """The message that a chunk completes, with its first chunk."""
        if chunk.flags & _FIRST and chunk.flags & _LAST:
            return chunk, chunk.stretch
        self._expire_fragments(packet.at_us)
        message = (chunk.stream, chunk.flags & _UNORDERED, chunk.sequence) if chunk.interleaved else None
        self._fragments[flow.number, message, chunk.position] = _Fragment(chunk, packet.at_us, packet.frame)
        self._fragment_bytes += len(chunk.stretch.data)
        run = self._run(flow.number, message, chunk.position)
        if run is None:
            while self._fragment_bytes > self._limits.reassembly_bytes:
                self._give_up_fragment("too many bytes of fragments at once", FaultKind.LIMIT)
            return None
        chunks = [self._fragments.pop((flow.number, message, position)).chunk for position in run]
        self._fragment_bytes -= sum(len(part.stretch.data) for part in chunks)
        return chunks[0], joined([part.stretch for part in chunks])

    def _run(self, flow: int, message: _MessageKey, position: int) -> list[int] | None:
        """The positions of a whole message of which one is known, first to last; None while one is missing."""
        first = last = position
        for _ in range(self._limits.fragments):
            fragment = self._fragments.get((flow, message, first))
            if fragment is None:
                return None
            if fragment.chunk.flags & _FIRST:
                break
            first = (first - 1) % _NUMBERS
        else:
            return None
        for _ in range(self._limits.fragments):
            fragment = self._fragments.get((flow, message, last))
            if fragment is None:
                return None
            if fragment.chunk.flags & _LAST:
                break
            last = (last + 1) % _NUMBERS
        else:
            return None
        return [(first + place) % _NUMBERS for place in range((last - first) % _NUMBERS + 1)]

    def _expire_fragments(self, at_us: int) -> None:
        while self._fragments:
            oldest = next(iter(self._fragments.values()))
            if abs(at_us - oldest.at_us) <= self._limits.reassembly_timeout_us:
                return
            self._give_up_fragment(f"nothing came in {self._limits.reassembly_timeout_us // 1_000_000} s")

    def _give_up_fragment(self, why: str, kind: FaultKind = FaultKind.INCOMPLETE_DATAGRAM) -> None:
        fragment = self._fragments.popitem(last=False)[1]
        size = len(fragment.chunk.stretch.data)
        self._fragment_bytes -= size
        what = f"{size} bytes of a fragmented SCTP message whose other fragments are not there, {why}"
        self._faults.report(kind, fragment.frame, fragment.chunk.stretch.offset, what, "the message is lost")

    # -- order --------------------------------------------------------------------------------------------------------

    def _ordered(self, flow: _Flow, first: _Chunk, message: UserMessage) -> list[UserMessage]:
        """What can be handed on now that a message is complete."""
        if first.flags & _UNORDERED:
            return [message]
        modulus = _NUMBERS if first.interleaved else 1 << 16
        delivered = flow.order.arrived(message, first.sequence, modulus)
        key = (flow.number, message.stream)
        if not flow.order.waits(message.stream):
            self._held.pop(key, None)
        elif key not in self._held:
            self._held[key] = flow
        while flow.order.held_on(message.stream) > self._limits.held or len(self._held) > self._limits.flows:
            delivered += self._give_up_waiting("too many wait for them", message.at_us)
        return delivered

    def _overdue(self, at_us: int) -> Iterator[UserMessage]:
        """What has waited too long for a message before it, which then was not captured."""
        while self._held:
            (_, stream), flow = next(iter(self._held.items()))
            if abs(at_us - flow.order.waits_since(stream)) <= self._limits.order_timeout_us:
                return
            yield from self._give_up_waiting(f"{self._limits.order_timeout_us // 1_000_000} s are over", at_us)

    def _give_up_waiting(self, why: str, at_us: int | None = None) -> list[UserMessage]:
        (number, stream), flow = self._held.popitem(last=False)
        missing, delivered = flow.order.passed_over(stream, at_us)
        if flow.order.waits(stream):
            self._held[number, stream] = flow
        what = f"{missing} SCTP messages before this one on stream {stream} are not there, {why}"
        self._faults.report(
            FaultKind.INCOMPLETE_DATAGRAM, delivered[0].frame, delivered[0].stretch.offset, what, "they are lost"
        )
        return delivered

    def _report(self, kind: FaultKind, packet: SctpPacket, position: int, what: str, meaning: str) -> None:
        offset = packet.stretch.part(position, position).offset
        self._faults.report(kind, packet.frame, offset, what, meaning)


def is_sctp(data: bytes) -> bool:
    """Whether the payload of a datagram can be an SCTP packet: its first chunk is one that is known, and within it."""
    if len(data) < _COMMON.size + _CHUNK.size:
        return False
    kind, _, length = _CHUNK.unpack_from(data, _COMMON.size)
    return kind in _KNOWN_TYPES and _CHUNK.size <= length <= len(data) - _COMMON.size
