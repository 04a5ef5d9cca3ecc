"""tshark reads the M3UA messages of two ends that are wired to one another, field by field, as our codec does."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from gateway.codecs.ss7.m3ua import (
    DeregistrationStatus,
    ErrorCode,
    MessageType,
    Parameter,
    RegistrationStatus,
    Status,
    Tag,
    UnavailabilityCause,
    decode_m3ua,
    decode_parameters,
    number,
    written,
)
from gateway.interconnection.links import LinkRole, TrafficMode
from gateway.signalling.ss7.routing_keys import (
    RoutingKey,
    deregistration_result,
    registration_result,
    routing_key_parameter,
)
from tests.interop.prometheus_panels import Failure, say
from tests.interop.tshark_agrees import run
from tests.signalling.ss7.m3ua_ends import OTHER, OURS, SECOND, THEIRS, Wire, link, transfer

USER0: Final = 147
"""A link type that tshark can be told the meaning of."""
NO_USER: Final = 15
"""A service indicator that is nobody's: what is tried here is M3UA alone."""

Reader = Callable[[bytes], int]


def _bits(first: int, last: int) -> Reader:
    """The number in some octets of a value."""
    return lambda value: int.from_bytes(value[first:last], "big")


_WHOLE: Final = _bits(0, 4)
FIELDS: Final[dict[str, tuple[int, Reader]]] = {
    "m3ua.routing_context": (Tag.ROUTING_CONTEXT, _WHOLE),
    "m3ua.affected_point_code_mask": (Tag.AFFECTED_POINT_CODE, _bits(0, 1)),
    "m3ua.affected_point_code_pc": (Tag.AFFECTED_POINT_CODE, _bits(1, 4)),
    "m3ua.asp_identifier": (Tag.ASP_IDENTIFIER, _WHOLE),
    "m3ua.congestion_level": (Tag.CONGESTION_INDICATIONS, _bits(3, 4)),
    "m3ua.correlation_identifier": (Tag.CORRELATION_ID, _WHOLE),
    "m3ua.deregistration_status": (Tag.DEREGISTRATION_STATUS, _WHOLE),
    "m3ua.dpc_pc": (Tag.DESTINATION_POINT_CODE, _bits(1, 4)),
    "m3ua.error_code": (Tag.ERROR_CODE, _WHOLE),
    "m3ua.local_rk_identifier": (Tag.LOCAL_ROUTING_KEY_IDENTIFIER, _WHOLE),
    "m3ua.protocol_data_dpc": (Tag.PROTOCOL_DATA, _bits(4, 8)),
    "m3ua.protocol_data_mp": (Tag.PROTOCOL_DATA, _bits(10, 11)),
    "m3ua.protocol_data_ni": (Tag.PROTOCOL_DATA, _bits(9, 10)),
    "m3ua.protocol_data_opc": (Tag.PROTOCOL_DATA, _bits(0, 4)),
    "m3ua.protocol_data_si": (Tag.PROTOCOL_DATA, _bits(8, 9)),
    "m3ua.protocol_data_sls": (Tag.PROTOCOL_DATA, _bits(11, 12)),
    "m3ua.registration_status": (Tag.REGISTRATION_STATUS, _WHOLE),
    "m3ua.si": (Tag.SERVICE_INDICATORS, _bits(0, 1)),
    "m3ua.status_info": (Tag.STATUS, _bits(2, 4)),
    "m3ua.status_type": (Tag.STATUS, _bits(0, 2)),
    "m3ua.traffic_mode_type": (Tag.TRAFFIC_MODE_TYPE, _WHOLE),
    "m3ua.unavailability_cause": (Tag.USER_CAUSE, _bits(0, 2)),
    "m3ua.user_identity": (Tag.USER_CAUSE, _bits(2, 4)),
}
_HEADER: Final = ("m3ua.message_class", "m3ua.message_type", "m3ua.message_length", "m3ua.parameter_tag")
_NESTED: Final = (Tag.ROUTING_KEY, Tag.REGISTRATION_RESULT, Tag.DEREGISTRATION_RESULT)


def try_m3ua() -> bool:
    """Whether tshark agrees; says so."""
    messages = [*_spoken(), *_of_every_type()]
    with tempfile.TemporaryDirectory(prefix="tollgate-m3ua-") as folder:
        capture = Path(folder) / "m3ua.pcap"
        capture.write_bytes(_pcap(messages))
        try:
            _compare(messages, _shown(capture))
        except Failure as fault:
            say(f"FAULT  {fault}")
            return False
    say(f"ok  tshark on {len(messages)} M3UA messages: {len(FIELDS)} fields of each")
    return True


