"""Compiled modules, where they were built from exactly the sources that are here.

``make native`` compiles the C of the SIP codec and of the UDP socket, and the Python of the pure rooms. The outcome is
in ``build/native``, outside of the packages, beside a manifest with a digest of every source. `offer` puts a
finder before Python's own that gives a compiled module only while each source of its group is what it was. A changed
source switches its group off, and one line on stderr says so: nobody runs yesterday's machine code beside today's
Python unawares.

``TOLLGATE_PURE_PYTHON=1`` in the environment keeps everything in Python.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SUFFIX: Final = EXTENSION_SUFFIXES[0]
"""``.cpython-311-x86_64-linux-gnu.so``: which Python and which machine a compiled module is for."""
FOLDER: Final = ROOT / "build" / "native" / SUFFIX.split(".")[1]
MANIFEST: Final = "manifest.json"
PURE: Final = "TOLLGATE_PURE_PYTHON"


@dataclass(frozen=True, slots=True)
class Offer:
    """What this process may run compiled, and why not more."""

    modules: Mapping[str, Path] = field(default_factory=dict)
    """Files by the names of the modules."""
    groups: tuple[str, ...] = ()
    """What they belong to: ``codec``, ``datagrams``, ``rooms``."""
    reason: str = ""
    """Why something that could be compiled is not; empty where all is."""

    def words(self) -> str:
        """For people: what is compiled."""
        return f"compiled: {', '.join(self.groups)}" if self.groups else f"all in Python: {self.reason}"


class _Finder(MetaPathFinder):
    def __init__(self, modules: Mapping[str, Path]) -> None:
        self._modules: Final = modules

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: object = None, /) -> ModuleSpec | None:
        file = self._modules.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, str(file)))


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def read_offer(folder: Path = FOLDER, root: Path = ROOT) -> Offer:
    """What was built into a folder from the sources below `root` as they are now. Never raises."""
    if os.environ.get(PURE, "0") not in ("", "0"):
        return Offer(reason=f"{PURE} is set")
    try:
        groups = json.loads((folder / MANIFEST).read_bytes())["groups"]
    except FileNotFoundError:
        return Offer(reason="not built")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Offer(reason=f"{folder / MANIFEST} cannot be read: {error!r}")
    modules: dict[str, Path] = {}
    current: list[str] = []
    stale: list[str] = []
    try:
        for name, group in groups.items():
            changed = [source for source, was in group["sources"].items() if not _is_still(root / source, was)]
            stale += changed
            if not changed:
                current.append(name)
                modules |= {module: folder / file for module, file in group["modules"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        return Offer(reason=f"{folder / MANIFEST} is not a manifest: {error!r}")
    reason = f"{_first_of(sorted(set(stale)))} changed" if stale else ""
    return Offer(modules, tuple(current), reason)


def _is_still(source: Path, was: str) -> bool:
    try:
        return digest(source) == was
    except OSError:
        return False


def _first_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def offer() -> Offer:
    """Have compiled modules found from now on, and say on stderr where some were built and cannot be taken."""
    found = read_offer()
    if found.modules:
        sys.meta_path.insert(0, _Finder(found.modules))
    if found.reason and found.reason not in ("not built", f"{PURE} is set"):
        kept = "Parts of Tollgate run" if found.modules else "Tollgate runs"
        sys.stderr.write(
            f"{kept} in plain Python: {found.reason} since {FOLDER} was built. 'make native' builds it anew.\n"
        )
    return found


OFFER: Final = offer()
