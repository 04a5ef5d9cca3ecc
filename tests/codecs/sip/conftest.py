"""Every test that asks for a codec runs with each one at hand, and the summary says which these were."""

from __future__ import annotations

import pytest
from codecs_at_hand import AT_HAND, WITHOUT_C, Codec


@pytest.fixture(scope="module", params=AT_HAND, ids=repr)
def codec(request: pytest.FixtureRequest) -> Codec:
    return request.param


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    without = f"; not in C: {WITHOUT_C} ('make native' compiles it)" if WITHOUT_C else ""
    terminalreporter.write_line(f"SIP codec tested in {' and '.join(map(repr, AT_HAND))}{without}")
