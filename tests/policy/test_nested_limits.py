"""Limits of partner, trunk group, provider and source at once, and of a provider that is throttled (L8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from attempts import AT_US, HOST_GROUP, OTHER_PROVIDER, PARTNER, PARTNER_GROUP, PROVIDER, SECOND_US, attempt
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn, RateLimit
from gateway.interconnection.denial_of_service.book import StandingBook
from gateway.interconnection.denial_of_service.standing import Step
from gateway.interconnection.denial_of_service.states import StepKind
from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.checks.rate_limit import MOST_SOURCES, RateLimits
from gateway.policy.verdict import Verdict

WIDE = RateLimit(1_000, 1_000, 10_000)
ONE_SOURCE, ANOTHER_SOURCE = Hop("192.0.2.10", 5060), Hop("192.0.2.10", 5070)


def carriers(
    *, partner: RateLimit | None = None, provider: RateLimit | None = None, throttled: RateLimit | None = None
) -> CarrierBook:
    return CarrierBook(
        [
            Carrier(PARTNER, "the partner", CarrierKind.PARTNER, limit=partner),
            *(
                Carrier(o, "a provider", CarrierKind.PROVIDER, partner=PARTNER, limit=provider, throttled=throttled)
                for o in (PROVIDER, OTHER_PROVIDER)
            ),
        ]
    )


def group(limit: RateLimit | None = None, source_limit: RateLimit | None = None) -> TrunkGroup:
    return replace(PARTNER_GROUP, limit=limit, source_limit=source_limit)


def call(
    ingress: TrunkGroup,
    *,
    provider: Ocn | None = PROVIDER,
    source: Hop = ONE_SOURCE,
    at_us: int = AT_US,
    emergency: bool = False,
) -> CallAttempt:
    made = attempt(provider=provider, at_us=at_us, ingress=ingress, emergency=emergency)
    made.source = source
    return made


def offer(limits: RateLimits, attempted: CallAttempt) -> str:
    """As the engine does: counted where nothing objects. The finding's text."""
    finding = limits.judge(attempted)
    if finding.verdict is not Verdict.OVER_LIMIT:
        limits.admitted(attempted)
    return finding.text


LIMIT = RateLimit(1, 3, 100)
OVER = "is over its limit of 1 calls/s sustained with a burst of 3"


@pytest.mark.parametrize(
    ("book", "ingress", "said", "phrase"),
    [
        (carriers(provider=LIMIT), group(WIDE, WIDE), f"OCN 901A {OVER}", "Provider Over Its Limit"),
        (
            carriers(provider=WIDE),
            group(WIDE, LIMIT),
            f"source udp:192.0.2.10:5060 of trunk group partner-1 {OVER}",
            "Source Over Its Limit",
        ),
        (carriers(provider=WIDE), group(LIMIT, WIDE), f"trunk group partner-1 {OVER}", "Trunk Group Over Its Limit"),
        (carriers(partner=LIMIT), group(), f"partner 7001 {OVER}", "Partner Over Its Limit"),
    ],
)
def test_the_limit_that_is_used_up_refuses_and_is_named(
    book: CarrierBook, ingress: TrunkGroup, said: str, phrase: str
) -> None:
    limits = RateLimits(book, [ingress])
    assert [offer(limits, call(ingress)) for _ in range(3)] == [""] * 3
    finding = limits.judge(call(ingress))
    assert (finding.text, finding.clause) == (said, "L8")
    assert finding.refusal is not None
    assert (finding.refusal.status, finding.refusal.phrase, finding.refusal.cause) == (480, phrase, 42)


def test_calls_that_change_their_provider_each_time_are_held_to_the_limit_of_their_source() -> None:
    ingress = group(source_limit=LIMIT)
    limits = RateLimits(carriers(provider=WIDE), [ingress])
    spoofed = [offer(limits, call(ingress, provider=Ocn(f"{number:04}"))) for number in range(200)]
    assert [text for text in spoofed if not text] == [""] * 3
    assert offer(limits, call(ingress, source=ANOTHER_SOURCE)) == ""


