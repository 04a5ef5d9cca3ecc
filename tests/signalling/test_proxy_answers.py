"""What the proxy answers itself, what it drops and counts, and what it never lets past the engine."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    CALLER_TAGGED,
    OURSELVES,
    REFUSED_NUMBER,
    STRANGER,
    T0,
    Datagram,
    Playbook,
    answered,
    decided,
    ended,
    from_callee,
    header,
    in_dialog,
    reply,
    request,
    ringing,
    sends,
    settings_with,
    started,
)

from gateway.codecs.sip import headers, tag_of
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy


@pytest.mark.parametrize(
    ("datagram", "status"),
    [
        (request("OPTIONS"), "200"),
        (request("REGISTER"), "405"),
        (request("x-other"), "405"),
        (request("BYE"), "405"),  # without a To tag it is in no dialog
        (request(hops=b"0"), "483"),
        (request(hops=b"abc"), "400"),
        (request(hops=b""), "400"),
        (request(hops=b"-1"), "400"),
        (request(hops=b"256"), "400"),
        (request(hops=b"9" * 5000), "400"),
        (request("INVITE", b"Proxy-Require: foo"), "420"),
        (request(uri="http://example.com"), "416"),
        (request(from_="<sip:1@h>"), "400"),
        (request(from_="<sip:1@h;tag=a"), "400"),
        (request(uri="sip:1@h@g"), "400"),
        (request(cseq="x INVITE"), "400"),
        (request(cseq="1 BYE"), "400"),
        (request("INVITE", b"t: <sip:911@h>"), "400"),
        (request("INVITE", b"X: \x00"), "400"),
        (request("INVITE", b"Route: <sip:192.0.2.1"), "400"),
        (request("INVITE", b"Content-Length: 5"), "400"),
    ],
)
def test_a_request_that_goes_nowhere_is_answered_and_leaves_nothing_behind(datagram: Datagram, status: str) -> None:
    with Playbook() as play:
        play >> datagram << sends(status, CALLER)
        assert header(play.sent, headers.TO).count(b";tag=tg") == 1
        first = play.sent
        play >> datagram << sends(status, CALLER, data=first)
        assert (play.proxy.transactions, play.proxy.dialogs, play.ledger.in_progress) == (0, 0, 0)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ((b"Proxy-Require: timer, foo",), b"foo"),
        ((b"Proxy-Require: foo", b"Proxy-Require: TIMER ,bar"), b"foo, bar"),
    ],
)
def test_only_the_extensions_that_we_do_not_know_are_named(lines: tuple[bytes, ...], named: bytes) -> None:
    """RFC 3261 section 16.3 step 5."""
    with Playbook() as play:
        play >> request("INVITE", *lines) << sends("420", CALLER, lines=(b"Unsupported: " + named,))
        answered(play)
        play >> in_dialog("INFO", *lines) << sends("420", CALLER, lines=(b"Unsupported: " + named,))
        play >> in_dialog("BYE", *lines) << sends("420", CALLER, lines=(b"Unsupported: " + named,))


def test_an_extension_that_we_know_may_be_asked_of_us() -> None:
    with Playbook() as play:
        play >> request("INVITE", b"Proxy-Require: timer") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)


def test_a_request_uri_beyond_reason_is_414() -> None:
    """RFC 3261 section 21.4.13."""
    with Playbook() as play:
        play >> request(uri="sip:" + "1" * 1_100 + "@192.0.2.20") << sends("414", CALLER)


def test_a_message_beyond_the_limit_is_513() -> None:
    """RFC 3261 section 21.5.7."""
    with Playbook() as play:
        long = request(body=b"a" * 20_000)
        play >> long << sends("513", CALLER)
        assert play.proxy.counters.malformed.total() == 1
        play >> Datagram(long.data.replace(b"INVITE", b"ACK"), CALLER)


def test_a_missing_max_forwards_is_added_as_69_after_our_own_hop() -> None:
    with Playbook() as play:
        play >> request(hops=None) << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE, lines=(b"Max-Forwards: 69",))


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"\x00\x01\x02\r\n\r\n",
        b"INVITE sip:1@h SIP/2.0\r\n\r\n",
        b"INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n",
        b"INVITE sip:1@h SIP/2.0\r\nno colon\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: nonsense\r\n\r\n",
        b"ACK sip:1@h SIP/2.0\r\n\r\n",
        b"INVITE sip:1@h SIP/2.0\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;" + b";" * 16_000 + b'"\r\n\r\n',
    ],
)
def test_what_cannot_be_answered_is_dropped_and_counted(data: bytes) -> None:
    with Playbook() as play:
        play >> Datagram(data, CALLER)
        assert sum(play.proxy.counters.malformed.values()) == 1
        assert play.proxy.transactions == 0


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\r\n", b"\x00"])
def test_keep_alives_are_silent(data: bytes) -> None:
    with Playbook() as play:
        play >> Datagram(data, CALLER)
        assert not play.proxy.counters.malformed


def test_a_call_from_an_unknown_source_is_refused_with_403() -> None:
    with Playbook() as play:
        play >> request(source=STRANGER) << decided(Outcome.REFUSE) << sends("403", STRANGER)
        play << ended(EndedBy.REFUSAL, 403)


def test_the_same_request_by_another_path_is_482() -> None:
    with Playbook() as play:
        started(play)
        play >> request(branch="other") << sends("482", CALLER)
        play >> request(branch="third", cseq="2 INVITE") << sends("482", CALLER)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (1, 1)


def test_a_call_may_be_tried_again_with_the_same_call_id_after_a_failure() -> None:
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 407) << sends("ACK", CALLEE) << sends("407", CALLER) << ended(EndedBy.FAILURE, 407)
        play >> request(branch="2", cseq="2 INVITE") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


@pytest.mark.parametrize(
    ("via", "line"),
    [
        (b"Via: SIP/2.0/UDP pbx;branch=z9hG4bK1", b"Via: SIP/2.0/UDP pbx;branch=z9hG4bK1;received=192.0.2.10"),
        (
            b"v: SIP/2.0/UDP pbx;rport;branch=z9hG4bK1",
            b"Via: SIP/2.0/UDP pbx;rport=5060;branch=z9hG4bK1;received=192.0.2.10",
        ),
        (
            b"Via: SIP/2.0/UDP pbx;rport , SIP/2.0/UDP far",
            b"Via: SIP/2.0/UDP pbx;rport=5060;received=192.0.2.10 , SIP/2.0/UDP far",
        ),
        (b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1", b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1"),
    ],
)
def test_received_and_rport_are_filled_in_both_ways(via: bytes, line: bytes) -> None:
    with Playbook() as play:
        play >> request(via=via) << decided() << sends("100", CALLER, lines=(line,))
        passed_on = line if via.startswith(b"Via") else b"v" + line[3:]
        play << sends("INVITE", CALLEE, lines=(passed_on,))


@pytest.mark.parametrize(
    "datagram",
    [
        in_dialog("BYE", to="<sip:1@h>;tag=wrong"),
        request("BYE", to=CALLEE_TAGGED, from_="<sip:1@h>;tag=wrong"),
        request("BYE", to=CALLEE_TAGGED, from_="<sip:1@h>"),
        request("BYE", to=CALLEE_TAGGED, call_id="c2"),
        request("BYE", to=CALLEE_TAGGED, call_id="C1"),
        in_dialog("INVITE", to="<sip:1@h>;tag=B"),
        request("BYE", to=CALLER_TAGGED, from_=CALLER_TAGGED),
        in_dialog("UPDATE", to="<sip:1@h>;tag=tg00000000"),
    ],
)
def test_a_request_of_no_dialog_of_ours_is_481_and_never_forwarded(datagram: Datagram) -> None:
    with Playbook() as play:
        answered(play)
        play >> datagram << sends("481", CALLER)
        assert play.ledger.in_progress == 1


@pytest.mark.parametrize(
    "to",
    [
        '<sip:911@h>;x=">;tag=b;"',
        '<sip:911@h>;x="a;tag=b"',
        '<sip:911@h>;x=";tag=b;y="',
        '"<sip:911@h>;tag=b;" <sip:911@h>',
        '"a;tag=b" <sip:911@h;tag=b>',
        "<sip:911@h;tag=b>",
    ],
)
def test_a_to_tag_that_is_none_does_not_get_a_call_past_the_engine(to: str) -> None:
    assert tag_of(to.encode()) == b""
    with Playbook() as play:
        answered(play)
        play >> request(branch="7", cseq="2 INVITE", uri=f"sip:{REFUSED_NUMBER}@h", to=to) << sends("482", CALLER)


@pytest.mark.parametrize("line", [b"t: <sip:911@h>", b"To : <sip:911@h>", b"TO: <sip:911@h>", b"X: \rTo: <sip:911@h>"])
def test_a_second_to_does_not_get_a_call_past_the_engine(line: bytes) -> None:
    with Playbook() as play:
        answered(play)
        play >> in_dialog("INVITE", line) << sends("400", CALLER)


def test_a_re_invite_with_an_unreadable_header_leaves_nothing_behind() -> None:
    with Playbook() as play:
        answered(play)
        before = play.proxy.transactions
        play >> in_dialog("INVITE", b"no colon")
        assert play.proxy.transactions == before
        assert sum(play.proxy.counters.malformed.values()) == 1


def test_max_forwards_counts_inside_a_dialog_too() -> None:
    with Playbook() as play:
        answered(play)
        play >> request("INFO", branch="4", to=CALLEE_TAGGED, hops=b"0") << sends("483", CALLER)
        play >> request("ACK", branch="5", to=CALLEE_TAGGED, hops=b"0")
        assert play.proxy.counters.stray == 1


def test_strange_responses_are_dropped_and_counted_and_the_call_goes_on() -> None:
    with Playbook() as play:
        invite = started(play)
        ok = reply(invite, 200).data
        below = ok.index(b"Via: SIP/2.0/UDP 192.0.2.10")
        only_ours = ok[:below] + ok[ok.index(b"\r\n", below) + 2 :]
        for data in (
            ok.replace(b"branch=z9hG4bKtg1.", b"branch=z9hG4bKtg2."),
            ok.replace(b"192.0.2.1:5060;branch", b"192.0.2.9:5060;branch"),
            ok.replace(b"192.0.2.1:5060;branch", b"192.0.2.1:5061;branch"),
            ok.replace(b"1 INVITE", b"1 BYE"),
        ):
            play >> Datagram(data, CALLEE)
        assert play.proxy.counters.stray == 4
        for number, data in enumerate(
            (
                only_ours,
                only_ours.replace(b"200 Answer", b"486 Busy"),
                ok.replace(b"To: ", b"X: "),
                ok.replace(b"To: ", b"X: ").replace(b"200 Answer", b"486 Busy"),
                ok.replace(b"Via: SIP/2.0/UDP 192.0.2.10", b"no colon\r\nVia : SIP/2.0/UDP 192.0.2.10"),
            ),
            1,
        ):
            play >> Datagram(data, CALLEE)
            assert sum(play.proxy.counters.malformed.values()) == number
        play >> reply(invite, 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)


@pytest.mark.parametrize(
    "change",
    [
        (b"\r\nVia: SIP/2.0/UDP 192.0.2.1:", b"\r\nVia:  SIP/2.0/UDP 192.0.2.1:"),
        (b"\r\nVia: SIP/2.0/UDP 192.0.2.1:", b"\r\nv: SIP/2.0/UDP 192.0.2.1:"),
        (b"\r\nVia: SIP/2.0/UDP 192.0.2.1:", b"\r\nVIA :\r\n SIP/2.0/UDP 192.0.2.1:"),
        (b"\r\nVia: SIP/2.0/UDP 192.0.2.10", b" ,\r\n SIP/2.0/UDP 192.0.2.10"),
        (b"\r\nVia: SIP/2.0/UDP 192.0.2.10", b",SIP/2.0/UDP 192.0.2.10"),
    ],
)
def test_a_response_passes_however_its_vias_are_written(change: tuple[bytes, bytes]) -> None:
    with Playbook() as play:
        data = reply(started(play), 486).data
        assert change[0] in data
        play >> Datagram(data.replace(*change), CALLEE) << sends("ACK", CALLEE) << sends("486", CALLER)
        assert header(play.sent, headers.VIA) == b"SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1"
        assert play.sent.count(b"SIP/2.0/UDP") == 1
        play << ended(EndedBy.FAILURE, 486)


def test_emergency_calls_have_a_reserve_beyond_the_bounds_and_no_more() -> None:
    with Playbook(settings_with(max_calls=1, emergency_reserve=2)) as play:
        started(play)
        for number in range(2, 4):
            play >> request(branch=str(number), call_id=f"c{number}", uri="sip:911@h")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> request(branch="9", call_id="c9", uri="sip:911@h") << sends("503", CALLER)
        assert play.proxy.dialogs == 3
    with Playbook(settings_with(max_transactions=2, emergency_reserve=2)) as play:
        for number in range(2):
            play >> request(branch=str(number), call_id=f"c{number}", uri="sip:911@h")
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> request(branch="9", call_id="c9", uri="sip:911@h") << sends("503", CALLER)
        assert play.proxy.transactions == 4


def test_at_capacity_calls_are_503_but_emergency_calls_pass() -> None:
    with Playbook(settings_with(max_calls=1)) as play:
        started(play)
        play >> request(branch="2", call_id="c2") << sends("503", CALLER, lines=(b"Retry-After: 2",))
        for number, uri in enumerate(("sip:911@h", "urn:service:sos", "tel:911;phone-context=+1"), 3):
            play >> request(branch=str(number), call_id=f"c{number}", uri=uri)
            play << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)


def test_while_draining_calls_that_are_up_go_on_and_new_ones_are_503() -> None:
    with Playbook() as play:
        invite = ringing(play)
        play.proxy.accepting = False
        play >> request(branch="2", call_id="c2") << sends("503", CALLER)
        play >> reply(invite, 200) << sends("200", CALLER)
        play >> from_callee("BYE") << sends("BYE", CALLER)


def test_a_flood_of_requests_outside_calls_keeps_nothing() -> None:
    play = Playbook()
    for number in range(200):
        for method in ("OPTIONS", "REGISTER", "CANCEL", "BYE"):
            play.proxy.receive(request(method, branch=f"f{number}", source=STRANGER).data, STRANGER, T0)
    assert (play.proxy.transactions, play.proxy.dialogs) == (0, 0)
    assert play.proxy.next_wake_us is None


def test_an_ipv6_gateway_writes_its_address_in_brackets_and_knows_it_again() -> None:
    with Playbook(settings_with(host="2001:db8::1")) as play:
        play >> request() << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE, lines=(b"Record-Route: <sip:[2001:db8::1]:5060;lr>",))
        invite = play.sent
        assert header(invite, headers.VIA).startswith(b"SIP/2.0/UDP [2001:db8::1]:5060;branch=")
        play >> reply(invite, 486) << sends("ACK", CALLEE) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)


def test_an_old_element_without_a_branch_is_told_apart_by_its_whole_via() -> None:
    with Playbook() as play:
        old = request(via=b"Via: SIP/2.0/UDP 192.0.2.10")
        play >> old << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> old << sends("100", CALLER)


def test_our_own_answers_do_not_come_back_to_us() -> None:
    with Playbook() as play:
        started(play)
        play >> Datagram(play.sent, OURSELVES) << sends("482", OURSELVES)


def test_the_cause_of_a_503_goes_on_in_the_500_that_stands_for_it() -> None:
    cause = b"Reason: Q.850;cause=34;location=LN"
    with Playbook() as play:
        invite = started(play)
        play >> reply(invite, 503, lines=(b"Reason: SIP;cause=503", cause)) << sends("ACK", CALLEE)
        play << sends("500", CALLER, lines=(cause,))
        play << ended(EndedBy.FAILURE, 500)
