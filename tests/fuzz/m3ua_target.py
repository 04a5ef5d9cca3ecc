"""What must hold of M3UA links for any script of associations, messages and passing time.

They never raise, answer one message with few, send what can be read on associations that are up, tell of each exchange
in turn that it can and cannot be reached, and have nothing left when all associations are gone and all timers passed.
"""

from __future__ import annotations

from typing import Final

from gateway.codecs.ss7.m3ua import (
    DeregistrationStatus,
    MessageType,
    Parameter,
    RegistrationStatus,
    Tag,
    decode_m3ua,
    number,
    written,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Link, LinkRole, TrafficMode
from gateway.signalling.call import Action, Carry, Drop
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
_REGISTERED: Final = RegistrationStatus.SUCCESSFULLY_REGISTERED
_DEREGISTERED: Final = DeregistrationStatus.SUCCESSFULLY_DEREGISTERED
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
        script = self.script
        kind = script.choose(9)
        if kind <= 1:
            self._hear(self._name(), script.changed(self._message()))
        elif kind == 2:
            self._hear(self._name(), script.take(script.choose(300)), script.choose(3))
        elif kind == 3:
            self._turn(self._name())
        elif kind == 4:
            self._send()
        elif kind == 5:
            self._pass(round(_SECONDS[script.choose(len(_SECONDS))] * 1e6))
        elif kind == 6 and self._went:
            self._echo()
        elif kind == 7:
            actions: list[Action] = []
            if script.choose(16) == 15:
                self._check(actions, self._links.leave(self._at_us, actions))
                return
            code, available = (_OURS, _NEAR, _FAR, _FURTHER)[script.choose(4)], bool(script.choose(2))
            self._links.destination(code, available, self._at_us, actions)
            self._check(actions, [])
        else:
            self._activate(self._name())

    def _name(self) -> str:
        return NAMES[self.script.choose(len(NAMES))]

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

    def _hear(self, name: str, data: bytes, stream: int | None = None) -> None:
        if stream is None:
            stream = int(data[2:4] == b"\1\1")
        if name in self._up:
            actions: list[Action] = []
            self._check(actions, self._links.receive(name, stream, data, self._at_us, actions))

    def _activate(self, name: str) -> None:
        """An association comes up and does what makes it active."""
        if name not in self._up:
            self._turn(name)
        if "#" in name:
            for kind in (MessageType.ASPUP, MessageType.ASPAC):
                self._hear(name, written(kind))
            return
        self._hear(name, written(MessageType.ASPUP_ACK))
        self._hear(name, written(MessageType.REG_RSP, registration_result(1, _REGISTERED, 5)))
        self._hear(name, written(MessageType.ASPAC_ACK))

    def _message(self) -> bytes:
        """A type, sixteen bits that say which parameters it has, and what they hold."""
        kind = KINDS[self.script.choose(len(KINDS))]
        chosen, at = self.script.choose(0x10000), self.script.choose(256)
        parameters = (
            number(Tag.ROUTING_CONTEXT, 1 + at % 5),
            number(Tag.AFFECTED_POINT_CODE, (_NEAR, _FAR, _OURS, 0x08_02_89_00)[at % 4]),
            number(Tag.ERROR_CODE, at % 0x1C),
            number(Tag.STATUS, 0x10000 * (1 + at % 2) + 1 + at // 2 % 4),
            routing_key_parameter(RoutingKey(1, ((_NEAR,), (_FURTHER,), (_NEAR, _FURTHER), (_FAR,))[at % 4])),
            number(Tag.ASP_IDENTIFIER, at % 2),
            number(Tag.USER_CAUSE, 5),
            number(Tag.CONGESTION_INDICATIONS, at % 5),
            Parameter(Tag.PROTOCOL_DATA, _NEAR.to_bytes(4, "big") + _OURS.to_bytes(4, "big") + b"\5\2\0\3data"),
            registration_result(1, _REGISTERED, 5),
            deregistration_result(5, _DEREGISTERED),
            number(Tag.TRAFFIC_MODE_TYPE, at % 4),
            number(Tag.NETWORK_APPEARANCE, at),
            Parameter(Tag.INFO_STRING, b"info"),
        )
        return written(kind, *(one for bit, one in enumerate(parameters) if chosen >> bit & 1))

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
        for sls in range(1 + self.script.choose(3) * 8):
            actions: list[Action] = []
            before = self._waiting()
            reachable = self._links.reachable(code, names)
            transfer = _TRANSFER._replace(opc=_OURS, dpc=code, sls=sls)
            sent = self._links.send(transfer, names, self._at_us, actions)
            assert sent == bool(actions) or sent == (self._waiting() > before), "it is neither on its way nor waits"
            assert reachable or not sent, "what cannot be reached was reached"
            self._check(actions, [])

    def _waiting(self) -> int:
        return sum(reading.waiting for reading in self._links.readings())

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
        self._hear(self._name(), self.script.changed(carry.data), carry.stream)

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
