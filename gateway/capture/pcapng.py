"""The pcapng file format (draft-ietf-opsawg-pcapng): sections of blocks, each with its length in front and behind."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, NotACapture
from gateway.capture.frames import ByteWindow, Frame

_SECTION = 0x0A0D0D0A  # the same in either byte order
_SECTION_BYTES = b"\x0a\x0d\x0d\x0a"
_INTERFACE = 1
_PACKET = 2  # obsolete
_SIMPLE_PACKET = 3
_ENHANCED_PACKET = 6
_PACKET_BLOCKS = frozenset({_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET})
_WITHOUT_PACKETS = frozenset(
    {
        4,  # name resolution
        5,  # interface statistics
        9,  # systemd journal export
        10,  # decryption secrets
        0x0BAD,  # custom, may be copied
        0x40000BAD,  # custom, must not be copied
    }
)
_SMALLEST_BLOCK = 12
_SMALLEST_SECTION = 28

_LATEST_US = 253_402_300_799_999_999
"""The end of the year 9999. Later times come of damage, and no calendar could show them."""

_OPTION_END = 0
_OPTION_TIME_RESOLUTION = 9
_OPTION_TIME_OFFSET = 14


def is_pcapng(first_bytes: bytes) -> bool:
    """Whether a file that starts so is pcapng: its first block is a section header."""
    return first_bytes[:4] == _SECTION_BYTES


class _Interface(NamedTuple):
    link_type: int
    snapshot_length: int
    """0 for no limit."""
    multiplier: int
    divisor: int
    offset_us: int
    """A time stamp of t ticks is ``t * multiplier // divisor + offset_us`` microseconds since the Unix epoch."""


class _SectionFault(NamedTuple):
    """What is wrong with a section header block."""

    kind: FaultKind
    what: str


class _Layout:
    """The fixed parts of the blocks in one byte order."""

    def __init__(self, byte_order: str) -> None:
        self.byte_order = byte_order
        self.block = Struct(byte_order + "II")
        self.length = Struct(byte_order + "I")
        self.version = Struct(byte_order + "HH")
        self.interface = Struct(byte_order + "HxxI")
        self.enhanced = Struct(byte_order + "IIIII")  # interface, time (high, low), captured, original
        self.packet = Struct(byte_order + "HxxIIII")  # interface, drops, time (high, low), captured, original
        self.option = Struct(byte_order + "HH")
        self.time_offset = Struct(byte_order + "q")


_LITTLE_ENDIAN, _BIG_ENDIAN = _Layout("<"), _Layout(">")
_BYTE_ORDER_MAGICS = {b"\x4d\x3c\x2b\x1a": _LITTLE_ENDIAN, b"\x1a\x2b\x3c\x4d": _BIG_ENDIAN}


