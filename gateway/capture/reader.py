"""Reading captures: UDP datagrams and messages of SS7 from a pcap or pcapng file, in file order and constant memory.

    frames (pcap, pcapng) -> link layer -> IP, reassembled -> UDP                  -> datagrams
                                                           -> SCTP, SCTP in UDP    -> M3UA, M2UA, M2PA \
                                                           -> TCP, where M3UA is   -> M3UA              } SS7
                          -> MTP2, MTP3                                                                /

Another transport is one more entry in the reader's table of IP protocols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

from gateway.capture.faults import CaptureFault, CaptureLimits, FaultKind, FaultLog, NotACapture, SkipCount
from gateway.capture.frames import ByteWindow, Frame, FrameSource
from gateway.capture.ip import SCTP, TCP, UDP, IpLayer, IpPacket, protocol_name
from gateway.capture.pcap import PcapFrames, is_pcap
from gateway.capture.pcapng import PcapngFrames, is_pcapng
from gateway.capture.udp import Datagram, UdpLayer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address

if TYPE_CHECKING:
    from gateway.capture.signalling import Signalling
    from gateway.capture.sigtran import Ss7

_OTHER_FORMATS = (
    (b"\x1f\x8b", "a gzip-compressed file", "decompress it first (gunzip): offsets are given in the capture itself"),
    (b"\x28\xb5\x2f\xfd", "a zstd-compressed file", "decompress it first (unzstd)"),
    (b"\x04\x22\x4d\x18", "an lz4-compressed file", "decompress it first (unlz4)"),
    (b"\xfd7zXZ\x00", "an xz-compressed file", "decompress it first (unxz)"),
    (b"BZh", "a bzip2-compressed file", "decompress it first (bunzip2)"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"snoop\x00\x00\x00", "a snoop capture", "convert it first (editcap -F pcapng)"),
    (b"GMBU", "a Microsoft Network Monitor capture", "convert it first (editcap -F pcapng)"),
)
_DEFAULT_LIMITS = CaptureLimits()
_SIGNALLING_LINKS: Final = frozenset({139, 140, 141})
"""MTP2 with a pseudo-header, MTP2, MTP3 (LINKTYPE_ registry of tcpdump.org)."""
_SCTP_IN_UDP: Final = 9899


class CaptureReader:
    """The datagrams and the SS7 messages of one capture. Iterate once; the counts grow as the iteration goes on.

    Raises NotACapture at once when the file is neither pcap nor pcapng. After that, whatever the bytes are, nothing
    is raised by them: damage is in `faults`, passed-over traffic in `other`. An OSError of the stream is not caught.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        limits: CaptureLimits = _DEFAULT_LIMITS,
        variant: Variant | None = None,
        m3ua_addresses: frozenset[Address] = frozenset(),
    ) -> None:
        """`variant` is what SS7 is read as; None: as its messages show. `m3ua_addresses` are those where M3UA over TCP
        is taken, beside its own port and connections whose data show it.
        """
        self.name = name
        self.packets = 0
        """Packets of the file read so far, of any kind."""
        self.cut = 0
        """Those of them of which the file holds only the beginning (snap length)."""
        self._log = FaultLog(name, limits.faults)
        self._skipped = SkipCount(limits.kinds)
        self._frames = _open(ByteWindow(stream, limits.read_size), self._log, limits)
        self._ip = IpLayer(self._log, self._skipped, limits)
        self._udp = UdpLayer(self._log)
        self._limits = limits
        self._variant = variant
        self._m3ua_addresses = m3ua_addresses
        self._signalling: Signalling | None = None
        self._transports = {UDP: self._datagrams, SCTP: self._of_sctp, TCP: self._of_tcp}

    @property
    def variants(self) -> Counter[Variant]:
        """Messages of ISUP so far, by the variant that they were read as."""
        return self._signalling.variants if self._signalling is not None else Counter()

    @property
    def shown_variants(self) -> Counter[Variant]:
        """Messages of ISUP by the variant that they themselves show, where another one may have been given."""
        return self._signalling.shown_variants if self._signalling is not None else Counter()

    @property
    def faults(self) -> list[CaptureFault]:
        """What could not be read, in the order it was met; the first ones only (`CaptureLimits.faults`)."""
        return self._log.listed

    @property
    def faults_not_listed(self) -> int:
        """How many more faults there were."""
        return self._log.not_listed

    @property
    def fault_counts(self) -> Counter[FaultKind]:
        """All faults, counted by kind."""
        return self._log.counts

    @property
    def other(self) -> Counter[str]:
        """Sound traffic that is neither UDP nor SS7, counted by kind: ``TCP``, ``ARP``, ``link type 9 (PPP)``."""
        return self._skipped.by_kind

    def __iter__(self) -> Iterator[Datagram | Ss7]:
        packet_of, transports, skip = self._ip.packet, self._transports, self._skipped.add
        for frame in self._frames:
            self.packets = frame.number
            if frame.end < frame.wire_end:
                self.cut += 1
            if frame.link_type in _SIGNALLING_LINKS:
                yield from self._ss7().of_frame(frame)
                continue
            packet = packet_of(frame)
            if packet is None:
                continue
            transport = transports.get(packet.protocol)
            if transport is None:
                skip(protocol_name(packet.protocol))
                continue
            yield from transport(frame, packet)
        self._ip.finish()
        if self._signalling is not None:
            yield from self._signalling.finish()

    def _datagrams(self, frame: Frame, packet: IpPacket) -> Iterable[Datagram | Ss7]:
        datagram = self._udp.datagram(frame, packet)
        if datagram is None:
            return ()
        if _SCTP_IN_UDP in (datagram.destination[1], datagram.source[1]):
            return self._ss7().of_datagram(datagram)
        return (datagram,)

    def _of_sctp(self, frame: Frame, packet: IpPacket) -> Iterable[Ss7]:
        return self._ss7().of_sctp(frame, packet)

    def _of_tcp(self, frame: Frame, packet: IpPacket) -> Iterable[Ss7]:
        return self._ss7().of_tcp(frame, packet)

    def _ss7(self) -> Signalling:
        """What reads SS7. Its codecs are loaded for a capture that may have some of it, and for no other."""
        if self._signalling is None:
            from gateway.capture.signalling import Signalling

            self._signalling = Signalling(self._log, self._skipped, self._limits, self._variant, self._m3ua_addresses)
        return self._signalling


def _open(window: ByteWindow, log: FaultLog, limits: CaptureLimits) -> FrameSource:
    window.fill(8)
    first_bytes = window.data[:8]
    if is_pcap(first_bytes):
        return PcapFrames(window, log, limits)
    if is_pcapng(first_bytes):
        return PcapngFrames(window, log, limits)
    if not first_bytes:
        raise NotACapture(log.file, "an empty file", "capture it again")
    for magic, found, remedy in _OTHER_FORMATS:
        if first_bytes.startswith(magic):
            raise NotACapture(log.file, found, remedy)
    raise NotACapture(
        log.file,
        f"neither pcap nor pcapng: it starts with the bytes {first_bytes.hex(' ')}",
        "give a capture as tcpdump, dumpcap or Wireshark write it",
    )
