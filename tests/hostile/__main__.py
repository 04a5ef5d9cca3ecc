"""What hostile input costs: ``python -m tests.hostile [--half-open N] [--only growth|kinds|floods|streams]``.

Four tables: the CPU time of messages that are long in one way, with the exponent by which it grows with their length
(1 is in proportion); the CPU time of broken messages; floods, with what is kept of them; and
connections that are opened to no good. Nothing is asserted here:
`test_bounds.py` and `test_stream_bounds.py` hold the bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send
from sim.malformed import corpus
from tests.hostile.cases import requests
from tests.hostile.floods import FLOODS, Flood, first_answer, flood, let_time_pass
from tests.hostile.growing import LONGEST, REQUESTS, RESPONSES, Grow, sound
from tests.hostile.streams import ATTACKS, outcome_of
from tests.hostile.world import World, answer_to, sent_on
from tests.wiring.small_gateway import HOST_NUMBER, OTHER_PROVIDER_NUMBER

LENGTHS: Final = (8_192, 16_384, 32_768, LONGEST)
LEAST_S: Final = 0.02
"""CPU time for which a message is repeated, so that the clock can be read."""
_NUMBERS: Final = itertools.count()
HALF_OPEN: Final = 1_000_000


@contextmanager
def world(**limits: int) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="tollgate-hostile-") as folder:
        yield World(Path(folder), **limits)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu_us(one: World, data: bytes, source: Hop) -> float:
    """CPU microseconds of one such message, at best: each has a Call-ID and a branch of its own where it has any."""
    best, spent = math.inf, 0.0
    while spent < LEAST_S:
        unique = data.replace(b"@@@@@@", b"%06d" % next(_NUMBERS))
        start = time.process_time_ns()
        one.proxy.receive(unique, source, one.now_us)
        took = (time.process_time_ns() - start) / 1e3
        best, spent = min(best, took), spent + took / 1e6
    return best


def growth() -> None:
    """Exponent: that of the length in the CPU time, from a quarter of the greatest length to the whole of it."""
    say(f"{'long in one way':44} {'answer':>9} {'us at 64 KB':>12} {'ns/byte 8 KB':>13} {'64 KB':>7} {'exponent':>9}")
    for name, grow in REQUESTS.items():
        with world(max_transactions=1 << 30, max_calls=1 << 30) as one:
            short = sound("@@@@@@", one.caller, calling=OTHER_PROVIDER_NUMBER)
            _growth_row(name, one, grow, short, one.caller)
    for name, grow in RESPONSES.items():
        with world() as one:
            (invite,) = sent_on(one.receive(sound("call", one.caller), one.caller), one.callee)
            _growth_row(name, one, grow, answer_to(invite, 183), one.callee)


def _growth_row(name: str, one: World, grow: Grow, short: bytes, source: Hop) -> None:
    messages = [grow(short, length) for length in LENGTHS]
    took = [cpu_us(one, message, source) for message in messages]
    each = [us * 1e3 / len(message) for us, message in zip(took, messages, strict=True)]
    exponent = math.log(took[-1] / took[1]) / math.log(len(messages[-1]) / len(messages[1]))
    answer = _answer(one, messages[-1], source)
    say(f"{name:44} {answer:>9} {took[-1]:12.0f} {each[0]:13.2f} {each[-1]:7.2f} {exponent:9.2f}")


def _answer(one: World, data: bytes, source: Hop) -> str:
    sends = [a for a in one.proxy.receive(data.replace(b"@@@@@@", b"answer"), source, one.now_us) if type(a) is Send]
    if not sends:
        return "dropped"
    if data.startswith(b"SIP/2.0 "):
        return "relayed"
    return "forwarded" if len(sends) > 1 else sends[0].data[8:11].decode()


def kinds() -> None:
    """Many messages of a kind, and what one of them costs."""
    say(f"\n{'kind':44} {'messages':>9} {'us each':>9} {'most us':>9}")
    noise = random.Random(4475)
    with world(max_transactions=1 << 30, max_calls=1 << 30) as one:
        invite = sound("kind", one.caller, calling=OTHER_PROVIDER_NUMBER)
        changed = [
            invite[:place] + bytes([byte]) + invite[place + 1 :]
            for place in range(len(invite))
            for byte in range(0, 256, 7)
        ]
        many_vias = invite.replace(b"\r\nMax", b"\r\n" + b"v:SIP/2.0/UDP h\r\n" * 10_000 + b"Max", 1)
        long_headers = invite.replace(b"\r\nMax", b"\r\nX: " + b"x" * 65_000 + b"\r\nMax", 1)
        rows: dict[str, Sequence[bytes]] = {
            "a sound INVITE": [invite.replace(b"kind", b"%06d" % number) for number in range(3_000)],
            "the messages of RFC 4475 and RFC 5118": requests(own=one.caller),
            "the lab's broken datagrams": [kind.payload(one.caller.address) for kind in corpus()],
            "every beginning of an INVITE": [invite[:length] for length in range(len(invite))],
            "an INVITE with one byte changed": changed,
            "noise of 1,200 bytes": [noise.randbytes(1_200) for _ in range(2_000)],
            "noise of 64 KB": [noise.randbytes(65_507) for _ in range(200)],
            "10,000 Vias, which no datagram holds": [many_vias] * 200,
            "a header line of 64 KB": [long_headers] * 200,
            "keep-alives": [b"\r\n\r\n"] * 5_000,
        }
        for name, messages in rows.items():
            took: list[float] = []
            for message in messages:
                start = time.process_time_ns()
                one.proxy.receive(message, one.caller, one.now_us)
                took.append((time.process_time_ns() - start) / 1e3)
            say(f"{name:44} {len(took):9,} {sum(took) / len(took):9.1f} {max(took):9.0f}")


def floods(count: int) -> None:
    """The default limits of the configuration, and a flood beyond them."""
    say(
        f"\n{'flood':36} {'messages':>9} {'us each':>8} {'transactions':>13} {'calls up':>9} {'memory MB':>10}"
        f" {'then a call':>18} {'then 911':>18} {'left MB':>8}"
    )
    for name, kind in FLOODS.items():
        _flood_row(name, kind, count if "911" not in name else count // 10)


def _flood_row(name: str, kind: Flood, count: int) -> None:
    with world(max_transactions=100_000, max_calls=100_000) as one:
        gc.collect()
        before = _resident_bytes()
        start = time.process_time()
        flood(one, kind, count)
        took = time.process_time() - start
        full = _resident_bytes() - before
        transactions, dialogs = one.proxy.transactions, one.proxy.dialogs
        call = first_answer(one, "honest", called=HOST_NUMBER)
        emergency = first_answer(one, "sos", called="911")
        let_time_pass(one, 15_000)
        gc.collect()
        left = _resident_bytes() - before
        say(
            f"{name:36} {count:9,} {took * 1e6 / count:8.1f} {transactions:13,} {dialogs:9,} {full / 1e6:10.1f}"
            f" {call:>18} {emergency:>18} {left / 1e6:8.1f}",
        )


def streams() -> None:
    """The gateway is another process; its limits are those of `streams.py`, with a second for what must come soon."""
    say(f"\n{'connections':44} {'of them':>8} {'us each':>8} {'most up':>8} {'refused':>8} {'MB':>6} {'then':>16}")
    for name, (attack, count, _) in ATTACKS.items():
        with tempfile.TemporaryDirectory(prefix="tollgate-hostile-") as folder:
            one = asyncio.run(outcome_of(attack, count, Path(folder)))
        say(
            f"{name:44} {count:8,} {one.cpu_us_each:8.0f} {one.most_accepted:8,} {one.refused:8,}"
            f" {one.growth_bytes / 1e6:6.1f} {one.then.decode():>16}"
        )


def _resident_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1_024 * int(status.partition("VmRSS:")[2].split()[0])


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="What hostile input costs.")
    parser.add_argument("--half-open", type=int, default=HALF_OPEN, metavar="N", help="messages of a flood")
    parser.add_argument("--only", choices=("growth", "kinds", "floods", "streams"), help="one table")
    chosen = parser.parse_args(arguments)
    if chosen.only in (None, "growth"):
        growth()
    if chosen.only in (None, "kinds"):
        kinds()
    if chosen.only in (None, "floods"):
        floods(chosen.half_open)
    if chosen.only in (None, "streams"):
        streams()


if __name__ == "__main__":
    main(sys.argv[1:])
