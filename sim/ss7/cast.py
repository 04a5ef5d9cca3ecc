"""The SS7 part of the lab's cast: the partner's end office and tandem, and the host carrier's end office in Branson.

The tandem is a signalling gateway process, to which its end office and the gateway connect; the end office in Branson
is an application server process, which connects to the gateway. A provider's call on circuits starts in the end office,
goes through the tandem, honest or not, and from there on the trunk group of the scenario's choice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup import IsupMessage
from gateway.codecs.ss7.mtp3 import parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.transport import sctp
from sim.packets import PacketLog
from sim.sip_text import Address, host_port
from sim.ss7.association import Side
from sim.ss7.circuits import Trunks
from sim.ss7.link import SignallingLink
from sim.ss7.parties import CircuitAnswer
from sim.ss7.switch import Ss7Switch
from sim.ss7.tampering import HONEST

OFFICE: Final = "river-bend-office"
TANDEM: Final = "river-bend-tandem"
BRANSON: Final = "branson"
POINT_CODES: Final[Mapping[str, str]] = {OFFICE: "246-14-9", TANDEM: "246-14-7", BRANSON: "2-137-30"}
GATEWAY_POINT_CODE: Final = "2-137-26"
SS7_SWITCHES: Final = tuple(POINT_CODES)
"""Everyone who can place a call on circuits or answer one, by the name that scenarios use."""
ACCESS: Final = "RB7-ACCESS"
"""Trunk group between the partner's end office and its tandem: none of the gateway's."""
LINKS: Final[Mapping[str, str]] = {TANDEM: "river-bend", BRANSON: "branson"}
"""The gateway's link to each of its neighbours."""
READY_S: Final = 8.0


class CircuitTrunk(NamedTuple):
    """A trunk group of the gateway that is signalled by ISUP."""

    name: str
    neighbour: str
    first: int
    last: int
    """CICs."""

    def settings(self) -> dict[str, object]:
        """`circuits` in the gateway's configuration."""
        return {
            "point_code": POINT_CODES[self.neighbour],
            "cics": [f"{self.first}-{self.last}"],
            "links": [LINKS[self.neighbour]],
        }


CIRCUIT_TRUNKS: Final[Mapping[str, CircuitTrunk]] = {
    trunk.name: trunk
    for trunk in (
        CircuitTrunk("RB7-WNV", TANDEM, 1, 24),
        CircuitTrunk("RB7-BRSN", TANDEM, 25, 48),
        CircuitTrunk("RB7-DED", TANDEM, 101, 108),
        CircuitTrunk("BRSN", BRANSON, 1, 24),
    )
}
RELAYED_ON_CIRCUITS: Final = tuple(name for name, trunk in CIRCUIT_TRUNKS.items() if trunk.neighbour == TANDEM)
DEFAULT_CIRCUITS: Final = "RB7-WNV"


def point_code_of(text: str) -> int:
    value = parse_point_code(text, Variant.ANSI)
    if value is None:
        raise ValueError(f"{text!r} is no ANSI point code")
    return value


@dataclass(slots=True)
class Ss7Cast:
    """The switches on ISUP, and the links that they have with each other and the gateway."""

    switches: dict[str, Ss7Switch]
    gateway_link: Address
    """Where the tandem takes the gateway's association."""
    over: str = DEFAULT_CIRCUITS
    """The trunk group on which the tandem passes on what its end office sends."""
    _towards_gateway: dict[str, SignallingLink] = field(default_factory=dict)

    @property
    def office(self) -> Ss7Switch:
        return self.switches[OFFICE]

    @property
    def tandem(self) -> Ss7Switch:
        return self.switches[TANDEM]

    def link_of(self, switch: str) -> SignallingLink:
        """The link of a switch with the gateway."""
        return self._towards_gateway[switch]

    def aim(self, address: Address) -> None:
        """The gateway takes the association of the end office in Branson there."""
        self._towards_gateway[BRANSON].connect(address)

    async def ready(self) -> None:
        """Wait until every link is active. Raises RuntimeError where one is not in time."""
        waits = [
            switch.until(lambda link=link: link.active, READY_S)  # type: ignore[misc]
            for switch in self.switches.values()
            for link in switch.links
        ]
        if not all(await asyncio.gather(*waits)):
            raise RuntimeError(f"not every signalling link became active within {READY_S:g} s")

    def behave(self) -> None:
        """Everyone is honest, answers, and has its links."""
        self.over = DEFAULT_CIRCUITS
        for switch in self.switches.values():
            switch.tampering, switch.answers, switch.glare = HONEST, CircuitAnswer(), None
            switch.answers_by_number.clear()
            for link in switch.links:
                link.restore()

    async def quiet(self, within_s: float) -> bool:
        """Wait until no circuit is in use any more; False when the time ran out before."""
        waits = [switch.until(lambda one=switch: not one.calls_up, within_s) for switch in self.switches.values()]  # type: ignore[misc]
        return all(await asyncio.gather(*waits))

    def faults(self) -> Iterator[str]:
        """What came to the switches and should not have; each is told once."""
        for switch in self.switches.values():
            yield from switch.faults
            switch.faults.clear()

    def close(self) -> None:
        for switch in self.switches.values():
            switch.close()


def on_links(log: PacketLog, host: str) -> Ss7Cast:
    """The switches with their links, those to the gateway waiting for it. Raises OSError."""
    switches = {name: Ss7Switch(name, point_code_of(text)) for name, text in POINT_CODES.items()}
    office, tandem, branson = (switches[name] for name in (OFFICE, TANDEM, BRANSON))

    def link(switch: Ss7Switch, side: Side) -> SignallingLink:
        carrier = sctp.open_carrier(sctp.LinkCarrier.TCP)
        return SignallingLink(side, switch.deliver, carrier=carrier, changed=switch.told, log=log)

    within, access = link(tandem, Side.SGP), link(office, Side.ASP)
    circuits = range(201, 297)
    tandem.connect(within, Trunks.of(ACCESS, tandem.variant, tandem.point_code, office.point_code, circuits))
    office.connect(access, Trunks.of(ACCESS, office.variant, office.point_code, tandem.point_code, circuits))
    access.connect(within.listen((host, 0)))
    towards_gateway = {TANDEM: link(tandem, Side.SGP), BRANSON: link(branson, Side.ASP)}
    gateway = point_code_of(GATEWAY_POINT_CODE)
    for trunk in CIRCUIT_TRUNKS.values():
        switch = switches[trunk.neighbour]
        cics = range(trunk.first, trunk.last + 1)
        group = Trunks.of(trunk.name, switch.variant, switch.point_code, gateway, cics)
        switch.connect(towards_gateway[trunk.neighbour], group)
    cast = Ss7Cast(switches, towards_gateway[TANDEM].listen((host, 0)), _towards_gateway=towards_gateway)

    def route(_iam: IsupMessage, came: Trunks) -> str:
        return cast.over if came.name == ACCESS else ACCESS

    tandem.route = route
    return cast


def link_settings(cast: Ss7Cast, listening: Address) -> Iterator[dict[str, object]]:
    """`[[links]]` of the gateway's configuration, which takes associations at `listening`."""
    common: dict[str, object] = {"point_code": GATEWAY_POINT_CODE, "carrier": sctp.LinkCarrier.TCP.value}
    common |= {"reconnect_seconds": 0.2}
    for neighbour, role, address in ((TANDEM, "client", cast.gateway_link), (BRANSON, "server", listening)):
        destinations = [POINT_CODES[neighbour]]
        head = {"name": LINKS[neighbour], "role": role, "address": host_port(address), "destinations": destinations}
        yield head | common
