"""Link layers: where in a frame the network packet starts, and of what kind it is.

Numbers are those of the LINKTYPE_ registry (tcpdump.org), of IEEE 802 EtherTypes and of Linux's ARPHRD_ constants.
Each link's function takes ``(data, start, end)`` and returns ``(kind, position)``: an EtherType and where its packet
starts, or one of the negative kinds below. None of them reads past `end`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

IPV4: Final = 0x0800
IPV6: Final = 0x86DD

CUT: Final = -1
"""The frame ends inside its link header."""
LLC: Final = -2
"""IEEE 802.3 with a length and an LLC header that is not SNAP."""
NOT_IP: Final = -3
"""A raw, loopback, PPP or MPLS payload whose first bytes say that it is not IP."""
NOT_ETHERTYPE: Final = -4
"""Linux cooked, from a device whose protocol field is not an EtherType."""
TOO_DEEP: Final = -5
"""More VLAN tags or MPLS labels than the limit allows."""

_ETHERTYPE_NAMES = {
    CUT: "frames shorter than their link header",
    LLC: "IEEE 802.3 LLC",
    NOT_IP: "network protocol other than IP",
    NOT_ETHERTYPE: "Linux cooked device without EtherTypes",
    TOO_DEEP: "frames with too many VLAN tags or MPLS labels",
    0x0806: "ARP",
    0x8035: "RARP",
    0x8809: "Slow protocols (LACP)",
    0x888E: "EAPOL",
    0x88CC: "LLDP",
    0x88E5: "MACsec",
    0x88F7: "PTP",
    0x8863: "PPPoE discovery",
    0x9000: "Ethernet loopback",
}
_LINK_NAMES = {
    9: "PPP",
    105: "IEEE 802.11",
    127: "IEEE 802.11 with radiotap",
    142: "SS7 SCCP",
    143: "DOCSIS",
    187: "Bluetooth HCI",
    189: "USB",
    195: "IEEE 802.15.4",
    220: "USB",
    248: "SCTP",
    249: "USB",
    252: "Wireshark exported PDU",
    253: "Linux netlink",
}

_IP = frozenset({IPV4, IPV6})
_VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_MPLS = frozenset({0x8847, 0x8848})
_PPPOE_SESSION: Final = 0x8864
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057
_SMALLEST_ETHERTYPE = 0x0600  # less is an IEEE 802.3 length
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"
_MOST_TAGS = 8
MOST_LINK_TYPES: Final = 64
"""Unknown link types of one capture that are told apart."""

# ARPHRD_ values whose frames have no EtherType in the protocol field: FRAD, GRE, radiotap, netlink.
_OTHER_PROTOCOLS = frozenset({770, 778, 803, 824})

_FAMILY_INET = 2
_FAMILIES_INET6 = frozenset({10, 24, 28, 30})  # Linux, NetBSD and OpenBSD, FreeBSD, macOS

Located = tuple[int, int]
Link = Callable[[bytes, int, int], Located]


def kind_name(kind: int) -> str:
    """What a kind is called in a report: ``ARP``, ``EtherType 0x22f0``."""
    return _ETHERTYPE_NAMES.get(kind) or f"EtherType {kind:#06x}"


def link_name(link_type: int) -> str:
    """What a link type is called in a report: ``link type 142 (SS7 SCCP)``."""
    name = _LINK_NAMES.get(link_type)
    return f"link type {link_type} ({name})" if name else f"link type {link_type}"


def ethernet(data: bytes, start: int, end: int) -> Located:
    """IEEE 802.3 and Ethernet II, VLAN-tagged (802.1Q, 802.1ad) or not."""
    position = start + 14
    if position > end:
        return CUT, start
    kind = data[start + 12] << 8 | data[start + 13]
    if kind in _IP:
        return kind, position
    return _under_tags(kind, data, position, end)


def _under_tags(kind: int, data: bytes, position: int, end: int) -> Located:
    """Follow VLAN tags, MPLS, PPPoE and SNAP to what they carry."""
    for _ in range(_MOST_TAGS):
        if kind in _VLAN_TAGS:
            if position + 4 > end:
                return CUT, position
            kind = data[position + 2] << 8 | data[position + 3]
            position += 4
        elif kind in _MPLS:
            return _mpls(data, position, end)
        elif kind == _PPPOE_SESSION:
            return _ppp(data, position + 6, end)
        elif kind < _SMALLEST_ETHERTYPE:
            if data[position : position + 6] != _SNAP or position + 8 > end:
                return LLC, position
            kind = data[position + 6] << 8 | data[position + 7]
            position += 8
            if kind < _SMALLEST_ETHERTYPE:
                return LLC, position
        else:
            return kind, position
    return TOO_DEEP, position


def _mpls(data: bytes, position: int, end: int) -> Located:
    """The label stack (RFC 3032), then IP if the first four bits say so: the stack itself does not tell."""
    for _ in range(_MOST_TAGS):
        if position + 4 > end:
            return CUT, position
        bottom = data[position + 2] & 1
        position += 4
        if bottom:
            return raw(data, position, end)
    return TOO_DEEP, position


def _ppp(data: bytes, position: int, end: int) -> Located:
    if position + 2 > end:
        return CUT, position
    protocol = data[position] << 8 | data[position + 1]
    if protocol == _PPP_IPV4:
        return IPV4, position + 2
    if protocol == _PPP_IPV6:
        return IPV6, position + 2
    return NOT_IP, position


def raw(data: bytes, start: int, end: int) -> Located:
    """An IP packet without a link header; its first four bits give the version."""
    if start >= end:
        return CUT, start
    version = data[start] >> 4
    if version == 4:
        return IPV4, start
    return (IPV6, start) if version == 6 else (NOT_IP, start)


def _ipv4_only(_data: bytes, start: int, _end: int) -> Located:
    return IPV4, start


def _ipv6_only(_data: bytes, start: int, _end: int) -> Located:
    return IPV6, start


def linux_cooked(data: bytes, start: int, end: int) -> Located:
    """Linux cooked capture v1: sixteen bytes, device type at 2, protocol at 14."""
    if start + 16 > end:
        return CUT, start
    if (data[start + 2] << 8 | data[start + 3]) in _OTHER_PROTOCOLS:
        return NOT_ETHERTYPE, start
    return _under_tags(data[start + 14] << 8 | data[start + 15], data, start + 16, end)


def linux_cooked_2(data: bytes, start: int, end: int) -> Located:
    """Linux cooked capture v2: twenty bytes, protocol at 0, device type at 8."""
    if start + 20 > end:
        return CUT, start
    if (data[start + 8] << 8 | data[start + 9]) in _OTHER_PROTOCOLS:
        return NOT_ETHERTYPE, start
    return _under_tags(data[start] << 8 | data[start + 1], data, start + 20, end)


def loopback(data: bytes, start: int, end: int) -> Located:
    """BSD loopback: four bytes of address family, in the byte order of the capturing host or the network's."""
    if start + 4 > end:
        return CUT, start
    family = data[start] | data[start + 1] << 8 if data[start] else data[start + 2] << 8 | data[start + 3]
    if family == _FAMILY_INET:
        return IPV4, start + 4
    return (IPV6, start + 4) if family in _FAMILIES_INET6 else (NOT_IP, start)


LINKS: dict[int, Link] = {
    0: loopback,  # LINKTYPE_NULL
    1: ethernet,
    12: raw,  # DLT_RAW as most systems number it
    14: raw,  # DLT_RAW of OpenBSD
    101: raw,
    108: loopback,  # LINKTYPE_LOOP
    113: linux_cooked,
    228: _ipv4_only,
    229: _ipv6_only,
    276: linux_cooked_2,
}
