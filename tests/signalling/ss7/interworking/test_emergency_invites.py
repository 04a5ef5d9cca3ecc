"""Emergency calls of SIP callers whose INVITEs have a body that another call would be refused for (L10)."""

from __future__ import annotations

import pytest
from border import OFFER, SDP_TYPE, Border, invited, seized
from playbook import CALLER, decided, ended, progressed, sends
from test_sip_to_circuits import ANM, FREE, acm

from gateway.codecs.sip import SipMessage
from gateway.signalling.call import EndedBy
from gateway.signalling.ss7.interworking.sip_i import bodies_of

ISUP = b"Content-Type: application/isup;version=ansi88"
TWICE = b"--x\r\n%s\r\n\r\n\x01\r\n--x\r\n%s\r\n\r\n\x01\r\n--x--" % (ISUP, ISUP)
BODIES = [
    (b"Content-Type: application/pidf+xml", b"<presence/>"),
    (b"Content-Type: multipart/mixed", b"nonsense"),
    (b"Content-Type: multipart/mixed;boundary=x", TWICE),
    (ISUP, b"\x01\x02"),
    (SDP_TYPE, b"nonsense"),
    (SDP_TYPE, OFFER.replace(b"RTP/AVP 0 8 101", b"RTP/AVP 18")),
    (SDP_TYPE, OFFER.replace(b"m=audio", b"m=video")),
]

STATUSES = [415, 400, 400, 400, 400, 488, 488]


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_no_body_stops_an_emergency_call(kind: bytes, body: bytes) -> None:
    with Border() as play:
        play.start(play.to_circuits)
        play >> invited(uri="sip:911@192.0.2.20", kind=kind, body=body) << decided() << sends("100", CALLER)
        play << seized(emergency=True, called="911")
        play >> acm(FREE) << progressed() << sends("180", CALLER)
        play >> ANM << sends("200", CALLER)
        assert bodies_of(SipMessage(play.sent)).sdp is not None


@pytest.mark.parametrize(
    ("kind", "body", "status"), [(*row, status) for row, status in zip(BODIES, STATUSES, strict=True)]
)
def test_any_other_call_is_refused_for_it(kind: bytes, body: bytes, status: int) -> None:
    with Border() as play:
        play.start(play.to_circuits)
        play >> invited(kind=kind, body=body) << decided() << sends("100", CALLER)
        play << sends(str(status), CALLER) << ended(EndedBy.FAILURE, status)
