"""`tollgate lab`: the gateway in front of the cast, the catalogue of scenarios, and the audit of the run's capture."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.operations.configuration import Configuration
from gateway.wiring.audit import audit
from sim.laboratory import CONFIGURATION, Lab, opened
from sim.observation import DecisionSeen, differences, numbered, seen
from sim.packets import write_capture
from sim.reporting import Watcher, consoles, document, print_comparison, print_table, watching
from sim.scenario import Scenario, load_all
from sim.serving import serve_on
from sim.stage import Result

RUN_FOLDER: Final = Path("var/lab")
CAPTURE: Final = "lab.pcap"
LOG: Final = "lab.log"
_OF_A_RUN: Final = (CONFIGURATION, CAPTURE, "records.db*", "journal.db*", "api.token", LOG)


async def play(lab: Lab, scenarios: Sequence[Scenario], watcher: Watcher) -> list[Result]:
    """Play scenarios one after the other."""
    results = []
    for scenario in scenarios:
        watcher.started(scenario.name)
        result = await lab.stage.play(scenario)
        watcher.done(result)
        results.append(result)
    return results


def audited_decisions(capture: Path, configuration: Configuration) -> dict[str, DecisionSeen]:
    """What the audit of a capture decides, by Call-ID."""
    decisions: dict[str, DecisionSeen] = {}
    for call in audit([capture], configuration).calls:
        for made in call.decisions:
            decisions[numbered(call.call_id, decisions)] = seen(made.decision)
    return decisions


def run_lab(*, json_output: bool, serve: bool | None, folder: Path | None) -> int:
    """Play the whole catalogue; 0 when every scenario came out as expected and the audit agrees with the live gateway.

    `serve` None: keep serving on a terminal only. `folder` None: `var/lab` below the current one. Raises OSError where
    the folder or an address can't be used, and what a gateway raises that doesn't start.
    """
    scenarios = load_all()
    run_folder = prepared(folder)
    keep_serving = serve if serve is not None else sys.stdout.isatty() and not json_output
    with logging_to(run_folder / LOG), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(scenarios, run_folder, json_output=json_output, keep_serving=keep_serving))


async def _run(scenarios: Sequence[Scenario], folder: Path, *, json_output: bool, keep_serving: bool) -> int:
    out, progress = consoles(json_output=json_output)
    async with opened(folder) as lab:
        with watching(progress, len(scenarios)) as watcher:
            results = await play(lab, scenarios, watcher)
        lab.stop_recording()
        print_table(out, results)
        capture = folder / CAPTURE
        packets = write_capture(capture, lab.packets())
        audited = audited_decisions(capture, lab.configuration)
        differing = differences(lab.live.by_call_id, audited)
        same = bool(audited) and not differing
        print_comparison(out, capture, packets, len(lab.live.by_call_id.keys() | audited.keys()), differing)
        if json_output:
            sys.stdout.write(document(results, live_equals_audit=same) + "\n")
            sys.stdout.flush()
        if keep_serving:
            await serve_on(lab, out)
    return 0 if all(result.agrees for result in results) and same else 1


def prepared(folder: Path | None) -> Path:
    """The run's folder, made, and rid of what an earlier run left. Raises OSError.

    Where nothing can be written below the current folder, and none was asked for, it is a temporary one.
    """
    chosen = folder or RUN_FOLDER
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        for pattern in _OF_A_RUN:
            for old in chosen.glob(pattern):
                old.unlink()
        (chosen / LOG).touch()
    except OSError:
        if folder is not None:
            raise
        chosen = Path(tempfile.mkdtemp(prefix="tollgate-lab-"))
    return chosen


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """The gateway's log goes to a file while the lab runs: it would break into the progress and the table."""
    handler = logging.FileHandler(file, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
