"""The pcap file format (draft-ietf-opsawg-pcap): a header, then records of a fixed form."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from gateway.capture.faults import CaptureLimits, FaultKind, FaultLog, NotACapture
from gateway.capture.frames import ByteWindow, Frame


class _Variant(NamedTuple):
    byte_order: str
    fractions_per_us: int
    extra: int
    """Bytes that the record header has after the usual sixteen."""


_MODIFIED_EXTRA = 8  # Kuznetzov's patch to libpcap: interface index, protocol, packet type and padding

_MAGICS = {
    b"\xd4\xc3\xb2\xa1": _Variant("<", 1, 0),
    b"\xa1\xb2\xc3\xd4": _Variant(">", 1, 0),
    b"\x4d\x3c\xb2\xa1": _Variant("<", 1_000, 0),
    b"\xa1\xb2\x3c\x4d": _Variant(">", 1_000, 0),
    b"\x34\xcd\xb2\xa1": _Variant("<", 1, _MODIFIED_EXTRA),
    b"\xa1\xb2\xcd\x34": _Variant(">", 1, _MODIFIED_EXTRA),
}
_FILE_HEADER_SIZE = 24


def is_pcap(first_bytes: bytes) -> bool:
    """Whether a file that starts so is pcap, of any variant."""
    return first_bytes[:4] in _MAGICS


class PcapFrames:
    """The frames of a pcap file: either byte order, microseconds or nanoseconds, and Kuznetzov's modified form.

    Raises NotACapture when the file's header is cut short or of a version that was never defined.
    """

    def __init__(self, window: ByteWindow, faults: FaultLog, limits: CaptureLimits) -> None:
        self._window = window
        self._faults = faults
        self._limits = limits
        if not window.fill(_FILE_HEADER_SIZE):
            raise NotACapture(
                faults.file,
                f"a pcap file that ends after {window.available} of its header's {_FILE_HEADER_SIZE} bytes",
                "there is no packet in it: capture it again",
            )
        variant = _MAGICS[window.data[window.position : window.position + 4]]
        header = Struct(variant.byte_order + "4xHH4x4xII")
        major, minor, _snapshot_length, link_type = header.unpack_from(window.data, window.position)
        if major != 2:
            raise NotACapture(
                faults.file,
                f"pcap version {major}.{minor}, and the format has only version 2",
                "the header is damaged: capture it again",
            )
        window.position += _FILE_HEADER_SIZE
        # The upper half holds the length of the frame check sequence, which the IP length trims anyway.
        self._link_type = link_type & 0xFFFF
        self._fractions_per_us = variant.fractions_per_us
        self._record = Struct(f"{variant.byte_order}IIII{variant.extra}x")

    def __iter__(self) -> Iterator[Frame]:
        window, unpack, header_size = self._window, self._record.unpack_from, self._record.size
        link_type, fractions_per_us, limit = self._link_type, self._fractions_per_us, self._limits.frame_size
        number = captured = 0
        while window.fill(header_size):
            data, position, base = window.data, window.position, window.base
            size = len(data)
            last = size - header_size
            while position <= last:
                seconds, fraction, captured, original = unpack(data, position)
                start = position + header_size
                end = start + captured
                if captured > limit:
                    self._report_damage(number + 1, base + position, captured)
                    return
                if end > size:
                    break
                number += 1
                at_us = seconds * 1_000_000 + fraction // fractions_per_us
                wire_end = start + original if original > captured else end
                yield Frame(number, at_us, link_type, data, start, end, wire_end, base)
                position = end
            window.position = position
            if position <= last and not window.fill(header_size + captured):
                break
        if window.available:
            self._report_cut(number + 1, captured)

    def _report_damage(self, frame: int, offset: int, captured: int) -> None:
        self._faults.report(
            FaultKind.BAD_RECORD,
            frame,
            offset,
            f"the record claims {captured} bytes, more than the {self._limits.frame_size} that a frame may have",
            "a pcap file cannot be followed past a damaged record: nothing after it was read",
        )

    def _report_cut(self, frame: int, captured: int) -> None:
        available = self._window.available
        if available < self._record.size:
            what = f"the file ends {available} bytes into a record header of {self._record.size}"
        else:
            what = f"the file ends after {available - self._record.size} of a record's {captured} bytes"
        self._faults.report(
            FaultKind.TRUNCATED_FILE,
            frame,
            self._window.offset,
            what,
            "the last packet is lost, all before it was read",
        )
