"""The SS7 side of reading a capture: from packets and frames to the messages of SS7, through every carrier of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.capture.faults import CaptureLimits, FaultLog, SkipCount
from gateway.capture.frames import Frame
from gateway.capture.ip import TCP, IpPacket, protocol_name
from gateway.capture.msu import LinkMessage
from gateway.capture.sctp import AssociationEnd, SctpLayer, SctpPacket, UserMessage, is_sctp
from gateway.capture.sigtran import M3UA_PORT, SignallingMessages, Ss7, begins_with_m3ua
from gateway.capture.ss7_variant import VariantFinder
from gateway.capture.stretch import Stretch
from gateway.capture.tcp import TcpLayer, packet_stretch
from gateway.capture.udp import Datagram
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address


class Signalling:
    """Everything of one capture that can carry SS7."""

    def __init__(
        self,
        faults: FaultLog,
        skipped: SkipCount,
        limits: CaptureLimits,
        variant: Variant | None = None,
        m3ua_addresses: frozenset[Address] = frozenset(),
    ) -> None:
        """`m3ua_addresses`: where M3UA over TCP is taken beside its own port."""
        self._skipped: Final = skipped
        self._m3ua_addresses: Final = m3ua_addresses
        self._sctp: Final = SctpLayer(faults, skipped, limits)
        self._tcp: Final = TcpLayer(self._is_m3ua, begins_with_m3ua, faults, skipped, limits)
        self._variants: Final = VariantFinder(variant)
        self._messages: Final = SignallingMessages(self._variants, skipped, limits)

    @property
    def variants(self) -> Counter[Variant]:
        """Messages of ISUP so far, by the variant that they were read as."""
        return self._variants.told

    @property
    def shown_variants(self) -> Counter[Variant]:
        """The first ones by the variant that they themselves show, where one was given."""
        return self._variants.shown

    def of_frame(self, frame: Frame) -> Iterable[Ss7]:
        """What a frame of a signalling link holds."""
        found = self._messages.of_frame(frame)
        return (found,) if found is not None else ()

    def of_sctp(self, frame: Frame, packet: IpPacket) -> Iterator[Ss7]:
        """What can be delivered now that a packet is there."""
        cut = frame.end < frame.wire_end
        whole = SctpPacket(packet.source, packet.destination, frame.at_us, frame.number, packet_stretch(packet), cut)
        return self._of_messages(self._sctp.messages(whole))

    def of_datagram(self, datagram: Datagram) -> Iterable[Datagram | Ss7]:
        """The same for SCTP in UDP (RFC 6951); the datagram itself where it is something else."""
        if not is_sctp(datagram.payload):
            return (datagram,)
        packet = SctpPacket(
            datagram.source[0],
            datagram.destination[0],
            datagram.at_us,
            datagram.frame,
            Stretch(datagram.payload, datagram.offset, datagram.pieces),
            datagram.truncated,
        )
        return self._of_messages(self._sctp.messages(packet))

    def of_tcp(self, frame: Frame, packet: IpPacket) -> Iterator[Ss7]:
        """What can be delivered now that a segment is there; none, counted, for a connection without M3UA."""
        if not self._tcp.follows(packet):
            self._skipped.add(protocol_name(TCP))
            return
        for piece in self._tcp.bytes_of(frame, packet):
            yield from self._messages.of_stream(piece)

    def finish(self) -> Iterator[Ss7]:
        """The capture is over: what waited for something that never came."""
        yield from self._of_messages(self._sctp.finish())
        for piece in self._tcp.finish():
            yield from self._messages.of_stream(piece)

    def _is_m3ua(self, address: Address) -> bool:
        return address[1] == M3UA_PORT or address in self._m3ua_addresses

    def _of_messages(self, messages: Iterable[UserMessage | AssociationEnd]) -> Iterator[Ss7]:
        for message in messages:
            if isinstance(message, AssociationEnd):
                yield LinkMessage(message.at_us, message.source, message.destination, b"")
                continue
            found = self._messages.of_sctp(message)
            if found is not None:
                yield found
