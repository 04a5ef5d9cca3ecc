"""Notices: what a partner is told of the steps about its providers, in plain English (agreement L, L1.3 and L8).

A notice is made from the journal's entry of a step, and says by which entry it is proved. It goes to the account
manager whom the agreement names; one that can go to nobody so named says so (`Notice.defect`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.interconnection.denial_of_service import Scope, Standing, State, Step, StepKind

CLAUSE: Final = "L8"
NO_ACCOUNT_MANAGER: Final = "no account manager is named for the partner (L1.3): give carriers.account_manager"


class NoticeKind(Enum):
    """What a notice tells of: one kind for each kind of step."""

    THROTTLED = "throttled"
    RELEASED = "released"
    DISCONTINUED = "discontinued"
    ATTESTED = "attested"
    REMEDIATED = "remediated"
    RESTORED = "restored"
    DEDICATED = "dedicated"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. Texts are for people; times are microseconds since the Unix epoch."""

    id: str
    """The same however often it is sent: letters, digits and hyphens, fit for the name of a file."""
    at_us: int
    kind: NoticeKind
    sender: str
    """The host, as its carrier is called."""
    recipient: str
    """The partner's account manager; the partner itself where none is named."""
    subject: str
    text: str
    clause: str
    about: Ocn
    """The provider."""
    step: int
    """Number in the journal of the step that it tells of."""
    channels: tuple[str, ...] = ()
    """How it is to be delivered."""
    defect: str | None = None
    """Why the agreement may not take it for a notice."""


class DeliveryState(Enum):
    """How far a notice has come on one channel."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # given up


class Delivery(NamedTuple):
    """A notice on its way, on one channel."""

    notice: Notice
    number: int
    """Of the notice in the journal."""
    channel: str
    state: DeliveryState
    attempts: int
    """Since the start of the gateway."""
    next_at_us: int
    """PENDING: not to be tried before."""
    reason: str
    """Why the last attempt failed; empty where none did."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken, as the journal has it."""

    step: Step
    sequence: int
    hash: str
    """Of the journal's entry, SHA-256 in hexadecimal."""
    before: Standing
    after: Standing
    evidence: str | None = None
    """The bundle of evidence that goes with it."""


_KINDS: Final[Mapping[StepKind, NoticeKind]] = MappingProxyType(
    {
        StepKind.THROTTLE: NoticeKind.THROTTLED,
        StepKind.RELEASE: NoticeKind.RELEASED,
        StepKind.DISCONTINUE: NoticeKind.DISCONTINUED,
        StepKind.ATTEST: NoticeKind.ATTESTED,
        StepKind.CLEAR: NoticeKind.REMEDIATED,
        StepKind.RESTORE: NoticeKind.RESTORED,
        StepKind.CUTOVER: NoticeKind.DEDICATED,
        StepKind.UNDO: NoticeKind.UNDONE,
    }
)

_STANDS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.NORMAL: "its traffic is accepted as before",
        State.THROTTLED: "its traffic is held to its throttled limit",
        State.DISCONTINUED: "{what} is refused",
        State.REMEDIATED: "{what} is refused until traffic is restored",
        State.RESTORED: "the rest of your traffic is accepted, and its traffic is refused on shared trunk groups",
        State.DEDICATED: "its traffic is accepted on trunk group {group} only, and nobody else's there",
    }
)


