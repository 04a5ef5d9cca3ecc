"""Bundles of evidence: what was seen of an attack, beside the journal's entry that refers to it (L8).

A bundle is a folder of its own: ``evidence.json`` (detections with their figures, refusals by check, the journal's
head), ``calls.csv`` (the calls of the stretch of time) and ``attack.pcapng`` (packets). It is written aside and put in
place by one renaming, so that it is there as a whole or not at all. The journal's entry holds the SHA-256 of each file,
by which a bundle can be checked as long as it is kept.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from gateway.durable import flush_folder
from gateway.giving_way import giving_way
from gateway.records.call_rows import COLUMNS, SCHEMA, CallRecord, record_of
from gateway.records.database import DatabaseFileError, UnavailableError, open_for_reading
from gateway.records.journal import read_entries

EVIDENCE_FOLDER: Final = "evidence"
DOCUMENT_FILE: Final = "evidence.json"
CALLS_FILE: Final = "calls.csv"
PACKETS_FILE: Final = "attack.pcapng"

MOST_CALLS: Final = 10_000
"""Calls in a bundle: the last ones."""
MOST_DOCUMENT_BYTES: Final = 1 << 20
MOST_NAMES: Final = 64
"""Bundles whose name begins alike: of one provider, at one time."""

_ASIDE: Final = ".unfinished-"
_PAGE: Final = 1_000
_FORMULA: Final = frozenset("=+-@\t\r")
_CALL_COLUMNS: Final = tuple(field.name for field in fields(CallRecord) if field.name not in ("id", "findings"))

WritePackets = Callable[[BinaryIO], object]
"""Writes a capture to a stream, no longer than it may be. Raises OSError as the stream does."""


class EvidenceFullError(DatabaseFileError):
    """The journal refers to as many bundles as are kept. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was written."""

    id: str
    """Name of its folder."""
    files: Mapping[str, str]
    """SHA-256 of each file, hexadecimal, by its name."""

    def reference(self) -> dict[str, Any]:
        """What the journal's entry keeps of it (`Entry.evidence`)."""
        return {"id": self.id, "files": dict(self.files)}


class EvidenceStore:
    """The bundles in a state folder. Blocks for the writing: call it beside the gateway's loop."""

    def __init__(self, state_folder: Path, most: int = 100) -> None:
        """`most`: bundles that are kept. The oldest that no entry of the journal refers to makes room for a new one."""
        self._folder: Final = state_folder / EVIDENCE_FOLDER
        self._most: Final = most
        self._writing: Final = threading.Lock()

    def ids(self) -> tuple[str, ...]:
        """The bundles that are there, oldest first."""
        if not self._folder.is_dir():
            return ()
        found = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(_ASIDE)]
        return tuple(path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name)))

    def write(
        self,
        name: str,
        document: Mapping[str, Any],
        *,
        calls: Iterable[CallRecord] = (),
        packets: WritePackets | None = None,
        referred: Collection[str] = (),
    ) -> Bundle:
        """Write a bundle under `name`, or that and a number where there is one of that name.

        `name` is of letters, digits and hyphens; `packets` writes the capture, where there is one; `referred` are the
        bundles that the journal refers to, which are never removed. Raises `EvidenceFullError` where no more can be
        kept, `UnavailableError` where it cannot be written: then nothing of it is there.
        """
        if not _is_name(name):
            raise ValueError(f"{name!r} is no name of a bundle: letters, digits and hyphens")
        try:
            with self._writing:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._remove_unfinished()
                self._make_room(referred)
                return self._write(self._free(name), document, calls, packets)
        except OSError as error:
            raise UnavailableError(
                f"{error.filename or self._folder}: {error.strerror or error}: there is no evidence of {name}; free "
                "the disk, or give a state folder that can be written to"
            ) from error

    def _write(
        self, name: str, document: Mapping[str, Any], calls: Iterable[CallRecord], packets: WritePackets | None
    ) -> Bundle:
        aside = self._folder / f"{_ASIDE}{name}"
        aside.mkdir(mode=0o700)
        try:
            digests = {
                DOCUMENT_FILE: _written(aside / DOCUMENT_FILE, lambda stream: _write_document(stream, document)),
                CALLS_FILE: _written(aside / CALLS_FILE, lambda stream: _write_calls(stream, calls)),
            }
            if packets is not None:
                digests[PACKETS_FILE] = _written(aside / PACKETS_FILE, packets)
            flush_folder(aside)
            aside.rename(self._folder / name)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        flush_folder(self._folder)
        return Bundle(name, digests)

    def _free(self, name: str) -> str:
        for number in range(1, MOST_NAMES + 1):
            candidate = name if number == 1 else f"{name}-{number}"
            if not (self._folder / candidate).exists():
                return candidate
        raise EvidenceFullError(f"{self._folder}: there are {MOST_NAMES} bundles named {name}; move some elsewhere")

    def _make_room(self, referred: Collection[str]) -> None:
        there = self.ids()
        excess = len(there) - self._most + 1
        for bundle in [each for each in there if each not in referred][: max(excess, 0)]:
            shutil.rmtree(self._folder / bundle)
            excess -= 1
        if excess > 0:
            raise EvidenceFullError(
                f"{self._folder}: the journal refers to all of its {len(there)} bundles, and no more than {self._most} "
                "are kept; move old ones to an archive, which the hashes in the journal vouch for"
            )

    def _remove_unfinished(self) -> None:
        """What a process left that was killed while it wrote."""
        for path in self._folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(path)


