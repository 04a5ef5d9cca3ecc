"""An input of a fuzzer as the choices of a script."""

from __future__ import annotations

from typing import Final


class Script:
    """Bytes as choices. When they are used up, every choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def choose(self, among: int) -> int:
        """A number below `among`, which is at most 65,536."""
        size = 1 if among <= 256 else 2
        value = int.from_bytes(self._data[self._at : self._at + size], "big")
        self._at += size
        return value % among

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        self._at += length
        return taken

    def changed(self, data: bytes) -> bytes:
        """Data as it is, or with some bytes of it replaced."""
        for _ in range(self.choose(3)):
            start = self.choose(len(data) + 1)
            end = start + self.choose(8)
            data = data[:start] + self.take(self.choose(12)) + data[end:]
        return data
