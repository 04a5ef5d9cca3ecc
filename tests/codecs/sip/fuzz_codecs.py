"""Change messages byte by byte at random, for as long as wanted, and have the codecs read them.

python tests/codecs/sip/fuzz_codecs.py [--seconds 60] [--seed 1] [--alone]

Each message is read by both codecs, which must say the same; `--alone` has the C codec read it alone, as is wanted of
one that was built with sanitizers (deploy/build-native --c --sanitize):

    LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \\
        python tests/codecs/sip/fuzz_codecs.py --alone

Exit 0: nothing found, memory did not grow. 1: a difference, with the bytes. 2: memory grew. 3: there is no C codec.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from pathlib import Path
from typing import Final

from codecs_at_hand import PYTHON, WITHOUT_C, C
from everything_told import OWN_VIA, told_of_message, told_of_value
from sip_messages import PLAIN_INVITE, invite_with

GROWTH_MIB: Final = 16
"""More than this between the tenth of the time and its end is a leak: the first tenth fills the caches."""

SEEDS: Final = (
    PLAIN_INVITE,
    invite_with(
        b'f : "Bob, \\"the\\" >;tag=x" <sip:+1;npdi;rn=+2@[2001:db8::1]:5062;user=phone?X=y>;x="a;tag=no";tag=a',
        b'v:SIP / 2.0 / UDP h : 5061 ; rport ; branch = b, SIP/2.0/TLS [::1];x="\\",";received=1.2.3.4',
        b"Route: <sip:192.0.2.1:5060;lr>,\r\n <sip:b;lr>",
        b"Privacy: id ;\r\n \tuser",
        b"P-Asserted-Identity: <tel:+1-314;phone-context=+1>, <sips:%2B1:pw@h>",
        b"Timestamp: 54.21",
        body=b"v=0\r\n",
    ),
    b"SIP/2.0 180 Ringing\r\n" + OWN_VIA + b"z9hG4bKtg1.ab\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\n"
    b"From: <sip:1@h>;tag=a\r\nTo: <sip:2@h>;tag=b\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
)
PIECES: Final = (
    *(b"\r\n", b"\r", b"\n", b" ", b"\t", b",", b";", b":", b'"', b"\\", b"<", b">", b"@", b"=", b"%41", b"[", b"]"),
    *(b"\x00", b"\xff", b"\x0b", b"\r\n ", b"\r\n\t", b"\r\n\r\n", b";rport", b";branch=", b";tag=", b"sip:", b"65536"),
    *(
        b"Via: ",
        b"v:",
        b"To: ",
        b"t:",
        b"CSeq: ",
        b"99999999999 X",
        b"Content-Length: 9",
        b"Route:",
        b"SIP/2.0 ",
        b"\x1c",
    ),
)


def changed(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        at = chance.randrange(len(data) + 1)
        end = at + chance.choice((0, 0, 1, 1, 2, 8, 60))
        kind = chance.randrange(4)
        if kind == 0:
            new = chance.choice(PIECES)
        elif kind == 1:
            new = chance.randbytes(chance.choice((1, 1, 2, 5)))
        elif kind == 2:
            start = chance.randrange(len(data) + 1)
            new = data[start : start + chance.choice((1, 5, 30, 200))]
        else:
            new = chance.choice(PIECES) * chance.choice((2, 3, 20))
        data = data[:at] + new + data[end:]
    return data[: chance.randrange(len(data) + 1)] if chance.random() < 0.02 else data


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1_048_576


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    if C is None:
        _say(f"There is no codec in C: {WITHOUT_C}")
        return 3
    chance = random.Random(options.seed)
    started, count, before = time.monotonic(), 0, 0.0
    deadline, warm = started + options.seconds, started + options.seconds / 10
    while (now := time.monotonic()) < deadline:
        if not before and now > warm:
            before = resident_mib()
        for _ in range(200):
            data = changed(chance.choice(SEEDS), chance)
            value = changed(chance.choice(SEEDS).split(b"\r\n")[chance.randrange(6)].partition(b":")[2] or b"x", chance)
            in_c = told_of_message(C, data), told_of_value(C, value)
            if not options.alone and in_c != (told_of_message(PYTHON, data), told_of_value(PYTHON, value)):
                _say(f"The codecs differ on {data!r} or {value!r}")
                return 1
            count += 1
    growth = resident_mib() - before
    _say(f"{count:,} messages and as many values in {options.seconds} s, seed {options.seed}; memory {growth:+.1f} MiB")
    return 2 if growth > GROWTH_MIB else 0


if __name__ == "__main__":
    sys.exit(main())
