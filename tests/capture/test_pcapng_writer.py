"""Captures that are written here, read by our own reader, by scapy and by tshark."""

from __future__ import annotations

import io
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.sctp import SCTP
from scapy.utils import RawPcapNgReader

from gateway.capture.faults import FaultKind
from gateway.capture.pcapng_writer import LONGEST_CHUNK, LONGEST_DATAGRAM, LONGEST_PDU, crc32c, write_pcapng
from gateway.capture.reader import CaptureReader
from gateway.capture.udp import Datagram
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address
from gateway.signalling.seen_message import Carried, SeenMessage

OPTIONS = (
    b"OPTIONS sip:gw@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bK-1\r\n"
    b"From: <sip:a@192.0.2.2>;tag=1\r\nTo: <sip:gw@192.0.2.1>\r\nCall-ID: 1@192.0.2.2\r\nCSeq: 1 OPTIONS\r\n"
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
ASP_UP = bytes.fromhex("0100030100000008")
"""M3UA (RFC 4666 section 3.5.1): version 1, ASPSM, ASP Up."""
IP4: tuple[Address, Address] = (("192.0.2.2", 5070), ("192.0.2.1", 5060))
IP6: tuple[Address, Address] = (("2001:db8::2", 5070), ("2001:db8::1", 5060))
AT_US = 1_900_000_000_123_456


def seen(ends: tuple[Address, Address], data: bytes, carried: Carried, at_us: int = AT_US) -> SeenMessage:
    return SeenMessage(at_us, *ends, data, carried)


def captured(*messages: SeenMessage) -> bytes:
    stream = io.BytesIO()
    written = write_pcapng(stream, messages)
    assert (written.messages, written.left_out, written.size) == (len(messages), 0, len(stream.getvalue()))
    return stream.getvalue()


@pytest.mark.parametrize("ends", [IP4, IP6])
def test_our_reader_finds_a_datagram_as_it_was(ends: tuple[Address, Address]) -> None:
    reader = CaptureReader(io.BytesIO(captured(seen(ends, OPTIONS, Carried.UDP))), "made")
    (datagram,) = list(reader)
    assert (datagram.at_us, datagram.source, datagram.destination) == (AT_US, *ends)
    assert bytes(datagram.payload) == OPTIONS
    assert list(reader.faults) == []


def test_our_reader_finds_isup_in_an_m3ua_message() -> None:
    ends = (("192.0.2.2", 2905), ("192.0.2.1", 2905))
    capture = captured(*(seen(ends, message_of_rlc(circuit), Carried.M3UA, AT_US + circuit) for circuit in (1, 2)))
    reader = CaptureReader(io.BytesIO(capture), "made", variant=Variant.ANSI)
    assert [message.at_us for message in reader] == [AT_US + 1, AT_US + 2]
    assert (reader.variants[Variant.ANSI], list(reader.faults)) == (2, [])


def message_of_rlc(circuit: int) -> bytes:
    """M3UA DATA (RFC 4666 section 3.3.1) with an RLC of ISUP."""
    label = bytes.fromhex("00f60e01 00f60e07 05 02 00 00")  # OPC, DPC, SI, NI, MP, SLS
    data = label + circuit.to_bytes(2, "little") + b"\x10\x00"
    parameter = b"\x02\x10" + (4 + len(data)).to_bytes(2, "big") + data + bytes(-len(data) % 4)
    return b"\x01\x00\x01\x01" + (8 + len(parameter)).to_bytes(4, "big") + parameter


@pytest.mark.parametrize("ends", [IP4, IP6])
@pytest.mark.parametrize("length", [0, 1, 2, 477, 478])
def test_every_checksum_is_the_one_that_scapy_makes(ends: tuple[Address, Address], length: int) -> None:
    ip = IP if ":" not in ends[0][0] else IPv6
    for carried, layer in ((Carried.UDP, UDP), (Carried.M3UA, SCTP)):
        (raw, _) = next(
            iter(RawPcapNgReader(io.BytesIO(captured(seen(ends, (bytes(range(256)) * 2)[:length], carried)))))
        )
        packet = ip(raw)
        again = packet.copy()
        del again[layer].chksum
        if ip is IP:
            del again[IP].chksum, again[IP].len
        else:
            del again[IPv6].plen
        assert bytes(again) == raw


@settings(max_examples=50)
@given(st.binary(max_size=600))
def test_a_checksum_counts_to_nothing_where_it_is_summed_up(data: bytes) -> None:
    (raw, _) = next(iter(RawPcapNgReader(io.BytesIO(captured(seen(IP4, data, Carried.UDP))))))
    for summed in (raw[:20], raw[12:20] + b"\0\x11" + raw[24:26] + raw[20:]):
        padded = summed + bytes(len(summed) % 2)
        words = [int.from_bytes(padded[place : place + 2], "big") for place in range(0, len(padded), 2)]
        assert sum(words) % 0xFFFF == 0


def test_the_checksum_of_sctp_is_that_of_the_rfc() -> None:
    """RFC 3720 appendix B.4, which has examples of CRC32c: 32 bytes of zeros."""
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_what_no_packet_can_carry_is_left_out_and_counted() -> None:
    stream = io.BytesIO()
    messages = [
        seen(IP4, bytes(LONGEST_DATAGRAM + 1), Carried.UDP),
        seen(IP4, bytes(LONGEST_CHUNK + 1), Carried.M3UA),
        seen(IP4, bytes(LONGEST_PDU + 1), Carried.TLS),
        seen((IP4[0], IP6[0]), OPTIONS, Carried.UDP),
        seen((("switch.example", 5060), IP4[0]), OPTIONS, Carried.UDP),
        seen(IP4, bytes(LONGEST_DATAGRAM), Carried.UDP),
    ]
    written = write_pcapng(stream, messages)
    assert (written.messages, written.left_out) == (1, 5)
    (datagram,) = list(CaptureReader(io.BytesIO(stream.getvalue()), "made"))
    assert len(datagram.payload) == LONGEST_DATAGRAM


@given(most=st.integers(400, 3_000), lengths=st.lists(st.integers(0, 500), max_size=12))
def test_a_capture_is_no_longer_than_asked_for(most: int, lengths: list[int]) -> None:
    stream = io.BytesIO()
    messages = [seen(IP4, bytes(length), Carried.UDP) for length in lengths]
    written = write_pcapng(stream, messages, most)
    assert written.size == len(stream.getvalue()) <= most
    assert written.messages + written.left_out == len(lengths)
    assert sum(1 for _ in CaptureReader(io.BytesIO(stream.getvalue()), "made")) == written.messages


HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str), st.sampled_from(["", "fe80::1%eth0", "a.example"])
)
ENDS = st.tuples(HOSTS, st.integers(0, 65_535))


