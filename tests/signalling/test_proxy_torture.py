"""Single points of RFC 4475 and RFC 5118 at the proxy, each by itself; the whole corpus is in `tests/hostile`."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TAGGED,
    CALLER,
    REFUSED_NUMBER,
    Datagram,
    Playbook,
    Wait,
    decided,
    ended,
    in_dialog,
    progressed,
    reply,
    request,
    sends,
    started,
)

from gateway.codecs.sip import read_response
from gateway.policy.verdict import Outcome
from gateway.signalling.call import EndedBy, Send


@pytest.mark.parametrize(
    ("start", "status"),
    [
        (b"INVITE sip:6365550199@h; lr SIP/2.0", "400"),  # 3.1.2.8
        (b"INVITE  sip:6365550199@h  SIP/2.0", "400"),  # 3.1.2.9
        (b"INVITE sip:6365550199@h SIP/2.0  ", "400"),  # 3.1.2.10
        (b"INVITE SIP/2.0", "400"),
        (b"INVITE sip:6365550199@h SIP/7.0", "505"),  # 3.1.2.16
    ],
)
def test_a_request_of_which_only_the_start_line_cannot_be_read_is_answered(start: bytes, status: str) -> None:
    with Playbook() as play:
        sound = request()
        play >> Datagram(start + sound.data[sound.data.find(b"\r\n") :], CALLER) << sends(status, CALLER)
        assert play.proxy.counters.malformed.total() == 1


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1",
        b"ACK  sip:6365550199@h  SIP/2.0",  # an ACK is never answered
        b"ACK sip:6365550199@h SIP/3.0",
        b"SIP/3.0 200 OK",
        b"SIP/2.0 OK SIP/2.0",
        b"INVITE sip:6365550199@h SIP/2.0 NEXT",
        b"INVITE sip:6365550199@h SIP/2.0\r\nno colon",
        b"",
    ],
)
def test_what_is_no_request_is_dropped_whatever_follows_its_first_line(start: bytes) -> None:
    with Playbook() as play:
        sound = request()
        play >> Datagram(start + sound.data[sound.data.find(b"\r\n") :], CALLER)
        assert play.proxy.counters.malformed.total() == 1


@pytest.mark.parametrize("hops", [b"0068", b"0" * 5_000 + b"68"])
def test_leading_zeros_of_max_forwards_are_no_fault(hops: bytes) -> None:  # RFC 4475 section 3.1.1.1
    with Playbook() as play:
        play >> request(hops=hops) << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE, lines=(b"Max-Forwards: 67",))


@pytest.mark.parametrize("hops", [b"300", b"0256", b"-1", b"1" + b"0" * 400, b"7_0"])
def test_a_max_forwards_out_of_range_is_malformed(hops: bytes) -> None:  # RFC 4475 section 3.1.2.4
    with Playbook() as play:
        play >> request(hops=hops) << sends("400", CALLER)


@pytest.mark.parametrize("via", [b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK", b"Via: SIP/2.0/UDP 192.0.2.10"])
def test_calls_without_a_unique_branch_are_told_apart(via: bytes) -> None:  # RFC 4475 sections 3.2.1 and 3.4.1
    with Playbook() as play:
        play >> request(via=via, call_id="c1") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        play >> request(via=via, call_id="c2") << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        second = play.sent
        play >> request(via=via, call_id="c1") << sends("100", CALLER)  # the same again is still a retransmission
        play >> request("CANCEL", via=via, call_id="c2", cseq="1 CANCEL") << sends("200", CALLER)
        play >> reply(second, 180) << progressed() << sends("180", CALLER) << sends("CANCEL", CALLEE)
        play >> reply(second, 487) << sends("ACK", CALLEE) << sends("487", CALLER) << ended(EndedBy.CANCEL, 487)
        play >> request("ACK", via=via, call_id="c2", cseq="1 ACK", to=CALLEE_TAGGED)
        assert play.proxy.counters.stray == 0


@pytest.mark.parametrize(
    "uri",
    [
        "<sip:+16365550199@192.0.2.20>",  # RFC 4475 section 3.1.2.7
        "sip:+16365550199@192.0.2.20?Route=%3Csip:lab.example%3E",  # 3.1.2.11
        "sips:+16365550199@192.0.2.20;user=phone?P-Asserted-Identity=%3Csip:911@h%3E",
        "sip:192.0.2.20?To=sip:911%40h",
    ],
)
def test_a_request_uri_with_brackets_or_header_fields_is_malformed(uri: str) -> None:
    with Playbook() as play:
        play >> request(uri=uri) << sends("400", CALLER)


def test_a_question_mark_may_stand_in_the_user_part() -> None:  # RFC 3261 section 25.1, user-unreserved
    with Playbook() as play:
        play >> request(uri="sip:+16365550199;x=?@192.0.2.20") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)


@pytest.mark.parametrize("name", ["Bell, Alexander", "Bell; Alexander", "B(ell)", "Bell@home", "Bell\xe9"])
def test_a_display_name_that_needs_quotes_and_has_none_is_malformed(name: str) -> None:  # RFC 4475 section 3.1.2.15
    with Playbook() as play:
        play >> request(from_=f"{name} <sip:+13145550100@192.0.2.10>;tag=a") << sends("400", CALLER)
        play >> request(to=f"{name} <sip:+16365550199@192.0.2.20>") << sends("400", CALLER)


def test_a_display_name_that_needs_quotes_stops_no_emergency_call() -> None:
    with Playbook() as play:
        (
            play
            >> request(uri="sip:911@h", from_="Bell, A <sip:+13145550100@h>;tag=a")
            << decided()
            << sends("100", CALLER)
        )
        play << sends("INVITE", CALLEE)


@pytest.mark.parametrize("spelt", [b"CSeq: ", b"CSEQ : "])
def test_a_response_with_an_absurd_number_in_cseq_is_discarded(spelt: bytes) -> None:  # RFC 4475 section 3.1.2.5
    with Playbook() as play:
        answer = reply(started(play), 503).data.replace(b"CSeq: 1 ", spelt + b"9292394834772304023312 ")
        play >> Datagram(answer, CALLEE)
        assert play.proxy.counters.malformed.total() == 1


HIDDEN = request(call_id="hidden").data


@pytest.mark.parametrize("length", [b"Content-Length: 4", b"l:0004", b"Content-Length : 4"])
def test_what_stands_behind_the_body_does_not_go_on(length: bytes) -> None:  # RFC 4475 section 3.1.1.8
    with Playbook() as play:
        play >> request("INVITE", length, body=b"body" + HIDDEN) << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        invite = play.sent
        assert invite.endswith(b"\r\n\r\nbody")
        answer = reply(invite, 200).data.replace(b"Content-Length: 0", length)
        play >> Datagram(answer + b"body" + HIDDEN, CALLEE) << progressed() << sends("200", CALLER)
        assert play.sent.endswith(b"\r\n\r\nbody")
        for method in ("ACK", "BYE"):
            play >> request(method, length, cseq=f"2 {method}", branch="2", to=CALLEE_TAGGED, body=b"body" + HIDDEN)
            play << sends(method, CALLEE)
        assert play.sent.endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize(
    "length", [b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 0\r\nl: 4", b"Content-Length: 1e1"]
)
def test_nothing_goes_on_of_which_nobody_can_tell_where_it_ends(length: bytes) -> None:  # RFC 3261 section 18.3
    with Playbook() as play:
        invite = started(play)
        for answer in (reply(invite, 180).data, reply(invite, 503).data):
            play >> Datagram(answer.replace(b"Content-Length: 0", length) + b"body", CALLEE)
        play >> reply(invite, 200) << progressed() << sends("200", CALLER)
        play >> request("ACK", length, branch="2", to=CALLEE_TAGGED, body=b"body")
        play >> request("BYE", length, branch="3", cseq="2 BYE", to=CALLEE_TAGGED, body=b"body") << sends("400", CALLER)
        assert play.proxy.counters.malformed.total() == 4
        assert play.ledger.in_progress == 1


@pytest.mark.parametrize("rest", [";x=<y>", ";x=>", ";tag=c>;tag=d"])
def test_a_tag_is_read_in_one_way_whatever_brackets_follow_it(rest: str) -> None:
    """To has a tag that nobody gave out, so this opens no call: who comes next and reads the tag would see none."""
    with Playbook() as play:
        play >> request(to=f"<sip:+16365550199@192.0.2.20>;tag=made-up{rest}") << sends("481", CALLER)


def test_a_tag_of_an_address_without_brackets_is_read_in_one_way() -> None:
    with Playbook() as play:
        play >> request(to="sip:+16365550199@192.0.2.20;tag=made-up;x=>") << sends("481", CALLER)


def test_white_space_before_a_tag_is_no_part_of_it() -> None:
    with Playbook() as play:
        play >> request(from_="<sip:+13145550100@192.0.2.10>;tag=  a") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE)
        play >> reply(play.sent, 200) << progressed() << sends("200", CALLER)
        play >> in_dialog("ACK", cseq=1) << sends("ACK", CALLEE)


@pytest.mark.parametrize(
    ("uri", "line", "status", "said"),
    [
        ("nobodyKnowsThisScheme:totallyopaquecontent", b"X: y", "416", b"Content-Length: 0"),  # RFC 4475 section 3.3.2
        ("sip:lab.example", b"Require: nothing, atAll", "420", b"Unsupported: nothing, atAll"),  # 3.3.5
        ("<sip:lab.example>", b"X: y", "400", b"Content-Length: 0"),
        ("sip:lab.example", b"Proxy-Require: x", "200", b"Content-Length: 0"),  # it goes to nobody else
    ],
)
def test_an_options_for_ourselves_is_answered_as_a_server_does(uri: str, line: bytes, status: str, said: bytes) -> None:
    with Playbook() as play:
        play >> request("OPTIONS", line, uri=uri) << sends(status, CALLER, lines=(said,))


def test_a_refused_call_leaves_nothing_behind_five_seconds_after_its_ack() -> None:
    """Or a flood that acknowledges what it is told would fill the memory with what no limit counts."""
    with Playbook() as play:
        play >> request(uri=f"sip:{REFUSED_NUMBER}@h") << decided(Outcome.REFUSE) << sends("604", CALLER)
        play << ended(EndedBy.REFUSAL, 604)
        play >> Wait(0.5) << sends("604", CALLER)
        play >> request("ACK", uri=f"sip:{REFUSED_NUMBER}@h", to=CALLEE_TAGGED)
        play >> Wait(5)
        assert play.proxy.transactions == 0
        assert play.proxy.next_wake_us is None


@pytest.mark.parametrize("status", [180, 200, 486, 503])
@pytest.mark.parametrize(("sound", "broken"), [(b"\r\nFrom: ", b"\r\nFr\0m: "), (b"\r\nTo: ", b'\r\nTo: x>" ')])
def test_a_broken_response_leaves_no_transaction_behind(status: int, sound: bytes, broken: bytes) -> None:
    """It may be relayed by its quick reading; whatever else reads it must not stop halfway through a transition."""
    play = Playbook()
    response = reply(started(play), status).data.replace(sound, broken)
    play.proxy.receive(response, CALLEE, play.now_us)
    while (wake_us := play.proxy.next_wake_us) is not None:
        play.proxy.wake(wake_us)
    assert (play.proxy.transactions, play.proxy.dialogs, play.ledger.in_progress) == (0, 0, 0)


def test_thousands_of_unknown_extensions_are_not_all_named_in_the_answer() -> None:
    play = Playbook()
    asked = request("INVITE", b"Proxy-Require: " + b"a," * 7_000)
    (answer,) = play.proxy.receive(asked.data, asked.source, play.now_us)
    assert isinstance(answer, Send)
    assert answer.data.startswith(b"SIP/2.0 420 ")
    assert len(answer.data) < 1_000


@pytest.mark.parametrize("transport", [b"UDP", b"TCP", b"TLS"])
@pytest.mark.parametrize("name", [b"Via: ", b"Via:  ", b"v:", b"VIA : "])
def test_our_via_is_known_again_however_it_is_spelt_and_whatever_it_came_over(transport: bytes, name: bytes) -> None:
    ours = b"SIP/2.0/" + transport + b" 192.0.2.1:5060;branch="
    answer = reply(request(via=b"Via: " + ours + b"z9hG4bKtg1.1\r\nVia: SIP/2.0/UDP h").data, 200).data
    response = read_response(answer.replace(b"Via: ", name, 1), b"Via: " + ours)
    assert response is not None
    assert response.branch == b"z9hG4bKtg1.1"
