"""Our signalling point: SIP proxy, signalling links, exchange, and the user agent between circuits and SIP, as one.

What the endpoint hands in goes to whom it concerns; what these hand to each other stays in memory; what is left goes
out. The endpoint sees it as it sees a `SipProxy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from gateway.codecs.ss7.mtp3 import Mtp3Transfer
from gateway.interconnection.screening import Screening
from gateway.interconnection.trunk_groups import Hop, Member, Transport
from gateway.signalling.call import Action, Call, Ended, Send, ToProxy, Wanted
from gateway.signalling.members import TrunkMembers
from gateway.signalling.probing import Prober
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxyCounters
from gateway.signalling.ss7.exchange import Exchange
from gateway.signalling.ss7.held_back import HeldBack
from gateway.signalling.ss7.m3ua_links import M3uaLinks
from gateway.signalling.ss7.mtp_indications import Congested, Indication, Paused, Resumed
from gateway.signalling.ss7.new_isup_calls import SipSide

MOST_ROUNDS: Final = 64
"""How often the parts answer each other before something goes out: more is a circle, and given up."""

_SS7: Final = Transport.SS7


class UserAgent(SipSide, Protocol):
    """The SIP user agent whose telephones are circuits (`Interworking`)."""

    @property
    def next_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""

    def receive(self, data: bytes, target: Hop, at_us: int, actions: list[Action]) -> None:
        """A SIP message of the proxy for an exchange: `target`, a trunk group's member or a call's own hop."""

    def call_ended(self, call: Call, at_us: int, actions: list[Action]) -> None:
        """A call has ended in the books: what may still hold a circuit for it is to let it go."""

    def wake(self, at_us: int, actions: list[Action]) -> None:
        """Do what is due."""


class SignallingPoint:
    """What stands behind the endpoint of a gateway with signalling links. Times in microseconds."""

    def __init__(
        self, proxy: SipProxy, links: M3uaLinks, exchange: Exchange, user_agent: UserAgent, screening: Screening
    ) -> None:
        self.proxy: Final = proxy
        self.links: Final = links
        self.exchange: Final = exchange
        self._user_agent: Final = user_agent
        self._screening: Final = screening
        self._held_back: Final = HeldBack()
        exchange.sip = user_agent
        exchange.gate = proxy.gate
        self.circling = 0
        """How often the parts did not come to an end with each other: a fault of ours."""

    # -- what the endpoint calls --------------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Hop, at_us: int) -> list[Action]:
        """A SIP message."""
        return self._settled(self.proxy.receive(data, source, at_us), at_us)

    def connected(self, hop: Hop, names: frozenset[str]) -> None:
        self.proxy.connected(hop, names)

    def closed(self, hop: Hop, at_us: int) -> list[Action]:
        return self._settled(self.proxy.closed(hop, at_us), at_us)

    def undeliverable(self, message: Send, at_us: int) -> list[Action]:
        return self._settled(self.proxy.undeliverable(message, at_us), at_us)

    def located(self, token: int, hops: Iterable[Hop], at_us: int) -> list[Action]:
        return self._settled(self.proxy.located(token, hops, at_us), at_us)

    def wake(self, at_us: int) -> list[Action]:
        """Do what is due."""
        actions = self.proxy.wake(at_us)
        self._heed(self.links.wake(at_us, actions), None, at_us, actions)
        self.exchange.wake(at_us, actions)
        self._user_agent.wake(at_us, actions)
        return self._settled(actions, at_us)

    @property
    def next_wake_us(self) -> int | None:
        """When `wake` has something to do, at the earliest."""
        due = (self.proxy.next_wake_us, self.links.next_us, self.exchange.next_us, self._user_agent.next_us)
        return min((next_us for next_us in due if next_us is not None), default=None)

    # -- what the links' transport calls ------------------------------------------------------------------------------

    def link_up(self, name: str, at_us: int) -> list[Action]:
        """An association is up; `name` is the link's, with a number behind it where we are the server: ``rb-a#1``."""
        actions: list[Action] = []
        self._heed(self.links.up(name, at_us, actions), name, at_us, actions)
        return self._settled(actions, at_us)

    def link_down(self, name: str, at_us: int) -> list[Action]:
        """An association is gone."""
        actions: list[Action] = []
        self._heed(self.links.down(name, at_us, actions), name, at_us, actions)
        return self._settled(actions, at_us)

    def link_received(self, name: str, stream: int, data: bytes, at_us: int) -> list[Action]:
        """An M3UA message of an association."""
        actions: list[Action] = []
        self._heed(self.links.receive(name, stream, data, at_us, actions), name, at_us, actions)
        return self._settled(actions, at_us)

    # -- what an operator wants, and what a replay does ---------------------------------------------------------------

    def steps_changed(self, at_us: int) -> list[Action]:
        """An operator has taken a step: a cut-over, or a trunk group blocked or opened. Also called at the start."""
        actions: list[Action] = []
        self.exchange.steps_changed(at_us, actions)
        return self._settled(actions, at_us)

    def end_calls(self, wanted: Wanted, cause: int, text: str, at_us: int) -> list[Action]:
        """End every call that is wanted, on SIP and on circuits, but for emergency calls (`SipProxy.end_calls`)."""
        actions = self.proxy.end_calls(wanted, cause, text, at_us)
        self.exchange.end_calls(wanted, cause, at_us, actions)
        return self._settled(actions, at_us)

    def receive_transfer(self, transfer: Mtp3Transfer, at_us: int) -> list[Action]:
        """In a replay: a message that MTP brought, on whatever link."""
        actions: list[Action] = []
        self._heed([transfer], None, at_us, actions)
        return self._settled(actions, at_us)

    def went_out(self, transfer: Mtp3Transfer, at_us: int) -> None:
        """In a replay: a message that the captured gateway sent. Which circuit a call went out on is learnt from it."""
        self.exchange.went_out(transfer, at_us)

    def assume_up(self, at_us: int) -> list[Action]:
        """In a replay: every link is up, and every circuit idle."""
        actions: list[Action] = []
        self.links.assume_up()
        self.exchange.assume_up(at_us, actions)
        return self._settled(actions, at_us)

    def stop(self, at_us: int) -> list[Action]:
        """The gateway stops: every call that is still up is ended in the books, and the links are taken down."""
        actions = self.proxy.stop(at_us)
        self.exchange.stop(at_us, actions)
        self.links.leave(at_us, actions)
        return self._settled(actions, at_us)

    # -- what the gateway asks of the proxy ---------------------------------------------------------------------------

    @property
    def members(self) -> TrunkMembers:
        return self.proxy.members

    @property
    def prober(self) -> Prober:
        return self.proxy.prober

    @property
    def counters(self) -> ProxyCounters:
        return self.proxy.counters

    @property
    def transactions(self) -> int:
        return self.proxy.transactions

    @property
    def dialogs(self) -> int:
        return self.proxy.dialogs

    @property
    def accepting(self) -> bool:
        """False while draining: new calls are refused, those that are up go on."""
        return self.proxy.accepting

    @accepting.setter
    def accepting(self, accepting: bool) -> None:
        self.proxy.accepting = accepting
        self.exchange.accepting = accepting

    def members_are(self, trunk_group: str, members: Sequence[Member], at_us: int) -> dict[Hop, str]:
        return self.proxy.members_are(trunk_group, members, at_us)

    def redirected(self, branch: bytes, hop: Hop) -> None:
        self.proxy.redirected(branch, hop)

    # -- between the parts --------------------------------------------------------------------------------------------

    def _heed(self, indications: Sequence[Indication], link: str | None, at_us: int, actions: list[Action]) -> None:
        """What MTP says goes to the exchange, where the screening lets it in."""
        exchange = self.exchange
        for indication in indications:
            if isinstance(indication, Mtp3Transfer):
                name = link.partition("#")[0] if link is not None else None
                objection = self._screening.objection_to(indication, name)
                if objection is None:
                    objection = exchange.receive(indication, at_us, actions)
                else:
                    exchange.counters.screened[objection] += 1
                if objection is not None and name is not None:
                    codes = self.links.written_in(name, indication.opc, indication.dpc)
                    self._held_back.tell(indication, codes, name, objection, at_us, actions)
            elif isinstance(indication, Resumed):
                exchange.resumed(indication.dpc, at_us, actions)
            elif isinstance(indication, Paused):
                exchange.paused(indication.dpc, at_us, actions)
            elif isinstance(indication, Congested):
                exchange.congested(indication.dpc, indication.level, at_us)

    def _settled(self, actions: list[Action], at_us: int) -> list[Action]:
        """What is left to be done outside when the proxy and the user agent have no more to say to each other."""
        outward: list[Action] = []
        for _ in range(MOST_ROUNDS):
            answers: list[Action] = []
            for action in actions:
                if type(action) is Send:
                    if action.target.transport is _SS7:
                        self._user_agent.receive(action.data, action.target, at_us, answers)
                    else:
                        outward.append(action)
                elif type(action) is ToProxy:
                    if action.call is None:
                        answers += self.proxy.receive(action.data, action.source, at_us)
                    else:
                        answers += self.proxy.open_decided(action.data, action.source, action.call, at_us)
                else:
                    outward.append(action)
                    if type(action) is Ended:
                        self._user_agent.call_ended(action.call, at_us, answers)
            if not answers:
                return outward
            actions = answers
        self.circling += 1
        return outward
