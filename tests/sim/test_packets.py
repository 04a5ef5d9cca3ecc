from __future__ import annotations

from pathlib import Path

import pytest

from sim.frames import LONGEST_DATAGRAM, crc32c
from sim.observation import whole_run
from sim.packets import Carried, Packet, PacketLog, write_capture

A, B, SIX = ("127.0.0.1", 5060), ("127.0.0.2", 40_000), ("::1", 5060)


def test_a_capture_holds_each_datagram_with_its_time_and_sound_checksums(tmp_path: Path) -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.utils import rdpcap

    packets = [
        Packet(1_700_000_000_000_002, A, B, b"second"),
        Packet(1_700_000_000_000_001, SIX, ("::1", 5070), b"first"),
        Packet(1_700_000_000_999_999, A, B, b"x" * 60_000),
    ]
    path = tmp_path / "run.pcap"
    assert write_capture(path, packets) == 3
    read = rdpcap(str(path))
    assert [bytes(frame[UDP].payload) for frame in read] == [b"first", b"second", b"x" * 60_000]
    assert [round(float(frame.time) % 1 * 1_000_000) for frame in read] == [1, 2, 999_999]
    assert (read[0][IPv6].src, read[0][UDP].dport) == ("::1", 5070)
    assert (read[1][IP].src, read[1][IP].dst, read[1][UDP].sport) == ("127.0.0.1", "127.0.0.2", 5060)
    for frame in read:
        again = frame.copy()
        del again[UDP].chksum
        assert type(frame)(bytes(again))[UDP].chksum == frame[UDP].chksum


M3UA_DATA = bytes.fromhex("01000101000000140210000c00000001000000020502000f")
M3UA_ASPUP = bytes.fromhex("0100030100000008")


def test_m3ua_is_written_as_chunks_of_an_association_with_a_tag_for_each_direction(tmp_path: Path) -> None:
    from scapy.layers.inet import IP
    from scapy.layers.sctp import SCTP, SCTPChunkData
    from scapy.utils import rdpcap

    sent = [(A, B, M3UA_ASPUP), (A, B, M3UA_DATA), (B, A, M3UA_DATA + b"odd"), (A, B, M3UA_DATA)]
    path = tmp_path / "run.pcap"
    write_capture(path, [Packet(at, *packet, Carried.M3UA) for at, packet in enumerate(sent)])
    read = rdpcap(str(path))
    chunks = [frame[SCTPChunkData] for frame in read]
    assert [bytes(chunk.data) for chunk in chunks] == [message for _, _, message in sent]
    assert [(chunk.proto_id, chunk.beginning, chunk.ending) for chunk in chunks] == [(3, 1, 1)] * 4
    assert [(chunk.stream_id, chunk.stream_seq) for chunk in chunks] == [(0, 0), (1, 0), (1, 0), (1, 1)]
    assert [chunks[at].tsn - chunks[0].tsn for at in (1, 3)] == [1, 2]
    assert read[0][SCTP].tag == read[3][SCTP].tag != read[2][SCTP].tag
    for frame in read:
        again = frame.copy()
        del again[SCTP].chksum, again[IP].chksum
        assert bytes(type(frame)(bytes(again))) == bytes(frame)


def test_the_end_of_an_association_is_an_abort_with_the_tag_of_its_direction(tmp_path: Path) -> None:
    from scapy.layers.sctp import SCTP, SCTPChunkAbort
    from scapy.utils import rdpcap

    log = PacketLog()
    log.sent_m3ua(A, B, M3UA_DATA)
    log.ended_m3ua(A, B)
    write_capture(tmp_path / "run.pcap", log.packets)
    data, abort = rdpcap(str(tmp_path / "run.pcap"))
    assert abort[SCTP].tag == data[SCTP].tag
    assert SCTPChunkAbort in abort


def test_of_an_association_of_the_gateway_the_cast_tells_its_end_alone() -> None:
    gateway, other = ("127.0.0.9", 5060), ("127.0.0.1", 2905)
    of_gateway = [Packet(1, A, B, M3UA_DATA, Carried.M3UA)]
    of_cast = [
        Packet(1, A, B, M3UA_DATA, Carried.M3UA),
        Packet(2, A, other, M3UA_DATA, Carried.M3UA),
        Packet(3, B, A, b"", Carried.M3UA),
        Packet(4, gateway, A, b"SIP"),
    ]
    assert [packet.at_us for packet in whole_run(of_gateway, of_cast, gateway)] == [1, 2, 3]


def test_the_checksum_of_sctp_is_that_of_its_rfc() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_a_packet_between_two_ip_versions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 and ::1 are of two IP versions"):
        write_capture(tmp_path / "run.pcap", [Packet(1, A, SIX, b"")])


def test_a_payload_that_udp_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds 65507 octets"):
        write_capture(tmp_path / "run.pcap", [Packet(1, A, B, b"x" * (LONGEST_DATAGRAM + 1))])


def test_a_datagram_within_the_cast_is_kept_once() -> None:
    ticks = iter(range(1, 100))
    log = PacketLog(clock=lambda: next(ticks))
    log.sent(A, B, b"within")
    log.received(A, B, b"within")
    log.received(SIX, B, b"from outside")
    assert [p.payload for p in log.packets] == [b"within", b"from outside"]


def test_a_full_log_counts_what_it_leaves_out() -> None:
    log = PacketLog(most=2)
    for _ in range(5):
        log.sent(A, B, b"x")
    assert (len(log.packets), log.left_out) == (2, 3)
