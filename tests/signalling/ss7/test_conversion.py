"""Messages between ANSI and ITU-T networks: what is said alike, what is said otherwise, what is not said at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import (
    CarrierId,
    IsupMessage,
    P,
    TransmissionMedium,
    UserServiceInformation,
    encode_carrier,
    encode_user_service,
    isup_message,
)
from gateway.codecs.ss7.isup import MessageType as M
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.conversion import in_words_of
from tests.signalling.ss7.exchange_playbook import iam, message

ANSI, ITU = Variant.ANSI, Variant.ITU


def one(variant: Variant, said: IsupMessage) -> IsupMessage:
    (found,) = in_words_of(variant, said)
    return found


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("kind", [M.ACM, M.ANM, M.CPG, M.REL, M.SUS, M.FAC])
def test_within_a_network_a_message_is_the_very_one_that_came(variant: Variant, kind: M) -> None:
    said = message(kind, 1, variant=variant)
    assert one(variant, said) is said


@pytest.mark.parametrize("kind", [M.ACM, M.ANM, M.CPG, M.REL, M.SUS, M.RES, M.COT, M.INR, M.INF, M.FOT])
def test_messages_that_both_networks_have_keep_their_parameters(kind: M) -> None:
    said = message(kind, 1, variant=ITU)
    there = one(ANSI, said)
    assert (there.variant, there.type, there.parameters) == (ANSI, said.type, said.parameters)
    assert one(ITU, there).data == said.data


@pytest.mark.parametrize(
    ("medium", "capability"),
    [
        (TransmissionMedium.SPEECH, 0x00),
        (TransmissionMedium.UNRESTRICTED_64K, 0x08),
        (TransmissionMedium.AUDIO_3K1, 0x10),
    ],
)
def test_the_bearer_is_said_as_medium_here_and_as_service_there(medium: int, capability: int) -> None:
    said = iam(1, variant=ITU).replaced({P.TRANSMISSION_MEDIUM: bytes((medium,))})
    there = one(ANSI, said)
    assert there.user_service is not None
    assert there.user_service.capability == capability
    assert there.transmission_medium is None
    assert one(ITU, there).transmission_medium == medium


def test_a_bearer_that_is_said_already_is_left_as_it_is() -> None:
    service = encode_user_service(UserServiceInformation(capability=0x09, rest=b"\xa5"))
    there = one(ANSI, iam(1, variant=ITU).replaced({P.USER_SERVICE_INFORMATION: service}))
    assert there.values(P.USER_SERVICE_INFORMATION) == (service,)


def test_a_carrier_is_written_as_the_network_writes_it() -> None:
    carrier = CarrierId("288", network_type=2, plan=2)
    said = iam(1, variant=ITU).replaced({P.TRANSIT_NETWORK_SELECTION: encode_carrier(carrier, ITU)})
    there = one(ANSI, said).transit_network
    assert there is not None
    assert there.digits == "288"
    assert there.circuit == 0


def test_what_is_not_known_there_is_passed_on_and_not_lost() -> None:
    charge = bytes.fromhex("030152559999")
    assert one(ITU, iam(1).replaced({P.CHARGE_NUMBER: charge})).value(P.CHARGE_NUMBER) == charge


@pytest.mark.parametrize("kind", [M.ANM, M.CON])
def test_an_answer_without_an_acm_becomes_an_acm_and_an_answer(kind: M) -> None:
    said = message(kind, 1, variant=ITU).replaced({P.USER_TO_USER_INFORMATION: b"\x04x"})
    acm, anm = in_words_of(ANSI, said, acm_sent=False)
    assert (acm.type, anm.type) == (M.ACM, M.ANM)
    assert anm.value(P.USER_TO_USER_INFORMATION) == b"\x04x"
    if kind is M.CON:
        assert acm.backward_call == said.backward_call


def test_a_connect_message_stays_one_where_the_network_has_it() -> None:
    said = message(M.CON, 1, variant=ITU)
    assert in_words_of(ITU, said, acm_sent=False) == (said,)


def test_a_type_that_a_network_does_not_have_is_not_said_to_it() -> None:
    assert in_words_of(ITU, isup_message(ANSI, M.EXM, 1)) == ()


@pytest.mark.parametrize("broken", [{P.TRANSIT_NETWORK_SELECTION: b""}, {P.USER_SERVICE_INFORMATION: b"\x80"}])
def test_what_must_be_read_to_be_said_and_cannot_is_not_said(broken: dict[int, bytes | None]) -> None:
    assert in_words_of(ITU, iam(1).replaced(broken)) == ()


def test_a_carrier_of_an_impossible_length_is_not_said() -> None:
    carrier = encode_carrier(CarrierId("28812"), ITU)
    assert in_words_of(ANSI, iam(1, variant=ITU).replaced({P.TRANSIT_NETWORK_SELECTION: carrier})) == ()


@settings(deadline=None)
@given(st.sampled_from(list(Variant)), st.integers(0, 255), st.binary(max_size=60), st.booleans())
def test_arbitrary_messages_are_said_or_not_and_raise_nothing(
    variant: Variant, kind: int, rest: bytes, acm_sent: bool
) -> None:
    try:
        said = IsupMessage(bytes((1, 0, kind)) + rest, variant)
    except Malformed:
        return
    for other in Variant:
        for each in in_words_of(other, said, acm_sent=acm_sent):
            assert each.variant is other
