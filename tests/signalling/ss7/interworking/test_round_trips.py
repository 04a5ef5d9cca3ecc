"""Across the border and back: no fact that identifies a caller, or who pays, comes back as another."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from messages import iam_with, invite, invite_of, isup_facts, sip_facts

from gateway.codecs.malformed import Malformed
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
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.canonical import is_restricted
from gateway.policy.hops import compare_hop
from gateway.policy.verdict import Verdict
from gateway.signalling.ss7.interworking.bearers import Bearer
from gateway.signalling.ss7.interworking.iam_of_invite import iam_of_invite

NANP = st.from_regex(r"[2-9][0-8][0-9][2-9][0-9]{2}[0-9]{4}", fullmatch=True).filter(
    lambda digits: digits[1:3] != "11" and digits[4:6] != "11"
)
FOREIGN = st.from_regex(r"[2-9][0-9]{10,13}", fullmatch=True)
SCREENING = st.sampled_from((0, 1, 2, 3))
HONEST = (Verdict.PASS, Verdict.PASS_NORMALISED)


def identity(attempt: CallAttempt) -> dict[str, object]:
    """What must be the same on both sides of the border."""

    def plain(number: TelephoneNumber | None) -> object:
        return (number.digits, number.is_nanp) if number is not None else None

    return {
        "calling": plain(attempt.calling.number),
        "called": plain(attempt.called.number),
        "routing": plain(attempt.routing_number),
        "npdi": attempt.npdi,
        "charge": [plain(fact.number) for fact in attempt.charge],
        "restricted": bool(is_restricted(attempt)),
    }


numbers = st.one_of(NANP.map(lambda each: (each, 3)), FOREIGN.map(lambda each: (each, 4)))


@st.composite
def iams(draw: st.DrawFn, variant: Variant = Variant.ANSI) -> IsupMessage:
    """IAMs as an honest exchange sends them."""
    parameters: dict[int, bytes] = {}

    def number(code: int, presentation: int = 0, screening: int = 0, kind: int = 0) -> bytes:
        found, nature = draw(numbers)
        if variant is Variant.ITU and nature == 3:
            found, nature = "1" + found, 4
        party = PartyNumber(found, nature, presentation=presentation, screening=screening, kind=kind)
        return encode_number(code, party, variant)

    if draw(st.booleans()):
        presentation = draw(st.sampled_from((0, 1, 2, 3)))
        parameters[P.CALLING_PARTY_NUMBER] = number(P.CALLING_PARTY_NUMBER, presentation, draw(SCREENING))
    ported = draw(st.booleans())
    if ported and variant is Variant.ANSI:
        parameters[P.GENERIC_ADDRESS] = number(P.GENERIC_ADDRESS, kind=0xC0)
    elif ported:
        parameters[P.CALLED_DIRECTORY_NUMBER] = number(P.CALLED_DIRECTORY_NUMBER)
    if variant is Variant.ANSI:
        if draw(st.booleans()):
            charge = PartyNumber(draw(NANP), draw(st.sampled_from((3, 7))))
            parameters[P.CHARGE_NUMBER] = encode_number(P.CHARGE_NUMBER, charge, variant)
        if draw(st.booleans()):
            parameters[P.ORIGINATING_LINE_INFORMATION] = bytes((draw(st.integers(0, 99)),))
        if draw(st.booleans()):
            parameters[P.JURISDICTION_INFORMATION] = encode_jurisdiction(draw(NANP)[:6])
        if draw(st.booleans()):
            parameters[P.CARRIER_IDENTIFICATION] = encode_carrier(CarrierId("0288"), variant)
        if draw(st.booleans()):
            text = draw(st.from_regex(r"[A-Z][A-Z \"\\]{0,12}[A-Z]", fullmatch=True))
            parameters[P.GENERIC_NAME] = encode_name(GenericName(text))
    if draw(st.booleans()):
        times = draw(st.integers(2, 5))
        parameters[P.REDIRECTING_NUMBER] = number(P.REDIRECTING_NUMBER)
        parameters[P.ORIGINAL_CALLED_NUMBER] = number(P.ORIGINAL_CALLED_NUMBER)
        information = RedirectionInformation(
            0 if variant is Variant.ANSI else 3, draw(st.integers(0, 4)), times, draw(st.integers(0, 4))
        )
        parameters[P.REDIRECTION_INFORMATION] = encode_redirection_information(information)
    if draw(st.booleans()):
        parameters[P.HOP_COUNTER] = bytes((draw(st.integers(0, 31)),))
    found, nature = draw(NANP), 3
    called = PartyNumber(found, nature) if variant is Variant.ANSI else PartyNumber("1" + found, 4)
    category = draw(st.sampled_from((0, 2, 10, 11, 12, 13, 15)))
    return iam_with(parameters, variant=variant, called=called, ported=ported, category=category)


KEPT = (
    *(P.CALLED_PARTY_NUMBER, P.GENERIC_ADDRESS, P.CALLED_DIRECTORY_NUMBER, P.CHARGE_NUMBER, P.CALLING_PARTYS_CATEGORY),
    *(P.ORIGINATING_LINE_INFORMATION, P.JURISDICTION_INFORMATION, P.CARRIER_IDENTIFICATION, P.REDIRECTING_NUMBER),
    *(P.ORIGINAL_CALLED_NUMBER, P.REDIRECTION_INFORMATION),
)
"""Parameters that come back from SIP byte for byte."""


def check_there_and_back(iam: IsupMessage) -> None:
    between = sip_facts(invite_of(iam))
    back = iam_of_invite(between, iam.variant, Bearer.MU_LAW)
    for code in KEPT:
        assert back.value(code) == iam.value(code), P(code).name
    calling, again = iam.calling, back.calling
    if calling is None or again is None:
        assert calling is again
    else:
        shown = calling.presentation == 0
        assert (again.digits, again.nature, again.presentation == 0) == (calling.digits, calling.nature, shown)
        assert again.screening == (3 if calling.screening in (1, 3) else 0)  # never more than the network vouched for
    forward, still = iam.forward_call, back.forward_call
    assert forward is not None
    assert still is not None
    assert forward.ported == still.ported
    if iam.hop_counter is not None:
        assert back.hop_counter == iam.hop_counter
    if calling is not None and calling.presentation:
        assert back.name is None
    else:
        assert back.name == iam.name


@settings(max_examples=200, deadline=None)
@given(iams())
def test_an_ansi_iam_crosses_sip_and_comes_back_the_same(iam: IsupMessage) -> None:
    check_there_and_back(iam)


@settings(max_examples=100, deadline=None)
@given(iams(Variant.ITU))
def test_an_itu_iam_crosses_sip_and_comes_back_the_same(iam: IsupMessage) -> None:
    check_there_and_back(iam)


@settings(max_examples=200, deadline=None)
@given(iams())
def test_the_invite_of_an_iam_alters_nothing_that_identifies(iam: IsupMessage) -> None:
    before, after = isup_facts(iam), sip_facts(invite_of(iam))
    findings = compare_hop(before, after)
    assert all(finding.verdict in HONEST for finding in findings), findings
    assert identity(after) == identity(before)


@st.composite
def invites(draw: st.DrawFn) -> tuple[bytes, bytes, list[bytes], int]:
    def user() -> str:
        return draw(st.one_of(NANP.map(lambda each: "+1" + each), FOREIGN.map(lambda each: "+" + each)))

    ported = draw(st.booleans())
    uri = f"sip:{user()}{';npdi;rn=+1' + draw(NANP) if ported else ''}@192.0.2.20"
    caller = user()
    asserted, restricted, anonymous = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    parameters = "".join(
        (
            f";rn=+1{draw(NANP)}" if draw(st.booleans()) else "",
            f";isup-oli={draw(st.integers(0, 99)):02d}" if draw(st.booleans()) else "",
            f";cpc={draw(st.sampled_from(('ordinary', 'payphone', 'priority')))}" if draw(st.booleans()) else "",
        )
    )
    lines: list[bytes] = []
    from_ = f"<sip:{caller}{parameters}@192.0.2.10>"
    if asserted:
        lines.append(f"P-Asserted-Identity: <sip:{caller}{parameters}@192.0.2.10>".encode())
        if restricted:
            lines.append(b"Privacy: id")
            from_ = '"Anonymous" <sip:anonymous@anonymous.invalid>' if anonymous else f"<sip:{caller}@192.0.2.10>"
        else:
            from_ = f"<sip:{caller}@192.0.2.10>"
    elif restricted:
        lines.append(b"Privacy: user;id")
    if draw(st.booleans()):
        lines.append(f"P-Charge-Info: <sip:+1{draw(NANP)}@192.0.2.10>".encode())
    lines += [
        f"Diversion: <sip:{user()}@192.0.2.10>;reason=no-answer;counter=1".encode()
        for _ in range(draw(st.integers(0, 2)))
    ]
    return uri.encode(), from_.encode(), lines, draw(st.integers(1, 70))


@settings(max_examples=200, deadline=None)
@given(invites(), st.sampled_from(Variant))
def test_an_invite_crosses_isup_and_no_hop_altered_it(
    parts: tuple[bytes, bytes, list[bytes], int], variant: Variant
) -> None:
    uri, from_, lines, hops = parts
    if variant is Variant.ITU:
        lines = [line for line in lines if not line.startswith(b"P-Charge-Info")]  # it has no place for one
    before = sip_facts(invite(uri, from_, *lines, hops=hops))
    iam = iam_of_invite(before, variant, Bearer.MU_LAW)
    after = sip_facts(invite_of(iam))
    assert identity(after) == identity(before)
    findings = compare_hop(before, after)
    assert all(finding.verdict in HONEST for finding in findings), findings
    assert (after.originating_line is None) == (before.originating_line is None or variant is Variant.ITU)
    assert after.hops is not None
    assert before.hops is not None
    assert after.hops <= before.hops


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.sampled_from((P.CALLING_PARTY_NUMBER, P.CALLED_PARTY_NUMBER, P.GENERIC_ADDRESS)))
def test_an_iam_of_arbitrary_values_becomes_an_invite_or_is_malformed(value: bytes, code: int) -> None:
    usual = [(name, octets) for name, octets in iam_with().parameters if name != code]
    message = isup_message(Variant.ANSI, 1, 9001, [*usual, (code, value)])
    with suppress(Malformed):
        iam_of_invite(sip_facts(invite_of(message)), Variant.ANSI, Bearer.MU_LAW)