class PcapngFrames:
    """The frames of a pcapng file: any number of sections, in either byte order, with any number of interfaces.

    Enhanced, simple and obsolete packet blocks are read; options and other blocks are passed over, unknown block
    types reported. Raises NotACapture when the first section header cannot be read.
    """

    def __init__(self, window: ByteWindow, faults: FaultLog, limits: CaptureLimits) -> None:
        self._window = window
        self._faults = faults
        self._limits = limits
        self._layout = _LITTLE_ENDIAN
        self._interfaces: list[_Interface | None] = []
        self._number = 0
        self._untimed_reported = False
        fault = self._start_section()
        if fault is not None:
            raise NotACapture(
                faults.file, f"a pcapng file whose {fault.what}", "there is no packet in it: capture it again"
            )

    def __iter__(self) -> Iterator[Frame]:
        window, limit = self._window, self._limits.block_size
        while window.fill(8):
            data, position = window.data, window.position
            size, unpack, read_block = len(data), self._layout.block.unpack_from, self._read_block
            kind = length = 0
            while size - position >= 8:
                kind, length = unpack(data, position)
                end = position + length
                if end > size or length > limit or length % 4 or length < _SMALLEST_BLOCK or kind == _SECTION:
                    break
                frame = read_block(kind, data, position, length)
                position = end
                if frame is not None:
                    yield frame
            window.position = position
            if size - position >= 8 and not self._pass_obstacle(kind, length):
                return
        if window.available:
            self._report_cut(0, f"{window.available} of the 8 bytes that start a block")

    def _pass_obstacle(self, kind: int, length: int) -> bool:
        """Deal with a block that cannot just be read from the window; false if the file cannot be read any further."""
        if kind == _SECTION:
            fault = self._start_section()
            if fault is not None:
                self._report_damage(f"the {fault.what}", fault.kind)
            return fault is None
        if length < _SMALLEST_BLOCK or length % 4:
            self._report_damage(f"a block of type {kind:#x} claims to be {length} bytes long, which no block can be")
            return False
        if length > self._limits.block_size:
            return self._pass_over(kind, length)
        if self._window.fill(length):
            return True
        self._report_cut(kind, f"a block of type {kind:#x}, {self._window.available} of {length} bytes in")
        return False

    def _start_section(self) -> _SectionFault | None:
        """Read a section header block; what is wrong with it, if something is. Leaves its interfaces to be read."""
        window = self._window
        if not window.fill(_SMALLEST_SECTION - 4):
            return _SectionFault(FaultKind.TRUNCATED_FILE, f"section header block ends after {window.available} bytes")
        data, position = window.data, window.position
        layout = _BYTE_ORDER_MAGICS.get(data[position + 8 : position + 12])
        if layout is None:
            magic = data[position + 8 : position + 12].hex()
            return _SectionFault(FaultKind.BAD_RECORD, f"section header block has the byte-order magic {magic}")
        (length,) = layout.length.unpack_from(data, position + 4)
        major, minor = layout.version.unpack_from(data, position + 12)
        if major != 1:
            what = f"section header block is of version {major}.{minor}, and only version 1 is defined"
            return _SectionFault(FaultKind.BAD_RECORD, what)
        if length < _SMALLEST_SECTION or length % 4:
            return _SectionFault(FaultKind.BAD_RECORD, f"section header block claims to be {length} bytes long")
        if not window.skip(length):
            what = f"section header block of {length} bytes is cut off by the end of the file"
            return _SectionFault(FaultKind.TRUNCATED_FILE, what)
        self._layout = layout
        self._interfaces = []
        self._untimed_reported = False
        return None

    def _read_block(self, kind: int, data: bytes, position: int, length: int) -> Frame | None:
        layout = self._layout
        (behind,) = layout.length.unpack_from(data, position + length - 4)
        if behind != length:
            self._report(
                FaultKind.BAD_RECORD,
                position,
                f"a block of type {kind:#x} gives its length as {length} in front and {behind} behind",
                "read by the length in front; if that is the wrong one, what follows is not to be trusted",
            )
        body, end = position + 8, position + length - 4
        packet: Frame | str | None = None
        if kind == _ENHANCED_PACKET:
            packet = self._timed_packet(layout.enhanced, data, body, end)
        elif kind == _INTERFACE:
            self._add_interface(data, body, end)
        elif kind == _SIMPLE_PACKET:
            packet = self._simple_packet(data, body, end)
        elif kind == _PACKET:
            packet = self._timed_packet(layout.packet, data, body, end)
        elif kind not in _WITHOUT_PACKETS:
            what = f"a block of the unknown type {kind:#x}, {length} bytes"
            self._report(FaultKind.UNKNOWN_BLOCK, position, what, "passed over")
        if isinstance(packet, str):
            self._report(FaultKind.BAD_RECORD, body, packet, "the packet is lost", self._number)
            return None
        return packet

    def _timed_packet(self, head: Struct, data: bytes, body: int, end: int) -> Frame | str:
        """The packet of an enhanced or an obsolete packet block, or why there is none."""
        self._number += 1
        start = body + head.size
        if start > end:
            return f"a packet block has no room for its own header of {head.size} bytes"
        index, high, low, captured, original = head.unpack_from(data, body)
        interface = self._interfaces[index] if index < len(self._interfaces) else None
        if interface is None:
            return f"a packet block names interface {index}, which the section does not describe"
        stop = start + captured
        if stop > end:
            return f"a packet block claims {captured} bytes and holds {end - start}"
        ticks = high << 32 | low
        at_us = ticks * interface.multiplier // interface.divisor + interface.offset_us
        if not 0 <= at_us <= _LATEST_US:
            self._report(FaultKind.NO_TIME, body, f"a time stamp of {at_us} us", "taken as unknown", self._number)
            at_us = 0
        wire_end = start + original if original > captured else stop
        return Frame(self._number, at_us, interface.link_type, data, start, stop, wire_end, self._window.base)

    def _simple_packet(self, data: bytes, body: int, end: int) -> Frame | str:
        """The packet of a simple packet block, which has no time and comes from interface 0; or why there is none."""
        self._number += 1
        start = body + 4
        if start > end:
            return "a simple packet block has no room for the packet's length"
        interface = self._interfaces[0] if self._interfaces else None
        if interface is None:
            return "a simple packet block in a section that describes no interface"
        (original,) = self._layout.length.unpack_from(data, body)
        captured = min(original, interface.snapshot_length or original)
        if start + captured > end:
            return f"a simple packet block claims {captured} bytes and holds {end - start}"
        if not self._untimed_reported:
            self._untimed_reported = True
            self._report(
                FaultKind.NO_TIME,
                body,
                "simple packet blocks carry no time stamp",
                "their packets have the time 0, in this section",
            )
        stop = start + captured
        return Frame(self._number, 0, interface.link_type, data, start, stop, start + original, self._window.base)

    def _add_interface(self, data: bytes, body: int, end: int) -> None:
        if len(self._interfaces) >= self._limits.interfaces:
            self._report(
                FaultKind.LIMIT,
                body,
                f"more than {self._limits.interfaces} interfaces in a section",
                "packets of the interfaces beyond are lost",
            )
            return
        head = self._layout.interface
        if body + head.size > end:
            self._interfaces.append(None)
            self._report(
                FaultKind.BAD_RECORD,
                body,
                f"an interface description block holds {end - body} of at least {head.size} bytes",
                f"packets of interface {len(self._interfaces) - 1} are lost",
            )
            return
        link_type, snapshot_length = head.unpack_from(data, body)
        multiplier, divisor, offset_us = self._time_options(data, body + head.size, end)
        self._interfaces.append(_Interface(link_type, snapshot_length, multiplier, divisor, offset_us))

    def _time_options(self, data: bytes, position: int, end: int) -> tuple[int, int, int]:
        """What the options say of the interface's clock: ``if_tsresol`` (microseconds by default), ``if_tsoffset``."""
        multiplier, divisor, offset_us = 1, 1, 0
        while position + 4 <= end:
            code, length = self._layout.option.unpack_from(data, position)
            value = position + 4
            if code == _OPTION_END:
                break
            if value + length > end:
                self._report(
                    FaultKind.BAD_RECORD,
                    position,
                    f"interface option {code} claims {length} bytes and {end - value} are left",
                    "the interface's options from here on are ignored; its times may be wrong",
                )
                break
            if code == _OPTION_TIME_RESOLUTION and length == 1:
                exponent = data[value] & 0x7F
                per_second = 2**exponent if data[value] & 0x80 else 10**exponent
                multiplier, divisor = (1, 1) if per_second == 1_000_000 else (1_000_000, per_second)
            elif code == _OPTION_TIME_OFFSET and length == 8:
                offset_us = self._layout.time_offset.unpack_from(data, value)[0] * 1_000_000
            position = value + (length + 3 & ~3)
        return multiplier, divisor, offset_us

    def _pass_over(self, kind: int, length: int) -> bool:
        """Skip a block that is too long to be looked into; false if the file ends in it."""
        self._number += kind in _PACKET_BLOCKS
        if kind == _INTERFACE:
            self._interfaces.append(None)
        self._report(
            FaultKind.LIMIT,
            self._window.position,
            f"a block of type {kind:#x} is {length} bytes long, more than the {self._limits.block_size} looked into",
            "passed over, with any packet in it",
        )
        if self._window.skip(length):
            return True
        self._report_cut(kind, f"a block of type {kind:#x} and {length} bytes")
        return False

    def _report_damage(self, what: str, kind: FaultKind = FaultKind.BAD_RECORD) -> None:
        self._report(
            kind,
            self._window.position,
            what,
            "the file cannot be followed past it: nothing after it was read",
        )

    def _report_cut(self, kind: int, what: str) -> None:
        self._report(
            FaultKind.TRUNCATED_FILE,
            self._window.position,
            f"the file ends inside {what}",
            "all before it was read",
            self._number + 1 if kind in _PACKET_BLOCKS else 0,
        )

    def _report(self, kind: FaultKind, position: int, what: str, meaning: str, frame: int = 0) -> None:
        self._faults.report(kind, frame, self._window.base + position, what, meaning)
