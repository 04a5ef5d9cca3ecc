"""Routing keys: which traffic is whose, as it is registered over an association (RFC 4666 sections 3.6 and 4.4)."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.m3ua import (
    DeregistrationStatus,
    M3uaMessage,
    Parameter,
    RegistrationStatus,
    Tag,
    decode_parameters,
    encode_parameters,
    number,
)
from gateway.codecs.ss7.mtp3 import ServiceIndicator

MAX_KEYS: Final = 16
"""Routing keys of one message, and of one link."""
_POINT_CODE: Final = 0xFFFFFF
_EVERY_NETWORK: Final = frozenset((Tag.ORIGINATING_POINT_CODE_LIST, Tag.NETWORK_APPEARANCE))


class RoutingKey(NamedTuple):
    """What an application server process wants to be sent (section 3.6.1)."""

    identifier: int
    """Local-RK-Identifier: what the process calls the key."""
    destinations: tuple[int, ...]
    """Point codes, in the order in which they were written."""
    services: bytes = b""
    """Service indicators; none: all."""
    context: int | None = None
    """Routing context that is asked for."""
    mode: int | None = None
    """Traffic mode type that is asked for."""
    narrowed: bool = False
    """It names origins or a network appearance, by which traffic is not told apart here."""

    @property
    def is_for_isup(self) -> bool:
        return not self.services or ServiceIndicator.ISUP in self.services


class Registered(NamedTuple):
    """The result of one registration (section 3.6.2)."""

    identifier: int
    status: int
    """A `RegistrationStatus`, or a number that is none."""
    context: int
    """Routing context; 0 where there is none."""


class Deregistered(NamedTuple):
    """The result of the end of one registration (section 3.6.4)."""

    context: int
    status: int
    """A `DeregistrationStatus`, or a number that is none."""


def routing_key_parameter(key: RoutingKey) -> Parameter:
    """A routing key as a REG REQ has it."""
    parts = [number(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, key.identifier)]
    if key.context is not None:
        parts.append(number(Tag.ROUTING_CONTEXT, key.context))
    if key.mode is not None:
        parts.append(number(Tag.TRAFFIC_MODE_TYPE, key.mode))
    parts += [number(Tag.DESTINATION_POINT_CODE, code) for code in key.destinations]
    if key.services:
        parts.append(Parameter(Tag.SERVICE_INDICATORS, key.services))
    return Parameter(Tag.ROUTING_KEY, encode_parameters(parts))


def routing_keys(message: M3uaMessage) -> tuple[RoutingKey, ...]:
    """The keys of a REG REQ, at most `MAX_KEYS`; those behind are left out. Raises Malformed."""
    return tuple(_routing_key(value) for value in message.values(Tag.ROUTING_KEY)[:MAX_KEYS])


def _routing_key(value: bytes) -> RoutingKey:
    inner = _inner(value)
    identifier = inner.integer(Tag.LOCAL_ROUTING_KEY_IDENTIFIER)
    if identifier is None:
        raise Malformed("a routing key without a local identifier", inner.offset(Tag.LOCAL_ROUTING_KEY_IDENTIFIER))
    return RoutingKey(
        identifier,
        tuple(
            int.from_bytes(code, "big") & _POINT_CODE if len(code) == 4 else -1
            for code in inner.values(Tag.DESTINATION_POINT_CODE)
        ),
        b"".join(inner.values(Tag.SERVICE_INDICATORS)),
        inner.integer(Tag.ROUTING_CONTEXT),
        inner.integer(Tag.TRAFFIC_MODE_TYPE),
        any(parameter.tag in _EVERY_NETWORK for parameter in inner.parameters),
    )


def _inner(value: bytes) -> M3uaMessage:
    """The parameters within a parameter, to be asked as those of a message are."""
    return M3uaMessage(0, decode_parameters(value, 0, len(value)))


def registration_result(identifier: int, status: RegistrationStatus, context: int) -> Parameter:
    """One result of a REG RSP."""
    parts = (
        number(Tag.LOCAL_ROUTING_KEY_IDENTIFIER, identifier),
        number(Tag.REGISTRATION_STATUS, status),
        number(Tag.ROUTING_CONTEXT, context),
    )
    return Parameter(Tag.REGISTRATION_RESULT, encode_parameters(parts))


def registration_results(message: M3uaMessage) -> tuple[Registered, ...]:
    """The results of a REG RSP. Raises Malformed."""
    results = []
    for value in message.values(Tag.REGISTRATION_RESULT)[:MAX_KEYS]:
        inner = _inner(value)
        identifier = inner.integer(Tag.LOCAL_ROUTING_KEY_IDENTIFIER)
        status = inner.integer(Tag.REGISTRATION_STATUS)
        if identifier is None or status is None:
            raise Malformed("a registration result without identifier or status", inner.offset(Tag.ROUTING_CONTEXT))
        results.append(Registered(identifier, status, inner.integer(Tag.ROUTING_CONTEXT) or 0))
    return tuple(results)


def deregistration_result(context: int, status: DeregistrationStatus) -> Parameter:
    """One result of a DEREG RSP."""
    parts = (number(Tag.ROUTING_CONTEXT, context), number(Tag.DEREGISTRATION_STATUS, status))
    return Parameter(Tag.DEREGISTRATION_RESULT, encode_parameters(parts))


def deregistration_results(message: M3uaMessage) -> tuple[Deregistered, ...]:
    """The results of a DEREG RSP. Raises Malformed."""
    results = []
    for value in message.values(Tag.DEREGISTRATION_RESULT)[:MAX_KEYS]:
        inner = _inner(value)
        context, status = inner.integer(Tag.ROUTING_CONTEXT), inner.integer(Tag.DEREGISTRATION_STATUS)
        if context is None or status is None:
            raise Malformed("a deregistration result without context or status", inner.offset(Tag.ROUTING_CONTEXT))
        results.append(Deregistered(context, status))
    return tuple(results)
