"""`tollgate lab`: the gateway in front of the cast, the catalogue of scenarios, and the audit of the run's capture."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from sim.act import Result
from sim.attacks.attack import Attack
from sim.attacks.beside import play_beside
from sim.attacks.catalogue import ATTACKS
from sim.attacks.play import AttackResult, Watcher
from sim.audited import audited, unwitnessed
from sim.event_loop import loop_factory
from sim.laboratory import Lab, opened
from sim.observation import differences
from sim.packets import write_capture
from sim.reporting import (
    consoles,
    document,
    print_attacks,
    print_comparison,
    print_links,
    print_table,
    say,
    watching,
)
from sim.run_folder import ATTACKS_FOLDER, ATTACKS_LOG, CAPTURE, LOG, FolderBusy, logging_to, prepared
from sim.scenario import FOLDER, Scenario, ScenarioFault, load_all
from sim.serving import serve_on, told_to_stop

T = TypeVar("T")

USAGE: Final = 2
"""Exit status of what the user can mend."""
INTERRUPTED: Final = 130
"""Exit status after a Ctrl-C before the end of the catalogue, as shells have it (128 + SIGINT)."""


async def play(lab: Lab, scenarios: Sequence[Scenario], watcher: Watcher) -> list[Result]:
    """Play scenarios one after the other."""
    results = []
    for scenario in scenarios:
        watcher.started(scenario.name)
        result = await lab.stage.play(scenario)
        watcher.done(result.name, result.got, result.why)
        results.append(result)
    return results


def run_lab(
    *,
    json_output: bool,
    serve: bool | None,
    folder: Path | None,
    catalogue: Path = FOLDER,
    attacks: Sequence[Attack] = ATTACKS,
) -> int:
    """Play the whole catalogue and every attack; 0 when each came out as expected, and the audit agrees with the live
    gateway.

    `serve` None: keep serving on a terminal only. `folder` None: `var/lab` below the current one. 2, with the reason on
    standard error, where a scenario of `catalogue` can't be played or another lab runs in the folder. Raises OSError
    where the folder or an address can't be used, and what a gateway raises that doesn't start.
    """
    keep_serving = serve if serve is not None else sys.stdout.isatty() and not json_output
    try:
        scenarios = load_all(catalogue)
        with (
            prepared(folder) as run_folder,
            logging_to(run_folder / LOG),
            asyncio.Runner(loop_factory=loop_factory()) as runner,
        ):
            return runner.run(_run(scenarios, attacks, run_folder, json_output=json_output, keep_serving=keep_serving))
    except (ScenarioFault, FolderBusy) as fault:
        sys.stderr.write(f"{fault}\n")
        return USAGE
    except asyncio.CancelledError:
        sys.stderr.write("stopped\n")
        return INTERRUPTED


async def _run(
    scenarios: Sequence[Scenario], attacks: Sequence[Attack], folder: Path, *, json_output: bool, keep_serving: bool
) -> int:
    """The lab from its start to its end, and its exit status. Raises CancelledError after a Ctrl-C before serving."""
    out, progress = consoles(json_output=json_output)
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("the lab runs in a task of asyncio")
    async with opened(folder) as lab:
        with told_to_stop(task.cancel, signal.SIGINT):
            with watching(progress, len(scenarios) + len(attacks)) as watcher:
                results, attacked = await _played(lab, scenarios, attacks, folder, watcher)
            print_table(out, results)
            print_attacks(out, attacked)
            print_links(out, carriers_of(lab))
            same = await _audit(lab, folder / CAPTURE, results, out)
        if json_output:
            sys.stdout.write(document(results, attacked, live_equals_audit=same, links=carriers_of(lab)) + "\n")
            sys.stdout.flush()
        if keep_serving:
            await serve_on(lab, out)
    if keep_serving:
        say(out, "stopped")
    as_expected = all(result.agrees for result in results) and all(result.agrees for result in attacked)
    return 0 if as_expected and same else 1


async def _played(
    lab: Lab, scenarios: Sequence[Scenario], attacks: Sequence[Attack], folder: Path, watcher: Watcher
) -> tuple[list[Result], list[AttackResult]]:
    """The scenarios, and the attacks beside them."""
    attacking = asyncio.create_task(play_beside(attacks, folder / ATTACKS_FOLDER, folder / ATTACKS_LOG, watcher))
    try:
        results = await play(lab, scenarios, watcher)
        lab.stop_recording()
        return results, await attacking
    finally:
        attacking.cancel()
        await asyncio.gather(attacking, return_exceptions=True)


def carriers_of(lab: Lab) -> dict[str, str]:
    """What carried each signalling link of the run."""
    return {link.name: link.carrier for link in lab.gateway.ss7_figures().links}


async def _audit(lab: Lab, capture: Path, results: Sequence[Result], out: Console) -> bool:
    """Write the run's capture and say whether its audit decides as the gateway did, and sees what it is to see."""
    packets = write_capture(capture, lab.packets())
    run = await _beside(lambda: audited(capture, lab.configuration))
    differing = differences(lab.live.by_call_id, run.decisions)
    print_comparison(out, capture, packets, len(lab.live.by_call_id.keys() | run.decisions.keys()), differing)
    unseen = list(unwitnessed(results, run))
    for line in unseen:
        say(out, line)
    return bool(run.decisions) and not differing and not unseen


async def _beside(work: Callable[[], T]) -> T:
    """The result of work in a thread of its own, for which the end of the process doesn't wait."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(settle: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the lab was stopped meanwhile
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            fault = error
            finish(lambda: done.set_exception(fault))
        else:
            finish(lambda: done.set_result(result))

    threading.Thread(target=run, name="audit", daemon=True).start()
    return await done
