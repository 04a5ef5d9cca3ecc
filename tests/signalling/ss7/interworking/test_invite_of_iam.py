"""What an IAM says, in the fields of the INVITE that is made of it."""

from __future__ import annotations

import pytest
from messages import ANSI_IAM, HOST, ITU_IAM, TARGET, iam_with, invite_of, sip_facts

from gateway.codecs.sip import headers
from gateway.codecs.ss7.isup import (
    CarrierId,
    GenericName,
    IsupMessage,
    P,
    PartyNumber,
    RedirectionInformation,
    encode_carrier,
    encode_jurisdiction,
    encode_name,
    encode_number,
    encode_redirection_information,
)
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.interworking.invite_of_iam import CallFields, call_fields

ANONYMOUS = b'"Anonymous" <sip:anonymous@anonymous.invalid>'


def fields(iam: IsupMessage) -> CallFields:
    return call_fields(iam, HOST, TARGET)


def number(code: int, digits: str, nature: int = 3, presentation: int = 0, screening: int = 0, kind: int = 0) -> bytes:
    party = PartyNumber(digits, nature, presentation=presentation, screening=screening, kind=kind)
    return encode_number(code, party, Variant.ANSI)


def calling(digits: str = "3145550100", nature: int = 3, presentation: int = 0, screening: int = 3) -> dict[int, bytes]:
    return {P.CALLING_PARTY_NUMBER: number(P.CALLING_PARTY_NUMBER, digits, nature, presentation, screening)}


def test_the_ansi_iam_of_the_vectors() -> None:
    assert fields(IsupMessage(ANSI_IAM, Variant.ANSI)) == CallFields(
        b"sip:+13125557777;npdi;rn=+13125550000@192.0.2.20:5060;user=phone",
        ANONYMOUS,
        b"<sip:+13125557777@192.0.2.20:5060;user=phone>",
        20,
        b"P-Asserted-Identity: <sip:+12125551234;rn=+1212555;isup-oli=00@192.0.2.1;user=phone>\r\n"
        b"Privacy: id\r\n"
        b"P-Charge-Info: <sip:+12125559999@192.0.2.1;user=phone>\r\n",
    )


def test_the_itu_iam_of_the_vectors() -> None:
    assert fields(IsupMessage(ITU_IAM, Variant.ITU)).request_uri == (b"sip:+442079460000@192.0.2.20:5060;user=phone")


@pytest.mark.parametrize(
    ("digits", "nature", "user"),
    [
        ("6365550199", 3, b"+16365550199"),
        ("6365550199", 2, b"+16365550199"),
        ("5550199", 1, b"5550199"),
        ("442079460000", 4, b"+442079460000"),
        ("16365550199", 4, b"+16365550199"),
        ("0115550199", 3, b"+10115550199"),
        ("911", 3, b"911"),
        ("10288", 2, b"10288"),
        ("6365550199F", 3, b"+16365550199"),
    ],
)
def test_the_called_number_keeps_its_digits(digits: str, nature: int, user: bytes) -> None:
    said = fields(iam_with(called=PartyNumber(digits, nature)))
    assert said.request_uri == b"sip:%s@%s;user=phone" % (user, TARGET)
    assert said.to == b"<sip:%s@%s;user=phone>" % (user, TARGET)


def test_a_call_to_no_number_calls_the_host_alone() -> None:
    said = fields(iam_with(called=PartyNumber("", 0x74)))
    assert (said.request_uri, said.to) == (b"sip:192.0.2.20:5060", b"<sip:192.0.2.20:5060>")


def test_the_m_bit_without_a_generic_address_is_npdi() -> None:
    assert fields(iam_with(ported=True)).request_uri == b"sip:+16365550199;npdi@192.0.2.20:5060;user=phone"


def test_the_m_bit_with_a_ported_number_makes_the_called_number_the_routing_number() -> None:
    generic = {P.GENERIC_ADDRESS: number(P.GENERIC_ADDRESS, "6365550199", kind=0xC0)}
    said = fields(iam_with(generic, called=PartyNumber("3145550000"), ported=True))
    assert said.request_uri == b"sip:+16365550199;npdi;rn=+13145550000@192.0.2.20:5060;user=phone"
    assert said.to == b"<sip:+16365550199@192.0.2.20:5060;user=phone>"


