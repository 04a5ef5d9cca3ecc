"""One target under hypothesis: ``python -m tests.fuzz.properties TARGET WORK SECONDS``.

Hypothesis makes inputs out of the seeds by a plan, and looks for the smallest one that breaks something. That one is
written to `WORK` as ``fault-...``. Exit 0: nothing broke.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import LONGEST, TARGETS, seeds_of

ROUND: Final = 400
"""Examples between two looks at the clock."""


@cache
def words_in(dictionary: Path) -> tuple[bytes, ...]:
    """The words of a dictionary in libFuzzer's format."""
    return tuple(
        line.partition('"')[2].rpartition('"')[0].encode().decode("unicode_escape").encode("latin-1")
        for line in dictionary.read_text(encoding="ascii").splitlines()
        if line and not line.startswith("#")
    )


@st.composite
def inputs(draw: st.DrawFn, target: str) -> bytes:
    """A seed with some places replaced by words of its protocol, by bytes, or by pieces of other seeds. A script may go
    on with others.
    """
    seeds, words = seeds_of(target), words_in(TARGETS[target].words)
    data = draw(st.sampled_from(seeds))
    if TARGETS[target].is_script:
        data += b"".join(draw(st.lists(st.one_of(st.sampled_from(seeds), st.binary(max_size=12)), max_size=6)))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 24, len(data))))
        other = draw(st.sampled_from(seeds))
        cut = draw(st.integers(0, len(other)))
        piece = draw(st.one_of(st.sampled_from(words), st.binary(max_size=8), st.just(other[cut : cut + 40])))
        data = data[:start] + piece * draw(st.sampled_from((1, 1, 1, 2, 30))) + data[end:]
    return data[:LONGEST]


def search(name: str, target: Callable[[bytes], None], examples: int, failed: Callable[[bytes], None]) -> None:
    """Try that many inputs; the smallest that breaks something is the last to be given to `failed`, then it raises."""

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
    )
    @given(inputs(name))
    def holds(data: bytes) -> None:
        try:
            target(data)
        except Exception:
            failed(data)
            raise

    holds()


def main() -> int:
    name, work, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    smallest: list[bytes] = []
    tried, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            search(name, TARGETS[name].check, ROUND, smallest.append)
            tried += ROUND
    except Exception:
        traceback.print_exc()
        if not smallest:
            raise
        file = work / f"fault-{hashlib.sha256(smallest[-1]).hexdigest()[:16]}"
        file.write_bytes(smallest[-1])
        return 1
    sys.stdout.write(f"{tried} inputs\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
