"""What must hold of the proxy for any script of datagrams, answers and passing time.

`tests/hostile/world.py` says what: it never raises, sends little for one datagram, forwards without undue change, ends
each decided call once, balances its books, and has nothing left when all timers have passed.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from gateway.interconnection.trunk_groups import Hop
from gateway.signalling.call import Action, Send
from tests.fuzz.script import Script
from tests.hostile.cases import requests
from tests.hostile.growing import sound
from tests.hostile.world import STRANGER, World, answer_to
from tests.wiring.small_gateway import OTHER_PROVIDER_NUMBER, OUTSIDE_NUMBER

MOST_STEPS: Final = 40
_STATUSES: Final = (100, 180, 183, 200, 200, 302, 407, 486, 487, 503)
_METHODS: Final = (b"ACK", b"BYE", b"CANCEL", b"INVITE", b"PRACK", b"UPDATE", b"INFO", b"OPTIONS")
_SECONDS: Final = (0.1, 0.5, 1, 5, 33, 200, 4_000)
_NUMBERS: Final = ("911", OUTSIDE_NUMBER, "+16365550199", "+16365550199")


@cache
def _world() -> World:
    """One for all scripts: each must leave it as if it had never been."""
    with tempfile.TemporaryDirectory(prefix="tollgate-fuzz-") as folder:
        return World(Path(folder), max_transactions=60, max_calls=30)


@cache
def _seeds() -> tuple[bytes, ...]:
    world = _world()
    own = [
        sound(f"s{number}", world.caller, calling=OTHER_PROVIDER_NUMBER, called=called)
        for number, called in enumerate(_NUMBERS)
    ]
    return (*own, *requests(own=world.caller))


def proxy(data: bytes) -> None:
    """Raises, with AssertionError or whatever the proxy let through, where something does not hold."""
    run = _Run(Script(data))
    run.world.begin_again()  # so that an input does the same wherever it comes
    for _ in range(MOST_STEPS):
        if not run.script:
            break
        run.step()
    run.world.settle()


class _Run:
    """One script: what was sent so far can be answered, repeated and followed."""

    def __init__(self, script: Script) -> None:
        self.script: Final = script
        self.world: Final = _world()
        self.came: list[tuple[bytes, Hop]] = []
        self.went: list[tuple[bytes, Hop]] = []

    def step(self) -> None:
        kind = self.script.choose(8)
        if kind <= 1:
            self._receive(self.script.changed(_seeds()[self.script.choose(len(_seeds()))]), self._source())
        elif kind == 2:
            self._receive(self.script.take(self.script.choose(2_000)), self._source())
        elif kind == 3 and self.came:
            self._receive(*self.came[-1 - self.script.choose(len(self.came))])
        elif kind <= 5 and self.went:
            self._answer()
        elif kind == 6 and self.came:
            self._follow()
        else:
            self._note(self.world.pass_time(_SECONDS[self.script.choose(len(_SECONDS))]))

    def _source(self) -> Hop:
        return (self.world.caller, self.world.caller, self.world.callee, STRANGER)[self.script.choose(4)]

    def _answer(self) -> None:
        """To one of the latest requests that the proxy sent, from where it was sent to."""
        request, target = self.went[-1 - self.script.choose(min(len(self.went), 8))]
        if not request.startswith(b"ACK "):
            status = _STATUSES[self.script.choose(len(_STATUSES))]
            self._receive(self.script.changed(answer_to(request, status, b"bc"[self.script.choose(2) :][:1])), target)

    def _follow(self) -> None:
        """A request made of an earlier one: another method, another branch or the same, with a To tag or without."""
        data, source = self.came[-1 - self.script.choose(len(self.came))]
        method = _METHODS[self.script.choose(len(_METHODS))]
        data = data.replace(b"INVITE", method)
        if self.script.choose(2):
            data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bK%d" % self.script.choose(4))
        tag = (b"", b";tag=b", b";tag=c")[self.script.choose(3)]
        start = data.find(b"\r\nTo: ")
        end = data.find(b"\r\n", start + 2)
        if start >= 0 and end >= 0:
            data = data[:end] + tag + data[end:]
        if self.script.choose(4) == 3:  # from the other side
            data = (
                data.replace(b"\r\nTo: ", b"\r\n\0")
                .replace(b"\r\nFrom: ", b"\r\nTo: ")
                .replace(b"\r\n\0", b"\r\nFrom: ")
            )
            source = self.world.callee
        self._receive(self.script.changed(data), source)

    def _receive(self, data: bytes, source: Hop) -> None:
        if not data.startswith(b"SIP/2.0 "):
            self.came.append((data, source))
        self._note(self.world.receive(data, source))
        self.world.check_books()

    def _note(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send) and not action.data.startswith(b"SIP/2.0 "):
                self.went.append((action.data, action.target))
