"""Legs that are one call although no Call-ID says so: over a tandem, and between SIP and ISUP, altered or not."""

from __future__ import annotations

import pytest
from recorded_gateway import START_US, invite
from ss7_script import CALLED, CALLING, HOSTS, ONE, THREE, TWO, Said, acm, anm, audited, iam, number, rel, rlc

from gateway.capture.audit_result import AuditResult
from gateway.capture.calls import Leg, Locator, Place
from gateway.capture.circuit_use import Circuit, CircuitUse
from gateway.capture.gateway_place import GatewayPlace, leads_on
from gateway.codecs.ss7.isup import P
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Address
from gateway.policy.verdict import Verdict

OTHER = "3142063100"
GATEWAY: Address = ("127.0.0.1", 5060)
ELSEWHERE: Address = ("127.0.0.1", 5061)
IN: tuple[Address, Address] = (("192.0.2.50", 5060), (HOSTS[TWO], 5060))
OUT: tuple[Address, Address] = ((HOSTS[TWO], 5060), ("192.0.2.60", 5060))


def legs(result: AuditResult) -> list[int]:
    return [len(call.legs) for call in result.calls]


def hops(result: AuditResult) -> list[Verdict]:
    return [finding.verdict for call in result.calls for finding in call.findings if finding.check == "between_legs"]


def test_a_call_through_a_tandem_is_one_call_whose_hop_is_judged() -> None:
    result = audited([Said(0, ONE, TWO, iam(7)), Said(80, TWO, THREE, iam(12)), Said(200, THREE, TWO, acm(12))])
    (call,) = result.calls
    assert [(leg.number, leg.source, leg.destination) for leg in call.legs] == [
        (1, ("1-1-1", 7), ("2-2-2", 7)),
        (2, ("2-2-2", 12), ("3-3-3", 12)),
    ]
    assert hops(result) == [Verdict.PASS]


@pytest.mark.parametrize(
    ("onward", "verdict"),
    [
        (iam(12, OTHER), Verdict.ALTERED),
        (iam(12, None), Verdict.MISSING),
        (iam(12, called="6363270199"), Verdict.ALTERED),
    ],
)
def test_what_a_tandem_changes_of_one_number_is_found_by_the_other(onward: bytes, verdict: Verdict) -> None:
    result = audited([Said(0, ONE, TWO, iam(7)), Said(80, TWO, THREE, onward)])
    assert legs(result) == [2]
    (finding,) = [one for one in result.calls[0].findings if one.check == "between_legs"]
    assert finding.verdict is verdict
    assert finding.text.startswith("the hop 2-2-2, CIC 7 to 12: ")
    assert 1 in {one.place.frame for one in finding.evidence} <= {1, 2}
    assert not any(one.is_text for one in finding.evidence)


def test_a_charge_number_that_a_tandem_drops_is_missing() -> None:
    charge = [(int(P.CHARGE_NUMBER), number(P.CHARGE_NUMBER, "3142069999"))]
    result = audited([Said(0, ONE, TWO, iam(7, extra=charge)), Said(80, TWO, THREE, iam(12))])
    assert legs(result) == [2]
    assert Verdict.MISSING in hops(result)


@pytest.mark.parametrize(
    "onward",
    [
        Said(80, THREE, ONE, iam(12)),  # from an exchange that does not have the call
        Said(20_000, TWO, THREE, iam(12)),  # too late
        Said(80, TWO, THREE, iam(12, OTHER, "6363270199")),  # nothing in common
        Said(5_000, TWO, THREE, iam(12, OTHER)),  # one number, and too late for that
    ],
)
def test_what_does_not_continue_a_call_is_a_call_of_its_own(onward: Said) -> None:
    assert legs(audited([Said(0, ONE, TWO, iam(7)), onward])) == [1, 1]


def test_one_number_is_not_enough_where_two_calls_have_it() -> None:
    said = [Said(0, ONE, TWO, iam(7)), Said(10, ONE, TWO, iam(9, OTHER)), Said(80, TWO, THREE, iam(12, "3142067777"))]
    assert legs(audited(said)) == [1, 1, 1]


def test_calls_with_equal_numbers_go_on_in_the_order_in_which_they_came() -> None:
    said = [Said(ms, ONE, TWO, iam(cic)) for ms, cic in ((0, 7), (10, 9))]
    said += [Said(ms, TWO, THREE, iam(cic)) for ms, cic in ((50, 11), (60, 13))]
    assert [[leg.source[1] for leg in call.legs] for call in audited(said).calls] == [[7, 11], [9, 13]]


