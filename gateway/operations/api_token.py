"""The bearer token of the HTTP API: kept in the state folder, readable by the gateway's own user."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Final

TOKEN_FILE: Final = "api.token"  # noqa: S105 - the name of the file that holds it
LONGEST_TOKEN: Final = 1024
"""Bytes."""
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1


class NoToken(Exception):
    """The file is there and holds no token. The text names it and says what to do."""


def read_token(folder: Path) -> str:
    """The API token of a state folder. Raises OSError where it cannot be read, and `NoToken`."""
    file = folder / TOKEN_FILE
    with file.open("rb") as opened:
        content = opened.read(LONGEST_TOKEN + 1).strip()
    if len(content) > LONGEST_TOKEN or _TOKEN.fullmatch(content) is None:
        raise NoToken(f"{file}: holds no token; delete it and start the gateway again, which makes a new one")
    return content.decode("ascii")


def read_or_make_token(folder: Path) -> str:
    """The API token of a state folder, made at the first start.

    Raises OSError where it can be neither read nor made, and `NoToken`.
    """
    try:
        descriptor = os.open(folder / TOKEN_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_token(folder)
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(token + "\n")
    return token
