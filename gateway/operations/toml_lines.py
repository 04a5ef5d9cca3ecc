"""On which line of a TOML document a key stands, so that a fault can be shown where it was written.

The standard parser keeps no positions. This scanner reads a document that the parser has already accepted, so it only
has to know where keys, strings and brackets begin and end; it judges nothing.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys and array indexes from the root: ``("trunk_groups", 2, "switch")``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\r\n#]*")
_STRINGS = {
    '"""': re.compile(r'"""(?:[^\\"]|\\.|"(?!"")|""(?!"))*"""(?:"{0,2})', re.DOTALL),
    "'''": re.compile(r"'''(?:[^']|'(?!'')|''(?!'))*'''(?:'{0,2})", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"'[^'\n]*'"),
}


def locate_keys(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every key, table and array element of a valid TOML document."""
    return _Scanner(text).scan()


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Line of a key, or of the nearest table around it where the key itself is absent; None if that is absent too."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


def key_text(path: KeyPath) -> str:
    """A key path as people write it: ``trunk_groups[2].switch``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._array_lengths: dict[KeyPath, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._table_header()
            else:
                self._key_and_value(table)
            self._skip(_BLANK)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"not valid TOML at character {self._at}")
        self._at = match.end()
        return match.group()

    def _note(self, path: KeyPath, at: int) -> None:
        self._lines.setdefault(path, bisect_right(self._newlines, at - 1) + 1)

    def _table_header(self) -> KeyPath:
        start = self._at
        array = self._text.startswith("[[", start)
        self._at += 2 if array else 1
        names = self._dotted_key()
        self._at += 2 if array else 1
        path: KeyPath = ()
        for depth, name in enumerate(names, 1):
            path += (name,)
            if array and depth == len(names):
                self._array_lengths[path] = self._array_lengths.get(path, 0) + 1
            self._note(path, start)
            if path in self._array_lengths:
                # Below an array of tables, a header speaks of the element that was opened last.
                path += (self._array_lengths[path] - 1,)
                self._note(path, start)
        return path

    def _dotted_key(self) -> list[str]:
        names = []
        while True:
            self._skip(_SPACE)
            quote = self._text[self._at]
            if quote in _STRINGS:
                # The parser itself resolves the escapes of a quoted key.
                names.append(next(iter(tomllib.loads(f"{self._skip(_STRINGS[quote])} = 0"))))
            else:
                names.append(self._skip(_BARE_KEY))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _key_and_value(self, table: KeyPath) -> None:
        start = self._at
        path = table
        for name in self._dotted_key():
            path += (name,)
            self._note(path, start)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        for quotes, pattern in _STRINGS.items():
            if self._text.startswith(quotes, self._at):
                self._skip(pattern)
                return
        opening = self._text[self._at]
        if opening == "[":
            self._bracketed("]", path)
        elif opening == "{":
            self._bracketed("}", path)
        else:
            self._skip(_SCALAR)

    def _bracketed(self, closing: str, path: KeyPath) -> None:
        """An array or an inline table, up to and with its closing bracket."""
        self._at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            character = self._text[self._at]
            if character == closing:
                self._at += 1
                return
            if character == ",":
                self._at += 1
                index += 1
            elif closing == "]":
                self._note((*path, index), self._at)
                self._value((*path, index))
            else:
                self._key_and_value(path)
