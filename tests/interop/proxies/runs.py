"""The chains that are tried, one after the other, and the table of what came of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.interop.prometheus_panels import Failure, say
from tests.interop.proxies.call_kinds import ANSWERED, call_kinds
from tests.interop.proxies.certificates import Certificates
from tests.interop.proxies.chain_run import Result, run
from tests.interop.proxies.network import Chain, Transport
from tests.interop.proxies.tollgate import LIMIT_BURST

NEEDED: Final = {"sipp": "sip-tester", "kamailio": "kamailio", "kamcmd": "kamailio", "openssl": "openssl"}
LOSS: Final = ("--lose", "4", "--duplicate", "3", "--reorder", "6", "--late", "40", "--jitter", "10", "--seed", "2005")
MOST_SHOWN: Final = 12

_UDP, _TCP, _TLS = Transport.UDP, Transport.TCP, Transport.TLS
CHAINS: Final = (  # SIPp is built without TLS in Debian: there a Kamailio stands between
    Chain(_UDP, _UDP, front=True, behind=False),
    Chain(_UDP, _UDP, front=False, behind=True),
    Chain(_UDP, _UDP, front=True, behind=False, loss=LOSS),
    Chain(_UDP, _UDP, front=False, behind=True, loss=LOSS),
    Chain(_UDP, _TCP, front=True, behind=False),
    Chain(_TCP, _UDP, front=True, behind=False),
    Chain(_TCP, _TCP, front=False, behind=True),
    Chain(_TLS, _TLS, front=True, behind=True),
    Chain(_TCP, _TLS, front=False, behind=True),
    Chain(_TLS, _TCP, front=True, behind=False),
)


def try_proxies(wanted: Sequence[int] = (), keep: Path | None = None) -> bool:
    """Whether all agree on every call of every chain; says so line by line.

    `wanted`: numbers of chains, from 1; none: all of them. `keep`: a folder for what the runs leave, which else goes.
    """
    missing = {package for program, package in NEEDED.items() if shutil.which(program) is None}
    if missing:
        say(f"FAULT  not installed: apt-get install {' '.join(sorted(missing))}")
        return False
    with tempfile.TemporaryDirectory(prefix="tollgate-proxies-") as temporary:
        folder = keep or Path(temporary)
        try:
            return _try_all(wanted or range(1, len(CHAINS) + 1), folder)
        except Failure as fault:
            say(f"FAULT  {fault}")
            return False


def _try_all(wanted: Sequence[int], folder: Path) -> bool:
    certificates = Certificates(_made(folder / "certificates"))
    say(f"{'':6}{'chain':58}{'calls':>6} {'s':>5}  final status: calls")
    good = True
    for number in wanted:
        result = run(CHAINS[number - 1], certificates, _made(folder / f"chain-{number}"))
        _say(result)
        good = good and not result.faults
    left_out = [kind.name for kind in call_kinds(LIMIT_BURST, ANSWERED) if not kind.under_loss]
    say(f"{'':6}with loss, SIPp cannot play and was not asked to: {', '.join(left_out)}")
    say(f"{'':6}Debian's SIPp is built without TLS: there it speaks UDP or TCP, and Kamailio or the gateway TLS")
    return good


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _say(result: Result) -> None:
    ends = "  ".join(f"{status}: {calls}" for status, calls in sorted(result.ends.items()))
    verdict = "FAULT" if result.faults else "ok"
    say(f"{verdict:6}{result.chain!s:58}{result.calls:6} {result.took_s:5.1f}  {ends}")
    if result.relayed:
        say(f"{'':6}  datagrams: {', '.join(f'{count} {what}' for what, count in sorted(result.relayed.items()))}")
    for fault in result.faults[:MOST_SHOWN]:
        say(f"{'':6}  {fault}")
    if len(result.faults) > MOST_SHOWN:
        say(f"{'':6}  and {len(result.faults) - MOST_SHOWN} more")
