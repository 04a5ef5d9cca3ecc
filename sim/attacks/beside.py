"""Plays the attacks in a process of their own, beside the scenarios: no flood takes their loop's turn from them, and
while the one waits the other works.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from sim.attacks.attack import Attack
from sim.attacks.play import AttackResult, Watcher, play_all
from sim.event_loop import loop_factory
from sim.run_folder import logging_to

LOG = logging.getLogger(__name__)


class _Started(NamedTuple):
    name: str


class _Done(NamedTuple):
    name: str
    got: str
    why: tuple[str, ...]


class _Over(NamedTuple):
    results: tuple[AttackResult, ...]


class _Failed(NamedTuple):
    what: str


_Told = _Started | _Done | _Over | _Failed


async def play_beside(attacks: Sequence[Attack], folder: Path, log: Path, watcher: Watcher) -> list[AttackResult]:
    """Play attacks as `play_all` does, in a process whose log goes to a file; it ends with the task that waits here.

    Raises OSError where no process can be started, RuntimeError where it ends before the attacks do.
    """
    if not attacks:
        return []
    context = multiprocessing.get_context("spawn")  # a fork would share this one's sockets, and its threads' locks
    told, telling = context.Pipe(duplex=False)
    process = context.Process(target=_play, args=(tuple(attacks), folder, log, telling), name="attacks", daemon=True)
    process.start()
    telling.close()
    try:
        return await _heard(told, watcher)
    except EOFError:
        raise RuntimeError(f"the process of the attacks ended before them; {log} may say why") from None
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        told.close()


async def _heard(told: Connection, watcher: Watcher) -> list[AttackResult]:
    """Tell the watcher what the process tells, until that has the results. Raises EOFError where it ends before."""
    while True:
        heard: _Told = await asyncio.to_thread(told.recv)
        match heard:
            case _Started(name):
                watcher.started(name)
            case _Done(name, got, why):
                watcher.done(name, got, why)
            case _Over(results):
                return list(results)
            case _Failed(what):
                raise RuntimeError(f"the attacks could not be played: {what}")


class _Teller:
    """A watcher that passes on what it is told."""

    def __init__(self, telling: Connection) -> None:
        self._telling = telling

    def started(self, name: str) -> None:
        self._telling.send(_Started(name))

    def done(self, name: str, got: str, why: Sequence[str]) -> None:
        self._telling.send(_Done(name, got, tuple(why)))


def _play(attacks: tuple[Attack, ...], folder: Path, log: Path, telling: Connection) -> None:
    """What the process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the one that started this, which ends it
    with logging_to(log), suppress(BrokenPipeError), asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            telling.send(_Over(tuple(runner.run(play_all(attacks, folder, _Teller(telling))))))
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, who waits is to know
            LOG.exception("the attacks could not be played")
            telling.send(_Failed(f"{type(error).__name__}: {error}"))
