"""One gateway a state folder: two that append to one journal would undo each other's steps."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from gateway.records.database import UnavailableError

LOCK_FILE: Final = "gateway.lock"


class FolderLock:
    """Holds a state folder for this process, until `close` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises `UnavailableError` where another process holds the folder, OSError where it cannot be written."""
        self._file = (folder / LOCK_FILE).open("a+", encoding="ascii")
        if sys.platform == "win32":
            return  # nothing there tells that the holder is gone
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read(32).strip()
            self._file.close()
            raise UnavailableError(
                f"{folder}: another gateway keeps its state here (process {holder or 'unknown'}); stop it, or give "
                "this one a gateway.state_folder of its own"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()
