"""The ISUP messages that the exchange says of itself, and how any message is given to MTP (Q.764, Q.704 section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.codecs.ss7.isup import Cause, IsupMessage, MessageType, P, encode_cause, isup_message
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, ServiceIndicator
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Action
from gateway.signalling.ss7.circuits import Circuit, CircuitTable

Send = Callable[[Mtp3Transfer, tuple[str, ...], int, list[Action]], bool]
"""Sends a message by one of the links that are named; False where there is no way."""

_ANSI: Final = Variant.ANSI
_ISUP: Final = int(ServiceIndicator.ISUP)
_PRIORITIES: Final[dict[int, int]] = {
    MessageType.ACM: 1,
    MessageType.CPG: 1,
    MessageType.COT: 1,
    MessageType.FOT: 1,
    MessageType.INF: 1,
    MessageType.INR: 1,
    MessageType.SUS: 1,
    MessageType.RES: 1,
    MessageType.REL: 1,
    MessageType.UCIC: 1,
    MessageType.ANM: 2,
    MessageType.RLC: 2,
}
"""Of messages that go before an IAM when the way is congested (T1.113.3, T1.111.5); ITU has no priorities."""


class Signals:
    """Gives messages to MTP, each on its circuit's way."""

    def __init__(self, send: Send) -> None:
        self._send: Final = send
        self._bare: Final[dict[tuple[Variant, MessageType], IsupMessage]] = {}
        """Messages without parameters, made once; each is of CIC 0."""

    def send(self, table: CircuitTable, cic: int, message: IsupMessage, at_us: int, actions: list[Action]) -> bool:
        """Send a message on a circuit, whatever CIC it has itself. All of a circuit take one link, and keep order."""
        group = table.group
        ansi = group.variant is _ANSI
        transfer = Mtp3Transfer(
            opc=group.own,
            dpc=group.adjacent,
            si=_ISUP,
            ni=group.network_indicator,
            mp=_PRIORITIES.get(message.type, 0) if ansi else 0,
            sls=cic & 0xFF if ansi else cic & 0x0F,
            data=cic.to_bytes(2, "little") + (message.data[2:] if message.has_cic else message.data),
        )
        if self._send(transfer, group.links, at_us, actions):
            return True
        table.counters["message without a way"] += 1
        return False

    def bare(self, circuit: Circuit, kind: MessageType, at_us: int, actions: list[Action]) -> None:
        """A message without parameters: RLC, RSC, BLO, BLA, UBL, UBA, LPA, UCIC."""
        table = circuit.table
        variant = table.group.variant
        message = self._bare.get((variant, kind))
        if message is None:
            message = self._bare[variant, kind] = isup_message(variant, kind, 0)
        self.send(table, circuit.cic, message, at_us, actions)


def release_message(circuit: Circuit, cause: Cause) -> IsupMessage:
    """A REL that says the cause, and nothing else."""
    value = encode_cause(cause)
    return isup_message(circuit.table.group.variant, MessageType.REL, circuit.cic, ((P.CAUSE_INDICATORS, value),))
