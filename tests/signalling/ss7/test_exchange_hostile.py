"""Bytes from a neighbour that means no good: the exchange fails on none, and no call is left behind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.ss7.isup import IsupMessage, P
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.call import Action, Decided, Ended
from tests.signalling.ss7.exchange_playbook import (
    HOST,
    OURS,
    PARTNER,
    A,
    B,
    Stage,
    iam,
    itu,
    message,
)

SAID = [
    iam(1, variant=variant).replaced(
        {
            P.TRANSIT_NETWORK_SELECTION: b"\x21\x82\x08",
            P.USER_SERVICE_INFORMATION: b"\x90\x90\xa2",
            0xC0: b"\xc0\x03\x10\x13",
        }
    )
    for variant in Variant
]


@settings(deadline=None)
@given(
    st.sampled_from(SAID),
    st.lists(st.tuples(st.integers(2, 60), st.integers(0, 255)), max_size=4),
    st.integers(0, 60),
    st.lists(
        st.tuples(st.sampled_from((A, B)), st.integers(0, 4), st.integers(0, 255), st.binary(max_size=12)), max_size=6
    ),
)
def test_no_bytes_fail_the_exchange_nor_leave_a_call_behind(
    said: IsupMessage,
    changes: list[tuple[int, int]],
    cut: int,
    others: list[tuple[int, int, int, bytes]],
) -> None:
    variants = (said.variant, Variant.ITU if said.variant is Variant.ANSI else Variant.ANSI)
    groups = [
        itu(each) if variant is Variant.ITU else each for each, variant in zip((PARTNER, HOST), variants, strict=True)
    ]
    stage = Stage(groups)
    data = bytearray(said.data)
    for at, octet in changes:
        data[at % len(data)] = octet
    data[:2] = b"\x01\x00"
    actions: list[Action] = []
    stage.exchange.receive(
        Mtp3Transfer(A, OURS, 5, 2, 0, 0, bytes(data[: len(data) - cut // 4])), stage.now_us, actions
    )
    for origin, cic, kind, rest in others:
        stage.exchange.receive(
            Mtp3Transfer(origin, OURS, 5, 2, 0, 0, bytes((cic, 0, kind)) + rest), stage.now_us, actions
        )
    for cic in range(1, 5):
        for origin, variant in zip((A, B), variants, strict=True):
            rel = message(M.REL, cic, variant=variant).data
            stage.exchange.receive(Mtp3Transfer(origin, OURS, 5, 2, 0, 0, rel), stage.now_us, actions)
    assert stage.settled()
    decided = [told.call for told in actions if isinstance(told, Decided)]
    assert sorted(map(id, decided)) == sorted(id(told.call) for told in actions if isinstance(told, Ended))
