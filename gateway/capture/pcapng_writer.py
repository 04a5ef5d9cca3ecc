"""Writing messages of the signalling as pcapng (draft-ietf-opsawg-pcapng), so that Wireshark and the audit read them.

The gateway saw messages, not packets: the headers below them are made here, with right lengths and checksums. SIP over
UDP is written as the datagram that it was, and M3UA as one DATA chunk of SCTP (RFC 9260 section 3.3.1), both in raw IP.
SIP over TCP and TLS was cut out of a stream, and decrypted: it is written as Wireshark's exported PDU, which says of a
message what it is and whence, and makes up no stream around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import Struct
from typing import BinaryIO, Final, NamedTuple

from gateway.giving_way import giving_way
from gateway.interconnection.trunk_groups import Address
from gateway.signalling.seen_message import Carried, SeenMessage

LONGEST_DATAGRAM: Final = 65_507
"""Bytes in a UDP datagram over IPv4; held to over IPv6 as well."""
LONGEST_CHUNK: Final = 65_484
"""Bytes in a DATA chunk of an SCTP packet over IPv4; held to over IPv6 as well."""
LONGEST_PDU: Final = 262_144
"""Bytes of a message over TCP or TLS: what readers of captures take of a packet."""

_RAW_IP: Final = 101  # LINKTYPE_RAW
_UPPER_PDU: Final = 252  # LINKTYPE_WIRESHARK_UPPER_PDU

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_ENHANCED_PACKET: Final = 6
_OPTION_END: Final = 0
_SECTION_APPLICATION: Final = 4  # shb_userappl
_INTERFACE_DESCRIPTION: Final = 3  # if_description
_INTERFACE_TIME_RESOLUTION: Final = 9  # if_tsresol

_WORD: Final = Struct("<I")
_BLOCK: Final = Struct("<II")
_OPTION: Final = Struct("<HH")
_SECTION_BODY: Final = Struct("<IHHq")  # byte-order magic, version, length of the section: not known
_INTERFACE_BODY: Final = Struct("<HHI")  # link type, reserved, snapshot length: no limit
_PACKET_BODY: Final = Struct("<IIIII")  # interface, time (high, low), captured, original length

_INTERFACES: Final = (
    (_RAW_IP, "signalling of the gateway; IP, UDP and SCTP headers are made by the writer"),
    (_UPPER_PDU, "SIP over TCP and TLS, as it was read from the stream"),
)
_RAW, _UPPER = range(2)


class Written(NamedTuple):
    """What became of the messages."""

    messages: int
    left_out: int
    """Did not fit any more, are too long for a packet, or are not between two IP addresses of one version."""
    size: int
    """Bytes of the capture."""


class Unwritable(Exception):
    """A message that no packet can carry."""


def write_pcapng(stream: BinaryIO, messages: Iterable[SeenMessage], most_bytes: int | None = None) -> Written:
    """Write messages, in the order given, up to `most_bytes` of capture. Raises OSError as the stream does."""
    writer = _Writer(stream, most_bytes)
    for message in giving_way(messages):
        writer.add(message)
    return Written(writer.messages, writer.left_out, writer.bytes)


class _Writer:
    def __init__(self, stream: BinaryIO, most_bytes: int | None) -> None:
        self.messages = 0
        self.left_out = 0
        self.bytes = 0
        self._stream: Final = stream
        self._most: Final = most_bytes
        self._ways: Final[dict[tuple[Carried, Address, Address], _Way]] = {}
        body = _SECTION_BODY.pack(0x1A2B3C4D, 1, 0, -1)
        self._put(_block(_SECTION, body + _options((_SECTION_APPLICATION, b"tollgate"))))
        for link_type, description in _INTERFACES:
            options = _options((_INTERFACE_DESCRIPTION, description.encode()), (_INTERFACE_TIME_RESOLUTION, b"\x06"))
            self._put(_block(_INTERFACE, _INTERFACE_BODY.pack(link_type, 0, 0) + options))

    def add(self, message: SeenMessage) -> None:
        try:
            packet = self._way_of(message).packet(message.data)
        except Unwritable:
            self.left_out += 1
            return
        interface = _UPPER if message.carried in (Carried.TCP, Carried.TLS) else _RAW
        ticks = message.at_us
        head = _PACKET_BODY.pack(interface, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        block = _block(_ENHANCED_PACKET, head + packet)
        if self._most is not None and self.bytes + len(block) > self._most:
            self.left_out += 1
            return
        self._put(block)
        self.messages += 1

    def _way_of(self, message: SeenMessage) -> _Way:
        key = (message.carried, message.source, message.destination)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = _WAYS[message.carried](message.source, message.destination)
        return way

    def _put(self, block: bytes) -> None:
        self._stream.write(block)
        self.bytes += len(block)


def _block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = 12 + len(padded)
    return b"".join((_BLOCK.pack(kind, length), padded, _WORD.pack(length)))


def _options(*options: tuple[int, bytes]) -> bytes:
    packed = [_OPTION.pack(code, len(value)) + value + bytes(-len(value) % 4) for code, value in options]
    return b"".join((*packed, _OPTION.pack(_OPTION_END, 0)))


# -- packets of one direction -----------------------------------------------------------------------------------------

_UDP: Final = 17
_SCTP: Final = 132
_IPV4_HEADER: Final = Struct("!BBHHHBBH4s4s")
_IPV6_HEADER: Final = Struct("!IHBB16s16s")
_PORTS: Final = Struct("!HH")
_DATA_CHUNK: Final = Struct("!BBHIHHI")  # type, flags, length, TSN, stream, sequence number, payload protocol
_UNFRAGMENTED: Final = 3
_M3UA: Final = 3  # SCTP payload protocol identifier
_TRANSFER: Final = 1  # message class of M3UA's DATA, which goes on another stream than management
_DONT_FRAGMENT: Final = 0x4000
_HOPS: Final = 64


class _Way:
    """Packets from one address to another."""

    def packet(self, payload: bytes) -> bytes:
        """The packet that carries a message. Raises `Unwritable`."""
        raise NotImplementedError


class _IpWay:
    """IP headers between two addresses. Raises `Unwritable` for what are no two addresses of one IP version."""

    def __init__(self, source: Address, destination: Address, protocol: int) -> None:
        ends = (_ip(source[0]), _ip(destination[0]))
        if ends[0].version != ends[1].version:
            raise Unwritable(f"from {source[0]} to {destination[0]}")
        self._is_ip4: Final = ends[0].version == 4
        self._source, self._destination = ends[0].packed, ends[1].packed
        self._protocol: Final = protocol
        self.ports: Final = _PORTS.pack(source[1] & 0xFFFF, destination[1] & 0xFFFF)

    def packet(self, segment: bytes) -> bytes:
        if not self._is_ip4:
            head = (0x60000000, len(segment), self._protocol, _HOPS, self._source, self._destination)
            return _IPV6_HEADER.pack(*head) + segment
        fields = (0x45, 0, 20 + len(segment), 0, _DONT_FRAGMENT, _HOPS, self._protocol)
        unchecked = _IPV4_HEADER.pack(*fields, 0, self._source, self._destination)
        return _IPV4_HEADER.pack(*fields, _checksum(unchecked), self._source, self._destination) + segment

    def checksum(self, segment: bytes) -> int:
        """Over the pseudo header and a segment (RFC 768, RFC 8200 section 8.1), the segment's own being 0."""
        head = b"".join((self._source, self._destination, _PSEUDO_TAIL.pack(len(segment), self._protocol)))
        return _checksum(head + segment) or 0xFFFF


