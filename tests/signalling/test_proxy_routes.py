"""Record-Route and Route: across transports and IP versions, strict routers, and routes that must not lead astray."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLEE_TCP,
    CALLER,
    CALLER_TAGGED,
    OURSELVES,
    Datagram,
    Playbook,
    answered,
    decided,
    ended,
    groups_with,
    header,
    in_dialog,
    progressed,
    reply,
    request,
    sends,
    settings_with,
)

from gateway.codecs.sip import SipMessage, headers
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import EndedBy

OURS = b"<sip:192.0.2.1:5060;lr>"
OURS_TCP = b"<sip:192.0.2.1:5060;transport=tcp;lr>"
OURS_V6 = b"<sip:[2001:db8::1]:5060;lr>"
CALLEE_V6 = Hop("2001:db8::20", 5060)
CALLEE_TLS = Hop("192.0.2.20", 5061, Transport.TLS)
LISTENERS = (
    OURSELVES,
    OURSELVES._replace(transport=Transport.TCP),
    Hop("2001:db8::1", 5060),
    Hop("192.0.2.1", 5061, Transport.TLS),
)


def routes(data: bytes, name: bytes = b"Route: ") -> list[bytes]:
    return [line[len(name) :] for line in data.split(b"\r\n") if line.startswith(name)]


def between(callee: Hop, caller: Hop = CALLER) -> Playbook:
    return Playbook(settings_with(listeners=LISTENERS), groups_with(caller, callee))


def test_within_one_transport_there_is_one_record_route() -> None:
    with between(CALLEE) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert routes(play.sent, b"Record-Route: ") == [OURS]


@pytest.mark.parametrize(("callee", "outside"), [(CALLEE_TCP, OURS_TCP), (CALLEE_V6, OURS_V6)])
def test_a_call_across_listeners_has_a_record_route_for_each_side_and_both_are_taken_off(
    callee: Hop, outside: bytes
) -> None:
    """RFC 5658 section 3: the one above is for the called side."""
    with between(callee) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", callee)
        invite = play.sent
        assert routes(invite, b"Record-Route: ") == [outside, OURS]
        play >> reply(invite, 200, source=callee) << progressed() << sends("200", CALLER)
        inward = (b"Route: " + OURS, b"Route: " + outside)
        play >> in_dialog("ACK", *inward, cseq=1) << sends("ACK", callee)
        assert routes(play.sent) == []
        play >> in_dialog("INFO", b"Route: " + OURS + b", " + outside, branch="8") << sends("INFO", callee)
        assert routes(play.sent) == []
        outward = request(
            "INFO",
            b"Route: " + outside + b"," + OURS,
            branch="9",
            uri="sip:+13145550100@192.0.2.10",
            from_=CALLEE_TAGGED,
            to=CALLER_TAGGED,
            source=callee,
        )
        play >> outward << sends("INFO", CALLER)
        assert routes(play.sent) == []


def test_a_sips_call_has_a_sips_record_route() -> None:
    """RFC 3261 section 16.6 step 4."""
    caller = Hop("192.0.2.10", 5061, Transport.TLS, 1)
    with between(CALLEE_TLS, caller._replace(connection=0)) as play:
        play.proxy.connected(caller, frozenset())
        play >> request(uri="sips:+16365550199@192.0.2.20", source=caller)
        play << decided() << sends("100", caller) << sends("INVITE", CALLEE_TLS)
        assert routes(play.sent, b"Record-Route: ") == [b"<sips:192.0.2.1:5061;lr>"]


def test_a_sips_call_does_not_leave_without_tls() -> None:
    """RFC 3261 section 26.2.2."""
    with between(CALLEE) as play:
        play >> request(uri="sips:+16365550199@192.0.2.20") << decided() << sends("100", CALLER)
        play << sends("480", CALLER, lines=(b'Warning: 380 gateway "the trunk group has no TLS"',))
        play << ended(EndedBy.FAILURE, 480)
        assert (play.ledger.in_progress, play.proxy.dialogs) == (0, 0)
        play >> request(uri="sips:911@192.0.2.20", branch="2", call_id="e") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)


def test_a_call_too_long_for_a_datagram_is_513_and_goes_on_by_tcp() -> None:
    """RFC 3261 sections 18.1.1 and 21.5.7."""
    body = b"a" * 65_000
    settings = replace(settings_with(listeners=LISTENERS), max_message_bytes=100_000)
    with Playbook(settings, groups_with(callee=CALLEE)) as play:
        play >> request(body=body) << decided() << sends("100", CALLER) << sends("513", CALLER)
        play << ended(EndedBy.FAILURE, 513)
    with Playbook(settings, groups_with(callee=CALLEE_TCP)) as play:
        play >> request(body=body) << decided() << sends("100", CALLER) << sends("INVITE", CALLEE_TCP)


@pytest.mark.parametrize(
    "lines",
    [
        (b"Route: <sip:203.0.113.9;lr>",),
        (b"Route: " + OURS + b", <sip:203.0.113.9;lr>",),
        (b"Route: " + OURS, b"Route: <sip:203.0.113.9>"),
        (b"Route: <sip:192.0.2.20;lr>", b"Route: " + OURS),
        (b"Route: " + OURS,),
    ],
)
def test_a_preloaded_route_does_not_lead_past_the_trunk_group_that_was_decided(lines: tuple[bytes, ...]) -> None:
    with Playbook() as play:
        play >> request("INVITE", *lines, b"X: 1") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert b"\r\nX: 1\r\n" in play.sent
        assert routes(play.sent) == []


def test_a_strict_router_before_us_is_understood() -> None:
    """RFC 3261 section 16.4: the Request-URI is our Record-Route, what it was stands last in the Route."""
    with Playbook() as play:
        target = b"sip:+16365550199@192.0.2.20;user=phone"
        play >> request("INVITE", b"Route: <" + target + b">", uri=OURS[1:-1].decode())
        play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        assert (SipMessage(play.sent).request_uri, routes(play.sent)) == (target, [])
    with Playbook() as play:
        answered(play, b"Contact: <sip:x@192.0.2.66:5080>", b"Record-Route: <sip:192.0.2.55;lr>, " + OURS)
        bye = in_dialog("INFO", b"Route: <sip:192.0.2.55;lr>, <sip:x@192.0.2.66:5080>").data
        bye = bye.replace(b"sip:+16365550199@192.0.2.20 SIP", OURS[1:-1] + b" SIP")
        play >> Datagram(bye, CALLER) << sends("INFO", Hop("192.0.2.55", 5060))
        assert SipMessage(play.sent).request_uri == b"sip:x@192.0.2.66:5080"
        assert routes(play.sent) == [b"<sip:192.0.2.55;lr>"]


def test_a_strict_router_behind_us_gets_what_it_expects() -> None:
    """RFC 3261 section 16.6 step 6."""
    with Playbook() as play:
        answered(play, b"Contact: <sip:x@192.0.2.66:5080>", b"Record-Route: <sip:192.0.2.55:5090>, " + OURS)
        lines = (b"Route: " + OURS, b"Route: <sip:192.0.2.55:5090>", b"Route: <sip:192.0.2.56;lr>")
        info = request("INFO", *lines, branch="2", uri="sip:x@192.0.2.66:5080", to=CALLEE_TAGGED)
        play >> info << sends("INFO", Hop("192.0.2.55", 5090))
        assert SipMessage(play.sent).request_uri == b"sip:192.0.2.55:5090"
        assert routes(play.sent) == [b"<sip:192.0.2.56;lr>, <sip:x@192.0.2.66:5080>"]


@pytest.mark.parametrize(
    ("given", "uri", "target"),
    [
        ("sip:x@192.0.2.66:5080", "sip:x@192.0.2.66:5080", Hop("192.0.2.66", 5080)),
        ("sip:x@192.0.2.66:5080", "sip:x@192.0.2.66:5080;transport=TCP", Hop("192.0.2.66", 5080, Transport.TCP)),
        ("sip:x@192.0.2.66;transport=tls", "sip:x@192.0.2.66;transport=tls", Hop("192.0.2.66", 5061, Transport.TLS)),
        ("sips:x@192.0.2.66", "sips:x@192.0.2.66", Hop("192.0.2.66", 5061, Transport.TLS)),
        ("sip:x@192.0.2.66", "sip:x@192.0.2.66;transport=sctp", CALLEE),
        ("sip:x@192.0.2.66", "sip:x@example.com;maddr=192.0.2.66", Hop("192.0.2.66", 5060)),
        ("sip:x@192.0.2.66", "sip:x@192.0.2.66;maddr=203.0.113.9", CALLEE),
        ("sip:x@192.0.2.66:5080", "sip:x@192.0.2.66:5081", CALLEE),
        ("sip:x@192.0.2.66:5080", "sip:x@192.0.2.66", CALLEE),
        ("sip:x@192.0.2.20:5099", "sip:x@192.0.2.20:5099", Hop("192.0.2.20", 5099)),
        ("sip:x@192.0.2.66:5080", "sip:x@192.0.2.20:5099", CALLEE),
        ("sip:x@192.0.2.66", "sip:x@203.0.113.9", CALLEE),
        ("sip:x@192.0.2.66", "sip:x@192.0.2.10", CALLEE),  # the caller itself
    ],
)
@pytest.mark.parametrize("method", ["BYE", "ACK"])
def test_within_a_dialog_only_what_the_other_side_gave_as_its_address_is_one(
    given: str, uri: str, target: Hop, method: str
) -> None:
    """RFC 3261 section 12.2: the remote target is learnt from Contact. A third party must not answer a BYE."""
    with between(CALLEE) as play:
        answered(play, b"Contact: <%s>" % given.encode())
        play >> request(method, branch="2", uri=uri, to=CALLEE_TAGGED)
        play << sends(method, target)


def test_a_peer_that_names_itself_without_a_transport_is_reached_as_before() -> None:
    with between(CALLEE_TCP) as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE_TCP)
        play >> reply(play.sent, 200, source=CALLEE_TCP) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE_TCP)


def test_a_route_that_nobody_in_the_dialog_gave_is_taken_off() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INFO", b"Route: " + OURS + b", <sip:203.0.113.9;lr>") << sends("INFO", CALLEE)
        assert routes(play.sent) == []


def test_a_target_refresh_counts_from_either_side() -> None:
    """RFC 3261 section 12.2.1.2: a re-INVITE or UPDATE, and its 2xx, may bring another Contact."""
    with Playbook() as play:
        answered(play)
        refresh = request(
            "UPDATE",
            b"Contact: <sip:y@192.0.2.71>",
            branch="7",
            from_=CALLEE_TAGGED,
            to=CALLER_TAGGED,
            uri="sip:+13145550100@192.0.2.10",
            source=CALLEE,
        )
        play >> refresh << sends("UPDATE", CALLER)
        play >> reply(play.sent, 200, source=CALLER, lines=(b"m: <sip:z@192.0.2.72>",)) << sends("200", CALLEE)
        play >> request("INFO", branch="8", uri="sip:y@192.0.2.71", to=CALLEE_TAGGED)
        play << sends("INFO", Hop("192.0.2.71", 5060))
        outward = request(
            "INFO", branch="9", uri="sip:z@192.0.2.72", from_=CALLEE_TAGGED, to=CALLER_TAGGED, source=CALLEE
        )
        play >> outward << sends("INFO", Hop("192.0.2.72", 5060))


def test_the_callers_own_proxies_are_no_address_of_the_called_side() -> None:
    with Playbook() as play:
        first = request("INVITE", b"Record-Route: <sip:203.0.113.9;lr>", b"Contact: <sip:c@192.0.2.77>")
        play >> first << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        lines = (b"Record-Route: " + header(play.sent, headers.RECORD_ROUTE) + b", <sip:203.0.113.9;lr>",)
        play >> reply(play.sent, 200, lines=lines) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", b"Route: " + OURS + b", <sip:203.0.113.9;lr>", cseq=1) << sends("ACK", CALLEE)
        back = request(
            "INFO",
            b"Route: " + OURS + b", <sip:203.0.113.9;lr>",
            branch="9",
            uri="sip:c@192.0.2.77",
            from_=CALLEE_TAGGED,
            to=CALLER_TAGGED,
            source=CALLEE,
        )
        play >> back << sends("INFO", Hop("203.0.113.9", 5060))


def test_too_many_routes_are_malformed() -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INFO", b"Route: " + b", ".join([OURS] * 40)) << sends("400", CALLER)


@pytest.mark.parametrize(
    ("lines", "target", "left"),
    [
        ((b"Route: " + OURS,), CALLEE, []),
        ((b"Route:  " + OURS + b" ",), CALLEE, []),
        ((b"Route: " + OURS + b",<sip:192.0.2.55:5070;lr>",), Hop("192.0.2.55", 5070), [b"<sip:192.0.2.55:5070;lr>"]),
        ((b"Route: " + OURS, b"Route: <sip:192.0.2.55;lr>"), Hop("192.0.2.55", 5060), [b"<sip:192.0.2.55;lr>"]),
        ((b"ROUTE: " + OURS, b"Route: <sip:192.0.2.55;lr>"), Hop("192.0.2.55", 5060), [b"<sip:192.0.2.55;lr>"]),
        ((b"Route: " + OURS, b"Route: <sip:sbc.example.com;lr>"), CALLEE, [b"<sip:sbc.example.com;lr>"]),
        ((b"Route: <sip:192.0.2.55;lr>",), Hop("192.0.2.55", 5060), [b"<sip:192.0.2.55;lr>"]),
    ],
)
@pytest.mark.parametrize("method", ["BYE", "ACK"])
def test_a_route_behind_ours_says_where_a_request_goes(
    method: str, lines: tuple[bytes, ...], target: Hop, left: list[bytes]
) -> None:
    with Playbook() as play:
        routed = b"Record-Route: <sip:192.0.2.55;lr>, <sip:192.0.2.55:5070;lr>, " + OURS
        answered(play, b"Contact: <sip:x@192.0.2.66:5080>", routed)
        play >> in_dialog(method, *lines)
        play << sends(method, target)
        routes = [line.partition(b": ")[2] for line in play.sent.split(b"\r\n") if line.startswith(b"Route: ")]
        assert routes == left


@pytest.mark.parametrize("uri", ["sip:192.0.2.1", "sip:192.0.2.1:5060", "sip:x@example.com", "tel:+13145550100"])
def test_a_request_uri_that_is_ours_or_no_address_goes_to_the_calls_other_side(uri: str) -> None:
    with Playbook() as play:
        answered(play)
        play >> request("INFO", branch="4", uri=uri, to=CALLEE_TAGGED) << sends("INFO", CALLEE)


def test_a_contact_behind_the_switch_is_reached_directly() -> None:
    with Playbook() as play:
        answered(play, b"Contact: <sip:x@192.0.2.66:5080>")
        (
            play
            >> request("INFO", branch="4", uri="sip:x@192.0.2.66:5080", to=CALLEE_TAGGED)
            << sends("INFO", Hop("192.0.2.66", 5080))
        )
