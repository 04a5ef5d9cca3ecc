"""Compiles the C programs of the bench: the call generator and the floor."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


class NotCompiled(Exception):
    """There is no C compiler, or it refused; the text says which."""


def compiled(source: Path, folder: Path) -> Path:
    """The program made of one C file, put into `folder` under the file's name. Raises NotCompiled."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise NotCompiled("no C compiler found: install gcc and the headers of the C library")
    program = folder / source.stem
    made = subprocess.run(
        [compiler, "-O2", "-std=gnu11", "-o", str(program), str(source)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        reason = (made.stderr.strip().splitlines() or ["no message"])[0]
        raise NotCompiled(f"{compiler} failed: {reason}")
    return program
