"""A response on its way back is known as ours over every transport."""

from __future__ import annotations

import pytest

from gateway.codecs.sip.relayed import read_response


@pytest.mark.parametrize("transport", [b"UDP", b"TCP", b"TLS"])
@pytest.mark.parametrize("host", [b"192.0.2.1:5060", b"[2001:db8::1]:5061"])
@pytest.mark.parametrize("between", [b"", b"Record-Route: <sip:192.0.2.1;lr>\r\n"])
def test_a_response_is_ours_over_every_transport_wherever_its_lines_stand(
    transport: bytes, host: bytes, between: bytes
) -> None:
    own = b"Via: SIP/2.0/%s %s;branch=" % (transport, host)
    rest = b"%sVia: SIP/2.0/TCP 192.0.2.9:5070;branch=z9hG4bK1\r\nTo: <sip:a@b>;tag=1\r\nCSeq: 1 BYE\r\n" % between
    data = b"SIP/2.0 200 OK\r\n%sz9hG4bKours\r\n%sContent-Length: 0\r\n\r\n" % (own, rest)
    response = read_response(data, own)
    assert response is not None
    assert (response.branch, response.method) == (b"z9hG4bKours", b"BYE")
    assert response.onward == b"SIP/2.0 200 OK\r\n%sContent-Length: 0\r\n\r\n" % rest
