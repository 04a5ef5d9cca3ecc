"""What the bench can measure. A new contestant is one class here and one name in `CONTESTANTS`."""

from __future__ import annotations

from collections.abc import Mapping

from bench.contestants.contestant import Contestant
from bench.contestants.forwarder import Floor, UvloopForwarder
from bench.contestants.kamailio import Kamailio
from bench.contestants.tollgate import Tollgate, TollgatePython
from bench.contestants.tollgate_ss7 import SipToSs7, Ss7ToSs7

CONTESTANTS: Mapping[str, type[Contestant]] = {
    contestant.name: contestant for contestant in (TollgatePython, Tollgate, Kamailio, UvloopForwarder, Floor)
}
"""By name, in the order in which a round runs them: who does most comes first. Each is held against those behind it."""

ON_CIRCUITS: Mapping[str, type[Contestant]] = {contestant.name: contestant for contestant in (SipToSs7, Ss7ToSs7)}
"""The gateway between exchanges, by what it stands between."""