def test_other_generic_addresses_are_not_the_called_number() -> None:
    generic = {P.GENERIC_ADDRESS: number(P.GENERIC_ADDRESS, "8005550199", kind=0)}
    assert fields(iam_with(generic)).request_uri == b"sip:+16365550199@192.0.2.20:5060;user=phone"


ASSERTED = b"P-Asserted-Identity: <sip:+13145550100@192.0.2.1;user=phone>\r\n"
SHOWN = b"<sip:+13145550100@192.0.2.1;user=phone>"


@pytest.mark.parametrize(
    ("presentation", "screening", "from_", "lines"),
    [
        (0, 3, SHOWN, ASSERTED),
        (0, 1, SHOWN, ASSERTED),
        (0, 0, SHOWN, b""),
        (0, 2, SHOWN, b""),
        (1, 3, ANONYMOUS, ASSERTED + b"Privacy: id\r\n"),
        (1, 1, ANONYMOUS, ASSERTED + b"Privacy: id\r\n"),
        (3, 3, ANONYMOUS, ASSERTED + b"Privacy: id\r\n"),
        (1, 0, SHOWN, b"Privacy: user;id\r\n"),
        (2, 3, ANONYMOUS, ASSERTED + b"Privacy: id\r\n"),
    ],
)
def test_who_vouches_for_the_number_and_who_may_see_it(
    presentation: int, screening: int, from_: bytes, lines: bytes
) -> None:
    said = fields(iam_with(calling(presentation=presentation, screening=screening)))
    assert (said.from_, said.lines) == (from_, lines)


@pytest.mark.parametrize(
    ("parameters", "from_", "lines"),
    [
        ({}, b"<sip:unavailable@unknown.invalid>", b""),
        (calling("", 0, 2), b"<sip:unavailable@unknown.invalid>", b""),
        (calling("", 0, 1), ANONYMOUS, b"Privacy: user;id\r\n"),
    ],
)
def test_a_caller_without_a_number_is_given_none(parameters: dict[int, bytes], from_: bytes, lines: bytes) -> None:
    said = fields(iam_with(parameters))
    assert (said.from_, said.lines) == (from_, lines)


def test_what_is_known_of_the_line_is_said_also_where_the_number_is_not() -> None:
    line = {P.ORIGINATING_LINE_INFORMATION: b"\x1b", P.JURISDICTION_INFORMATION: encode_jurisdiction("314555")}
    said = fields(iam_with(line))
    assert said.from_ == b"<sip:unavailable;rn=+1314555;isup-oli=27@unknown.invalid>"


def test_the_charge_number_is_never_taken_for_the_calling_number() -> None:
    said = fields(iam_with({P.CHARGE_NUMBER: number(P.CHARGE_NUMBER, "3145559999")}))
    assert said.from_ == b"<sip:unavailable@unknown.invalid>"
    assert said.lines == b"P-Charge-Info: <sip:+13145559999@192.0.2.1;user=phone>\r\n"


def test_a_charge_number_of_another_nature_says_so() -> None:
    said = fields(iam_with({P.CHARGE_NUMBER: number(P.CHARGE_NUMBER, "3145559999", 7)}))
    assert said.lines == b"P-Charge-Info: <sip:+13145559999@192.0.2.1;user=phone>;noa=7\r\n"


@pytest.mark.parametrize(
    ("category", "said"),
    [(10, b""), (15, b";cpc=payphone"), (0xE0, b";cpc=emergency"), (2, b";cpc=operator"), (226, b";cpc=226")],
)
def test_the_category_goes_along(category: int, said: bytes) -> None:
    lines = fields(iam_with(calling(), category=category)).lines
    assert lines == b"P-Asserted-Identity: <sip:+13145550100%s@192.0.2.1;user=phone>\r\n" % said


def name(text: str, presentation: int = 0, kind: int = 1) -> dict[int, bytes]:
    return {P.GENERIC_NAME: encode_name(GenericName(text, presentation, kind))}


@pytest.mark.parametrize(
    ("parameters", "from_"),
    [
        (calling() | name("Acme"), b'"Acme" ' + SHOWN),
        (calling() | name('A "B" \\C'), b'"A \\"B\\" \\\\C" ' + SHOWN),
        (calling() | name("Acme", 3), b'"Acme" ' + SHOWN),
        (calling() | name("Acme", 1), SHOWN),
        (calling() | name("Acme", 0, 3), SHOWN),
        (calling() | name("Acme\r\nX: y"), SHOWN),
        (calling(presentation=1) | name("Acme"), ANONYMOUS),
        (name("Acme"), b'"Acme" <sip:unavailable@unknown.invalid>'),
    ],
)
def test_the_name_is_shown_where_it_may_be(parameters: dict[int, bytes], from_: bytes) -> None:
    assert fields(iam_with(parameters)).from_ == from_


