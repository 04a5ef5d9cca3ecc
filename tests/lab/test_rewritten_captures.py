"""The messages of a shipped capture, written as evidence is written, are audited to the same decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader

from gateway.capture.pcapng_writer import write_pcapng
from gateway.operations.configuration import load_configuration
from gateway.signalling.seen_message import Carried, SeenMessage
from sim.audited import audited
from sim.record_captures import CAPTURE, EXPECTED, described

CAPTURES = Path(__file__).parents[2] / "captures"
ETHERNET, IP4, UDP, SCTP = 14, 20, 17, 132
SCTP_HEADER, DATA_HEADER, DATA = 12, 16, 0


def messages_of(capture: Path) -> Iterator[SeenMessage]:
    """The datagrams and M3UA messages of a capture as the lab writes them: IPv4, a chunk to each packet of SCTP."""
    with RawPcapReader(str(capture)) as frames:
        for frame, meta in frames:
            segment = frame[ETHERNET + IP4 :]
            hosts = (str(ip_address(frame[ETHERNET + place : ETHERNET + place + 4])) for place in (12, 16))
            ports = (int.from_bytes(segment[place : place + 2], "big") for place in (0, 2))
            source, destination = zip(hosts, ports, strict=True)
            at_us = meta.sec * 1_000_000 + meta.usec
            if frame[ETHERNET + 9] == UDP:
                yield SeenMessage(at_us, source, destination, segment[8:], Carried.UDP)
            elif frame[ETHERNET + 9] == SCTP and segment[SCTP_HEADER] == DATA:
                length = int.from_bytes(segment[SCTP_HEADER + 2 : SCTP_HEADER + 4], "big")
                data = segment[SCTP_HEADER + DATA_HEADER : SCTP_HEADER + length]
                yield SeenMessage(at_us, source, destination, data, Carried.M3UA)


@pytest.mark.parametrize("name", ["discontinuance", "circuits-and-sip"])
def test_what_is_written_of_a_run_is_decided_as_the_run_was(name: str, tmp_path: Path) -> None:
    folder, file = CAPTURES / name, tmp_path / "attack.pcapng"
    with file.open("wb") as stream:
        written = write_pcapng(stream, messages_of(folder / CAPTURE))
    assert (written.left_out, written.messages > 100) == (0, True)
    run = audited(file, load_configuration(folder / "tollgate.toml"))
    expected = json.loads((folder / EXPECTED).read_text())
    assert {call_id: described(decision) for call_id, decision in run.decisions.items()} == expected["calls"]
