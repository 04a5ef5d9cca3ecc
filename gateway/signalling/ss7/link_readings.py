"""How the links stand, for status, metrics and people."""

from __future__ import annotations

from typing import NamedTuple

from gateway.codecs.ss7.m3ua import ErrorCode, MessageType
from gateway.signalling.ss7.association import MessageCounts


class AssociationReading(NamedTuple):
    """One association."""

    name: str
    state: str
    """Of the application server process at its one end: ``active``, ``inactive``, ``coming up``, ``down`` ..."""


class LinkReading(NamedTuple):
    """One link, with all its associations. Message types and errors are named as RFC 4666 names them, in lower case."""

    name: str
    state: str
    """Of a client our process: ``active``, ``standby``, ``refused``, ``down`` ... Of a server the application server:
    ``active``, ``pending``, ``inactive``, ``down``; the best one, where several are registered."""
    is_active: bool
    """Whether anything can be sent."""
    associations: tuple[AssociationReading, ...]
    received: dict[str, int]
    """Messages by type: ``data``, ``aspup`` ...; types that are not known are ``other``."""
    sent: dict[str, int]
    refused: dict[str, int]
    """Messages of the peer that could not be taken, by error."""
    errors: dict[str, int]
    """ERR of the peer, by error."""
    lost: int
    """Messages of a user part that waited for a process to become active again, in vain."""
    waiting: int
    """Such messages that wait now."""
    unavailable: tuple[int, ...]
    """Point codes of the link that cannot be reached by it now."""
    congested: dict[int, int]
    """Congestion level, 1 to 3, of point codes that have one."""


def by_type(counts: dict[int, int]) -> dict[str, int]:
    return {_type_name(kind): count for kind, count in counts.items()}


def by_error(counts: dict[int, int]) -> dict[str, int]:
    return {_error_name(code): count for code, count in counts.items()}


def refused_by(counts: MessageCounts) -> dict[str, int]:
    return {_error_name(code): count for code, count in counts.refused.items()}


def _type_name(kind: int) -> str:
    return MessageType(kind).name.lower() if kind >= 0 else "other"


def _error_name(code: int) -> str:
    return ErrorCode(code).name.lower() if code >= 0 else "other"
