"""SQLite files of ours: created private, in WAL mode, at a known schema version.

``PRAGMA application_id`` says that a file is ours and which one, ``PRAGMA user_version`` how many of the schema's steps
it has been through. An older file is brought forward when it is opened, where its schema can be; a newer one is left
alone.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's lock before it fails."""


class DatabaseFileError(Exception):
    """A file that cannot be used. The text says which, why, and what to do."""


class NewerSchemaError(DatabaseFileError):
    """The file was written by a later version of tollgate."""


class OlderSchemaError(DatabaseFileError):
    """The file was written by an earlier version of tollgate, and cannot be brought forward."""


class ForeignFileError(DatabaseFileError):
    """The file is something else than what was looked for, or damaged."""


class UnavailableError(DatabaseFileError):
    """The file cannot be reached: absent, forbidden, locked, disk full."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file of ours holds, and how it came to hold it."""

    content: str
    """For people: ``call records``."""
    application_id: int
    steps: tuple[tuple[str, ...], ...]
    """Statements that bring a file from version `abandoned` + i to the next."""
    abandoned: int = 0
    """The last version that is not brought forward: a file of it is refused."""
    abandoned_remedy: str = ""
    """What to do with such a file."""

    @property
    def version(self) -> int:
        return self.abandoned + len(self.steps)


def open_for_writing(path: Path, schema: Schema, synchronous: Literal["NORMAL", "FULL"]) -> sqlite3.Connection:
    """A connection in autocommit mode that any thread may use (one at a time); creates file and folders if need be.

    What it creates is for the gateway's user alone, since call records hold telephone numbers.
    Raises `DatabaseFileError`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}; give a state folder that can be written to") from error
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error}; give a state folder that can be written to") from error
    try:
        _bring_forward(connection, path, schema)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise UnavailableError(
                f"{path}: write-ahead logging is not possible here; give a state folder on a local disk"
            )
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except sqlite3.Error as error:
        connection.close()
        raise _fault(path, schema, error) from error
    except DatabaseFileError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, schema: Schema, *, immutable: bool = False) -> sqlite3.Connection:
    """A read-only connection, beside a running gateway or without one. Raises `DatabaseFileError`.

    SQLite makes a ``-wal`` and a ``-shm`` beside a file in WAL mode even to read it, and leaves them there. With
    `immutable` it makes none, and takes no lock: for a short reading of a file beside which there is no ``-wal``.
    """
    if not path.is_file():
        raise UnavailableError(
            f"{path}: there are no {schema.content} here; give with --config the file of a gateway that ran"
        )
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S)
    except sqlite3.Error as error:
        raise UnavailableError(f"{path}: {error}; check who may read it") from error
    try:
        version = _version(connection, path, schema)
        if version == 0:
            raise ForeignFileError(
                f"{path}: holds no {schema.content}; give with --config the file of a gateway that ran"
            )
        if version < schema.version:
            raise UnavailableError(
                f"{path}: was written by an earlier tollgate (schema version {version}, now {schema.version}); start "
                "the gateway on its folder once, which brings the file forward"
            )
    except sqlite3.Error as error:
        connection.close()
        raise _fault(path, schema, error) from error
    except DatabaseFileError:
        connection.close()
        raise
    return connection


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file that a path leads to; None where it leads to none.

    An open file that is no longer the one at its path was moved or deleted, and what is written to it is not found.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bring_forward(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    connection.execute("BEGIN IMMEDIATE")  # two gateways that start together must not both create the tables
    try:
        for statements in schema.steps[max(_version(connection, path, schema) - schema.abandoned, 0) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.application_id}")
        connection.execute(f"PRAGMA user_version = {schema.version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path, schema: Schema) -> int:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id != schema.application_id and (tables or version or application_id):
        raise ForeignFileError(f"{path}: is a database of something else, not {schema.content}; move it away")
    if version > schema.version:
        raise NewerSchemaError(
            f"{path}: holds {schema.content} of schema version {version}, and this tollgate knows up to "
            f"{schema.version}; run the newer tollgate that wrote it, or give another state folder"
        )
    if 0 < version <= schema.abandoned:
        raise OlderSchemaError(
            f"{path}: holds {schema.content} of schema version {version}, which this tollgate cannot bring forward; "
            f"{schema.abandoned_remedy}"
        )
    return int(version)


def _fault(path: Path, schema: Schema, error: sqlite3.Error) -> DatabaseFileError:
    if isinstance(error, sqlite3.OperationalError):
        return UnavailableError(f"{path}: {error}; free the disk or end what holds the file, then start again")
    return ForeignFileError(f"{path}: {error}: holds no {schema.content} that can be read; move it away")