@pytest.mark.parametrize(
    ("code", "carrier"),
    [
        (P.CARRIER_IDENTIFICATION, CarrierId("0288")),
        (P.TRANSIT_NETWORK_SELECTION, CarrierId("0288", circuit=0)),
        (P.CARRIER_IDENTIFICATION, CarrierId("288", plan=1)),
    ],
)
def test_the_carrier_is_cic(code: int, carrier: CarrierId) -> None:
    said = fields(iam_with({code: encode_carrier(carrier, Variant.ANSI)}))
    assert said.request_uri == b"sip:+16365550199;cic=+1%s@192.0.2.20:5060;user=phone" % carrier.digits.encode()


def diverted(
    last: str | None, first: str | None, information: RedirectionInformation | None, presentation: int = 0
) -> bytes:
    parameters = {}
    if last is not None:
        parameters[P.REDIRECTING_NUMBER.value] = number(P.REDIRECTING_NUMBER, last, 3, presentation)
    if first is not None:
        parameters[P.ORIGINAL_CALLED_NUMBER.value] = number(P.ORIGINAL_CALLED_NUMBER, first, 3, presentation)
    if information is not None:
        parameters[P.REDIRECTION_INFORMATION.value] = encode_redirection_information(information)
    return fields(iam_with(parameters)).lines


def diversion(number: str, reason: str, counter: int, more: str = "") -> bytes:
    return f"Diversion: <sip:+1{number}@192.0.2.1;user=phone>;reason={reason};counter={counter}{more}\r\n".encode()


def test_the_diverting_numbers_are_diversions_the_last_one_first() -> None:
    info = RedirectionInformation(3, 2, 3, 1)
    assert diverted("3145550133", "3145550111", info) == (
        diversion("3145550133", "user-busy", 1) + diversion("3145550111", "no-answer", 2)
    )


def test_one_who_was_called_first_and_diverted_the_call_is_one_diversion() -> None:
    info = RedirectionInformation(3, 3, 1, 3)
    assert diverted("3145550133", "3145550133", info) == diversion("3145550133", "unconditional", 1)
    assert diverted("3145550133", None, info) == diversion("3145550133", "unconditional", 1)
    assert diverted(None, "3145550133", info) == diversion("3145550133", "unconditional", 1)


def test_a_restricted_diverting_number_keeps_its_digits() -> None:
    info = RedirectionInformation(4, 0, 1, 6)
    assert diverted("3145550133", None, info, 1) == diversion("3145550133", "unavailable", 1, ";privacy=full")


def test_diverting_numbers_without_information_diverted_for_an_unknown_reason() -> None:
    assert diverted("3145550133", "3145550111", None) == (
        diversion("3145550133", "unknown", 1) + diversion("3145550111", "unknown", 1)
    )


def test_max_forwards_is_the_hop_counter() -> None:
    assert fields(iam_with()).hops == 70
    assert fields(iam_with({P.HOP_COUNTER: b"\x05"})).hops == 5


def test_the_additional_number_of_the_user_is_from() -> None:
    generic = {P.GENERIC_ADDRESS.value: number(P.GENERIC_ADDRESS, "3145550111", kind=3)}
    assert fields(iam_with(calling() | generic)).from_ == b"<sip:+13145550111@192.0.2.1;user=phone>"
    assert fields(iam_with(calling(presentation=1) | generic)).from_ == ANONYMOUS


def test_the_invite_is_read_as_it_was_meant() -> None:
    attempt = sip_facts(invite_of(IsupMessage(ANSI_IAM, Variant.ANSI)))
    assert str(attempt.calling.number) == "+12125551234"
    assert str(attempt.called.number) == "+13125557777"
    assert str(attempt.routing_number) == "+13125550000"
    assert attempt.npdi
    assert attempt.originating_line is not None
    assert attempt.originating_line.raw == b"00"
    assert [str(fact.number) for fact in attempt.charge] == ["+12125559999"]
    assert invite_of(IsupMessage(ANSI_IAM, Variant.ANSI)).value(headers.PRIVACY) == b"id"
