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
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from gateway.operations.toml_lines import KeyPath, key_text, line_of, locate_keys
from sim.cast import AGENTS, DEFAULT_TRUNK, HOST_TRUNKS, PROVIDERS, RELAYED, SOCKET_TRUNK

FOLDER: Final = Path(__file__).resolve().parent / "scenarios"
LARGEST_FILE: Final = 64 * 1024
MOST_CALLS: Final = 5_000


def _one_of(names: Iterable[str], what: str) -> AfterValidator:
    known = tuple(names)

    def validate(value: str) -> str:
        if value not in known:
            raise ValueError(f"{value[:80]!r} is not {what}; use one of: {', '.join(known)}")
        return value

    return AfterValidator(validate)


Agent = Annotated[str, _one_of(AGENTS, "one of the cast")]
Provider = Annotated[str, _one_of(PROVIDERS, "a provider of the cast")]
Relayed = Annotated[str, _one_of((trunk.name for trunk in RELAYED), "a trunk group of the partner's switch")]
AnyTrunk = Annotated[
    str, _one_of((trunk.name for trunk in (*RELAYED, SOCKET_TRUNK, *HOST_TRUNKS)), "a trunk group of the lab")
]
Status = Annotated[int, Field(ge=100, le=699)]
Seconds = Annotated[float, Field(ge=0, le=30)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Expect(_Table):
    """What the gateway must make of the judged call."""

    outcome: Literal["ADMIT", "REFUSE", "DIVERT", "NONE"]
    """The engine's; NONE where the call must not even be decided."""
    clause: str
    """The clause that the verdict rests on; for NONE, what the answer rests on."""
    about: str | None = None
    """The section of a standard that the scenario is there for, where that isn't the check's clause; for the table."""
    check: str | None = None
    verdict: str | None = None
    """That check's verdict: of a refused call the one that refused it, else the one the scenario is about."""
    status: Status
    """Final SIP status that the caller sees."""

    @property
    def text(self) -> str:
        """The verdict in a word or two, for the table."""
        return verdict_text(self.outcome, self.verdict, self.status)

    @property
    def shown_clause(self) -> str:
        """What the table says the scenario rests on."""
        return self.about or self.clause


def verdict_text(outcome: str, verdict: str | None, status: int | None) -> str:
    """How a verdict is shown: ``ADMIT``, ``ADMIT (WARN)``, ``ALTERED 403``, ``not decided, 481``."""
    if outcome == "NONE":
        return f"not decided, {status}"
    if outcome == "REFUSE":
        return f"{verdict} {status}"
    return outcome if verdict in (None, "PASS") else f"{outcome} ({verdict})"


class StepExpect(_Table):
    """What must come of one step. What isn't given isn't looked at, but for what holds for every call."""

    status: Status | None = None
    check: str | None = None
    verdict: str | None = None
    clause: str | None = None
    trunk_group: AnyTrunk | None = None
    """By which the call leaves the gateway."""
    received_by: Agent | None = None
    released_by: Literal["caller", "called"] | None = None
    has: tuple[str, ...] = ()
    """Texts that the INVITE has at the far end."""
    lacks: tuple[str, ...] = ()


class FloodExpect(_Table):
    """What must come of a flood."""

    status: Status
    """Of every call that isn't answered."""
    verdict: str
    answered_at_least: int = 0
    answered_at_most: int
    refused_at_least: int = 1


class Call(_Table):
    """Place calls, one after the other."""

    do: Literal["call"]
    from_: Agent = Field(alias="from")
    over: Relayed = DEFAULT_TRUNK
    """The trunk group that the partner's switch takes for a provider's call."""
    called: str
    calling: str | None = None
    """Left out: an anonymous From."""
    display_name: str | None = None
    to: str | None = None
    asserted: tuple[str, ...] = ()
    privacy: str | None = None
    charge: str | None = None
    diversion: tuple[str, ...] = ()
    history_info: tuple[str, ...] = ()
    attest: Literal["A", "B", "C"] | None = None
    """Send a PASSporT for the numbers of this step, with this attestation."""
    extra: tuple[tuple[str, str], ...] = ()
    max_forwards: str = "70"
    cancel_after_s: Seconds | None = None
    hold_s: Seconds = 0.0
    count: Annotated[int, Field(ge=1, le=500)] = 1
    stays_up: bool = False
    """The next step comes when the calls are up; they stay so until `hang_up`, or the end of the scenario."""
    together: bool = False
    """The next step doesn't wait until this one is over."""
    judged: bool = False
    expect: StepExpect = StepExpect()


class Flood(_Table):
    """Flood the gateway from a provider's second socket."""

    do: Literal["flood"]
    from_: Provider = Field(alias="from")
    over: Relayed = DEFAULT_TRUNK
    called: str
    first_calling: str
    numbers: Annotated[int, Field(ge=1, le=MOST_CALLS)] = 100
    calls: Annotated[int, Field(ge=1, le=MOST_CALLS)]
    calls_per_s: Annotated[float, Field(gt=0, le=5_000)]
    together: bool = False
    """The next step comes when the first call of the flood is refused."""
    judged: bool = False
    expect: FloodExpect


class Tamper(_Table):
    """The partner's switch alters what it relays, from now on."""

    do: Literal["tamper"]
    provider: Provider | None = None
    """Whose calls; None: everyone's."""
    calling_number: str | None = None
    remove_calling_number: bool = False
    asserted_number: str | None = None
    called_number: str | None = None
    strip_privacy: bool = False
    strip_charge_number: bool = False
    charge_number: str | None = None


class Restore(_Table):
    """The partner's switch is honest again, and everyone answers as usual."""

    do: Literal["restore"]


class Cutover(_Table):
    """An operator cuts a provider over, with the same request as `tollgate cutover`. Undone when the scenario ends."""

    do: Literal["cutover"]
    provider: Provider
    to: Relayed | None = None
    """None: back on the shared groups."""
    why: str


class Answer(_Table):
    """How one of the cast answers from now on."""

    do: Literal["answer"]
    at: Agent
    provisional: tuple[Status, ...] = (180,)
    ring_s: Seconds = 0.0
    status: Status = 200
    phrase: str = "OK"
    reason: str | None = None
    retry_after_s: Annotated[int, Field(ge=0, le=10)] | None = None
    hang_up_after_s: Seconds | None = None


class Silence(_Table):
    """One of the cast drops whatever comes, as if nobody were there, until it is told to speak again."""

    do: Literal["silence"]
    at: Agent
    ends: bool = False
    """It speaks again."""


class Member(_Table):
    """Wait until the gateway has a member of a trunk group in this state."""

    do: Literal["member"]
    at: Agent
    state: Literal["in service", "suspect", "penalised", "out of service"]


class HangUp(_Table):
    """End the calls that stay up, from the caller's side. Each must end cleanly."""

    do: Literal["hang_up"]


class Hostile(_Table):
    """Send every hostile datagram of `sim.malformed`; each must get what is said there, and nothing may fail."""

    do: Literal["hostile"]


Step = Annotated[
    Call | Flood | Tamper | Restore | Cutover | Answer | Silence | Member | HangUp | Hostile,
    Field(discriminator="do"),
]


class _Document(_Table):
    title: str | None = None
    expect: Expect
    step: Annotated[tuple[Step, ...], Field(max_length=30)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, as read from its file."""

    slug: str
    """The file's name without its ending; in the Call-IDs of its calls."""
    expect: Expect
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
    rules: tuple[Callable[[Scenario], str | None], ...] = (_judged_once, _verdict_given, _sentence, _same_sentence)
    for rule in rules:
        objection = rule(scenario)
        if objection is not None:
            yield objection


def _judged_once(scenario: Scenario) -> str | None:
    judged = sum(isinstance(step, Call | Flood) and step.judged for step in scenario.steps)
    return None if judged == 1 else f"step: exactly one call or flood has `judged = true`, not {judged}"


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
