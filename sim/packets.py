"""The run's packets: collected from the sockets of the cast, and written as a capture."""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from sim.sip_text import Address

MOST_PACKETS = 500_000
SNAP_LENGTH = 262_144
"""More than the largest UDP datagram with its headers: nothing in the lab's captures is cut off."""
LONGEST_PAYLOAD = 65_507
"""Octets in one IPv4 UDP datagram."""


class Packet(NamedTuple):
    """One UDP datagram."""

    at_us: int
    """Microseconds since the Unix epoch."""
    source: Address
    destination: Address
    payload: bytes


def _now_us() -> int:
    return time.time_ns() // 1000


class PacketLog:
    """What the cast's sockets sent, and received from others: every datagram of the lab once.

    A datagram between two of the cast is taken where it is sent; one from outside (the gateway), where it arrives.
    Beyond `most` packets it counts and keeps no more.
    """

    def __init__(self, clock: Callable[[], int] = _now_us, most: int = MOST_PACKETS) -> None:
        self.packets: list[Packet] = []
        self.left_out = 0
        self.recording = True
        """Set to False, nothing is kept any more."""
        self._clock = clock
        self._most = most
        self._cast: set[Address] = set()

    def sent(self, source: Address, destination: Address, payload: bytes) -> None:
        self._cast.add(source)
        self._keep(source, destination, payload)

    def received(self, source: Address, destination: Address, payload: bytes) -> None:
        if source not in self._cast:
            self._keep(source, destination, payload)

    def add(self, packet: Packet) -> None:
        """A packet seen elsewhere, with its own time."""
        if len(self.packets) < self._most:
            self.packets.append(packet)
        else:
            self.left_out += 1

    def _keep(self, source: Address, destination: Address, payload: bytes) -> None:
        if self.recording:
            self.add(Packet(self._clock(), source, destination, payload))


def write_capture(path: Path, packets: Iterable[Packet]) -> int:
    """Write packets, in the order of their times, as a pcap of Ethernet frames; their number is returned.

    IPv4 and IPv6 may be mixed. Raises ValueError for a packet between the two families or a payload of more than 65,507
    octets, OSError where the file can't be written.
    """
    from scapy.utils import PcapWriter

    flows: dict[tuple[Address, Address], _Flow] = {}
    written = 0
    with PcapWriter(str(path), linktype=1, snaplen=SNAP_LENGTH) as capture:
        capture.write_header(None)
        for packet in sorted(packets, key=lambda p: p.at_us):
            ends = (packet.source, packet.destination)
            flow = flows.get(ends)
            if flow is None:
                flow = flows[ends] = _Flow(*ends)
            seconds, microseconds = divmod(packet.at_us, 1_000_000)
            capture.write_packet(flow.frame(packet.payload), sec=seconds, usec=microseconds)
            written += 1
    return written


class _Flow:
    """The frames from one address to another.

    Scapy builds the headers once; for each datagram only its lengths and checksums are put in, because building a frame
    anew costs scapy most of a millisecond.
    """

    def __init__(self, source: Address, destination: Address) -> None:
        from scapy.layers.inet import IP, UDP, in4_chksum
        from scapy.layers.inet6 import IPv6, in6_chksum
        from scapy.layers.l2 import Ether
        from scapy.utils import checksum

        versions = {ipaddress.ip_address(address[0]).version for address in (source, destination)}
        if len(versions) != 1:
            raise ValueError(f"{source[0]} and {destination[0]} are of two IP versions: no packet goes between them")
        self._is_ip4 = versions == {4}
        kind = IP if self._is_ip4 else IPv6
        template = Ether(src=_mac(source), dst=_mac(destination)) / kind(src=source[0], dst=destination[0])
        self._network = kind(src=source[0], dst=destination[0])  # no length: the pseudo-header has the datagram's
        self._link = bytes(template)[:14]
        self._ip = bytearray(bytes(template)[14:])
        self._ip[9 if self._is_ip4 else 6] = socket.IPPROTO_UDP
        self._ports = bytes(UDP(sport=source[1], dport=destination[1]))[:4]
        self._transport_checksum: Callable[..., int] = in4_chksum if self._is_ip4 else in6_chksum
        self._header_checksum: Callable[[bytes], int] = checksum

    def frame(self, payload: bytes) -> bytes:
        """One datagram as an Ethernet frame."""
        if len(payload) > LONGEST_PAYLOAD:
            raise ValueError(f"a UDP datagram holds {LONGEST_PAYLOAD} octets, this one has {len(payload)}")
        length = 8 + len(payload)
        unchecked = self._ports + struct.pack("!HH", length, 0) + payload
        check = self._transport_checksum(socket.IPPROTO_UDP, self._network, unchecked) or 0xFFFF
        if self._is_ip4:
            struct.pack_into("!H", self._ip, 2, len(self._ip) + length)
            struct.pack_into("!H", self._ip, 10, 0)
            struct.pack_into("!H", self._ip, 10, self._header_checksum(bytes(self._ip)))
        else:
            struct.pack_into("!H", self._ip, 4, length)
        return b"".join((self._link, self._ip, self._ports, struct.pack("!HH", length, check), payload))


def _mac(address: Address) -> str:
    """A locally administered address for each port of the lab, so that Wireshark tells its hosts apart."""
    return f"02:00:00:00:{address[1] >> 8:02x}:{address[1] & 0xFF:02x}"
