"""Every step that an operator took: what the journal of a gateway holds."""

from __future__ import annotations

from typing import NamedTuple

from gateway.interconnection.blocking import Blocking
from gateway.interconnection.discontinuance import Cutover


class Steps(NamedTuple):
    """By kind, each in the order in which they were taken."""

    cutovers: tuple[Cutover, ...] = ()
    blockings: tuple[Blocking, ...] = ()
