"""Floods against a proxy without sockets: time is handed in, so a day of them takes no time of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.codecs.sip import SipMessage, ack_of_failure, cancel_of, headers
from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Send
from tests.hostile.growing import sound
from tests.hostile.world import SECOND_US, STRANGER, World
from tests.wiring.small_gateway import OTHER_PROVIDER_NUMBER, OUTSIDE_NUMBER

Flood = Callable[[World, int], None]
"""Sends the message of this number, and whatever belongs to it."""

PER_SECOND: Final = 20_000
"""Messages of a flood."""


def _half_open(world: World, number: int) -> None:
    """INVITEs of a member, of a provider without a limit: nobody answers them, behind or before us."""
    world.proxy.receive(sound(f"half{number}", world.caller, calling=OTHER_PROVIDER_NUMBER), world.caller, world.now_us)


def _unknown_sender(world: World, number: int) -> None:
    """INVITEs of somebody who belongs to no trunk group: refused, and never acknowledged."""
    source = Hop(STRANGER.host, 1024 + number % 60_000)
    world.proxy.receive(sound(f"stranger{number}", source), source, world.now_us)


def _refused(world: World, number: int) -> None:
    """INVITEs of a member to where they must not go: refused, and acknowledged at once; dropped, when it gets to be
    too many.
    """
    invite = sound(f"refused{number}", world.caller, calling=OTHER_PROVIDER_NUMBER, called=OUTSIDE_NUMBER)
    for action in world.proxy.receive(invite, world.caller, world.now_us):
        if type(action) is Send:
            to = SipMessage(action.data).value(headers.TO)
            world.proxy.receive(ack_of_failure(SipMessage(invite), to or b""), world.caller, world.now_us)


def _cancelled(world: World, number: int) -> None:
    """INVITEs of a member that are cancelled before anything came back."""
    invite = sound(f"cancelled{number}", world.caller, calling=OTHER_PROVIDER_NUMBER)
    world.proxy.receive(invite, world.caller, world.now_us)
    world.proxy.receive(cancel_of(SipMessage(invite)), world.caller, world.now_us)


def _emergency(world: World, number: int) -> None:
    """INVITEs of a member to 911, which nothing refuses."""
    world.proxy.receive(sound(f"sos{number}", world.caller, called="911"), world.caller, world.now_us)


FLOODS: Final[dict[str, Flood]] = {
    "half-open INVITEs of a member": _half_open,
    "INVITEs of an unknown sender": _unknown_sender,
    "INVITEs refused and acknowledged": _refused,
    "INVITEs cancelled": _cancelled,
    "half-open INVITEs to 911": _emergency,
}


def flood(world: World, kind: Flood, count: int, first: int = 0) -> None:
    """Send them, with the time passing as they come, and the timers firing."""
    for number in range(first, first + count):
        kind(world, number)
        let_time_pass(world, 1 / PER_SECOND)


def let_time_pass(world: World, seconds: float) -> None:
    """As `World.pass_time`, without looking at what is sent: a flood was not looked at either."""
    end_us = world.now_us + round(seconds * SECOND_US)
    while (wake_us := world.proxy.next_wake_us) is not None and wake_us <= end_us:
        world.now_us = max(world.now_us, wake_us)
        world.proxy.wake(world.now_us)
    world.now_us = end_us


def first_answer(world: World, mark: str, *, called: str) -> str:
    """What an honest call gets first: its status, and whether it went on."""
    actions = world.proxy.receive(
        sound(mark, world.caller, calling=OTHER_PROVIDER_NUMBER, called=called), world.caller, world.now_us
    )
    sends = [action for action in actions if isinstance(action, Send)]
    on = " and forwarded" if any(action.target == world.callee for action in sends) else ""
    return sends[0].data[8:11].decode() + on
