"""IPv4 (RFC 791) and IPv6 (RFC 8200): from a frame to the payload of one IP packet, reassembled where need be."""

from __future__ import annotations

from socket import AF_INET6, inet_ntoa, inet_ntop
from struct import Struct
from typing import Final, NamedTuple

from gateway.capture import links
from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, SkipCount
from gateway.capture.frames import Frame
from gateway.capture.reassembly import Fragment, Key, Piece, Reassembly, Whole

TCP: Final = 6
UDP: Final = 17
SCTP: Final = 132

_PROTOCOL_NAMES = {
    1: "ICMP",
    2: "IGMP",
    4: "IPv4 in IP",
    TCP: "TCP",
    UDP: "UDP",
    41: "IPv6 in IP",
    47: "GRE",
    50: "ESP",
    58: "ICMPv6",
    59: "IPv6 without next header",
    89: "OSPF",
    103: "PIM",
    112: "VRRP",
    SCTP: "SCTP",
}

_IPV4_HEADER = Struct(">BxHHHxB2x4s4s")  # version and length, total length, identification, flags, protocol, addresses
_IPV4_FRAGMENT = 0x3FFF  # more fragments, fragment offset
_IPV6_HEADER = Struct(">IHBx16s16s")  # version and flow, payload length, next header, addresses
_IPV6_FRAGMENT_HEADER = Struct(">BxHI")  # next header, offset and more, identification

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY = 0, 43, 44, 51, 60, 135
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY})
_MOST_EXTENSIONS = 16
"""Extension headers on one packet: more than any sender puts there, and a bound on the walk along them."""


class IpPacket(NamedTuple):
    """The payload of an IP packet, in place or reassembled."""

    protocol: int
    source: str
    destination: str
    identification: int | None
    """Of IPv4 and of reassembled packets; copies of one packet share it, retransmissions don't."""
    data: bytes
    start: int
    end: int
    """Where in `data` the captured payload ends."""
    base: int
    """Byte offset in the file of ``data[0]``. Means nothing where there are pieces."""
    pieces: tuple[Piece, ...]
    """Of a reassembled packet: which part of ``data`` stands where in the file. Else empty."""


def protocol_name(protocol: int) -> str:
    """What an IP protocol is called in a report: ``TCP``, ``IP protocol 99``."""
    return _PROTOCOL_NAMES.get(protocol) or f"IP protocol {protocol}"


_MOST_ADDRESSES = 65_536


class _AddressTexts(dict[bytes, str]):
    """Addresses as text, by their bytes: a capture has few of them and very many packets."""

    def __missing__(self, packed: bytes) -> str:
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        text = self[packed] = inet_ntoa(packed) if len(packed) == 4 else inet_ntop(AF_INET6, packed)
        return text