class NoticeMaker:
    """Makes the notices of one configuration."""

    def __init__(self, carriers: CarrierBook, account_managers: Mapping[Ocn, str], channels: tuple[str, ...]) -> None:
        """`account_managers`: name or address of each partner's; `channels`: how notices are delivered."""
        self._carriers: Final = carriers
        self._account_managers: Final = dict(account_managers)
        self._channels: Final = channels
        self._sender: Final = next((_name_of(each) for each in carriers if each.kind is CarrierKind.HOST), "the host")

    def notices_of(self, taken: Taken) -> tuple[Notice, ...]:
        """What is to be told of a step: one notice to the provider's partner; none where it has no partner."""
        provider = self._carriers.get(taken.step.ocn)
        partner = self._carriers.get(provider.partner) if provider is not None else None
        if provider is None or partner is None:
            return ()
        manager = self._account_managers.get(partner.ocn)
        subject, did = _told(taken, _name_of(provider), _name_of(partner))
        notice = Notice(
            id=f"notice-{taken.sequence}-{taken.hash[:12]}",
            at_us=taken.step.at_us,
            kind=_KINDS[taken.step.kind],
            sender=self._sender,
            recipient=manager or _name_of(partner),
            subject=subject,
            text=_text(taken, did, _stands(taken.after, _name_of(provider), _name_of(partner))),
            clause=CLAUSE,
            about=provider.ocn,
            step=taken.sequence,
            channels=self._channels,
            defect=None if manager else NO_ACCOUNT_MANAGER,
        )
        return (notice,)


def _told(taken: Taken, provider: str, partner: str) -> tuple[str, str]:
    """Subject, and a sentence on what was done."""
    step = taken.step
    match step.kind:
        case StepKind.THROTTLE:
            return f"{provider} throttled", f"The traffic of {provider} on your trunks is limited."
        case StepKind.RELEASE:
            return f"{provider} no longer throttled", f"The limit on the traffic of {provider} is lifted."
        case StepKind.DISCONTINUE:
            what = _scope(step.scope, provider, partner)
            return f"Discontinuance for {provider}", f"We discontinue {what}. {_drain(step)}"
        case StepKind.ATTEST:
            return (
                f"Attestation received for {provider}",
                f"We have your statement that the traffic of {provider} is removed from your trunks. We look whether "
                "any is still seen.",
            )
        case StepKind.CLEAR:
            return (
                f"Removal of {provider} observed",
                f"We have seen no traffic of {provider} on your trunks for the set time, as you stated.",
            )
        case StepKind.RESTORE:
            return f"Traffic restored but for {provider}", "We accept your other traffic again."
        case StepKind.CUTOVER:
            return (
                f"{provider} on trunk group {step.trunk_group}",
                f"The traffic of {provider} goes on trunk group {step.trunk_group} from now on. {_drain(step)}",
            )
        case StepKind.UNDO:
            return f"Step about {provider} taken back", f"The last step about {provider} is taken back."


def _stands(after: Standing, provider: str, partner: str) -> str:
    what = _scope(after.scope, provider, partner)
    stands = _STANDS[after.state].format(what=what, group=after.trunk_group)
    return f"{provider} is {after.state.value}: {stands}."


def _scope(scope: Scope | None, provider: str, partner: str) -> str:
    if scope is Scope.PARTNER:
        return f"all traffic on the trunks of {partner}"
    return f"the traffic of {provider}"


def _drain(step: Step) -> str:
    if step.drain_s is None:
        return "Established calls are left to end by themselves."
    if step.drain_s == 0:
        return "Established calls are ended at once."
    return f"Established calls are ended after {step.drain_s} seconds."


def _text(taken: Taken, did: str, stands: str) -> str:
    step = taken.step
    lines = [
        did.rstrip(),
        "",
        f"Since {_time(step.at_us)}: {stands}",
        f"Before: {taken.before.state.value}.",
        f"Reason: {step.why}",
        f"Clause: {CLAUSE} (denial of service or degradation). Calls to emergency numbers pass in every state.",
    ]
    if taken.evidence is not None:
        lines.append(f"Evidence: {taken.evidence}")
    lines.append(f"Journal: {taken.sequence}:{taken.hash}")
    return "\n".join(lines)


def _name_of(carrier: Carrier) -> str:
    return f"{carrier.name} ({carrier.ocn})" if carrier.name else carrier.ocn


def _time(at_us: int) -> str:
    """ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")
