"""A simulated switch on ISUP: an end office that places and answers calls, or a tandem that passes them on.

It is the gateway's neighbour in the lab, so its call control is its own. It honours what the other end asks of its
circuits, and asks itself (`maintenance`). As a tandem it may tamper with what it passes on.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType, P, isup_message
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.codecs.ss7.variant import Variant
from sim.ss7.call_plan import CONTINUITY_REQUIRED, CircuitOutcome, Conduct, IsupPlan
from sim.ss7.circuit_call import CircuitCall, cause_value
from sim.ss7.circuits import Circuit, Trunks
from sim.ss7.link import SignallingLink
from sim.ss7.maintenance import Maintenance
from sim.ss7.parties import CalledLine, Caller, CircuitAnswer, Joint, ReceivedIam, name_of
from sim.ss7.tampering import HONEST, IsupTampering, one_hop_less

NATIONAL: Final = 2
"""Network indicator."""
KEPT_CALLS: Final = 20_000
NO_CIRCUIT_AVAILABLE: Final = 34
LONGEST_WAIT_S: Final = 5.0

Route = Callable[[IsupMessage, Trunks], str | None]
"""The trunk group on which a call goes on, by its IAM and the group that it came on; None: it is answered here."""


class Ss7Switch:
    """One signalling point with its trunk groups."""

    def __init__(self, name: str, point_code: int, variant: Variant = Variant.ANSI, route: Route | None = None) -> None:
        self.name, self.point_code, self.variant = name, point_code, variant
        self.trunks: dict[str, Trunks] = {}
        self.answers = CircuitAnswer()
        self.answers_by_number: dict[str, CircuitAnswer] = {}
        """Digits of the called party number -> how to treat that call."""
        self.tampering: IsupTampering = HONEST
        """Of what it passes on as a tandem, towards the trunk groups of `tampered`."""
        self.received: deque[ReceivedIam] = deque(maxlen=KEPT_CALLS)
        self.arrivals = 0
        """IAMs that came, since the start."""
        self.heard = Counter[str]()
        """Messages that came, by name."""
        self.faults: list[str] = []
        """What came and should not have, for a person."""
        self.glare: IsupPlan | None = None
        """Seize the circuit of the next IAM that comes, as if both ends had seized it at once: with this call."""
        self.glared: asyncio.Task[CircuitOutcome] | None = None
        """What came of that call."""
        self._links: dict[int, SignallingLink] = {}
        self._by_circuit: dict[tuple[int, int], Trunks] = {}
        self.route = route
        self._news: set[asyncio.Event] = set()
        self.maintenance = Maintenance(self._send)

    def connect(self, link: SignallingLink, *groups: Trunks) -> None:
        """Trunk groups to a neighbour, and the link that their messages take."""
        for group in groups:
            self.trunks[group.name] = group
            self._links[group.adjacent] = link
            self._by_circuit.update(((group.adjacent, cic), group) for cic in group.circuits)

    def link_to(self, trunks: str) -> SignallingLink:
        return self._links[self.trunks[trunks].adjacent]

    @property
    def links(self) -> set[SignallingLink]:
        return set(self._links.values())

    def close(self) -> None:
        if self.glared is not None:
            self.glared.cancel()
        for link in self.links:
            link.close()

    # -- calls --------------------------------------------------------------------------------------------------------

    async def call(self, plan: IsupPlan, trunks: str, conduct: Conduct | None = None) -> CircuitOutcome:
        """Place a call on a trunk group and see it through. Refusal, and no circuit, are outcomes, not errors."""
        conduct = conduct if conduct is not None else Conduct()
        group = self.trunks[trunks]
        circuit = group.free() if conduct.cic is None else group.circuits[conduct.cic]
        if circuit is None or not circuit.idle:
            name = group.name_of(conduct.cic or 0, outgoing=True)
            return CircuitOutcome(name, answered=False, cause=None, released_by=None, messages=(), cleared=True)
        call = self._seized(group, circuit, plan.iam(self.variant, circuit.cic))
        return await Caller(call, conduct, continuity=plan.continuity).run()

    def _seized(self, trunks: Trunks, circuit: Circuit, iam: IsupMessage) -> CircuitCall:
        return CircuitCall(self._send, trunks, circuit, iam, outgoing=True)

    @property
    def calls_up(self) -> int:
        """Circuits in use."""
        return sum(not circuit.idle for group in self.trunks.values() for circuit in group.circuits.values())

    def blocked_there(self, trunks: str) -> int:
        """Circuits of a trunk group that the neighbour told us not to use."""
        return sum(circuit.blocked_there for circuit in self.trunks[trunks].circuits.values())

    async def until(self, wanted: Callable[[], bool], within_s: float = LONGEST_WAIT_S) -> bool:
        """Wait until something holds of the switch; looked at after every message. False when the time ran out."""
        news = asyncio.Event()
        self._news.add(news)
        try:
            async with asyncio.timeout(within_s):
                while not wanted():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return False
        finally:
            self._news.discard(news)
        return True

    def told(self) -> None:
        """Something changed that somebody may wait for: a message, a link."""
        for news in self._news:
            news.set()

    # -- messages -----------------------------------------------------------------------------------------------------

    def deliver(self, transfer: Mtp3Transfer) -> None:
        """A message came on one of the links."""
        try:
            self._take(transfer)
        except Malformed as error:
            self.faults.append(f"{self.name}: a message cannot be read: {error}")
        self.told()

    def _take(self, transfer: Mtp3Transfer) -> None:
        if transfer.si != ServiceIndicator.ISUP or transfer.dpc != self.point_code:
            self.faults.append(f"{self.name}: got SI {transfer.si} for point code {transfer.dpc}")
            return
        message = IsupMessage(transfer.data, self.variant)
        kind, cic = message.type, message.cic
        self.heard[name_of(kind)] += 1
        trunks = self._by_circuit.get((transfer.opc, cic)) if cic is not None else None
        if trunks is None or cic is None:
            self._unequipped(transfer, message)
            return
        circuit = trunks.circuits[cic]
        call = circuit.call
        if kind == MessageType.IAM:
            self._initial_address(trunks, circuit, message)
        elif kind == MessageType.REL:
            self._release(trunks, circuit, message)
        elif kind == MessageType.RLC:
            if call is not None and call.releasing:
                call.take_release_complete()
            else:
                self.maintenance.reset_acknowledged(trunks, cic)
        elif not self.maintenance.take(trunks, message):
            if call is not None:
                call.take(message)
            else:
                self.faults.append(f"{self.name}: {name_of(kind)} on idle circuit {cic}")
        elif kind == MessageType.UCIC and call is not None:
            self._another_circuit(call)

    def _unequipped(self, transfer: Mtp3Transfer, message: IsupMessage) -> None:
        """A circuit that is not there (Q.764 section 2.12)."""
        self.faults.append(f"{self.name}: {name_of(message.type)} for circuit {message.cic}, which is not there")
        link = self._links.get(transfer.opc)
        if link is not None and message.type == MessageType.IAM:
            answer = isup_message(self.variant, MessageType.UCIC, message.cic, ())
            link.transfer(transfer._replace(opc=transfer.dpc, dpc=transfer.opc, data=answer.encode()))

    def _release(self, trunks: Trunks, circuit: Circuit, message: IsupMessage) -> None:
        if circuit.call is not None:
            circuit.call.take_release(message.value(P.CAUSE_INDICATORS) or cause_value(0))
        else:  # an idle circuit: RLC, so that both ends agree (Q.764 section 2.3.1)
            self._send(trunks, isup_message(self.variant, MessageType.RLC, circuit.cic, ()))

    def _initial_address(self, trunks: Trunks, circuit: Circuit, iam: IsupMessage) -> None:
        self.arrivals += 1
        if self.glare is not None and circuit.call is None:
            self._seize_as_well(trunks, circuit, self.glare)
        ours = circuit.call
        if ours is not None:
            if not ours.outgoing or ours.heard_of or trunks.controls(circuit.cic):
                return  # ours stands: the other end withdraws its own, or has lost its senses
            self._another_circuit(ours)
        call = CircuitCall(self._send, trunks, circuit, iam, outgoing=False)
        call.awaits_continuity = bool((iam.value(P.NATURE_OF_CONNECTION) or b"\0")[0] & CONTINUITY_REQUIRED)
        onward = self.route(iam, trunks) if self.route is not None else None
        if onward is not None:
            self._pass_on(call, self.trunks[onward])
            return
        called = iam.called
        note = ReceivedIam(trunks.name, circuit.cic, iam)
        self.received.append(note)
        plan = self.answers_by_number.get(called.digits if called is not None else "", self.answers)
        CalledLine(call, plan, note)

    def _seize_as_well(self, trunks: Trunks, circuit: Circuit, plan: IsupPlan) -> None:
        self.glare = None
        call = self._seized(trunks, circuit, plan.iam(self.variant, circuit.cic))
        caller = Caller(call, Conduct())
        if call.start():
            self.glared = asyncio.ensure_future(caller.see_through())

    def _pass_on(self, call: CircuitCall, trunks: Trunks) -> None:
        circuit = trunks.free()
        if circuit is None:
            call.release(cause_value(NO_CIRCUIT_AVAILABLE))
            return
        iam = self.tampering.apply(one_hop_less(call.iam)).with_cic(circuit.cic)
        onward = self._seized(trunks, circuit, iam)
        Joint(call, onward)
        if not onward.start():
            call.release(cause_value(NO_CIRCUIT_AVAILABLE))

    def _another_circuit(self, call: CircuitCall) -> None:
        """The call is tried again on another circuit (Q.764 section 2.9.1.4)."""
        circuit = call.trunks.free()
        if circuit is None or not call.moved(circuit):
            call.abandon(cause_value(NO_CIRCUIT_AVAILABLE))

    def _send(self, trunks: Trunks, message: IsupMessage) -> bool:
        cic = message.cic or 0
        sls = cic & (0xFF if self.variant is Variant.ANSI else 0x0F)
        return self._links[trunks.adjacent].transfer(
            Mtp3Transfer(trunks.own, trunks.adjacent, ServiceIndicator.ISUP, NATIONAL, 0, sls, message.encode())
        )
