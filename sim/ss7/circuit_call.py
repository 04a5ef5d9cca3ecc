"""One half of a call in a simulated switch: the call as it is on one circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType, P, encode_cause, isup_message
from sim.ss7.circuits import Circuit, Trunks

RESET: Final = 31
"""Cause that the party is told when the circuit was reset under its call: normal, unspecified."""

Send = Callable[[Trunks, IsupMessage], bool]
"""Sends a message to the neighbour at the other end of a trunk group; False where there is no way."""


class Party(Protocol):
    """Who has a half of a call: who placed it, who answers it, or a tandem's other half."""

    def heard(self, call: CircuitCall, message: IsupMessage) -> None:
        """A message of the call came, other than IAM, REL and RLC."""

    def released(self, call: CircuitCall, cause: bytes) -> None:
        """The neighbour released the call, or reset its circuit. `cause` is the value of the cause indicators."""

    def cleared(self, call: CircuitCall) -> None:
        """The circuit is idle again."""


class CircuitCall:
    """A half of a call."""

    def __init__(self, send: Send, trunks: Trunks, circuit: Circuit, iam: IsupMessage, *, outgoing: bool) -> None:
        self.trunks, self.circuit, self.iam, self.outgoing = trunks, circuit, iam, outgoing
        self.party: Party | None = None
        self.heard_of = False
        """The neighbour has said something of it: it is no dual seizure any more (Q.764 section 2.9.1.4)."""
        self.awaits_continuity = False
        """A continuity check goes on; the call is not to go on before COT says that it succeeded."""
        self.releasing = False
        """We sent REL and wait for RLC."""
        self.name = trunks.name_of(circuit.cic, outgoing=outgoing)
        self._send = send
        circuit.call = self

    def start(self) -> bool:
        """Send the IAM; False where there is no way to the neighbour, and then the circuit is idle."""
        if self._send(self.trunks, self.iam):
            return True
        self._clear()
        return False

    def say(self, kind: MessageType, parameters: Iterable[tuple[int, bytes]] = ()) -> bool:
        """Send a message of the call."""
        return self.pass_on(isup_message(self.trunks.variant, kind, self.circuit.cic, parameters))

    def pass_on(self, message: IsupMessage) -> bool:
        """Send a message that the other half of a tandem's call got."""
        return self._send(self.trunks, message.with_cic(self.circuit.cic))

    def release(self, cause: bytes) -> None:
        """Send REL; once only."""
        if not self.releasing and self.circuit.call is self:
            self.releasing = self.circuit.clearing = True
            self.say(MessageType.REL, ((P.CAUSE_INDICATORS, cause),))

    # -- what the neighbour says --------------------------------------------------------------------------------------

    def take(self, message: IsupMessage) -> None:
        """A message of the call came, other than IAM, REL and RLC."""
        self.heard_of = True
        if message.type == MessageType.COT and (message.value(P.CONTINUITY) or b"\0")[0] & 1:
            self.awaits_continuity = False
        if self.party is not None and not self.releasing:
            self.party.heard(self, message)

    def take_release(self, cause: bytes) -> None:
        """REL came: the circuit is idle when RLC has gone back, also where our own REL crossed it."""
        self.say(MessageType.RLC)
        if not self.releasing and self.party is not None:
            self.party.released(self, cause)
        self._clear()

    def take_release_complete(self) -> None:
        if self.releasing:
            self._clear()

    def reset(self) -> None:
        """The circuit was reset, by either end."""
        if not self.releasing and self.party is not None:
            self.party.released(self, cause_value(RESET))
        self._clear()

    def moved(self, circuit: Circuit) -> bool:
        """Seize another circuit: the neighbour's own seizure of this one stands, or it may not be used."""
        self.circuit.call = None
        self.circuit, circuit.call = circuit, self
        self.iam = self.iam.with_cic(circuit.cic)
        self.name = self.trunks.name_of(circuit.cic, outgoing=self.outgoing)
        return self.start()

    def abandon(self, cause: bytes) -> None:
        """There is no circuit for it. The party is told, and nobody else."""
        if self.party is not None:
            self.party.released(self, cause)
        self._clear()

    def _clear(self) -> None:
        circuit = self.circuit
        if circuit.call is self:
            circuit.call = None
            circuit.clearing = False
        if self.party is not None:
            self.party.cleared(self)


def cause_value(cause: int) -> bytes:
    """Cause indicators with this Q.850 value, given by the public network that serves the local user."""
    return encode_cause(Cause(cause))
