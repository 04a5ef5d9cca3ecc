"""Captures that scapy wrote: an independent writer of the same formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from capture_bytes import INVITE, read

BODY = INVITE * 40


@pytest.fixture(scope="module")
def scapy() -> Any:
    return pytest.importorskip("scapy.all")


def _written(scapy: Any, path: Path, packets: list[Any], writer: str = "wrpcap", **options: Any) -> bytes:
    for number, packet in enumerate(packets):
        packet.time = 1_000 + number / 4
    getattr(scapy, writer)(str(path), packets, **options)
    return path.read_bytes()


@pytest.mark.parametrize("writer", ["wrpcap", "wrpcapng"])
def test_fragments_under_vlan_tags_are_read_as_scapy_wrote_them(scapy: Any, tmp_path: Path, writer: str) -> None:
    packet = scapy.IP(src="10.0.0.1", dst="10.0.0.2", id=77) / scapy.UDP(sport=5060, dport=5070) / BODY
    packets = [scapy.Ether() / scapy.Dot1Q(vlan=9) / piece for piece in scapy.fragment(packet, fragsize=512)]
    reader, (datagram,) = read(_written(scapy, tmp_path / "x", packets, writer))
    assert len(packets) > 3
    assert (datagram.payload, datagram.frame, datagram.identification) == (BODY, len(packets), 77)
    assert datagram.at_us == 1_000_000_000 + 250_000 * (len(packets) - 1)
    assert not reader.faults


def test_ipv6_fragments_behind_a_hop_by_hop_header_are_read_as_scapy_wrote_them(scapy: Any, tmp_path: Path) -> None:
    packet = (
        scapy.IPv6(src="2001:db8::1", dst="2001:db8::2")
        / scapy.IPv6ExtHdrHopByHop(options=[scapy.PadN(optdata=b"\0" * 4)])
        / scapy.IPv6ExtHdrFragment(id=5)
        / scapy.UDP(sport=5060, dport=5070)
        / BODY
    )
    packets = [scapy.Ether() / piece for piece in scapy.fragment6(packet, 600)]
    reader, (datagram,) = read(_written(scapy, tmp_path / "x", packets))
    assert len(packets) > 3
    assert (datagram.payload, datagram.source) == (BODY, ("2001:db8::1", 5060))
    assert not reader.faults


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("endianness", ["<", ">"])
def test_linux_cooked_frames_are_read_as_scapy_wrote_them(
    scapy: Any, tmp_path: Path, nano: bool, endianness: str
) -> None:
    packet = scapy.CookedLinux() / scapy.IP() / scapy.UDP(sport=5060, dport=5070) / INVITE
    capture = _written(scapy, tmp_path / "x", [packet], nano=nano, endianness=endianness, linktype=113)
    reader, (datagram,) = read(capture)
    assert (datagram.payload, datagram.at_us) == (INVITE, 1_000_000_000)
    assert not reader.faults