def test_a_call_that_is_over_does_not_go_on() -> None:
    said = [Said(0, ONE, TWO, iam(7)), Said(50, TWO, ONE, rel(7, 34)), Said(60, ONE, TWO, rlc(7))]
    assert legs(audited([*said, Said(100, TWO, THREE, iam(12))])) == [1, 1]


@pytest.mark.parametrize("status", [b"200 OK", b"486 Busy Here"])
def test_a_call_that_was_answered_or_refused_over_sip_does_not_go_on(status: bytes) -> None:
    first = invite("1@partner.example", calling=CALLING, called=CALLED)
    final = b"SIP/2.0 " + status + first[first.index(b"\r\n") :]
    said = [Said(0, *IN, first), Said(40, *IN[::-1], final), Said(80, TWO, THREE, iam(12))]
    assert legs(audited(said)) == [1, 1]


def test_a_call_that_was_answered_on_a_circuit_does_not_go_on() -> None:
    said = [Said(0, ONE, TWO, iam(7)), Said(30, TWO, ONE, acm(7)), Said(50, TWO, ONE, anm(7))]
    assert legs(audited([*said, Said(90, TWO, THREE, iam(12))])) == [1, 1]


@pytest.mark.parametrize("method", [b"BYE", b"CANCEL", b"ACK"])
def test_a_call_over_sip_whose_responses_were_not_captured_does_not_go_on_once_it_is_over(method: bytes) -> None:
    first = invite("1@partner.example", calling=CALLING, called=CALLED)
    line, _, rest = first.partition(b"\r\n")
    request = line.replace(b"INVITE", method) + b"\r\n" + rest.replace(b" INVITE\r\n", b" " + method + b"\r\n")
    said = [Said(0, *IN, first), Said(40, *IN, request), Said(80, TWO, THREE, iam(12))]
    assert legs(audited(said)) == [1, 1]


def test_a_call_whose_release_is_not_yet_complete_does_not_go_on() -> None:
    said = [Said(0, ONE, TWO, iam(7)), Said(50, TWO, ONE, rel(7, 34)), Said(60, TWO, THREE, iam(12))]
    assert legs(audited(said)) == [1, 1]


def test_calls_in_a_row_on_one_circuit_are_not_one_call_though_they_have_a_number_in_common() -> None:
    said = [
        one
        for start, called in ((0, CALLED), (300, CALLED), (600, "6363270177"), (900, "6363270178"))
        for one in (
            Said(start, ONE, TWO, iam(7, called=called)),
            Said(start + 20, *OUT, invite(f"{start}@gateway.example", calling=CALLING, called=called)),
            Said(start + 60, TWO, ONE, acm(7)),
            Said(start + 80, TWO, ONE, anm(7)),
            Said(start + 200, ONE, TWO, rel(7)),
            Said(start + 210, TWO, ONE, rlc(7)),
        )
    ]
    result = audited(said)
    assert legs(result) == [2, 2, 2, 2]
    assert set(hops(result)) == {Verdict.PASS}


def test_a_call_that_went_on_over_sip_has_no_second_way() -> None:
    """The leg out of the first proxy has the call now, by the same Call-ID."""
    first = invite("1@partner.example", calling=CALLING, called=CALLED)
    onward = ((HOSTS[TWO], 5060), ("192.0.2.60", 5060))
    said = [Said(0, *IN, first), Said(10, *onward, first), Said(80, TWO, THREE, iam(12, "3142067777"))]
    assert legs(audited([Said(0, THREE, ONE, iam(90, "3142065555", "6363270155")), *said])) == [1, 2, 1]


def test_concurrent_calls_to_one_number_are_told_apart_by_who_calls() -> None:
    callers = [f"31420611{number:02}" for number in range(20)]
    said = [Said(place, ONE, TWO, iam(100 + place, caller)) for place, caller in enumerate(callers)]
    said += [Said(40 + place, TWO, THREE, iam(200 + place, caller)) for place, caller in enumerate(reversed(callers))]
    result = audited(said)
    assert legs(result) == [2] * 20
    assert set(hops(result)) == {Verdict.PASS}


@pytest.mark.parametrize("code", [P.CHARGE_NUMBER, P.JURISDICTION_INFORMATION])
def test_one_number_is_not_enough_where_something_else_tells_the_calls_apart(code: P) -> None:
    values = {
        P.CHARGE_NUMBER: [number(P.CHARGE_NUMBER, digits) for digits in ("3142069999", "3142068888")],
        P.JURISDICTION_INFORMATION: [bytes.fromhex("132460"), bytes.fromhex("132402")],
    }
    before, after = ([(int(code), value)] for value in values[code])
    said = [Said(0, ONE, TWO, iam(7, extra=before)), Said(80, TWO, THREE, iam(12, OTHER, extra=after))]
    assert legs(audited(said)) == [1, 1]


