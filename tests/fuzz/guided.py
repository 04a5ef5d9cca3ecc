"""One target under atheris: ``python -m tests.fuzz.guided TARGET WORK SECONDS``.

Atheris watches which lines an input reaches, and keeps and changes the inputs that reach new ones. `WORK` holds those
inputs, and from run to run; what breaks something is written beside them as ``fault-...``. Exit 0: nothing broke.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped, unused-ignore]

with atheris.instrument_imports(include=["gateway.codecs", "gateway.signalling", "gateway.policy"]):
    from tests.fuzz.seeds import LONGEST, TARGETS, seeds_of


def main() -> None:
    target, work, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds_of(target)):
        (corpus / f"seed-{number:03}").write_bytes(seed[:LONGEST])
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-dict={TARGETS[target].words}",
        f"-artifact_prefix={work}/fault-",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[target].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
