"""The lab's cast: who sits where around the gateway, and the configuration that tells the gateway of them.

In front of the gateway: three interconnected VoIP providers, whose calls the partner's switch relays, and Socket, a
CLEC that hands over its own. Behind it: the host carrier's end office, host and tandem, and a public-safety answering
point. Every address is on loopback, every port the system's choice. Numbers, OCNs and CLLIs are those of the synthetic
guide in `sim.missouri`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.attacks.attacker import Attacker
from sim.missouri import cast as guide
from sim.packets import PacketLog
from sim.partner_switch import PartnerSwitch, TrunkPort
from sim.sip_text import Address, host_port
from sim.ss7.cast import CIRCUIT_TRUNKS, Ss7Cast, on_links
from sim.user_agents import ProviderAgent, SwitchAgent, SwitchKind, UserAgent

LOOPBACK: Final = "127.0.0.1"


class Limit(NamedTuple):
    """What the host allows a provider (agreement L8)."""

    sustained_per_s: float
    burst: int
    in_progress: int


class Provider(NamedTuple):
    """An interconnected VoIP provider, or the partner itself with customers of its own."""

    ocn: str
    name: str
    numbers: tuple[str, ...]
    """Prefixes of its customers' numbers, ported ones included, in E.164 digits."""
    limit: Limit | None = None
    confirmed: bool = True
    throttled: Limit | None = None
    """What is left to it while it is throttled; None: what the configuration says of all."""


PROVIDERS: Final[Mapping[str, Provider]] = {
    "pawpaw": Provider(
        guide.PROVIDER_1.ocn,
        "Pawpaw Voice",
        ("13142061", "13142062", "13142084", "16366791", "15732685", "16366395001", "13142045001"),
        Limit(50, 50, 12),
    ),
    "bluestem": Provider(
        guide.PROVIDER_2.ocn,
        "Bluestem Voice",
        ("13142063", "13142087", "16366792", "16362661", "13142045002"),
        Limit(20, 20, 50),
        throttled=Limit(10, 5, 20),
    ),
    "dogwood": Provider(guide.PROVIDER_3.ocn, "Dogwood Voice", ("13142065",), Limit(20, 20, 50), confirmed=False),
    "river-bend": Provider(guide.PARTNER.ocn, "River Bend Telecom", ("13142060", "16363324101")),
}
"""Those whose calls the partner's switch relays, by the name that scenarios use."""


class Trunk(NamedTuple):
    """A trunk group of the lab. On the host's side `agent` is who answers there, and `standby` takes its place."""

    name: str
    carrier: str
    switch: str
    home_switch: str | None = None
    dedicated: bool = False
    mode: str = "enforce"
    agent: str = ""
    standby: str = ""
    """Who takes its calls when `agent` does not: the gateway watches both."""
    sip_i: str = ""
    """Its far end takes the IAM of a call from circuits in the body of the INVITE (Q.1912.5), of this edition."""

    @property
    def on_circuits(self) -> bool:
        """It is signalled by ISUP: its circuits are those of the same name in `sim.ss7.cast`."""
        return self.name in CIRCUIT_TRUNKS


RELAYED: Final = (
    Trunk("RB-WNV", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH),
    Trunk("RB-CLMA", guide.PARTNER.ocn, guide.COLUMBIA, guide.PARTNER_SWITCH),
    Trunk("RB-TDM", guide.PARTNER.ocn, guide.WARRENTON_TANDEM, guide.PARTNER_SWITCH),
    Trunk("RB-DED", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH, dedicated=True),
    Trunk("RB-TRIAL", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH, mode="monitor"),
    Trunk("RB-BRSN", guide.PARTNER.ocn, guide.BRANSON, guide.PARTNER_SWITCH),
)
"""The partner's trunk groups over SIP: one for each of the host's switches (L9), one to cut an offender over to (L8),
and one on trial, where the checks look on and enforce nothing."""

RELAYED_ON_CIRCUITS: Final = (
    Trunk("RB7-WNV", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH),
    Trunk("RB7-BRSN", guide.PARTNER.ocn, guide.BRANSON, guide.PARTNER_SWITCH),
    Trunk("RB7-CLMA", guide.PARTNER.ocn, guide.COLUMBIA, guide.PARTNER_SWITCH),
    Trunk("RB7-DED", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH, dedicated=True),
    Trunk("RB7-INT-WNV", guide.PARTNER.ocn, guide.WENTZVILLE, guide.PARTNER_SWITCH),
    Trunk("RB7-INT-BRSN", guide.PARTNER.ocn, guide.BRANSON, guide.PARTNER_SWITCH),
)
"""Those on circuits: to a switch that speaks SIP, to one on ISUP, to one that speaks SIP-I, and circuits of their own
for an offender; the first two also from the international exchange."""

SOCKET_TRUNK: Final = Trunk("SK-CLMA", guide.SOCKET.ocn, guide.COLUMBIA, guide.SOCKET_SWITCH, agent="socket")

