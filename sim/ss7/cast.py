"""The SS7 part of the lab's cast: the partner's end office and tandem, the host carrier's end office in Branson, and an
international exchange of the partner's, which speaks ITU-T's edition.

The tandem is a signalling gateway process, to which its end office and the gateway connect; the end office in Branson
and the international exchange are application server processes, which connect to the gateway. A provider's call on
circuits starts in the end office, goes through the tandem, honest or not, and from there on the trunk group of the
scenario's choice.
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
INTERNATIONAL: Final = "river-bend-international"


class Point(NamedTuple):
    """A signalling point of the lab."""

    text: str
    """Its point code as it is written."""
    variant: Variant = Variant.ANSI

    @property
    def code(self) -> int:
        value = parse_point_code(self.text, self.variant)
        if value is None:
            raise ValueError(f"{self.text!r} is no point code of {self.variant.value}")
        return value


POINTS: Final[Mapping[str, Point]] = {
    OFFICE: Point("246-14-9"),
    TANDEM: Point("246-14-7"),
    BRANSON: Point("2-137-30"),
    INTERNATIONAL: Point("2-100-4", Variant.ITU),
}
GATEWAY_POINTS: Final[Mapping[Variant, Point]] = {
    Variant.ANSI: Point("2-137-26"),
    Variant.ITU: Point("2-100-1", Variant.ITU),
}
"""What the gateway is called in each of the two networks."""
SS7_SWITCHES: Final = tuple(POINTS)
"""Everyone who can place a call on circuits or answer one, by the name that scenarios use."""
ACCESS: Final = "RB7-ACCESS"
"""Trunk group between the partner's end office and its tandem: none of the gateway's."""
LINKS: Final[Mapping[str, str]] = {TANDEM: "river-bend", BRANSON: "branson", INTERNATIONAL: "international"}
"""The gateway's link to each of its neighbours."""
CONNECTING: Final = (BRANSON, INTERNATIONAL)
"""Those that connect to the gateway; to the tandem the gateway does."""
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
            "point_code": POINTS[self.neighbour].text,
            "cics": [f"{self.first}-{self.last}"],
            "links": [LINKS[self.neighbour]],
        }


CIRCUIT_TRUNKS: Final[Mapping[str, CircuitTrunk]] = {
    trunk.name: trunk
    for trunk in (
        CircuitTrunk("RB7-WNV", TANDEM, 1, 24),
        CircuitTrunk("RB7-BRSN", TANDEM, 25, 48),
        CircuitTrunk("RB7-CLMA", TANDEM, 49, 60),
        CircuitTrunk("RB7-DED", TANDEM, 101, 108),
        CircuitTrunk("RB7-INT-WNV", INTERNATIONAL, 1, 12),
        CircuitTrunk("RB7-INT-BRSN", INTERNATIONAL, 13, 24),
        CircuitTrunk("BRSN", BRANSON, 1, 24),
    )
}
RELAYED_ON_CIRCUITS: Final = tuple(name for name, trunk in CIRCUIT_TRUNKS.items() if trunk.neighbour == TANDEM)
DEFAULT_CIRCUITS: Final = "RB7-WNV"


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

    def aim(self, addresses: Mapping[str, Address]) -> None:
        """The gateway takes the associations of those that connect to it there."""
        for name, address in addresses.items():
            self._towards_gateway[name].connect(address)

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
    switches = {name: Ss7Switch(name, point.code, point.variant) for name, point in POINTS.items()}
    office, tandem = switches[OFFICE], switches[TANDEM]

    def link(switch: Ss7Switch, side: Side) -> SignallingLink:
        carrier = sctp.open_carrier(sctp.LinkCarrier.TCP)
        return SignallingLink(side, switch.deliver, carrier=carrier, changed=switch.told, log=log)

    within, access = link(tandem, Side.SGP), link(office, Side.ASP)
    circuits = range(201, 297)
    tandem.connect(within, Trunks.of(ACCESS, tandem.variant, tandem.point_code, office.point_code, circuits))
    office.connect(access, Trunks.of(ACCESS, office.variant, office.point_code, tandem.point_code, circuits))
    access.connect(within.listen((host, 0)))
    towards_gateway = {TANDEM: link(tandem, Side.SGP)}
    towards_gateway |= {name: link(switches[name], Side.ASP) for name in CONNECTING}
    for trunk in CIRCUIT_TRUNKS.values():
        switch = switches[trunk.neighbour]
        cics = range(trunk.first, trunk.last + 1)
        gateway = GATEWAY_POINTS[switch.variant].code
        group = Trunks.of(trunk.name, switch.variant, switch.point_code, gateway, cics)
        switch.connect(towards_gateway[trunk.neighbour], group)
    cast = Ss7Cast(switches, towards_gateway[TANDEM].listen((host, 0)), _towards_gateway=towards_gateway)

    def route(_iam: IsupMessage, came: Trunks) -> str:
        return cast.over if came.name == ACCESS else ACCESS

    tandem.route = route
    return cast


def link_settings(cast: Ss7Cast, listening: Mapping[str, Address]) -> Iterator[dict[str, object]]:
    """`[[links]]` of the gateway's configuration, which takes the associations of its neighbours at `listening`."""
    roles = [(TANDEM, "client", cast.gateway_link)]
    roles += [(name, "server", address) for name, address in listening.items()]
    for neighbour, role, address in roles:
        point = POINTS[neighbour]
        yield {
            "name": LINKS[neighbour],
            "role": role,
            "address": host_port(address),
            "variant": point.variant.value,
            "point_code": GATEWAY_POINTS[point.variant].text,
            "destinations": [point.text],
            "carrier": sctp.LinkCarrier.TCP.value,
            "reconnect_seconds": 0.2,
        }
