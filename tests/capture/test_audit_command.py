"""The command as it is typed: what it does with files that it may not read, and what it leaves behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from recorded_gateway import PARTNER, PROVIDER_2, START_US, SWITCH, Packet, invite, pcap_of, small_configuration
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


@pytest.mark.parametrize(
    ("listen", "told"), [(None, True), ('["127.0.0.1:5060", "tcp:127.0.0.1:5060"]', True), ('"127.0.0.1:5060"', False)]
)
def test_that_calls_over_tcp_are_not_read_is_said_where_there_may_be_some(
    tmp_path: Path, listen: str | None, told: bool
) -> None:
    by_udp = bytearray(pcap_of([Packet(START_US, PARTNER, SWITCH, invite("1@a"))]))
    capture = tmp_path / "both.pcap"
    by_tcp = bytearray(by_udp)
    by_tcp[by_tcp.index(b"\x11", 24)] = 6  # the protocol of IPv4: its first byte of that value
    capture.write_bytes(by_udp + by_tcp[24:])
    arguments = ["audit", str(capture)]
    if listen is not None:
        configuration = small_configuration(tmp_path / "gateway")
        text = configuration.file.read_text()
        line = next(line for line in text.splitlines() if line.startswith("listen = "))
        configuration.file.write_text(text.replace(line, f"listen = {listen}", 1))
        arguments += ["--config", str(configuration.file)]
    said = " ".join(CliRunner().invoke(app, arguments).output.split())
    assert "other traffic 1 TCP" in said
    assert ("and none begins as a message of M3UA; calls over TCP and TLS are not in this report" in said) is told