def _spoken() -> list[bytes]:
    """What two processes and a server say to one another, from their coming up to their end."""
    mode, heartbeat_us = TrafficMode.BROADCAST, 30 * SECOND
    client = link(register=True, mode=mode, heartbeat_us=heartbeat_us)
    both = Wire(client, link("rb", LinkRole.SERVER, mode=mode, heartbeat_us=heartbeat_us), processes=2)
    both.connect()
    both.from_client(transfer()._replace(si=NO_USER))
    both.from_server(transfer(THEIRS, OURS)._replace(si=NO_USER))
    both.after(31 * SECOND)
    both.leave("rb#1")
    both.disconnect("rb#2")
    return both.spoken


def _of_every_type() -> Iterator[bytes]:
    """Every type of message with every parameter that is read here, and two routing contexts."""
    for kind in MessageType:
        yield written(
            kind,
            number(Tag.ROUTING_CONTEXT, 7, 8),
            number(Tag.AFFECTED_POINT_CODE, OTHER, 0x08_02_89_00),
            *(number(tag, 3) for tag in (Tag.TRAFFIC_MODE_TYPE, Tag.ASP_IDENTIFIER, Tag.CORRELATION_ID)),
            number(Tag.ERROR_CODE, ErrorCode.INVALID_ROUTING_CONTEXT),
            number(Tag.STATUS, Status.ALTERNATE_ASP_ACTIVE),
            number(Tag.USER_CAUSE, UnavailabilityCause.INACCESSIBLE << 16 | 5),
            number(Tag.CONGESTION_INDICATIONS, 2),
            routing_key_parameter(RoutingKey(9, (OURS, OTHER), b"\x05", 7, 2)),
            registration_result(9, RegistrationStatus.PERMISSION_DENIED, 7),
            deregistration_result(7, DeregistrationStatus.ASP_ACTIVE),
            Parameter(Tag.INFO_STRING, b"for people"),
        )


def _pcap(messages: list[bytes]) -> bytes:
    capture = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, USER0)
    for at, message in enumerate(messages):
        capture += struct.pack("=IIII", at, 0, len(message), len(message)) + message
    return capture


def _shown(capture: Path) -> list[list[list[int]]]:
    """What tshark reads: for each message the values of every field."""
    dissector = f'uat:user_dlts:"User 0 (DLT={USER0})","m3ua","0","","0",""'
    fields = [word for field in (*_HEADER, *FIELDS, "_ws.malformed") for word in ("-e", field)]
    shown = run(["tshark", "-r", str(capture), "-o", dissector, "-T", "fields", *fields])
    rows: list[list[list[int]]] = []
    for line in shown.splitlines():
        *columns, malformed = line.split("\t")
        if malformed:
            raise Failure(f"tshark finds message {len(rows) + 1} malformed: {malformed}")
        rows.append([[int(value, 0) for value in column.split(",") if value] for column in columns])
    return rows


def _compare(messages: list[bytes], shown: list[list[list[int]]]) -> None:
    if len(shown) != len(messages):
        raise Failure(f"tshark reads {len(shown)} of {len(messages)} M3UA messages")
    for at, (data, theirs) in enumerate(zip(messages, shown, strict=True)):
        for field, our_values, their_values in zip((*_HEADER, *FIELDS), _ours(data), theirs, strict=True):
            if our_values != their_values:
                what = f"message {at + 1}, {data.hex()}: {field} is {our_values} to us, {their_values} to tshark"
                raise Failure(what)


def _ours(data: bytes) -> list[list[int]]:
    """The values of every field that tshark is asked for."""
    message = decode_m3ua(data)
    parameters = list(_flat(message.parameters))
    head = [[message.type >> 8], [message.type & 0xFF], [len(data)], [one.tag for one in parameters]]
    return head + [
        [read(value) for one in parameters if one.tag == tag for value in _elements(one)]
        for tag, read in FIELDS.values()
    ]


def _elements(parameter: Parameter) -> list[bytes]:
    """A parameter that is a list, element by element."""
    if parameter.tag not in (Tag.ROUTING_CONTEXT, Tag.AFFECTED_POINT_CODE):
        return [parameter.value]
    return [parameter.value[at : at + 4] for at in range(0, len(parameter.value), 4)]


def _flat(parameters: tuple[Parameter, ...]) -> Iterator[Parameter]:
    """Parameters, each before those within it."""
    for one in parameters:
        yield one
        if one.tag in _NESTED:
            yield from _flat(decode_parameters(one.value, 0, len(one.value)))
