"""Calls over TCP and TLS: nothing is repeated, answers go back on their connection, and a lost one leaks nothing."""

from __future__ import annotations

import pytest
from playbook import (
    CALLEE,
    CALLEE_TCP,
    CALLER,
    CALLER_TCP,
    OURSELVES,
    Closed,
    Datagram,
    Playbook,
    Undeliverable,
    decided,
    ended,
    groups_with,
    in_dialog,
    member_is,
    progressed,
    reply,
    request,
    sends,
    settings_with,
)

from gateway.interconnection.trunk_groups import Hop, Service, Transport
from gateway.signalling.call import EndedBy, Send

LISTENERS = (OURSELVES, OURSELVES._replace(transport=Transport.TCP), Hop("192.0.2.1", 5061, Transport.TLS))


def towards_tcp() -> Playbook:
    """The callee is reached over TCP, the caller over UDP."""
    return Playbook(settings_with(listeners=LISTENERS), groups_with(callee=CALLEE_TCP))


def from_tcp() -> Playbook:
    """The caller comes over TCP."""
    return Playbook(settings_with(listeners=LISTENERS), groups_with(caller=CALLER_TCP))


def begun(play: Playbook, caller: Hop = CALLER, callee: Hop = CALLEE_TCP) -> bytes:
    play >> request(source=caller) << decided() << sends("100", caller) << sends("INVITE", callee)
    return play.sent


def test_over_tcp_an_invite_is_not_repeated_and_given_up_after_timer_b() -> None:
    """RFC 3261 section 17.1.1.2."""
    with towards_tcp() as play:
        begun(play)
        gone = (32.0, "MemberChanged", None)
        assert play.until(100) == [gone, (32.0, "408", CALLER), (32.0, "Ended", None)] + [
            (32.0 + when, "408", CALLER) for when in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
        ]
        assert (play.proxy.transactions, play.proxy.dialogs) == (0, 0)


def test_over_tcp_a_failure_is_acknowledged_and_the_client_transaction_over_at_once() -> None:
    """RFC 3261 section 17.1.1.2: timer D lasts no time."""
    with towards_tcp() as play:
        invite = begun(play)
        busy = reply(invite, 486, source=CALLEE_TCP)
        play >> busy << sends("ACK", CALLEE_TCP) << sends("486", CALLER) << ended(EndedBy.FAILURE, 486)
        assert play.proxy.transactions == 1
        play >> busy
        assert play.proxy.counters.stray == 1


@pytest.mark.parametrize("spelt", [b"v: SIP/2.0/TCP", b"Via: SIP / 2.0 / TCP", b"VIA:  SIP/2.0/tcp"])
def test_over_tcp_a_response_is_ours_however_our_via_is_spelt(spelt: bytes) -> None:
    """RFC 3261 section 18.1.2: by its branch and sent-by, and section 7.3.1 on how it may be written."""
    with towards_tcp() as play:
        ringing = reply(begun(play), 180, source=CALLEE_TCP)
        assert b"Via: SIP/2.0/TCP" in ringing.data
        respelt = ringing._replace(data=ringing.data.replace(b"Via: SIP/2.0/TCP", spelt, 1))
        play >> respelt << progressed() << sends("180", CALLER)


def test_over_tcp_our_failure_is_not_repeated_and_its_ack_ends_the_transaction() -> None:
    """RFC 3261 section 17.2.1: no timer G, timer I lasts no time."""
    with from_tcp() as play:
        invite = begun(play, CALLER_TCP, CALLEE)
        play >> reply(invite, 486) << sends("ACK", CALLEE) << sends("486", CALLER_TCP) << ended(EndedBy.FAILURE, 486)
        assert play.until(5) == []
        play >> request("ACK", cseq="1 ACK", source=CALLER_TCP)
        play.until(28)
        assert play.proxy.transactions == 0


def test_over_tcp_a_bye_is_not_repeated_and_leaves_no_transaction_when_answered() -> None:
    """RFC 3261 sections 17.1.2.2 and 17.2.2: no timer E, timers J and K last no time."""
    with Playbook(settings_with(listeners=LISTENERS), groups_with(CALLER_TCP, CALLEE_TCP)) as play:
        invite = begun(play, CALLER_TCP)
        play >> reply(invite, 200, source=CALLEE_TCP) << progressed() << sends("200", CALLER_TCP)
        caller = CALLER_TCP._replace(port=40_000, connection=4)
        play >> Datagram(in_dialog("ACK", cseq=1).data, caller) << sends("ACK", CALLEE_TCP)
        play.until(33)
        assert play.proxy.transactions == 0
        play >> Datagram(in_dialog("BYE").data, caller) << sends("BYE", CALLEE_TCP)
        sent = play.sent
        assert play.until(10) == []
        play >> reply(sent, 200, source=CALLEE_TCP) << sends("200", caller) << ended(EndedBy.CALLER, 200)
        assert play.proxy.transactions == 0


def test_cancel_and_ack_take_the_way_of_the_invite() -> None:
    """RFC 3261 sections 9.1 and 17.1.1.3."""
    with towards_tcp() as play:
        invite = begun(play)
        assert b"\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=" in invite
        play >> reply(invite, 180, source=CALLEE_TCP) << progressed() << sends("180", CALLER)
        play >> request("CANCEL") << sends("200", CALLER) << sends("CANCEL", CALLEE_TCP)
        play >> reply(invite, 487, source=CALLEE_TCP) << sends("ACK", CALLEE_TCP) << sends("487", CALLER)
        play << ended(EndedBy.CANCEL, 487)


