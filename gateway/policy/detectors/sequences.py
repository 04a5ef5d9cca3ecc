"""Calls whose numbers follow one another: what the detectors of sequential calling and called numbers share.

Honest calls come between those of a sequence, and some of them in the same thousand block. So of each block several
sequences are followed at once, by the number that each has come to. A number that goes on from none of them begins one,
in place of the one that went on longest ago: a sequence is lost when that many honest calls come between two of its
own, and calls by chance make none, since of a thousand numbers one must hit the next few of a handful, again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.interconnection.carriers import Ocn
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.call_attempt import CallAttempt
from gateway.policy.detectors.contracts import NOTHING_AGREED, Contracts
from gateway.policy.detectors.counting import SECOND_US, Samples, Senders, Subjects
from gateway.policy.detectors.detector import Detection, Subject, SubjectKind

SEQUENCES: Final = 8
"""Sequences that are followed at once in one thousand block of one trunk group."""
MOST_BLOCKS: Final = 4_096
_LAST_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    enabled: bool = True
    run: int = 20
    """Calls in sequence that are one by chance."""
    step: int = 3
    """How far on, or back, the next number of a sequence may be."""
    gap_s: float = 30
    """Seconds after which a sequence is over that no call goes on with."""


class _Sequence:
    """Calls with one number after the other."""

    __slots__ = ("at_us", "began_us", "count", "first", "forward", "last", "samples", "senders")

    def __init__(self, number: int, at_us: int) -> None:
        self.begin(number, at_us)

    def begin(self, number: int, at_us: int) -> None:
        """Be a sequence of this number alone."""
        self.first = self.last = number
        self.count = 1
        self.forward = 0
        """1 for upwards, -1 for downwards, 0 for one number alone."""
        self.began_us = self.at_us = at_us
        self.senders: Senders | None = None
        """None of one number alone, as that of most calls stays."""
        self.samples: Samples | None = None


class Sequences:
    """Finds the sequences on each trunk group, and gives a detection for each trunk group or provider that has one."""

    def __init__(
        self, detector: str, numbers: str, settings: SequenceSettings, contracts: Contracts = NOTHING_AGREED
    ) -> None:
        """`numbers` is what is in sequence, for people: ``calling numbers``."""
        self._detector: Final = detector
        self._numbers: Final = numbers
        self._settings: Final = settings
        self._contracts: Final = contracts
        self._gap_us: Final = round(settings.gap_s * SECOND_US)
        self._blocks: Final[Subjects[tuple[str, str], list[_Sequence]]] = Subjects(MOST_BLOCKS)
        """By trunk group and the digits before the last three; in each, the sequence that went on last is the last."""

    def add(self, number: TelephoneNumber, attempt: CallAttempt) -> None:
        """A call, with the number of it that may be in sequence."""
        ingress, digits = attempt.ingress, number.digits
        if ingress is None or len(digits) <= _LAST_DIGITS:
            return
        key = ingress.name, digits[:-_LAST_DIGITS]
        line = int(digits[-_LAST_DIGITS:])
        sequences = self._blocks.get(key)
        if sequences is None:
            sequences = self._blocks.put(key, [])
        sequence = self._continued(sequences, line, attempt.at_us)
        if sequence is None:
            return
        if sequence.senders is None or sequence.samples is None:
            sequence.senders, sequence.samples = Senders(), Samples()
        sequence.senders.add(self._contracts.answerable(attempt))
        sequence.samples.add(attempt)

    def _continued(self, sequences: list[_Sequence], line: int, at_us: int) -> _Sequence | None:
        """The sequence that a number goes on with; None where it begins one."""
        most, oldest_us = self._settings.step, at_us - self._gap_us
        for place, sequence in enumerate(sequences):
            step = line - sequence.last
            if step > most or step < -most or sequence.at_us < oldest_us:
                continue
            forward = (step > 0) - (step < 0)
            if forward and sequence.forward and forward != sequence.forward:
                continue
            if forward:
                sequence.count += 1
                sequence.forward, sequence.last = forward, line
            sequence.at_us = at_us
            sequences.append(sequences.pop(place))
            return sequence
        if len(sequences) < SEQUENCES:
            sequences.append(_Sequence(line, at_us))
        else:
            least = sequences.pop(0)
            least.begin(line, at_us)
            sequences.append(least)
        return None

    def judge(self, at_us: int) -> Iterator[Detection]:
        """The longest sequence of each provider and trunk group that has one that is not over."""
        worst: dict[tuple[str, Ocn | None], tuple[str, _Sequence, int]] = {}
        for (group, block), sequences in self._blocks.items():
            for sequence in sequences:
                if sequence.count <= self._settings.run or at_us - sequence.at_us > self._gap_us:
                    continue
                key = group, sequence.senders.sole() if sequence.senders is not None else None
                known = worst.get(key)
                if known is None:
                    worst[key] = block, sequence, 1
                else:
                    longer = (block, sequence) if sequence.count > known[1].count else known[:2]
                    worst[key] = (*longer, known[2] + 1)
        for (group, provider), (block, sequence, number) in worst.items():
            yield self._detection(group, provider, block, sequence, number, at_us)

    def _detection(
        self, group: str, provider: Ocn | None, block: str, sequence: _Sequence, number: int, at_us: int
    ) -> Detection:
        kind, name = (SubjectKind.TRUNK_GROUP, group) if provider is None else (SubjectKind.PROVIDER, provider)
        count, threshold = sequence.count, self._settings.run
        first, last = (f"{block}{line:0{_LAST_DIGITS}}" for line in (sequence.first, sequence.last))
        seconds = max(sequence.at_us - sequence.began_us, 0) / SECOND_US
        more = f"; {number} such sequences" if number > 1 else ""
        return Detection(
            self._detector,
            Subject(kind, name),
            provider,
            at_us,
            sequence.began_us,
            (
                ("calls_in_sequence", float(count)),
                ("threshold", float(threshold)),
                ("sequences", float(number)),
                ("took_s", round(seconds, 1)),
            ),
            f"{self._numbers} {first} to {last} in sequence, {count} calls in {seconds:.0f} s on trunk group {group}; "
            f"over {threshold}{more}",
            count / threshold if threshold else float(count),
            self._settings.gap_s,
            group,
            sequence.samples.taken() if sequence.samples is not None else (),
        )
