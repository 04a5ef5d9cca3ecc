"""What the configuration says of denial of service and of notices (L8, L1.3): its sections, and what they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, PlainValidator

from gateway.interconnection.carriers import Ocn, RateLimit
from gateway.interconnection.denial_of_service import Scope, StepKind
from gateway.operations.configuration_addresses import refused
from gateway.operations.configuration_draft import Contradiction, Draft, kind_of
from gateway.operations.configuration_tables import CONVERTING, LimitTable
from gateway.policy.response_plan import ResponseSettings

AUTOMATIC: Final = (StepKind.THROTTLE, StepKind.RELEASE, StepKind.DISCONTINUE)
"""The steps that a gateway may be told to take by itself. The others need somebody who answers for them."""
LONGEST_URL: Final = 2_048
MEGABYTE: Final = 1_000_000

_WORDS: Final = {kind.value: kind for kind in AUTOMATIC}


def _automatic(value: object) -> StepKind:
    kind = _WORDS.get(value) if isinstance(value, str) else None
    if kind is None:
        raise refused(
            f"{str(value)[:80]!r} is no step that a gateway takes by itself", f"write {', '.join(_WORDS)}, in quotes"
        )
    return kind


def _webhook(value: object) -> str:
    remedy = 'write "https://host/path", or "http://127.0.0.1:PORT/path" on this machine'
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > LONGEST_URL:
        raise refused("is not a URL", remedy)
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError:
        raise refused(f"{value[:80]!r} is not a URL", remedy) from None
    if not host or " " in value or url.scheme not in ("http", "https"):
        raise refused(f"{value[:80]!r} is not a URL of HTTP", remedy)
    if url.username is not None or url.password is not None or url.fragment:
        raise refused("has a user, a password or a fragment, which no notice is sent to", remedy)
    if url.scheme == "http" and not _is_loopback(host):
        raise refused("is not encrypted on its way to another machine", remedy)
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class DenialOfServiceSection(BaseModel):
    """What is done about a denial of service, and by whom. Nothing is done by the gateway alone unless it is said."""

    model_config = CONVERTING

    automatic: Annotated[list[Annotated[StepKind, PlainValidator(_automatic)]], Field(max_length=len(AUTOMATIC))] = []
    discontinue_scope: Scope = Scope.PROVIDER
    decide_within_seconds: Annotated[int, Field(ge=1, le=604_800)] = 300
    escalate_after_seconds: Annotated[int, Field(ge=1, le=604_800)] = 60
    release_after_seconds: Annotated[int, Field(ge=1, le=604_800)] = 300
    clear_seconds: Annotated[int, Field(ge=1, le=2_592_000)] = 300
    throttle: LimitTable = LimitTable(sustained_per_s=1, burst=5, in_progress=20)
    evidence_megabytes: Annotated[int, Field(ge=1, le=1_024)] = 8
    evidence_bundles: Annotated[int, Field(ge=1, le=100_000)] = 100

    def settings(self) -> DenialOfServiceSettings:
        return DenialOfServiceSettings(
            automatic=frozenset(self.automatic),
            response=ResponseSettings(
                discontinue_scope=self.discontinue_scope,
                escalate_after_s=self.escalate_after_seconds,
                release_after_s=self.release_after_seconds,
            ),
            decide_within_s=self.decide_within_seconds,
            clear_s=self.clear_seconds,
            throttle=self.throttle.limit(),
            evidence_bytes=self.evidence_megabytes * MEGABYTE,
            evidence_bundles=self.evidence_bundles,
        )


class NoticesSection(BaseModel):
    """How partners are told of steps, beside what the journal keeps."""

    model_config = CONVERTING

    folder: Annotated[Path, Field(strict=False)] = Path("notices")
    webhook: Annotated[str, PlainValidator(_webhook)] | None = None


@dataclass(frozen=True, slots=True)
class DenialOfServiceSettings:
    """What is done about a denial of service (L8)."""

    automatic: frozenset[StepKind]
    """Steps that are taken as soon as they are called for; all others are recommended to the operator."""
    response: ResponseSettings
    decide_within_s: int
    """In which an operator is to answer a recommendation; later it is overdue."""
    clear_s: int
    """For which none of a discontinued provider's traffic must be seen, its removal being attested."""
    throttle: RateLimit
    """Of a throttled provider that has no throttled limit of its own."""
    evidence_bytes: int
    """Of messages that are kept in memory, to go with a step that is taken."""
    evidence_bundles: int
    """Kept of those that no entry of the journal refers to."""


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """How partners are told of steps."""

    folder: Path
    """Absolute. Each notice is a file in it."""
    webhook: str | None
    """URL that each notice is posted to."""
    account_managers: Mapping[Ocn, str]
    """By partner: the name or address of the one whom L1.3 has notices sent to."""


def _account_managers_are_partners(draft: Draft) -> Iterator[Contradiction]:
    for index, carrier in enumerate(draft.carriers):
        kind = kind_of(carrier)
        if "account_manager" in carrier and kind not in ("", "partner"):
            reason = f"is the partner's (L1.3), and this carrier is a {kind}"
            yield Contradiction(("carriers", index, "account_manager"), reason, "set it on the partner")


DENIAL_OF_SERVICE_RULES: Final = (_account_managers_are_partners,)
