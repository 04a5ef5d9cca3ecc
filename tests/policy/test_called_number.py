"""The called number within one message (L7; portability parameters of RFC 4694)."""

from __future__ import annotations

from typing import Any

import pytest
from attempts import CALLED, attempt, identity
from guides import GUIDE, HOST_LRN, PORTED, UNLISTED_LRN

from gateway.policy.checks.called_number import CalledNumber
from gateway.policy.refusals import REFUSALS, Reason
from gateway.policy.verdict import Verdict

CHECK = CalledNumber(GUIDE, PORTED)
DIVERTER = "+16365550144"
SIGNED_FOR_DIVERTER = identity(dest=("16365550144",))

ROWS = [
    ("as dialled", {}, Verdict.PASS),
    ("in ten digits", {"called": CALLED[2:], "to": CALLED}, Verdict.PASS),
    ("To without a number", {"to": "alice"}, Verdict.PASS),
    ("ported, dip made", {"called": "+18165550100", "rn": HOST_LRN, "npdi": True}, Verdict.PASS),
    ("dip made, not ported", {"npdi": True}, Verdict.PASS),
    ("signed for this number", {"identities": (identity(),)}, Verdict.PASS),
    ("signed for several", {"identities": (identity(dest=("16365550111", "16365550199")),)}, Verdict.PASS),
    ("signed for a name only", {"identities": (identity(dest=()),)}, Verdict.PASS),
    (
        "diverted, by Diversion",
        {"to": DIVERTER, "diversions": (DIVERTER,), "identities": (SIGNED_FOR_DIVERTER,)},
        Verdict.PASS,
    ),
    (
        "diverted, by History-Info",
        {"to": DIVERTER, "history": (DIVERTER, CALLED), "identities": (SIGNED_FOR_DIVERTER,)},
        Verdict.PASS,
    ),
    (
        "diverted, by a div PASSporT",
        {"to": DIVERTER, "identities": (SIGNED_FOR_DIVERTER, identity(div="16365550144"))},
        Verdict.PASS,
    ),
    ("911", {"called": "911", "emergency": True}, Verdict.PASS),
    ("a service urn", {"called": "service:sos", "emergency": True}, Verdict.PASS),
    ("directory assistance", {"called": "411"}, Verdict.PASS),
    ("rn without npdi", {"called": "+18165550100", "rn": HOST_LRN}, Verdict.WARN),
    ("rn that LERG 12 doesn't have", {"rn": UNLISTED_LRN, "npdi": True}, Verdict.WARN),
    ("npdi, and yet ported", {"called": "+18165550100", "npdi": True}, Verdict.WARN),
    ("To differs", {"to": "+16365550111"}, Verdict.WARN),
    ("a name in a foreign capture", {"called": "alice", "ingress": None}, Verdict.WARN),
    ("rn on a code that nobody holds", {"rn": "9995559999", "npdi": True}, Verdict.FABRICATED),
    ("rn that is no number of the NANP", {"rn": "12", "npdi": True}, Verdict.FABRICATED),
    ("the LRN in place of the dialled digits", {"called": f"+1{HOST_LRN}", "npdi": True}, Verdict.ALTERED),
    ("the same without npdi", {"called": HOST_LRN}, Verdict.ALTERED),
    ("signed for another number", {"identities": (SIGNED_FOR_DIVERTER,)}, Verdict.ALTERED),
    (
        "signed for another than the one that diverted",
        {"diversions": ("+16365550145",), "identities": (SIGNED_FOR_DIVERTER,)},
        Verdict.ALTERED,
    ),
    ("no number on a trunk group", {"called": "alice"}, Verdict.MISSING),
]


@pytest.mark.parametrize(("facts", "verdict"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_dialled_number_arrives_as_it_was_dialled(facts: dict[str, Any], verdict: Verdict) -> None:
    finding = CHECK.judge(attempt(**facts))
    assert finding.verdict is verdict
    expected = {
        Verdict.ALTERED: REFUSALS[Reason.CALLED_ALTERED],
        Verdict.MISSING: REFUSALS[Reason.CALLED_MISSING],
        Verdict.FABRICATED: REFUSALS[Reason.CALLED_FABRICATED],
    }
    assert finding.refusal == expected.get(verdict)
    if verdict is not Verdict.PASS:
        assert finding.evidence[0].field == "Request-URI"
        assert finding.clause == "L7"


def test_an_altered_called_number_shows_the_bytes_of_the_uri_and_of_the_signature() -> None:
    finding = CHECK.judge(attempt(identities=(SIGNED_FOR_DIVERTER,)))
    assert [(seen.field, seen.offset) for seen in finding.evidence] == [("Request-URI", 7), ("Identity", 500)]
    assert "6365550144" in finding.text


def test_without_a_guide_an_lrn_cannot_be_told_from_any_number() -> None:
    assert CalledNumber().judge(attempt(called=HOST_LRN)).verdict is Verdict.PASS
    assert CalledNumber().judge(attempt(rn="9995559999", npdi=True)).verdict is Verdict.PASS