HOST_TRUNKS: Final = (
    Trunk("WNV", guide.HOST.ocn, guide.WENTZVILLE, agent="wentzville"),
    Trunk("CLMA", guide.HOST.ocn, guide.COLUMBIA, agent="columbia", sip_i="ansi88"),
    Trunk("WRTN-TDM", guide.HOST.ocn, guide.WARRENTON_TANDEM, agent="warrenton-tandem", standby="warrenton-standby"),
    Trunk("PSAP", guide.HOST.ocn, guide.WENTZVILLE, agent="psap"),
    Trunk("BRSN", guide.HOST.ocn, guide.BRANSON),
)
"""Two groups name Wentzville; calls for the switch take the first, and only emergency calls the second."""

TRUNKS: Final = (*RELAYED[:-1], *RELAYED_ON_CIRCUITS, RELAYED[-1], SOCKET_TRUNK, *HOST_TRUNKS)
"""Every trunk group, in the order of the configuration. Of two that lead from one switch to the partner the first takes
the calls: so those of Branson go on circuits."""

WATCHED: Final[Mapping[str, object]] = {"probe_seconds": 0.5, "failures": 3, "failover_seconds": 0.4}
"""Of a trunk group with a standby: short times, so that a scenario sees a member go out of service and come back."""
EMERGENCY_TRUNK: Final = "PSAP"
GATEWAY_NUMBERS: Final = ("+13142060000", "+16363270000")
"""The partner's and the end office's own numbers: no caller's, and nobody's to bill."""
CONFIRMED_SINCE: Final = "2026-01-01T00:00:00Z"
DEFAULT_TRUNK: Final = "RB-WNV"
STRANGER: Final = "stranger"
"""An address that is a member of no trunk group."""

_KINDS: Final = {
    "wentzville": SwitchKind.END_OFFICE,
    "columbia": SwitchKind.HOST,
    "warrenton-tandem": SwitchKind.TANDEM,
    "warrenton-standby": SwitchKind.TANDEM,
    "psap": SwitchKind.END_OFFICE,
    "socket": SwitchKind.END_OFFICE,
}
AGENTS: Final = (*PROVIDERS, *_KINDS, STRANGER)
"""Everyone who can place a call or answer one, by the name that scenarios use."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The cast on its sockets, and what went over the wire."""

    agents: Mapping[str, UserAgent]
    partner: PartnerSwitch
    floods: Mapping[str, Attacker]
    """A second socket of each provider, from which it can flood."""
    ss7: Ss7Cast
    log: PacketLog

    def aim(self, gateway: Address) -> None:
        """Tell everyone where the gateway is."""
        for trunk in RELAYED:
            self.partner.aim(trunk.name, gateway)
        for name, agent in self.agents.items():
            agent.next_hop = self.partner.access if name in PROVIDERS else gateway

    def addresses_of(self, trunk: Trunk) -> Address:
        return self.agents[trunk.agent].address if trunk.agent else self.partner.trunk(trunk.name)

    def name_of(self, address: Address) -> str:
        """Whose address it is, for a person."""
        names = {agent.address: name for name, agent in self.agents.items()}
        return names.get(address, host_port(address))


@asynccontextmanager
async def on_stage() -> AsyncIterator[Cast]:
    """The cast, started, until the block is left. It doesn't know the gateway yet: see `Cast.aim`."""
    log = PacketLog()
    agents: dict[str, UserAgent] = {
        name: ProviderAgent(name, who.ocn, domain=f"{name}.example", tap=log) for name, who in PROVIDERS.items()
    }
    for trunk in (*HOST_TRUNKS, SOCKET_TRUNK):
        if trunk.on_circuits:
            continue
        clli = trunk.home_switch or trunk.switch
        for name in filter(None, (trunk.agent, trunk.standby)):
            agents[name] = SwitchAgent(name, clli, _KINDS[name], domain=f"{clli.lower()}.example", tap=log)
    agents[STRANGER] = UserAgent(STRANGER, domain="stranger.invalid", tap=log)
    partner = PartnerSwitch(guide.PARTNER_SWITCH, tap=log)
    floods = {name: Attacker(tap=log) for name in PROVIDERS}
    async with AsyncExitStack() as stack:
        for close in (*(agent.close for agent in agents.values()), partner.close):
            stack.push_async_callback(close)
        for flood in floods.values():
            stack.callback(flood.close)
        for agent in agents.values():
            await agent.start(LOOPBACK)
        nowhere = (LOOPBACK, 9)  # discard; `aim` says where the gateway is
        await partner.start([TrunkPort(trunk.name, nowhere) for trunk in RELAYED], LOOPBACK)
        for name, who in PROVIDERS.items():
            addresses = (agents[name].address, *await floods[name].start(host=LOOPBACK))
            partner.serve(name, DEFAULT_TRUNK, addresses, who.numbers)
        ss7 = on_links(log, LOOPBACK)
        stack.callback(ss7.close)
        yield Cast(agents, partner, floods, ss7, log)


def free_port(kind: socket.SocketKind, wanted: int = 0) -> int:
    """`wanted` if nobody has it, else a port that the system chooses: written into the configuration, so that the
    audit and the commands find the gateway by the same file."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {LOOPBACK}")


async def quiet(cast: Cast, within_s: float = 5.0) -> bool:
    """Wait until every call that someone of the cast answered is over; False when the time ran out before."""
    idle = await asyncio.gather(*(agent.idle(within_s) for agent in cast.agents.values()), cast.ss7.quiet(within_s))
    return all(idle)
