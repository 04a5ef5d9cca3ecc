"""What an INVITE says, in the parameters of the IAM that is made of it."""

from __future__ import annotations

import pytest
from messages import invite, sip_facts

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import CarrierId, GenericName, IsupMessage, P, PartyNumber, RedirectionInformation
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.interworking.bearers import Bearer
from gateway.signalling.ss7.interworking.iam_of_invite import iam_of_invite

LRN = b"sip:+16365550199;npdi;rn=+13145550000@192.0.2.20;user=phone"


def iam(
    uri: bytes = b"sip:+16365550199@192.0.2.20",
    from_: bytes = b"<sip:+13145550100@h>",
    *lines: bytes,
    variant: Variant = Variant.ANSI,
    hops: int = 70,
    bearer: Bearer = Bearer.MU_LAW,
) -> IsupMessage:
    return iam_of_invite(sip_facts(invite(uri, from_, *lines, hops=hops)), variant, bearer)


@pytest.mark.parametrize(
    ("uri", "ansi", "itu"),
    [
        (b"sip:+16365550199@h", ("6365550199", 3), ("16365550199", 4)),
        (b"sip:6365550199@h", ("6365550199", 3), ("16365550199", 4)),
        (b"tel:+1-636-555-0199", ("6365550199", 3), ("16365550199", 4)),
        (b"sip:16365550199@h", ("6365550199", 3), ("16365550199", 4)),
        (b"sip:+442079460000@h", ("442079460000", 4), ("442079460000", 4)),
        (b"sip:5550199@h", ("5550199", 1), ("5550199", 1)),
        (b"sip:10288@h", ("10288", 2), ("10288", 2)),
        (b"sip:411@h", ("411", 3), ("411", 2)),
        (b"sip:911@h", ("911", 3), ("911", 2)),
        (b"sip:1911@h", ("911", 3), ("911", 2)),
        (b"sip:*67911@h", ("911", 3), ("911", 2)),
        (b"urn:service:sos.police", ("911", 3), ("911", 2)),
    ],
)
def test_the_called_number_keeps_its_digits_and_gets_a_nature_of_address(
    uri: bytes, ansi: tuple[str, int], itu: tuple[str, int]
) -> None:
    assert iam(uri).called == PartyNumber(*ansi)
    assert iam(uri, variant=Variant.ITU).called == PartyNumber(*itu)


def test_an_international_call_is_said_to_be_one() -> None:
    national, abroad = iam().forward_call, iam(b"sip:+442079460000@h").forward_call
    assert national is not None
    assert abroad is not None
    assert (national.international, abroad.international) == (False, True)


def test_the_user_part_of_a_call_from_sip_is_not_isup_all_the_way() -> None:
    forward = iam().forward_call
    assert forward is not None
    assert (forward.interworking, forward.isup_all_the_way, forward.isup_preference, forward.isdn_access) == (
        *(True, False, 1, False),
    )


def test_a_name_cannot_be_called() -> None:
    with pytest.raises(Malformed, match="no telephone number"):
        iam(b"sip:alice@h")


@pytest.mark.parametrize("variant", Variant)
def test_a_ported_number_is_reached_by_its_lrn_and_goes_along(variant: Variant) -> None:
    message = iam(LRN, variant=variant)
    forward = message.forward_call
    assert forward is not None
    assert forward.ported
    if variant is Variant.ANSI:
        assert message.called == PartyNumber("3145550000")
        assert message.generic == (PartyNumber("6365550199", kind=0xC0),)
    else:
        assert message.called == PartyNumber("13145550000", 4)
        assert message.number(P.CALLED_DIRECTORY_NUMBER) == PartyNumber("16365550199", 4)


def test_a_dip_that_found_nothing_sets_the_m_bit_alone() -> None:
    message = iam(b"sip:+16365550199;npdi@h")
    forward = message.forward_call
    assert forward is not None
    assert forward.ported
    assert message.called == PartyNumber("6365550199")
    assert message.generic == ()


def test_nothing_said_of_a_dip_leaves_the_m_bit_unset() -> None:
    forward = iam().forward_call
    assert forward is not None
    assert not forward.ported


ASSERTED = b"P-Asserted-Identity: <sip:+13145550100@h>"


