"""What detectors are told where the captured gateway's configuration is known: what its proxy and its engine say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from gateway.capture.detection_result import MESSAGES_TO_THE_GATEWAY
from gateway.capture.gateway_replay import GatewayReplay
from gateway.capture.msu import LinkMessage, Unread
from gateway.capture.udp import Datagram
from gateway.interconnection.trunk_groups import Hop
from gateway.policy.watch import Watch
from gateway.signalling.call import CUT_OFF, Action, Decided, Ended

if TYPE_CHECKING:
    from gateway.capture.sigtran import Ss7


class ReplayFeed:
    """Feeds the gateway's proxy, and tells of what it decides, and of what it cannot use."""

    def __init__(self, replay: GatewayReplay, seen: Counter[str]) -> None:
        """`seen` is where it is counted what the detectors were told of."""
        self.watch: Watch | None = None
        self._replay: Final = replay
        self._proxy: Final = replay.sip_proxy
        self._proxy.observer = self
        self._seen: Final = seen
        self._now_us = 0
        replay.listeners.append(self._hear)

    def take(self, captured: Datagram | Ss7) -> None:
        self._now_us = captured.at_us
        if isinstance(captured, Datagram):
            if self._replay.enters(captured.destination):
                self._seen[MESSAGES_TO_THE_GATEWAY] += 1
            self._replay.see(captured.payload, captured.source, captured.destination, captured.at_us)
        elif isinstance(captured, LinkMessage):
            self._replay.see_link(captured)
        elif isinstance(captured, Unread):
            if captured.source is not None:
                self.malformed(Hop(*captured.source), captured.at_us)
        else:
            if self._replay.transfer_enters(captured.transfer):
                self._seen[MESSAGES_TO_THE_GATEWAY] += 1
            self._replay.see_transfer(captured.transfer, captured.at_us)

    def pass_time(self, at_us: int) -> None:
        if self.watch is not None:
            for shed in self._proxy.take_shed():
                self._seen["calls refused unread"] += shed.calls
                self.watch.shed(shed.source, shed.trunk_group, shed.provider, shed.calls, at_us)
            for host, count in self._proxy.take_unwelcome():
                self._seen["dropped unread"] += count
                self.watch.stranger(host, count, at_us)

    def _hear(self, actions: list[Action]) -> None:
        watch = self.watch
        if watch is None:
            return
        for action in actions:
            if isinstance(action, Decided):
                call = action.call
                self._seen["calls"] += 1
                self._seen["emergency calls"] += call.decision.emergency
                watch.decided(call.attempt, call.decision)
            elif isinstance(action, Ended):
                call = action.call
                ended_us = call.ended_at_us if call.ended_at_us is not None else self._now_us
                times = call.progressed_at_us, call.answered_at_us, ended_us
                watch.ended(call.attempt, call.decision, *times, cut_off=call.ended_by in CUT_OFF)

    # -- what the proxy tells -----------------------------------------------------------------------------------------

    def request(self, source: Hop, method: bytes, at_us: int) -> None:
        if self.watch is not None:
            self._seen[f"{method[:16].decode('ascii', 'replace')}"] += 1
            self.watch.request(source, method, at_us)

    def malformed(self, source: Hop, at_us: int) -> None:
        if self.watch is not None:
            self._seen["malformed"] += 1
            self.watch.malformed(source, at_us)

    def stray(self, source: Hop, at_us: int) -> None:
        if self.watch is not None:
            self._seen["stray"] += 1
            self.watch.stray(source, at_us)

    def repeated(self, source: Hop, at_us: int) -> None:
        if self.watch is not None:
            self._seen["repeated"] += 1
            self.watch.repeated(source, at_us)

    def stranger(self, source: Hop, count: int, at_us: int) -> None:
        if self.watch is not None:
            self.watch.stranger(source, count, at_us)