def test_a_call_without_a_calling_number_does_not_continue_one_that_has_another_way_already() -> None:
    said = [Said(0, ONE, TWO, iam(7)), Said(40, TWO, THREE, iam(12)), Said(80, TWO, THREE, iam(14, None))]
    assert legs(audited(said)) == [2, 1]


def test_a_call_that_failed_on_one_circuit_goes_on_by_another() -> None:
    said = [
        Said(0, ONE, TWO, iam(7)),
        Said(50, TWO, THREE, iam(12)),
        Said(90, THREE, TWO, rel(12, 44)),
        Said(95, TWO, THREE, rlc(12)),
        Said(120, TWO, THREE, iam(14)),
    ]
    assert legs(audited(said)) == [3]


def test_a_call_that_comes_by_sip_goes_on_by_isup() -> None:
    first = invite("1@partner.example", calling=CALLING, called=CALLED)
    result = audited([Said(0, *IN, first), Said(60, TWO, THREE, iam(12))])
    (call,) = result.calls
    assert call.call_id == "1@partner.example"
    assert [leg.circuit is not None for leg in call.legs] == [False, True]
    assert len(hops(result)) == 1


def test_a_call_that_comes_by_isup_goes_on_by_sip() -> None:
    onward = invite("2@gateway.example", calling=CALLING, called=CALLED)
    result = audited([Said(0, ONE, TWO, iam(7)), Said(60, *OUT, onward)])
    (call,) = result.calls
    assert call.call_id == f"1-1-1.2-2-2.7.{START_US}"
    assert [leg.circuit is not None for leg in call.legs] == [True, False]


def test_messages_of_a_sip_leg_that_continues_a_call_stay_with_it() -> None:
    onward = invite("2@gateway.example", calling=CALLING, called=CALLED)
    ringing = b"SIP/2.0 180 Ringing" + onward[onward.index(b"\r\n") :]
    result = audited([Said(0, ONE, TWO, iam(7)), Said(60, *OUT, onward), Said(90, *OUT[::-1], ringing)])
    (call,) = result.calls
    assert [leg.total for leg in call.legs] == [1, 2]


@pytest.mark.parametrize(("offset_us", "joined"), [(0, True), (-40, True), (2_000_000, False)])
def test_a_call_id_made_of_a_circuit_ties_a_call_to_it_whatever_became_of_its_numbers(
    offset_us: int, joined: bool
) -> None:
    call_id = f"1-1-1.2-2-2.7.{START_US + offset_us}@gateway.example"
    onward = invite(call_id, calling=OTHER, called="5732560100", asserted=OTHER)
    result = audited([Said(0, ONE, TWO, iam(7)), Said(60, *OUT, onward)])
    assert legs(result) == ([2] if joined else [1, 1])


def test_sip_calls_are_tied_to_each_other_by_their_call_id_alone() -> None:
    two = [Said(ms, *ends, invite(call_id)) for ms, ends, call_id in ((0, IN, "1@a"), (50, OUT, "2@a"))]
    assert legs(audited([Said(0, ONE, THREE, iam(3, OTHER)), *two])) == [1, 1, 1]


@pytest.mark.parametrize(
    ("destination", "opc", "goes_on"),
    [(GATEWAY, TWO, True), (GATEWAY, ONE, False), (ELSEWHERE, TWO, False), (ELSEWHERE, ONE, False)],
)
def test_on_one_host_a_call_changes_networks_in_the_gateway_alone(
    destination: Address, opc: int, goes_on: bool
) -> None:
    """As in a lab: that everything meets on one host tells nothing."""
    first = Locator(Place("x.pcap", 1, 0), 0, (), 0)
    before = Leg(1, ("127.0.0.1", 5070), destination, b"", first, 0)
    after = Leg(2, ("", 7), ("", 7), b"", first, 0)
    carrier = (("127.0.0.1", 2905), ("127.0.0.1", 2906))
    after.circuit = CircuitUse(Circuit(Variant.ANSI, 2, opc, THREE, 7), carrier)
    assert leads_on(before, after, GatewayPlace(GATEWAY, {TWO: "2-2-2"})) is goes_on


def test_the_gateway_is_named_with_its_point_codes() -> None:
    assert str(GatewayPlace(GATEWAY)) == "127.0.0.1:5060"
    assert str(GatewayPlace(GATEWAY, {TWO: "2-2-2"})) == "127.0.0.1:5060, point code 2-2-2"
