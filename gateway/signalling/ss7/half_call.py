"""The seam in the middle of a call: two halves, each on a circuit or on SIP, that tell each other what came in.

An exchange is two signalling protocols back to back (Q.764 section 2.1; RFC 3398 section 4). Each half keeps the state
of its own protocol; what the other half must know of it comes through here, as the ISUP message that says it.
"""

from __future__ import annotations

from typing import Protocol

from gateway.codecs.ss7.isup import Cause, IsupMessage
from gateway.signalling.call import Action


class HalfCall(Protocol):
    """One half of a call, as its other half sees it. `actions` is what is to be done or told; times in microseconds."""

    def pass_on(self, message: IsupMessage, at_us: int, actions: list[Action]) -> None:
        """A message of the call came in on the other half: ACM, CPG, ANM, CON, SUS, RES, COT and the like.

        It is to be said in this half's own words: forwarded on the circuit, or as a SIP response or request.
        """

    def release(self, cause: Cause, at_us: int, actions: list[Action]) -> None:
        """The other half is released, or cannot go on. This one is to be released with this cause; it never calls back.

        To release a half that is released already does nothing.
        """
