"""The calls that were let through, from their INVITE to their end in the books."""

from __future__ import annotations

from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.policy.engine import Engine
from gateway.signalling.call import Action, Call, Ended, EndedBy, Progressed
from gateway.signalling.dialogs import Dialog, DialogKey, DialogTable
from gateway.signalling.members import TrunkGroupState, TrunkMember, TrunkMembers
from gateway.signalling.timers import TimerQueue


class CallsUp:
    """Opens a dialog for each call, notes how it gets on, and ends it once, telling the engine and asking to say so."""

    def __init__(self, engine: Engine, longest_us: int) -> None:
        """`longest_us`: a call that nobody ended is given up after this many microseconds."""
        self._engine: Final = engine
        self._longest_us: Final = longest_us
        self._limits: Final[TimerQueue[EndedBy, Dialog]] = TimerQueue()
        self.dialogs: Final = DialogTable()

    @property
    def next_us(self) -> int | None:
        """When the next call may have been up too long."""
        return self._limits.next_us

    def open(
        self, key: DialogKey, caller: Hop, ingress: TrunkGroupState | None, member: TrunkMember, call: Call
    ) -> Dialog:
        """A call is let through: it came on `ingress`, and is to be sent to `member`."""
        dialog = Dialog(key, caller, ingress, member, call)
        call.egress_member = member.hop
        TrunkMembers.take(ingress, member)
        self.dialogs.add(dialog)
        self._limits.start(EndedBy.TIMEOUT, dialog, call.attempt.at_us, self._longest_us)
        return dialog

    def refresh(self, dialog: Dialog, session_us: int, at_us: int) -> None:
        """The session is refreshed: it lasts so many microseconds from now; 0: for as long as nobody ends it."""
        if session_us >= self._longest_us:
            session_us = 0  # nor may anybody's intervals make ever more queues of timers
        if dialog.session_us and dialog.session_us != session_us:
            self._limits.stop(EndedBy.EXPIRED, dialog, dialog.session_us)
        dialog.session_us = session_us
        if session_us:
            self._limits.start(EndedBy.EXPIRED, dialog, at_us, session_us)

    def give_to(self, dialog: Dialog, member: TrunkMember) -> None:
        """Another member gets the call."""
        TrunkMembers.release(dialog.ingress, dialog.member)
        dialog.member, dialog.callee = member, member.hop
        TrunkMembers.take(dialog.ingress, member)
        if dialog.call is not None:
            dialog.call.egress_member = member.hop

    def expire(self, at_us: int, actions: list[Action]) -> None:
        """Give up what has been up too long, or is no longer refreshed."""
        for ended_by, dialog in self._limits.due(at_us):
            self.end(dialog, ended_by, at_us, actions)
            self.drop(dialog)

    def end_all(self, at_us: int, actions: list[Action]) -> None:
        """The gateway stops."""
        for dialog in self.dialogs.all():
            self.end(dialog, EndedBy.SHUTDOWN, at_us, actions)

    def progress(self, dialog: Dialog, status: int, at_us: int, actions: list[Action]) -> None:
        call = dialog.call
        if call is None:
            return
        if call.progressed_at_us is None and status < 300 and status >= 180:
            call.progressed_at_us = at_us
            actions.append(Progressed(call))
        if call.answered_at_us is None and 200 <= status < 300:
            call.answered_at_us = at_us
            call.final_status = status

    def fail(self, dialog: Dialog, status: int, ended_by: EndedBy, at_us: int, actions: list[Action]) -> None:
        """The INVITE that opened the call came to nothing."""
        if dialog.call is not None and dialog.call.answered_at_us is None:
            dialog.call.final_status = status
            self.end(dialog, ended_by, at_us, actions)
            self.drop(dialog)

    def hung_up(
        self, dialog: Dialog, callee_tag: bytes, ended_by: EndedBy, bye_at_us: int, at_us: int, actions: list[Action]
    ) -> None:
        """A BYE that came at `bye_at_us` is answered: the call ended when it came, if nobody else has answered."""
        first = self.dialogs.get(dialog.key) or dialog
        for each in (first,) if first.next_pass is None else tuple(first.passes()):
            if each.hung_up(callee_tag):
                self.end(each, ended_by, at_us, actions, bye_at_us)
                self.drop(each)

    def end(
        self, dialog: Dialog, ended_by: EndedBy, at_us: int, actions: list[Action], ended_at_us: int | None = None
    ) -> None:
        """End the call in the books; `ended_at_us`, if given, is when it ended, and lies in the past."""
        call = dialog.call
        if call is None or call.ended_by is not None:
            return
        call.ended_by = ended_by
        call.ended_at_us = at_us if ended_at_us is None else ended_at_us
        TrunkMembers.release(dialog.ingress, dialog.member)
        self._engine.ended(call.attempt, at_us)
        actions.append(Ended(call))

    def drop(self, dialog: Dialog) -> None:
        self.dialogs.remove(dialog)
        dialog.call = None
        self._limits.stop(EndedBy.TIMEOUT, dialog, self._longest_us)
        if dialog.session_us:
            self._limits.stop(EndedBy.EXPIRED, dialog, dialog.session_us)
