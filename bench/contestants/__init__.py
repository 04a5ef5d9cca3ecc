"""What the bench can measure. A new contestant is one file here and one line in `CONTESTANTS`."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contestants.contestant import Contestant
from bench.contestants.forwarder import Forwarder
from bench.contestants.tollgate import Tollgate

CONTESTANTS: Mapping[str, type[Contestant]] = {contestant.name: contestant for contestant in (Tollgate, Forwarder)}
"""By name, in the order in which a round runs them."""
