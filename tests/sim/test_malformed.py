from __future__ import annotations

import contextlib

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage
from sim.frames import LONGEST_DATAGRAM
from sim.malformed import Expected, corpus

OWN = ("127.0.0.1", 5060)


def test_the_corpus_has_many_kinds_and_each_its_own_name() -> None:
    names = [kind.name for kind in corpus()]
    assert len(names) >= 25
    assert len(set(names)) == len(names)


def test_every_datagram_fits_udp() -> None:
    assert max(len(kind.payload(OWN)) for kind in corpus()) <= LONGEST_DATAGRAM


def test_what_is_to_be_answered_has_the_fields_of_which_an_answer_is_made() -> None:
    for kind in corpus():
        if kind.expected is not Expected.DROPPED:
            needed = (b"\r\nVia: ", b"\r\nFrom: ", b"\r\nTo: ", b"\r\nCall-Id: ", b"\r\nCseq: ")
            assert [name for name in needed if name.lower() not in kind.payload(OWN).lower()] == [], kind.name


def test_the_codec_raises_nothing_but_malformed() -> None:
    for kind in corpus():
        with contextlib.suppress(Malformed):
            SipMessage(kind.payload(OWN)).check()
