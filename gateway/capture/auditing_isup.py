"""The audit of ISUP: every SS7 message in; calls on circuits, tied to what they came from and went on by, judged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from gateway.capture.calls import Leg, Place, Role, locator_of
from gateway.capture.coverage import OneDirection
from gateway.capture.followed_calls import FollowedCalls, Placed
from gateway.capture.isup_calls import IsupCalls, type_name
from gateway.capture.judging import Judging
from gateway.capture.msu import LinkMessage, Msu, Unread
from gateway.capture.same_call import SameCalls
from gateway.capture.sigtran import Ss7
from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType
from gateway.codecs.ss7.mtp3 import ServiceIndicator, point_code_text
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address, Hop, Transport
from gateway.policy.call_attempt import CallAttempt
from gateway.signalling.isup_attempt import attempt_of_iam

if TYPE_CHECKING:
    from gateway.capture.gateway_replay import GatewayReplay, Replayed

MOST_WAYS: Final = 8_192
"""Pairs of point codes, in either order, whose messages are counted."""
_ISUP: Final = int(ServiceIndicator.ISUP)
_REL: Final = int(MessageType.REL)
_SERVICES: Final = {
    0: "SS7 network management",
    1: "SS7 network testing",
    2: "SS7 network testing",
    3: "SS7 SCCP",
    4: "SS7 TUP",
    9: "SS7 B-ISUP",
    10: "SS7 satellite ISUP",
    12: "SS7 AAL type 2",
    13: "SS7 BICC",
    14: "SS7 gateway control",
}


class IsupAuditor:
    """Takes SS7 messages one by one, in order of time, between those of SIP."""

    def __init__(self, judging: Judging, calls: FollowedCalls) -> None:
        self._judging: Final = judging
        self._judges: Final = judging.judges
        self._calls: Final = calls
        self._isup_calls: Final = IsupCalls(calls)
        self._same: Final = SameCalls(judging.judges.gateway, judging.limits.calls)
        self._ways: Final[Counter[tuple[Variant, int, int]]] = Counter()
        for followed in calls.by_key.values():  # calls by SIP that came before the first message of SS7
            for leg in followed.call.legs:
                if leg.attempt is not None:
                    self._same.note(followed, leg, leg.attempt)

    def take(self, captured: Ss7, file: str) -> None:
        """The next message."""
        if isinstance(captured, Unread):
            place = Place(file, captured.frame, captured.at_us)
            self._judging.malformed(place, captured.source, captured.destination, captured.what, captured.offset)
            return
        replay = self._judges.replay
        if isinstance(captured, LinkMessage):
            if replay is not None:
                replay.see_link(captured)
                self._take_late_decisions(replay)
            return
        replayed = None
        if replay is not None:
            replayed = replay.see_transfer(captured.transfer, captured.at_us)
            self._take_late_decisions(replay)
        if captured.transfer.si != _ISUP:
            service = _SERVICES.get(captured.transfer.si) or f"SS7 service indicator {captured.transfer.si}"
            self._judging.result.other[service] += 1
            return
        try:
            message = IsupMessage(captured.transfer.data, captured.variant)
        except Malformed as fault:
            self._malformed(fault, captured, file)
            return
        if message.type == _REL:
            self._check_cause(message, captured, file)
        self._judging.count_message(self._judging.result.messages, type_name(message.type))
        self._count_direction(captured)
        found = self._isup_calls.place(message, captured, file)
        if found is None:
            self._judging.count_message(self._judging.result.of_no_call, type_name(message.type))
        elif found.role is Role.INITIAL_IAM and found.leg is not None:
            self._opened(found, found.leg, message, captured, file, replayed)
        elif replayed is not None and replayed.decided is not None:  # by what came after the IAM: digits, continuity
            self._judging.decided(found, replayed.decided, locator_of(captured, file), opens=True)

    def _take_late_decisions(self, replay: GatewayReplay) -> None:
        """Calls whose number was taken to be whole because no more digits came (Q.764 section 2.2.5)."""
        for call in replay.decided_late:
            found = self._isup_calls.on_circuit(replay.came_from(call))
            if found is not None and found.leg is not None:
                self._judging.decided(found, call, found.leg.first, opens=True)
        replay.decided_late.clear()

    def _check_cause(self, message: IsupMessage, msu: Msu, file: str) -> None:
        """A release is one whatever its cause is; that it has none that can be read is listed."""
        try:
            _ = message.cause
        except Malformed as fault:
            self._malformed(fault, msu, file)

    def _count_direction(self, msu: Msu) -> None:
        way = msu.variant, msu.transfer.opc, msu.transfer.dpc
        if way in self._ways or len(self._ways) < MOST_WAYS:
            self._ways[way] += 1

    def one_direction(self) -> list[OneDirection]:
        """Exchanges of which another one gets messages and sends none; one message alone tells nothing."""
        return [
            OneDirection(point_code_text(opc, variant), point_code_text(dpc, variant), count)
            for (variant, opc, dpc), count in self._ways.items()
            if count > 1 and (variant, dpc, opc) not in self._ways
        ]

    def joined(self, found: Placed, leg: Leg, attempt: CallAttempt) -> Placed:
        """Where a leg that has just begun belongs: to the call that it continues, or where it was placed."""
        followed = found.followed
        if len(followed.call.legs) == 1:
            earlier = self._same.earlier(leg, attempt)
            if earlier is not None and earlier is not followed and self._calls.join(followed, earlier):
                self._isup_calls.joined(followed, earlier)
                followed = earlier
        self._same.note(followed, leg, attempt)
        return Placed(followed, leg, found.role)

    def _opened(
        self, found: Placed, leg: Leg, message: IsupMessage, msu: Msu, file: str, replayed: Replayed | None
    ) -> None:
        """An IAM: whose call it is, and what the gateway decides of it."""
        decided = replayed.decided if replayed is not None else None
        leg.attempt = decided.attempt if decided is not None else self._attempt(leg, found, message, msu, file)
        if leg.attempt is not None:
            found = self.joined(found, leg, leg.attempt)
        if decided is not None:
            if found.call.legs[0] is leg:
                found.call.call_id += "".join(decided.attempt.call_id.partition("@")[1:])  # the gateway's own name
            self._judging.decided(found, decided, locator_of(msu, file), opens=True)

    def _attempt(self, leg: Leg, found: Placed, message: IsupMessage, msu: Msu, file: str) -> CallAttempt | None:
        judges = self._judges
        try:
            return attempt_of_iam(
                message,
                at_us=msu.at_us,
                call_id=found.call.call_id,
                source=Hop(*leg.source, Transport.SS7),
                ingress=None,
                find_provider=judges.find_provider.provider_of,
                emergency_numbers=judges.emergency_numbers,
            )
        except Malformed as fault:
            leg.malformed = fault.what
            self._malformed(fault, msu, file)
            return None

    def _malformed(self, fault: Malformed, msu: Msu, file: str) -> None:
        locator = locator_of(msu, file)
        data = msu.transfer.data
        offset = locator.file_offset(min(fault.offset, max(len(data) - 1, 0)))
        cic = data[0] | data[1] << 8 if len(data) > 1 else 0
        source: Address = (point_code_text(msu.transfer.opc, msu.variant), cic)
        destination: Address = (point_code_text(msu.transfer.dpc, msu.variant), cic)
        self._judging.malformed(locator.place, source, destination, fault.what, offset)
