"""How a refused call is said in SIP: status, phrase and Reason; as "603+" (ATIS-1000099) where the operator wants that.

A 603 Network Blocked tells the caller's side whom to turn to: in the Reason with the protocol SIP, as attributes in its
text. It is what 47 CFR 64.1200(k)(9) asks of who blocks calls by analytics, and goes back unchanged as far as the
caller's network. On circuits the same is said as cause 21 with the location "user" (paragraph (k)(9)(ii)). Only what is
refused for too many calls, or since its traffic is discontinued, is said so: all other refusals are of one call, for a
reason that its status already tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import Cause
from gateway.policy.refusals import CALL_REJECTED
from gateway.policy.verdict import Finding, Verdict
from gateway.signalling.own_side import reason_header, reason_line

STATUS: Final = 603
PHRASE: Final = "Network Blocked"
VERSION: Final = "analytics1"
"""Of the attributes in the text of the Reason."""

_BLOCKING: Final = frozenset({Verdict.OVER_LIMIT, Verdict.DISCONTINUED})
_USER: Final = 0
"""Location of a cause (Q.850 section 2.2.3)."""


@dataclass(frozen=True, slots=True)
class NetworkBlocked:
    """Whom a caller whose call was blocked can turn to: at least one of the three ways."""

    url: str | None = None
    """Of HTTPS."""
    telephone: str | None = None
    """In the form of E.164, with its plus."""
    email: str | None = None
    location: str = "LN"
    """Which network blocked the call, in the words of RFC 8606: ``LN``, ``TN``, ``RLN``."""

    def lines(self, text: str) -> bytes:
        """Reason lines: 603+, and the cause that it is on circuits with what was found."""
        ways = (("url", self.url), ("tel", self.telephone), ("email", self.email))
        said = "".join(f";{name}={way}" for name, way in ways if way is not None)
        blocked = f'Reason: SIP;cause={STATUS};text="v={VERSION}{said}";location={self.location}\r\n'
        return blocked.encode("ascii") + reason_line(CALL_REJECTED, text)


class Said(NamedTuple):
    """A refusal as a response says it."""

    status: int
    phrase: str
    lines: bytes
    """Header lines, each with its line end."""


def said_of(finding: Finding, blocked: NetworkBlocked | None) -> Said:
    """The response to a call that is refused by this finding; `blocked`: as 603+, where it is for that."""
    refusal = finding.refusal
    if refusal is None:
        raise AssertionError("what refuses a call says how")
    if blocked is not None and finding.verdict in _BLOCKING:
        return Said(STATUS, PHRASE, blocked.lines(f"{finding.verdict.value} {finding.check} {finding.clause}"))
    lines = reason_header(finding)
    if refusal.retry_after_s is not None:
        lines += b"Retry-After: %d\r\n" % refusal.retry_after_s
    return Said(refusal.status, refusal.phrase, lines)


def released_by(finding: Finding, blocked: bool) -> tuple[Cause, int]:
    """The same on a circuit: the cause of the REL, and the status that a SIP caller would have got."""
    if finding.refusal is None:
        raise AssertionError("what refuses a call says how")
    if blocked and finding.verdict in _BLOCKING:
        return Cause(CALL_REJECTED, _USER), STATUS
    return Cause(finding.refusal.cause), finding.refusal.status
