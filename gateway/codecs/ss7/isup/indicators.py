"""The parameters made of bits: call indicators forward and backward, nature of connection, events, redirection."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed

_tuple: Final = tuple.__new__  # makes a named tuple in a third of the time that its own name takes


def wrong_length(value: bytes, count: int, name: str) -> Malformed:
    """What to raise of a value that is not `count` octets long."""
    return Malformed(f"{name}: {len(value)} octets instead of {count}", min(len(value), count))


class NatureOfConnection(NamedTuple):
    """Nature of connection indicators (Q.763 section 3.35)."""

    satellites: int = 0
    """Satellite circuits in the connection: 0, 1 or 2."""
    continuity: int = 0
    """0: no check, 1: check on this circuit, 2: check on a previous circuit."""
    echo_control: bool = False
    """An outgoing echo control device is included."""
    spare: int = 0


def decode_nature_of_connection(value: bytes) -> NatureOfConnection:
    if len(value) != 1:
        raise wrong_length(value, 1, "nature of connection indicators")
    octet = value[0]
    return _tuple(NatureOfConnection, (octet & 0x03, octet >> 2 & 0x03, octet & 0x10 != 0, octet & 0xE0))


def encode_nature_of_connection(nature: NatureOfConnection) -> bytes:
    echo = 0x10 if nature.echo_control else 0
    return bytes((nature.satellites & 0x03 | (nature.continuity & 0x03) << 2 | echo | nature.spare & 0xE0,))


class ForwardCallIndicators(NamedTuple):
    """Forward call indicators (Q.763 section 3.23; T1.113.3)."""

    international: bool = False
    """To be treated as an international call (ANSI: incoming international call)."""
    end_to_end_method: int = 0
    interworking: bool = False
    """Signalling other than SS7 was met on the way."""
    end_to_end_information: bool = False
    """ITU-T: end-to-end information is available; ANSI: the IAM is segmented."""
    isup_all_the_way: bool = True
    isup_preference: int = 0
    """0: ISUP preferred all the way, 1: not required, 2: required."""
    isdn_access: bool = False
    """The originating access is ISDN."""
    sccp_method: int = 0
    ported: bool = False
    """The M bit: the number was translated, a portability query is done (ported number translation indicator)."""
    query_on_release: bool = False
    spare: int = 0
    """Bits of the second octet without a meaning here, kept as they came."""


def decode_forward_call_indicators(value: bytes) -> ForwardCallIndicators:
    if len(value) != 2:
        raise wrong_length(value, 2, "forward call indicators")
    first = value[0]
    second = value[1]
    return _tuple(
        ForwardCallIndicators,
        (
            first & 0x01 != 0,
            first >> 1 & 0x03,
            first & 0x08 != 0,
            first & 0x10 != 0,
            first & 0x20 != 0,
            first >> 6,
            second & 0x01 != 0,
            second >> 1 & 0x03,
            second & 0x10 != 0,
            second & 0x20 != 0,
            second & 0xC8,
        ),
    )


def encode_forward_call_indicators(indicators: ForwardCallIndicators) -> bytes:
    first = (
        (0x01 if indicators.international else 0)
        | (indicators.end_to_end_method & 0x03) << 1
        | (0x08 if indicators.interworking else 0)
        | (0x10 if indicators.end_to_end_information else 0)
        | (0x20 if indicators.isup_all_the_way else 0)
        | (indicators.isup_preference & 0x03) << 6
    )
    second = (
        (0x01 if indicators.isdn_access else 0)
        | (indicators.sccp_method & 0x03) << 1
        | (0x10 if indicators.ported else 0)
        | (0x20 if indicators.query_on_release else 0)
        | indicators.spare & 0xC8
    )
    return bytes((first, second))


class BackwardCallIndicators(NamedTuple):
    """Backward call indicators (Q.763 section 3.5; T1.113.3)."""

    charge: int = 0
    """0: no indication, 1: no charge, 2: charge."""
    called_status: int = 0
    """0: no indication, 1: subscriber free, 2: connect when free."""
    called_category: int = 0
    """0: no indication, 1: ordinary subscriber, 2: payphone."""
    end_to_end_method: int = 0
    interworking: bool = False
    end_to_end_information: bool = False
    """ITU-T: end-to-end information is available; ANSI: the IAM is segmented."""
    isup_all_the_way: bool = True
    holding: bool = False
    isdn_access: bool = False
    """The terminating access is ISDN."""
    echo_control: bool = False
    """An incoming echo control device is included."""
    sccp_method: int = 0


def decode_backward_call_indicators(value: bytes) -> BackwardCallIndicators:
    if len(value) != 2:
        raise wrong_length(value, 2, "backward call indicators")
    first = value[0]
    second = value[1]
    return BackwardCallIndicators(
        first & 0x03,
        first >> 2 & 0x03,
        first >> 4 & 0x03,
        first >> 6,
        second & 0x01 != 0,
        second & 0x02 != 0,
        second & 0x04 != 0,
        second & 0x08 != 0,
        second & 0x10 != 0,
        second & 0x20 != 0,
        second >> 6,
    )


def encode_backward_call_indicators(indicators: BackwardCallIndicators) -> bytes:
    first = (
        indicators.charge & 0x03
        | (indicators.called_status & 0x03) << 2
        | (indicators.called_category & 0x03) << 4
        | (indicators.end_to_end_method & 0x03) << 6
    )
    second = (
        (0x01 if indicators.interworking else 0)
        | (0x02 if indicators.end_to_end_information else 0)
        | (0x04 if indicators.isup_all_the_way else 0)
        | (0x08 if indicators.holding else 0)
        | (0x10 if indicators.isdn_access else 0)
        | (0x20 if indicators.echo_control else 0)
        | (indicators.sccp_method & 0x03) << 6
    )
    return bytes((first, second))


class OptionalForwardCallIndicators(NamedTuple):
    """Optional forward call indicators (Q.763 section 3.38)."""

    closed_user_group: int = 0
    """0: no CUG call, 2: outgoing access allowed, 3: not allowed."""
    segmentation: bool = False
    """More follows in a segmentation message."""
    connected_line_requested: bool = False
    spare: int = 0


def decode_optional_forward(value: bytes) -> OptionalForwardCallIndicators:
    if len(value) != 1:
        raise wrong_length(value, 1, "optional forward call indicators")
    octet = value[0]
    return OptionalForwardCallIndicators(octet & 0x03, octet & 0x04 != 0, octet & 0x80 != 0, octet & 0x78)


def encode_optional_forward(indicators: OptionalForwardCallIndicators) -> bytes:
    segmentation = 0x04 if indicators.segmentation else 0
    requested = 0x80 if indicators.connected_line_requested else 0
    return bytes((indicators.closed_user_group & 0x03 | segmentation | requested | indicators.spare & 0x78,))


class OptionalBackwardCallIndicators(NamedTuple):
    """Optional backward call indicators (Q.763 section 3.37)."""

    in_band: bool = False
    """In-band information, or a tone, is available."""
    diversion_may_occur: bool = False
    segmentation: bool = False
    """More follows in a segmentation message."""
    mlpp: bool = False
    spare: int = 0
    """National use and ANSI's user-network interaction among them."""