@given(st.lists(st.tuples(ENDS, ENDS, st.binary(max_size=300), st.sampled_from(Carried)), max_size=8))
def test_whatever_is_written_is_read_without_a_fault_and_datagrams_are_as_they_were(
    messages: list[tuple[Address, Address, bytes, Carried]],
) -> None:
    stream = io.BytesIO()
    written = write_pcapng(stream, [SeenMessage(AT_US, *message) for message in messages])
    reader = CaptureReader(io.BytesIO(stream.getvalue()), "made")
    datagrams = [bytes(found.payload) for found in reader if isinstance(found, Datagram)]
    assert reader.packets == written.messages == len(messages) - written.left_out
    assert not {FaultKind.BAD_RECORD, FaultKind.TRUNCATED_FILE} & set(reader.fault_counts)
    sent = [data for (here, _), (there, _), data, carried in messages if carried is Carried.UDP and fit(here, there)]
    assert [data for data in sent if data] == [data for data in datagrams if data]


def fit(*hosts: str) -> bool:
    """Whether a packet can go from one to the other."""
    try:
        return len({ip_address(host.partition("%")[0]).version for host in hosts}) == 1
    except ValueError:
        return False


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_reads_sip_over_every_transport_and_m3ua_without_a_complaint(tmp_path: Path) -> None:
    file = tmp_path / "made.pcapng"
    over_tls = (("2001:db8::2", 40_000), ("2001:db8::1", 5061))
    file.write_bytes(
        captured(
            seen(IP4, OPTIONS, Carried.UDP),
            seen(IP6, OPTIONS, Carried.UDP),
            seen(IP4, OPTIONS, Carried.TCP),
            seen(over_tls, OPTIONS, Carried.TLS),
            seen((("192.0.2.2", 2905), ("192.0.2.1", 2905)), ASP_UP, Carried.M3UA),
        )
    )
    fields = ["frame.time_epoch", "sip.Method", "m3ua.message_type", "_ws.expert.message", "_ws.malformed"]
    checks = [f"-o{name}:TRUE" for name in ("ip.check_checksum", "udp.check_checksum")]
    read = subprocess.run(  # noqa: S603
        ["tshark", "-r", str(file), *checks, "-osctp.checksum:crc32c", "-Tfields", "-E", "separator=|"]
        + [part for field in fields for part in ("-e", field)],
        capture_output=True,
        text=True,
        check=True,
    )
    at = "1900000000.123456000"
    assert read.stdout.splitlines() == [f"{at}|OPTIONS|||"] * 4 + [f"{at}||1||"]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_knows_whence_a_message_over_tls_came(tmp_path: Path) -> None:
    file = tmp_path / "made.pcapng"
    file.write_bytes(captured(seen(IP4, OPTIONS, Carried.TLS)))
    fields = ["exported_pdu.ipv4_src", "exported_pdu.ipv4_dst", "exported_pdu.src_port", "exported_pdu.dst_port"]
    read = subprocess.run(  # noqa: S603
        ["tshark", "-r", str(file), "-Tfields", *[part for field in fields for part in ("-e", field)]],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.split() == ["192.0.2.2", "192.0.2.1", "5070", "5060"]
