"""The dialogs of the calls that were let through (RFC 3261 section 12): what a later request must belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Call
from gateway.signalling.members import TrunkGroupState, TrunkMember
from gateway.signalling.network_blocked import Said

DialogKey = tuple[bytes, bytes]
"""Call-ID and the caller's tag."""

MAX_CALLEE_TAGS: Final = 16
"""A call that is forked behind us may ring this many telephones at once; of more, the latest to answer are known."""

MAX_PASSES: Final = 4
"""A call may pass through us this often, each time to another number."""
MAX_NAMES: Final = 8
"""Of the values by which a side asks to be reached, the latest are known."""


class Answer:
    """A 2xx to the INVITE made this dialog of the call: who answered, and how that side is reached."""

    __slots__ = ("acknowledged", "contact", "routes", "tag")

    def __init__(self, tag: bytes) -> None:
        self.tag: Final = tag
        """Of who answered."""
        self.contact = b""
        """Its Contact, the remote target of who called (RFC 3261 section 12.1.2); empty where it sent none."""
        self.routes: tuple[bytes, ...] = ()
        """The route set between us and it: Record-Routes of the 2xx above ours, the one that is nearest to it first."""
        self.acknowledged = False
        """The caller's ACK has passed."""


class Release:
    """The gateway itself ends a call: what it says, and how far that is."""

    __slots__ = ("reason", "refusal", "unanswered")

    def __init__(self, reason: bytes, refusal: Said) -> None:
        self.reason: Final = reason
        """Reason line, with its line end."""
        self.refusal: Final = refusal
        """The final response to a call that is not answered yet."""
        self.unanswered: int | None = None
        """BYEs without an answer; None while none is sent."""


class Dialog:
    """A call's dialog, early or confirmed, seen from the middle."""

    __slots__ = (
        "answers",
        "best",
        "call",
        "callee",
        "callee_cseq",
        "callee_names",
        "callee_tags",
        "caller",
        "caller_contact",
        "caller_cseq",
        "caller_names",
        "caller_routes",
        "closing",
        "from_",
        "ingress",
        "key",
        "member",
        "next_pass",
        "opened_by",
        "release",
        "session_us",
        "to",
        "tried",
    )

    def __init__(
        self, key: DialogKey, caller: Hop, ingress: TrunkGroupState | None, member: TrunkMember, call: Call
    ) -> None:
        self.key: Final = key
        self.caller: Final = caller
        """Where the INVITE came from."""
        self.ingress: Final = ingress
        """The trunk group that the call came on."""
        self.callee = member.hop
        """Where the INVITE went."""
        self.member = member
        """The member of the egress trunk group that the INVITE was sent to last."""
        self.tried: tuple[TrunkMember, ...] = ()
        """Members that failed before it."""
        self.best: tuple[int, bytes] | None = None
        """Of their final responses the one that the caller would be told (RFC 3261 section 16.7 step 6), status and
        bytes; without bytes where none came."""
        self.call: Call | None = call
        """None once the dialog is over: transactions linger for half a minute, and must not keep the call's facts."""
        self.opened_by = b""
        """Branch of the INVITE that we sent on, which alone can end the call by failing."""
        self.callee_tags: tuple[bytes, ...] = ()
        self.answers: tuple[Answer, ...] = ()
        """Of those who answered and have not been hung up on."""
        self.closing = False
        """A BYE is on its way."""
        self.session_us = 0
        """After this time without a refresh the session is over (RFC 4028); 0 where nobody refreshes."""
        self.next_pass: Dialog | None = None
        """The same dialog where it passes through us once more, to another number (a spiral, RFC 3261 section 16.3)."""
        self.caller_names: tuple[bytes, ...] = ()
        """Contacts and Record-Routes that the caller's side sent, as they stand: where it asks to be reached."""
        self.callee_names: tuple[bytes, ...] = ()
        self.from_ = b""
        """From of the INVITE, with the caller's tag."""
        self.to = b""
        """To of the INVITE, which has no tag."""
        self.caller_contact = b""
        """The remote target of who was called; empty where the caller sent no Contact."""
        self.caller_routes: tuple[bytes, ...] = ()
        """The route set between us and the caller: Record-Routes of the INVITE, the one that is nearest to us first."""
        self.caller_cseq = 0
        """The highest number in a CSeq of the caller; 0: it is not known."""
        self.callee_cseq = 0
        self.release: Release | None = None
        """The gateway ends the call, or will when the ACK has passed."""

    def learn(self, callee_tag: bytes) -> None:
        """A response showed this To tag."""
        if callee_tag and callee_tag not in self.callee_tags:
            self.callee_tags = (*self.callee_tags, callee_tag)[-MAX_CALLEE_TAGS:]

    def answered(self, callee_tag: bytes) -> Answer:
        """A 2xx to the INVITE showed this To tag."""
        answer = self.answer_of(callee_tag)
        if answer is None:
            answer = Answer(callee_tag)
            self.answers = (*self.answers, answer)[-MAX_CALLEE_TAGS:]
        return answer

    def answer_of(self, callee_tag: bytes) -> Answer | None:
        """The answer that showed this To tag; None where that one has not answered, or is hung up on."""
        for answer in self.answers:
            if answer.tag == callee_tag:
                return answer
        return None

    def hung_up(self, callee_tag: bytes) -> bool:
        """A BYE with this tag of the called side was answered; whether nobody who answered is left by that."""
        if self.answer_of(callee_tag) is None:
            return False  # an early dialog, or one that nobody answered: the call goes on
        self.answers = tuple(answer for answer in self.answers if answer.tag != callee_tag)
        return not self.answers

    def passes(self) -> Iterator[Dialog]:
        """This dialog, and its further passes through us."""
        dialog: Dialog | None = self
        while dialog is not None:
            yield dialog
            dialog = dialog.next_pass

    def learn_caller(self, value: bytes) -> bytes:
        """A value of Contact or Record-Route from the caller's side. Gives it back, the same object each time."""
        names = self.caller_names
        if value in names:
            return names[names.index(value)]
        self.caller_names = (*names, value)[-MAX_NAMES:]
        return value

    def learn_callee(self, value: bytes) -> bytes:
        """A value of Contact or Record-Route from the called side. Gives it back, the same object each time."""
        names = self.callee_names
        if value in names:
            return names[names.index(value)]
        self.callee_names = (*names, value)[-MAX_NAMES:]
        return value

    def numbered(self, cseq: int, from_caller: bool) -> None:
        """A request of that side, new in the dialog, has this number in its CSeq."""
        if from_caller:
            if cseq > self.caller_cseq:
                self.caller_cseq = cseq
        elif cseq > self.callee_cseq:
            self.callee_cseq = cseq


