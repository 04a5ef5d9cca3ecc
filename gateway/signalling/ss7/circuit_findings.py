"""Why a trunk group with circuits has none for a call: one finding for each reason, shared by all the calls refused."""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.mtp3 import point_code_text
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.policy.engine import NO_CIRCUIT
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Finding, Verdict


class CircuitFindings:
    """Those of one trunk group. Each is a finding of `capacity` with cause 34: nobody breaks a clause."""

    __slots__ = (
        "blocked",
        "blocked_remotely",
        "congested",
        "kept",
        "opening",
        "resetting",
        "unequipped",
        "unreachable",
    )

    def __init__(self, name: str, group: CircuitGroup) -> None:
        """`name`: of the trunk group."""
        exchange = f"exchange {point_code_text(group.adjacent, group.variant)}"
        self.unreachable: Final = _out_of_service(name, f"{exchange} cannot be reached")
        self.blocked: Final = _out_of_service(name, "its circuits are blocked by an operator, but for emergency calls")
        self.kept: Final = _out_of_service(
            name, "its circuits are kept for one provider, and none is cut over to them (L8); emergency calls pass"
        )
        self.resetting: Final = _out_of_service(name, f"its circuits wait for {exchange} to acknowledge a reset")
        self.opening: Final = _out_of_service(
            name, f"its circuits wait for {exchange} to acknowledge that they are unblocked"
        )
        self.blocked_remotely: Final = _out_of_service(name, f"its circuits are blocked by {exchange}")
        self.unequipped: Final = _out_of_service(name, f"its circuits are not known to {exchange}")
        self.congested: Final = _finding(
            name, f"the way to {exchange} is congested, and gets fewer calls for a while", Reason.NO_ROOM
        )


def _out_of_service(name: str, text: str) -> Finding:
    return _finding(name, text, Reason.NO_MEMBER)


def _finding(name: str, text: str, reason: Reason) -> Finding:
    text = f"trunk group {name}: {text}"
    return Finding("capacity", Verdict.NO_CIRCUIT, NO_CIRCUIT, text, refusal=REFUSALS[reason])
