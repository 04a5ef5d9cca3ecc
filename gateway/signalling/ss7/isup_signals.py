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

    def send(self, table: CircuitTable, message: IsupMessage, at_us: int, actions: list[Action]) -> bool:
        """Send a message that has its CIC. All of a circuit take one link: they must not overtake each other."""
        group = table.group
        ansi = group.variant is Variant.ANSI
        cic = message.cic or 0
        transfer = Mtp3Transfer(
            opc=group.own,
            dpc=group.adjacent,
            si=_ISUP,
            ni=group.network_indicator,
            mp=_PRIORITIES.get(message.type, 0) if ansi else 0,
            sls=cic & 0x1F if ansi else cic & 0x0F,
            data=message.data,
        )
        if self._send(transfer, group.links, at_us, actions):
            return True
        table.counters["message without a way"] += 1
        return False

    def bare(self, circuit: Circuit, kind: MessageType, at_us: int, actions: list[Action]) -> None:
        """A message without parameters: RLC, RSC, BLO, BLA, UBL, UBA, LPA, UCIC."""
        table = circuit.table
        self.send(table, isup_message(table.group.variant, kind, circuit.cic, ()), at_us, actions)


def release_message(circuit: Circuit, cause: Cause) -> IsupMessage:
    """A REL that says the cause, and nothing else."""
    value = encode_cause(cause)
    return isup_message(circuit.table.group.variant, MessageType.REL, circuit.cic, ((P.CAUSE_INDICATORS, value),))