_PSEUDO_TAIL: Final = Struct("!II")
"""Length and protocol as of IPv6; their sum is that of IPv4's, which are half as wide."""


class _UdpWay(_Way):
    def __init__(self, source: Address, destination: Address) -> None:
        self._ip: Final = _IpWay(source, destination, _UDP)

    def packet(self, payload: bytes) -> bytes:
        if len(payload) > LONGEST_DATAGRAM:
            raise Unwritable(f"a datagram of {len(payload)} bytes")
        head = self._ip.ports + _PORTS.pack(8 + len(payload), 0)
        check = self._ip.checksum(head + payload)
        return self._ip.packet(b"".join((head[:6], check.to_bytes(2, "big"), payload)))


class _M3uaWay(_Way):
    """Each direction has a verification tag of its own: with one for both, Wireshark takes what is sent back for
    retransmissions."""

    def __init__(self, source: Address, destination: Address) -> None:
        self._ip: Final = _IpWay(source, destination, _SCTP)
        ends = repr((source, destination)).encode()
        self._head: Final = self._ip.ports + (crc32c(ends) or 1).to_bytes(4, "big")
        self._tsn = crc32c(ends[::-1])
        self._numbers: Final = [0, 0]

    def packet(self, payload: bytes) -> bytes:
        if len(payload) > LONGEST_CHUNK:
            raise Unwritable(f"an M3UA message of {len(payload)} bytes")
        stream = int(payload[2:3] == bytes((_TRANSFER,)))
        number = self._numbers[stream]
        self._numbers[stream] = (number + 1) & 0xFFFF
        head = _DATA_CHUNK.pack(0, _UNFRAGMENTED, 16 + len(payload), self._tsn, stream, number, _M3UA)
        self._tsn = (self._tsn + 1) & 0xFFFFFFFF
        chunk = b"".join((head, payload, bytes(-len(payload) % 4)))
        check = crc32c(b"".join((self._head, bytes(4), chunk)))
        return self._ip.packet(b"".join((self._head, check.to_bytes(4, "little"), chunk)))


