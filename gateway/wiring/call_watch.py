"""What the watch hears of calls, and when each provider was seen last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import PARTNER_SIDE
from gateway.policy.watch import Watch
from gateway.signalling.call import CUT_OFF, Call
from gateway.signalling.gate import Shed


class CallWatch:
    """Observes calls. Emergency calls are told to the detectors, and are no traffic of a provider's (L10)."""

    def __init__(self, watch: Watch, began_us: int, trunk_groups: Iterable[str]) -> None:
        """`began_us`: from when on calls are seen."""
        self.watch: Final = watch
        self._began_us: Final = began_us
        self._seen: Final[dict[Ocn | None, int]] = {}
        """Bounded by the OCNs of the numbering tables."""

        self.shed_calls: Final[dict[str | None, int]] = dict.fromkeys(trunk_groups, 0)
        """New calls that were refused or dropped unread, by trunk group."""

    def decided(self, call: Call) -> None:
        attempt = call.attempt
        self.watch.decided(attempt, call.decision)
        ingress = attempt.ingress
        if ingress is not None and ingress.side is PARTNER_SIDE and not attempt.emergency:
            self._seen[attempt.provider] = attempt.at_us

    def progressed(self, call: Call) -> None:
        """Detectors hear of it with the end."""

    def ended(self, call: Call) -> None:
        if call.ended_at_us is not None:
            times = call.progressed_at_us, call.answered_at_us, call.ended_at_us
            self.watch.ended(call.attempt, call.decision, *times, cut_off=call.ended_by in CUT_OFF)

    def shed(self, shed: Iterable[Shed], at_us: int) -> None:
        """Calls were refused, or dropped, without being read."""
        for each in shed:
            self.watch.shed(each.source, each.trunk_group, each.provider, each.calls, at_us)
            self._seen[each.provider] = at_us
            self.shed_calls[each.trunk_group] = self.shed_calls.get(each.trunk_group, 0) + each.calls

    def still_up(self, ocn: Ocn, at_us: int) -> None:
        """Calls of a provider are up."""
        self._seen[ocn] = at_us

    def seen_us(self, ocn: Ocn) -> int:
        """When a provider's traffic was seen last; when the gateway began to look, where it was not."""
        return max(self._seen.get(ocn, 0), self._began_us)
