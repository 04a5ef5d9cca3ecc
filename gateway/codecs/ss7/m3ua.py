"""M3UA: the messages of MTP3's users over SCTP (RFC 4666 section 3).

A message is a common header of eight octets and parameters, each with tag and length, that come in any order. What a
message says is read parameter by parameter, where it is asked for; parameters that are not known here are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.mtp3 import Mtp3Transfer

VERSION: Final = 1
HEADER_LENGTH: Final = 8
MAX_LENGTH: Final = 65_535
"""Longest message that is read, in octets. DATA with the longest message of ISUP has about 320."""
MAX_PARAMETERS: Final = 256
"""Most parameters of one message that are read; the routing keys of a registration are the most there are."""


class MessageClass(IntEnum):
    """What a message is about (RFC 4666 section 3.1.2)."""

    MGMT = 0
    TRANSFER = 1
    SSNM = 2  # SS7 signalling network management
    ASPSM = 3  # ASP state maintenance
    ASPTM = 4  # ASP traffic maintenance
    RKM = 9  # routing key management


class MessageType(IntEnum):
    """Class and type in one: the class times 256, and the type (RFC 4666 section 3.1.3)."""

    ERR = 0x0000
    NTFY = 0x0001
    DATA = 0x0101
    DUNA = 0x0201
    DAVA = 0x0202
    DAUD = 0x0203
    SCON = 0x0204
    DUPU = 0x0205
    DRST = 0x0206
    ASPUP = 0x0301
    ASPDN = 0x0302
    BEAT = 0x0303
    ASPUP_ACK = 0x0304
    ASPDN_ACK = 0x0305
    BEAT_ACK = 0x0306
    ASPAC = 0x0401
    ASPIA = 0x0402
    ASPAC_ACK = 0x0403
    ASPIA_ACK = 0x0404
    REG_REQ = 0x0901
    REG_RSP = 0x0902
    DEREG_REQ = 0x0903
    DEREG_RSP = 0x0904


class Tag(IntEnum):
    """What a parameter is (RFC 4666 section 3.2)."""

    INFO_STRING = 0x0004
    ROUTING_CONTEXT = 0x0006
    DIAGNOSTIC_INFORMATION = 0x0007
    HEARTBEAT_DATA = 0x0009
    TRAFFIC_MODE_TYPE = 0x000B
    ERROR_CODE = 0x000C
    STATUS = 0x000D
    ASP_IDENTIFIER = 0x0011
    AFFECTED_POINT_CODE = 0x0012
    CORRELATION_ID = 0x0013
    NETWORK_APPEARANCE = 0x0200
    USER_CAUSE = 0x0204
    CONGESTION_INDICATIONS = 0x0205
    CONCERNED_DESTINATION = 0x0206
    ROUTING_KEY = 0x0207
    REGISTRATION_RESULT = 0x0208
    DEREGISTRATION_RESULT = 0x0209
    LOCAL_ROUTING_KEY_IDENTIFIER = 0x020A
    DESTINATION_POINT_CODE = 0x020B
    SERVICE_INDICATORS = 0x020C
    ORIGINATING_POINT_CODE_LIST = 0x020E
    PROTOCOL_DATA = 0x0210
    REGISTRATION_STATUS = 0x0212
    DEREGISTRATION_STATUS = 0x0213


_PROTOCOL_DATA: Final[int] = Tag.PROTOCOL_DATA
_new: Final = tuple.__new__
"""Makes a named tuple without the Python code of its own constructor: each DATA has three."""


class ErrorCode(IntEnum):
    """Why a message was not taken (RFC 4666 section 3.8.1)."""

    INVALID_VERSION = 0x01
    UNSUPPORTED_MESSAGE_CLASS = 0x03
    UNSUPPORTED_MESSAGE_TYPE = 0x04
    UNSUPPORTED_TRAFFIC_MODE_TYPE = 0x05
    UNEXPECTED_MESSAGE = 0x06
    PROTOCOL_ERROR = 0x07
    INVALID_STREAM_IDENTIFIER = 0x09
    REFUSED_MANAGEMENT_BLOCKING = 0x0D
    ASP_IDENTIFIER_REQUIRED = 0x0E
    INVALID_ASP_IDENTIFIER = 0x0F
    INVALID_PARAMETER_VALUE = 0x11
    PARAMETER_FIELD_ERROR = 0x12
    UNEXPECTED_PARAMETER = 0x13
    DESTINATION_STATUS_UNKNOWN = 0x14
    INVALID_NETWORK_APPEARANCE = 0x15
    MISSING_PARAMETER = 0x16
    INVALID_ROUTING_CONTEXT = 0x19
    NO_CONFIGURED_AS_FOR_ASP = 0x1A


class Status(IntEnum):
    """What a NTFY says: type and information in one, the type times 65536 (RFC 4666 section 3.8.2)."""

    AS_INACTIVE = 0x0001_0002
    AS_ACTIVE = 0x0001_0003
    AS_PENDING = 0x0001_0004
    INSUFFICIENT_ASP_RESOURCES = 0x0002_0001
    ALTERNATE_ASP_ACTIVE = 0x0002_0002
    ASP_FAILURE = 0x0002_0003


class RegistrationStatus(IntEnum):
    """How a routing key's registration went (RFC 4666 section 3.6.2)."""

    SUCCESSFULLY_REGISTERED = 0
    UNKNOWN = 1
    INVALID_DPC = 2
    INVALID_NETWORK_APPEARANCE = 3
    INVALID_ROUTING_KEY = 4
    PERMISSION_DENIED = 5
    CANNOT_SUPPORT_UNIQUE_ROUTING = 6
    NOT_PROVISIONED = 7
    INSUFFICIENT_RESOURCES = 8
    UNSUPPORTED_ROUTING_KEY_PARAMETER = 9
    UNSUPPORTED_TRAFFIC_MODE = 10
    CHANGE_REFUSED = 11
    ALREADY_REGISTERED = 12


