"""Captures made byte by byte, so that a test states exactly what is in the file."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from ipaddress import ip_address
from struct import pack

from gateway.capture.calls import locator_of
from gateway.capture.faults import CaptureLimits
from gateway.capture.msu import LinkMessage, Msu, Unread
from gateway.capture.reader import CaptureReader
from gateway.capture.sigtran import Ss7
from gateway.capture.udp import Datagram
from gateway.codecs.ss7.variant import Variant

INVITE = b"INVITE sip:+15735550100@10.0.0.2 SIP/2.0\r\nCall-ID: 1@a\r\n\r\n"
LEFT, RIGHT = "10.0.0.1", "10.0.0.2"
LEFT_6, RIGHT_6 = "2001:db8::1", "2001:db8::2"
ETHERNET, RAW, COOKED, COOKED_2, NULL, LOOP = 1, 101, 113, 276, 0, 108


def udp(payload: bytes = INVITE, length: int | None = None) -> bytes:
    return pack(">HHHH", 5060, 5070, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    payload: bytes,
    *,
    protocol: int = 17,
    identification: int = 7,
    offset: int = 0,
    more: bool = False,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    header = 20 + len(options)
    flags = offset // 8 | (0x2000 if more else 0)
    length = header + len(payload) if total is None else total
    addresses = ip_address(LEFT).packed + ip_address(RIGHT).packed
    first = 0x40 | header // 4
    return pack(">BBHHHBBH", first, 0, length, identification, flags, 64, protocol, 0) + addresses + options + payload


def ipv6(payload: bytes, *, next_header: int = 17, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return (
        pack(">IHBB", 6 << 28, size, next_header, 64) + ip_address(LEFT_6).packed + ip_address(RIGHT_6).packed + payload
    )


def ipv6_fragment(
    payload: bytes, *, offset: int = 0, more: bool = False, identification: int = 9, next_header: int = 17
) -> bytes:
    return ipv6(pack(">BBHI", next_header, 0, offset | more, identification) + payload, next_header=44)


def ethernet(payload: bytes, ether_type: int = 0x0800) -> bytes:
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + pack(">H", ether_type) + payload


def pcap(
    frames: Iterable[bytes], *, link_type: int = ETHERNET, order: str = "<", magic: int = 0xA1B2C3D4, fraction: int = 5
) -> bytes:
    """A pcap file whose frame number n was captured at n seconds and `fraction`."""
    extra = b"\0" * 8 if magic == 0xA1B2CD34 else b""
    out = [pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, link_type)]
    for number, frame in enumerate(frames, 1):
        out += [pack(order + "IIII", number, fraction, len(frame), len(frame)), extra, frame]
    return b"".join(out)


def cut_frame(frame: bytes, captured: int) -> bytes:
    """A pcap file with one frame of which the snapshot length left `captured` bytes."""
    return pcap([]) + pack("<IIII", 1, 5, captured, len(frame)) + frame[:captured]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    return pack(order + "II", kind, 12 + len(body)) + body + pack(order + "I", 12 + len(body))


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = ETHERNET, options: bytes = b"", snapshot: int = 0, order: str = "<") -> bytes:
    return block(1, pack(order + "HHI", link_type, 0, snapshot) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def enhanced(frame: bytes, ticks: int = 1_000_005, index: int = 0, order: str = "<", options: bytes = b"") -> bytes:
    head = pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame + b"\0" * (-len(frame) % 4) + options, order)


def read(capture: bytes, limits: CaptureLimits | None = None) -> tuple[CaptureReader, list[Datagram]]:
    """Read a capture to its end, and check that every message's bytes stand where it says they do."""
    reader, found = read_all(capture, limits)
    return reader, [one for one in found if isinstance(one, Datagram)]


def read_ss7(
    capture: bytes, limits: CaptureLimits | None = None, variant: Variant | None = None
) -> tuple[CaptureReader, list[Msu], list[Unread]]:
    """The same for SS7: its messages, and those that cannot be read."""
    reader, found = read_all(capture, limits, variant)
    units = [one for one in found if isinstance(one, Msu)]
    return reader, units, [one for one in found if isinstance(one, Unread)]


def read_all(
    capture: bytes, limits: CaptureLimits | None = None, variant: Variant | None = None
) -> tuple[CaptureReader, list[Datagram | Ss7]]:
    reader = CaptureReader(BytesIO(capture), "x.pcap", limits or CaptureLimits(), variant)
    found = list(reader)
    for one in found:
        if isinstance(one, LinkMessage):
            assert one.message in capture
            continue
        if isinstance(one, Unread):
            assert 0 <= one.offset <= len(capture)
            continue
        data = one.payload if isinstance(one, Datagram) else one.transfer.data
        locator = locator_of(one, "x.pcap")
        for index, byte in enumerate(data):
            assert capture[locator.file_offset(index)] == byte
    return reader, found


def payloads(capture: bytes) -> list[bytes]:
    return [datagram.payload for datagram in read(capture)[1]]
