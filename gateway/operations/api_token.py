"""The bearer token of the HTTP API: kept in the state folder, readable by the gateway's own user."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

TOKEN_FILE: Final = "api.token"  # noqa: S105 - the name of the file that holds it


def read_or_make_token(folder: Path) -> str:
    """The API token of a state folder, made at the first start.

    Raises OSError where it can be neither read nor made.
    """
    file = folder / TOKEN_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text("ascii").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(token + "\n")
    return token