def test_an_answer_goes_back_on_the_connection_whatever_the_via_says() -> None:
    """RFC 3261 section 18.2.2."""
    source = Hop(CALLER.host, 51_234, Transport.TCP, 9)
    with from_tcp() as play:
        play >> request("OPTIONS", source=source, via=b"Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bK7")
        play << sends("200", source)


def test_an_answer_to_a_lost_connection_goes_to_the_port_in_the_via_once() -> None:
    """RFC 3261 section 18.2.2: else to the address it came from, at the port of sent-by."""
    source = CALLER_TCP._replace(connection=3)
    with Playbook(settings_with(listeners=LISTENERS), groups_with(caller=source)) as play:
        via = b"Via: SIP/2.0/TCP 192.0.2.10:5070;branch=z9hG4bK1"
        play >> request(via=via, source=source) << decided() << sends("100", source) << sends("INVITE", CALLEE)
        invite = play.sent
        play >> reply(invite, 180) << progressed() << sends("180", source)
        again = Hop(CALLER.host, 5070, Transport.TCP)
        play >> Undeliverable(Send(play.sent, source)) << sends("180", again)
        play >> Undeliverable(Send(play.sent, again))
        play >> reply(invite, 200) << sends("200", again)
        assert play.proxy.counters.undeliverable == 2


@pytest.mark.parametrize("lost", [Closed(Hop("192.0.2.20", 5060, Transport.TCP, 5)), None])
def test_an_invite_that_is_lost_with_its_connection_fails_as_if_the_next_hop_were_out_of_service(
    lost: Closed | None,
) -> None:
    """RFC 3261 sections 16.9 and 17.1.4."""
    with towards_tcp() as play:
        invite = begun(play)
        play >> (lost or Undeliverable(Send(invite, CALLEE_TCP))) << member_is(Service.SUSPECT, CALLEE_TCP)
        play << sends("500", CALLER, lines=(b'Reason: SIP;cause=503;text="the next hop cannot be reached"',))
        play << ended(EndedBy.FAILURE, 500)
        assert (play.proxy.dialogs, play.ledger.in_progress) == (0, 0)
        play >> request("ACK", cseq="1 ACK")
        assert play.until(6) == []
        assert play.proxy.transactions == 0


def test_a_branch_parameter_in_the_request_uri_does_not_hide_that_an_invite_was_lost() -> None:
    with towards_tcp() as play:
        play >> request(uri="sip:+16365550199;branch=z9hG4bK1@192.0.2.20") << decided() << sends("100", CALLER)
        play << sends("INVITE", CALLEE_TCP)
        play >> Undeliverable(Send(play.sent, CALLEE_TCP)) << member_is(Service.SUSPECT, CALLEE_TCP)
        play << sends("500", CALLER) << ended(EndedBy.FAILURE, 500)


def test_a_call_that_rings_outlives_the_connection() -> None:
    """RFC 3261 figure 5 and section 18.2.2: the callee has the INVITE, and answers by a new connection."""
    with towards_tcp() as play:
        invite = begun(play)
        play >> reply(invite, 180, source=CALLEE_TCP) << progressed() << sends("180", CALLER)
        play >> Closed(CALLEE_TCP._replace(connection=5))
        play >> reply(invite, 200, source=Hop(CALLEE.host, 42_000, Transport.TCP, 6)) << sends("200", CALLER)


def test_the_end_of_another_connection_takes_nothing_along() -> None:
    with towards_tcp() as play:
        begun(play)
        play >> Closed(Hop("192.0.2.20", 5060, Transport.TLS, 5))
        play >> Closed(Hop("192.0.2.20", 41_000, Transport.TCP, 5))


def test_a_transport_error_after_the_end_changes_nothing() -> None:
    with towards_tcp() as play:
        invite = begun(play)
        play >> reply(invite, 486, source=CALLEE_TCP) << sends("ACK", CALLEE_TCP) << sends("486", CALLER)
        play << ended(EndedBy.FAILURE, 486)
        play >> Undeliverable(Send(invite, CALLEE_TCP))
        play >> Undeliverable(Send(b"nonsense", CALLEE_TCP))
        play >> Undeliverable(Send(b"SIP/2.0 nonsense", CALLER_TCP._replace(connection=1)))


@pytest.mark.parametrize(
    ("via", "target"),
    [
        (b"Via: SIP/2.0/UDP 192.0.2.10;maddr=192.0.2.20;branch=z9hG4bK1", CALLEE),
        (b"Via: SIP/2.0/UDP 192.0.2.10;maddr=203.0.113.9;branch=z9hG4bK1", CALLER),
        (b"Via: SIP/2.0/UDP 192.0.2.10:5070;maddr=x;branch=z9hG4bK1", Hop(CALLER.host, 5070)),
    ],
)
def test_maddr_leads_an_answer_to_a_member_of_a_trunk_group_and_to_nobody_else(via: bytes, target: Hop) -> None:
    """RFC 3261 section 18.2.2."""
    with Playbook() as play:
        play >> request("OPTIONS", via=via) << sends("200", target)


def test_a_503_of_the_next_hop_is_not_passed_on_as_ours() -> None:
    """RFC 3261 section 16.7 step 6."""
    with Playbook() as play:
        play >> request() << decided() << sends("100", CALLER) << sends("INVITE", CALLEE)
        answer = reply(play.sent, 503)
        answer = Datagram(answer.data.replace(b"Content-Length", b"Retry-After: 7\r\nContent-Length"), CALLEE)
        play >> answer << sends("ACK", CALLEE) << member_is(Service.PENALISED, CALLEE)
        play << sends("500", CALLER, lines=(b"Retry-After: 7",))
        play << ended(EndedBy.FAILURE, 500)