_TAG: Final = Struct("!HH")
_TAG_DISSECTOR: Final = 12
_TAG_IPV4: Final = (20, 21)  # source, destination
_TAG_IPV6: Final = (22, 23)
_TAG_PORT_TYPE: Final = 24
_TAG_PORTS: Final = (25, 26)
_PORT_TYPE_TCP: Final = 2


class _PduWay(_Way):
    """Wireshark's exported PDUs: tags that say what a message is and whence it came (wiretap/pcap-encap, tag list in
    epan/exported_pdu.h)."""

    def __init__(self, source: Address, destination: Address) -> None:
        tags = [_tag(_TAG_DISSECTOR, b"sip")]
        for end, (host, port) in enumerate((source, destination)):
            ip = _ip(host)
            tags.append(_tag((_TAG_IPV4 if ip.version == 4 else _TAG_IPV6)[end], ip.packed))
            tags.append(_tag(_TAG_PORTS[end], port.to_bytes(4, "big")))
        tags.append(_tag(_TAG_PORT_TYPE, _PORT_TYPE_TCP.to_bytes(4, "big")))
        self._tags: Final = b"".join((*tags, _TAG.pack(0, 0)))

    def packet(self, payload: bytes) -> bytes:
        if len(payload) > LONGEST_PDU - len(self._tags):
            raise Unwritable(f"a message of {len(payload)} bytes")
        return self._tags + payload


_WAYS: Final[dict[Carried, Callable[[Address, Address], _Way]]] = {
    Carried.UDP: _UdpWay,
    Carried.TCP: _PduWay,
    Carried.TLS: _PduWay,
    Carried.M3UA: _M3uaWay,
}


def _tag(number: int, value: bytes) -> bytes:
    padded = value + bytes(-len(value) % 4)
    return _TAG.pack(number, len(padded)) + padded


def _ip(host: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError as error:
        raise Unwritable(f"{host!r:.60} is no IP address") from error


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071): sixteen-bit words added in ones' complement, so modulo 65,535."""
    if len(data) % 2:
        data += b"\0"
    rest = int.from_bytes(data, "big") % 0xFFFF
    return 0xFFFF - rest if rest or not any(data) else 0


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
    crc, table = 0xFFFFFFFF, _CRC32C
    for octet in data:
        crc = table[(crc ^ octet) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF
