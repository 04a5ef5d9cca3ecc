"""A script of ISUP and SIP messages between exchanges, as a capture: who says what to whom, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO
from ipaddress import ip_address
from struct import pack
from typing import NamedTuple

from recorded_gateway import SECOND_US, START_US
from ss7_bytes import data_chunk, m3ua, sctp

from gateway.capture.audit_result import AuditResult
from gateway.capture.auditing import audit_readers
from gateway.capture.limits import AuditLimits
from gateway.capture.reader import CaptureReader
from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    Cause,
    ForwardCallIndicators,
    MessageType,
    NatureOfAddress,
    NatureOfConnection,
    P,
    PartyNumber,
    encode_backward_call_indicators,
    encode_cause,
    encode_forward_call_indicators,
    encode_nature_of_connection,
    encode_number,
    encode_range_and_status,
    isup_message,
    range_and_status,
)
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address
from gateway.wiring.audit import judges_of

ANSI = Variant.ANSI
ONE, TWO, THREE = 0x010101, 0x020202, 0x030303
"""1-1-1, 2-2-2, 3-3-3."""
HOSTS = {ONE: "192.0.2.11", TWO: "192.0.2.12", THREE: "192.0.2.13"}
CALLING, CALLED = "3142061100", "6363270100"


class Said(NamedTuple):
    """One message: of ISUP from one point code to another, or of SIP between two addresses."""

    ms: int
    source: int | Address
    destination: int | Address
    data: bytes


def iam(
    cic: int,
    calling: str | None = CALLING,
    called: str = CALLED,
    extra: Sequence[tuple[int, bytes]] = (),
    *,
    continuity: int = 0,
) -> bytes:
    parameters: list[tuple[int, bytes]] = [
        (P.NATURE_OF_CONNECTION, encode_nature_of_connection(NatureOfConnection(continuity=continuity))),
        (P.FORWARD_CALL_INDICATORS, encode_forward_call_indicators(ForwardCallIndicators())),
        (P.CALLING_PARTYS_CATEGORY, b"\x0a"),
        (P.USER_SERVICE_INFORMATION, bytes.fromhex("8090a2")),
        (P.CALLED_PARTY_NUMBER, number(P.CALLED_PARTY_NUMBER, called)),
        *((P.CALLING_PARTY_NUMBER, number(P.CALLING_PARTY_NUMBER, one)) for one in (calling,) if one is not None),
        *extra,
    ]
    return isup_message(ANSI, MessageType.IAM, cic, parameters).encode()


def number(code: int, digits: str) -> bytes:
    return encode_number(code, PartyNumber(digits, NatureOfAddress.NATIONAL, screening=3), ANSI)


def acm(cic: int) -> bytes:
    indicators = encode_backward_call_indicators(BackwardCallIndicators())
    return isup_message(ANSI, MessageType.ACM, cic, [(P.BACKWARD_CALL_INDICATORS, indicators)]).encode()


def anm(cic: int) -> bytes:
    return isup_message(ANSI, MessageType.ANM, cic, []).encode()


def rel(cic: int, cause: int = 16) -> bytes:
    return isup_message(ANSI, MessageType.REL, cic, [(P.CAUSE_INDICATORS, encode_cause(Cause(cause)))]).encode()


def bare(kind: MessageType, cic: int) -> bytes:
    return isup_message(ANSI, kind, cic, []).encode()


def rlc(cic: int) -> bytes:
    return bare(MessageType.RLC, cic)


def grs(cic: int, circuits: int) -> bytes:
    value = bytes((circuits - 1,))
    return isup_message(ANSI, MessageType.GRS, cic, [(P.RANGE_AND_STATUS, value)]).encode()


def hardware_cgb(cic: int, flags: Sequence[bool]) -> bytes:
    value = encode_range_and_status(range_and_status(flags))
    parameters = [(P.CIRCUIT_GROUP_SUPERVISION, b"\x01"), (P.RANGE_AND_STATUS, value)]
    return isup_message(ANSI, MessageType.CGB, cic, parameters).encode()


def capture_of(said: Sequence[Said]) -> bytes:
    """A pcap file of what was said."""
    return capture_at((START_US + one.ms * 1_000, one.source, one.destination, one.data) for one in said)


def capture_at(said: Iterable[tuple[int, int | Address, int | Address, bytes]]) -> bytes:
    """A pcap file of raw IPv4: ISUP as M3UA over SCTP, one association between each two hosts.

    Times in microseconds.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    out = [pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101)]
    for place, (at_us, source, destination, data) in enumerate(said, 1):
        if isinstance(source, int) and isinstance(destination, int):
            ends = HOSTS.get(source, "192.0.2.1"), HOSTS.get(destination, "192.0.2.1")
            chunk = data_chunk(m3ua(data, source, destination), numbers[ends], sequence=numbers[ends] & 0xFFFF)
            numbers[ends] += 1
            tag = int(ip_address(ends[0])) * 7 + int(ip_address(ends[1])) & 0xFFFFFFFF
            protocol, payload = 132, sctp(chunk, tag=tag)
        else:
            assert not isinstance(source, int)
            assert not isinstance(destination, int)
            ends = source[0], destination[0]
            protocol, payload = 17, pack(">HHHH", source[1], destination[1], 8 + len(data), 0) + data
        addresses = ip_address(ends[0]).packed + ip_address(ends[1]).packed
        frame = pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), place & 0xFFFF, 0, 64, protocol, 0) + addresses + payload
        out.append(pack("<IIII", *divmod(at_us, SECOND_US), len(frame), len(frame)) + frame)
    return b"".join(out)


def audited(said: Sequence[Said], limits: AuditLimits | None = None) -> AuditResult:
    """The audit of a script without a configuration."""
    judges, _ = judges_of(None)
    return audit_readers([CaptureReader(BytesIO(capture_of(said)), "x.pcap")], judges, limits)
