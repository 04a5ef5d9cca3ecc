from __future__ import annotations

from sim.observation import DecisionSeen, FindingSeen, differences, numbered
from sim.wire_checks import alterations

PASSED = FindingSeen("calling_number", "PASS", "L7")
ALTERED = FindingSeen("calling_number", "ALTERED", "L7", "From says one, PAI another")
ADMITTED = DecisionSeen("ADMIT", None, "WNV", (PASSED,))
REFUSED = DecisionSeen("REFUSE", ALTERED, None, (ALTERED,))

INVITE = (
    b"INVITE sip:+16363270100@127.0.0.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1\r\n"
    b"Max-Forwards: 69\r\n"
    b"From: <sip:+13142061100@a.invalid>;tag=1\r\n"
    b"To: <sip:+16363270100@a.invalid>\r\n"
    b"Call-ID: 1@a.invalid\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Privacy:id\r\n"
    b"Content-Length: 2\r\n\r\nv="
)


def forwarded(invite: bytes = INVITE) -> bytes:
    own = b"\r\nVia: SIP/2.0/UDP 127.0.0.1:2;branch=z9hG4bK2\r\nRecord-Route: <sip:127.0.0.1:2;lr>\r\nVia: "
    return invite.replace(b"\r\nVia: ", own, 1).replace(b"Max-Forwards: 69", b"Max-Forwards: 68")


def test_equal_decisions_differ_in_nothing() -> None:
    assert differences({"1": ADMITTED, "2": REFUSED}, {"2": REFUSED, "1": ADMITTED}) == []


def test_every_difference_is_said_by_call_id() -> None:
    live = {"1": ADMITTED, "2": REFUSED, "3": ADMITTED, "4": ADMITTED}
    audited = {"1": REFUSED, "2": REFUSED._replace(findings=(PASSED,)), "4": ADMITTED, "5": ADMITTED}
    said = differences(live, audited)
    assert [line.partition(":")[0] for line in said] == ["1", "2", "3", "5"]
    assert "outcome: live ADMIT, audit REFUSE" in said[0]
    assert "'ALTERED'" in said[1]
    assert said[2].endswith("decided by the gateway, not by the audit")
    assert said[3].endswith("decided by the audit, not by the gateway")


def test_a_call_id_that_comes_again_is_told_apart() -> None:
    taken: dict[str, DecisionSeen] = {}
    for _ in range(3):
        taken[numbered("1", taken)] = ADMITTED
    assert list(taken) == ["1", "1 (decision 2)", "1 (decision 3)"]


def test_a_forwarded_invite_is_unaltered() -> None:
    assert list(alterations(INVITE, forwarded())) == []


def test_every_alteration_of_an_invite_is_seen() -> None:
    for old, new in (
        (b"sip:+16363270100@127.0.0.1 ", b"sip:+16363270101@127.0.0.1 "),
        (b"From: <sip:+13142061100", b"From: <sip:+13142061101"),
        (b"Privacy:id", b"Privacy: id"),
        (b"Privacy:id\r\n", b""),
        (b"v=", b"V="),
        (b"127.0.0.1:1;branch", b"127.0.0.1:3;branch"),
        (b"Max-Forwards: 68", b"Max-Forwards: 69"),
        (
            b"To: <sip:+16363270100@a.invalid>\r\nCall-ID: 1@a.invalid",
            b"Call-ID: 1@a.invalid\r\nTo: <sip:+16363270100@a.invalid>",
        ),
    ):
        assert forwarded().count(old) == 1
        assert list(alterations(INVITE, forwarded().replace(old, new))) != [], old