class DeregistrationStatus(IntEnum):
    """How the end of a registration went (RFC 4666 section 3.6.4)."""

    SUCCESSFULLY_DEREGISTERED = 0
    UNKNOWN = 1
    INVALID_ROUTING_CONTEXT = 2
    PERMISSION_DENIED = 3
    NOT_REGISTERED = 4
    ASP_ACTIVE = 5


class UnavailabilityCause(IntEnum):
    """Why a user part cannot be reached (RFC 4666 section 3.4.5)."""

    UNKNOWN = 0
    UNEQUIPPED = 1
    INACCESSIBLE = 2


class Parameter(NamedTuple):
    """One parameter, without its padding."""

    tag: int
    value: bytes


class M3uaMessage(NamedTuple):
    """One message. `type` and tags may be numbers that `MessageType` and `Tag` do not know."""

    type: int
    parameters: tuple[Parameter, ...] = ()

    def value(self, tag: int) -> bytes | None:
        """The value of the first parameter with this tag; None where there is none."""
        for parameter in self.parameters:
            if parameter[0] == tag:
                return parameter[1]
        return None

    def values(self, tag: int) -> tuple[bytes, ...]:
        """The values of all parameters with this tag, in their order."""
        return tuple(parameter[1] for parameter in self.parameters if parameter[0] == tag)

    def offset(self, tag: int) -> int:
        """Where the first parameter with this tag has its value: octets from the message's start.

        Where there is none, the message's length without the padding of its end.
        """
        at = HEADER_LENGTH
        for parameter in self.parameters:
            if parameter[0] == tag:
                return at + 4
            at += 4 + _padded(len(parameter[1]))
        return at

    def integer(self, tag: int) -> int | None:
        """The value of a parameter of 32 bits; None where there is none. Raises Malformed for another length."""
        value = self.value(tag)
        if value is None:
            return None
        if len(value) != 4:
            raise Malformed(f"parameter {tag:#06x} has {len(value)} octets, not 4", self.offset(tag))
        return int.from_bytes(value, "big")

    def integers(self, tag: int) -> tuple[int, ...]:
        """The values of a parameter that is a list of 32 bits each; none where there is no such parameter.

        Raises Malformed for a length that is no multiple of 4, and for an empty list.
        """
        value = self.value(tag)
        if value is None:
            return ()
        if not value or len(value) % 4:
            raise Malformed(f"parameter {tag:#06x} has {len(value)} octets, no multiple of 4", self.offset(tag))
        return tuple(int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value), 4))


def _padded(length: int) -> int:
    """Octets that a value of this length takes: parameters begin at multiples of four (RFC 4666 section 3.2)."""
    return length + 3 & ~3


def message_length(stream: bytes | bytearray, start: int = 0) -> int | None:
    """Length of the message that begins at `start` of a stream; None while its header has not come.

    Raises Malformed where no message begins there: the stream cannot be read any further.
    """
    if len(stream) < start + HEADER_LENGTH:
        return None
    if stream[start] != VERSION:
        raise Malformed(f"version {stream[start]} of M3UA, not {VERSION}", start)
    length = int.from_bytes(stream[start + 4 : start + 8], "big")
    if not HEADER_LENGTH <= length <= MAX_LENGTH:
        raise Malformed(f"an M3UA message of {length} octets", start + 4)
    return length


def decode_m3ua(data: bytes) -> M3uaMessage:
    """The message that these octets are. The padding of the last parameter may be missing, also from the length.

    Raises Malformed for what does not follow RFC 4666 section 3, is longer than `MAX_LENGTH` or has more parameters
    than `MAX_PARAMETERS`.
    """
    if len(data) < HEADER_LENGTH:
        raise Malformed("the message ends within its M3UA header", len(data))
    if data[0] != VERSION:
        raise Malformed(f"version {data[0]} of M3UA, not {VERSION}", 0)
    end = _checked_end(len(data), int.from_bytes(data[4:8], "big"))
    return _new(M3uaMessage, (data[2] << 8 | data[3], decode_parameters(data, HEADER_LENGTH, end)))


