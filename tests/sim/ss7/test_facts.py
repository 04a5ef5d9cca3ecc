"""What a scenario can hold an IAM to, and what a call between circuits must keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.codecs.ss7.isup import AddressPresentation, P
from gateway.codecs.ss7.variant import Variant
from sim.far_ends import numbers_in
from sim.ss7.call_plan import IsupPlan
from sim.ss7.circuit_calls import provider_of
from sim.ss7.facts import FACTS, alterations, facts_of, unexpected

FULL = IsupPlan(
    called="6363270000",
    calling="3142061100",
    presentation=AddressPresentation.RESTRICTED,
    charge="3142061150",
    oli=61,
    jip="314206",
    ported="6364972001",
    m_bit=True,
    redirecting="3142061160",
    original_called="3142061160",
    hops=20,
    carrier="0222",
)
SAID = {
    "called": "6363270000",
    "calling": "3142061100",
    "presentation": "restricted",
    "screening": "network",
    "charge": "3142061150",
    "oli": "61",
    "jip": "314206",
    "ported": "6364972001",
    "m_bit": "yes",
    "category": "10",
    "redirecting": "3142061160",
    "original_called": "3142061160",
    "hops": "20",
    "carrier": "0222",
}


def test_every_fact_of_an_iam_can_be_asked_for() -> None:
    assert facts_of(FULL.iam(Variant.ANSI, 1)) == SAID
    assert set(FACTS) == set(SAID)


def test_what_an_iam_does_not_say_is_asked_for_with_an_empty_text() -> None:
    bare = IsupPlan(called="6363270100", calling=None).iam(Variant.ANSI, 1)
    assert list(unexpected({"calling": "", "charge": "", "m_bit": "no"}, bare)) == []
    assert list(unexpected({"calling": "3142061100"}, bare)) == ["the IAM's calling: expected '3142061100', got ''"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["the hop counter was 20, arrived as 20"]),
        ({P.HOP_COUNTER: b"\x13"}, []),
        ({P.HOP_COUNTER: b"\x13", P.NATURE_OF_CONNECTION: b"\x04"}, []),
        ({P.HOP_COUNTER: None}, ["the hop counter was 20, arrived as None"]),
        ({P.HOP_COUNTER: b"\x13", P.CHARGE_NUMBER: None}, ["0xeb 03101324601105"]),
        ({P.HOP_COUNTER: b"\x13", P.JURISDICTION_INFORMATION: b"\x13\x24\x02"}, ["0xc4 132460"]),
    ],
)
def test_between_circuits_only_the_hop_counter_goes_down(changes: dict[int, bytes | None], said: list[str]) -> None:
    iam = FULL.iam(Variant.ANSI, 7)
    found = list(alterations(iam, iam.replaced(changes).with_cic(12)))
    assert len(found) == len(said)
    assert all(text in fault for text, fault in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("calling", "provider"),
    [
        ("3142061100", "pawpaw"),
        ("+13142061100", "pawpaw"),
        ("3142063100", "bluestem"),
        ("3142060100", "river-bend"),
        ("6363270100", ""),
        (None, ""),
    ],
)
def test_a_provider_of_the_cast_is_known_by_its_numbers(calling: str | None, provider: str) -> None:
    assert provider_of(calling) == provider


def test_a_called_number_is_known_on_circuits_by_its_digits_and_by_its_routing_number() -> None:
    assert numbers_in("+14172130100") == {"4172130100"}
    assert numbers_in("+13142040100;npdi;rn=+14172130000") == {"3142040100", "4172130000"}
    assert numbers_in("911") == {"911"}


def test_an_iam_of_itu_says_what_its_edition_has() -> None:
    international = replace(FULL, called="+16363270100", calling="+13142061100")
    found = facts_of(international.iam(Variant.ITU, 1))
    assert (found["called"], found["calling"], found["presentation"]) == ("16363270100", "13142061100", "restricted")
    assert not {"charge", "jip", "oli", "carrier"} & found.keys()
