"""What an audit did not see though its captures were read: cut packets, another edition of SS7, one direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.codecs.ss7.variant import Variant

if TYPE_CHECKING:
    from gateway.capture.audit_result import AuditResult
    from gateway.capture.reader import CaptureReader

MOST_SAID: Final = 100
"""Pairs of exchanges with one direction only that are told."""
_OTHER: Final = {Variant.ANSI: Variant.ITU, Variant.ITU: Variant.ANSI}


class OneDirection(NamedTuple):
    """Two exchanges of which a capture has only what one of them says."""

    source: str
    """Point code as it is written."""
    destination: str
    messages: int
    """Of ISUP."""

    def __str__(self) -> str:
        return (
            f"on the circuits between {self.source} and {self.destination} only messages from {self.source} were "
            f"captured ({self.messages}): answers and releases by {self.destination} cannot be judged; capture both "
            "directions"
        )


def say_what_was_not_seen(result: AuditResult, readers: Sequence[CaptureReader], given: Variant | None) -> None:
    """Add notes to a result, and mark it as incomplete where nothing could be read of what was captured."""
    for reader in readers:
        if not result.call_count and reader.cut and (result.fault_count or result.malformed_count):
            result.notes.append(
                f"{reader.name}: of {reader.cut} of {reader.packets} packets the capture holds only the beginning, and "
                "no call could be read: capture whole packets (tcpdump -s 0, dumpcap -s 0)"
            )
            result.incomplete = True
        shown = reader.shown_variants
        contradicting = shown[_OTHER[given]] if given is not None else 0
        if given is not None and contradicting * 2 > shown.total():
            result.notes.append(
                f"{reader.name}: {contradicting} of {shown.total()} messages that show their edition are no "
                f"{given.value} ones, as which --ss7 {given.value} has them read: nothing said of SS7 here can be "
                f"relied on; leave --ss7 out, or give --ss7 {_OTHER[given].value}"
            )
            result.incomplete = True
    result.notes += map(str, result.one_direction[:MOST_SAID])
