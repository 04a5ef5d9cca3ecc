"""Which SIP messages make a call, and on which legs: followed by Call-ID, and by the two addresses of a leg.

A leg is a pair of addresses on which an initial INVITE of the call was seen. Everything else of the call is laid to the
leg between the same two addresses, in either direction.
"""

from __future__ import annotations

from typing import Final

from gateway.capture.calls import AuditedCall, FinalResponse, Leg, Locator, Place, Role, locator_of
from gateway.capture.followed_calls import Followed, FollowedCalls, Placed, new_leg
from gateway.capture.udp import Datagram
from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, Via, headers, parse_via, tag_of

_OVER: Final = frozenset({b"ACK", b"BYE", b"CANCEL"})
"""Requests that are sent on a leg only once it was answered, refused or given up (RFC 3261 sections 9, 13 and 15)."""


class SipCalls:
    """Finds the call and the leg of each SIP message."""

    def __init__(self, calls: FollowedCalls) -> None:
        self._calls: Final = calls

    def place(self, message: SipMessage, datagram: Datagram, file: str) -> Placed | None:
        """Where a message belongs; None where it is of no call.

        Raises `Malformed` where Call-ID, To, or the Via or CSeq that are needed cannot be read.
        """
        call_id = message.required(headers.CALL_ID)
        number, method = message.cseq() if message.status else (0, message.method)
        calls = self._calls
        followed = calls.by_key.get(call_id)
        is_invite = message.method == b"INVITE"
        opens = is_invite and not tag_of(message.required(headers.TO))
        via = parse_via(message.required(headers.VIA)) if is_invite else None
        if followed is None:
            if not is_invite:
                return None
            started = Place(file, datagram.frame, datagram.at_us)
            followed = calls.begin(call_id, AuditedCall(call_id.decode("utf-8", "replace"), started))
        pair = (datagram.source, datagram.destination)
        leg = followed.by_pair.get(pair)
        new = False
        if via is not None and opens and (leg is None or not leg.initial):
            leg = self._new_leg(followed, via, datagram, locator_of(datagram, file, message.body_offset), initial=True)
            new = leg is not None
        elif via is not None and not followed.call.legs:
            leg = self._new_leg(followed, via, datagram, locator_of(datagram, file, message.body_offset), initial=False)
        answers = False
        if leg is None:
            leg = followed.by_pair.get(pair[::-1])
            answers = leg is not None and message.status > 0 and (number, method) == (leg.cseq, b"INVITE")
        key = (hash(datagram.payload), datagram.source, datagram.destination)
        role = calls.repetition(followed, key, datagram.at_us, datagram.identification)
        if role is None:
            role = _role(leg, new=new, opens=opens, answers=answers)
        calls.counts[role] += 1
        if leg is not None and role in (Role.INITIAL, Role.REPEATED_INVITE):
            leg.cseq = _sequence_number(message)
        if leg is None:
            followed.call.elsewhere += 1
        else:
            self._add(leg, message, method, datagram, file, role)
        return Placed(followed, leg, role)

    def _new_leg(
        self, followed: Followed, via: Via, datagram: Datagram, first: Locator, *, initial: bool
    ) -> Leg | None:
        call = followed.call
        if not self._calls.has_room_for_leg(followed):
            return None
        branch = via.branch + b" " + via.sent_by
        leg = new_leg(call, datagram.source, datagram.destination, first, hash(datagram.payload))
        leg.branch, leg.initial = branch, initial
        leg.same_hop_as = next((other.number for other in call.legs if via.branch and other.branch == branch), None)
        followed.by_pair[datagram.source, datagram.destination] = leg
        self._calls.add_leg(followed, leg, len(datagram.payload))
        return leg

    def _add(self, leg: Leg, message: SipMessage, method: bytes, datagram: Datagram, file: str, role: Role) -> None:
        place = Place(file, datagram.frame, datagram.at_us)
        name = message_name(message, method)
        self._calls.add_message(leg, place, name, role, forward=datagram.source == leg.source)
        leg.over = leg.over or message.method in _OVER
        answered = leg.final is not None and leg.final.status < 300  # what comes later answers a re-INVITE
        if message.status >= 200 and method == b"INVITE" and not answered:
            start_line = message.data[12 : message.data.find(b"\r\n")]
            leg.final = FinalResponse(place, message.status, start_line[:256].decode("utf-8", "replace"))


def _role(leg: Leg | None, *, new: bool, opens: bool, answers: bool) -> Role:
    if new:
        return Role.INITIAL
    if leg is not None and opens:
        return Role.REPEATED_INVITE
    return Role.ANSWER if answers else Role.IN_DIALOG


def _sequence_number(message: SipMessage) -> int:
    """Of an INVITE whose place does not depend on it: what is wrong with it is said when the INVITE is judged."""
    try:
        return message.cseq()[0]
    except Malformed:
        return -1


def message_name(message: SipMessage, method: bytes) -> str:
    """``INVITE``, or ``200 INVITE`` for a response."""
    name = method.decode("ascii", "replace")
    return f"{message.status} {name}" if message.status else name
