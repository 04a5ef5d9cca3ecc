"""From INVITEs to the facts of calls, and where each fact stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage
from gateway.interconnection.trunk_groups import Hop
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.attribution import UNKNOWN, Attribution
from gateway.policy.call_attempt import CallAttempt, NumberFact, TextFact
from gateway.signalling.sip_attempt import MAX_VALUES, attempt_of

EMERGENCY_NUMBERS = frozenset({"911", "3145550000"})


def _nobody(_calling: TelephoneNumber | None, _rn: TelephoneNumber | None, _at_us: int) -> Attribution:
    return UNKNOWN


def _invite(
    *lines: bytes,
    uri: bytes = b"sip:+16365550199@192.0.2.20",
    from_: bytes = b"<sip:+13145550100@192.0.2.10>;tag=a",
    to: bytes = b"<sip:+16365550199@192.0.2.20>",
) -> SipMessage:
    head = [b"INVITE " + uri + b" SIP/2.0", b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1", b"From: " + from_]
    head += [b"To: " + to, b"Call-ID: c\xff1", b"CSeq: 1 INVITE", *lines]
    return SipMessage(b"\r\n".join(head) + b"\r\n\r\n")


def _attempt(invite: SipMessage) -> CallAttempt:
    return attempt_of(
        invite,
        at_us=7,
        source=Hop("192.0.2.10", 5060),
        ingress=None,
        find_provider=_nobody,
        emergency_numbers=EMERGENCY_NUMBERS,
    )


def _facts(attempt: CallAttempt) -> Iterator[NumberFact | TextFact]:
    yield attempt.called
    yield attempt.from_
    yield attempt.to
    for facts in (attempt.asserted, attempt.charge, attempt.diversions, attempt.history):
        yield from facts
    yield from attempt.identities
    yield from attempt.privacy
    optional = (
        attempt.display_name,
        attempt.originating_line,
        attempt.calling_party_category,
    )
    yield from (fact for fact in optional if fact is not None)


def _assert_in_place(attempt: CallAttempt, data: bytes) -> None:
    for fact in _facts(attempt):
        assert fact.offset >= 0
        assert data[fact.offset : fact.offset + len(fact.raw)] == fact.raw, fact


def _digits(number: TelephoneNumber | None) -> str | None:
    return number.digits if number is not None else None


def test_the_plain_call() -> None:
    invite = _invite()
    attempt = _attempt(invite)
    assert (attempt.at_us, attempt.call_id, attempt.source) == (7, "c�1", Hop("192.0.2.10", 5060))
    assert attempt.called[2:] == (b"sip:+16365550199@192.0.2.20", 7)
    assert [_digits(fact.number) for fact in (attempt.called, attempt.from_, attempt.to)] == [
        "6365550199",
        "3145550100",
        "6365550199",
    ]
    assert list(_facts(attempt)) == [attempt.called, attempt.from_, attempt.to]
    assert not attempt.emergency
    _assert_in_place(attempt, invite.data)


@pytest.mark.parametrize(
    ("uri", "digits", "emergency"),
    [
        (b"sip:911@h", "911", True),
        (b"sip:911;phone-context=+1@h;user=phone", "911", True),
        (b"tel:911", "911", True),
        (b"tel:911;phone-context=+1", "911", True),  # RFC 3966 5.1.5: +1-911 is no number, 911 in +1 is
        (b"tel:9-1-1;phone-context=example.com", "911", True),
        (b"sips:911:secret@h", "911", True),
        (b"sip:%39%31%31@h", "911", True),
        (b"urn:service:sos", None, True),
        (b"URN:Service:SOS.Police", None, True),
        (b"urn:service:sosx", None, False),
        (b"urn:service:counseling", None, False),
        (b"sip:+13145550000@h", "3145550000", True),
        (b"sip:911%23@h", None, True),
        (b"sip:911#@h", None, True),
        (b"sip:*67911@h", None, True),
        (b"sip:*82911@h;user=phone", None, True),
        (b"sip:*671911#@h", None, True),
        (b"tel:*67911;phone-context=+1", None, True),
        (b"sip:*673145550000@h", None, True),
        (b"sip:*67@h", None, False),
        (b"sip:*679110@h", None, False),
        (b"sip:911#1@h", None, False),
        (b"sip:sos@example.com", None, True),
        (b"sips:SOS.Fire@h", None, True),
        (b"sip:sosx@h", None, False),
        (b"urn:service:sos.police", None, True),
        (b"sip:alice@h", None, False),
        (b"sip:\xff@h", None, False),
        (b"sip:9110@h", "9110", False),
        (b"tel:5550100;phone-context=+1314", "3145550100", False),
        (b"tel:3145550100;phone-context=+1", "3145550100", False),
        (b"tel:+13145550100;phone-context=+44", "3145550100", False),
        (b"tel:3145550100;phone-context=+\xff", "3145550100", False),
    ],
)
def test_the_called_number_and_emergencies(uri: bytes, digits: str | None, emergency: bool) -> None:
    attempt = _attempt(_invite(uri=uri))
    assert (_digits(attempt.called.number), attempt.emergency) == (digits, emergency)


@pytest.mark.parametrize(
    ("uri", "rn", "npdi"),
    [
        (b"sip:+16365550199;npdi;rn=+13145559999@h", "3145559999", True),
        (b"sip:+16365550199@h;npdi;rn=3145559999", "3145559999", True),
        (b"tel:+16365550199;NPDI;RN=+1-314-555-9999", "3145559999", True),
        (b"sip:+16365550199;npdi=yes@h", None, True),
        (b"sip:+16365550199;rn=3145559999;rn-context=+1@h", "3145559999", False),  # RFC 4694 section 4
        (b"sip:+16365550199;rn=2079460000;rn-context=+44@h", "442079460000", False),
        (b"sip:+16365550199;rn=+13145559999;rn-context=+44@h", "3145559999", False),
        (b"sip:+16365550199;rn=3145559999;rn-context=example.com@h", "3145559999", False),
        (b"tel:+16365550199;RN=+1-314-555-9999;NPDI", "3145559999", True),
        (b"sip:+16365550199;rn=%2B13145559999@h", "3145559999", False),
        (b"sip:+16365550199;rn=+13145559999;rn=+13145559999@h", "3145559999", False),
        (b"sip:+16365550199@h", None, False),
    ],
)
def test_the_routing_number_of_a_ported_called_number(uri: bytes, rn: str | None, npdi: bool) -> None:
    attempt = _attempt(_invite(uri=uri))
    assert (_digits(attempt.routing_number), attempt.npdi) == (rn, npdi)
    assert _digits(attempt.called.number) == "6365550199"


@pytest.mark.parametrize(
    ("from_", "name", "digits"),
    [
        (b"sip:+13145550100@h;tag=a", None, "3145550100"),
        (b"Bob  <sip:+13145550100@h>;tag=a", b"Bob", "3145550100"),
        (b'"Bob" <sip:+13145550100@h>;tag=a', b"Bob", "3145550100"),
        (b'"<Bob>" <sip:+13145550100@h>;tag=a', b"<Bob>", "3145550100"),
        (b'"a\\"b" <sip:+13145550100@h>;tag=a', b'a\\"b', "3145550100"),
        (b'"\\\\" <sip:alice@h>;tag=a', b"\\\\", None),
        (b"Bob\r\n Smith\r\n <sip:+13145550100@h>\r\n ;tag=a", b"Bob\r\n Smith", "3145550100"),
        (b'"Bob\r\n Smith"\r\n <sip:+13145550100@h>\r\n ;tag=a', b"Bob\r\n Smith", "3145550100"),
        (b'"\xff" <tel:+13145550100>;tag=a', b"\xff", "3145550100"),
        (b'"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a', b"Anonymous", None),
    ],
)
def test_from_and_its_display_name(from_: bytes, name: bytes | None, digits: str | None) -> None:
    invite = _invite(from_=from_)
    attempt = _attempt(invite)
    assert (attempt.display_name.raw if attempt.display_name else None) == name
    assert _digits(attempt.from_.number) == digits
    assert attempt.from_.raw == from_
    _assert_in_place(attempt, invite.data)


@pytest.mark.parametrize("header", [b"P-Asserted-Identity", b"P-Charge-Info", b"Diversion", b"History-Info"])
@pytest.mark.parametrize(
    ("lines", "digits"),
    [
        ([b"<sip:+13145550111@h>"], ["3145550111"]),
        ([b"<sip:+13145550111@h>, <tel:+13145550112>"], ["3145550111", "3145550112"]),
        ([b"<sip:+13145550111@h>", b"<tel:+13145550112>"], ["3145550111", "3145550112"]),
        ([b'"A, <B>" <sip:+13145550111@h>;x="," ,\r\n "C" <sip:alice@h>'], ["3145550111", None]),
        ([b"sip:+13145550111@h;reason=unknown"], ["3145550111"]),
        ([b"<broken", b"<tel:+13145550112>"], [None, "3145550112"]),
        ([b"<sip:+1314\xff@h>"], [None]),
        ([b""], []),
    ],
)
def test_every_value_of_a_field_is_a_fact(header: bytes, lines: list[bytes], digits: list[str | None]) -> None:
    invite = _invite(*(header + b": " + line for line in lines))
    attempt = _attempt(invite)
    found = (attempt.asserted, attempt.charge, attempt.diversions, attempt.history)
    facts = found[[b"P-Asserted-Identity", b"P-Charge-Info", b"Diversion", b"History-Info"].index(header)]
    assert [_digits(fact.number) for fact in facts] == digits
    assert {fact.field.encode() for fact in facts} <= {header}
    _assert_in_place(attempt, invite.data)


def test_no_more_values_than_the_limit_are_read() -> None:
    attempt = _attempt(_invite(b"Diversion: " + b",".join([b"<tel:+13145550111>"] * (MAX_VALUES + 5))))
    assert len(attempt.diversions) == MAX_VALUES + 1
    assert attempt.diversions[-1].number is None
    assert attempt.diversions[-1].raw.count(b"tel:") == 5


@pytest.mark.parametrize(
    ("line", "oli", "cpc", "rn"),
    [
        (b"<sip:+13145550162;isup-oli=62@h>", b"62", None, None),
        (b"<sip:+13145550100@h;isup-oli=00;cpc=payphone>", b"00", b"payphone", None),
        (b"<sip:+13145550100;cpc=ordinary;oli=0@h>", b"0", b"ordinary", None),
        (b"<tel:+13145550100;rn=+13145559999>", None, None, "3145559999"),
        (b"<sip:+13145550100;ISUP-OLI = 27@h>", None, None, None),
    ],
)
def test_the_parameters_of_the_calling_number(
    line: bytes, oli: bytes | None, cpc: bytes | None, rn: str | None
) -> None:
    invite = _invite(b"P-Asserted-Identity: " + line)
    attempt = _attempt(invite)
    assert (attempt.originating_line.raw if attempt.originating_line else None) == oli
    assert (attempt.calling_party_category.raw if attempt.calling_party_category else None) == cpc
    assert _digits(attempt.calling_routing_number) == rn
    _assert_in_place(attempt, invite.data)
    if attempt.originating_line is not None:
        assert invite.data[: attempt.originating_line.offset].endswith(b"oli=")


@pytest.mark.parametrize(
    ("from_", "to", "field"),
    [
        (b"<sip:1@h", b"<sip:2@h>", "From"),
        (b"sip:1@h@g;tag=a", b"<sip:2@h>", "From"),
        (b'"open <sip:1@h>;tag=a', b"<sip:2@h>", "From"),
        (b"<sip:1@h>;tag=a", b"<sip:\xc3\xb6@\xc3\xb6>", "To"),
        (b"<sip:1@h>;tag=a", b"2", "To"),
        (b"<sip:1\r\n 2@h>;tag=a", b"<sip:2@h>", "From"),
    ],
)
def test_an_unreadable_from_or_to_is_malformed_and_says_which(from_: bytes, to: bytes, field: str) -> None:
    with pytest.raises(Malformed, match=f"{field}: "):
        _attempt(_invite(from_=from_, to=to))


_PIECES = st.lists(
    st.sampled_from(
        [
            b'"',
            b"\\",
            b"<",
            b">",
            b";",
            b",",
            b" ",
            b"\r\n ",
            b"=",
            b"@",
            b":",
            b"sip:",
            b"tel:",
            b"+13145550100",
            b"911",
            b"h",
            b";tag=a",
            b";rn=",
            b";cpc=x",
            b";isup-oli=6",
            b"<sip:1@h>",
            b"Bob",
            b"\xff",
            b"%41",
            b"urn:service:sos",
        ]
    ),
    max_size=12,
).map(b"".join)
_FIELDS = st.sampled_from(
    [b"P-Asserted-Identity", b"p-charge-info", b"Diversion", b"History-Info", b"Identity", b"y", b"Privacy"]
)


@given(
    st.one_of(st.just(b"<sip:1@h>;tag=a"), _PIECES),
    st.lists(st.tuples(_FIELDS, st.sampled_from([b":", b": ", b" :  "]), _PIECES), max_size=5),
    _PIECES,
)
def test_every_fact_stands_where_it_says(from_: bytes, lines: list[tuple[bytes, bytes, bytes]], uri: bytes) -> None:
    try:
        invite = _invite(*map(b"".join, lines), from_=from_, uri=uri or b"sip:1@h")
        invite.check()
        attempt = _attempt(invite)
    except Malformed:
        return
    _assert_in_place(attempt, invite.data)


@pytest.mark.parametrize("from_", [b"<sip:>;tag=a", b'"Ann <sip:+13145550100@h>;tag=a', b"<sip:a@h!h>;tag=a"])
def test_no_from_and_no_to_is_so_bad_that_it_stops_an_emergency_call(from_: bytes) -> None:
    invite = _invite(uri=b"sip:911@h", from_=from_, to=b"<sip:")
    attempt = _attempt(invite)
    assert attempt.emergency
    assert (attempt.calling.number, attempt.to.number) == (None, None)
    _assert_in_place(attempt, invite.data)
    with pytest.raises(Malformed, match="From: "):
        _attempt(_invite(from_=from_))


@pytest.mark.parametrize(
    "uri",
    [
        b"sip:+16365550199;npdi;rn=+16365559999;rn=+18165559999@h",
        b"sip:+16365550199;npdi;rn=+16365559999@h;rn=+18165559999",
        b"tel:+16365550199;RN=+16365559999;rn=",
    ],
)
def test_a_uri_cannot_name_two_routing_numbers(uri: bytes) -> None:
    with pytest.raises(Malformed, match="two values of rn"):
        _attempt(_invite(uri=uri))


def test_a_routing_number_said_twice_is_one() -> None:
    attempt = _attempt(_invite(uri=b"sip:+16365550199;npdi;rn=+16365559999@h;rn=+16365559999"))
    assert _digits(attempt.routing_number) == "6365559999"


@pytest.mark.parametrize(
    "parameters",
    [
        b";rn=",
        b";rn=nonsense",
        b";rn=\xff",
        b";rn=+13145559999;rn=+16365550000",
        b";%72n=+13145559999",  # rn
        b";npdi%3Brn=+13145559999",
        b";x=1%3Brn=+13145559999",
    ],
)
def test_a_routing_number_that_could_be_read_in_two_ways_is_malformed(parameters: bytes) -> None:
    with pytest.raises(Malformed):
        _attempt(_invite(uri=b"sip:+16365550199" + parameters + b"@h"))


def test_no_routing_number_stops_a_call_to_911() -> None:
    attempt = _attempt(_invite(uri=b"sip:911;rn=nonsense@h"))
    assert (attempt.emergency, attempt.routing_number) == (True, None)
