"""A gateway that is killed (SIGKILL) while steps are asked of it, and started again: every step is in force once."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any, Final

from processes import LIMIT_S, RunningGateway

from gateway.operations.api_token import TOKEN_FILE
from gateway.records.journal import JOURNAL_FILE, read_entries, read_steps
from gateway.records.journal_verification import verify_journal

PROVIDER: Final = "XV01"
KILLS: Final = 3
STEPS: Final = ("throttle", "release")
"""Each leads to where the other may be taken."""


class Operator:
    """Asks for one step after the other, each until it is answered, as a client does that must not take one twice."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._numbers = count()
        self.unanswered: int | None = None
        self.answers: dict[int, dict[str, Any]] = {}
        self.answered = threading.Semaphore(0)

    def work(self, gateway: RunningGateway) -> None:
        """Until the gateway answers no more."""
        with suppress(OSError, HTTPException):
            while True:
                if self.unanswered is None:
                    self.unanswered = next(self._numbers)
                self.answers[self.unanswered] = self.ask(gateway, self.unanswered)
                self.unanswered = None
                self.answered.release()

    def ask(self, gateway: RunningGateway, number: int) -> dict[str, Any]:
        body = {"ocn": PROVIDER, "who": "operator", "why": f"request {number}"}
        headers = {
            "Authorization": f"Bearer {(self._state / TOKEN_FILE).read_text().strip()}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"key-{number}",
        }
        connection = HTTPConnection(*gateway.operations, timeout=LIMIT_S)
        try:
            connection.request("POST", f"/{STEPS[number % 2]}", json.dumps(body), headers)
            answer = connection.getresponse()
            document: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, document
        return document


@contextmanager
def started(state: Path) -> Iterator[RunningGateway]:
    gateway = RunningGateway(state)
    try:
        yield gateway
    finally:
        gateway.close()


def test_a_gateway_that_is_killed_again_and_again_takes_each_step_once_and_forgets_none(tmp_path: Path) -> None:
    state = tmp_path / "state"
    operator, chance = Operator(state), random.Random(8)
    heads = []
    for _ in range(KILLS):
        with started(state) as gateway:
            working = threading.Thread(target=operator.work, args=(gateway,))
            working.start()
            for _ in range(chance.randint(1, 9)):
                assert operator.answered.acquire(timeout=LIMIT_S)
            time.sleep(chance.uniform(0, 0.03))  # into the midst of a step
            gateway.process.kill()
            working.join(LIMIT_S)
        heads.append(verify_journal(state / JOURNAL_FILE).head)
    last = operator.unanswered
    assert last is not None
    with started(state) as gateway:
        operator.answers[last] = operator.ask(gateway, last)
        again = {number: operator.ask(gateway, number) for number in operator.answers}
    assert again == operator.answers
    assert [verify_journal(state / JOURNAL_FILE, head).faults for head in heads] == [()] * KILLS
    steps = read_steps(state / JOURNAL_FILE).standings
    assert [step.why for step in steps] == [f"request {number}" for number in sorted(operator.answers)]
    assert [step.kind.value for step in steps] == [STEPS[number % 2] for number in sorted(operator.answers)]
    told = [entry.body["step"] for entry in read_entries(state / JOURNAL_FILE) if entry.kind == "notice"]
    assert told == [entry.sequence for entry in read_entries(state / JOURNAL_FILE) if entry.kind == "step"]
