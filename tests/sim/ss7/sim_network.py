"""Two simulated switches, and a tandem between them, joined by real associations on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.codecs.ss7.isup import IsupMessage
from gateway.codecs.ss7.mtp3 import parse_point_code
from gateway.codecs.ss7.variant import Variant
from gateway.transport import sctp
from sim.ss7.association import Side
from sim.ss7.circuits import Trunks
from sim.ss7.link import SignallingLink
from sim.ss7.switch import Ss7Switch


def point_code(text: str, variant: Variant = Variant.ANSI) -> int:
    value = parse_point_code(text, variant)
    assert value is not None
    return value


OFFICE, TANDEM, FAR = (point_code(text) for text in ("246-14-9", "246-14-7", "2-137-30"))
LOOPBACK = ("127.0.0.1", 0)


@dataclass
class Network:
    """An end office (ASP) on ACCESS to a tandem (SGP), which goes on by ONWARD to a far end office (ASP)."""

    office: Ss7Switch
    tandem: Ss7Switch
    far: Ss7Switch

    @property
    def switches(self) -> tuple[Ss7Switch, ...]:
        return self.office, self.tandem, self.far

    def faults(self) -> list[str]:
        links = [switch.link_to(name).faults for switch in self.switches for name in switch.trunks]
        return [fault for faults in ([one.faults for one in self.switches] + links) for fault in faults]


def join(client: Ss7Switch, server: Ss7Switch, name: str, cics: range) -> None:
    """Circuits between two switches, and a link whose client is the first."""
    links = []
    for switch, side in ((client, Side.ASP), (server, Side.SGP)):
        carrier = sctp.open_carrier(sctp.LinkCarrier.TCP)
        links.append(SignallingLink(side, switch.deliver, carrier=carrier, changed=switch.told))
        other = server if switch is client else client
        switch.connect(links[-1], Trunks.of(name, switch.variant, switch.point_code, other.point_code, cics))
    links[0].connect(links[1].listen(LOOPBACK))


@asynccontextmanager
async def network(variant: Variant = Variant.ANSI) -> AsyncIterator[Network]:
    """Started, with active links, until the block is left."""

    def route(_iam: IsupMessage, came: Trunks) -> str | None:
        return {"ACCESS": "ONWARD", "ONWARD": "ACCESS"}[came.name]

    codes = (OFFICE, TANDEM, FAR) if variant is Variant.ANSI else (9, 7, 30)
    office, tandem, far = (
        Ss7Switch(name, code, variant) for name, code in zip(("office", "tandem", "far"), codes, strict=True)
    )
    tandem.route = route
    join(office, tandem, "ACCESS", range(1, 9))
    join(far, tandem, "ONWARD", range(1, 9))
    try:
        for switch, group in ((office, "ACCESS"), (tandem, "ACCESS"), (tandem, "ONWARD"), (far, "ONWARD")):
            assert await switch.until(lambda s=switch, g=group: s.link_to(g).active)  # type: ignore[misc]
        yield Network(office, tandem, far)
    finally:
        for switch in (office, tandem, far):
            switch.close()
