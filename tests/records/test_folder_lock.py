"""Two gateways cannot keep their state in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.records.database import UnavailableError
from gateway.records.folder_lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from gateway.records.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_gateway_is_told_who_holds_the_folder_and_what_to_do(tmp_path: Path) -> None:
    held = FolderLock(tmp_path)
    with pytest.raises(UnavailableError, match=rf"process {os.getpid()}\); stop it, or give this one"):
        FolderLock(tmp_path)
    held.close()
    FolderLock(tmp_path).close()


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UnavailableError, match=f"process {holder.pid}"):
        FolderLock(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    FolderLock(tmp_path).close()
