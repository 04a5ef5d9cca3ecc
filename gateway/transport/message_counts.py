"""How many messages of each kind went through a socket."""

from __future__ import annotations

from typing import Final

_METHODS: Final = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE"),
    *("INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"),
)


class MessageCounts:
    """Counts messages by what their first bytes say they are."""

    def __init__(self) -> None:
        self._cells: Final = {f"{method} ".encode()[:4]: [0] for method in _METHODS}
        self._classes: Final = {b"%d" % digit: [0] for digit in range(1, 7)}
        self._other: Final = [0]

    def count(self, data: bytes) -> None:
        cell = self._classes.get(data[8:9]) if data.startswith(b"SIP/2.0 ") else self._cells.get(data[:4])
        (self._other if cell is None else cell)[0] += 1

    def by_kind(self) -> dict[str, int]:
        counts = {method: self._cells[f"{method} ".encode()[:4]][0] for method in _METHODS}
        counts |= {f"{digit.decode()}xx": cell[0] for digit, cell in self._classes.items()}
        return counts | {"other": self._other[0]}
