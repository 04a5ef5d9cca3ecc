"""The one error of the codecs."""

from __future__ import annotations


class Malformed(ValueError):
    """The bytes do not follow the grammar.

    `what` says in plain English what is wrong; `offset` is the byte at which it was noticed, counted from the start of
    the bytes that were handed to the codec.
    """

    def __init__(self, what: str, offset: int = 0) -> None:
        super().__init__(f"{what} (at byte {offset})")
        self.what = what
        self.offset = offset
