"""tshark reads the shipped captures and the lab's own run, and finds the messages that the audit finds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from gateway.codecs.ss7.isup import MessageType
from tests.interop.prometheus_panels import Failure, say

ROOT: Final = Path(__file__).parents[2]
FIELDS: Final = ("frame.number", "sip.Method", "sip.Status-Code", "sip.Call-ID", "sip.CSeq.method")
ISUP_NAMES: Final = {int(kind): kind.name for kind in MessageType}
TIMEOUT_S: Final = 120.0


def shipped_captures() -> list[Path]:
    return sorted((ROOT / "captures").glob("*/*.pcap"))


def agrees(capture: Path) -> str:
    """Compare one capture. Raises `Failure` with what differs."""
    document = audit(capture)
    broken = {datagram["frame"] for datagram in document["summary"]["malformed"]["datagrams"]}
    counted, first_frames = seen_by_tshark(capture, broken)
    ours = Counter({kind: count for kind, count in document["summary"]["messages"].items() if count})
    # tshark counts a message by its first line; the audit reads on, and counts a broken one as malformed.
    malformed = document["summary"]["malformed"]["count"]
    if ours - counted or (counted - ours).total() > malformed:
        raise Failure(f"{capture}: tshark counts {dict(counted - ours)} more, the audit {dict(ours - counted)} more")
    legs = [leg["frames"][0] for call in document["calls"] for leg in call["legs"]]
    differing = {call for call, frame in first_frames.items() if frame not in legs}
    if differing:
        raise Failure(f"{capture}: the first INVITE is in another frame for tshark: {sorted(differing)[:5]}")
    return f"{ours.total()} messages, {malformed} malformed, {len(document['calls'])} calls"


def seen_by_tshark(capture: Path, broken: set[int]) -> tuple[Counter[str], dict[str, int]]:
    """How many messages of each method, status and ISUP type there are, and where each Call-ID's first INVITE is.

    Call-IDs with a message in one of the `broken` frames are left out: what opens such a call is a matter of taste.
    """
    command = ["tshark", "-r", str(capture), "-Y", "sip", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    output = run(command)
    counted = isup_seen_by_tshark(capture)
    first: dict[str, int] = {}
    spoilt: set[str] = set()
    for line in output.splitlines():
        frame, method, status, call_id, _ = (*line.split("\t"), "", "", "", "")[:5]
        counted[method or status] += 1
        if int(frame) in broken:
            spoilt.add(call_id)
        if method == "INVITE":
            first.setdefault(call_id, int(frame))
    return counted, {call_id: frame for call_id, frame in first.items() if call_id not in spoilt}


def isup_seen_by_tshark(capture: Path) -> Counter[str]:
    """How many messages of each type of ISUP there are on circuits; what SIP carries is not counted.

    By which variant's standard they are read changes nothing of M3UA's; of MTP3's the one that finds more is right.
    """
    command = ["tshark", "-r", str(capture), "-Y", "isup && !sip", "-T", "fields", "-e", "isup.message_type"]
    readings = [Counter[str](), Counter[str]()]
    for counted, options in zip(readings, ([], ["-o", "mtp3.standard:ANSI"]), strict=True):
        for line in run([*command, *options]).split():
            for kind in map(int, line.split(",")):
                counted[ISUP_NAMES.get(kind, f"ISUP {kind:#04x}")] += 1
    return max(readings, key=Counter.total)


def audit(capture: Path) -> Any:
    return json.loads(
        run([sys.executable, "-m", "gateway.cli", "audit", "--format", "json", str(capture)], codes=(0, 1))
    )


def run(command: list[str], codes: Iterable[int] = (0,)) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
    if done.returncode not in codes:
        raise Failure(f"{' '.join(command[:4])} ... ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def try_tshark(captures: Iterable[Path]) -> bool:
    """Whether tshark and the audit agree on every capture; says so line by line."""
    if shutil.which("tshark") is None:
        say("FAULT  tshark is not installed: apt-get install tshark")
        return False
    good = True
    for capture in captures:
        try:
            say(f"ok  tshark on {capture.parent.name}/{capture.name}: {agrees(capture)}")
        except Failure as fault:
            say(f"FAULT  {fault}")
            good = False
    return good
