"""Asks the domain name system, and remembers what it said, within bounds: how many questions are under way at once, how
many answers are kept, and for how long one is believed.

The exchange with the servers (`gateway/transport/dns_exchange.py`) is dnspython's. That is pure Python, so that it
installs wherever the gateway does; aiodns would bring a library in C with sockets of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.trunk_groups import Address, Hop
from gateway.signalling.dns_records import Answer, Question
from gateway.signalling.locating import Located, Target, locating

FAILURE_TTL_S: Final = 5
"""A question that nobody answered is asked again after this time; RFC 2308 section 7 allows at most 5 minutes."""

LOG = logging.getLogger("tollgate.dns")


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """Whom to ask, and the bounds."""

    servers: tuple[Address, ...] = ()
    """Empty: those of the operating system, from /etc/resolv.conf."""
    server_timeout_s: float = 2.0
    """A server that has said nothing by then is passed over for the next."""
    timeout_s: float = 5.0
    """All servers together."""
    shortest_ttl_s: int = 5
    """An answer is kept at least so long, also where its TTL is 0: each call would ask anew otherwise."""
    longest_ttl_s: int = 3_600
    longest_negative_ttl_s: int = 300
    """That a name is not there is believed no longer than this (RFC 2308 section 5)."""
    cached_answers: int = 4_096
    """Above this the one that was used longest ago is forgotten."""
    at_once: int = 32
    """Questions that are under way at the same time; others wait."""
    waiting: int = 256
    """Questions that may wait; those beyond fail at once."""


class Resolver:
    """Answers questions from memory or from the servers. One question is under way once, however many ask it."""

    def __init__(self, settings: ResolverSettings, now_s: Callable[[], float] = time.monotonic) -> None:
        """`now_s`: seconds of a clock that is never set back. Raises `NoServers`."""
        from gateway.transport.dns_exchange import DnsServers, reason_of

        self._servers: Final = DnsServers(settings.servers, settings.server_timeout_s, settings.timeout_s)
        self._reason_of: Final = reason_of
        self._settings: Final = settings
        self._now_s: Final = now_s
        self._cache: Final[OrderedDict[Question, tuple[float, Answer]]] = OrderedDict()
        self._under_way: Final[dict[Question, asyncio.Task[Answer]]] = {}
        self._places: Final = asyncio.Semaphore(settings.at_once)
        self.asked = 0
        """Questions put to servers so far."""
        self.failed = 0
        """Those to which no server gave an answer."""

    def __len__(self) -> int:
        """Answers remembered."""
        return len(self._cache)

    def close(self) -> None:
        """Stop asking."""
        for task in self._under_way.values():
            task.cancel()

    async def locate(self, target: Target, listeners: Iterable[Hop], *, fresh: bool = False) -> Located:
        """Locate a target (RFC 3263 section 4). `fresh`: ask the servers also for what is remembered."""
        steps = locating(target, listeners)
        try:
            questions = next(steps)
            while True:
                questions = steps.send(await asyncio.gather(*(self.ask(question, fresh) for question in questions)))
        except StopIteration as end:
            located: Located = end.value
            return located

    async def ask(self, question: Question, fresh: bool = False) -> Answer:
        """The answer to a question; what prevents one is said in it, and never raised."""
        if not fresh and (known := self._remembered(question)) is not None:
            return known
        task = self._under_way.get(question)
        if task is None:
            if len(self._under_way) >= self._settings.at_once + self._settings.waiting:
                return Answer((), FAILURE_TTL_S, "too many questions wait for an answer already")
            task = self._under_way[question] = asyncio.create_task(self._answered(question))
        return await asyncio.shield(task)  # one who no longer waits must not take the answer from the others

    def _remembered(self, question: Question) -> Answer | None:
        entry = self._cache.get(question)
        if entry is None:
            return None
        until_s, answer = entry
        left_s = until_s - self._now_s()
        if left_s <= 0:
            del self._cache[question]
            return None
        self._cache.move_to_end(question)
        return answer._replace(ttl_s=max(1, int(left_s)))

    async def _answered(self, question: Question) -> Answer:
        try:
            async with self._places:
                self.asked += 1
                answer = await self._servers.ask(question)
        except Exception as error:  # whatever a server sends must end in an answer
            answer = Answer((), FAILURE_TTL_S, self._reason_of(error))
        finally:
            del self._under_way[question]
        if answer.failure:
            self.failed += 1
            LOG.info("%s: %s", question, answer.failure)
        answer = answer._replace(ttl_s=self._kept_for(answer))
        self._cache[question] = (self._now_s() + answer.ttl_s, answer)
        self._cache.move_to_end(question)
        if len(self._cache) > self._settings.cached_answers:
            self._cache.popitem(last=False)
        return answer

    def _kept_for(self, answer: Answer) -> int:
        settings = self._settings
        if answer.failure:
            return FAILURE_TTL_S
        longest = settings.longest_ttl_s if answer.records else settings.longest_negative_ttl_s
        return min(max(answer.ttl_s, settings.shortest_ttl_s), longest)
