"""What a flight recorder holds of the last messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from peers import LOOPBACK, Peer, ScriptedProxy, transport_of

from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.signalling.call import Action, Send
from gateway.signalling.seen_message import Carried, SeenMessage
from gateway.transport.flight_recorder import OVERHEAD_BYTES, FlightRecorder

US = Hop("192.0.2.1", 5060)
PEER = Hop("192.0.2.2", 5070)
OVER_TLS = Hop("2001:db8::1", 5061, Transport.TLS)
ALWAYS = 2**62


def arrival(data: bytes, at_us: int) -> tuple[bytes, Hop, int]:
    return data, PEER, at_us


def test_messages_in_and_out_are_given_with_both_their_ends_oldest_first() -> None:
    recorder = FlightRecorder(100_000)
    recorder.received([arrival(b"INVITE", 1), arrival(b"OPTIONS", 2)], US)
    recorder.sent([Send(b"SIP/2.0 100", PEER)], US, 3)
    recorder.transferred(4, ("192.0.2.3", 2905), ("192.0.2.1", 2905), b"\x01\x00")
    recorder.received([(b"BYE", Hop("2001:db8::2", 40_000, Transport.TLS, 7), 5)], OVER_TLS)
    assert recorder.slice(0, ALWAYS) == [
        SeenMessage(1, PEER.address, US.address, b"INVITE", Carried.UDP),
        SeenMessage(2, PEER.address, US.address, b"OPTIONS", Carried.UDP),
        SeenMessage(3, US.address, PEER.address, b"SIP/2.0 100", Carried.UDP),
        SeenMessage(4, ("192.0.2.3", 2905), ("192.0.2.1", 2905), b"\x01\x00", Carried.M3UA),
        SeenMessage(5, ("2001:db8::2", 40_000), OVER_TLS.address, b"BYE", Carried.TLS),
    ]


def test_a_slice_is_of_a_stretch_of_time_and_of_what_is_wanted() -> None:
    recorder = FlightRecorder(100_000)
    recorder.received([arrival(b"%d" % number, number) for number in range(10)], US)
    odd = recorder.slice(3, 7, lambda message: int(message.data) % 2 == 1)
    assert [message.at_us for message in odd] == [3, 5, 7]


def test_nothing_that_came_is_nothing_held() -> None:
    recorder = FlightRecorder(100_000)
    recorder.received([], US)
    recorder.sent([], US, 1)
    assert (recorder.slice(0, ALWAYS), recorder.held_bytes) == ([], 0)


def test_the_oldest_go_when_there_are_too_many_bytes() -> None:
    recorder = FlightRecorder(3 * (OVERHEAD_BYTES + 100))
    for number in range(10):
        recorder.received([arrival(bytes(100), number)], US)
    assert [message.at_us for message in recorder.slice(0, ALWAYS)] == [7, 8, 9]


async def test_an_endpoint_has_what_came_and_what_went_recorded_but_not_what_no_socket_took() -> None:
    def answer(data: bytes, source: Hop) -> list[Action]:
        return [Send(b"answer to " + data, source), Send(b"lost", Hop(LOOPBACK, 70_000))]

    recorder, peer = FlightRecorder(100_000), Peer()
    transport = transport_of(ScriptedProxy(answer), recorder=recorder)
    peer.send(b"INVITE", transport.local.address)
    await peer.receive()
    here, there = transport.local.address, peer.address
    transport.close()
    peer.close()
    assert [message[1:] for message in recorder.slice(0, ALWAYS)] == [
        (there, here, b"INVITE", Carried.UDP),
        (here, there, b"answer to INVITE", Carried.UDP),
    ]


BATCHES = st.lists(st.tuples(st.sampled_from(["in", "out", "m3ua"]), st.lists(st.integers(0, 400), max_size=5)))


@given(batches=BATCHES, most_bytes=st.integers(0, 5_000))
def test_the_bound_is_never_exceeded_and_what_is_held_is_the_newest(
    batches: list[tuple[str, list[int]]], most_bytes: int
) -> None:
    recorder = FlightRecorder(most_bytes)
    sizes: list[int] = []
    for way, lengths in batches:
        if way == "in":
            recorder.received([arrival(bytes(length), 1) for length in lengths], US)
        elif way == "out":
            recorder.sent([Send(bytes(length), PEER) for length in lengths], US, 1)
        else:
            for length in lengths:
                recorder.transferred(1, PEER.address, US.address, bytes(length))
        sizes += lengths
        held = [len(message.data) for message in recorder.slice(0, ALWAYS)]
        assert recorder.held_bytes == sum(held) + OVERHEAD_BYTES * len(held) <= most_bytes
        assert held == sizes[len(sizes) - len(held) :]
