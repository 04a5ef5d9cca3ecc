"""Decoding Identity headers: the claims of a PASSporT, and everything that isn't one."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.passport import MAX_BYTES, MAX_DESTINATIONS, Passport, decode_identity

HEADER = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": "https://certificates.example/1.pem"}
PAYLOAD = {
    "attest": "A",
    "dest": {"tn": ["16365550199"]},
    "iat": 1_760_000_000,
    "orig": {"tn": "13145550100"},
    "origid": "123e4567-e89b-12d3-a456-426655440000",
}
PARAMETERS = ";info=<https://certificates.example/1.pem>;alg=ES256;ppt=shaken"


def segment(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def identity(header: Any = HEADER, payload: Any = PAYLOAD, parameters: str = PARAMETERS) -> bytes:
    return f"{segment(header)}.{segment(payload)}.c2lnbmF0dXJl{parameters}".encode()


def test_a_shaken_passport_gives_its_claims() -> None:
    assert decode_identity(identity()) == Passport(
        compact=False,
        alg="ES256",
        ppt="shaken",
        info="https://certificates.example/1.pem",
        x5u="https://certificates.example/1.pem",
        orig_tn="13145550100",
        dest_tn=("16365550199",),
        attest="A",
        iat=1_760_000_000,
        origid="123e4567-e89b-12d3-a456-426655440000",
    )


def test_a_div_passport_names_who_diverted_the_call() -> None:
    payload = {"dest": {"tn": ["16365550199"]}, "div": {"tn": "16365550144"}, "iat": 1, "orig": {"tn": "13145550100"}}
    passport = decode_identity(identity({**HEADER, "ppt": "div"}, payload, ";info=<https://c.example>;ppt=div"))
    assert passport.ppt == "div"
    assert passport.div_tn == "16365550144"


def test_uris_stand_beside_numbers() -> None:
    payload = {"orig": {"uri": "sip:alice@example.com"}, "dest": {"uri": ["sip:bob@example.com"]}, "iat": 1}
    passport = decode_identity(identity(payload=payload))
    assert (passport.orig_tn, passport.orig_uri) == (None, "sip:alice@example.com")
    assert (passport.dest_tn, passport.dest_uri) == ((), ("sip:bob@example.com",))


def test_the_compact_form_names_no_numbers() -> None:
    passport = decode_identity(b"..c2lnbmF0dXJl;info=<https://c.example>;alg=ES256")
    assert passport.compact
    assert passport.orig_tn is None
    assert passport.info == "https://c.example"


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        ";info=<https://certificates.example/1.pem>",
        ' ; info = <https://certificates.example/1;v=2.pem> ; alg = ES256 ; ppt = "shaken"',
        "\r\n ;info=<https://certificates.example/1.pem>;ppt=shaken;alg=ES256;canon=abc;flag ",
        ";INFO=<https://certificates.example/1.pem>;PPT=shaken",
    ],
)
def test_parameters_are_read_in_any_order_and_spelling(parameters: str) -> None:
    assert decode_identity(identity(parameters=parameters)).orig_tn == "13145550100"


def test_one_destination_may_stand_without_a_list() -> None:
    assert decode_identity(identity(payload={**PAYLOAD, "dest": {"tn": "16365550199"}})).dest_tn == ("16365550199",)


def test_a_time_with_a_fraction_is_cut_to_seconds() -> None:
    assert decode_identity(identity(payload={**PAYLOAD, "iat": 1_760_000_000.9})).iat == 1_760_000_000


PAYLOAD_AT = len(segment(HEADER)) + 1
MALFORMED = [
    ("nothing", b"", 0, "three parts"),
    ("one part", b"abc", 0, "three parts"),
    ("four parts", b"a.b.c.d", 0, "three parts"),
    ("leading space", b"  abc", 2, "three parts"),
    ("no signature", f"{segment(HEADER)}.{segment(PAYLOAD)}.".encode(), None, "no signature"),
    ("header alone", f"{segment(HEADER)}..c2ln".encode(), PAYLOAD_AT, "payload"),
    ("payload alone", f".{segment(PAYLOAD)}.c2ln".encode(), 0, "header"),
    ("one character of base64", b"a.e30.c2ln", 0, "not base64url"),
    ("not UTF-8", b"_____w.e30.c2ln", 0, "header"),
    ("not JSON", identity(header="{"), 0, "not JSON"),
    ("a list", identity(payload=[]), PAYLOAD_AT, "not a JSON object"),
    ("a key twice", identity(payload='{"orig":{"tn":"1"},"orig":{"tn":"2"}}'), PAYLOAD_AT, "twice"),
    ("NaN", identity(payload='{"iat":NaN}'), PAYLOAD_AT, "NaN"),
    ("a number without end", identity(payload='{"iat":' + "9" * 5000 + "}"), PAYLOAD_AT, "payload"),
    ("infinity by exponent", identity(payload='{"iat":1e999}'), PAYLOAD_AT, "iat"),
    ("deep", identity(payload='{"a":' + "[" * 5900), PAYLOAD_AT, "payload"),
    ("orig a string", identity(payload={"orig": "13145550100"}), PAYLOAD_AT, "orig"),
    ("tn a number", identity(payload={"orig": {"tn": 13145550100}}), PAYLOAD_AT, "tn"),
    ("dest of numbers", identity(payload={"dest": {"tn": [1]}}), PAYLOAD_AT, "dest.tn"),
    ("iat a string", identity(payload={"iat": "now"}), PAYLOAD_AT, "iat"),
    ("iat true", identity(payload={"iat": True}), PAYLOAD_AT, "iat"),
    ("iat negative", identity(payload={"iat": -1}), PAYLOAD_AT, "iat"),
    (
        "too many destinations",
        identity(payload={"dest": {"tn": ["1"] * (MAX_DESTINATIONS + 1)}}),
        PAYLOAD_AT,
        "limit is 64",
    ),
    ("ppt of the header differs", identity(parameters=";ppt=div"), 0, "ppt"),
    ("parameter twice", identity(parameters=";alg=ES256;alg=none"), len(identity(parameters="")) + 11, "twice"),
    ("rubbish behind", identity(parameters=" rubbish"), len(identity(parameters="")), "neither"),
    ("info without an end", identity(parameters=";info=<https://c"), len(identity(parameters="")) + 5, "neither"),
    ("too long", b"a" * (MAX_BYTES + 1), MAX_BYTES, "longer than the limit"),
]


@pytest.mark.parametrize(
    ("value", "offset", "words"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_what_is_no_passport_is_malformed_and_says_where_and_why(value: bytes, offset: int | None, words: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_identity(value)
    assert words in caught.value.what
    if offset is not None:
        assert caught.value.offset == offset
    assert 0 <= caught.value.offset <= len(value)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_malformed_and_nothing_else(value: bytes) -> None:
    fault = None
    try:
        decode_identity(value)
    except Malformed as malformed:
        fault = malformed
    assert fault is None or 0 <= fault.offset <= len(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["orig", "dest", "div", "tn", "uri", "iat", "attest"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(JSON, JSON)
def test_arbitrary_json_is_read_or_malformed_and_nothing_else(header: Any, payload: Any) -> None:
    with suppress(Malformed):
        decode_identity(identity(header, payload, ""))


@given(st.binary(max_size=20), st.integers(0, len(identity())))
def test_a_damaged_header_is_read_or_malformed_and_nothing_else(damage: bytes, at: int) -> None:
    value = identity()
    with suppress(Malformed):
        decode_identity(value[:at] + damage + value[at + len(damage) :])
