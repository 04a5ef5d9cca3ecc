"""M3UA links under test: one end whose peer is a script, or two ends that are wired to one another."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from gateway.codecs.ss7.m3ua import (
    M3uaMessage,
    MessageType,
    Parameter,
    Tag,
    decode_m3ua,
    m3ua_data,
    number,
    transfer_of,
    written,
)
from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.links import Link, LinkRole, TrafficMode
from gateway.signalling.call import Action, Carry, Drop, Ss7Changed
from gateway.signalling.ss7.link_readings import LinkReading
from gateway.signalling.ss7.m3ua_links import Indication, M3uaLinks, Paused, Resumed

T0: Final = 1_767_225_600_000_000
SECOND: Final = 1_000_000
OURS: Final = 0xF60E07
"""246-14-7, the point code of the client's exchange in every test."""
THEIRS: Final = 0x02891A
"""2-137-26, that of the server's."""
OTHER: Final = 0x02891B


def link(
    name: str = "rb-a",
    role: LinkRole = LinkRole.CLIENT,
    *,
    destinations: tuple[int, ...] | None = None,
    context: int | None = None,
    register: bool = False,
    mode: TrafficMode = TrafficMode.LOADSHARE,
    heartbeat_us: int = 0,
    reconnect_us: int = 5 * SECOND,
) -> Link:
    """A link of the client's exchange to the server's, or the other way round."""
    own, there = (OURS, THEIRS) if role is LinkRole.CLIENT else (THEIRS, OURS)
    return Link(
        name,
        role,
        Variant.ANSI,
        own,
        ("127.0.0.1", 2905),
        destinations or (there,),
        routing_context=context,
        register=register,
        traffic_mode=mode,
        heartbeat_us=heartbeat_us,
        reconnect_us=reconnect_us,
    )


def transfer(opc: int = OURS, dpc: int = THEIRS, sls: int = 5, data: bytes = b"\x29\x23\x0c") -> Mtp3Transfer:
    return Mtp3Transfer(opc, dpc, 5, 2, 0, sls, data)


class Sent(NamedTuple):
    """One message that was sent."""

    link: str
    stream: int
    message: M3uaMessage

    @property
    def kind(self) -> MessageType:
        return MessageType(self.message.type)


class End:
    """The links of one end. Each event leaves what it led to in `sent`, `dropped`, `changes` and `told`."""

    def __init__(self, *links: Link) -> None:
        self.links = M3uaLinks(links)
        self.at_us = T0
        self.actions: list[Action] = []
        self.told: list[Indication] = []

    # -- events -------------------------------------------------------------------------------------------------------

    def up(self, name: str = "rb-a") -> list[MessageType]:
        return self._did(self.links.up(name, self.at_us, self._fresh()))

    def down(self, name: str = "rb-a") -> list[MessageType]:
        return self._did(self.links.down(name, self.at_us, self._fresh()))

    def take(self, data: bytes, *, stream: int = 0, name: str = "rb-a") -> list[MessageType]:
        return self._did(self.links.receive(name, stream, data, self.at_us, self._fresh()))

    def hear(
        self, kind: MessageType, *parameters: Parameter | None, stream: int = 0, name: str = "rb-a"
    ) -> list[MessageType]:
        return self.take(written(kind, *parameters), stream=stream, name=name)

    def data(self, what: Mtp3Transfer, context: int | None = None, name: str = "rb-a") -> list[MessageType]:
        return self.take(m3ua_data(what, context), stream=1, name=name)

    def send(self, what: Mtp3Transfer, *names: str) -> bool:
        return self.links.send(what, names or ("rb-a",), self.at_us, self._fresh())

    def destination(self, code: int, *, available: bool) -> list[MessageType]:
        self.links.destination(code, available, self.at_us, self._fresh())
        return self.kinds

    def leave(self) -> list[MessageType]:
        return self._did(self.links.leave(self.at_us, self._fresh()))

    def after(self, us: int) -> list[MessageType]:
        """Let time pass, and do all that becomes due, each at its time."""
        end = self.at_us + us
        actions, told = self._fresh(), []
        while (due := self.links.next_us) is not None and due <= end:
            self.at_us = max(due, self.at_us)
            told += self.links.wake(self.at_us, actions)
        self.at_us = end
        return self._did(told)

    def _fresh(self) -> list[Action]:
        self.actions = []
        self.told = []
        return self.actions

    def _did(self, told: list[Indication]) -> list[MessageType]:
        self.told = told
        return self.kinds

    # -- what came of it ----------------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[Sent]:
        return [Sent(one.link, one.stream, decode_m3ua(one.data)) for one in self.actions if isinstance(one, Carry)]

    @property
    def kinds(self) -> list[MessageType]:
        return [one.kind for one in self.sent]

    @property
    def error(self) -> int | None:
        """The error code of the one message that was sent, where that is ERR."""
        (one,) = self.sent
        return one.message.integer(Tag.ERROR_CODE)

    @property
    def dropped(self) -> list[str]:
        return [one.link for one in self.actions if isinstance(one, Drop)]

    @property
    def changes(self) -> list[str]:
        return [one.what for one in self.actions if isinstance(one, Ss7Changed)]

    @property
    def statuses(self) -> list[tuple[str, int | None]]:
        """To whom which NTFY was sent."""
        notices = [one for one in self.sent if one.kind is MessageType.NTFY]
        return [(one.link, one.message.integer(Tag.STATUS)) for one in notices]

    @property
    def news(self) -> list[Indication]:
        """What MTP's users were told of exchanges."""
        return [one for one in self.told if isinstance(one, Paused | Resumed)]

    def reading(self, at: int = 0) -> LinkReading:
        return self.links.readings()[at]

    # -- the usual beginnings -----------------------------------------------------------------------------------------

    def active_client(self, context: int | None = None) -> End:
        """A client's link comes up and becomes active, and its destinations answer."""
        self.up()
        self.hear(MessageType.ASPUP_ACK)
        about = None if context is None else number(Tag.ROUTING_CONTEXT, context)
        self.hear(MessageType.ASPAC_ACK, about)
        assert self.reading().state == "active"
        return self

    def active_process(self, name: str, identifier: int | None = None) -> End:
        """A process connects to a server's link and becomes active."""
        self.up(name)
        about = None if identifier is None else number(Tag.ASP_IDENTIFIER, identifier)
        self.hear(MessageType.ASPUP, about, name=name)
        self.hear(MessageType.ASPAC, name=name)
        return self


