"""What an audit says of itself where it did not see all: the wrong edition, cut packets, one direction, no gateway."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack, unpack_from
from typing import Any

import pytest
from capture_bytes import pcap
from recorded_gateway import invite
from ss7_bytes import ANSI_IAM
from ss7_script import CALLED, CALLING, ONE, THREE, TWO, Said, acm, anm, capture_of, iam, rel, rlc
from typer.testing import CliRunner

from gateway.cli import Exit, app
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, encode_mtp3
from gateway.codecs.ss7.variant import Variant

CAPTURES = Path(__file__).parents[2] / "captures"
CALLS = [
    one
    for cic in (7, 9, 11)
    for one in (
        Said(cic * 1_000, ONE, TWO, iam(cic)),
        Said(cic * 1_000 + 80, TWO, ONE, acm(cic)),
        Said(cic * 1_000 + 90, TWO, ONE, anm(cic)),
        Said(cic * 1_000 + 700, ONE, TWO, rel(cic)),
        Said(cic * 1_000 + 710, TWO, ONE, rlc(cic)),
    )
]


def audited(capture: bytes, tmp_path: Path, *options: str) -> tuple[int, dict[str, Any], list[str]]:
    """Exit code, summary and notes."""
    file = tmp_path / "x.pcap"
    file.write_bytes(capture)
    done = CliRunner().invoke(app, ["audit", "--format", "json", *options, str(file)])
    summary: dict[str, Any] = json.loads(done.stdout)["summary"]
    return done.exit_code, summary, [note.removeprefix(f"{file}: ") for note in summary["notes"]]


def cut(capture: bytes, size: int) -> bytes:
    """A capture with a snap length."""
    out, at = [capture[:24]], 24
    while at < len(capture):
        seconds, micros, held, whole = unpack_from("<IIII", capture, at)
        out.append(
            pack("<IIII", seconds, micros, min(held, size), whole) + capture[at + 16 : at + 16 + min(held, size)]
        )
        at += 16 + held
    return b"".join(out)


def test_a_capture_read_as_the_other_edition_is_no_clean_one(tmp_path: Path) -> None:
    code, _, notes = audited(capture_of(CALLS), tmp_path, "--ss7", "itu")
    assert code == Exit.UNREADABLE
    assert notes[0].startswith("3 of 3 messages that show their edition are no itu ones")
    assert notes[0].endswith("leave --ss7 out, or give --ss7 ansi")
    assert audited(capture_of(CALLS), tmp_path, "--ss7", "ansi")[0] != Exit.UNREADABLE


def test_a_signalling_link_read_as_the_other_edition_is_no_clean_one(tmp_path: Path) -> None:
    frame = encode_mtp3(Mtp3Transfer(ONE, TWO, 5, 2, 0, 0, ANSI_IAM), Variant.ANSI)
    code, _, notes = audited(pcap([frame, frame], link_type=141), tmp_path, "--ss7", "itu")
    assert code == Exit.UNREADABLE
    assert notes[0].startswith("2 of 2 messages that show their edition are no itu ones")


@pytest.mark.parametrize("size", [12, 25, 40, 70])
def test_a_capture_whose_packets_were_cut_so_that_no_call_is_left_is_no_clean_one(tmp_path: Path, size: int) -> None:
    code, _, notes = audited(cut(capture_of(CALLS), size), tmp_path)
    assert code == Exit.UNREADABLE
    assert notes[-1].startswith("of 15 of 15 packets the capture holds only the beginning, and no call could be read")


def test_the_report_says_which_source_gave_the_edition_where_two_contradict(tmp_path: Path) -> None:
    folder = CAPTURES / "ansi-isup"
    options = ("--ss7", "itu", "--config", str(folder / "tollgate.toml"))
    _, summary, _ = audited((folder / "run.pcap").read_bytes(), tmp_path, *options)
    said = "the option --ss7, and for what the gateway decides the links of the configuration, of which others are "
    assert summary["ss7"]["told_by"] == f"{said}river-bend, branson"


def test_that_only_one_direction_was_captured_is_said(tmp_path: Path) -> None:
    of_one = [said for said in CALLS if said.source == ONE]
    _, summary, notes = audited(capture_of([*of_one, Said(20_000, TWO, THREE, iam(3))]), tmp_path)
    assert summary["ss7"]["one_direction"] == [{"source": "1-1-1", "destination": "2-2-2", "messages": 6}]
    assert notes == [
        "on the circuits between 1-1-1 and 2-2-2 only messages from 1-1-1 were captured (6): answers and releases by "
        "2-2-2 cannot be judged; capture both directions"
    ]


def test_nothing_is_said_of_a_capture_of_both_directions(tmp_path: Path) -> None:
    _, summary, notes = audited(capture_of(CALLS), tmp_path)
    assert (summary["ss7"]["one_direction"], notes) == ([], [])


def test_how_legs_over_sip_and_on_circuits_are_told_to_be_one_call_without_a_configuration_is_said(
    tmp_path: Path,
) -> None:
    first = invite("1@partner.example", calling=CALLING, called=CALLED)
    said = [*CALLS, Said(30_000, ("192.0.2.50", 5060), ("192.0.2.60", 5060), first)]
    _, _, notes = audited(capture_of(said), tmp_path)
    assert [note.endswith("give the gateway's --config") for note in notes] == [True]
