"""The command as it is typed: what it does with files that it may not read, and what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from recorded_gateway import PARTNER, PROVIDER_2, START_US, SWITCH, Packet, invite, pcap_of
from typer.testing import CliRunner

from gateway.cli import Exit, app

NOBODY = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may enter, as those of `tmp_path` are not."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def without_the_rights_of_root() -> Iterator[None]:
    """Root reads every file, whatever its mode."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_capture_that_may_not_be_read_is_named_and_the_others_are_reported(folder: Path) -> None:
    forbidden, altered = folder / "forbidden.pcap", folder / "altered.pcap"
    altered.write_bytes(pcap_of([Packet(START_US, PARTNER, SWITCH, invite("1@a", asserted=PROVIDER_2))]))
    forbidden.write_bytes(altered.read_bytes())
    forbidden.chmod(0)
    CliRunner().invoke(app, ["audit", str(altered)])  # loads what the command imports while root may read it
    with without_the_rights_of_root():
        done = CliRunner().invoke(app, ["audit", str(forbidden), str(altered)])
    assert done.exit_code == Exit.UNREADABLE, done.output
    said = " ".join(done.output.split())
    assert f"{forbidden}: Permission denied; give the path of a capture that you may read" in said
    assert "ALTERED calling_number" in said
