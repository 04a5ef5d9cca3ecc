"""What both ends of an M3UA association have in common: reading, refusing what cannot be taken, heartbeats, counts."""

from __future__ import annotations

from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import (
    HEADER_LENGTH,
    VERSION,
    ErrorCode,
    M3uaMessage,
    MessageClass,
    MessageType,
    Parameter,
    Tag,
    decode_m3ua,
    m3ua_data,
    number,
    transfer_of,
    written,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.links import Link
from gateway.signalling.ss7.turn import Deadlines, Timer, Turn

DATA_STREAMS: Final = 16
"""Streams of an association that carry DATA, from 1 on: one for each link selection of ITU."""
UNANSWERED_BEATS: Final = 2
"""An association that leaves so many heartbeats unanswered is restarted."""
_DIAGNOSTIC_OCTETS: Final = 40
"""So much of a message that was refused goes back with the ERR (RFC 4666 section 3.8.1)."""
_OTHER: Final = -1
"""What messages of unknown type are counted as."""

_ERR: Final[int] = MessageType.ERR
_DATA: Final[int] = MessageType.DATA
_PROTOCOL_DATA: Final[int] = Tag.PROTOCOL_DATA
_BEAT: Final[int] = MessageType.BEAT
_BEAT_ACK: Final[int] = MessageType.BEAT_ACK
_TYPES: Final = frozenset(int(kind) for kind in MessageType)
_CLASSES: Final = frozenset(int(one) for one in MessageClass)
_ON_STREAM_0: Final = frozenset(
    int(kind)
    for kind in MessageType
    if kind >> 8 in (MessageClass.ASPSM, MessageClass.RKM) and kind not in (MessageType.BEAT, MessageType.BEAT_ACK)
)
"""What may come on stream 0 alone (RFC 4666 section 1.4.7). ERR is left out: it is never answered with ERR."""


class Refused(Exception):
    """A message cannot be taken: it is answered with ERR, this code and these parameters."""

    def __init__(self, code: ErrorCode, *parameters: Parameter) -> None:
        super().__init__(code.name)
        self.code: Final = code
        self.parameters: Final = parameters


class MessageCounts:
    """Messages of one link, by type. Types that RFC 4666 does not know are counted together."""

    def __init__(self) -> None:
        self.received: Final[dict[int, int]] = {}
        self.sent: Final[dict[int, int]] = {}
        self.refused: Final[dict[ErrorCode, int]] = {}
        """Messages of the peer that were answered with ERR, or would have been."""
        self.errors: Final[dict[int, int]] = {}
        """ERR of the peer, by error code; codes that are not known as -1."""
        self.lost = 0
        """Messages of a user part that were taken to be sent, and were thrown away."""


class Association:
    """One association. `name` is what the transport calls it."""

    def __init__(self, name: str, link: Link, deadlines: Deadlines, counts: MessageCounts) -> None:
        self.name: Final = name
        self.link: Final = link
        self.deadlines: Final = deadlines
        self.counts: Final = counts
        self.identifier: bytes | None = None
        """ASP Identifier that the peer gave."""
        self._heard_us = 0
        self._unanswered = 0
        self._beats = 0

    # -- out ----------------------------------------------------------------------------------------------------------

    def say(self, turn: Turn, kind: int, *parameters: Parameter | None) -> None:
        """Send a message that is no DATA: all of them go on stream 0, which keeps their order."""
        self.carry(turn, 0, kind, written(kind, *parameters))

    def transfer(self, turn: Turn, transfer: Mtp3Transfer, context: int | None, correlation: int | None = None) -> None:
        """Send DATA. What has one link selection goes on one stream, so that it arrives in order."""
        self.carry(turn, 1 + transfer.sls % DATA_STREAMS, _DATA, m3ua_data(transfer, context, correlation))

    def carry(self, turn: Turn, stream: int, kind: int, data: bytes) -> None:
        sent = self.counts.sent
        sent[kind] = sent.get(kind, 0) + 1
        turn.carry(self.name, stream, data)

    # -- in -----------------------------------------------------------------------------------------------------------

    def receive(self, stream: int, data: bytes, turn: Turn) -> None:
        """A message came. Whatever cannot be taken is answered with ERR."""
        self._heard_us = turn.at_us
        self._unanswered = 0
        kind = _OTHER
        try:
            kind = self._known_type(data)
            if stream == 0 if kind == _DATA else stream != 0 and kind in _ON_STREAM_0:
                raise Refused(ErrorCode.INVALID_STREAM_IDENTIFIER)
            message = _read(data)
            if kind == _DATA:
                self.on_data(message, turn)
            else:
                self._on_other(message, stream, turn)
        except Malformed:  # a parameter of a message that is whole
            self._refuse(Refused(ErrorCode.PARAMETER_FIELD_ERROR), kind, data, turn)
        except Refused as refused:
            self._refuse(refused, kind, data, turn)

    def _known_type(self, data: bytes) -> int:
        if len(data) < HEADER_LENGTH:
            raise Refused(ErrorCode.PROTOCOL_ERROR)
        version, kind = data[0], data[2] << 8 | data[3]
        received = self.counts.received
        known = kind if kind in _TYPES and version == VERSION else _OTHER
        received[known] = received.get(known, 0) + 1
        if version != VERSION:
            raise Refused(ErrorCode.INVALID_VERSION)
        if known == _OTHER:
            one_of_ours = kind >> 8 in _CLASSES
            raise Refused(ErrorCode.UNSUPPORTED_MESSAGE_TYPE if one_of_ours else ErrorCode.UNSUPPORTED_MESSAGE_CLASS)
        return kind

    def _refuse(self, refused: Refused, kind: int, data: bytes, turn: Turn) -> None:
        counts = self.counts.refused
        counts[refused.code] = counts.get(refused.code, 0) + 1
        if kind != _ERR:  # two ends that refuse each other's refusals would never end
            self.say_error(turn, refused.code, *refused.parameters, diagnostic=data)

    def say_error(self, turn: Turn, code: ErrorCode, *parameters: Parameter, diagnostic: bytes = b"") -> None:
        """Send ERR, with the beginning of the message that gave rise to it."""
        about = Parameter(Tag.DIAGNOSTIC_INFORMATION, diagnostic[:_DIAGNOSTIC_OCTETS]) if diagnostic else None
        self.say(turn, _ERR, number(Tag.ERROR_CODE, code), *parameters, about)

    def _on_other(self, message: M3uaMessage, stream: int, turn: Turn) -> None:
        kind = message.type
        if kind == _BEAT:  # the heartbeat's data goes back as it came (section 3.5.6)
            self.carry(turn, stream, _BEAT_ACK, written(_BEAT_ACK, *message.parameters))
        elif kind == _ERR:
            code = required_number(message, Tag.ERROR_CODE)
            errors, known = self.counts.errors, code if code in _ERROR_CODES else -1
            errors[known] = errors.get(known, 0) + 1
            self.on_error(code, message, turn)
        elif kind != _BEAT_ACK:  # that the peer was heard is all that it says
            self.on_message(message, turn)

    # -- what the two ends do differently -----------------------------------------------------------------------------

    def on_data(self, message: M3uaMessage, turn: Turn) -> None:
        """DATA came, on a stream that it may come on. Raises Malformed and Refused."""
        raise NotImplementedError

    def on_message(self, message: M3uaMessage, turn: Turn) -> None:
        """Any other message came, of a known type. Raises Malformed and Refused."""
        raise NotImplementedError

    def on_error(self, code: int, message: M3uaMessage, turn: Turn) -> None:
        """The peer refused something. Raises Malformed and Refused."""

    def on_timer(self, timer: Timer, turn: Turn) -> None:
        """A timer of this end ran out."""

    # -- heartbeats ---------------------------------------------------------------------------------------------------

    def start_beats(self, turn: Turn) -> None:
        """The association is there: from now on it may not be silent for long."""
        self._heard_us = turn.at_us
        self._unanswered = 0
        if self.link.heartbeat_us:
            self.deadlines.start(Timer.BEAT, self, turn.at_us + self.link.heartbeat_us)

    def expired(self, timer: Timer, turn: Turn) -> None:
        if timer is Timer.BEAT:
            self._beat(turn)
        else:
            self.on_timer(timer, turn)

    def _beat(self, turn: Turn) -> None:
        due_us = self._heard_us + self.link.heartbeat_us
        if not self._unanswered and due_us > turn.at_us:  # something came since the timer was started
            self.deadlines.start(Timer.BEAT, self, due_us)
            return
        if self._unanswered == UNANSWERED_BEATS:
            turn.drop(self.name, f"{UNANSWERED_BEATS} heartbeats were not answered")
            return
        self._unanswered += 1
        self._beats += 1
        self.say(turn, _BEAT, Parameter(Tag.HEARTBEAT_DATA, self._beats.to_bytes(8, "big")))
        self.deadlines.start(Timer.BEAT, self, turn.at_us + self.link.heartbeat_us)


_ERROR_CODES: Final = frozenset(int(code) for code in ErrorCode)


def _read(data: bytes) -> M3uaMessage:
    """The message. Raises Refused: a protocol error is in the header, a parameter field error behind it."""
    try:
        return decode_m3ua(data)
    except Malformed as fault:
        in_header = fault.offset < HEADER_LENGTH
        raise Refused(ErrorCode.PROTOCOL_ERROR if in_header else ErrorCode.PARAMETER_FIELD_ERROR) from fault


def required_number(message: M3uaMessage, tag: Tag) -> int:
    """The value of a mandatory parameter of 32 bits. Raises Refused where it is missing, Malformed where it is not."""
    value = message.integer(tag)
    if value is None:
        raise Refused(ErrorCode.MISSING_PARAMETER)
    return value


def required_numbers(message: M3uaMessage, tag: Tag, most: int) -> tuple[int, ...]:
    """The values of a mandatory list. Raises Refused where it is missing or longer than `most`, Malformed otherwise."""
    values = message.integers(tag)
    if not values:
        raise Refused(ErrorCode.MISSING_PARAMETER)
    if len(values) > most:
        raise Refused(ErrorCode.INVALID_PARAMETER_VALUE)
    return values


def transfer_in(message: M3uaMessage) -> Mtp3Transfer:
    """What DATA carries. Raises Refused where nothing, Malformed where it cannot be read."""
    if message.value(_PROTOCOL_DATA) is None:
        raise Refused(ErrorCode.MISSING_PARAMETER)
    return transfer_of(message)
