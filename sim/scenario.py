"""A scenario of the lab: a file that says what the cast does and what the gateway must make of it.

The file's name is a sentence, its words joined by hyphens; `title` is the sentence again, where a word of it has a
hyphen of its own. `[expect]` is the verdict that the scenario is there for: that of the step with `judged = true`.
Every `[[step]]` is taken in order; `do` says what it is. Keys that nobody knows are refused, with file, line and key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from gateway.operations.toml_lines import KeyPath, key_text, line_of, locate_keys
from sim import life_steps as life
from sim import steps as script
from sim.ss7 import steps as circuits
from sim.tables import Table

FOLDER: Final = Path(__file__).resolve().parent / "scenarios"
LARGEST_FILE: Final = 64 * 1024


Step = Annotated[
    script.Call
    | script.Flood
    | script.Tamper
    | script.Restore
    | life.Order
    | life.Standing
    | life.Recommended
    | life.Ended
    | script.Answer
    | script.Silence
    | script.Member
    | script.HangUp
    | script.Hostile
    | circuits.CircuitCall
    | circuits.CircuitTamper
    | circuits.CircuitAnswer
    | circuits.CircuitFlood
    | circuits.Maintain
    | circuits.Blocked
    | circuits.Cleared
    | circuits.Block
    | circuits.LinkStep
    | circuits.Glare
    | circuits.Glared,
    Field(discriminator="do"),
]


class _Document(Table):
    title: str | None = None
    expect: script.Expect
    step: Annotated[tuple[Step, ...], Field(max_length=30)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, as read from its file."""

    slug: str
    """The file's name without its ending; in the Call-IDs of its calls."""
    expect: script.Expect
    steps: tuple[Step, ...]
    title: str | None = None

    @property
    def name(self) -> str:
        """The sentence."""
        return self.title or _sentence_of(self.slug)


def _sentence_of(slug: str) -> str:
    sentence = slug.replace("-", " ")
    return sentence[:1].upper() + sentence[1:]


class ScenarioFault(Exception):
    """A scenario file that can't be played. The text names file, line and key, and says what to do."""


def load(file: Path) -> Scenario:
    """Read one scenario. Raises `ScenarioFault`, with every fault of the file."""
    try:
        data = file.read_bytes()
        if len(data) > LARGEST_FILE:
            raise ScenarioFault(f"{file}: longer than {LARGEST_FILE} bytes; a scenario is a page, split it")
        text = data.decode()
        document = _Document.model_validate(_tuples(tomllib.loads(text)))
    except OSError as error:
        raise ScenarioFault(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioFault(f"{file}: not TOML: {error}") from None
    except ValidationError as error:
        lines = locate_keys(text)
        details = error.errors(include_url=False)
        raise ScenarioFault(
            "\n".join(_fault(file, detail["loc"], detail["msg"], lines) for detail in details)
        ) from None
    scenario = Scenario(file.stem, document.expect, document.step, document.title)
    for objection in _contradictions(scenario):
        raise ScenarioFault(f"{file}: {objection}")
    return scenario


def load_all(folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Every scenario of a folder, in the order of their file names. Raises `ScenarioFault`."""
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ScenarioFault(f"{folder}: no scenarios (*.toml) there")
    return tuple(load(file) for file in files)


def _tuples(value: Any) -> Any:
    """TOML's arrays as tuples, which is what the frozen tables hold."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _fault(file: Path, path: KeyPath, message: str, lines: dict[KeyPath, int]) -> str:
    at = list(path)
    if len(at) > 2 and at[0] == "step":  # pydantic puts the kind of step between its number and its key
        del at[2]
    key = tuple(at)
    line = line_of(key, lines)
    where = f"{file}:{line}" if line is not None else str(file)
    reason = message.removeprefix("Value error, ").replace(
        "Extra inputs are not permitted", "no such key here; remove it"
    )
    return f"{where}: {key_text(key)}: {reason}"


def _contradictions(scenario: Scenario) -> Iterable[str]:
    rules: tuple[Callable[[Scenario], str | None], ...] = (
        _judged_once,
        _one_answer,
        _verdict_given,
        _sentence,
        _same_sentence,
    )
    for rule in rules:
        objection = rule(scenario)
        if objection is not None:
            yield objection


def _judged_once(scenario: Scenario) -> str | None:
    judged = sum(getattr(step, "judged", False) for step in scenario.steps)
    return None if judged == 1 else f"step: exactly one call or flood has `judged = true`, not {judged}"


def _one_answer(scenario: Scenario) -> str | None:
    """A caller over SIP sees a status, one on a circuit a cause."""
    expect = scenario.expect
    if (expect.status is None) is not (expect.cause is None):
        return None
    return "expect: give `status` where the judged call is over SIP, `cause` where it is on a circuit"


def _verdict_given(scenario: Scenario) -> str | None:
    expect = scenario.expect
    if expect.outcome != "NONE" and (expect.check is None or expect.verdict is None):
        return f"expect: an outcome of {expect.outcome} needs `check` and `verdict`"
    return None


def _sentence(scenario: Scenario) -> str | None:
    slug = scenario.slug
    return None if slug.isascii() and " " not in slug and "-" in slug else "the file's name is words joined by hyphens"


def _same_sentence(scenario: Scenario) -> str | None:
    sentence = _sentence_of(scenario.slug)
    if scenario.name.replace("-", " ") == sentence:
        return None
    return f"title: it may differ from the file's name ({sentence!r}) only in its hyphens"
