"""Ethernet frames of the lab's captures: UDP datagrams, and M3UA messages as SCTP carries them.

What carried an M3UA message on this machine need not have been SCTP (`gateway.transport.sctp`): the capture shows it as
RFC 4666 has it, a DATA chunk of an association between the same two ports.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Final, Protocol

from sim.sip_text import Address

LONGEST_DATAGRAM: Final = 65_507
"""Octets in one IPv4 UDP datagram."""
LONGEST_CHUNK: Final = 65_484
"""Octets in one DATA chunk that fills an IPv4 packet."""
IPPROTO_SCTP: Final = 132
M3UA_PAYLOAD_PROTOCOL: Final = 3
"""RFC 4666 section 7.1."""
_DATA_OF_M3UA: Final = 1
"""Message class of DATA: it goes on streams above 0, all else on stream 0 (RFC 4666 section 1.4.7)."""
_DATA_CHUNK, _ABORT_CHUNK, _UNFRAGMENTED = 0, 6, 3


class Flow(Protocol):
    """The frames from one address to another."""

    def frame(self, payload: bytes) -> bytes:
        """One packet as an Ethernet frame. Raises ValueError where it would be longer than IP allows."""


class _IpFlow:
    """Ethernet and IP header of one flow, built once by scapy.

    For each packet only lengths and checksums are put in, because building a frame anew costs scapy most of a
    millisecond.
    """

    def __init__(self, source: Address, destination: Address, protocol: int) -> None:
        from scapy.layers.inet import IP
        from scapy.layers.inet6 import IPv6
        from scapy.layers.l2 import Ether
        from scapy.utils import checksum

        versions = {ipaddress.ip_address(address[0]).version for address in (source, destination)}
        if len(versions) != 1:
            raise ValueError(f"{source[0]} and {destination[0]} are of two IP versions: no packet goes between them")
        self.is_ip4 = versions == {4}
        kind = IP if self.is_ip4 else IPv6
        template = bytes(Ether(src=_mac(source), dst=_mac(destination)) / kind(src=source[0], dst=destination[0]))
        self.pseudo_header = kind(src=source[0], dst=destination[0])
        """Without a length: the transport's own is taken."""
        self._link = template[:14]
        self._ip = bytearray(template[14:])
        self._ip[9 if self.is_ip4 else 6] = protocol
        self._header_checksum = checksum

    def packet(self, segment: bytes) -> bytes:
        """The frame with a transport's segment in it."""
        if self.is_ip4:
            struct.pack_into("!H", self._ip, 2, len(self._ip) + len(segment))
            struct.pack_into("!H", self._ip, 10, 0)
            struct.pack_into("!H", self._ip, 10, self._header_checksum(bytes(self._ip)))
        else:
            struct.pack_into("!H", self._ip, 4, len(segment))
        return b"".join((self._link, self._ip, segment))


class UdpFlow:
    """UDP datagrams (RFC 768). Raises ValueError for two addresses of different IP versions."""

    def __init__(self, source: Address, destination: Address) -> None:
        from scapy.layers.inet import in4_chksum
        from scapy.layers.inet6 import in6_chksum

        self._ip = _IpFlow(source, destination, socket.IPPROTO_UDP)
        self._ports = struct.pack("!HH", source[1], destination[1])
        self._checksum = in4_chksum if self._ip.is_ip4 else in6_chksum

    def frame(self, payload: bytes) -> bytes:
        if len(payload) > LONGEST_DATAGRAM:
            raise ValueError(f"a UDP datagram holds {LONGEST_DATAGRAM} octets, this one has {len(payload)}")
        length = 8 + len(payload)
        unchecked = self._ports + struct.pack("!HH", length, 0) + payload
        check = self._checksum(socket.IPPROTO_UDP, self._ip.pseudo_header, unchecked) or 0xFFFF
        return self._ip.packet(b"".join((self._ports, struct.pack("!HH", length, check), payload)))


class M3uaFlow:
    """M3UA messages in DATA chunks, one to a packet (RFC 9260 section 3.3.1).

    Each direction has a verification tag of its own: with one tag for both, Wireshark takes what is sent back for
    retransmissions. Raises ValueError for two addresses of different IP versions.
    """

    def __init__(self, source: Address, destination: Address) -> None:
        self._ip = _IpFlow(source, destination, IPPROTO_SCTP)
        ends = repr((source, destination)).encode()
        tag, self._tsn = crc32c(ends) or 1, crc32c(ends[::-1])
        self._ports_and_tag = struct.pack("!HHI", source[1], destination[1], tag)
        self._sequence_numbers = [0, 0]

    def frame(self, payload: bytes) -> bytes:
        """A message; the end of the association (ABORT) where there is none."""
        if not payload:
            return self._packet(struct.pack("!BBH", _ABORT_CHUNK, 0, 4))
        if len(payload) > LONGEST_CHUNK:
            raise ValueError(f"a DATA chunk holds {LONGEST_CHUNK} octets, this one has {len(payload)}")
        stream = 1 if payload[2:3] == bytes((_DATA_OF_M3UA,)) else 0
        number = self._sequence_numbers[stream]
        self._sequence_numbers[stream] = (number + 1) & 0xFFFF
        chunk = struct.pack(
            "!BBHIHHI",
            _DATA_CHUNK,
            _UNFRAGMENTED,
            16 + len(payload),
            self._tsn,
            stream,
            number,
            M3UA_PAYLOAD_PROTOCOL,
        )
        self._tsn = (self._tsn + 1) & 0xFFFFFFFF
        return self._packet(chunk + payload + bytes(-len(payload) % 4))

    def _packet(self, padded: bytes) -> bytes:
        check = crc32c(self._ports_and_tag + bytes(4) + padded)
        return self._ip.packet(b"".join((self._ports_and_tag, check.to_bytes(4, "little"), padded)))


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_CRC32C: Final = _crc32c_table()


def crc32c(data: bytes) -> int:
    """The checksum of SCTP (RFC 9260 appendix A), which goes out with its lowest octet first."""
    crc = 0xFFFFFFFF
    table = _CRC32C
    for octet in data:
        crc = table[(crc ^ octet) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _mac(address: Address) -> str:
    """A locally administered address for each port of the lab, so that Wireshark tells its hosts apart."""
    return f"02:00:00:00:{address[1] >> 8:02x}:{address[1] & 0xFF:02x}"
