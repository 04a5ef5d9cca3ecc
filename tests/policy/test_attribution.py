"""Whose call it is, by the calling number (agreement L, definitions and L1.4)."""

from __future__ import annotations

import pytest
from attempts import AT_US, DEDICATED_GROUP, HOST, OTHER_PROVIDER, PARTNER, PARTNER_GROUP, PROVIDER, attempt, lrn
from guides import CARRIERS, GUIDE, NEW_CODE_FROM_US, PORTED, PROVIDER_LRN, STRANGER

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service import StandingBook, Step, StepKind
from gateway.numbering.portability import PortedNumbers
from gateway.numbering.telephone_number import parse_number
from gateway.policy.attribution import UNKNOWN, ProviderFinder
from gateway.policy.call_attempt import OcnSource
from gateway.policy.checks.calling_code import CallingCode
from gateway.policy.checks.trunk_group import TrunkGroupOfProvider
from gateway.policy.verdict import Verdict

BY_CODE, BY_LRN = OcnSource.CALLING_CODE, OcnSource.CALLING_LRN
UNLISTED_ON_A_CODE = "3145551999"
"""An LRN that LERG 12 doesn't have, on a thousands block of the other provider."""


@pytest.mark.parametrize(
    ("calling", "calling_rn", "ocn", "source"),
    [
        pytest.param("+13145550100", None, PROVIDER, BY_CODE, id="its thousands block"),
        pytest.param("3145551100", None, OTHER_PROVIDER, BY_CODE, id="the next block is another's"),
        pytest.param("+13145555100", None, PARTNER, BY_CODE, id="a block given to nobody is the holder's of the code"),
        pytest.param("+18165550123", None, PROVIDER, BY_LRN, id="ported to the provider, by our data"),
        pytest.param("+13145550177", None, STRANGER, BY_LRN, id="ported away, by our data"),
        pytest.param("+18165550188", PROVIDER_LRN, PROVIDER, BY_LRN, id="ported, by the message"),
        pytest.param("+13145550177", PROVIDER_LRN, PROVIDER, BY_LRN, id="the message's LRN goes before our data"),
        pytest.param("+18165550188", UNLISTED_ON_A_CODE, OTHER_PROVIDER, BY_LRN, id="an LRN of no row is its code's"),
        pytest.param("+13145550100", "2015550000", PROVIDER, BY_CODE, id="an LRN on no code says nothing"),
        pytest.param("+16365550100", None, HOST, BY_CODE, id="the host's own"),
        pytest.param("+12015550100", None, None, OcnSource.NONE, id="a code that nobody holds"),
        pytest.param("+442071838750", None, None, OcnSource.NONE, id="another country's"),
        pytest.param("911", None, None, OcnSource.NONE, id="a service code"),
        pytest.param(None, PROVIDER_LRN, None, OcnSource.NONE, id="no calling number"),
    ],
)
def test_a_call_is_the_holders_of_its_calling_number(
    calling: str | None, calling_rn: str | None, ocn: Ocn | None, source: OcnSource
) -> None:
    number = parse_number(calling) if calling is not None else None
    rn = lrn(calling_rn) if calling_rn is not None else None
    assert ProviderFinder(GUIDE, PORTED).provider_of(number, rn, AT_US) == (ocn, source)


def test_a_code_is_its_holders_from_its_effective_date_on() -> None:
    finder = ProviderFinder(GUIDE, PORTED)
    number = parse_number("+13147770100")
    assert finder.provider_of(number, None, NEW_CODE_FROM_US - 1) == UNKNOWN
    assert finder.provider_of(number, None, NEW_CODE_FROM_US) == (PROVIDER, BY_CODE)


def test_without_portability_data_a_number_is_its_codes_unless_the_message_gives_an_lrn() -> None:
    number = parse_number("+13145550177")
    for ported in (None, PortedNumbers()):
        finder = ProviderFinder(GUIDE, ported)
        assert finder.provider_of(number, None, AT_US) == (PROVIDER, BY_CODE)
        assert finder.provider_of(number, lrn(PROVIDER_LRN), AT_US) == (PROVIDER, BY_LRN)


def test_without_a_guide_nobody_is_known() -> None:
    assert ProviderFinder(None, PORTED).provider_of(parse_number("+13145550100"), None, AT_US) == UNKNOWN


@pytest.mark.parametrize(
    ("calling", "calling_rn", "ocn", "source"),
    [
        pytest.param("+13145551100", PROVIDER_LRN, OTHER_PROVIDER, BY_CODE, id="a provider's number stays its own"),
        pytest.param("+18165550123", UNLISTED_ON_A_CODE, PROVIDER, BY_LRN, id="so does one ported to it by our data"),
        pytest.param("+13145550100", PROVIDER_LRN, PROVIDER, BY_CODE, id="its own LRN changes nothing"),
        pytest.param("+16365550100", PROVIDER_LRN, PROVIDER, BY_LRN, id="a number of the host's may have been ported"),
    ],
)
def test_a_message_cannot_give_one_providers_number_to_another(
    calling: str, calling_rn: str, ocn: Ocn, source: OcnSource
) -> None:
    finder = ProviderFinder(GUIDE, PORTED, CARRIERS)
    assert finder.provider_of(parse_number(calling), lrn(calling_rn), AT_US) == (ocn, source)


def test_a_provider_does_not_come_onto_anothers_trunk_group_under_a_borrowed_lrn() -> None:
    cutover = Step(AT_US - 1, PROVIDER, StepKind.CUTOVER, "operator", "floods", trunk_group=DEDICATED_GROUP.name)
    called = attempt(calling="+13145551100", calling_rn=PROVIDER_LRN, ingress=DEDICATED_GROUP)
    called.provider, called.provider_source = ProviderFinder(GUIDE, PORTED, CARRIERS).provider_of(
        called.calling.number, called.calling_routing_number, AT_US
    )
    assert TrunkGroupOfProvider(StandingBook(steps=(cutover,))).judge(called).verdict is Verdict.WRONG_TRUNK_GROUP
    called.ingress = PARTNER_GROUP
    assert CallingCode(GUIDE, PORTED, CARRIERS).judge(called).verdict is Verdict.MISMATCH
