"""Which messages make a call, on which legs, and what is found of each."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_gateway import PARTNER, START_US, Packet, invite, pcap_of

from gateway.capture.audit_result import AuditResult
from gateway.capture.auditing import audit_readers
from gateway.capture.calls import Role
from gateway.capture.limits import LEG_BYTES, AuditLimits
from gateway.capture.reader import CaptureReader
from gateway.capture.report import document
from gateway.interconnection.trunk_groups import Address
from gateway.policy.verdict import Verdict
from gateway.wiring.audit import audit, exit_code, judges_of

A: Address = ("192.0.2.1", 5060)
B: Address = ("192.0.2.2", 5060)
C: Address = ("192.0.2.3", 5060)
NATED_A: Address = ("10.0.0.1", 5060)
NATED_B: Address = ("10.0.0.2", 5060)
MS = 1_000


def result_of(
    packets: Sequence[Packet], limits: AuditLimits | None = None, identifications: Sequence[int] | None = None
) -> AuditResult:
    return result_of_bytes(pcap_of(packets, identifications), limits)


def result_of_bytes(capture: bytes, limits: AuditLimits | None = None) -> AuditResult:
    judges, _ = judges_of(None)
    return audit_readers([CaptureReader(BytesIO(capture), "x.pcap")], judges, limits)


def at(ms: int, source: Address, destination: Address, data: bytes) -> Packet:
    return Packet(START_US + ms * MS, source, destination, data)


def response(request: bytes, status: int, phrase: str = "OK", tag: str = "b") -> bytes:
    head = request.partition(b"\r\n")[2].replace(b"@host.example>\r\n", b"@host.example>;tag=" + tag.encode() + b"\r\n")
    return f"SIP/2.0 {status} {phrase}\r\n".encode() + head


def in_dialog(method: str, cseq: int, call_id: str = "1@a") -> bytes:
    data = invite(call_id, to="<sip:6363270100@host.example>;tag=b", cseq=cseq, branch=f"z9hG4bK-{method}-{cseq}")
    return data.replace(b"INVITE", method.encode())


INVITE = invite("1@a")


def verdicts(result: AuditResult, check: str) -> list[Verdict]:
    return [finding.verdict for call in result.calls for finding in call.findings if finding.check == check]


def test_messages_in_both_directions_belong_to_the_leg_of_the_invite() -> None:
    result = result_of(
        [
            at(0, A, B, INVITE),
            at(20, B, A, response(INVITE, 180, "Ringing")),
            at(900, B, A, response(INVITE, 200)),
            at(910, A, B, in_dialog("ACK", 1)),
            at(5_000, B, A, in_dialog("INVITE", 7)),
            at(5_100, A, B, response(in_dialog("INVITE", 7), 488, "Not Acceptable Here")),
            at(9_000, B, A, in_dialog("BYE", 8)),
        ]
    )
    (call,) = result.calls
    (leg,) = call.legs
    assert [message.name for message in leg.messages] == [
        "INVITE",
        "180 INVITE",
        "200 INVITE",
        "ACK",
        "INVITE",
        "488 INVITE",
        "BYE",
    ]
    assert [message.forward for message in leg.messages] == [True, False, False, True, False, True, False]
    assert leg.final is not None
    assert (leg.final.status, leg.final.place.frame) == (200, 3)
    assert [message.role for message in leg.messages] == [
        Role.INITIAL,
        Role.ANSWER,
        Role.ANSWER,
        *[Role.IN_DIALOG] * 4,
    ]
    assert result.messages == {"INVITE": 2, "180": 1, "200": 1, "488": 1, "ACK": 1, "BYE": 1}


def test_a_call_is_judged_once_on_each_leg_and_not_on_its_re_invites() -> None:
    again = in_dialog("INVITE", 2)
    onwards = INVITE.replace(b"Via:", b"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-b\r\nVia:", 1)
    result = result_of([at(0, A, B, INVITE), at(1, B, C, onwards), at(9_000, A, B, again)])
    assert verdicts(result, "calling_number") == [Verdict.PASS, Verdict.PASS]
    assert verdicts(result, "between_legs") == [Verdict.PASS]
    assert [(leg.source, leg.destination) for leg in result.calls[0].legs] == [(A, B), (B, C)]


def test_the_hop_that_altered_a_number_is_named_with_both_sides_in_the_capture() -> None:
    altered = INVITE.replace(b"3142061100", b"3142063100").replace(b"z9hG4bK", b"z9hG4bK-b")
    capture = pcap_of([at(0, A, B, INVITE), at(1, B, C, altered)])
    result = result_of_bytes(capture)
    finding = next(one for one in result.calls[0].findings if one.check == "between_legs")
    assert finding.verdict is Verdict.ALTERED
    assert finding.leg == 2
    assert finding.text == (
        "the hop 192.0.2.2:5060: the calling number was +13142061100 in P-Asserted-Identity and is +13142063100 in "
        "P-Asserted-Identity (frame 1 against frame 2)"
    )
    assert [evidence.place.frame for evidence in finding.evidence] == [1, 2]
    for evidence in finding.evidence:
        assert evidence.offset is not None
        assert capture[evidence.offset : evidence.offset + evidence.length] == evidence.raw


def test_every_piece_of_evidence_stands_where_the_report_says() -> None:
    data = invite("1@a", calling="9995550100", asserted="6363270100")
    capture = pcap_of([at(0, A, B, INVITE.replace(b"1@a", b"2@a")), at(1, A, B, data)])
    result = result_of_bytes(capture)
    evidence = [one for finding in result.calls[1].findings for one in finding.evidence]
    assert evidence
    for one in evidence:
        assert one.offset is not None
        assert capture[one.offset : one.offset + one.length] == one.raw


def test_a_mirrored_packet_is_a_copy_and_a_later_one_a_retransmission() -> None:
    packets = [at(0, A, B, INVITE), at(0, A, B, INVITE), at(500, A, B, INVITE), at(1_500, A, B, INVITE)]
    for identifications in ([7, 7, 8, 9], [0, 0, 0, 0]):
        (call,) = result_of(packets, identifications=identifications).calls
        (leg,) = call.legs
        assert (leg.copies, leg.retransmissions, leg.total) == (1, 2, 4)
        roles = [message.role for message in leg.messages]
        assert roles == [Role.INITIAL, Role.COPY, Role.RETRANSMISSION, Role.RETRANSMISSION]


def test_one_invite_captured_on_both_sides_of_an_address_translation_is_one_hop_judged_once() -> None:
    result = result_of([at(0, A, B, INVITE), at(1, NATED_A, NATED_B, INVITE)])
    (call,) = result.calls
    assert [leg.same_hop_as for leg in call.legs] == [None, 1]
    assert verdicts(result, "calling_number") == [Verdict.PASS]
    assert verdicts(result, "between_legs") == [Verdict.PASS]


def test_one_invite_altered_by_what_translates_its_addresses_is_judged_on_both_sides() -> None:
    altered = INVITE.replace(b"P-Asserted-Identity: <sip:3142061100", b"P-Asserted-Identity: <sip:3142063100")
    result = result_of([at(0, A, B, INVITE), at(1, NATED_A, NATED_B, altered)])
    assert verdicts(result, "calling_number") == [Verdict.PASS, Verdict.ALTERED]
    assert verdicts(result, "between_legs") == [Verdict.ALTERED]


def test_an_invite_that_comes_again_with_credentials_is_the_same_call() -> None:
    result = result_of(
        [
            at(0, A, B, INVITE),
            at(20, B, A, response(INVITE, 407, "Proxy Authentication Required")),
            at(30, A, B, invite("1@a", cseq=2)),
            at(50, B, A, response(invite("1@a", cseq=2), 403, "Forbidden")),
        ]
    )
    (call,) = result.calls
    assert call.legs[0].invites_again == 1
    roles = [message.role for message in call.legs[0].messages]
    assert roles == [Role.INITIAL, Role.ANSWER, Role.REPEATED_INVITE, Role.ANSWER]
    assert str(call.legs[0].final) == "403 Forbidden"
    assert verdicts(result, "calling_number") == [Verdict.PASS]


def test_what_needs_data_is_not_judged_and_says_why() -> None:
    summary = document(result_of([at(0, A, B, INVITE)]))["summary"]
    assert summary["not_judged"]["rate_limit"] == "no configuration given: see --config"
    assert summary["not_judged"]["between_legs"] == "the call was captured on one leg only"
    assert summary["findings"]["rate_limit"] == {"NOT_JUDGED": 1}


def test_a_call_whose_beginning_was_not_captured_is_a_call_and_not_judged() -> None:
    result = result_of([at(0, A, B, in_dialog("INVITE", 2)), at(5, A, B, in_dialog("BYE", 3))])
    assert result.call_count == 1
    assert result.calls[0].why_not_judged == "the capture does not hold the INVITE that opened it"


def test_transactions_that_are_no_calls_are_counted() -> None:
    register = INVITE.replace(b"INVITE", b"REGISTER")
    result = result_of([at(0, A, B, register), at(5, B, A, response(register, 401, "Unauthorized"))])
    assert result.call_count == 0
    assert result.messages == result.of_no_call == {"REGISTER": 1, "401": 1}


def test_sip_is_found_on_any_port_and_other_traffic_is_counted() -> None:
    high: Address = ("192.0.2.9", 15_060)
    noise: Address = ("192.0.2.9", 40_000)
    result = result_of([at(0, A, high, INVITE), at(1, noise, high, b"\x80\x00rtp"), at(2, A, B, b"\r\n\r\n")])
    assert result.call_count == 1
    assert result.other == {"UDP, not SIP": 1, "keep-alives on SIP ports": 1}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"hello", "the header fields do not end with an empty line"),
        (INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), "the version is not SIP/2.0"),
        (INVITE.replace(b"Call-ID: 1@a\r\n", b""), "the Call-ID header field is missing or empty"),
        (INVITE.replace(b"To: ", b"To: <sip:1@b>\r\nTo: "), "the To header field stands more than once"),
        (INVITE.replace(b"Content-Length: 0", b"Content-Length: 9"), "the body is shorter than Content-Length says"),
    ],
)
def test_malformed_sip_is_named_with_its_frame_and_place(data: bytes, what: str) -> None:
    capture = pcap_of([at(0, A, B, invite("sound@a")), at(5, A, B, data)])
    result = result_of_bytes(capture)
    (malformed,) = result.malformed
    assert malformed.what == what
    assert malformed.place.frame == 2
    start = capture.index(data, 24)
    assert start <= malformed.offset < start + len(data)
    assert verdicts(result, "calling_number") == [Verdict.PASS]


def test_two_captures_are_audited_as_one_in_order_of_time(tmp_path: Path) -> None:
    onwards = INVITE.replace(b"Via:", b"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-b\r\nVia:", 1)
    near, far = tmp_path / "near.pcap", tmp_path / "far.pcap"
    near.write_bytes(pcap_of([at(0, A, B, INVITE), at(5_000, A, B, in_dialog("BYE", 2))]))
    far.write_bytes(pcap_of([at(1, B, C, onwards)]))
    (call,) = audit([far, near]).calls
    assert [leg.first.place.file for leg in call.legs] == [str(near), str(far)]


def test_more_captures_than_are_read_side_by_side_are_named(tmp_path: Path) -> None:
    file = tmp_path / "x.pcap"
    file.write_bytes(pcap_of([at(0, A, B, INVITE)]))
    result = audit([file, file], limits=AuditLimits(captures=1))
    assert result.unreadable == [
        f"{file}: more than 1 captures at once; merge them first (mergecap), or read them in turn"
    ]
    assert exit_code(result) == 3


def test_calls_beyond_the_bounds_are_judged_and_counted_and_the_violations_stay_listed() -> None:
    honest = [at(number, A, B, invite(f"{number}@honest")) for number in range(50)]
    altered = [at(60 + number, A, B, invite(f"{number}@bad", asserted="6363270100")) for number in range(5)]
    limits = AuditLimits(calls=4, listed_legs=10)
    result = result_of([*honest, *altered], limits)
    assert result.call_count == 55
    assert result.calls_not_listed == 40
    assert sum(1 for call in result.calls if call.violations) == 5
    assert sum(result.findings["calling_number"].values()) == 55


def test_the_bytes_of_calls_that_are_followed_are_bounded() -> None:
    calls = [at(number, A, B, invite(f"{number}@a")) for number in range(20)]
    result = result_of(calls, AuditLimits(followed_bytes=3 * (len(INVITE) + LEG_BYTES), listed_legs=0))
    assert (result.call_count, result.calls) == (20, [])


def test_a_call_has_no_more_legs_and_messages_than_the_bounds_allow() -> None:
    many = [at(number, A, ("192.0.2.2", 6_000 + number), INVITE) for number in range(9)]
    byes = [at(100 + number, A, ("192.0.2.2", 6_000), in_dialog("BYE", number)) for number in range(9)]
    (call,) = result_of([*many, *byes], AuditLimits(legs=3, messages=4)).calls
    assert (len(call.legs), call.legs_not_held, call.elsewhere) == (3, 6, 6)
    assert (len(call.legs[0].messages), call.legs[0].total) == (4, 10)


def test_methods_and_messages_beyond_the_bounds_are_counted_together() -> None:
    methods = [at(number, A, B, INVITE.replace(b"INVITE", b"M%d" % number)) for number in range(9)]
    result = result_of([at(0, A, B, INVITE), *methods], AuditLimits(kinds=4, all_messages=3))
    assert result.messages.total() == 10
    assert len(result.messages) == 5
    (leg,) = result.calls[0].legs
    assert (leg.total, len(leg.messages)) == (10, 3)


def test_long_evidence_is_cut_and_its_length_told() -> None:
    name = b'"' + b"x" * 3_000 + b'" '
    data = INVITE.replace(b"From: ", b"From: " + name).replace(b"sip:3142061100@partner", b"sip:unknown@partner")
    result = result_of([at(0, A, B, data)], AuditLimits(evidence_bytes=100))
    seen = [one for finding in result.calls[0].findings for one in finding.evidence if one.field == "From"]
    assert seen
    assert all(len(one.raw) == 100 and one.length > 3_000 for one in seen)


CAPTURE = pcap_of(
    [
        at(0, A, B, INVITE),
        at(1, B, C, INVITE.replace(b"3142061100", b"3142063100")),
        at(2, B, A, response(INVITE, 180, "Ringing")),
        at(3, A, B, INVITE.replace(b"Call-ID", b"Call ID")),
        at(4, B, A, response(INVITE, 200)),
        at(5, PARTNER, B, invite("2@a", calling="anonymous")),
    ]
)


def test_auditing_a_capture_twice_says_the_same_twice() -> None:
    assert document(result_of_bytes(CAPTURE)) == document(result_of_bytes(CAPTURE))


@settings(deadline=None)
@given(cut=st.integers(24, len(CAPTURE)))
def test_a_capture_cut_anywhere_is_audited_as_far_as_it_goes(cut: int) -> None:
    result = result_of_bytes(CAPTURE[:cut])
    assert exit_code(result) in (0, 1, 3)
    assert result.incomplete is bool(result.faults)


@settings(deadline=None)
@given(damage=st.lists(st.tuples(st.integers(24, len(CAPTURE) - 1), st.integers(0, 255)), max_size=12))
def test_a_capture_damaged_anywhere_is_audited_as_far_as_it_can_be(damage: list[tuple[int, int]]) -> None:
    data = bytearray(CAPTURE)
    for place, value in damage:
        data[place] = value
    document(result_of_bytes(bytes(data)))
