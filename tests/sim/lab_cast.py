from __future__ import annotations

from dataclasses import dataclass, field

from sim.packets import PacketLog
from sim.partner_switch import PartnerSwitch
from sim.user_agents import ProviderAgent, SwitchAgent


@dataclass
class Cast:
    """A provider, a partner with two trunk groups that lead straight to a switch, and what went over the wire."""

    provider: ProviderAgent
    partner: PartnerSwitch
    switch: SwitchAgent
    log: PacketLog = field(default_factory=PacketLog)

    def sent(self, start: bytes, by: tuple[str, int]) -> list[bytes]:
        """Datagrams that start so and were sent from that address, in order."""
        return [p.payload for p in self.log.packets if p.source == by and p.payload.startswith(start)]
