"""Calls through Kamailio and the gateway, and whether all who saw them agree.

    python -m tests.interop.proxies [--keep FOLDER] [NUMBER ...]

With numbers, the chains of those numbers alone. Exit 0: they agree. 1: they do not, or a program is missing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.interop.proxies.runs import CHAINS, try_proxies


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.proxies")
    parser.add_argument("chains", type=int, nargs="*", metavar="NUMBER", help=f"from 1 to {len(CHAINS)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder for configurations, logs and records")
    asked = parser.parse_args()
    if not all(1 <= number <= len(CHAINS) for number in asked.chains):
        parser.error(f"there are chains 1 to {len(CHAINS)}")
    return 0 if try_proxies(asked.chains, asked.keep) else 1


if __name__ == "__main__":
    sys.exit(main())
