"""The carriers of SS7 links: their tests, none of which is left out for want of libusrsctp; tshark on their packets."""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.transport.sctp import Arrived, Association, LinkCarrier, available_carriers, missing_carriers, open_carrier
from tests.interop.prometheus_panels import Failure, say
from tests.interop.tshark_agrees import ROOT, run

TESTS: Final = ("test_sctp_associations", "test_sctp_udp", "test_sctp_processes", "test_sctp_kernel", "test_links")
TIMEOUT_S: Final = 180.0
MESSAGES: Final = 20
LOOPBACK: Final = "127.0.0.1"
BEAT: Final = bytes.fromhex("0100030300000008")
DATA: Final = bytes.fromhex(
    "01000101000000580210004e00f60e070002891a050200052923010060110a03060d038090a207031013525500000a070317125255214"
    "3c008c003101352557777eb0703101252559999ea0100c4031252553d0114000000"
)
"""An IAM of ANSI ISUP."""
FIELDS: Final = (
    "sctp.checksum.status",
    "sctp.chunk_type",
    "sctp.data_payload_proto_id",
    "sctp.data_sid",
    "_ws.malformed",
)
GOOD_CHECKSUM: Final = "1"
INIT, INIT_ACK, SACK, COOKIE_ECHO, COOKIE_ACK = "1", "2", "3", "10", "11"


class _User:
    """Sends everything back, and says when it has so many messages."""

    def __init__(self, *, echoes: bool) -> None:
        self.echoes = echoes
        self.association: asyncio.Future[Association] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self.all_came = asyncio.Event()
        self.received_messages: list[tuple[int, bytes]] = []

    def up(self, association: Association) -> None:
        self.association.set_result(association)

    def down(self, association: Association, why: str) -> None:  # noqa: ARG002 - the signature is an SCTP user's
        self.over.set()

    def received(self, arrived: Sequence[Arrived]) -> None:
        for association, stream, data in arrived:
            self.received_messages.append((stream, data))
            if self.echoes:
                association.send(stream, data)
        if len(self.received_messages) == MESSAGES:
            self.all_came.set()


class _Relay(asyncio.DatagramProtocol):
    """Between a client and the server, and keeps what passes: source port, destination port, packet."""

    def __init__(self, server_port: int) -> None:
        self.passed: list[tuple[int, int, bytes]] = []
        self.server = (LOOPBACK, server_port)
        self.client = (LOOPBACK, 0)
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, packet: bytes, address: tuple[str, int]) -> None:
        if address != self.server:
            self.client = address
        target = self.client if address == self.server else self.server
        self.passed.append((address[1], target[1], packet))
        if self.transport is not None:
            self.transport.sendto(packet, target)


async def packets_of_an_association() -> list[tuple[int, int, bytes]]:
    """What two carriers `udp` say to each other from first to last."""
    loop = asyncio.get_running_loop()
    relay = _Relay(_free_udp_port())
    relay.transport, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=(LOOPBACK, 0))
    server, client = _User(echoes=True), _User(echoes=False)
    listener = open_carrier(LinkCarrier.UDP, udp_port=relay.server[1]).listen((LOOPBACK, 2905), server, lambda _: True)
    relay_port = relay.transport.get_extra_info("sockname")[1]
    open_carrier(LinkCarrier.UDP, udp_port=relay_port).connect((LOOPBACK, 2905), client)
    async with asyncio.timeout(10):
        association = await client.association
        for number in range(MESSAGES):
            association.send(number % 17, BEAT if number % 17 == 0 else DATA)
        await client.all_came.wait()
        association.shutdown()
        await client.over.wait()
        await server.over.wait()
    listener.close()
    relay.transport.close()
    return relay.passed


def try_sctp() -> bool:
    """Whether the carriers that this machine has do what they should; says which, and why the others are not tried."""
    for kind, reason in missing_carriers().items():
        say(f"{'FAULT ' if kind is LinkCarrier.UDP else '--'}  the carrier {kind.value} is not here: {reason}")
    if LinkCarrier.UDP not in available_carriers():
        return False
    files = [str(ROOT / "tests" / "transport" / f"{name}.py") for name in TESTS]
    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "pytest", "-q", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        say(f"FAULT  the carriers' tests:\n{done.stdout[-2000:]}")
        return False
    names = ", ".join(kind.value for kind in available_carriers())
    say(f"ok  the carriers {names}: their tests pass")
    try:
        say(f"ok  tshark on SCTP in UDP: {_read_by_tshark()}")
    except Failure as fault:
        say(f"FAULT  {fault}")
        return False
    return True


def _read_by_tshark() -> str:
    """Raises Failure where tshark takes a packet for something else."""
    if shutil.which("tshark") is None:
        raise Failure("tshark is not installed: apt-get install tshark")
    passed = asyncio.run(packets_of_an_association())
    port = passed[0][1]
    with tempfile.TemporaryDirectory(prefix="tollgate-interop-") as folder:
        capture = Path(folder) / "association.pcap"
        capture.write_bytes(_pcap(passed))
        command = ["tshark", "-r", str(capture), "-d", f"udp.port=={port},sctp", "-o", "sctp.checksum:CRC 32c"]
        command += ["-T", "fields", *[word for field in FIELDS for word in ("-e", field)]]
        rows = [(line + "\t" * len(FIELDS)).split("\t")[: len(FIELDS)] for line in run(command).splitlines()]
    wrong = [row for row in rows if row[0] != GOOD_CHECKSUM or row[4]]
    if wrong or len(rows) != len(passed):
        raise Failure(f"of {len(passed)} packets tshark reads {len(rows)}, and finds wrong: {wrong[:3]}")
    chunks = [chunk for row in rows for chunk in row[1].split(",")]
    if not {INIT, INIT_ACK, COOKIE_ECHO, COOKIE_ACK, SACK} <= set(chunks):
        raise Failure(f"tshark misses chunks of a handshake: {chunks[:10]}")
    data = [
        stream for row in rows for stream, kind in zip(row[3].split(","), row[2].split(","), strict=True) if kind == "3"
    ]
    if len(data) != 2 * MESSAGES or len(set(data)) != 17:
        raise Failure(f"tshark finds {len(data)} chunks of M3UA on {len(set(data))} streams")
    return f"{len(rows)} packets, {len(data)} chunks of M3UA on {len(set(data))} streams, every checksum right"


def _pcap(passed: Sequence[tuple[int, int, bytes]]) -> bytes:
    """A capture of raw IP (link type 101), a millisecond between packets."""
    capture = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)
    host = socket.inet_aton(LOOPBACK)
    for number, (source, destination, packet) in enumerate(passed):
        datagram = struct.pack("!HHHH", source, destination, 8 + len(packet), 0) + packet
        header = (
            struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), number, 0, 64, socket.IPPROTO_UDP, 0) + host + host
        )
        frame = header + datagram
        capture += struct.pack("=IIII", number // 1_000, number % 1_000 * 1_000, len(frame), len(frame)) + frame
    return capture


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port
