"""Emergency calls in IAMs that are faulty, or say more than where the call goes."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import GenericAddressType, IsupMessage, P, PartyNumber, encode_number, isup_message
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Decided
from tests.signalling.ss7.exchange_playbook import EMERGENCY, HOST, PARTNER, A, B, Stage, iam, itu

ELSEWHERE = "2125550100"


@pytest.mark.parametrize("value", [b"\x01\x02", bytes(9)])
@pytest.mark.parametrize("called", [EMERGENCY, "3145550199"])
def test_a_hop_counter_that_can_not_be_read_stops_no_call_and_goes_on(value: bytes, called: str) -> None:
    stage = Stage()
    stage.hears(A, iam(1, called, hops=None).replaced({P.HOP_COUNTER.value: value}))
    assert stage.says(B, M.IAM).value(P.HOP_COUNTER) == value


@pytest.mark.parametrize(("first", "more"), [("9", ["1", "1"]), ("91", ["1"]), ("9", ["11"])])
def test_911_may_come_digit_by_digit(first: str, more: list[str]) -> None:
    stage = Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, iam(1, first, variant=Variant.ITU))
    for digits in more:
        stage.tells_no_more()
        number = encode_number(P.SUBSEQUENT_NUMBER, PartyNumber(digits), Variant.ITU)
        stage.hears(A, isup_message(Variant.ITU, M.SAM, 1, ((P.SUBSEQUENT_NUMBER, number),)))
    assert stage.tells(Decided).attempt.emergency
    onward = stage.says(B, M.IAM)
    assert onward.called is not None
    assert onward.called.digits == EMERGENCY


def dipped(variant: Variant, dialled: str, routing: str) -> IsupMessage:
    code = (P.GENERIC_ADDRESS if variant is Variant.ANSI else P.CALLED_DIRECTORY_NUMBER).value
    kind = GenericAddressType.PORTED.value if variant is Variant.ANSI else 0
    number = encode_number(code, PartyNumber(dialled, kind=kind), variant)
    return iam(1, routing, variant=variant).replaced({code: number})


@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize(("dialled", "routing"), [(EMERGENCY, ELSEWHERE), (ELSEWHERE, EMERGENCY)])
def test_a_call_to_911_goes_there_and_not_where_a_dip_would_have_it_go(
    variant: Variant, dialled: str, routing: str
) -> None:
    stage = Stage() if variant is Variant.ANSI else Stage((itu(PARTNER), itu(HOST)))
    stage.hears(A, dipped(variant, dialled, routing))
    assert stage.tells(Decided).attempt.emergency
    onward = stage.says(B, M.IAM)
    assert onward.called is not None
    assert (onward.called.digits, onward.generic, onward.hop_counter) == (EMERGENCY, (), 19)
    assert onward.value(P.CALLED_DIRECTORY_NUMBER) is None


def test_a_dip_for_any_other_number_goes_on() -> None:
    stage = Stage()
    stage.hears(A, dipped(Variant.ANSI, ELSEWHERE, "3145550000"))
    onward = stage.says(B, M.IAM)
    assert onward.called == PartyNumber("3145550000")
    assert onward.generic == (PartyNumber(ELSEWHERE, kind=GenericAddressType.PORTED.value),)
