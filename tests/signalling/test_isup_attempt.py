"""From IAMs to the facts of calls, and where each fact stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, MessageType, P, PartyNumber, encode_number, isup_message
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.numbering.telephone_number import Nature, TelephoneNumber
from gateway.policy.attribution import Attribution
from gateway.policy.call_attempt import (
    CallAttempt,
    NumberFact,
    OcnSource,
    Presentation,
    Protocol,
    Screening,
    TextFact,
)
from gateway.signalling.isup_attempt import MAX_VALUES, attempt_of_iam, circuit_call_id, facts_of_iam
from gateway.signalling.isup_numbers import telephone_number

ANSI, ITU = Variant.ANSI, Variant.ITU
PORTED_CALL = IsupMessage(
    bytes.fromhex(
        "2923010060110a03060d038090a207031013525500000a0703171252552143c008c003101352557777"
        "eb0703101252559999ea0100c4031252553d011400"
    ),
    ANSI,
)
"""A restricted caller, a ported number (called = LRN, M bit), charge number, line, jurisdiction, hop counter."""
ITU_CALL = IsupMessage(
    bytes.fromhex("d500010060010a00020a0804104402976400000a088415212155153204c0090684102121559599091d038090a33d011400"),
    ITU,
)
SOURCE = Hop("246-14-7", 9001, Transport.SS7)
ASKED: list[tuple[TelephoneNumber | None, TelephoneNumber | None, int]] = []


def _provider(calling: TelephoneNumber | None, lrn: TelephoneNumber | None, at_us: int) -> Attribution:
    ASKED.append((calling, lrn, at_us))
    return Ocn("901A"), OcnSource.CALLING_CODE


def _attempt(iam: IsupMessage) -> CallAttempt:
    return attempt_of_iam(
        iam,
        at_us=7,
        call_id="c",
        source=SOURCE,
        ingress=None,
        find_provider=_provider,
        emergency_numbers=frozenset({"911", "3145550000"}),
    )


def _facts(attempt: CallAttempt) -> Iterator[NumberFact | TextFact]:
    yield from (attempt.called, attempt.from_, attempt.to, *attempt.charge, *attempt.diversions)
    optional = (
        attempt.display_name,
        attempt.originating_line,
        attempt.calling_party_category,
        attempt.jurisdiction,
        attempt.carrier,
    )
    yield from (fact for fact in optional if fact is not None)


def _with(*more: tuple[int, bytes]) -> IsupMessage:
    """The ported call with more parameters; of one that is there already, beside it."""
    return isup_message(ANSI, MessageType.IAM, 9001, [*PORTED_CALL.parameters, *more])


def test_every_fact_of_a_call_is_read_under_its_parameters_name() -> None:
    attempt = _attempt(PORTED_CALL)
    assert (attempt.at_us, attempt.call_id, attempt.source, attempt.ingress) == (7, "c", SOURCE, None)
    assert (attempt.protocol, attempt.variant, attempt.emergency) == (Protocol.ISUP, ANSI, False)
    number = TelephoneNumber("2125551234", Nature.NATIONAL, True)
    assert attempt.calling == attempt.from_ == ("Calling party number", number, b"\x03\x17\x12\x52\x55\x21\x43", 24)
    assert (attempt.presentation, attempt.screening) == (Presentation.RESTRICTED, Screening.NETWORK)
    assert (attempt.called.field, str(attempt.called.number)) == ("Generic address", "+13125557777")
    assert attempt.to is attempt.called
    assert (str(attempt.routing_number), attempt.npdi) == ("+13125550000", True)
    assert [(fact.field, str(fact.number)) for fact in attempt.charge] == [("Charge number", "+12125559999")]
    assert attempt.originating_line == ("Originating line information", b"\x00", 52, "00")
    assert attempt.jurisdiction == ("Jurisdiction information", b"\x12\x52\x55", 55, "212555")
    assert attempt.calling_party_category == ("Calling party's category", b"\x0a", 6, "ordinary")
    assert (attempt.hops, attempt.carrier, attempt.display_name, attempt.redirections) == (20, None, None, None)
    assert (attempt.asserted, attempt.diversions, attempt.calling_routing_number) == ((), (), None)


def test_the_provider_is_asked_for_by_the_calling_party_number() -> None:
    ASKED.clear()
    attempt = _attempt(PORTED_CALL)
    assert [(attempt.calling.number, None, 7)] == ASKED
    assert (attempt.provider, attempt.provider_source) == ("901A", OcnSource.CALLING_CODE)


def test_the_other_facts_of_a_call_are_read_too() -> None:
    iam = _with(
        (P.REDIRECTING_NUMBER, b"\x03\x14\x13\x46\x55\x05\x21"),
        (P.ORIGINAL_CALLED_NUMBER, b"\x03\x10\x13\x46\x55\x05\x31"),
        (P.REDIRECTION_INFORMATION, b"\x03\x12"),
        (P.GENERIC_NAME, b"\x20Riverbend"),
        (P.CARRIER_IDENTIFICATION, b"\x21\x82\x08"),
    )
    attempt = _attempt(iam)
    assert [(fact.field, str(fact.number)) for fact in attempt.diversions] == [
        ("Redirecting number", "+13164555012"),
        ("Original called number", "+13164555013"),
    ]
    assert attempt.redirections == 2
    assert attempt.display_name is not None
    assert attempt.display_name[::3] == ("Generic name", "Riverbend")
    assert attempt.carrier is not None
    assert attempt.carrier[::3] == ("Carrier identification", "288")
    _assert_in_place(attempt, iam.data)


def _assert_in_place(attempt: CallAttempt, data: bytes) -> None:
    for fact in _facts(attempt):
        if fact.offset >= 0:
            assert data[fact.offset : fact.offset + len(fact.raw)] == fact.raw, fact
        else:
            assert fact.raw == b""


@pytest.mark.parametrize("iam", [PORTED_CALL, ITU_CALL])
def test_every_fact_stands_where_it_says(iam: IsupMessage) -> None:
    _assert_in_place(_attempt(iam), iam.data)
    shifted = facts_of_iam(iam, 5, 7, "c", SOURCE, None, _provider, frozenset())
    _assert_in_place(shifted, b"-----" + iam.data)


def test_a_number_that_is_not_there_stands_nowhere() -> None:
    attempt = _attempt(PORTED_CALL.replaced({P.CALLING_PARTY_NUMBER: None}))
    assert attempt.calling == ("Calling party number", None, b"", -1)
    assert (attempt.presentation, attempt.screening) == (None, None)


def test_a_dip_that_found_the_number_not_ported_leaves_it_where_it_was() -> None:
    attempt = _attempt(PORTED_CALL.replaced({P.GENERIC_ADDRESS: None}))
    assert (attempt.called.field, str(attempt.called.number)) == ("Called party number", "+13125550000")
    assert (attempt.routing_number, attempt.npdi) == (None, True)


def test_a_generic_address_of_another_type_is_not_the_dialled_number() -> None:
    attempt = _attempt(PORTED_CALL.replaced({P.GENERIC_ADDRESS: b"\x01\x03\x10\x13\x52\x55\x77\x77"}))
    assert attempt.called.field == "Called party number"


def test_a_ported_number_without_the_m_bit_is_the_dialled_one_and_no_dip_is_said_to_be_made() -> None:
    attempt = _attempt(PORTED_CALL.replaced({P.FORWARD_CALL_INDICATORS: b"\x60\x01"}))
    assert (str(attempt.called.number), str(attempt.routing_number), attempt.npdi) == (
        "+13125557777",
        "+13125550000",
        False,
    )


def test_in_itu_the_called_directory_number_is_the_dialled_one() -> None:
    number = encode_number(P.CALLED_DIRECTORY_NUMBER, PartyNumber("2079460000"), ITU)
    attempt = _attempt(ITU_CALL.replaced({P.CALLED_DIRECTORY_NUMBER: number}))
    assert attempt.called.field == "Called directory number"
    assert attempt.routing_number is not None


@pytest.mark.parametrize(
    ("octet", "presentation", "screening"),
    [
        (0x10, Presentation.ALLOWED, Screening.USER_NOT_VERIFIED),
        (0x15, Presentation.RESTRICTED, Screening.USER_VERIFIED),
        (0x1A, Presentation.UNAVAILABLE, Screening.USER_FAILED),
        (0x1F, Presentation.RESTRICTED, Screening.NETWORK),
    ],
)
def test_presentation_and_screening_stand_beside_the_number(
    octet: int, presentation: Presentation, screening: Screening
) -> None:
    attempt = _attempt(PORTED_CALL.replaced({P.CALLING_PARTY_NUMBER: bytes((3, octet)) + b"\x12\x52\x55\x21\x43"}))
    assert (attempt.presentation, attempt.screening) == (presentation, screening)


@pytest.mark.parametrize(
    ("first", "presentation", "shown"),
    [
        (0x20, 0, "Riverbend"),
        (0x21, 0, None),  # restricted
        (0x23, 0, "Riverbend"),  # no indication: as the number
        (0x23, 1, None),
        (0x40, 0, None),  # the name of the original called party
    ],
)
def test_a_name_is_read_where_the_called_party_may_see_it(first: int, presentation: int, shown: str | None) -> None:
    number = bytes((3, 0x10 | presentation << 2)) + b"\x12\x52\x55\x21\x43"
    name = bytes((first,)) + b"Riverbend"
    found = _attempt(PORTED_CALL.replaced({P.CALLING_PARTY_NUMBER: number, P.GENERIC_NAME: name})).display_name
    assert (found.value if found is not None else None) == shown


@pytest.mark.parametrize(
    ("octet", "variant", "value"),
    [
        (0, ANSI, "unknown"),
        (2, ANSI, "operator"),
        (3, ANSI, "3"),
        (0x0F, ANSI, "payphone"),
        (0xE0, ANSI, "emergency"),
        (0xE2, ANSI, "226"),
        (0xE0, ITU, "224"),
        (0x0F, ITU, "payphone"),
    ],
)
def test_the_category_is_named_as_cpc_names_it(octet: int, variant: Variant, value: str) -> None:
    iam = PORTED_CALL if variant is ANSI else ITU_CALL
    attempt = _attempt(iam.replaced({P.CALLING_PARTYS_CATEGORY: bytes((octet,))}))
    assert attempt.calling_party_category is not None
    assert attempt.calling_party_category.value == value


@pytest.mark.parametrize(
    ("code", "nature", "digits", "variant", "number"),
    [
        (P.CALLING_PARTY_NUMBER, 3, "3145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 3, "13145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 3, "9115550100", ANSI, ("9115550100", Nature.NATIONAL, False)),
        (P.CALLING_PARTY_NUMBER, 3, "5550100", ANSI, ("5550100", Nature.NATIONAL, False)),
        (P.CALLING_PARTY_NUMBER, 1, "5550100", ANSI, ("5550100", Nature.UNKNOWN, False)),
        (P.CALLING_PARTY_NUMBER, 1, "3145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 2, "3145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 4, "13145550100", ANSI, ("3145550100", Nature.INTERNATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 4, "442079460000", ANSI, ("442079460000", Nature.INTERNATIONAL, False)),
        (P.CALLING_PARTY_NUMBER, 4, "19995550100", ANSI, ("9995550100", Nature.INTERNATIONAL, True)),
        (P.CALLING_PARTY_NUMBER, 4, "11115550100", ANSI, ("1115550100", Nature.NATIONAL, False)),
        (P.CALLING_PARTY_NUMBER, 4, "1555", ANSI, ("1555", Nature.NATIONAL, False)),
        (P.CALLING_PARTY_NUMBER, 0x73, "3145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLED_PARTY_NUMBER, 0x73, "13145550100", ANSI, ("3145550100", Nature.INTERNATIONAL, True)),
        (P.CALLED_PARTY_NUMBER, 0x75, "3145550100", ANSI, None),
        (P.CALLED_PARTY_NUMBER, 3, "911", ANSI, ("911", Nature.SERVICE, False)),
        (P.CHARGE_NUMBER, 7, "3145550100", ANSI, ("3145550100", Nature.NATIONAL, True)),
        (P.CHARGE_NUMBER, 6, "3145550100", ANSI, None),
        (P.CHARGE_NUMBER, 4, "442079460000", ANSI, ("442079460000", Nature.UNKNOWN, False)),
        (P.CALLING_PARTY_NUMBER, 0x55, "3145550100", ANSI, ("3145550100", Nature.UNKNOWN, False)),
        (P.CALLED_PARTY_NUMBER, 3, "3145550100F", ITU, ("3145550100", Nature.NATIONAL, True)),
        (P.CALLED_PARTY_NUMBER, 3, "0794600000", ITU, ("0794600000", Nature.UNKNOWN, False)),
        (P.CALLED_PARTY_NUMBER, 4, "442079460000", ITU, ("442079460000", Nature.INTERNATIONAL, False)),
        (P.CALLED_PARTY_NUMBER, 3, "", ITU, None),
        (P.CALLED_PARTY_NUMBER, 3, "B67911", ANSI, None),
        (P.CALLED_PARTY_NUMBER, 3, "1" * 40, ANSI, None),
    ],
)
def test_the_nature_of_address_says_what_the_digits_are(
    code: int, nature: int, digits: str, variant: Variant, number: tuple[str, Nature, bool] | None
) -> None:
    assert telephone_number(code, PartyNumber(digits, nature), variant) == number


@pytest.mark.parametrize("party", [PartyNumber("3145550100", plan=5), PartyNumber("3145550100", incomplete=True)])
def test_digits_of_a_private_plan_and_incomplete_ones_are_no_number_of_the_nanp(party: PartyNumber) -> None:
    assert telephone_number(P.CALLING_PARTY_NUMBER, party, ITU) == ("3145550100", Nature.UNKNOWN, False)


def _called(digits: str, nature: int = 3) -> dict[int, bytes | None]:
    return {P.CALLED_PARTY_NUMBER: encode_number(P.CALLED_PARTY_NUMBER, PartyNumber(digits, nature), ANSI)}


@pytest.mark.parametrize(
    ("changes", "emergency"),
    [
        (_called("911"), True),
        (_called("1911", 2), True),
        (_called("911", 1), True),
        (_called("3145550000"), True),
        (_called("9110"), False),
        ({P.GENERIC_ADDRESS: b"\xc0\x83\x10\x19\x01"}, True),
        ({P.CALLING_PARTYS_CATEGORY: b"\xe0"}, False),
        ({P.CALLING_PARTYS_CATEGORY: b"\xe1"}, False),
        (_called("911") | {P.CALLING_PARTYS_CATEGORY: b"\x0a"}, True),
    ],
)
def test_an_emergency_call_is_known_by_whom_it_calls_and_not_by_the_category_that_it_claims(
    changes: dict[int, bytes | None], emergency: bool
) -> None:
    assert _attempt(PORTED_CALL.replaced(changes)).emergency is emergency


SECOND = [
    (P.CALLING_PARTY_NUMBER, b"\x03\x10\x13\x52\x55\x00\x00"),
    (P.REDIRECTING_NUMBER, b"\x03\x10\x13\x52\x55\x00\x00"),
    (P.ORIGINAL_CALLED_NUMBER, b"\x03\x10\x13\x52\x55\x00\x00"),
    (P.ORIGINATING_LINE_INFORMATION, b"\x1b"),
    (P.JURISDICTION_INFORMATION, b"\x13\x52\x55"),
]


@pytest.mark.parametrize("value", SECOND)
def test_what_may_stand_once_and_stands_twice_is_malformed_but_not_in_an_emergency(value: tuple[int, bytes]) -> None:
    twice = [value, value]
    with pytest.raises(Malformed, match="stands more than once") as fault:
        _attempt(_with(*twice))
    assert _with(*twice).data[fault.value.offset - 1] == len(value[1])
    assert _attempt(_with(*twice).replaced(_called("911"))).emergency


def test_two_ported_numbers_are_malformed_and_one_said_twice_is_one() -> None:
    value = PORTED_CALL.value(P.GENERIC_ADDRESS)
    assert value is not None
    assert str(_attempt(_with((P.GENERIC_ADDRESS, value))).called.number) == "+13125557777"
    with pytest.raises(Malformed, match="two ported numbers"):
        _attempt(_with((P.GENERIC_ADDRESS, value[:-1] + b"\x01")))


def test_a_called_party_number_that_can_not_be_read_is_malformed_whatever_the_category_claims() -> None:
    changes = {P.CALLED_PARTY_NUMBER: b"\x03", P.GENERIC_ADDRESS: None, P.CALLING_PARTYS_CATEGORY: b"\xe0"}
    broken = PORTED_CALL.replaced(changes)
    with pytest.raises(Malformed, match="Called party number") as fault:
        _attempt(broken)
    assert 0 < fault.value.offset <= len(broken.data)


LENIENT = (
    P.CALLING_PARTY_NUMBER,
    P.CHARGE_NUMBER,
    P.REDIRECTING_NUMBER,
    P.ORIGINAL_CALLED_NUMBER,
    P.JURISDICTION_INFORMATION,
    P.GENERIC_ADDRESS,
    P.GENERIC_NAME,
    P.CARRIER_IDENTIFICATION,
    P.REDIRECTION_INFORMATION,
    P.HOP_COUNTER,
    P.ORIGINATING_LINE_INFORMATION,
    P.TRANSIT_NETWORK_SELECTION,
)


@pytest.mark.parametrize("code", LENIENT)
@pytest.mark.parametrize("value", [b"", b"\xc0", b"\xff" * 4])
def test_any_other_parameter_that_can_not_be_read_stops_no_call(code: int, value: bytes) -> None:
    iam = PORTED_CALL.replaced({code: value})
    attempt = _attempt(iam)
    _assert_in_place(attempt, iam.data)
    if code == P.JURISDICTION_INFORMATION:
        assert attempt.jurisdiction is not None
        assert attempt.jurisdiction.value == ""


def test_parameters_beyond_the_bound_are_not_read() -> None:
    charge = PORTED_CALL.value(P.CHARGE_NUMBER)
    assert charge is not None
    attempt = _attempt(_with(*[(P.CHARGE_NUMBER, charge)] * (MAX_VALUES + 1)))
    assert len(attempt.charge) == MAX_VALUES


def test_only_an_initial_address_message_attempts_a_call() -> None:
    with pytest.raises(Malformed, match="no initial address message"):
        _attempt(IsupMessage(bytes.fromhex("292310"), ANSI))


def test_a_call_on_a_circuit_is_named_by_its_exchanges_circuit_and_time() -> None:
    assert circuit_call_id("246-14-7", "2-137-26", 9001, 1767225600000000) == "246-14-7.2-137-26.9001.1767225600000000"


OCTETS = st.binary(max_size=12)


@given(
    st.dictionaries(st.sampled_from([*P]), OCTETS, max_size=6),
    st.sampled_from([PORTED_CALL, ITU_CALL]),
    st.integers(0, 300),
    st.integers(0, 255),
)
def test_whatever_an_iam_holds_it_is_read_or_malformed(
    changes: dict[P, bytes], iam: IsupMessage, place: int, octet: int
) -> None:
    for code, value in changes.items():
        try:
            iam = iam.replaced({code: value})
        except (Malformed, ValueError):
            continue
    data = bytearray(iam.data)
    data[place % len(data)] = octet
    try:
        iam = IsupMessage(bytes(data), iam.variant)
        attempt = _attempt(iam)
    except Malformed:
        return
    _assert_in_place(attempt, iam.data)
