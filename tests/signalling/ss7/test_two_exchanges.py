"""Two of our exchanges wired together, with a neighbour at either end who says whatever comes to mind.

A - X - Y - C: A and C are not bound by any procedure, and what X and Y say to each other takes its time. Whatever was
said, nothing is left when the neighbours have put their circuits in order.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import Blocking, BlockingBook
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import Side, TrunkGroup
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.policy.verdict import Outcome
from gateway.signalling.call import Action, Decided, Ended, EndedBy
from gateway.signalling.members import TrunkMembers
from gateway.signalling.ss7.circuit_states import CircuitState
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.exchange_settings import ExchangeSettings
from tests.signalling.playbook import REFUSED_NUMBER, SECOND_US, T0, Ledger
from tests.signalling.ss7.exchange_playbook import CALLED, CALLING, EMERGENCY, group, iam, message, of_group

PARTNER_SWITCH: Final = "CLMBMOXADS1"
GUIDE: Final = LergGuide("test", codes=[CodeAssignment("573555", "A", Ocn("7001"), PARTNER_SWITCH)])
"""Calls from C lead to A by it."""
OTHER_EMERGENCY: Final = "5735550911"
A, X, Y, C = 0x030000, 0x020000, 0x010000, 0x040000
CICS: Final = ((1, 5),)
AT_REST: Final = frozenset({CircuitState.IDLE, CircuitState.UNEQUIPPED})


class Node:
    """One of the two exchanges, and its books."""

    def __init__(self, own: int, partner: TrunkGroup, host: TrunkGroup, wire: World) -> None:
        groups = (replace(partner, home_switch=PARTNER_SWITCH), host)
        self.own = own
        self.ledger = Ledger()
        self.blockings = BlockingBook()
        self.members = TrunkMembers(groups)
        self.exchange = Exchange(
            ExchangeSettings(emergency_numbers=frozenset({EMERGENCY, OTHER_EMERGENCY})),
            groups,
            Engine([self.ledger], [self.ledger], Router(groups, guide=GUIDE, ported=None, standings=StandingBook())),
            ProviderFinder(None, None),
            self.members,
            wire.send,
            StandingBook(),
            self.blockings,
        )
        self.decided: list[Decided] = []
        self.ended: Counter[int] = Counter()

    def note(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Decided):
                self.decided.append(action)
            elif isinstance(action, Ended):
                self.ended[id(action.call)] += 1


class World:
    def __init__(self, between: Variant = Variant.ANSI) -> None:
        """`between`: what X and Y speak to each other. Their neighbours speak ANSI."""
        self.now_us = T0
        self.wires: dict[int, deque[Mtp3Transfer]] = {code: deque() for code in (A, X, Y, C)}
        from_a = group("TG-PARTNER", Side.PARTNER, A, own=X, cics=CICS)
        to_y = group("TG-HOST", Side.HOST, Y, own=X, cics=CICS, variant=between)
        from_x = group("TG-PARTNER", Side.PARTNER, X, own=Y, cics=CICS, variant=between)
        to_c = group("TG-HOST", Side.HOST, C, own=Y, cics=CICS)
        self.nodes = {X: Node(X, from_a, to_y, self), Y: Node(Y, from_x, to_c, self)}
        for node in self.nodes.values():
            actions: list[Action] = []
            node.exchange.assume_up(self.now_us, actions)
            node.note(actions)

    def send(self, transfer: Mtp3Transfer, _links: tuple[str, ...], _at_us: int, _actions: list[Action]) -> bool:
        self.wires[transfer.dpc].append(transfer)
        return True

    def deliver(self, code: int, most: int = 1_000) -> None:
        for _ in range(min(most, len(self.wires[code]))):
            actions: list[Action] = []
            node = self.nodes[code]
            node.exchange.receive(self.wires[code].popleft(), self.now_us, actions)
            node.note(actions)

    def says(self, origin: int, said: IsupMessage) -> None:
        to = X if origin == A else Y
        self.wires[to].append(Mtp3Transfer(origin, to, 5, 2, 0, 0, said.data))

    def waits(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND_US)
        for node in self.nodes.values():
            actions: list[Action] = []
            node.exchange.wake(self.now_us, actions)
            node.note(actions)

    def blocks(self, code: int, name: str, blocked: bool) -> None:
        node = self.nodes[code]
        actions: list[Action] = []
        node.blockings.add(Blocking(self.now_us, name, blocked, "op", "test"))
        node.exchange.steps_changed(self.now_us, actions)
        node.note(actions)

    def loses_the_way(self, code: int, to: int, there: bool) -> None:
        actions: list[Action] = []
        exchange = self.nodes[code].exchange
        (exchange.resumed if there else exchange.paused)(to, self.now_us, actions)

    def puts_in_order(self) -> None:
        """The neighbours answer what they are asked, release what they have, and time passes."""
        for code, to in ((X, A), (X, Y), (Y, X), (Y, C)):
            self.loses_the_way(code, to, there=True)
        for code in (X, Y):
            for name in ("TG-PARTNER", "TG-HOST"):
                self.blocks(code, name, blocked=False)
        for cic in range(1, 6):
            self.says(A, message(MessageType.REL, cic))
            self.says(C, message(MessageType.REL, cic))
        for _ in range(60):
            for _ in range(8):
                self.deliver(X)
                self.deliver(Y)
                self._answers(A)
                self._answers(C)
            self.waits(15)

    def _answers(self, code: int) -> None:
        while self.wires[code]:
            transfer = self.wires[code].popleft()
            said = IsupMessage(transfer.data, Variant.ANSI)
            answer = ANSWERS.get(said.type)
            if answer is None or said.cic is None:
                continue
            if said.range_and_status is not None:
                flags = said.range_and_status.flags or (False,) * said.range_and_status.circuits
                self.says(code, of_group(answer, said.cic, flags))
            else:
                self.says(code, message(answer, said.cic))


M = MessageType
ANSWERS: Final[dict[int, MessageType]] = {
    M.REL: M.RLC,
    M.RSC: M.RLC,
    M.BLO: M.BLA,
    M.UBL: M.UBA,
    M.GRS: M.GRA,
    M.CGB: M.CGBA,
    M.CGU: M.CGUA,
}
PLAIN: Final = (
    M.ACM, M.ACM, M.ANM, M.ANM, M.CPG, M.REL, M.REL, M.RLC, M.RLC, M.RSC, M.COT, M.CCR, M.SUS, M.RES, M.INR, M.INF,
    M.FOT, M.BLO, M.UBL, M.BLA, M.UBA, M.UCIC, M.CFN, M.LPA, M.FAC, M.EXM,
)  # fmt: skip
GROUP: Final = (M.GRS, M.GRA, M.CGB, M.CGU, M.CGBA, M.CGUA, M.CQM)
CIC = st.integers(1, 5)
END = st.sampled_from((A, C))
NUMBERS: Final = {
    A: (CALLED, REFUSED_NUMBER, EMERGENCY),
    C: (CALLING, REFUSED_NUMBER, OTHER_EMERGENCY),
}

MOVES = st.one_of(
    st.tuples(st.just("iam"), END, CIC, st.sampled_from((0, 0, 0, 1, 2)), st.sampled_from((0, 0, 0, 1))),
    st.tuples(st.just("iam"), END, CIC, st.sampled_from((0, 0, 0, 1, 2)), st.sampled_from((0, 0, 0, 1))),
    st.tuples(st.just("say"), END, CIC, st.sampled_from(PLAIN), st.integers(0, 1)),
    st.tuples(st.just("say"), END, CIC, st.sampled_from(PLAIN), st.integers(0, 1)),
    st.tuples(st.just("group"), END, CIC, st.sampled_from(GROUP), st.lists(st.booleans(), min_size=2, max_size=5)),
    st.tuples(st.just("answer"), END),
    st.tuples(st.just("deliver"), st.sampled_from((X, Y)), st.integers(1, 6)),
    st.tuples(st.just("deliver"), st.sampled_from((X, Y)), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.sampled_from((0.1, 1, 6, 16, 70, 200))),
    st.tuples(st.just("block"), st.sampled_from((X, Y)), st.sampled_from(("TG-PARTNER", "TG-HOST")), st.booleans()),
    st.tuples(st.just("way"), st.sampled_from(((X, A), (X, Y), (Y, X), (Y, C))), st.booleans()),
)


def play(world: World, move: tuple) -> None:  # type: ignore[type-arg]
    match move:
        case ("iam", end, cic, number, continuity):
            world.says(end, iam(cic, NUMBERS[end][number], continuity=continuity))
        case ("say", end, cic, kind, on):
            world.says(end, message(kind, cic, on=on))
        case ("group", end, cic, kind, marked):
            world.says(end, of_group(kind, cic, marked, hardware=marked[0]))
        case ("answer", end):
            world._answers(end)
        case ("deliver", code, most):
            world.deliver(code, most)
        case ("wait", seconds):
            world.waits(seconds)
        case ("block", code, name, blocked):
            world.blocks(code, name, blocked)
        case ("way", (code, to), there):
            world.loses_the_way(code, to, there)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(Variant)), st.lists(MOVES, max_size=60))
def test_whatever_is_said_every_call_ends_once_and_no_circuit_is_left_behind(
    between: Variant,
    moves: list[tuple],  # type: ignore[type-arg]
) -> None:
    world = World(between)
    for move in moves:
        play(world, move)
    world.puts_in_order()
    for node in world.nodes.values():
        for decided in node.decided:
            call = decided.call
            assert node.ended[id(call)] == 1
            if call.decision.outcome is Outcome.REFUSE:
                assert call.ended_by is EndedBy.REFUSAL
            assert not (call.attempt.emergency and call.decision.outcome is Outcome.REFUSE)
        assert node.ledger.in_progress == 0
        assert not any(state.calls for state in node.members.groups.values())
        for table in node.exchange.tables.values():
            for circuit in table.by_cic.values():
                assert circuit.state in AT_REST, (table.name, circuit.cic, circuit.state)
                assert circuit.half is None
                assert not circuit.locally_blocked
                assert (circuit is table.choose(set(table.by_cic) - {circuit.cic})) is circuit.free


def test_a_call_crosses_both_exchanges() -> None:
    world = World()
    world.says(A, iam(1))
    world.deliver(X)
    world.deliver(Y)
    arrived = IsupMessage(world.wires[C].popleft().data, Variant.ANSI)
    assert (arrived.type, arrived.hop_counter) == (M.IAM, 18)
