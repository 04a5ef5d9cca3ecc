"""A Kamailio beside the gateway: a stateful proxy that records its route and keeps dialogs, and answers for them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.interop.prometheus_panels import Failure, stop, wait_until
from tests.interop.proxies.network import Place, Transport
from tests.interop.proxies.sipp_script import KIND_FIELD

RPC_TIMEOUT_S: Final = 5.0
SHARED_MEMORY_MB: Final = 64

_DIALOG_LINE: Final = re.compile(r"interop-dialog (start|end|failed) (\S+)")

_CONFIGURATION: Final = """#!KAMAILIO
debug=2
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
{listen}
{tcp}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
loadmodule "xlog.so"
loadmodule "kex.so"
loadmodule "dialog.so"
loadmodule "ctl.so"
{tls}
modparam("rr", "enable_full_lr", 1)
modparam("rr", "enable_double_rr", 1)
modparam("tm", "restart_fr_on_each_reply", 0)
modparam("dialog", "db_mode", 0)
modparam("ctl", "binrpc", "unix:{socket}")

request_route {{
    force_rport();
    if (!mf_process_maxfwd_header("70") || !sanity_check()) {{
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) {{
            t_relay();
        }}
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            t_relay();
        }} else if (is_method("ACK")) {{
            if (t_check_trans()) {{
                t_relay();
            }}
        }} else {{
            sl_send_reply("404", "Not here");
        }}
        exit;
    }}
    t_check_trans();
    if (!is_method("INVITE")) {{
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }}
    record_route();
    dlg_manage();
    if ($hdr({kind_field}) == "unanswered") {{
        # Both timers: over TCP and TLS the second one, set first, is not cut short by the first.
        t_set_fr({unanswered_ms}, {unanswered_ms});
    }}
    $du = "{next_hop}";
    t_relay();
}}

event_route[dialog:start] {{
    xlog("L_NOTICE", "interop-dialog start $ci\\n");
}}
event_route[dialog:end] {{
    xlog("L_NOTICE", "interop-dialog end $ci\\n");
}}
event_route[dialog:failed] {{
    xlog("L_NOTICE", "interop-dialog failed $ci\\n");
}}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a Kamailio says of its calls."""

    dialogs: dict[str, list[str]]
    """Call-ID -> what became of its dialog, from Kamailio's log: start and end, or failed."""
    statistics: Counter[str]
    """Counters of the dialog module, and of tm by class of the final responses (``tm:4xx``)."""


class Kamailio:
    """A running Kamailio."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
        self._process: Final = process
        self._socket: Final = socket
        self._log: Final = log

    def ready(self) -> bool:
        if self._process.poll() is not None:
            raise Failure(f"Kamailio ended with {self._process.returncode}")
        return "uptime" in self._ask("core.uptime")

    def settled(self) -> bool:
        """Whether no dialog is up any more."""
        counters = self._counters()
        return not counters["dialog:active_dialogs"] and not counters["dialog:early_dialogs"]

    def seen(self) -> Seen:
        dialogs: defaultdict[str, list[str]] = defaultdict(list)
        for what, call_id in _DIALOG_LINE.findall(self._log.read_text(encoding="utf-8", errors="replace")):
            dialogs[call_id].append(what)
        return Seen(dict(dialogs), self._counters())

    def _counters(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for name, value in re.findall(r"(dialog:\w+) = (\d+)", self._ask("stats.get_statistics", "dialog:")):
            counted[name] = int(value)
        for name, value in re.findall(r"([3-6]xx): (\d+)", self._ask("tm.stats")):
            counted[f"tm:{name}"] = int(value)
        return counted

    def _ask(self, *words: str) -> str:
        command = ["kamcmd", "-s", f"unix:{self._socket}", *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RPC_TIMEOUT_S, check=False)  # noqa: S603 - fixed words
        except subprocess.TimeoutExpired:
            raise Failure(f"Kamailio does not answer {' '.join(words)}") from None
        return done.stdout


@contextmanager
def kamailio(
    folder: Path, place: Place, transports: set[Transport], next_hop: str, unanswered_ms: int, tls: str = ""
) -> Iterator[Kamailio]:
    """A Kamailio at `place`, which sends what opens a call to `next_hop` (a URI). `tls`: its configuration for that."""
    file, log, socket = folder / f"{place.name}.cfg", folder / f"{place.name}.log", folder / f"{place.name}.ctl"
    listen = "\n".join(
        f"listen={transport}:{_written(place.own(transport))} advertise {_written(place.known(transport))}"
        for transport in sorted(transports)
    )
    loaded = ""
    if Transport.TLS in transports:
        profile = folder / f"{place.name}-tls.cfg"
        profile.write_text(tls)
        loaded = f'loadmodule "tls.so"\nmodparam("tls", "config", "{profile}")'
    file.write_text(
        _CONFIGURATION.format(
            listen=listen,
            tcp="enable_tls=yes" if loaded else "" if Transport.TCP in transports else "disable_tcp=yes",
            tls=loaded,
            socket=socket,
            kind_field=KIND_FIELD,
            unanswered_ms=unanswered_ms,
            next_hop=next_hop,
        )
    )
    command = ["kamailio", "-f", str(file), "-DD", "-E", "-m", str(SHARED_MEMORY_MB), "-Y", str(folder)]
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)  # noqa: S603 - fixed words
    running = Kamailio(process, socket, log)
    try:
        wait_until(f"Kamailio at {place.name} answers", running.ready)
        yield running
    finally:
        stop(process)


def _written(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