def decode_optional_backward(value: bytes) -> OptionalBackwardCallIndicators:
    if len(value) != 1:
        raise wrong_length(value, 1, "optional backward call indicators")
    octet = value[0]
    return OptionalBackwardCallIndicators(
        octet & 0x01 != 0, octet & 0x02 != 0, octet & 0x04 != 0, octet & 0x08 != 0, octet & 0xF0
    )


def encode_optional_backward(indicators: OptionalBackwardCallIndicators) -> bytes:
    octet = (
        (0x01 if indicators.in_band else 0)
        | (0x02 if indicators.diversion_may_occur else 0)
        | (0x04 if indicators.segmentation else 0)
        | (0x08 if indicators.mlpp else 0)
        | indicators.spare & 0xF0
    )
    return bytes((octet,))


class EventInformation(NamedTuple):
    """Event information of a CPG (Q.763 section 3.21)."""

    event: int
    """`Event`."""
    restricted: bool = False
    """The event is not to be shown to the caller."""


def decode_event(value: bytes) -> EventInformation:
    if len(value) != 1:
        raise wrong_length(value, 1, "event information")
    return EventInformation(value[0] & 0x7F, value[0] & 0x80 != 0)


def encode_event(event: EventInformation) -> bytes:
    return bytes((event.event & 0x7F | (0x80 if event.restricted else 0),))


class RedirectionInformation(NamedTuple):
    """Redirection information (Q.763 section 3.45). Reasons: 0 unknown, 1 busy, 2 no reply, 3 unconditional ..."""

    indicator: int = 3
    """0: no redirection, 1: rerouted, 2: rerouted and restricted, 3: diverted, 4: diverted and restricted ..."""
    original_reason: int = 0
    counter: int = 1
    """How often the call was redirected, 1 to 5."""
    reason: int = 0
    """Why it was redirected last."""
    spare: int = 0
    """Bits without a meaning, those of the first octet above those of the second."""
    short: bool = False
    """Without the second octet, as networks of 1988 send it; counter and reason are 0 then."""


def decode_redirection_information(value: bytes) -> RedirectionInformation:
    if len(value) == 1:
        return RedirectionInformation(value[0] & 0x07, value[0] >> 4, 0, 0, (value[0] & 0x08) << 8, short=True)
    if len(value) != 2:
        raise wrong_length(value, 2, "redirection information")
    first = value[0]
    second = value[1]
    return RedirectionInformation(
        first & 0x07, first >> 4, second & 0x07, second >> 4, (first & 0x08) << 8 | second & 0x08
    )


def encode_redirection_information(information: RedirectionInformation) -> bytes:
    first = information.indicator & 0x07 | information.spare >> 8 & 0x08 | (information.original_reason & 0x0F) << 4
    if information.short:
        return bytes((first,))
    return bytes((first, information.counter & 0x07 | information.spare & 0x08 | (information.reason & 0x0F) << 4))
