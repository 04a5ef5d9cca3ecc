"""TCP (RFC 9293): the bytes of a connection in their order, as far as a capture holds them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, SkipCount
from gateway.capture.frames import Frame
from gateway.capture.ip import IpPacket
from gateway.capture.stretch import Stretch
from gateway.interconnection.trunk_groups import Address

NO_DATA: Final = "TCP without data"
_HEADER: Final = Struct(">HHI4xBB")  # ports, sequence number, data offset, flags
_MIN_HEADER: Final = 20
_FIN, _SYN, _RST = 1, 2, 4
_NUMBERS: Final = 1 << 32


class StreamBytes(NamedTuple):
    """The next bytes of one direction of a connection."""

    source: Address
    destination: Address
    at_us: int
    """When they could be delivered."""
    frame: int
    stretch: Stretch
    new: bool
    """Nothing before them is known, or there is a gap in front of them: they need not begin with a message."""


class _Segment(NamedTuple):
    at_us: int
    frame: int
    stretch: Stretch


class _Direction:
    __slots__ = ("due", "held", "held_bytes", "new")

    def __init__(self, due: int) -> None:
        self.due = due
        """Sequence number of the next byte."""
        self.new = True
        self.held: dict[int, _Segment] = {}
        self.held_bytes = 0


_Ends = tuple[Address, Address]


class TcpLayer:
    """Follows the connections of some addresses, and those whose data show what they carry. Bounded in connections,
    segments and bytes held.
    """

    def __init__(
        self,
        is_known: Callable[[Address], bool],
        begins: Callable[[bytes, int, int], bool],
        faults: FaultLog,
        skipped: SkipCount,
        limits: CaptureLimits,
    ) -> None:
        """`is_known`: whether connections of an address are followed; `begins`: whether ``data[start:end]`` begins with
        what is looked for.
        """
        self._is_known: Final = is_known
        self._begins: Final = begins
        self._recognised: Final[OrderedDict[_Ends, None]] = OrderedDict()
        self._faults: Final = faults
        self._skipped: Final = skipped
        self._limits: Final = limits
        self._directions: Final[OrderedDict[_Ends, _Direction]] = OrderedDict()

    def follows(self, packet: IpPacket) -> bool:
        """Whether a packet belongs to a connection that is followed."""
        data, start, end = packet.data, packet.start, packet.end
        if end - start < _MIN_HEADER:
            return False
        source = (packet.source, data[start] << 8 | data[start + 1])
        destination = (packet.destination, data[start + 2] << 8 | data[start + 3])
        if self._is_known(source) or self._is_known(destination):
            return True
        ends = (source, destination) if source < destination else (destination, source)
        if ends in self._recognised:
            return True
        if not self._begins(data, start + (data[start + 12] >> 4) * 4, end):
            return False
        self._recognised[ends] = None
        if len(self._recognised) > self._limits.flows:
            self._recognised.popitem(last=False)
        return True

    def bytes_of(self, frame: Frame, packet: IpPacket) -> list[StreamBytes]:
        """What can be delivered now that a segment is there, in order."""
        data, start, end = packet.data, packet.start, packet.end
        if end - start < _MIN_HEADER:
            return self._bad(frame, packet, f"{end - start} of the 20 bytes of a TCP header")
        source_port, destination_port, sequence, offset, flags = _HEADER.unpack_from(data, start)
        payload = start + (offset >> 4) * 4
        if payload < start + _MIN_HEADER or payload > end:
            return self._bad(frame, packet, f"a TCP header of {payload - start} bytes in a packet of {end - start}")
        ends = ((packet.source, source_port), (packet.destination, destination_port))
        if payload == end:
            self._skipped.add(NO_DATA)
        if flags & (_SYN | _RST):
            lost = list(self._closed(ends, frame.at_us))
            if flags & _SYN:
                self._opened(ends, (sequence + 1) % _NUMBERS)
            return lost
        segment = _Segment(frame.at_us, frame.number, packet_stretch(packet).part(payload - start, end - start))
        delivered = self._arrived(ends, sequence, segment) if payload < end else []
        if flags & _FIN:
            delivered += self._closed(ends, frame.at_us)
        return delivered

    def finish(self) -> Iterator[StreamBytes]:
        """The capture is over: what waited for bytes that never came."""
        for ends in list(self._directions):
            yield from self._closed(ends, None)

    def _opened(self, ends: _Ends, due: int) -> _Direction:
        direction = self._directions[ends] = _Direction(due)
        if len(self._directions) > self._limits.flows:
            self._directions.popitem(last=False)
        return direction

    def _closed(self, ends: _Ends, at_us: int | None) -> Iterator[StreamBytes]:
        direction = self._directions.pop(ends, None)
        while direction is not None and direction.held:
            yield from self._pass_over(ends, direction, at_us, "the connection ended")

    def _arrived(self, ends: _Ends, sequence: int, segment: _Segment) -> list[StreamBytes]:
        direction = self._directions.get(ends) or self._opened(ends, sequence)
        delivered: list[StreamBytes] = []
        if direction.held:
            waits_since = next(iter(direction.held.values())).at_us
            if abs(segment.at_us - waits_since) > self._limits.order_timeout_us:
                delivered = self._pass_over(ends, direction, segment.at_us, "nothing sent them again")
        ahead = (sequence - direction.due) % _NUMBERS
        if 0 < ahead < _NUMBERS // 2:
            if sequence not in direction.held:
                direction.held[sequence] = segment
                direction.held_bytes += len(segment.stretch.data)
            limits = self._limits
            if len(direction.held) > limits.held or direction.held_bytes > limits.reassembly_bytes // 16:
                delivered += self._pass_over(ends, direction, segment.at_us, "too much waits for them")
            return delivered
        delivered += self._deliver(ends, direction, sequence, segment, segment.at_us)
        return delivered + self._follow(ends, direction, segment.at_us)

    def _deliver(
        self, ends: _Ends, direction: _Direction, sequence: int, segment: _Segment, at_us: int
    ) -> list[StreamBytes]:
        """The bytes of a segment that were not delivered before: of what is sent twice the first is taken."""
        stretch = segment.stretch
        known = (direction.due - sequence) % _NUMBERS
        if known >= len(stretch.data):
            return []
        direction.due = (sequence + len(stretch.data)) % _NUMBERS
        new, direction.new = direction.new, False
        rest = stretch.part(known, len(stretch.data)) if known else stretch
        return [StreamBytes(*ends, max(at_us, segment.at_us), segment.frame, rest, new)]

    def _follow(self, ends: _Ends, direction: _Direction, at_us: int) -> list[StreamBytes]:
        """What was held and is due now."""
        delivered: list[StreamBytes] = []
        while direction.held:
            sequence = min(direction.held, key=lambda one: (one - direction.due + _NUMBERS // 2) % _NUMBERS)
            if 0 < (sequence - direction.due) % _NUMBERS < _NUMBERS // 2:
                break
            segment = direction.held.pop(sequence)
            direction.held_bytes -= len(segment.stretch.data)
            delivered += self._deliver(ends, direction, sequence, segment, at_us)
        return delivered

    def _pass_over(self, ends: _Ends, direction: _Direction, at_us: int | None, why: str) -> list[StreamBytes]:
        """Wait no longer for the bytes before what is held."""
        sequence = min(direction.held, key=lambda one: (one - direction.due) % _NUMBERS)
        segment = direction.held[sequence]
        missing = (sequence - direction.due) % _NUMBERS
        what = f"{missing} bytes of a TCP connection before this segment are not there, {why}"
        self._faults.report(FaultKind.INCOMPLETE_DATAGRAM, segment.frame, segment.stretch.offset, what, "they are lost")
        direction.due, direction.new = sequence, True
        return self._follow(ends, direction, segment.at_us if at_us is None else at_us)

    def _bad(self, frame: Frame, packet: IpPacket, what: str) -> list[StreamBytes]:
        kind = FaultKind.CUT_SHORT if frame.end < frame.wire_end else FaultKind.BAD_LENGTH
        self._faults.report(kind, frame.number, packet_stretch(packet).offset, what, "the segment is lost")
        return []


def packet_stretch(packet: IpPacket) -> Stretch:
    """The payload of an IP packet."""
    if packet.pieces:
        return Stretch(packet.data, 0, packet.pieces).part(packet.start, packet.end)
    return Stretch(packet.data[packet.start : packet.end], packet.base + packet.start)
