"""What must hold of M3UA links for any script of associations, messages and passing time.

They never raise, answer one message with few, send what can be read on associations that are up, tell of each exchange
in turn that it can and cannot be reached, and have nothing left when all associations are gone and all timers passed.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.m3ua import MessageType, Parameter, Tag, decode_m3ua, number, written
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Link, LinkRole, TrafficMode
from gateway.signalling.call import Action, Carry, Drop
from gateway.signalling.ss7.application_server import MAX_WAITING
from gateway.signalling.ss7.m3ua_links import Indication, M3uaLinks, Paused, Resumed
from gateway.signalling.ss7.routing_keys import (
    RoutingKey,
    deregistration_result,
    registration_result,
    routing_key_parameter,
)
from tests.fuzz.script import Script

MOST_STEPS: Final = 60
KINDS: Final = tuple(MessageType)
NAMES: Final = ("client", "server#1", "server#2", "override#1", "override#2", "registering")
_LINK_NAMES: Final = ("client", "server", "override", "registering")
_OURS, _NEAR, _FAR, _FURTHER = 0xF60E07, 0x02891A, 0x02891B, 0x038900
_SECONDS: Final = (0.1, 1, 2, 5, 31, 301)
_SETTLED_US: Final = 1_000_000_000
_TALKATIVE: Final = 24
"""More messages than that, other than DATA, are never sent for one event."""


def _link(name: str, role: LinkRole, destinations: tuple[int, ...], mode: TrafficMode, context: int | None) -> Link:
    return Link(
        name,
        role,
        Variant.ANSI,
        _OURS,
        ("127.0.0.1", 2905),
        destinations,
        traffic_mode=mode,
        routing_context=context,
        register=name == "registering",
        heartbeat_us=10_000_000,
    )


_LINKS: Final = (
    _link("client", LinkRole.CLIENT, (_NEAR, _FAR), TrafficMode.LOADSHARE, None),
    _link("server", LinkRole.SERVER, (_NEAR, _FURTHER), TrafficMode.BROADCAST, 1),
    _link("override", LinkRole.SERVER, (_FAR,), TrafficMode.OVERRIDE, None),
    _link("registering", LinkRole.CLIENT, (_NEAR,), TrafficMode.OVERRIDE, None),
)
_TRANSFER: Final = Mtp3Transfer(_NEAR, _OURS, 5, 2, 0, 3, b"\x29\x23\x0c\x02\0\x02\x80\x90")


def m3ua(data: bytes) -> None:
    """Raises, with AssertionError or whatever the links let through, where something does not hold."""
    run = _Run(Script(data))
    for _ in range(MOST_STEPS):
        if not run.script:
            break
        run.step()
    run.settle()


class _Run:
    """One script."""

    def __init__(self, script: Script) -> None:
        self.script: Final = script
        self._links: Final = M3uaLinks(_LINKS)
        self._at_us = 1_767_225_600_000_000
        self._up: Final[set[str]] = set()
        self._reachable: Final[set[int]] = set()
        self._went: list[Carry] = []

    def step(self) -> None:
        kind = self.script.choose(8)
        if kind <= 1:
            self._hear(self.script.changed(self._message()))
        elif kind == 2:
            self._hear(self.script.take(self.script.choose(300)))
        elif kind == 3:
            self._turn(NAMES[self.script.choose(len(NAMES))])
        elif kind == 4:
            self._send()
        elif kind == 5:
            self._pass(round(_SECONDS[self.script.choose(len(_SECONDS))] * 1e6))
        elif kind == 6 and self._went:
            self._echo()
        else:
            actions: list[Action] = []
            code, available = (_OURS, _NEAR, _FAR, _FURTHER)[self.script.choose(4)], bool(self.script.choose(2))
            self._links.destination(code, available, self._at_us, actions)
            self._check(actions, [])

    def settle(self) -> None:
        for name in tuple(self._up):
            self._turn(name)
        self._pass(_SETTLED_US)
        assert self._links.next_us is None, "a timer runs without an association"
        assert not self._reachable, "an exchange can be reached without an association"
        for reading in self._links.readings():
            assert reading.waiting == 0, "messages wait for nobody"
            assert reading.state in ("down", "out of service"), "a link is up without an association"

    # -- events -------------------------------------------------------------------------------------------------------

    def _hear(self, data: bytes, stream: int | None = None) -> None:
        name = NAMES[self.script.choose(len(NAMES))]
        if stream is None:
            stream = int(data[2:4] == b"\1\1") if self.script.choose(8) else self.script.choose(3)
        if name in self._up:
            actions: list[Action] = []
            self._check(actions, self._links.receive(name, stream, data, self._at_us, actions))

    def _message(self) -> bytes:
        script = self.script
        kind = KINDS[script.choose(len(KINDS))]
        choices: tuple[Parameter, ...] = (
            number(Tag.ROUTING_CONTEXT, 1 + script.choose(3)),
            number(Tag.AFFECTED_POINT_CODE, (_NEAR, _FAR, _OURS, 0x08_02_89_00)[script.choose(4)]),
            number(Tag.TRAFFIC_MODE_TYPE, script.choose(4)),
            number(Tag.ERROR_CODE, script.choose(0x1C)),
            number(Tag.STATUS, 0x10000 * (1 + script.choose(2)) + 1 + script.choose(4)),
            number(Tag.ASP_IDENTIFIER, script.choose(2)),
            number(Tag.USER_CAUSE, 5),
            number(Tag.CONGESTION_INDICATIONS, script.choose(5)),
            routing_key_parameter(RoutingKey(1, ((_NEAR,), (_FURTHER,), (_NEAR, _FURTHER))[script.choose(3)])),
            Parameter(Tag.PROTOCOL_DATA, _NEAR.to_bytes(4, "big") + _OURS.to_bytes(4, "big") + b"\5\2\0\3data"),
        )
        results = (registration_result(1, 0, 5), deregistration_result(5, 0))  # type: ignore[arg-type]
        return written(kind, *(one for one in (*choices, *results) if script.choose(2) == 0))

    def _turn(self, name: str) -> None:
        """Bring an association up, or take it down."""
        actions: list[Action] = []
        if name in self._up:
            self._up.discard(name)
            told = self._links.down(name, self._at_us, actions)
        else:
            self._up.add(name)
            told = self._links.up(name, self._at_us, actions)
        self._check(actions, told)

    def _send(self) -> None:
        names = (_LINK_NAMES[:2], _LINK_NAMES[:1], _LINK_NAMES[1:3], _LINK_NAMES)[self.script.choose(4)]
        code = (_NEAR, _FAR, _FURTHER, _OURS)[self.script.choose(4)]
        times = 1 + self.script.choose(3) * MAX_WAITING // 2
        for sls in range(times):
            actions: list[Action] = []
            before = sum(reading.waiting for reading in self._links.readings())
            reachable = self._links.reachable(code, names)
            sent = self._links.send(_TRANSFER._replace(opc=_OURS, dpc=code, sls=sls % 256), names, self._at_us, actions)
            waiting = sum(reading.waiting for reading in self._links.readings()) - before
            assert sent == bool(actions or waiting), "what was sent is neither on its way nor waits"
            assert reachable or not sent, "what cannot be reached was reached"
            self._check(actions, [])
            if not sent:
                break

    def _pass(self, us: int) -> None:
        end = self._at_us + us
        while (due := self._links.next_us) is not None and due <= end:
            self._at_us = max(self._at_us, due)
            actions: list[Action] = []
            self._check(actions, self._links.wake(self._at_us, actions))
            assert self._links.next_us is None or self._links.next_us > self._at_us, "what was due is due again"
        self._at_us = end

    def _echo(self) -> None:
        """What one association was sent comes in on another one: of clients on servers', and the other way round."""
        carry = self._went[-1 - self.script.choose(min(len(self._went), 8))]
        self._hear(self.script.changed(carry.data), carry.stream)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def _check(self, actions: list[Action], told: list[Indication]) -> None:
        carried = [one for one in actions if isinstance(one, Carry)]
        talk = 0
        for carry in carried:
            kind = decode_m3ua(carry.data).type
            assert carry.link in self._up, "something is sent on an association that is down"
            assert (kind == MessageType.DATA) <= (carry.stream > 0), "DATA is sent on stream 0"
            talk += kind != MessageType.DATA
        assert talk <= _TALKATIVE, "one event leads to a flood"
        self._went = (self._went + carried)[-64:]
        for indication in told:
            if isinstance(indication, Resumed):
                assert indication.dpc not in self._reachable, "an exchange is resumed twice"
                self._reachable.add(indication.dpc)
            elif isinstance(indication, Paused):
                assert indication.dpc in self._reachable, "an exchange is paused twice"
                self._reachable.discard(indication.dpc)
        for code in (_NEAR, _FAR, _FURTHER):
            found = self._links.reachable(code, _LINK_NAMES)
            assert found == (code in self._reachable), "what was told of an exchange is not so"
        for one in actions:  # the transport aborts it, and says so
            if isinstance(one, Drop) and one.link in self._up:
                self._turn(one.link)
