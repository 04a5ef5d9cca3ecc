"""UDP (RFC 768) over IP: the datagrams of a capture, each with the place of its bytes in the file."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from gateway.capture.faults import FaultKind, FaultLog
from gateway.capture.frames import Frame
from gateway.capture.ip import IpPacket
from gateway.capture.reassembly import Piece
from gateway.capture.stretch import file_offset, shifted
from gateway.interconnection.trunk_groups import Address

_HEADER = Struct(">HHH2x")  # ports, length
_NO_PIECES: tuple[Piece, ...] = ()


@dataclass(slots=True)  # not frozen: that costs more than all the parsing of a datagram
class Datagram:
    """One UDP datagram of a capture. Nobody writes to it once it is made."""

    at_us: int
    """When it was captured, microseconds since the Unix epoch; of a fragmented one, when it was complete."""
    source: Address
    destination: Address
    payload: bytes
    frame: int
    """1-based number of the packet in the file, as Wireshark numbers it; of a fragmented one, the completing packet."""
    offset: int
    """Byte offset in the file of ``payload[0]``."""
    truncated: bool = False
    """The datagram was longer than what was captured: `payload` is its beginning."""
    identification: int | None = None
    """IP identification: copies of one packet (by a mirror) share it, retransmissions do not. None, 0: unknown."""
    pieces: tuple[Piece, ...] = _NO_PIECES
    """Of a fragmented datagram: (start in the payload, byte offset in the file, length). Else empty."""

    def file_offset(self, payload_offset: int) -> int:
        """Byte offset in the file of ``payload[payload_offset]``. IndexError where the payload has no such byte."""
        if not 0 <= payload_offset < max(len(self.payload), 1):
            raise IndexError(f"byte {payload_offset} of a payload of {len(self.payload)}")
        for start, offset, length in self.pieces:
            if payload_offset < start + length:
                return offset + payload_offset - start
        return self.offset + payload_offset


class UdpLayer:
    """Finds the datagram in an IP packet."""

    def __init__(self, faults: FaultLog) -> None:
        self._faults = faults

    def datagram(self, frame: Frame, packet: IpPacket) -> Datagram | None:
        """The datagram; its beginning, marked `truncated`, where there is no more. None, reported, without a header."""
        data, start, end = packet.data, packet.start, packet.end
        payload = start + 8
        if payload > end:
            kind = FaultKind.CUT_SHORT if frame.end < frame.wire_end else FaultKind.BAD_LENGTH
            self._report(kind, frame, packet, f"{end - start} of the 8 bytes of a UDP header", "the datagram is lost")
            return None
        source_port, destination_port, length = _HEADER.unpack_from(data, start)
        finish = start + length
        if length < 8:
            if length:
                what = f"a UDP length of {length}, less than its own header"
                self._report(FaultKind.BAD_LENGTH, frame, packet, what, "the datagram is lost")
                return None
            finish = end  # RFC 2675 section 4: a jumbogram's length is the packet's
        truncated = finish > end
        if truncated:
            kind = FaultKind.CUT_SHORT if frame.end < frame.wire_end else FaultKind.BAD_LENGTH
            what = f"{end - payload} of a datagram's {finish - payload} bytes are there"
            self._report(kind, frame, packet, what, "read as far as it goes, and marked as truncated")
            finish = end
        return Datagram(
            frame.at_us,
            (packet.source, source_port),
            (packet.destination, destination_port),
            data[payload:finish],
            frame.number,
            packet.base + payload if not packet.pieces else file_offset(packet.pieces, payload),
            truncated,
            packet.identification,
            packet.pieces and shifted(packet.pieces, payload, finish),
        )

    def _report(self, kind: FaultKind, frame: Frame, packet: IpPacket, what: str, meaning: str) -> None:
        offset = file_offset(packet.pieces, packet.start) if packet.pieces else packet.base + packet.start
        self._faults.report(kind, frame.number, offset, what, meaning)
