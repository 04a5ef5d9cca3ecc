"""The files of a soak: the gateway's configuration, and a copy of the guide that can be changed."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
HOST: Final = "127.0.0.1"
LONGEST_CALL_S: Final = 200
"""The gateway gives up a call that nobody ends after this time: callers are killed here. Longer than the 180 s that the
shortest session interval comes to, so that it is seen which of the two ended a call."""

CONFIGURATION: Final = """\
[gateway]
listen = ["udp:{host}:{gateway}", "tcp:{host}:{gateway}"]
state_folder = "{folder}/state"

[operations]
listen = "{host}:{operations}"

[limits]
max_call_seconds = {longest}

[numbering]
lerg = "{folder}/lerg"
ported = "{folder}/lerg/ported.csv"

[agreement]
name = "soak"
effective = 2005-10-17

[[carriers]]
ocn = "XH01"
name = "Host"
kind = "host"

[[carriers]]
ocn = "XP01"
name = "Partner"
kind = "partner"
amendment = true

{providers}
[[trunk_groups]]
name = "partner"
side = "partner"
carrier = "XP01"
switch = "WNVLMOXADS0"
home_switch = "STLSMORBDS0"
members = [{callers}]

[[trunk_groups]]
name = "host"
side = "host"
carrier = "XH01"
switch = "WNVLMOXADS0"
members = [{callees}]
probe_seconds = 2
"""
PROVIDER: Final = """\
[[carriers]]
ocn = "{ocn}"
name = "{ocn}"
kind = "provider"
partner = "XP01"
numbering_agreement = true
confirmed = 2020-01-01T00:00:00Z
limit = {{ sustained_per_s = {rate}, burst = {rate}, in_progress = {in_progress} }}

"""
PROVIDERS: Final = (("XV01", 1_000, 10_000), ("XV02", 1_000, 10_000), ("XV03", 10, 20))
"""OCN, limit of calls a second, limit of calls in progress. The third floods."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody has just now, over UDP and over TCP."""
    probes: list[socket.socket] = []
    ports: list[int] = []
    while len(ports) < count:
        probes += [socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_STREAM)]
        try:
            probes[-2].bind((HOST, 0))
            port = int(probes[-2].getsockname()[1])
            probes[-1].bind((HOST, port))
        except OSError:
            continue
        ports.append(port)
    for probe in probes:
        probe.close()
    return ports


def write_files(folder: Path, gateway: int, operations: int, callers: Sequence[str], callees: Sequence[str]) -> Path:
    """The configuration file; `callers` and `callees` are members, ``tcp:127.0.0.1:5060``."""
    shutil.copytree(ROOT / "sim" / "missouri", folder / "lerg")
    text = CONFIGURATION.format(
        host=HOST,
        gateway=gateway,
        operations=operations,
        folder=folder,
        longest=LONGEST_CALL_S,
        providers="".join(PROVIDER.format(ocn=ocn, rate=rate, in_progress=most) for ocn, rate, most in PROVIDERS),
        callers=", ".join(f'"{member}"' for member in callers),
        callees=", ".join(f'"{member}"' for member in callees),
    )
    file = folder / "soak.toml"
    file.write_text(text)
    return file


def other_edition(folder: Path) -> None:
    """Another guide: one code more, or less."""
    lerg6 = folder / "lerg" / "lerg6.csv"
    lines = lerg6.read_text().splitlines()
    shipped = (ROOT / "sim" / "missouri" / "lerg6.csv").read_text().splitlines()
    lerg6.write_text("\n".join(shipped if len(lines) < len(shipped) else shipped[:-1]) + "\n")
