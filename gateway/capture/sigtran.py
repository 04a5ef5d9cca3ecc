"""From what carries SS7 to its messages: M3UA, M2UA and M2PA over SCTP, M3UA over TCP, and signalling links themselves.

Every layer keeps the place of its bytes in the file.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from gateway.capture.faults import CaptureLimits, SkipCount
from gateway.capture.frames import Frame
from gateway.capture.msu import LinkMessage, Msu, Unread
from gateway.capture.sctp import UserMessage
from gateway.capture.ss7_variant import VariantFinder
from gateway.capture.stretch import Stretch, joined
from gateway.capture.tcp import StreamBytes
from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m2pa import msu_of_m2pa
from gateway.codecs.ss7.m2ua import msu_of_m2ua
from gateway.codecs.ss7.m3ua import (
    HEADER_LENGTH,
    MAX_LENGTH,
    VERSION,
    MessageType,
    decode_m3ua,
    message_length,
    transfer_of,
    user_data_offset,
)
from gateway.codecs.ss7.mtp2 import msu_of_mtp2
from gateway.codecs.ss7.mtp3 import decode_mtp3, label_length
from gateway.interconnection.trunk_groups import Address

M3UA_PORT: Final = 2905
_M2UA_PORT: Final = 2904
_M2PA_PORT: Final = 3565
_M2UA, _M3UA, _M2PA = 2, 3, 5  # payload protocol identifiers (IANA)
_BY_PORT: Final = {M3UA_PORT: _M3UA, _M2UA_PORT: _M2UA, _M2PA_PORT: _M2PA}
_SWAPPED: Final = {one << 24: one for one in (_M2UA, _M3UA, _M2PA)}
"""Many hosts write the identifier in their own byte order, since SCTP itself does not look at it."""
_DATA: Final = int(MessageType.DATA)
_TYPE_NAMES: Final = {int(one): one.name.replace("_", " ") for one in MessageType}
_MTP2_WITH_PSEUDO_HEADER, _MTP2, _MTP3 = 139, 140, 141
_PSEUDO_HEADER_SIZE: Final = 4
_MTP2_NOTHING: Final = "MTP2 fill-in and link status signal units"

Ss7 = Msu | LinkMessage | Unread
_Ends = tuple[Address, Address]


class _Begun:
    """A message of which a stream has brought the beginning. It is put together only when all of it is there."""

    __slots__ = ("need", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[Stretch] = []
        self.size = 0
        self.need = HEADER_LENGTH


class SignallingMessages:
    """Finds the messages of SS7 in what carries them."""

    def __init__(self, variants: VariantFinder, skipped: SkipCount, limits: CaptureLimits) -> None:
        self._variants: Final = variants
        self._skipped: Final = skipped
        self._limits: Final = limits
        self._begun: Final[OrderedDict[_Ends, _Begun]] = OrderedDict()

    # -- over SCTP and TCP --------------------------------------------------------------------------------------------

    def of_sctp(self, message: UserMessage) -> Ss7 | None:
        """The message of SS7 in one of SCTP; None, counted, where there is none."""
        protocol = _SWAPPED.get(message.protocol, message.protocol)
        if protocol == 0:
            ports = message.source[1], message.destination[1]
            protocol = _BY_PORT.get(ports[1]) or _BY_PORT.get(ports[0]) or 0
        ends = (message.source, message.destination)
        data = message.stretch.data
        try:
            if protocol == _M3UA:
                return self._m3ua(ends, message.at_us, message.frame, message.stretch)
            if protocol == _M2UA:
                found = msu_of_m2ua(data)
            elif protocol == _M2PA:
                found = msu_of_m2pa(data)
            else:
                self._skipped.add(f"SCTP payload protocol {message.protocol}")
                return None
            if found is None:
                self._skipped.add("M2UA management" if protocol == _M2UA else "M2PA link status and acknowledgements")
                return None
            return self._labelled(_network(ends), ends, message.at_us, message.frame, message.stretch, *found)
        except Malformed as fault:
            return _unread(ends, message.at_us, message.frame, message.stretch, fault)

    def of_stream(self, piece: StreamBytes) -> Iterator[Ss7]:
        """The messages of M3UA that the next bytes of a stream complete. It is cut by their own lengths."""
        ends = (piece.source, piece.destination)
        begun = self._begun.pop(ends, None)
        if begun is None or piece.new:
            begun = _Begun()
        begun.parts.append(piece.stretch)
        begun.size += len(piece.stretch.data)
        while begun.size >= begun.need:
            rest = joined(begun.parts)
            try:
                length = message_length(rest.data)
            except Malformed as fault:
                yield _unread(ends, piece.at_us, piece.frame, rest, fault)
                return  # no message begins here: the next segment is the next chance
            if length is None or length > len(rest.data):
                begun.parts, begun.need = [rest], length or HEADER_LENGTH
                continue
            message = rest.part(0, length)
            rest = rest.part(length, len(rest.data))
            begun.parts, begun.size, begun.need = [rest], len(rest.data), HEADER_LENGTH
            try:
                yield self._m3ua(ends, piece.at_us, piece.frame, message)
            except Malformed as fault:
                yield _unread(ends, piece.at_us, piece.frame, message, fault)
        if begun.size:
            self._begun[ends] = begun
            if len(self._begun) > self._limits.flows:
                self._begun.popitem(last=False)

    def _m3ua(self, ends: _Ends, at_us: int, frame: int, stretch: Stretch) -> Msu | LinkMessage:
        message = decode_m3ua(stretch.data)
        if message.type != _DATA:
            self._skipped.add(f"M3UA {_TYPE_NAMES.get(message.type) or f'message {message.type:#06x}'}")
            return LinkMessage(at_us, *ends, stretch.data)
        transfer = transfer_of(message)
        variant = self._variants.of_transfer(_network(ends), transfer.opc, transfer.dpc, transfer.si, transfer.data)
        start = user_data_offset(message)
        user = stretch.part(start, start + len(transfer.data))
        return Msu(at_us, *ends, variant, transfer, frame, user.offset, user.pieces)

    # -- on signalling links ------------------------------------------------------------------------------------------

    def of_frame(self, frame: Frame) -> Ss7 | None:
        """The message of SS7 in a frame of MTP2 or MTP3; None, counted, where there is none."""
        stretch = Stretch(frame.data[frame.start : frame.end], frame.base + frame.start)
        data, start, annex_a = stretch.data, 0, False
        try:
            if frame.end < frame.wire_end:
                raise Malformed("the capture holds only the beginning of the signal unit", len(data))
            found: tuple[int, int] | None = (0, len(data))
            if frame.link_type == _MTP2_WITH_PSEUDO_HEADER:
                if len(data) < _PSEUDO_HEADER_SIZE:
                    raise Malformed("the frame ends within its MTP2 pseudo-header", len(data))
                start, annex_a = _PSEUDO_HEADER_SIZE, data[1] == 1
            if frame.link_type != _MTP3:
                found = msu_of_mtp2(data, start, annex_a=annex_a)
            if found is None:
                self._skipped.add(_MTP2_NOTHING)
                return None
            return self._labelled(frame.link_type, None, frame.at_us, frame.number, stretch, *found)
        except Malformed as fault:
            return _unread(None, frame.at_us, frame.number, stretch, fault)

    def _labelled(
        self, network: object, ends: _Ends | None, at_us: int, frame: int, stretch: Stretch, first: int, end: int
    ) -> Msu:
        """A message signal unit that stands at ``first:end``, from its service information octet on."""
        variant = self._variants.of_signal_unit(network, stretch.data, first, end)
        transfer = decode_mtp3(stretch.data, variant, first, end)
        user = stretch.part(first + label_length(variant), end)
        source, destination = ends or (None, None)
        return Msu(at_us, source, destination, variant, transfer, frame, user.offset, user.pieces)


def begins_with_m3ua(data: bytes, start: int, end: int) -> bool:
    """Whether ``data[start:end]`` begins with the header of a message of M3UA (RFC 4666 section 3.1)."""
    if end - start < HEADER_LENGTH or data[start] != VERSION or data[start + 1]:
        return False
    length = int.from_bytes(data[start + 4 : start + 8], "big")
    kind = data[start + 2] << 8 | data[start + 3]
    return kind in _TYPE_NAMES and HEADER_LENGTH <= length <= MAX_LENGTH


def _network(ends: _Ends) -> tuple[str, str]:
    """What an association's messages are known by, in both directions."""
    one, other = ends[0][0], ends[1][0]
    return (one, other) if one < other else (other, one)


def _unread(ends: _Ends | None, at_us: int, frame: int, stretch: Stretch, fault: Malformed) -> Unread:
    source, destination = ends or (None, None)
    at = min(fault.offset, max(len(stretch.data) - 1, 0))
    return Unread(at_us, source, destination, frame, stretch.part(at, at).offset, fault.what)
