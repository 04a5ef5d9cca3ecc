"""Every message of the corpus through a running gateway, and then an ordinary call."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.interconnection.trunk_groups import Transport
from gateway.operations.configuration import Configuration
from gateway.policy.detectors.settings import DetectorSettings
from gateway.policy.detectors.source_rate import SourceRateSettings
from gateway.wiring.live import running
from tests.hostile.cases import cases
from tests.hostile.torture import Torture
from tests.hostile.wires import ends
from tests.wiring.small_gateway import Calls, Exchange

RFC_4475 = {
    *(f"3.1.1.{number}" for number in range(1, 14)),
    *(f"3.1.2.{number}" for number in range(1, 20)),
    "3.2.1",
    *(f"3.3.{number}" for number in range(1, 16)),
    "3.4.1",
}
RFC_5118 = {f"4.{number}" for number in range(1, 11)}


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path)
    yield exchange
    exchange.close()


def test_the_corpus_has_a_case_for_every_section() -> None:
    covered = {(case.document, case.section) for case in cases()}
    assert covered == {("RFC 4475", section) for section in RFC_4475} | {("RFC 5118", section) for section in RFC_5118}
    assert len({str(case) for case in cases()}) == len(cases())


def _patient(configuration: Configuration) -> Configuration:
    """A gateway that reads the whole corpus without an alert: most of it comes to nothing, and all is of one
    source, which asks after each message whether it is still answered.
    """
    unseen = SourceRateSettings(enabled=False)
    detectors = DetectorSettings(
        options_flood=unseen,
        malformed_datagrams=unseen,
        stray_messages=unseen,
        stranger_flood=unseen,
        retransmission_storm=unseen,
    )
    limits = replace(configuration.limits, wasted_per_second=10_000)
    return replace(configuration, limits=limits, detectors=detectors)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP, Transport.TLS])
async def test_every_message_of_the_corpus_gets_what_it_is_owed_and_an_ordinary_call_succeeds_after_it(
    exchange: Exchange, transport: Transport, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    with caplog.at_level(logging.INFO):
        async with (
            ends(transport, exchange, tmp_path) as both,
            running(_patient(both.configuration), observers=[calls]) as gateway,
        ):
            torture = Torture(gateway, *await both.connect(gateway.listeners))
            assert await torture.run(cases()) == []
            assert await torture.place_call("ordinary") == [100, 180, 200, 200]
            await calls.over("ordinary")
            assert gateway.transport.faults == 0
            assert gateway.proxy.dialogs == 0
            assert gateway.status()["calls_in_progress"] == 0
            assert all(group["calls_in_progress"] == 0 for group in gateway.status()["trunk_groups"])
            assert gateway.recorder.lost == 0
            table = gateway.connections
            assert (table.accepted, table.made) == ((0, 0) if transport is Transport.UDP else (1, 1))
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.WARNING] == []