class IpLayer:
    """Finds the IP packets in frames of any link type that `links` knows."""

    def __init__(self, faults: FaultLog, skipped: SkipCount, limits: CaptureLimits) -> None:
        self._faults = faults
        self._skipped = skipped
        self._reassembly = Reassembly(faults, skipped, limits)
        self._unknown_links: set[int] = set()
        self._texts = _AddressTexts()

    def packet(self, frame: Frame) -> IpPacket | None:
        """The IP packet that this frame carries or completes. None, counted or reported, where there is none."""
        link = links.LINKS.get(frame.link_type)
        if link is None:
            self._skip_link(frame)
            return None
        kind, start = link(frame.data, frame.start, frame.end)
        if kind == links.IPV4:
            return self._version_4(frame, start)
        if kind == links.IPV6:
            return self._version_6(frame, start)
        if kind == links.CUT and frame.end < frame.wire_end:
            self._report(FaultKind.CUT_SHORT, frame, start, "cut off inside the link header", "the packet is lost")
        else:
            self._skipped.add(links.kind_name(kind))
        return None

    def finish(self) -> None:
        """The capture is over: report what was never completed."""
        self._reassembly.finish()

    def _version_4(self, frame: Frame, start: int) -> IpPacket | None:
        data, end = frame.data, frame.end
        if end - start < _IPV4_HEADER.size:
            self._lose_header(frame, start, "an IPv4 header", _IPV4_HEADER.size)
            return None
        first, total, identification, flags, protocol, source, destination = _IPV4_HEADER.unpack_from(data, start)
        payload = start + (first & 15) * 4
        # A total length of 0 is left by hosts that let their network card cut large packets (segmentation offload).
        finish = start + total if total else frame.wire_end
        if first >> 4 != 4 or first & 15 < 5 or finish < payload:
            what = f"an IPv4 header of version {first >> 4}, {(first & 15) * 4} bytes, in a packet of {total}"
            self._report(FaultKind.BAD_HEADER, frame, start, what, "the packet is lost")
            return None
        if payload > end:
            self._lose_header(frame, start, "an IPv4 header", payload - start)
            return None
        if flags & _IPV4_FRAGMENT:
            key = (source, destination, identification, protocol)
            position, more = (flags & 0x1FFF) * 8, bool(flags & 0x2000)
            whole = self._collect(key, frame, protocol, position, more, payload, finish)
            return whole and self._whole(whole, self._texts[source], self._texts[destination], identification)
        return IpPacket(
            protocol,
            self._texts[source],
            self._texts[destination],
            identification,
            data,
            payload,
            finish if finish < end else end,
            frame.base,
            (),
        )

    def _version_6(self, frame: Frame, start: int) -> IpPacket | None:
        data, end = frame.data, frame.end
        if end - start < _IPV6_HEADER.size:
            self._lose_header(frame, start, "an IPv6 header", _IPV6_HEADER.size)
            return None
        first, length, protocol, source, destination = _IPV6_HEADER.unpack_from(data, start)
        if first >> 28 != 6:
            self._report(
                FaultKind.BAD_HEADER, frame, start, f"an IPv6 header of version {first >> 28}", "the packet is lost"
            )
            return None
        position = start + _IPV6_HEADER.size
        # A payload length of 0 is a jumbogram (RFC 2675) or segmentation offload: the frame alone bounds it.
        finish = position + length if length else frame.wire_end
        available = finish if finish < end else end
        if protocol in _EXTENSIONS:
            walked = _walk(data, position, available, protocol)
            if isinstance(walked, str):
                kind = FaultKind.CUT_SHORT if end < frame.wire_end else FaultKind.BAD_HEADER
                self._report(kind, frame, start, walked, "the packet is lost")
                return None
            protocol, position = walked
            if protocol == _FRAGMENT:
                return self._fragment_6(frame, position, finish, source, destination)
        return IpPacket(
            protocol,
            self._texts[source],
            self._texts[destination],
            None,
            data,
            position,
            available,
            frame.base,
            (),
        )

    def _fragment_6(
        self, frame: Frame, position: int, finish: int, source: bytes, destination: bytes
    ) -> IpPacket | None:
        payload = position + _IPV6_FRAGMENT_HEADER.size
        if payload > min(finish, frame.end):
            self._lose_header(frame, position, "an IPv6 fragment header", _IPV6_FRAGMENT_HEADER.size)
            return None
        protocol, flags, identification = _IPV6_FRAGMENT_HEADER.unpack_from(frame.data, position)
        if not flags & 0xFFF9 and finish <= frame.end:
            # An atomic fragment is a packet by itself, whatever else has its identification (RFC 6946).
            data = frame.data[payload:finish]
            whole: Whole | None = Whole(protocol, data, ((0, frame.base + payload, len(data)),))
        else:
            key = (source, destination, identification, -1)
            whole = self._collect(key, frame, protocol, flags & 0xFFF8, bool(flags & 1), payload, finish)
        if whole is None:
            return None
        walked = _walk(whole.data, 0, len(whole.data), whole.protocol)
        if isinstance(walked, str) or walked[0] == _FRAGMENT:
            what = walked if isinstance(walked, str) else "a fragmented IPv6 packet inside of a fragmented one"
            self._report(FaultKind.BAD_HEADER, frame, position, what, "the packet is lost")
            return None
        return self._whole(whole, self._texts[source], self._texts[destination], identification, *walked)

    def _collect(
        self, key: Key, frame: Frame, protocol: int, position: int, more: bool, payload: int, finish: int
    ) -> Whole | None:
        end = min(finish, frame.end)
        data = frame.data[payload:end]
        fragment = Fragment(frame.number, frame.at_us, frame.base + payload, protocol, position, more, data)
        if finish > end:
            self._reassembly.refuse(
                key, fragment, f"{end - payload} of a fragment's {finish - payload} bytes are captured"
            )
            return None
        return self._reassembly.add(key, fragment)

    @staticmethod
    def _whole(
        whole: Whole, source: str, destination: str, identification: int, protocol: int | None = None, start: int = 0
    ) -> IpPacket:
        return IpPacket(
            whole.protocol if protocol is None else protocol,
            source,
            destination,
            identification,
            whole.data,
            start,
            len(whole.data),
            0,
            whole.pieces,
        )

    def _skip_link(self, frame: Frame) -> None:
        name = links.link_name(frame.link_type)
        self._skipped.add(name)
        if frame.link_type not in self._unknown_links and len(self._unknown_links) < links.MOST_LINK_TYPES:
            self._unknown_links.add(frame.link_type)
            self._report(
                FaultKind.UNKNOWN_LINK,
                frame,
                frame.start,
                f"{name} is not read",
                "this frame and all others of that link type are passed over and counted",
            )

    def _lose_header(self, frame: Frame, start: int, header: str, size: int) -> None:
        kind = FaultKind.CUT_SHORT if frame.end < frame.wire_end else FaultKind.BAD_LENGTH
        what = f"{max(frame.end - start, 0)} of the {size} bytes of {header}"
        self._report(kind, frame, start, what, "the packet is lost")

    def _report(self, kind: FaultKind, frame: Frame, position: int, what: str, meaning: str) -> None:
        self._faults.report(kind, frame.number, frame.base + position, what, meaning)


def _walk(data: bytes, position: int, end: int, protocol: int) -> tuple[int, int] | str:
    """Follow IPv6 extension headers to a fragment header or to what they carry; or say what is wrong with them."""
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _EXTENSIONS or protocol == _FRAGMENT:
            return protocol, position
        if position + 2 > end:
            return "the packet ends inside its IPv6 extension headers"
        # RFC 4302 counts the authentication header in units of four bytes, less two; all others in eights, less one.
        length = (data[position + 1] + 2) * 4 if protocol == _AUTHENTICATION else (data[position + 1] + 1) * 8
        protocol = data[position]
        position += length
        if position > end:
            return "an IPv6 extension header is longer than its packet"
    return f"more than {_MOST_EXTENSIONS} IPv6 extension headers"
