"""What must hold on the wire for every call: the decision is what the caller and the far end saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.call_plan import CallOutcome
from sim.observation import DecisionSeen
from sim.sip_text import SipText, read

_HOP_BY_HOP = (b"via", b"record-route", b"max-forwards")
"""What a proxy adds to or changes (RFC 3261 section 16.6)."""


def contradictions(outcome: CallOutcome, decision: DecisionSeen, received: Sequence[object]) -> Iterator[str]:
    """Where the wire says otherwise than the decision. `received`: the call as the far ends got it, of all the cast,
    but for those whose failure made the gateway ask another.
    """
    refused_by = decision.refused_by
    if refused_by is None:
        if len(received) != 1:
            yield f"the decision is {decision.outcome}, and {len(received)} of the cast got the call"
        return
    if received:
        yield f"the call was refused ({refused_by.verdict}), and it reached the far end"
    if outcome.status is None or outcome.status < 400:
        yield f"the call was refused ({refused_by.verdict}), and the caller saw {outcome.status}"
    said = f"{refused_by.verdict} {refused_by.check} {refused_by.clause}"
    if said not in (outcome.reason or ""):
        yield f"the refusal's Reason header says {outcome.reason!r}, not {said!r}"


def alterations(ingress: bytes, received: bytes) -> Iterator[str]:
    """What of an INVITE is not as it came to the gateway, apart from Via, Record-Route and Max-Forwards.

    Every other byte of the start line, the fields, their order, and the body must be there as it was; of Via the
    earlier ones must stand unchanged below those added, and Max-Forwards must have gone down.
    """
    before, after = read(ingress), read(received)
    if before is None or after is None:
        yield "an INVITE can't be read"
        return
    if before.start_line != after.start_line:
        yield f"the start line was {before.start_line!r}, arrived as {after.start_line!r}"
    if before.body != after.body:
        yield "the body was changed"
    kept, arrived = _end_to_end(before), _end_to_end(after)
    if kept != arrived:
        changed = [line for line in kept if line not in arrived] or [line for line in arrived if line not in kept]
        yield f"header fields were changed or moved: {b', '.join(changed).decode('utf-8', 'replace')}"
    for name in (b"via", b"record-route"):
        lines = [field.raw for field in before.fields if field.name == name]
        below = [field.raw for field in after.fields if field.name == name]
        if lines and below[-len(lines) :] != lines:
            yield f"a {name.decode()} of an earlier hop was changed"
    if not _hops(after) < _hops(before):
        yield "Max-Forwards did not go down"


def _end_to_end(message: SipText) -> list[bytes]:
    return [field.raw for field in message.fields if field.name not in _HOP_BY_HOP]


def _hops(message: SipText) -> int:
    value = message.first(b"max-forwards") or b""
    return int(value) if value.isdigit() else 71