def test_a_refused_call_takes_nothing_at_any_level() -> None:
    ingress = group(limit=RateLimit(1, 4, 100), source_limit=LIMIT)
    limits = RateLimits(carriers(partner=RateLimit(1, 5, 100), provider=WIDE), [ingress])
    for _ in range(500):
        offer(limits, call(ingress))
    assert offer(limits, call(ingress, source=ANOTHER_SOURCE)) == ""
    assert "trunk group" in offer(limits, call(ingress, source=ANOTHER_SOURCE))
    other_group = replace(ingress, name="partner-2", limit=None)
    limits = RateLimits(carriers(partner=RateLimit(1, 5, 100)), [ingress, other_group])
    for _ in range(500):
        offer(limits, call(ingress))
    assert [offer(limits, call(other_group, source=ANOTHER_SOURCE)) for _ in range(2)] == ["", ""]


def test_calls_of_no_known_provider_are_held_to_the_limits_around_it() -> None:
    ingress = group(limit=LIMIT)
    limits = RateLimits(carriers(), [ingress])
    assert [offer(limits, call(ingress, provider=None)) for _ in range(4)] == [
        "",
        "",
        "",
        f"trunk group partner-1 {OVER}",
    ]


def test_emergency_calls_and_calls_from_the_host_take_nothing_at_any_level() -> None:
    ingress = group(limit=LIMIT, source_limit=LIMIT)
    limits = RateLimits(carriers(partner=LIMIT, provider=LIMIT), [ingress, HOST_GROUP])
    for _ in range(20):
        assert offer(limits, call(ingress, emergency=True)) == ""
        assert offer(limits, call(HOST_GROUP)) == ""
    assert [offer(limits, call(ingress)) for _ in range(3)] == [""] * 3


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        (Hop("192.0.2.10", 5060), Hop("192.0.2.10", 5060), Hop("192.0.2.10", 5061)),
        (
            Hop("192.0.2.10", 40_001, Transport.TCP, 7),
            Hop("192.0.2.10", 40_002, Transport.TCP, 8),
            Hop("192.0.2.11", 40_001, Transport.TCP, 7),
        ),
        (Hop("246-14-7", 1, Transport.SS7), Hop("246-14-7", 2, Transport.SS7), Hop("246-14-8", 1, Transport.SS7)),
    ],
)
def test_a_source_is_an_address_and_port_over_udp_an_address_over_connections_and_a_point_code_over_ss7(
    one: Hop, same: Hop, another: Hop
) -> None:
    ingress = group(source_limit=RateLimit(1, 1, 100))
    limits = RateLimits(carriers(), [ingress])
    assert offer(limits, call(ingress, source=one)) == ""
    assert "source" in offer(limits, call(ingress, source=same))
    assert offer(limits, call(ingress, source=another)) == ""


def test_sources_beyond_those_that_can_be_told_apart_share_one_limit() -> None:
    ingress = group(source_limit=RateLimit(1, 1, 100))
    limits = RateLimits(carriers(), [ingress])
    calls = [
        call(ingress, source=Hop(f"10.0.{n >> 8}.{n & 255}", 5061, Transport.TLS)) for n in range(MOST_SOURCES + 2)
    ]
    said = [offer(limits, each) for each in calls]
    assert said[: MOST_SOURCES + 1] == [""] * (MOST_SOURCES + 1)
    assert said[-1].startswith(f"source of trunk group partner-1 beyond {MOST_SOURCES} is over its limit")
    for each in calls:
        limits.ended(each, AT_US)
    later = call(ingress, source=Hop("10.9.9.9", 5061, Transport.TLS), at_us=AT_US + 2 * SECOND_US)
    assert offer(limits, later) == ""
    limits.ended(later, AT_US + 3 * SECOND_US)
    assert limits.in_progress(PROVIDER) == 0


def throttled_book(book: CarrierBook) -> StandingBook:
    """A provider is throttled a second after the start, and released at the tenth."""
    at = (AT_US + SECOND_US, AT_US + 10 * SECOND_US)
    steps = [Step(at[0], PROVIDER, StepKind.THROTTLE, "a test", "a test")]
    return StandingBook(book, [*steps, Step(at[1], PROVIDER, StepKind.RELEASE, "a test", "a test")])


