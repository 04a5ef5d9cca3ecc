"""The folder of a run: one lab at a time, rid of what an earlier run left, with the log of the gateway."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from sim.laboratory import CONFIGURATION

RUN_FOLDER: Final = Path("var/lab")
CAPTURE: Final = "lab.pcap"
LOG: Final = "lab.log"
ATTACKS_LOG: Final = "attacks.log"
LOCK: Final = "lock"
ATTACKS_FOLDER: Final = "attacks"
"""Has a folder of the gateway of each attack."""
_OF_A_RUN: Final = (
    *(CONFIGURATION, CAPTURE, "records.db*", "journal.db*", "api.token", "evidence", "notices"),
    *(LOG, ATTACKS_LOG, ATTACKS_FOLDER),
)


class FolderBusy(Exception):
    """Another lab runs in the folder. The text says which, and what to do."""


@contextmanager
def prepared(folder: Path | None) -> Iterator[Path]:
    """The run's folder, made, rid of what an earlier run left, and no other lab's until the block is left.

    `folder` None: `var/lab` below the current one, or a temporary one where nothing can be written there. Raises
    `FolderBusy`, before anything is removed, and OSError.
    """
    chosen, lock = _taken(folder)
    with lock:  # closing it opens the folder to others, as the end of the process does, whatever its reason
        yield chosen


def _taken(folder: Path | None) -> tuple[Path, BinaryIO]:
    try:
        return _cleared(folder or RUN_FOLDER)
    except OSError:
        if folder is not None:
            raise
        return _cleared(Path(tempfile.mkdtemp(prefix="tollgate-lab-")))


def _cleared(folder: Path) -> tuple[Path, BinaryIO]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder)
    try:
        for pattern in _OF_A_RUN:
            for old in folder.glob(pattern):
                _remove(old)
        (folder / LOG).touch()
    except BaseException:
        lock.close()
        raise
    return folder, lock


def _remove(old: Path) -> None:
    """A file of an earlier run, or a folder with all that is in it."""
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    else:
        old.unlink()


def _locked(folder: Path) -> BinaryIO:
    """The folder's lock file, locked, with our process id in it. It stays: to remove it would let two labs in."""
    file = (folder / LOCK).open("a+b")
    try:
        _lock(file)
    except BlockingIOError:
        file.seek(0)
        digits = file.read(20).strip()
        file.close()
        who = f" (pid {digits.decode()})" if digits.isdigit() else ""
        raise FolderBusy(f"another lab runs in {folder}{who}: wait for it, or give --folder") from None
    except OSError:  # a file system without locks: do without
        return file
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file


def _lock(file: BinaryIO) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """The gateway's log goes to a file while the lab runs: it would break into the progress and the table."""
    handler = logging.FileHandler(file, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
