"""Compiled modules are offered only while they are what the sources say, and nobody needs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.native import MANIFEST, PURE, ROOT, SUFFIX, digest, read_offer


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with two sources and a build of two groups: ``codec`` of one of them, ``rooms`` of both."""
    monkeypatch.delenv(PURE, raising=False)
    for name in ("codec.c", "room.py"):
        (tmp_path / name).write_text(f"/* {name} */\n")
    digests = {name: digest(tmp_path / name) for name in ("codec.c", "room.py")}
    groups = {
        "codec": {"modules": {"a.codec": f"a/codec{SUFFIX}"}, "sources": {"codec.c": digests["codec.c"]}},
        "rooms": {"modules": {"a.room": f"a/room{SUFFIX}"}, "sources": digests},
    }
    (tmp_path / MANIFEST).write_text(json.dumps({"groups": groups}))
    return tmp_path


def test_what_was_built_from_the_sources_as_they_are_is_offered(built: Path) -> None:
    offer = read_offer(built, built)
    assert offer.modules == {"a.codec": built / f"a/codec{SUFFIX}", "a.room": built / f"a/room{SUFFIX}"}
    assert (offer.groups, offer.reason) == (("codec", "rooms"), "")


def test_a_changed_source_switches_off_what_was_made_of_it_and_nothing_else(built: Path) -> None:
    (built / "room.py").write_text("changed")
    offer = read_offer(built, built)
    assert (offer.groups, list(offer.modules)) == (("codec",), ["a.codec"])
    assert offer.reason == "room.py changed"


def test_a_source_that_is_gone_counts_as_changed(built: Path) -> None:
    (built / "codec.c").unlink()
    offer = read_offer(built, built)
    assert (offer.groups, offer.reason) == ((), "codec.c changed")


def test_the_environment_keeps_everything_in_python(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, groups in (("1", ()), ("yes", ()), ("0", ("codec", "rooms")), ("", ("codec", "rooms"))):
        monkeypatch.setenv(PURE, value)
        assert read_offer(built, built).groups == groups


@pytest.mark.parametrize("text", [None, "", "[]", '{"groups": 1}', '{"groups": {"codec": {}}}', "\x00"])
def test_without_a_manifest_that_can_be_read_there_is_python(built: Path, text: str | None) -> None:
    (built / MANIFEST).unlink()
    if text is not None:
        (built / MANIFEST).write_text(text)
    offer = read_offer(built, built)
    assert (offer.modules, offer.groups) == ({}, ())
    assert offer.reason == "not built" if text is None else MANIFEST in offer.reason


def test_a_process_says_which_codec_runs_and_python_can_be_wanted() -> None:
    program = "from gateway.codecs import sip; print(sip.IMPLEMENTATION, sip.SipMessage.__module__)"
    for environment, expected in (({PURE: "1"}, "Python gateway.codecs.sip.python.message"), ({}, None)):
        inherited = {name: value for name, value in os.environ.items() if name != PURE}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[0] in ("C", "Python")
        assert expected is None or done.stdout.strip() == expected


def test_building_says_what_is_missing_and_leaves_what_was_there(tmp_path: Path) -> None:
    before = sorted((ROOT / "build" / "native").rglob("*"))
    done = subprocess.run(
        [sys.executable, "deploy/build-native", "--c"],
        cwd=ROOT,
        env=os.environ | {"LDSHARED": str(tmp_path / "no-compiler")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no C compiler" in done.stderr or "Python.h" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted((ROOT / "build" / "native").rglob("*")) == before
