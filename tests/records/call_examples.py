"""Calls to record."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Mode, Side, TrunkGroup
from gateway.numbering.telephone_number import parse_number
from gateway.policy.call_attempt import CallAttempt, NumberFact, OcnSource
from gateway.policy.verdict import Decision, Evidence, Finding, Outcome, Refusal, Verdict
from gateway.signalling.call import Call, EndedBy

AT_US = 1_900_000_000_000_000
"""In the year 2030: younger than any retention."""

PARTNER = TrunkGroup("partner-1", Side.PARTNER, Ocn("XP01"), "WNVLMOXADS0", (Member(Hop("127.0.0.1", 5070)),))
HOST = TrunkGroup("host-1", Side.HOST, Ocn("XH01"), "WNVLMOXADS0", (Member(Hop("127.0.0.1", 5080)),))
EGRESS_MEMBER = Hop("127.0.0.1", 5080)

PASSED = Finding("presentation", Verdict.PASS, "47 CFR 64.1601(b)")
NOT_JUDGED = Finding("passport", Verdict.NOT_JUDGED, "L7", "no Identity header")


def number_fact(field: str, number: str) -> NumberFact:
    return NumberFact(field, parse_number(number), f"<sip:{number}@example.com>".encode(), 40)


def call(
    call_id: str = "a84b4c76e66710",
    *,
    at_us: int = AT_US,
    findings: tuple[Finding, ...] = (PASSED,),
    calling: str = "+13142061100",
    ingress: TrunkGroup | None = PARTNER,
    egress: TrunkGroup | None = HOST,
) -> Call:
    """An answered call of provider XV01 that the caller ended; checks were run to enforce, but for `NOT_JUDGED`."""
    attempt = CallAttempt(
        at_us=at_us,
        call_id=call_id,
        source=("127.0.0.1", 5070),
        ingress=ingress,
        provider=Ocn("XV01"),
        provider_source=OcnSource.CALLING_CODE,
        called=number_fact("Request-URI", "6363274001"),
        from_=number_fact("From", calling),
        to=number_fact("To", "6363274001"),
        routing_number=parse_number("+15732140000"),
    )
    modes = tuple(Mode.MONITOR if finding is NOT_JUDGED else Mode.ENFORCE for finding in findings)
    decision = Decision(Outcome.ADMIT, egress, findings, modes)
    return Call(attempt, decision, at_us + 1, at_us + 2, at_us + 3, 200, EndedBy.CALLER, EGRESS_MEMBER)


def refused_call(raw: bytes = b'"\xff" <sip:+13142061100@example.com>', call_id: str = "refused") -> Call:
    finding = Finding(
        "calling_number",
        Verdict.ALTERED,
        "L7",
        "From says 314-206-1100, P-Asserted-Identity +13142065100",
        (Evidence("From", raw, 120), Evidence("P-Asserted-Identity", b"<tel:+13142065100>", 300)),
        Refusal(403, "Calling Number Altered", 21),
    )
    refused = call(call_id, findings=(PASSED, NOT_JUDGED, finding))
    refused.decision = refused.decision._replace(outcome=Outcome.REFUSE, egress=None, refused_by=finding)
    refused.progressed_at_us = refused.answered_at_us = None
    refused.final_status, refused.ended_by = 403, EndedBy.REFUSAL
    return refused


def wait_until(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Waits for another thread or process that offers no event to wait for."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
