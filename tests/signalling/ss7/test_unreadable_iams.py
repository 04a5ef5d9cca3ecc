"""IAMs of which it cannot be read whom they call: they are answered as any other."""

from __future__ import annotations

import pytest

from gateway.codecs.ss7.isup import IsupMessage, P
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.variant import Variant
from tests.signalling.ss7.exchange_playbook import HOST, PARTNER, A, Stage, iam, itu, message

BOTH = pytest.mark.parametrize("variant", list(Variant))


def unreadable(cic: int, variant: Variant) -> IsupMessage:
    return iam(cic, variant=variant).replaced({P.CALLED_PARTY_NUMBER.value: b"\x03"})


def stage_of(variant: Variant) -> Stage:
    return Stage() if variant is Variant.ANSI else Stage((itu(PARTNER), itu(HOST)))


@BOTH
def test_it_is_released_as_a_protocol_error(variant: Variant) -> None:
    stage = stage_of(variant)
    stage.hears(A, unreadable(1, variant))
    stage.releases(A, 1, 111)
    assert stage.exchange.counters.malformed


@BOTH
def test_on_a_circuit_that_its_exchange_had_blocked_the_circuit_is_idle_afterwards(variant: Variant) -> None:
    stage = stage_of(variant)
    stage.hears(A, message(M.BLO, 1, variant=variant))
    stage.says(A, M.BLA)
    stage.hears(A, unreadable(1, variant))
    stage.releases(A, 1, 111)
    stage.hears(A, message(M.RLC, 1, variant=variant))
    table = stage.exchange.tables["TG-PARTNER"]
    assert stage.circuit("TG-PARTNER", 1).free
    assert table.choose({2, 3, 4}) is stage.circuit("TG-PARTNER", 1)


@BOTH
def test_on_a_circuit_that_we_have_blocked_its_exchange_is_told_so(variant: Variant) -> None:
    stage = stage_of(variant)
    stage.circuit("TG-PARTNER", 3).locally_blocked = True
    stage.hears(A, unreadable(3, variant))
    stage.says(A, M.BLO, 3)
    stage.says_no_more()
