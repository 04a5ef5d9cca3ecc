"""The application servers of one server's link: the one that is configured, and those that processes register.

RFC 4666 section 4.4. A routing key here is a set of the link's point codes; ISUP goes by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.codecs.ss7.m3ua import DeregistrationStatus, RegistrationStatus
from gateway.interconnection.links import Link
from gateway.signalling.ss7.application_server import ApplicationServer
from gateway.signalling.ss7.asp_states import AspEvent, AspState
from gateway.signalling.ss7.association import Association, MessageCounts
from gateway.signalling.ss7.routing_keys import MAX_KEYS, RoutingKey
from gateway.signalling.ss7.turn import Deadlines, Turn


class RoutingContexts:
    """Numbers for routing keys, each given once: those of the configuration, and ascending ones from 1 for others."""

    def __init__(self, configured: Iterable[int]) -> None:
        self._taken: Final = set(configured)
        self._last = 0

    def take(self, wished: int | None) -> int | None:
        """A new number; the one that is wished for, or None where that is taken already."""
        if wished is not None:
            if wished in self._taken:
                return None
            self._taken.add(wished)
            return wished
        self._last += 1
        while self._last in self._taken:
            self._last += 1
        self._taken.add(self._last)
        return self._last

    def give_back(self, context: int) -> None:
        self._taken.discard(context)


class ApplicationServers:
    """Who belongs to which application server, and which of them a point code is served by."""

    def __init__(self, link: Link, contexts: RoutingContexts, deadlines: Deadlines, counts: MessageCounts) -> None:
        self._link: Final = link
        self._contexts: Final = contexts
        self._deadlines: Final = deadlines
        self._counts: Final = counts
        self.configured: Final = ApplicationServer(
            link, frozenset(link.destinations), link.routing_context, deadlines, counts
        )
        self._registered: Final[dict[frozenset[int], ApplicationServer]] = {}
        self._keys: Final[dict[Association, dict[int, ApplicationServer]]] = {}
        """What each process has registered, by routing context."""

    def all(self) -> tuple[ApplicationServer, ...]:
        return (self.configured, *self._registered.values())

    def of(self, process: Association) -> tuple[ApplicationServer, ...]:
        """Those that a process belongs to: what it registered, else the one that is configured."""
        keys = self._keys.get(process)
        if not keys:
            return (self.configured,)
        return tuple(keys.values())

    def serving(self, code: int) -> ApplicationServer | None:
        """The one that has the traffic to a point code: a registered one goes before the configured one."""
        for destinations, server in self._registered.items():
            if code in destinations and server.is_usable:
                return server
        return self.configured if code in self.configured.destinations else None

    # -- registration -------------------------------------------------------------------------------------------------

    def register(self, process: Association, key: RoutingKey, turn: Turn) -> tuple[RegistrationStatus, int]:
        """Register a routing key for a process that is up; how that went, and the routing context or 0."""
        wanted = frozenset(key.destinations)
        fault = self._fault_of(key, wanted)
        if fault is not None:
            return fault, 0
        keys = self._keys.get(process, {})
        server = self._registered.get(wanted)
        if server is None and wanted == self.configured.destinations:
            server = self.configured
        if server is not None and server.context is not None and keys.get(server.context) is server:
            return RegistrationStatus.ALREADY_REGISTERED, server.context
        if server is None:
            return self._register_new(process, key, wanted, turn)
        if server.context is None:
            server.context = self._contexts.take(key.context)
        if server.context is None or key.context not in (None, server.context):
            return RegistrationStatus.CHANGE_REFUSED, 0
        self._join(process, server, server.context, turn)
        return RegistrationStatus.SUCCESSFULLY_REGISTERED, server.context

    def _fault_of(self, key: RoutingKey, wanted: frozenset[int]) -> RegistrationStatus | None:
        if not wanted or not wanted <= self.configured.destinations:
            return RegistrationStatus.INVALID_DPC
        if key.narrowed:
            return RegistrationStatus.UNSUPPORTED_ROUTING_KEY_PARAMETER
        if not key.is_for_isup:
            return RegistrationStatus.NOT_PROVISIONED
        if key.mode not in (None, self._link.traffic_mode):
            return RegistrationStatus.UNSUPPORTED_TRAFFIC_MODE
        return None

    def _register_new(
        self, process: Association, key: RoutingKey, wanted: frozenset[int], turn: Turn
    ) -> tuple[RegistrationStatus, int]:
        if any(wanted & other for other in self._registered):
            return RegistrationStatus.CANNOT_SUPPORT_UNIQUE_ROUTING, 0
        if len(self._registered) >= MAX_KEYS:
            return RegistrationStatus.INSUFFICIENT_RESOURCES, 0
        context = self._contexts.take(key.context)
        if context is None:
            return RegistrationStatus.CHANGE_REFUSED, 0
        server = ApplicationServer(self._link, wanted, context, self._deadlines, self._counts)
        self._registered[wanted] = server
        self._join(process, server, context, turn)
        return RegistrationStatus.SUCCESSFULLY_REGISTERED, context

    def _join(self, process: Association, server: ApplicationServer, context: int, turn: Turn) -> None:
        keys = self._keys.setdefault(process, {})
        if not keys and server is not self.configured:  # it no longer stands for all point codes of the link
            self.configured.event(process, AspEvent.LOST)
            self.configured.review(turn)
        keys[context] = server
        server.event(process, AspEvent.ASPUP)

    def deregister(self, process: Association, context: int) -> DeregistrationStatus:
        """End the registration of a routing key."""
        keys = self._keys.get(process, {})
        server = keys.get(context)
        if server is None:
            known = any(other.context == context for other in self.all())
            return DeregistrationStatus.NOT_REGISTERED if known else DeregistrationStatus.INVALID_ROUTING_CONTEXT
        if server.stands(process) is AspState.ACTIVE:
            return DeregistrationStatus.ASP_ACTIVE
        del keys[context]
        self._left(process, server)
        if not keys and server is not self.configured:
            self.configured.event(process, AspEvent.ASPUP)
        return DeregistrationStatus.SUCCESSFULLY_DEREGISTERED

    def forget(self, process: Association) -> None:
        """A process is down: what it registered is registered no more."""
        for server in self._keys.pop(process, {}).values():
            self._left(process, server)

    def _left(self, process: Association, server: ApplicationServer) -> None:
        if server is self.configured:
            return
        server.event(process, AspEvent.LOST)
        if not any(server in keys.values() for keys in self._keys.values()):
            del self._registered[server.destinations]
            server.close()
            if server.context is not None:
                self._contexts.give_back(server.context)