@pytest.mark.parametrize(
    ("from_", "lines", "presentation", "screening"),
    [
        (b"<sip:+13145550100@h>", (), 0, 0),
        (b"<sip:+13145550100@h>", (ASSERTED,), 0, 3),
        (b"<sip:+13145550100@h>", (ASSERTED, b"Privacy: none"), 0, 3),
        (b"<sip:+13145550100@h>", (ASSERTED, b"Privacy: id"), 1, 3),
        (b"<sip:+13145550100@h>", (b"Privacy: user;id",), 1, 0),
        (b"<sip:+13145550100@h>", (ASSERTED, b"Privacy: header"), 1, 3),
        (b'"Anonymous" <sip:anonymous@anonymous.invalid>', (ASSERTED,), 1, 3),
        (b'"Anonymous" <sip:anonymous@anonymous.invalid>', (ASSERTED, b"Privacy: id"), 1, 3),
    ],
)
def test_presentation_and_screening_are_what_privacy_and_the_asserted_identity_say(
    from_: bytes, lines: tuple[bytes, ...], presentation: int, screening: int
) -> None:
    expected = PartyNumber("3145550100", presentation=presentation, screening=screening)
    assert iam(b"sip:6365550199@h", from_, *lines).calling == expected


def test_a_caller_without_a_number_has_no_calling_party_number() -> None:
    message = iam(b"sip:6365550199@h", b'"Anonymous" <sip:anonymous@anonymous.invalid>', b"Privacy: id")
    assert message.calling is None


@pytest.mark.parametrize(("variant", "kind"), [(Variant.ANSI, 3), (Variant.ITU, 6)])
def test_what_the_caller_says_beside_the_asserted_number_is_the_users_additional_number(
    variant: Variant, kind: int
) -> None:
    message = iam(b"sip:6365550199@h", b"<sip:+13145550111@h>", ASSERTED, variant=variant)
    assert message.calling is not None
    assert message.calling.digits.endswith("3145550100")
    assert [(number.kind, number.digits[-10:]) for number in message.generic] == [(kind, "3145550111")]


def test_the_charge_number_is_never_the_calling_number() -> None:
    message = iam(b"sip:6365550199@h", b"<sip:+13145550100@h>", b"P-Charge-Info: <sip:+13145559999@h>;noa=7")
    assert message.charge == PartyNumber("3145559999", 7)
    assert message.calling is not None
    assert message.calling.digits == "3145550100"


def test_without_p_charge_info_there_is_no_charge_number() -> None:
    assert iam().charge is None


@pytest.mark.parametrize(("said", "line"), [(b"isup-oli=27", 27), (b"oli=0", 0), (b"isup-oli=62", 62)])
def test_the_originating_line_goes_along(said: bytes, line: int) -> None:
    assert iam(b"sip:6365550199@h", b"<sip:+13145550100;%s@h>" % said).originating_line == line


@pytest.mark.parametrize("said", [b"isup-oli=x", b"isup-oli=100", b"isup-oli="])
def test_what_is_no_originating_line_is_left_out(said: bytes) -> None:
    assert iam(b"sip:6365550199@h", b"<sip:+13145550100;%s@h>" % said).originating_line is None


@pytest.mark.parametrize(
    ("rn", "jurisdiction"),
    [(b"+13145550000", "314555"), (b"3145550000", "314555"), (b"+1314555", "314555"), (b"+442079460000", None)],
)
def test_the_jurisdiction_is_the_code_of_the_callers_lrn(rn: bytes, jurisdiction: str | None) -> None:
    assert iam(b"sip:6365550199@h", b"<sip:+13145550100;rn=%s@h>" % rn).jurisdiction == jurisdiction


@pytest.mark.parametrize(
    ("cpc", "category"),
    [
        (b"", 10),
        (b";cpc=ordinary", 10),
        (b";cpc=payphone", 15),
        (b";cpc=Operator", 2),
        (b";cpc=priority", 11),
        (b";cpc=test", 13),
        (b";cpc=unknown", 0),
        (b";cpc=emergency", 10),
        (b";cpc=224", 10),
        (b";cpc=226", 226),
        (b";cpc=300", 10),
        (b";cpc=prison", 10),
    ],
)
def test_the_category_goes_along(cpc: bytes, category: int) -> None:
    assert iam(b"sip:6365550199@h", b"<sip:+13145550100%s@h>" % cpc).category == category


def test_an_emergency_call_is_one_in_its_category_too() -> None:
    assert iam(b"urn:service:sos").category == 0xE0
    assert iam(b"urn:service:sos", variant=Variant.ITU).category == 10


