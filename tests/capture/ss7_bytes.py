"""SS7 made byte by byte: ISUP messages, M3UA, SCTP packets and their chunks, TCP segments, signal units."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack

from capture_bytes import ipv4, pcap

from gateway.codecs.ss7.m3ua import m3ua_data
from gateway.codecs.ss7.mtp3 import Mtp3Transfer

ANSI_IAM = bytes.fromhex(
    "2923010060110a03060d038090a207031013525500000a0703171252552143"
    "c008c003101352557777eb0703101252559999ea0100c4031252553d011400"
)
"""CIC 9001 (0x2329): a restricted calling number, called = LRN, a ported generic address, charge number, OLI, JIP."""
HERE, THERE, BEYOND = 0xF60E07, 0x02891A, 0x050505
"""246-14-7, 2-137-26, 5-5-5."""
FIRST, LAST, WHOLE, UNORDERED = 2, 1, 3, 4


def transfer(data: bytes, opc: int = HERE, dpc: int = THERE, si: int = 5) -> Mtp3Transfer:
    return Mtp3Transfer(opc, dpc, si, 2, 0, 1, data)


def m3ua(data: bytes = ANSI_IAM, opc: int = HERE, dpc: int = THERE, si: int = 5) -> bytes:
    return m3ua_data(transfer(data, opc, dpc, si))


def data_chunk(
    payload: bytes, tsn: int = 1, *, stream: int = 1, sequence: int = 0, flags: int = WHOLE, protocol: int = 3
) -> bytes:
    """A DATA chunk (RFC 9260 section 3.3.1)."""
    length = 16 + len(payload)
    return pack(">BBHIHHI", 0, flags, length, tsn, stream, sequence, protocol) + payload + bytes(-length % 4)


def i_data_chunk(
    payload: bytes, tsn: int, message: int, *, fragment: int = 0, flags: int = WHOLE, protocol: int = 3, stream: int = 1
) -> bytes:
    """An I-DATA chunk (RFC 8260 section 2.1)."""
    length = 20 + len(payload)
    last = protocol if flags & FIRST else fragment
    return pack(">BBHIHHII", 64, flags, length, tsn, stream, 0, message, last) + payload + bytes(-length % 4)


def sctp(*chunks: bytes, tag: int = 7, ports: tuple[int, int] = (2905, 2905)) -> bytes:
    return pack(">HHII", *ports, tag, 0) + b"".join(chunks)


def sctp_capture(*packets: bytes) -> bytes:
    """Packet number n was captured at n seconds."""
    return pcap([ipv4(packet, protocol=132) for packet in packets], link_type=101)


def tcp(payload: bytes, sequence: int, *, flags: int = 0x18, ports: tuple[int, int] = (40_000, 2905)) -> bytes:
    return pack(">HHIIBBHHH", *ports, sequence, 0, 5 << 4, flags, 0, 0, 0) + payload


def tcp_capture(segments: Iterable[bytes]) -> bytes:
    return pcap([ipv4(segment, protocol=6) for segment in segments], link_type=101)
