"""The lab while it runs: the cast on its sockets, the gateway in front of it, and those who watch."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.operations.configuration import Configuration, load_configuration
from gateway.wiring.live import Gateway, running
from sim.cast import LOOPBACK, Cast, free_port, on_stage
from sim.gateway_file import USUAL, Defence, configuration_text
from sim.observation import GatewayTap, LiveDecisions, whole_run
from sim.packets import Packet
from sim.ss7.cast import CONNECTING
from sim.stage import Stage

CONFIGURATION: Final = "tollgate.toml"
JOURNAL: Final = "journal.db"
"""The gateway's cut-overs, in its state folder, which is the run's."""
OPERATIONS_PORT: Final = 9464
"""Where `grafana/prometheus.yml` scrapes; another one where it is taken."""


@dataclass(frozen=True, slots=True)
class Lab:
    """The lab while it runs."""

    cast: Cast
    gateway: Gateway
    configuration: Configuration
    live: LiveDecisions
    tap: GatewayTap
    stage: Stage

    def packets(self) -> list[Packet]:
        """Every datagram of the run so far, once."""
        return whole_run(self.tap.packets, self.cast.log.packets, self.gateway.address)

    def stop_recording(self) -> None:
        """What comes from now on is in no capture and in no comparison: memory stays bounded while the lab serves."""
        self.tap.recording = self.live.recording = self.cast.log.recording = False


@asynccontextmanager
async def opened(
    folder: Path, *, operations_port: int = OPERATIONS_PORT, defence: Defence = USUAL
) -> AsyncIterator[Lab]:
    """The cast and a gateway in front of it, configured by a file in `folder`, until the block is left."""
    async with on_stage() as cast:
        sip_port, http_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM, operations_port)
        listening = {name: (LOOPBACK, free_port(socket.SOCK_STREAM)) for name in CONNECTING}
        file = folder / CONFIGURATION
        text = configuration_text(
            cast, sip_port=sip_port, operations_port=http_port, listening=listening, defence=defence
        )
        file.write_text(text, "utf-8")
        configuration = load_configuration(file)
        live, tap = LiveDecisions(), GatewayTap()
        async with running(configuration, tap=tap, link_tap=tap.link, observers=(live,)) as gateway:
            cast.aim(gateway.address)
            cast.ss7.aim(listening)
            await cast.ss7.ready()
            stage = Stage(cast, gateway, configuration, live, tap)
            yield Lab(cast, gateway, configuration, live, tap, stage)
