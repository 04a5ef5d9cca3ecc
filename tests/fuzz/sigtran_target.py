"""What must hold of the codecs of MTP3, M3UA, M2UA, M2PA and MTP2 for any octets at all.

Nothing is raised but `Malformed`, with an offset within the octets. What is read is written to be read as the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m2pa import msu_of_m2pa
from gateway.codecs.ss7.m2ua import msu_of_m2ua
from gateway.codecs.ss7.m3ua import (
    M3uaMessage,
    Tag,
    decode_m3ua,
    encode_m3ua,
    m3ua_data,
    message_length,
    transfer_of,
    user_data_offset,
)
from gateway.codecs.ss7.mtp2 import msu_of_mtp2
from gateway.codecs.ss7.mtp3 import decode_mtp3, encode_mtp3
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.routing_keys import deregistration_results, registration_results, routing_keys

T = TypeVar("T")

_FINDERS: Final[tuple[Callable[[bytes], tuple[int, int] | None], ...]] = (
    msu_of_m2ua,
    msu_of_m2pa,
    msu_of_mtp2,
    partial(msu_of_mtp2, annex_a=True),
)


def sigtran(data: bytes) -> None:
    """Raises, with AssertionError or whatever a codec let through, where something does not hold."""
    for finder in _FINDERS:
        span = _read(partial(finder, data), len(data))
        if span is not None:
            assert 0 < span[0] < span[1] <= len(data), "a message lies outside of its frame"
    for variant in Variant:
        transfer = _read(partial(decode_mtp3, data, variant), len(data))
        assert transfer is None or encode_mtp3(transfer, variant) == data, "a label is written otherwise"
    _read(partial(message_length, data), len(data))
    message = _read(partial(decode_m3ua, data), len(data))
    if message is not None:
        _m3ua(data, message)


def _m3ua(data: bytes, message: M3uaMessage) -> None:
    written = encode_m3ua(message)
    assert decode_m3ua(written) == message, "a message is written otherwise"
    assert message_length(written) == len(written), "a message has two lengths"
    for tag in Tag:
        _read(partial(message.integer, tag), len(data) + 4)
        _read(partial(message.integers, tag), len(data) + 4)
        assert (message.value(tag) is not None) == bool(message.values(tag)), "a parameter is there, and is not"
    for results in (routing_keys, registration_results, deregistration_results):
        _read(partial(results, message), len(data))
    transfer = _read(partial(transfer_of, message), len(data))
    if transfer is not None:
        assert data[user_data_offset(message) :].startswith(transfer.data), "a message begins elsewhere"
        context = _read(partial(message.integer, Tag.ROUTING_CONTEXT), len(data))
        assert transfer_of(decode_m3ua(m3ua_data(transfer, context))) == transfer, "a transfer is written otherwise"


def _read(read: Callable[[], T], most: int) -> T | None:
    try:
        return read()
    except Malformed as fault:
        offset = fault.offset
    assert 0 <= offset <= most, "a fault lies outside of the octets"
    return None
