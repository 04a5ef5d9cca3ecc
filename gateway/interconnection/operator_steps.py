"""Every step that was taken, by an operator or by the gateway itself: what the journal of a gateway holds."""

from __future__ import annotations

from typing import NamedTuple

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.denial_of_service import Step


class Steps(NamedTuple):
    """By kind, each in the order in which they were taken."""

    standings: tuple[Step, ...] = ()
    blockings: tuple[Blocking, ...] = ()