class DialogTable:
    """Every dialog that is up."""

    def __init__(self) -> None:
        self._dialogs: dict[DialogKey, Dialog] = {}
        self._further = 0
        """Passes behind the first of their dialogs."""

    def add(self, dialog: Dialog) -> None:
        """Keep a dialog; behind the one with the same key, where there is one."""
        first = self._dialogs.get(dialog.key)
        if first is None:
            self._dialogs[dialog.key] = dialog
            return
        while first.next_pass is not None:
            first = first.next_pass
        first.next_pass = dialog
        self._further += 1

    def remove(self, dialog: Dialog) -> None:
        first = self._dialogs.get(dialog.key)
        if first is dialog:
            if dialog.next_pass is None:
                del self._dialogs[dialog.key]
            else:
                self._dialogs[dialog.key] = dialog.next_pass
                self._further -= 1
            return
        while first is not None:
            if first.next_pass is dialog:
                first.next_pass = dialog.next_pass
                self._further -= 1
                return
            first = first.next_pass

    def get(self, key: DialogKey) -> Dialog | None:
        return self._dialogs.get(key)

    def find(self, call_id: bytes, from_tag: bytes, to_tag: bytes, source: str) -> tuple[Dialog, bool] | None:
        """The dialog of a request inside one, and whether it comes from the caller; None where it is no dialog of ours.

        Both tags must be those of the dialog: a To tag that nobody gave out does not get past the checks. `source` is
        the host that the request came from: it tells the passes of a spiral apart.
        """
        dialog = self._dialogs.get((call_id, from_tag))
        if dialog is not None and to_tag in dialog.callee_tags:
            return (dialog if dialog.next_pass is None else _pass_from(dialog, source, from_caller=True)), True
        dialog = self._dialogs.get((call_id, to_tag))
        if dialog is not None and from_tag in dialog.callee_tags:
            return (dialog if dialog.next_pass is None else _pass_from(dialog, source, from_caller=False)), False
        return None

    def __len__(self) -> int:
        return len(self._dialogs) + self._further

    def first_passes(self) -> tuple[Dialog, ...]:
        """Of each call its first pass through us, from which the others follow."""
        return tuple(self._dialogs.values())

    def all(self) -> tuple[Dialog, ...]:
        return tuple(dialog for first in self._dialogs.values() for dialog in first.passes())


def _pass_from(first: Dialog, source: str, *, from_caller: bool) -> Dialog:
    for dialog in first.passes():
        if (dialog.caller if from_caller else dialog.callee).host == source:
            return dialog
    return first