def faults_of(state_folder: Path, reference: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with a bundle that an entry of the journal refers to; nothing where it is what was written."""
    name, files = reference.get("id"), reference.get("files")
    if not isinstance(name, str) or not isinstance(files, Mapping) or Path(name).name != name:
        return (f"the reference {str(reference)[:200]!r} names no bundle",)
    folder = state_folder / EVIDENCE_FOLDER / name
    if not folder.is_dir():
        return (f"{folder}: is not there any more",)
    faults = []
    for file, digest in files.items():
        path = folder / Path(str(file)).name
        try:
            with path.open("rb") as stream:
                found = _digest_of(stream)
        except OSError as error:
            faults.append(f"{path}: {error.strerror or error}")
            continue
        if found != digest:
            faults.append(f"{path}: was changed: its SHA-256 is {found}, and was {digest}")
    faults += [f"{path}: was put in later" for path in sorted(folder.iterdir()) if path.name not in files]
    return tuple(faults)


class EvidenceVerification(NamedTuple):
    """What became of a verification of the bundles that a journal refers to."""

    kept: int
    """Bundles that are there."""
    missing: tuple[str, ...]
    """Bundles that are not: made room for others, went to an archive, or were taken away."""
    faults: tuple[str, ...]
    """What is wrong with those that are there, each with the number of the entry."""


def verify_evidence(journal: Path, state_folder: Path) -> EvidenceVerification:
    """Compare the bundles that a journal refers to with the digests in its entries.

    Raises `DatabaseFileError` where the journal cannot be read.
    """
    kept: set[str] = set()
    missing: dict[str, None] = {}
    faults: list[str] = []
    for entry in read_entries(journal):
        reference = entry.evidence
        if reference is None:
            continue
        name = reference.get("id")
        if isinstance(name, str) and _is_name(name) and not (state_folder / EVIDENCE_FOLDER / name).is_dir():
            missing[name] = None
            continue
        kept.add(str(name))
        faults += [f"entry {entry.sequence}: {fault}" for fault in faults_of(state_folder, reference)]
    return EvidenceVerification(len(kept), tuple(missing), tuple(dict.fromkeys(faults)))


def calls_of(
    records: Path, since_us: int, until_us: int, provider: str | None = None, most: int = MOST_CALLS
) -> list[CallRecord]:
    """The last `most` recorded calls whose INVITE came in a stretch of time, in the order in which they ended.

    Times are microseconds since the Unix epoch, the second exclusive. `provider`: of one OCN alone. Reads the file
    from its end, and no further back than needed. Raises `DatabaseFileError`.
    """
    found: list[CallRecord] = []
    query = f"SELECT id,{','.join(COLUMNS)} FROM calls WHERE id < ? ORDER BY id DESC LIMIT {_PAGE}"  # noqa: S608 - ours
    with closing(open_for_reading(records, SCHEMA)) as connection:
        first = 2**63 - 1
        while len(found) < most and (
            page := [record_of(row) for row in giving_way(connection.execute(query, (first,)))]
        ):
            first = page[-1].id
            found += [
                call
                for call in page
                if since_us <= call.at_us < until_us and (provider is None or call.provider_ocn == provider)
            ]
            if all(max(call.at_us, call.ended_at_us or 0) < since_us for call in page):
                break
    return found[:most][::-1]


def _is_name(name: str) -> bool:
    return bool(name) and all(character.isascii() and (character.isalnum() or character == "-") for character in name)


# -- files ------------------------------------------------------------------------------------------------------------


def _written(path: Path, write: WritePackets) -> str:
    """Write a file for the gateway's user alone, have it on the disk, and give its SHA-256."""
    with path.open("xb") as stream:
        path.chmod(0o600)
        write(stream)
        stream.flush()
        os.fsync(stream.fileno())
    with path.open("rb") as stream:
        return _digest_of(stream)


def _write_document(stream: BinaryIO, document: Mapping[str, Any]) -> None:
    text = json.dumps(document, indent=1, allow_nan=False).encode()
    if len(text) > MOST_DOCUMENT_BYTES:
        raise OSError(f"{DOCUMENT_FILE} would have {len(text)} bytes, more than {MOST_DOCUMENT_BYTES}")
    stream.write(text + b"\n")


def _write_calls(stream: BinaryIO, calls: Iterable[CallRecord]) -> None:
    text = io.TextIOWrapper(stream, "utf-8", newline="")
    rows = csv.writer(text)
    rows.writerow(_CALL_COLUMNS)
    for _, call in zip(range(MOST_CALLS), giving_way(calls), strict=False):
        rows.writerow([_cell(getattr(call, column)) for column in _CALL_COLUMNS])
    text.flush()
    text.detach()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets a quote in front: a caller chooses his Call-ID."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def _digest_of(stream: BinaryIO) -> str:
    digest = sha256()
    while piece := stream.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