@pytest.mark.parametrize(("hops", "counter"), [(70, 31), (31, 31), (30, 30), (1, 1)])
def test_the_hop_counter_never_exceeds_max_forwards(hops: int, counter: int) -> None:
    assert iam(hops=hops).hop_counter == counter


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b'"Acme" ', "Acme"),
        (b"Acme Anvils ", "Acme Anvils"),
        (b'"A \\"B\\" \\\\C" ', 'A "B" \\C'),
        (b'"The Acme Anvil Company" ', "The Acme Anvil"),
        ('"Société" '.encode(), None),
        (b'"Anonymous" ', None),
        (b"", None),
    ],
)
def test_the_name_is_the_display_name(name: bytes, expected: str | None) -> None:
    found = iam(b"sip:6365550199@h", name + b"<sip:+13145550100@h>").name
    assert found == (GenericName(expected) if expected is not None else None)


def test_a_restricted_caller_is_not_named() -> None:
    assert iam(b"sip:6365550199@h", b'"Acme" <sip:+13145550100@h>', b"Privacy: id").name is None


def test_the_carrier_is_identified_in_a_national_call_and_selected_in_an_international_one() -> None:
    national = iam(b"sip:+16365550199;cic=+10288@h")
    assert (national.carrier, national.transit_network) == (CarrierId("0288"), None)
    abroad = iam(b"sip:+442079460000;cic=+10288@h")
    assert (abroad.carrier, abroad.transit_network) == (None, CarrierId("0288", circuit=0))
    assert iam(b"sip:+16365550199;cic=+10288@h", variant=Variant.ITU).transit_network == CarrierId("0288")


def test_one_diversion_is_both_the_first_and_the_last() -> None:
    message = iam(
        b"sip:6365550199@h",
        b"<sip:+13145550100@h>",
        b"Diversion: <sip:+13145550122@h>;reason=no-answer;counter=1;privacy=off",
    )
    assert message.redirecting == message.original_called == PartyNumber("3145550122")
    assert message.redirection == RedirectionInformation(0, 2, 1, 2)


def test_of_several_diversions_the_first_and_the_last_go_along_and_all_are_counted() -> None:
    message = iam(
        b"sip:6365550199@h",
        b"<sip:+13145550100@h>",
        b"Diversion: <sip:+13145550133@h>;reason=user-busy;privacy=full, <sip:+13145550122@h>;reason=unconditional",
        b"Diversion: <sip:+13145550111@h>;reason=time-of-day;counter=2",
        variant=Variant.ITU,
    )
    assert message.redirecting == PartyNumber("13145550133", 4, presentation=1)
    assert message.original_called == PartyNumber("13145550111", 4)
    assert message.redirection == RedirectionInformation(4, 0, 4, 1)


def test_history_info_tells_of_diversions_where_there_is_no_diversion() -> None:
    message = iam(
        b"sip:6365550199@h",
        b"<sip:+13145550100@h>",
        b"History-Info: <sip:+13145550111@h>;index=1, <sip:+13145550122@h;cause=302>;index=1.1;mp=1",
        b"History-Info: <sip:+16365550199@h;cause=486?Privacy=none>;index=1.1.1;mp=1.1",
    )
    assert message.redirecting == PartyNumber("3145550122")
    assert message.original_called == PartyNumber("3145550111")
    assert message.redirection == RedirectionInformation(0, 3, 2, 1)


@pytest.mark.parametrize(
    ("bearer", "service", "medium"),
    [(Bearer.MU_LAW, b"\x90\x90\xa2", 3), (Bearer.A_LAW, b"\x90\x90\xa3", 3), (Bearer.DIGITAL, b"\x88\x90", 2)],
)
def test_the_bearer_is_what_the_media_needs(bearer: Bearer, service: bytes, medium: int) -> None:
    assert iam(bearer=bearer).value(P.USER_SERVICE_INFORMATION) == service
    itu = iam(bearer=bearer, variant=Variant.ITU)
    assert (itu.value(P.USER_SERVICE_INFORMATION), itu.transmission_medium) == (service, medium)


def test_a_number_of_public_safety_stays_what_it_is() -> None:
    numbers = frozenset({"911", "6365550112"})
    for uri, called in (
        (b"sip:+16365550112@h", "6365550112"),
        (b"sip:+16365550112;npdi;rn=+13145550000@h", "3145550000"),
        (b"sip:911;npdi;rn=+13145550000@h", "911"),
    ):
        message = iam_of_invite(sip_facts(invite(uri), numbers), Variant.ANSI, Bearer.MU_LAW)
        assert message.called == PartyNumber(called)
        assert message.category == 0xE0
