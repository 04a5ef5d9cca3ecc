"""What locating a server asks of the domain name system, and what comes back (RFC 1035, RFC 2782, RFC 3403)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

MAX_RECORDS: Final = 64
"""Records of one answer that are looked at. A trunk group has no more members than that either."""

_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


class RecordType(StrEnum):
    NAPTR = "NAPTR"
    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"


class Question(NamedTuple):
    name: str
    """As `canonical_name` gives it."""
    type: RecordType

    def __str__(self) -> str:
        return f"{self.type.value} {self.name}"


class Naptr(NamedTuple):
    """A naming authority pointer (RFC 3403 section 4)."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str
    """A name as `canonical_name` gives it; empty where it is the root."""


class Srv(NamedTuple):
    """Where a service is (RFC 2782)."""

    priority: int
    """The lowest is tried first."""
    weight: int
    """Share among servers of one priority."""
    port: int
    target: str
    """A name as `canonical_name` gives it; empty where it is the root: the service is decidedly not there."""


class IpAddress(NamedTuple):
    """An A or AAAA record."""

    host: str
    """IPv6 without brackets, in the shortest form."""


Record = Naptr | Srv | IpAddress


class Answer(NamedTuple):
    """What is known of one question: records, none, or a failure to find out."""

    records: tuple[Record, ...]
    """Empty where there are none, or where `failure` says why it is not known."""
    ttl_s: int
    """Seconds for which this holds, from now."""
    failure: str = ""
    """Why nobody could say, for a person; empty where the answer is known."""


def canonical_name(text: str) -> str | None:
    """A host or service name in lower case and without the final dot; None for what is none (RFC 1035 section 2.3.4).

    Letters, digits, dashes and underscores, 63 in a label, 253 in all. The last label is not a number: what looks like
    an IPv4 address and is none must not be looked up (RFC 1123 section 2.1).
    """
    name = text.removesuffix(".").lower() if len(text) <= 254 else ""
    return name if _NAME.fullmatch(name) and not name.rpartition(".")[2].isdigit() else None
