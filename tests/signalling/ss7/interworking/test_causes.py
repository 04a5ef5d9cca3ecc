"""SIP status codes and Q.850 causes, against the tables of RFC 3398 as they are printed there."""

from __future__ import annotations

import pytest

from gateway.signalling.ss7.interworking.causes import (
    ANSI_CODING,
    BEYOND_INTERWORKING_POINT,
    Q850,
    USER,
    cause_of_status,
    q850_of,
    reason_of,
    sip_status_of,
)

RFC_3398_7_2_4_1 = """
1 404 unallocated number
2 404 no route to network
3 404 no route to destination
17 486 user busy
18 408 no user responding
19 480 no answer from the user
20 480 subscriber absent
21 403 call rejected
22 410 number changed (w/o diagnostic)
23 410 redirection to new destination
26 404 non-selected user clearing
27 502 destination out of order
28 484 address incomplete
29 501 facility rejected
31 480 normal unspecified
34 503 no circuit available
38 503 network out of order
41 503 temporary failure
42 503 switching equipment congestion
47 503 resource unavailable
55 403 incoming calls barred within CUG
57 403 bearer capability not authorized
58 503 bearer capability not presently available
65 488 bearer capability not implemented
70 488 only restricted digital avail
79 501 service or option not implemented
87 403 user not member of CUG
88 503 incompatible destination
102 504 recovery of timer expiry
111 500 protocol error
127 500 interworking unspecified
"""

RFC_3398_8_2_6_1 = """
400 41
401 21
402 21
403 21
404 1
405 63
406 79
407 21
408 102
410 22
413 127
414 127
415 79
416 127
420 127
421 127
423 127
480 18
481 41
482 25
483 25
484 28
485 1
486 17
500 41
501 79
502 38
503 41
504 102
505 127
513 127
600 17
603 21
604 1
"""


@pytest.mark.parametrize("row", RFC_3398_7_2_4_1.strip().splitlines())
def test_a_release_before_the_answer_becomes_the_status_of_the_rfcs_table(row: str) -> None:
    cause, status = map(int, row.split()[:2])
    assert sip_status_of(cause) == status


@pytest.mark.parametrize("row", RFC_3398_8_2_6_1.strip().splitlines())
def test_a_final_response_becomes_the_cause_of_the_rfcs_table(row: str) -> None:
    status, cause = map(int, row.split())
    assert cause_of_status(status) == cause


@pytest.mark.parametrize("cause", [0, 4, 5, 25, 30, 44, 63, 97, 126])
def test_a_cause_that_the_rfc_does_not_name_is_500(cause: int) -> None:
    assert sip_status_of(cause) == 500


@pytest.mark.parametrize("status", [300, 302, 380, 422, 424, 428, 440, 494, 580, 555, 699])
def test_a_status_that_no_document_maps_is_interworking_unspecified(status: int) -> None:
    assert cause_of_status(status) == 127


def test_normal_clearing_before_an_answer_is_temporarily_unavailable() -> None:
    assert sip_status_of(16) == 480


def test_a_call_that_the_user_rejected_is_declined_everywhere() -> None:
    assert sip_status_of(21, location=USER) == 603


@pytest.mark.parametrize(("cause", "status", "q850"), [(23, 404, 1), (24, 403, 21), (26, 404, 26), (27, 404, 1)])
def test_an_ansi_cause_is_read_by_its_own_meaning(cause: int, status: int, q850: int) -> None:
    assert sip_status_of(cause, coding=ANSI_CODING) == status
    assert reason_of(cause, 2, ANSI_CODING) == b"Q.850;cause=%d;location=LN" % q850


@pytest.mark.parametrize("status", [488, 606])
@pytest.mark.parametrize(
    ("warning", "cause"),
    [
        (b'304 b "Media type not available"', 65),
        (b'305 b "Incompatible media format"', 65),
        (b'399 b "Miscellaneous", 305 b "Incompatible media format"', 65),
        (b'370 b "Insufficient bandwidth"', 31),
        (b'1305 b ""', 31),
    ],
)
def test_a_warning_says_whether_it_was_the_bearer(status: int, warning: bytes, cause: int) -> None:
    assert cause_of_status(status, [warning]) == cause
    assert cause_of_status(status) == 31


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Q.850;cause=16", Q850(16, BEYOND_INTERWORKING_POINT)),
        (b'q.850 ; cause=17 ; text="User busy"', Q850(17, BEYOND_INTERWORKING_POINT)),
        (b"Q.850;location=RLN;cause=3", Q850(3, 4)),
        (b'SIP;cause=486;text="a, Q.850;cause=1", Q.850;cause=21;location=U', Q850(21, 0)),
        (b'Q.850;text="\\";cause=3";cause=4', Q850(4, BEYOND_INTERWORKING_POINT)),
        (b"Q.850;cause=128", None),
        (b"Q.850;cause=", None),
        (b"Q.850", None),
        (b"XQ.850;cause=16", None),
        (b"SIP;cause=200", None),
        (b"", None),
    ],
)
def test_the_reason_header_gives_the_cause(value: bytes, expected: Q850 | None) -> None:
    assert q850_of([value]) == expected


def test_of_several_reasons_the_first_of_q850_counts() -> None:
    assert q850_of([b"SIP;cause=500", b"Q.850;cause=38", b"Q.850;cause=16"]) == Q850(38, BEYOND_INTERWORKING_POINT)


@pytest.mark.parametrize("location", range(16))
@pytest.mark.parametrize("cause", [0, 1, 16, 102, 127])
def test_a_cause_and_its_location_cross_sip_unchanged(cause: int, location: int) -> None:
    assert q850_of([reason_of(cause, location)]) == Q850(cause, location)