def _checked_end(size: int, length: int) -> int:
    """Where the parameters end, of a message in so many octets whose header gives this length."""
    if not HEADER_LENGTH <= length <= MAX_LENGTH:
        raise Malformed(f"an M3UA message of {length} octets", 4)
    if length > size:
        raise Malformed(f"the header gives {length} octets, and {size} came", 4)
    if size - length > 3:
        raise Malformed("more octets than the header gives", length)
    return length


def decode_parameters(data: bytes, start: int, end: int) -> tuple[Parameter, ...]:
    """The parameters from `start` to `end`; also those within a routing key or a result. Raises Malformed."""
    found: list[Parameter] = []
    at = start
    while at < end:
        if at + 4 > end:
            raise Malformed("the message ends within a parameter's header", end)
        length = data[at + 2] << 8 | data[at + 3]
        if length < 4:
            raise Malformed(f"a parameter of {length} octets", at + 2)
        if at + length > end:
            raise Malformed("the message ends within a parameter", end)
        if len(found) == MAX_PARAMETERS:
            raise Malformed(f"more than {MAX_PARAMETERS} parameters", at)
        found.append(_new(Parameter, (data[at] << 8 | data[at + 1], data[at + 4 : at + length])))
        at += length + 3 & ~3
    return tuple(found)


def encode_parameters(parameters: Iterable[Parameter]) -> bytes:
    """Parameters with their padding. Raises ValueError for a value that is too long for its length field."""
    parts: list[bytes] = []
    for tag, value in parameters:
        length = len(value) + 4
        if length > 0xFFFF or not 0 <= tag <= 0xFFFF:
            raise ValueError(f"no parameter {tag:#x} has {len(value)} octets")
        parts.append(bytes((tag >> 8, tag & 0xFF, length >> 8, length & 0xFF)) + value + bytes(-length & 3))
    return b"".join(parts)


def encode_m3ua(message: M3uaMessage) -> bytes:
    """The octets of a message, its parameters in their order. Raises ValueError for what no message can hold."""
    body = encode_parameters(message.parameters)
    length = HEADER_LENGTH + len(body)
    if length > MAX_LENGTH or not 0 <= message.type <= 0xFFFF:
        raise ValueError(f"no M3UA message of type {message.type:#x} has {length} octets")
    return bytes((VERSION, 0, message.type >> 8, message.type & 0xFF)) + length.to_bytes(4, "big") + body


def number(tag: int, *values: int) -> Parameter:
    """A parameter of one or more numbers of 32 bits."""
    return Parameter(tag, b"".join(value.to_bytes(4, "big") for value in values))


def written(kind: int, *parameters: Parameter | None) -> bytes:
    """The octets of a message with those parameters that are given. Raises ValueError as `encode_m3ua`."""
    return encode_m3ua(M3uaMessage(kind, tuple(parameter for parameter in parameters if parameter is not None)))


def m3ua_data(transfer: Mtp3Transfer, routing_context: int | None = None, correlation: int | None = None) -> bytes:
    """A DATA message (RFC 4666 section 3.3.1), the routing context before the protocol data.

    `correlation` marks the first message that is broadcast to a process that has just become active.

    Raises ValueError for a message of more than 60,000 octets, and OverflowError for point codes above 32 bits.
    """
    opc, dpc, si, ni, mp, sls, user = transfer
    if len(user) > 60_000:
        raise ValueError(f"no user part has a message of {len(user)} octets")
    context = b"" if routing_context is None else b"\0\x06\0\x08" + routing_context.to_bytes(4, "big")
    mark = b"" if correlation is None else b"\0\x13\0\x08" + correlation.to_bytes(4, "big")
    size = 16 + len(user)
    padding = -size & 3
    return b"".join(
        (
            b"\1\0\1\1",
            (HEADER_LENGTH + len(context) + size + padding + len(mark)).to_bytes(4, "big"),
            context,
            b"\2\x10",
            size.to_bytes(2, "big"),
            opc.to_bytes(4, "big"),
            dpc.to_bytes(4, "big"),
            bytes((si, ni, mp, sls)),
            user,
            bytes(padding),
            mark,
        )
    )


def transfer_of(message: M3uaMessage) -> Mtp3Transfer:
    """What a DATA message carries. The user part's message begins `user_data_offset` in the octets of the message.

    Raises Malformed where there is no protocol data, where it is too short, and where an octet of its label holds more
    than the field it stands for.
    """
    value = message.value(_PROTOCOL_DATA)
    if value is None:
        raise Malformed("no protocol data", message.offset(_PROTOCOL_DATA))
    if len(value) < 12:
        raise Malformed("the protocol data ends within its routing label", message.offset(_PROTOCOL_DATA))
    si, ni, mp, sls = value[8:12]
    if si > 15 or ni > 3 or mp > 3:
        raise Malformed(f"service {si}, network {ni}, priority {mp}: no such label", message.offset(_PROTOCOL_DATA) + 8)
    opc, dpc = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big")
    return _new(Mtp3Transfer, (opc, dpc, si, ni, mp, sls, value[12:]))


def user_data_offset(message: M3uaMessage) -> int:
    """Where the user part's message begins in the octets of a DATA message."""
    return message.offset(_PROTOCOL_DATA) + 12
