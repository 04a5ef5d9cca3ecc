"""A lossy network on loopback: datagrams between nodes get lost, doubled, delayed and overtaken, by a fixed pattern.

    python -m sim.lossy_relay --node 127.0.0.1:5060=127.0.0.21:5060 --node 127.0.0.1:5070=127.0.0.22:5070 --lose 5

Each node listens on an address of its own (the left one), and is known to the others by another (the right one), which
it also writes into its messages: the gateway as `record_route_host`, Kamailio as `advertise`, SIPp in Via and Contact.
The relay listens on the right ones. What comes there from a node goes on to the node behind, and shows the sender's
right address as its source; so the nodes see a plain network, and nothing of the relay. Datagrams from elsewhere are
dropped. What happens to the n-th datagram from one node to another depends on `--seed`, the two nodes and n alone.

It runs until SIGTERM, SIGINT or `--seconds`, then prints what it did as one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

Address = tuple[str, int]

MOST_HELD: Final = 10_000
"""Datagrams that are under way at one time at most; those beyond are lost, and counted as such."""
LONGEST_DELAY_S: Final = 2.0
LONGEST_S: Final = 3_600.0
RECEIVE_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Impairment:
    """What happens to datagrams. Shares are of 1, times in seconds. Raises ValueError for what makes no sense."""

    lose: float = 0.0
    duplicate: float = 0.0
    """Sent twice, the second time by `late_s` later."""
    reorder: float = 0.0
    """Held back by `late_s`, so that those behind it overtake."""
    late_s: float = 0.03
    jitter_s: float = 0.0
    """Every datagram is delayed by anything from 0 to this."""

    def __post_init__(self) -> None:
        for name in ("lose", "duplicate", "reorder"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a share from 0 to 1, got {getattr(self, name)}")
        for name in ("late_s", "jitter_s"):
            if not 0.0 <= getattr(self, name) <= LONGEST_DELAY_S / 2:
                raise ValueError(f"{name} is from 0 to {LONGEST_DELAY_S / 2:g} s, got {getattr(self, name)}")


class Fate(NamedTuple):
    """What happens to one datagram."""

    delays_s: tuple[float, ...]
    """A delay for each copy that arrives; none: it is lost."""
    what: str


class Pattern:
    """The fates of the datagrams of one direction, one after the other: the same ones for the same seed."""

    def __init__(self, impairment: Impairment, seed: str) -> None:
        self._impairment: Final = impairment
        self._random: Final = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def next(self) -> Fate:
        ours, draw = self._impairment, self._random.random
        # Always as many draws, so that one share does not shift the others' pattern.
        lost, doubled, held, delay_s = draw() < ours.lose, draw() < ours.duplicate, draw() < ours.reorder, draw()
        delay_s *= ours.jitter_s
        if lost:
            return Fate((), "lost")
        if doubled:
            return Fate((delay_s, delay_s + ours.late_s), "doubled")
        if held:
            return Fate((delay_s + ours.late_s,), "held back")
        return Fate((delay_s,), "passed")


class Node(NamedTuple):
    """One member of the network."""

    own: Address
    """Where it listens, and sends from."""
    known_as: Address
    """Where the others send to."""


class LossyRelay:
    """Carries datagrams between nodes. Open it in a running loop; `tally` says what it did."""

    def __init__(self, nodes: tuple[Node, ...], impairment: Impairment, seed: int) -> None:
        """Raises ValueError for an address that is not on loopback, or stands twice."""
        addresses = [address for node in nodes for address in node]
        for host, port in addresses:
            if not ip_address(host).is_loopback:
                raise ValueError(f"the relay is for loopback (127.0.0.0/8, ::1), not for {host}:{port}")
        if len(set(addresses)) != len(addresses):
            raise ValueError("an address stands twice: give each node one of its own and one to be known by")
        self._nodes: Final = {node.own: node for node in nodes}
        self._patterns: Final = {
            (sender.own, receiver.own): Pattern(impairment, f"{seed} {sender.known_as} {receiver.known_as}")
            for sender in nodes
            for receiver in nodes
        }
        self._doors: Final[dict[Address, asyncio.DatagramTransport]] = {}
        self._under_way = 0
        self.tally: Final[Counter[str]] = Counter()

    async def open(self) -> None:
        """Listen for everybody. Raises OSError where an address is taken or not this machine's."""
        loop = asyncio.get_running_loop()
        for node in self._nodes.values():
            transport, _ = await loop.create_datagram_endpoint(partial(_Door, self, node), local_addr=node.known_as)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            self._doors[node.own] = transport

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    def arrived(self, data: bytes, source: Address, receiver: Node) -> None:
        """A datagram for `receiver` came."""
        sender = self._nodes.get(source)
        if sender is None:
            self.tally["from elsewhere"] += 1
            return
        fate = self._patterns[source, receiver.own].next()
        if fate.delays_s and self._under_way >= MOST_HELD:
            fate = Fate((), "too many")
        self.tally[fate.what] += 1
        loop = asyncio.get_running_loop()
        for delay_s in fate.delays_s:
            self._under_way += 1
            loop.call_later(delay_s, self._deliver, data, sender, receiver)

    def _deliver(self, data: bytes, sender: Node, receiver: Node) -> None:
        self._under_way -= 1
        door = self._doors[sender.own]
        if not door.is_closing():
            door.sendto(data, receiver.own)


class _Door(asyncio.DatagramProtocol):
    """Where datagrams for one node arrive."""

    def __init__(self, relay: LossyRelay, receiver: Node) -> None:
        self._relay: Final = relay
        self._receiver: Final = receiver

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._relay.arrived(data, (addr[0], addr[1]), self._receiver)


async def serve(relay: LossyRelay, seconds: float) -> None:
    """Relay until SIGTERM, SIGINT or the end of the time."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await relay.open()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        await asyncio.wait_for(stopped.wait(), min(seconds, LONGEST_S))
    except TimeoutError:
        pass
    finally:
        relay.close()
    sys.stdout.write(json.dumps(relay.tally) + "\n")


def _node(text: str) -> Node:
    own, _, known_as = text.partition("=")
    return Node(_address(own), _address(known_as))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    try:
        return str(ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address and port: write 127.0.0.1:5060") from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sim.lossy_relay", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--node", type=_node, action="append", required=True, metavar="OWN=KNOWN_AS")
    parser.add_argument("--lose", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--duplicate", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--reorder", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument(
        "--late", type=float, default=30.0, metavar="MILLISECONDS", help="of what is doubled or held back"
    )
    parser.add_argument("--jitter", type=float, default=0.0, metavar="MILLISECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=LONGEST_S)
    asked = parser.parse_args()
    try:
        impairment = Impairment(
            asked.lose / 100, asked.duplicate / 100, asked.reorder / 100, asked.late / 1_000, asked.jitter / 1_000
        )
        asyncio.run(serve(LossyRelay(tuple(asked.node), impairment, asked.seed), asked.seconds))
    except (ValueError, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