@pytest.mark.parametrize("own", [None, RateLimit(2, 2, 7)])
def test_a_throttled_provider_is_held_to_its_throttled_limit_for_as_long_as_it_is_throttled(
    own: RateLimit | None,
) -> None:
    book = carriers(provider=WIDE, throttled=own)
    limits = RateLimits(book, [PARTNER_GROUP], throttled_book(book), throttle=RateLimit(1, 4, 20))
    burst = own.burst if own is not None else 4

    def let_in(second: int, provider: Ocn = PROVIDER) -> int:
        at_us = AT_US + second * SECOND_US
        return [offer(limits, call(PARTNER_GROUP, provider=provider, at_us=at_us)) for _ in range(10)].count("")

    assert let_in(0) == 10
    assert let_in(1) == (0 if own is not None else burst)  # ten are up already: more than its own limit has in progress
    said = limits.judge(call(PARTNER_GROUP, at_us=AT_US + SECOND_US))
    if own is None:
        assert said.text == "OCN 901A is throttled, and is over its limit of 1 calls/s sustained with a burst of 4"
    assert said.refusal is not None
    assert said.refusal.phrase == "Provider Throttled"
    assert let_in(1, OTHER_PROVIDER) == 10
    assert let_in(10) == 10


def test_the_limits_of_a_source_are_used_up_when_one_of_them_refuses_the_next_call() -> None:
    ingress = group(limit=RateLimit(1, 6, 100), source_limit=RateLimit(1, 4, 100))
    limits = RateLimits(carriers(provider=RateLimit(1, 1, 1)), [ingress])

    def used_up() -> tuple[bool, ...]:
        return tuple(limits.is_used_up("partner-1", source, AT_US) for source in (ONE_SOURCE, ANOTHER_SOURCE))

    for _ in range(2):  # what one provider has used up is not for all behind the source to bear
        offer(limits, call(ingress))
    assert used_up() == (False, False)
    for _ in range(3):
        offer(limits, call(ingress, provider=None))
    assert used_up() == (True, False)
    for _ in range(2):
        offer(limits, call(ingress, provider=None, source=ANOTHER_SOURCE))
    assert used_up() == (True, True)
    assert not limits.is_used_up("host-1", ONE_SOURCE, AT_US)


class NestedLimits(RuleBasedStateMachine):
    """Calls of two providers from two sources on two trunk groups of one partner, in any order."""

    def __init__(self) -> None:
        super().__init__()
        small = RateLimit(5, 3, 4)
        self.groups = [
            replace(PARTNER_GROUP, name=name, limit=RateLimit(8, 5, 6), source_limit=small) for name in ("A", "B")
        ]
        self.limits = RateLimits(carriers(partner=RateLimit(12, 8, 9), provider=small), self.groups)
        self.at_us = AT_US
        self.up: list[CallAttempt] = []

    def state(self) -> list[str]:
        return [
            self.limits.judge(call(ingress, provider=provider, source=source, at_us=self.at_us + later_us)).text
            for ingress in self.groups
            for provider in (PROVIDER, OTHER_PROVIDER, None)
            for source in (ONE_SOURCE, ANOTHER_SOURCE)
            for later_us in (0, 100_000, 300_000, 900_000)
        ]

    @rule(gap_us=st.integers(0, SECOND_US))
    def time_passes(self, gap_us: int) -> None:
        self.at_us += gap_us

    @rule(
        which=st.integers(0, 1),
        provider=st.sampled_from([PROVIDER, OTHER_PROVIDER, None]),
        source=st.sampled_from([ONE_SOURCE, ANOTHER_SOURCE]),
    )
    def a_refused_call_takes_nothing_from_anyones_quota(self, which: int, provider: Ocn | None, source: Hop) -> None:
        before = self.state()
        offered = call(self.groups[which], provider=provider, source=source, at_us=self.at_us)
        if offer(self.limits, offered):
            assert self.state() == before
        else:
            self.up.append(offered)

    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        if self.up:
            ended = self.up.pop(data.draw(st.integers(0, len(self.up) - 1)))
            self.limits.ended(ended, self.at_us)
            self.limits.ended(ended, self.at_us)

    @invariant()
    def no_more_are_up_than_any_limit_allows(self) -> None:
        assert len(self.up) <= 9
        for ocn in (PROVIDER, OTHER_PROVIDER):
            assert self.limits.in_progress(ocn) == sum(each.provider == ocn for each in self.up) <= 4
        for ingress in self.groups:
            on_it = [each for each in self.up if each.ingress is ingress]
            assert len(on_it) <= 6
            assert all(sum(each.source == source for each in on_it) <= 4 for source in (ONE_SOURCE, ANOTHER_SOURCE))


NestedLimits.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestNestedLimits = NestedLimits.TestCase
