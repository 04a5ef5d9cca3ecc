"""Scripts for the exchange: ISUP messages in, at which time, and every message and every word on calls that come out.

Two adjacent exchanges: ``A``, the partner's, with higher point code than ours, and ``B``, the host's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import (
    BackwardCallIndicators,
    Cause,
    EventInformation,
    ForwardCallIndicators,
    IsupMessage,
    MessageType,
    NatureOfConnection,
    P,
    PartyNumber,
    RangeAndStatus,
    UserServiceInformation,
    encode_backward_call_indicators,
    encode_cause,
    encode_event,
    encode_forward_call_indicators,
    encode_nature_of_connection,
    encode_number,
    encode_range_and_status,
    encode_user_service,
    isup_message,
    range_and_status,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.blocking import BlockingBook
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.circuit_groups import CircuitGroup
from gateway.interconnection.denial_of_service import StandingBook
from gateway.interconnection.trunk_groups import Hop, Member, Side, Transport, TrunkGroup
from gateway.policy.attribution import ProviderFinder
from gateway.policy.engine import Engine
from gateway.policy.routing import Router
from gateway.signalling.call import Action, Call, Decided, Ended, Progressed, Ss7Changed
from gateway.signalling.members import TrunkMembers
from gateway.signalling.ss7.circuits import Circuit
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.exchange_settings import ExchangeSettings
from tests.signalling.playbook import REFUSED_NUMBER, SECOND_US, T0, Ledger

__all__ = ["REFUSED_NUMBER", "SECOND_US", "T0"]

OURS: Final = 0x020000
A: Final = 0x030000
B: Final = 0x010000
CALLED: Final = "3145550199"
CALLING: Final = "5735550100"
EMERGENCY: Final = "911"


def group(
    name: str,
    side: Side,
    adjacent: int,
    *,
    variant: Variant = Variant.ANSI,
    own: int = OURS,
    cics: tuple[tuple[int, int], ...] = ((1, 4),),
    emergency_reserve: int = 1,
    dedicated: bool = False,
    capacity: int | None = None,
) -> TrunkGroup:
    text = f"{adjacent >> 16}-{adjacent >> 8 & 255}-{adjacent & 255}"
    circuits = CircuitGroup(variant, own, adjacent, cics, (f"link-{name}",), emergency_reserve=emergency_reserve)
    member = Member(Hop(text, cics[0][0], Transport.SS7))
    return TrunkGroup(
        name,
        side,
        Ocn("7001" if side is Side.PARTNER else "9740"),
        "CLMAMOXADS0",
        (member,),
        dedicated=dedicated,
        capacity=capacity,
        circuits=circuits,
    )


PARTNER: Final = group("TG-PARTNER", Side.PARTNER, A)
HOST: Final = group("TG-HOST", Side.HOST, B)


def iam(
    cic: int,
    called: str = CALLED,
    *,
    variant: Variant = Variant.ANSI,
    hops: int | None = 20,
    continuity: int = 0,
    calling: str = CALLING,
    nature: int = 3,
) -> IsupMessage:
    number = PartyNumber(called, nature)
    parameters = [
        (P.NATURE_OF_CONNECTION, encode_nature_of_connection(NatureOfConnection(continuity=continuity))),
        (P.FORWARD_CALL_INDICATORS, encode_forward_call_indicators(ForwardCallIndicators())),
        (P.CALLING_PARTYS_CATEGORY, b"\x0a"),
        (P.CALLED_PARTY_NUMBER, encode_number(P.CALLED_PARTY_NUMBER, number, variant)),
        (P.CALLING_PARTY_NUMBER, encode_number(P.CALLING_PARTY_NUMBER, PartyNumber(calling, screening=3), variant)),
    ]
    if variant is Variant.ANSI:
        parameters.append((P.USER_SERVICE_INFORMATION, encode_user_service(UserServiceInformation())))
    else:
        parameters.append((P.TRANSMISSION_MEDIUM, b"\x00"))
    if hops is not None:
        parameters.append((P.HOP_COUNTER, bytes((hops,))))
    return isup_message(variant, MessageType.IAM, cic, parameters)


def message(
    kind: MessageType, cic: int, *, variant: Variant = Variant.ANSI, cause: int = 16, on: int = 1
) -> IsupMessage:
    """Any message of a call or of one circuit; `on`: the check of a COT has succeeded, a SUS comes of the network."""
    parameters: list[tuple[int, bytes]] = []
    if kind in {MessageType.ACM, MessageType.CON}:
        indicators = encode_backward_call_indicators(BackwardCallIndicators(called_status=1))
        parameters.append((P.BACKWARD_CALL_INDICATORS, indicators))
    elif kind is MessageType.CPG:
        parameters.append((P.EVENT_INFORMATION, encode_event(EventInformation(1))))
    elif kind in {MessageType.REL, MessageType.CFN}:
        parameters.append((P.CAUSE_INDICATORS, encode_cause(Cause(cause))))
    elif kind is MessageType.COT:
        parameters.append((P.CONTINUITY, bytes((on,))))
    elif kind in {MessageType.SUS, MessageType.RES}:
        parameters.append((P.SUSPEND_RESUME, bytes((on,))))
    elif kind is MessageType.INR:
        parameters.append((P.INFORMATION_REQUEST_INDICATORS, b"\x01\x00"))
    elif kind is MessageType.INF:
        parameters.append((P.INFORMATION_INDICATORS, b"\x00\x00"))
    elif kind is MessageType.SAM:
        parameters.append((P.SUBSEQUENT_NUMBER, encode_number(P.SUBSEQUENT_NUMBER, PartyNumber("99"), variant)))
    return isup_message(variant, kind, cic, parameters)


def of_group(
    kind: MessageType, first: int, marked: Sequence[bool], *, variant: Variant = Variant.ANSI, hardware: bool = False
) -> IsupMessage:
    """A message about the circuits from `first` on, one for each mark."""
    status = range_and_status(marked)
    if kind in {MessageType.GRS, MessageType.CQM}:
        status = RangeAndStatus(status.range)
    parameters: list[tuple[int, bytes]] = [(P.RANGE_AND_STATUS, encode_range_and_status(status))]
    if kind in {MessageType.CGB, MessageType.CGU, MessageType.CGBA, MessageType.CGUA}:
        parameters.append((P.CIRCUIT_GROUP_SUPERVISION, bytes((hardware,))))
    return isup_message(variant, kind, first, parameters)


class Sent(NamedTuple):
    """A message that went to another exchange."""

    to: int
    message: IsupMessage


class Stage:
    """An exchange between A and B, with a ledger that counts its calls."""

    def __init__(
        self,
        groups: Sequence[TrunkGroup] = (PARTNER, HOST),
        *,
        standings: StandingBook | None = None,
        blockings: BlockingBook | None = None,
        max_call_s: int = 14_400,
        up: bool = True,
    ) -> None:
        self.now_us = T0
        self.ledger = Ledger()
        self.standings = standings or StandingBook()
        self.blockings = blockings or BlockingBook()
        self.groups = {each.name: each for each in groups}
        self.variants = {each.circuits.adjacent: each.circuits.variant for each in groups if each.circuits is not None}
        self.members = TrunkMembers(groups)
        router = Router(groups, guide=None, ported=None, standings=self.standings)
        self.exchange = Exchange(
            ExchangeSettings(max_call_s=max_call_s),
            groups,
            Engine([self.ledger], [self.ledger], router),
            ProviderFinder(None, None),
            self.members,
            self._send,
            self.standings,
            self.blockings,
        )
        self.sent: deque[Sent] = deque()
        self.lost = 0
        self.told: deque[Action] = deque()
        if up:
            actions: list[Action] = []
            self.exchange.assume_up(self.now_us, actions)
            self.sent.clear()

    def _send(self, transfer: Mtp3Transfer, _links: tuple[str, ...], _at_us: int, _actions: list[Action]) -> bool:
        self.sent.append(Sent(transfer.dpc, IsupMessage(transfer.data, self.variants[transfer.dpc])))
        return True

    # -- what happens -------------------------------------------------------------------------------------------------

    def hears(self, origin: int, said: IsupMessage, after_s: float = 0) -> None:
        """A message comes from an adjacent exchange."""
        self.now_us += int(after_s * SECOND_US)
        actions: list[Action] = []
        self.exchange.receive(Mtp3Transfer(origin, OURS, 5, 2, 0, 0, said.data), self.now_us, actions)
        self.told.extend(actions)

    def waits(self, seconds: float) -> None:
        """Time passes, and every timer that is due meanwhile fires at its time."""
        until = self.now_us + int(seconds * SECOND_US)
        while (due := self.exchange.next_us) is not None and due <= until:
            self.now_us = max(due, self.now_us)
            self._wake()
        self.now_us = until
        self._wake()

    def _wake(self) -> None:
        actions: list[Action] = []
        self.exchange.wake(self.now_us, actions)
        self.told.extend(actions)

    def is_told(self, method: str, *arguments: int) -> None:
        """`resumed`, `paused` or `steps_changed` of the exchange."""
        actions: list[Action] = []
        getattr(self.exchange, method)(*arguments, self.now_us, actions)
        self.told.extend(actions)

    # -- what came of it ----------------------------------------------------------------------------------------------

    def says(self, to: int, kind: MessageType, cic: int | None = None) -> IsupMessage:
        """The next message that was sent is this one."""
        assert self.sent, f"{kind.name} was to be sent, and nothing was"
        sent = self.sent.popleft()
        name = MessageType(sent.message.type).name
        assert (sent.to, name) == (to, kind.name), f"{name} of CIC {sent.message.cic} was sent to {sent.to:#x}"
        if cic is not None:
            assert sent.message.cic == cic
        return sent.message

    def releases(self, to: int, cic: int, cause: int) -> None:
        """The next message is a REL with this cause."""
        rel = self.says(to, MessageType.REL, cic)
        assert rel.cause is not None
        assert rel.cause.value == cause

    def says_no_more(self) -> None:
        assert not self.sent, [(hex(each.to), MessageType(each.message.type).name) for each in self.sent]

    def tells(self, kind: type[Decided] | type[Progressed] | type[Ended]) -> Call:
        """The next word on calls."""
        while self.told and isinstance(self.told[0], Ss7Changed):
            self.told.popleft()
        assert self.told, f"{kind.__name__} was to be told"
        action = self.told.popleft()
        assert isinstance(action, kind), action
        return action.call

    def tells_no_more(self) -> None:
        assert not [each for each in self.told if not isinstance(each, Ss7Changed)]

    def circuit(self, name: str, cic: int) -> Circuit:
        return self.exchange.tables[name].by_cic[cic]

    def blocked(self, name: str = "TG-PARTNER") -> list[int]:
        """CICs that we have blocked."""
        return [cic for cic, circuit in self.exchange.tables[name].by_cic.items() if circuit.locally_blocked]

    def settled(self) -> bool:
        """Nothing is in progress, in the books or on any circuit."""
        calls = sum(state.calls for state in self.members.groups.values())
        busy = sum(table.by_state()["busy"] for table in self.exchange.tables.values())
        return not (self.ledger.in_progress or calls or busy)


def itu(each: TrunkGroup) -> TrunkGroup:
    """The same trunk group between exchanges that speak ITU-T ISUP."""
    assert each.circuits is not None
    return replace(each, circuits=replace(each.circuits, variant=Variant.ITU))


def set_up(stage: Stage, *, answered: bool = True) -> Call:
    """A call from CIC 1 of A to CIC 2 of B; the stage is left without a word that was not looked at."""
    stage.hears(A, iam(1))
    call = stage.tells(Decided)
    stage.hears(B, message(MessageType.ACM, 2))
    stage.tells(Progressed)
    if answered:
        stage.hears(B, message(MessageType.ANM, 2))
    stage.sent.clear()
    return call
