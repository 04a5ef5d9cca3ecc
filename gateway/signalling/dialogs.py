"""The dialogs of the calls that were let through (RFC 3261 section 12): what a later request must belong to."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Call

DialogKey = tuple[bytes, bytes]
"""Call-ID and the caller's tag."""

MAX_CALLEE_TAGS: Final = 16
"""A call that is forked behind us may ring this many telephones at once; of more, the latest to answer are known."""

MAX_NAMES: Final = 8
"""Of the values by which a side asks to be reached, the latest are known."""


class Dialog:
    """A call's dialog, early or confirmed, seen from the middle."""

    __slots__ = ("call", "callee", "callee_names", "callee_tags", "caller", "caller_names", "key", "opened_by")

    def __init__(self, key: DialogKey, caller: Hop, callee: Hop, call: Call) -> None:
        self.key: Final = key
        self.caller: Final = caller
        """Where the INVITE came from."""
        self.callee: Final = callee
        """Where the INVITE went."""
        self.call: Call | None = call
        """None once the dialog is over: transactions linger for half a minute, and must not keep the call's facts."""
        self.opened_by = b""
        """Branch of the INVITE that we sent on, which alone can end the call by failing."""
        self.callee_tags: tuple[bytes, ...] = ()
        self.caller_names: tuple[bytes, ...] = ()
        """Contacts and Record-Routes that the caller's side sent, as they stand: where it asks to be reached."""
        self.callee_names: tuple[bytes, ...] = ()

    def learn(self, callee_tag: bytes) -> None:
        """A response showed this To tag."""
        if callee_tag and callee_tag not in self.callee_tags:
            self.callee_tags = (*self.callee_tags, callee_tag)[-MAX_CALLEE_TAGS:]

    def learn_caller(self, value: bytes) -> None:
        """A value of Contact or Record-Route from the caller's side."""
        if value not in self.caller_names:
            self.caller_names = (*self.caller_names, value)[-MAX_NAMES:]

    def learn_callee(self, value: bytes) -> None:
        """A value of Contact or Record-Route from the called side."""
        if value not in self.callee_names:
            self.callee_names = (*self.callee_names, value)[-MAX_NAMES:]


class DialogTable:
    """Every dialog that is up."""

    def __init__(self) -> None:
        self._dialogs: dict[DialogKey, Dialog] = {}

    def add(self, dialog: Dialog) -> None:
        self._dialogs[dialog.key] = dialog

    def remove(self, dialog: Dialog) -> None:
        if self._dialogs.get(dialog.key) is dialog:
            del self._dialogs[dialog.key]

    def get(self, key: DialogKey) -> Dialog | None:
        return self._dialogs.get(key)

    def find(self, call_id: bytes, from_tag: bytes, to_tag: bytes) -> tuple[Dialog, bool] | None:
        """The dialog of a request inside one, and whether it comes from the caller; None where it is no dialog of ours.

        Both tags must be those of the dialog: a To tag that nobody gave out does not get past the checks.
        """
        dialog = self._dialogs.get((call_id, from_tag))
        if dialog is not None and to_tag in dialog.callee_tags:
            return dialog, True
        dialog = self._dialogs.get((call_id, to_tag))
        if dialog is not None and from_tag in dialog.callee_tags:
            return dialog, False
        return None

    def __len__(self) -> int:
        return len(self._dialogs)

    def all(self) -> tuple[Dialog, ...]:
        return tuple(self._dialogs.values())
