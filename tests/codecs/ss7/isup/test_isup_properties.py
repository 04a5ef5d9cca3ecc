"""What holds of all octets: they are read and kept, or refused as malformed with an offset in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.codecs.ss7.isup import IsupMessage, MessageType, P, isup_message, layout_of
from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.reading import read_all
from tests.codecs.ss7.isup.samples import samples

SAMPLES = [sample for variant in Variant for sample in samples(variant)]
VARIANTS = st.sampled_from(Variant)


@given(st.binary(max_size=300), VARIANTS, st.booleans())
def test_arbitrary_octets_are_read_or_malformed(data: bytes, variant: Variant, has_cic: bool) -> None:
    read_all(data, variant, has_cic=has_cic)


@given(st.sampled_from(MessageType), st.binary(max_size=60), VARIANTS)
def test_arbitrary_octets_behind_any_type_are_read_or_malformed(kind: int, rest: bytes, variant: Variant) -> None:
    read_all(b"\1\0" + bytes((kind,)) + rest, variant, has_cic=True)


@given(st.sampled_from(SAMPLES), st.data())
def test_a_message_with_octets_altered_is_read_or_malformed(sample: IsupMessage, data: st.DataObject) -> None:
    octets = bytearray(sample.data)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    read_all(bytes(octets), sample.variant, has_cic=True)


@st.composite
def messages(draw: st.DrawFn) -> tuple[Variant, int, int, list[tuple[int, bytes]]]:
    variant = draw(VARIANTS)
    kind = draw(st.sampled_from([kind for kind in MessageType if layout_of(variant, kind)]))
    layout = layout_of(variant, kind)
    assert layout is not None
    parameters = [(name, draw(st.binary(min_size=size, max_size=size))) for name, size in layout.fixed]
    parameters += [(name, draw(st.binary(max_size=20))) for name in layout.variable]
    if layout.optional.value:
        more = st.tuples(st.integers(1, 255), st.binary(max_size=12))
        parameters += draw(st.lists(more, max_size=8))
    return variant, kind, draw(st.integers(0, 0x0FFF)), parameters


@given(messages())
def test_what_is_built_is_read_back_and_built_again(made: tuple[Variant, int, int, list[tuple[int, bytes]]]) -> None:
    variant, kind, cic, parameters = made
    message = isup_message(variant, kind, cic, parameters)
    assert (message.type, message.cic) == (kind, cic)
    assert list(message.parameters) == parameters
    again = IsupMessage(message.encode(), variant)
    assert again.parameters == message.parameters
    assert isup_message(variant, kind, cic, again.parameters).data == message.data


@given(messages())
def test_the_body_of_sip_is_the_message_without_its_cic(
    made: tuple[Variant, int, int, list[tuple[int, bytes]]],
) -> None:
    variant, kind, cic, parameters = made
    message = isup_message(variant, kind, cic, parameters)
    body = isup_message(variant, kind, None, parameters)
    assert body.data == message.data[2:]
    assert body.parameters == message.parameters
    assert IsupMessage(body.data, variant, has_cic=False).with_cic(cic).data == message.data


def test_every_name_of_a_parameter_is_one_octet() -> None:
    assert all(0 <= name <= 255 for name in P)
