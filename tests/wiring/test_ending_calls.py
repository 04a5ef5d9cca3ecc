"""Calls that a step has ended, a few at a time, and what a later step does for those that wait for their turn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
from small_gateway import HOST_NUMBER, OTHER_PROVIDER_NUMBER, PROVIDER_NUMBER, Exchange

from gateway.capture.gateway_replay import GatewayReplay
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import Scope, Step, StepKind
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Call, Decided, Ended, EndedBy, Send, Wanted
from gateway.signalling.pacing import BATCH, INTERVAL_US
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.wiring.engine import Policy, policy_of
from gateway.wiring.forced_release import Drains, Refusal

OURSELVES: Final = Hop("192.0.2.1", 5060)
T0: Final = 1_760_000_000_000_000
AT_STEP_US: Final = T0 + 1_000_000
AFTER_FIRST_US: Final = AT_STEP_US + INTERVAL_US // 2
COUNT: Final = BATCH * 2 + 50
OTHER: Final = Ocn("902B")  # of which no limit is agreed
_STOP: Final = Step(AT_STEP_US, OTHER, StepKind.DISCONTINUE, "operator", "flood", Scope.PROVIDER, drain_s=0)
_UNDO: Final = Step(AFTER_FIRST_US, OTHER, StepKind.UNDO, "operator", "a mistake")
_MOVE: Final = Step(AFTER_FIRST_US, OTHER, StepKind.CUTOVER, "operator", "own group", trunk_group="dedicated")


@pytest.fixture
def exchange(tmp_path: Path) -> Iterable[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


def member(exchange: Exchange, name: str) -> Hop:
    groups = {group.name: group for group in exchange.configuration.trunk_groups}
    return groups[name].members[0].hop


def invite(source: Hop, number: int, calling: str, called: str) -> bytes:
    return (
        f"INVITE sip:{called}@{OURSELVES.host} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source.host}:{source.port};branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n"
        f"From: <sip:{calling}@{source.host}>;tag=a\r\nTo: <sip:{called}@{OURSELVES.host}>\r\n"
        f"Call-ID: c{number}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


class Books:
    """What a proxy, fed by itself or by a replay, said of its calls."""

    def __init__(self, exchange: Exchange, steps: tuple[Step, ...] = ()) -> None:
        self.policy: Final[Policy] = policy_of(exchange.configuration, Steps(steps))
        groups = exchange.configuration.trunk_groups
        settings = ProxySettings((OURSELVES,), secret=b"test")
        self.proxy: Final = SipProxy(settings, self.policy.engine, groups, self.policy.find_provider)
        self.ended: Final[list[EndedBy | None]] = []

    def note(self, actions: list[Action]) -> None:
        self.ended.extend(action.call.ended_by for action in actions if isinstance(action, Ended))


def live(exchange: Exchange, later: Step, calling: str, called: str, source: Hop) -> Books:
    """The calls come up, a step ends them at once, and another step follows when the first have been ended."""
    books = Books(exchange)
    for number in range(COUNT):
        data = invite(source, number, calling, called)
        assert isinstance(books.proxy.receive(data, source, T0 + number)[-1], Send)

    def end_calls(wanted: Wanted, cause: int, text: str, at_us: int) -> None:
        books.note(books.proxy.end_calls(wanted, cause, text, at_us))

    books.policy.standings.add(_STOP)
    Drains(books.policy, end_calls).begin(_STOP, AT_STEP_US)
    assert books.ended == [EndedBy.DISCONTINUED] * BATCH
    books.policy.standings.add(later)
    pass_time(books)
    return books


def pass_time(books: Books) -> None:
    """Until every call that was chosen has had its turn."""
    for at_us in range(AFTER_FIRST_US, AT_STEP_US + 10 * INTERVAL_US, INTERVAL_US // 5):
        books.note(books.proxy.wake(at_us))


@pytest.mark.parametrize("to_provider", [False, True])
def test_calls_whose_turn_comes_after_the_step_was_undone_stay_up(exchange: Exchange, to_provider: bool) -> None:
    numbers = (HOST_NUMBER, OTHER_PROVIDER_NUMBER) if to_provider else (OTHER_PROVIDER_NUMBER, HOST_NUMBER)
    books = live(exchange, _UNDO, *numbers, member(exchange, "host" if to_provider else "shared"))
    assert books.ended == [EndedBy.DISCONTINUED] * BATCH
    assert books.proxy.dialogs == COUNT - BATCH


def test_calls_go_on_being_ended_where_the_step_that_follows_does_not_let_them_pass_either(exchange: Exchange) -> None:
    source = member(exchange, "shared")
    books = live(exchange, _MOVE, OTHER_PROVIDER_NUMBER, HOST_NUMBER, source)
    assert books.ended == [EndedBy.DISCONTINUED] * COUNT
    assert books.proxy.dialogs == 0


@pytest.mark.parametrize(("later", "ended"), [((), COUNT), ((_UNDO,), BATCH)])
def test_an_audit_leaves_up_what_the_gateway_left_up(exchange: Exchange, later: tuple[Step, ...], ended: int) -> None:
    books = Books(exchange, (_STOP, *later))
    replay = GatewayReplay(books.proxy, [OURSELVES.address])
    replay.listeners.append(books.note)
    drains = Drains(books.policy, replay.end_calls)
    for step in books.policy.standings.trail():
        drains.foresee(step)
    replay.due_ends = drains
    source = member(exchange, "shared")
    for number in range(COUNT):
        data = invite(source, number, OTHER_PROVIDER_NUMBER, HOST_NUMBER)
        assert replay.see(data, source.address, OURSELVES.address, T0 + number).decided is not None
    replay.see(b"\r\n\r\n", source.address, OURSELVES.address, AT_STEP_US + 10 * INTERVAL_US)
    assert books.ended == [EndedBy.DISCONTINUED] * ended
    assert books.proxy.dialogs == COUNT - ended


def test_calls_that_differ_in_what_matters_are_told_apart_in_one_asking(exchange: Exchange) -> None:
    """What was found of one call is not said of another whose provider, holder, trunk group or urgency differs."""
    books = Books(exchange)
    calls: dict[str, Call] = {}
    scenes = (
        ("of it", "shared", OTHER_PROVIDER_NUMBER, HOST_NUMBER),
        ("of another", "shared", PROVIDER_NUMBER, HOST_NUMBER),
        ("to it", "host", HOST_NUMBER, OTHER_PROVIDER_NUMBER),
        ("to another", "host", HOST_NUMBER, PROVIDER_NUMBER),
        ("emergency", "shared", OTHER_PROVIDER_NUMBER, "911"),
        ("of it again", "shared", OTHER_PROVIDER_NUMBER, HOST_NUMBER),
        ("to it again", "host", HOST_NUMBER, OTHER_PROVIDER_NUMBER),
    )
    for number, (name, group, calling, called) in enumerate(scenes):
        source = member(exchange, group)
        actions = books.proxy.receive(invite(source, number, calling, called), source, T0)
        calls[name] = next(action.call for action in actions if isinstance(action, Decided))
    books.policy.standings.add(_STOP)

    def concerned(refusal: Refusal) -> set[str]:
        return {name for name, call in calls.items() if refusal.concerns(call)}

    of_it = {"of it", "of it again", "to it", "to it again"}
    assert concerned(Refusal(books.policy, OTHER, T0)) == set()
    assert concerned(Refusal(books.policy, OTHER, AT_STEP_US)) == of_it
    partner = Step(AFTER_FIRST_US, OTHER, StepKind.DISCONTINUE, "operator", "all of it", Scope.PARTNER)
    assert concerned(Refusal(books.policy, OTHER, AFTER_FIRST_US, partner)) >= of_it
    assert concerned(Refusal(books.policy, OTHER, AFTER_FIRST_US, _UNDO, partner)) == set(calls) - {"emergency"}
    assert concerned(Refusal(books.policy, OTHER, AFTER_FIRST_US, _MOVE)) == of_it
