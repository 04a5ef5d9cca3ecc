from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.malformed import corpus
from sim.passports import NOT_A_SIGNATURE, identity_value, passport
from sim.sip_text import address_of, read, via_target

SOUND = (
    b"INVITE sip:1@h SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa, SIP/2.0/UDP [::1]\r\n"
    b"f: <sip:a@b>;tag=1\r\nTO :<sip:c@d>\r\ni:x\r\nSubject: folded\r\n  line\r\nCSeq: 1 INVITE\r\n\r\nbody"
)


def test_compact_folded_and_listed_fields_are_read_and_kept_as_they_came() -> None:
    message = read(SOUND)
    assert message is not None
    assert message.values(b"via") == [b"SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa", b"SIP/2.0/UDP [::1]"]
    assert message.first(b"subject") == b"folded line"
    assert message.first(b"to") == b"<sip:c@d>"
    assert bytes(message) == SOUND


@given(st.integers(0, len(SOUND)), st.integers(0, len(SOUND)), st.binary(max_size=12))
def test_whatever_is_read_is_written_back_byte_for_byte(start: int, end: int, put_in: bytes) -> None:
    data = SOUND[:start] + put_in + SOUND[max(start, end) :]
    message = read(data)
    assert message is None or bytes(message) == data


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing(data: bytes) -> None:
    read(data)
    address_of(data)
    via_target(data)


def test_the_hostile_corpus_raises_nothing() -> None:
    for kind in corpus():
        read(kind.payload(("::1", 5060)))


@pytest.mark.parametrize(
    ("via", "target"),
    [
        (b"SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKa", ("127.0.0.1", 5062)),
        (b"SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa", ("127.0.0.1", 5060)),
        (b"SIP/2.0/UDP host.example;rport=5070;received=127.0.0.9;branch=z9hG4bKa", ("127.0.0.9", 5070)),
        (b"SIP/2.0/UDP [::1]:5062;branch=z9hG4bKa", ("::1", 5062)),
        (b"SIP/2.0/UDP host.example;branch=z9hG4bKa", None),
        (b"SIP/2.0/UDP 127.0.0.1:5062;rport=99999", None),
    ],
)
def test_a_response_goes_where_its_via_says(via: bytes, target: tuple[str, int] | None) -> None:
    assert via_target(via) == target


def test_a_passport_has_the_claims_of_its_call_and_no_signature() -> None:
    token = passport("+1 (314) 555-0100", "+15735550123", "B", issued_at_s=1_760_000_000)
    header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    assert json.loads(header)["alg"] == "ES256"
    read_claims = json.loads(claims)
    assert (read_claims["attest"], read_claims["iat"]) == ("B", 1_760_000_000)
    assert (read_claims["orig"], read_claims["dest"]) == ({"tn": "13145550100"}, {"tn": ["15735550123"]})
    assert b" " not in claims
    assert list(read_claims) == sorted(read_claims)
    assert signature == NOT_A_SIGNATURE
    assert len(signature) == 64
    assert identity_value(token).startswith(token + ";info=<https://")


@pytest.mark.parametrize(("orig", "attest", "match"), [("anonymous", "A", "orig"), ("+13145550100", "D", "attest")])
def test_a_passport_without_a_number_or_an_attestation_is_refused(orig: str, attest: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        passport(orig, "+15735550123", attest, issued_at_s=0)