class Wire:
    """A client's end and a server's, wired to one another: what one sends the other receives, in order."""

    def __init__(self, client: Link, server: Link, processes: int = 1) -> None:
        self.clients = [End(client) for _ in range(processes)]
        self.server = End(server)
        self.names = {f"{server.name}#{at + 1}": end for at, end in enumerate(self.clients)}
        self.seen: list[tuple[str, MessageType]] = []
        """Every message: ``>`` to the server or ``<`` from it, and the association; and its type."""
        self.spoken: list[bytes] = []
        """The messages themselves."""
        self.delivered: list[tuple[str, Mtp3Transfer]] = []
        self.news: list[tuple[str, Indication]] = []

    def connect(self) -> Wire:
        for name, end in self.names.items():
            self.server.up(name)
            self._did(self.server)
            end.up("rb-a")
            self._did(end, name)
        return self

    def disconnect(self, name: str) -> None:
        self.names[name].down("rb-a")
        self._did(self.names[name], name)
        self.server.down(name)
        self._did(self.server)

    def after(self, us: int) -> None:
        for name, end in self.names.items():
            end.after(us)
            self._did(end, name)
        self.server.after(us)
        self._did(self.server)

    def from_client(self, what: Mtp3Transfer, name: str = "rb#1") -> bool:
        sent = self.names[name].send(what)
        self._did(self.names[name], name)
        return sent

    def from_server(self, what: Mtp3Transfer) -> bool:
        sent = self.server.send(what, "rb")
        self._did(self.server)
        return sent

    def leave(self, name: str) -> None:
        self.names[name].leave()
        self._did(self.names[name], name)

    def _did(self, end: End, name: str = "") -> None:
        """Deliver what an end has just sent, and what that leads to, in the order in which it was sent."""
        on_the_way: deque[tuple[str, str, Carry]] = deque()
        while True:
            self._note(name or "server", end)
            for one in end.actions:
                if isinstance(one, Carry):
                    on_the_way.append((">", name, one) if name else ("<", one.link, one))
            if not on_the_way:
                return
            way, association, one = on_the_way.popleft()
            self.spoken.append(one.data)
            self.seen.append((f"{way} {association}", MessageType(decode_m3ua(one.data).type)))
            if way == ">":
                end, name = self.server, ""
                end.take(one.data, stream=one.stream, name=association)
            else:
                end, name = self.names[association], association
                end.take(one.data, stream=one.stream)

    def _note(self, who: str, end: End) -> None:
        for one in end.told:
            if isinstance(one, Mtp3Transfer):
                self.delivered.append((who, one))
            else:
                self.news.append((who, one))


def carried(sent: Sent) -> Mtp3Transfer:
    return transfer_of(sent.message)
