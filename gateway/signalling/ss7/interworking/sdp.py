"""Session descriptions of the media at our end of a call: offers and answers (RFC 4566, RFC 3264).

The gateway handles no media. What it says of it is what a media gateway at the configured address would say: one audio
stream, G.711 or clear channel, at a port that follows from the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple
from zlib import crc32

from gateway.codecs.malformed import Malformed
from gateway.signalling.ss7.interworking.bearers import Bearer

LONGEST: Final = 16_384
MAX_STREAMS: Final = 16
"""More bytes, or more media descriptions, make a session description malformed."""

_STATIC: Final = {b"0": Bearer.MU_LAW, b"8": Bearer.A_LAW}
"""Payload types of RFC 3551."""
_ENCODINGS: Final = {b"PCMU": Bearer.MU_LAW, b"PCMA": Bearer.A_LAW, b"CLEARMODE": Bearer.DIGITAL}
_PAYLOAD: Final = {Bearer.MU_LAW: b"0", Bearer.A_LAW: b"8", Bearer.DIGITAL: b"97"}
_PROFILES: Final = frozenset({b"RTP/AVP", b"RTP/AVPF"})
_DIRECTIONS: Final = (b"sendrecv", b"sendonly", b"recvonly", b"inactive")
_ANSWERED: Final = {b"sendonly": b"recvonly", b"recvonly": b"sendonly"}
"""What the answer to a direction is, where it is not the same (RFC 3264 section 6.1)."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Where the media of calls would be."""

    address: str = "127.0.0.1"
    """IP address of the media gateway, an IPv6 address without brackets."""
    first_port: int = 16_384
    ports: int = 16_384
    """Ports from the first one on; each call has an even one of them."""


class NotAcceptable(Exception):
    """An offer has no stream that a circuit could carry; `warning` is the code of RFC 3261 section 20.43."""

    def __init__(self, warning: int, text: str) -> None:
        super().__init__(text)
        self.warning: Final = warning
        self.text: Final = text


class _Stream(NamedTuple):
    """One media description of an offer."""

    media: bytes
    port: bytes
    profile: bytes
    formats: tuple[bytes, ...]
    encodings: dict[bytes, bytes]
    """Payload type -> encoding name, in capitals."""
    direction: bytes


class Media:
    """Our side of one call's session: the same call gives the same descriptions."""

    __slots__ = ("_body", "_head", "_origin", "_version", "bearer", "held", "port")

    def __init__(self, settings: MediaSettings, call_id: bytes) -> None:
        number = crc32(call_id)
        family = "IP6" if ":" in settings.address else "IP4"
        self.port: Final = settings.first_port + 2 * (number % max(settings.ports // 2, 1))
        self._origin: Final = f"IN {family} {settings.address}".encode()
        self._head: Final = b"v=0\r\no=- %d " % number
        self._version = 0
        self._body = b""
        """What stands behind the origin in the latest description."""
        self.bearer = Bearer.MU_LAW
        self.held = False
        """The other side has put the call on hold: it no longer wants to hear us."""

    def offer(self, bearer: Bearer, *, hold: bool = False) -> bytes:
        """An offer of one audio stream; for voice both laws of G.711, the bearer's own first."""
        self.bearer = bearer
        laws = (bearer, Bearer.A_LAW if bearer is Bearer.MU_LAW else Bearer.MU_LAW)
        kinds = (bearer,) if bearer is Bearer.DIGITAL else laws
        maps = b"".join(b"a=rtpmap:%s %s/8000\r\n" % (_PAYLOAD[kind], kind.value.encode()) for kind in kinds)
        formats = b" ".join(_PAYLOAD[kind] for kind in kinds)
        direction = b"a=inactive\r\n" if hold else b"a=sendrecv\r\n"
        return self._description(b"m=audio %d RTP/AVP %s\r\n%s%s" % (self.port, formats, maps, direction))

    def answer(self, offer: bytes) -> bytes:
        """The answer to an offer: its first audio stream that a circuit can carry is taken, the others are refused.

        Raises `Malformed` for what is no session description, `NotAcceptable` where there is no such stream.
        """
        streams = _streams(offer)
        if not any(stream.media == b"audio" for stream in streams):
            raise NotAcceptable(304, "Media type not available")
        lines: list[bytes] = []
        taken = False
        for stream in streams:
            chosen = None if taken else _choice(stream)
            if chosen is None:
                lines.append(b"m=%s 0 %s %s\r\n" % (stream.media, stream.profile, b" ".join(stream.formats)))
                continue
            taken = True
            payload, self.bearer = chosen
            self.held = stream.direction in (b"sendonly", b"inactive")
            lines.append(
                b"m=audio %d %s %s\r\na=rtpmap:%s %s/8000\r\na=%s\r\n"
                % (
                    *(self.port, stream.profile, payload, payload, self.bearer.value.encode()),
                    _ANSWERED.get(stream.direction, stream.direction),
                )
            )
        if not taken:
            raise NotAcceptable(305, "Incompatible media format")
        return self._description(b"".join(lines))

    def _description(self, streams: bytes) -> bytes:
        body = b"s=-\r\nc=%s\r\nt=0 0\r\n%s" % (self._origin, streams)
        if body != self._body:  # RFC 3264 section 8: another description has another version
            self._version += 1
            self._body = body
        return b"%s%d %s\r\n%s" % (self._head, self._version, self._origin, body)


def _choice(stream: _Stream) -> tuple[bytes, Bearer] | None:
    """Payload type and bearer of the first format that a circuit can carry; None where there is none."""
    if stream.media != b"audio" or stream.port == b"0" or stream.profile not in _PROFILES:
        return None
    for payload in stream.formats:
        encoding = stream.encodings.get(payload)
        bearer = _ENCODINGS.get(encoding) if encoding is not None else _STATIC.get(payload)
        if bearer is not None:
            return payload, bearer
    return None


def _streams(description: bytes) -> list[_Stream]:
    if len(description) > LONGEST:
        raise Malformed(f"the session description is longer than {LONGEST} bytes", LONGEST)
    if not description.startswith(b"v=0"):
        raise Malformed("the session description does not start with v=0")
    streams: list[_Stream] = []
    session_direction = _DIRECTIONS[0]
    for line in description.splitlines():
        kind, equals, value = line[:1], line[1:2], line[2:].strip()
        if equals != b"=" and line.strip():
            raise Malformed("a line of the session description is not 'type=value'", description.find(line))
        if kind == b"m":
            fields = value.split()
            if len(fields) < 4 or not fields[1].partition(b"/")[0].isdigit() or len(streams) == MAX_STREAMS:
                raise Malformed("a media description is none, or there are too many", description.find(line))
            port = fields[1].partition(b"/")[0].lstrip(b"0") or b"0"
            streams.append(_Stream(fields[0], port, fields[2], tuple(fields[3:]), {}, session_direction))
        elif kind == b"a" and value in _DIRECTIONS:
            if streams:
                streams[-1] = streams[-1]._replace(direction=value)
            else:
                session_direction = value
        elif kind == b"a" and value.startswith(b"rtpmap:") and streams:
            payload, _, encoding = value[7:].partition(b" ")
            streams[-1].encodings[payload.strip()] = encoding.strip().partition(b"/")[0].upper()
    return streams
