"""The corpus: messages after every section of RFC 4475 and RFC 5118, and what the gateway owes to each.

A case is an entry of a file in `corpus`. Its message is text, a line of which ends in CR LF on the wire, with names in
braces that are filled in when it is sent (`{own}`: where it is sent from), ``<hex>0d00</hex>`` for octets that are no
text and ``<repeat 20>long</repeat>`` for what would fill the page. `{length}` is the length of the body.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

from gateway.interconnection.trunk_groups import Hop

PARTNER: Final = Hop("192.0.2.10", 5060)
"""Where a partner's switch is, where nothing else is said."""
CALLING, CALLED = "+13145550100", "+16365550199"
"""A number of a provider and one of the host's, as `tests/wiring/small_gateway.py` has them."""

FILES: Final = {
    "rfc4475_valid": "RFC 4475",
    "rfc4475_invalid": "RFC 4475",
    "rfc4475_semantic": "RFC 4475",
    "rfc5118": "RFC 5118",
}
_CORPUS: Final = Path(__file__).with_name("corpus")
_REPEAT: Final = re.compile(rb"<repeat (\d+)>(.*?)</repeat>", re.DOTALL)
_HEX: Final = re.compile(rb"<hex>([0-9a-f]*)</hex>")


class Kind(Enum):
    """Who sends it, and when."""

    REQUEST = "request"
    """The partner's switch, as a request of its own."""
    RESPONSE = "response"
    """The host's switch, in answer to an INVITE that is being set up."""
    STRAY_RESPONSE = "stray response"
    """The host's switch, in answer to nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message of the corpus."""

    document: str
    section: str
    name: str
    exercises: str
    """What in it is out of the ordinary."""
    owes: str
    """What the section says must happen."""
    expected: str
    """What must happen here: ``forwarded``, ``dropped``, or the status of the answer."""
    message: str
    kind: Kind = Kind.REQUEST
    answer_holds: str = ""
    """A line that the answer must have."""
    over_a_stream: str = ""
    """Where TCP and TLS differ: ``waits``, ``closed`` (after a 400), ``two messages``.
    Content-Length may be missing over UDP, and must be there on a stream (RFC 3261 section 20.14)."""
    differs: str = ""
    """In what the message differs from the section's, and why."""
    deviates: str = ""
    """In what we do not do what the section would like best, and why."""

    def __str__(self) -> str:
        return f"{self.document} {self.section} {self.name}"

    def payload(self, names: Mapping[str, str]) -> bytes:
        """The bytes on the wire, with these names filled in."""
        text = self.message
        for name, value in {"calling": CALLING, "called": CALLED, **names}.items():
            text = text.replace(f"{{{name}}}", value)
        lines = _REPEAT.sub(lambda found: found[2] * int(found[1]), text.encode())
        data = _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), lines.replace(b"\n", b"\r\n"))
        length = len(data) - data.find(b"\r\n\r\n") - 4
        return data.replace(b"{length}", b"%d" % length)


@cache
def cases() -> tuple[Case, ...]:
    """Every case of the corpus, in the order of the sections."""
    found: list[Case] = []
    for stem, document in FILES.items():
        with (_CORPUS / f"{stem}.toml").open("rb") as file:
            for entry in tomllib.load(file)["cases"]:
                kind = Kind(entry.pop("kind", Kind.REQUEST.value))
                found.append(Case(document=document, kind=kind, **entry))
    return tuple(found)


def names_for(mark: str, *, own: Hop = PARTNER, transport: str = "UDP") -> dict[str, str]:
    """What a request's braces stand for. `mark` tells one call from another."""
    return {"mark": mark, "own": f"{own.host}:{own.port}", "port": str(own.port), "transport": transport}


def requests(*, own: Hop = PARTNER) -> tuple[bytes, ...]:
    """The bytes of every request of the corpus, as sent from `own`."""
    asked = (case for case in cases() if case.kind is Kind.REQUEST)
    return tuple(case.payload(names_for(f"m{number}", own=own)) for number, case in enumerate(asked))
