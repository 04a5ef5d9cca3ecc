"""A counter for the hot path: a dictionary of cells that one thread turns and any thread may read.

prometheus-client's own counter takes a lock and checks its argument at every turn, 0.3 us each, and a call turns ten.
Here a turn is ``tally.cells[labels][0] += 1``, which is right as long as one thread alone turns: the gateway's loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

Labels = tuple[str, ...]


def _new_cell() -> list[int]:
    return [0]


class Tally:
    """One counter family. `cells` maps label values, in the order of `labels`, to a list of one integer."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self.cells: defaultdict[Labels, list[int]] = defaultdict(_new_cell)
        registry.register(self)

    def open(self, labels: Labels) -> None:
        """Makes the series, at 0 if it is new."""
        self.cells[labels]

    def collect(self) -> Iterator[Metric]:
        """The family as it stands. From any thread: the copy of the cells' places is one step of the interpreter."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, cell in tuple(self.cells.items()):
            family.add_metric(labels, cell[0])
        yield family
