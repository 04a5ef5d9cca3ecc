from __future__ import annotations

import json

import pytest
from sim_network import LOOPBACK, OFFICE, TANDEM

from gateway.transport import sctp
from sim.ss7.association import Side
from sim.ss7.call_plan import IsupPlan
from sim.ss7.circuits import Trunks
from sim.ss7.link import SignallingLink
from sim.ss7.load import LoadAnswerer, LoadCaller, LoadPlan, Neighbours
from sim.ss7.parties import CircuitAnswer
from sim.ss7.switch import Ss7Switch

CALLS = tuple(IsupPlan("6363270100", f"31420611{number:02}") for number in range(10))


@pytest.mark.parametrize("side", list(Side))
async def test_every_call_of_a_load_is_answered_and_ended(side: Side) -> None:
    cics = tuple(range(1, 51))
    caller = LoadCaller(Neighbours(OFFICE, TANDEM, cics), side)
    answerer = LoadAnswerer(
        Neighbours(TANDEM, OFFICE, cics, routing_context=7), Side.SGP if side is Side.ASP else Side.ASP
    )
    server, client = (answerer, caller) if side is Side.ASP else (caller, answerer)
    try:
        client.connect(server.listen(LOOPBACK))
        assert await caller.ready()
        assert await answerer.ready()
        report = await caller.run(LoadPlan(calls=500, calls_per_s=0, iams=CALLS))
        assert (report.sent, report.answered, report.ended, report.unanswered) == (500, 500, 500, 0)
        assert (answerer.answered, answerer.ended) == (500, 500)
        assert report.document()["ended"] == 500
        paced = await caller.run(LoadPlan(calls=50, calls_per_s=2_000, iams=CALLS))
        assert (paced.ended, paced.unsent) == (50, 0)
    finally:
        caller.close()
        answerer.close()


async def test_calls_that_are_refused_are_counted_by_their_cause() -> None:
    switch = Ss7Switch("switch", TANDEM)
    link = SignallingLink(Side.SGP, switch.deliver, carrier=sctp.open_carrier(sctp.LinkCarrier.TCP))
    switch.connect(link, Trunks.of("LOAD", switch.variant, TANDEM, OFFICE, range(1, 5)))
    switch.answers = CircuitAnswer(cause=21)
    caller = LoadCaller(Neighbours(OFFICE, TANDEM, tuple(range(1, 5))), Side.ASP)
    try:
        caller.connect(link.listen(LOOPBACK))
        assert await caller.ready()
        report = await caller.run(LoadPlan(calls=20, calls_per_s=0, iams=CALLS))
        assert (report.answered, dict(report.refused), report.unanswered) == (0, {21: 20}, 0)
        assert json.loads(json.dumps(report.document()))["refused"] == {"21": 20}
    finally:
        for one in (caller, switch):
            one.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"calls": 0}, "calls is from 1 to"),
        ({"calls_per_s": 1e9}, "calls_per_s is from 0 to"),
        ({"iams": ()}, "iams is from 1 to"),
    ],
)
def test_a_load_out_of_bounds_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LoadPlan(**({"calls": 1, "calls_per_s": 1.0, "iams": CALLS} | given))  # type: ignore[arg-type]


def test_a_load_goes_to_loopback_only() -> None:
    caller = LoadCaller(Neighbours(OFFICE, TANDEM, (1,)), Side.ASP)
    with pytest.raises(ValueError, match="loopback only"):
        caller.connect(("192.0.2.1", 2905))
