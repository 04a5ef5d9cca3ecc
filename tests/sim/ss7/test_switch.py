from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sim_network import network

from gateway.codecs.ss7.isup import AddressPresentation, P, ScreeningIndicator
from gateway.codecs.ss7.variant import Variant
from sim.ss7.call_plan import CircuitOutcome, Conduct, IsupPlan
from sim.ss7.parties import CircuitAnswer
from sim.ss7.tampering import IsupTampering

HONEST_CALL = IsupPlan(
    called="3125550000",
    calling="2125551234",
    presentation=AddressPresentation.RESTRICTED,
    charge="2125559999",
    oli=0,
    jip="212555",
    ported="3125557777",
    m_bit=True,
    hops=20,
)


async def test_a_call_through_a_tandem_is_answered_and_every_circuit_is_idle_again() -> None:
    async with network() as net:
        outcome = await net.office.call(HONEST_CALL, "ACCESS")
        assert outcome == CircuitOutcome(
            "246-14-9.246-14-7.2",
            answered=True,
            cause=16,
            released_by="caller",
            messages=("ACM", "ANM"),
            cleared=True,
        )
        (received,) = net.far.received
        assert (received.trunks, received.answered, received.cause, received.released_by) == (
            "ONWARD",
            True,
            16,
            "caller",
        )
        assert await net.far.until(lambda: not net.far.calls_up)
        assert [switch.calls_up for switch in net.switches] == [0, 0, 0]
        assert net.faults() == []


async def test_an_honest_tandem_changes_the_hop_counter_and_nothing_else() -> None:
    async with network() as net:
        await net.office.call(HONEST_CALL, "ACCESS")
        arrived = net.far.received[0].iam
        sent = HONEST_CALL.iam(Variant.ANSI, arrived.cic or 0)
        assert arrived.encode() == sent.replaced({P.HOP_COUNTER: b"\x13"}).encode()


async def test_the_iam_is_the_one_of_the_reference_capture() -> None:
    iam = HONEST_CALL.iam(Variant.ANSI, 9001)
    assert iam.encode().hex() == (
        "292301006011"
        "0a03060d038090a2"
        "07031013525500000a0703171252552143c008c003101352557777"
        "eb0703101252559999ea0100c403125255"
        "3d011400"
    )


@pytest.mark.parametrize(
    ("tampering", "parameter", "arrives"),
    [
        (IsupTampering(calling_number="3142060000"), P.CALLING_PARTY_NUMBER, "03171324600000"),
        (IsupTampering(remove_calling_number=True), P.CALLING_PARTY_NUMBER, None),
        (IsupTampering(presentation=AddressPresentation.ALLOWED), P.CALLING_PARTY_NUMBER, "03131252552143"),
        (IsupTampering(screening=ScreeningIndicator.USER_NOT_VERIFIED), P.CALLING_PARTY_NUMBER, "03141252552143"),
        (IsupTampering(strip_charge_number=True), P.CHARGE_NUMBER, None),
        (IsupTampering(charge_number="3142060000"), P.CHARGE_NUMBER, "03101324600000"),
        (IsupTampering(drop_jip=True), P.JURISDICTION_INFORMATION, None),
        (IsupTampering(jip="636327"), P.JURISDICTION_INFORMATION, "363672"),
        (IsupTampering(drop_ported_number=True), P.GENERIC_ADDRESS, None),
        (IsupTampering(called_number="6363270100"), P.CALLED_PARTY_NUMBER, "03103636721000"),
        (IsupTampering(clear_m_bit=True), P.FORWARD_CALL_INDICATORS, "6001"),
        (IsupTampering(oli=61), P.ORIGINATING_LINE_INFORMATION, "3d"),
        (IsupTampering(category=13), P.CALLING_PARTYS_CATEGORY, "0d"),
        (IsupTampering(more_hops=5), P.HOP_COUNTER, "18"),
        (IsupTampering(redirecting_number="3142060000"), P.REDIRECTING_NUMBER, "03101324600000"),
    ],
)
async def test_a_tandem_that_tampers_changes_what_it_is_told_to_and_nothing_else(
    tampering: IsupTampering, parameter: P, arrives: str | None
) -> None:
    async with network() as net:
        net.tandem.tampering = tampering
        await net.office.call(HONEST_CALL, "ACCESS")
        arrived = net.far.received[0].iam
        value = arrived.value(parameter)
        assert (None if value is None else value.hex()) == arrives
        honest = HONEST_CALL.iam(Variant.ANSI, arrived.cic or 0).replaced({P.HOP_COUNTER: b"\x13"})
        assert dict(arrived.parameters) | {parameter: b""} == dict(honest.parameters) | {parameter: b""}


@pytest.mark.parametrize(
    ("answer", "conduct", "expected"),
    [
        (CircuitAnswer(cause=17), Conduct(), (False, 17, None, ("REL",))),
        (CircuitAnswer(cause=19, ring_s=0.01), Conduct(), (False, 19, None, ("ACM", "REL"))),
        (CircuitAnswer(progress=True), Conduct(), (True, 16, "caller", ("ACM", "CPG", "ANM"))),
        (CircuitAnswer(hang_up_after_s=0.01), Conduct(hold_s=5), (True, 16, "called", ("ACM", "ANM", "REL"))),
        (CircuitAnswer(ring_s=5), Conduct(give_up_after_s=0.5), (False, 16, None, ("ACM",))),
        (CircuitAnswer(silent=True), Conduct(answer_timeout_s=0.02), (False, 102, None, ())),
    ],
)
async def test_a_call_is_answered_or_released_as_the_called_side_says(
    answer: CircuitAnswer, conduct: Conduct, expected: tuple[object, ...]
) -> None:
    async with network() as net:
        net.far.answers = answer
        outcome = await net.office.call(HONEST_CALL, "ACCESS", conduct)
        assert (outcome.answered, outcome.cause, outcome.released_by, outcome.messages) == expected
        assert outcome.cleared
        assert await net.far.until(lambda: not net.far.calls_up)
        assert net.faults() == []


async def test_circuits_of_either_end_are_used_from_those_it_controls_on() -> None:
    async with network() as net:
        hang_up = asyncio.Event()
        calls = [
            asyncio.create_task(net.office.call(HONEST_CALL, "ACCESS", Conduct(hold_s=5, hang_up=hang_up)))
            for _ in range(9)
        ]
        assert await net.far.until(lambda: net.far.arrivals == 8)
        assert await net.office.until(lambda: sum(task.done() for task in calls) == 1)
        hang_up.set()
        outcomes = await asyncio.gather(*calls)
        assert sorted(int(one.name.rpartition(".")[2]) for one in outcomes) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
        assert sum(one.clean for one in outcomes) == 8
        first = [int(one.name.rpartition(".")[2]) for one in outcomes[:4]]
        assert first == [2, 4, 6, 8]  # 246-14-9 is the higher point code: the even ones are its own


async def test_blocked_circuits_are_left_alone_until_they_are_unblocked() -> None:
    async with network() as net:
        tandem, office = net.tandem, net.office
        group = tandem.trunks["ACCESS"]
        tandem.maintenance.block(group, range(1, 8), group=True)
        assert await tandem.until(lambda: not tandem.maintenance.unacknowledged)
        assert office.blocked_there("ACCESS") == 7
        assert (await office.call(HONEST_CALL, "ACCESS")).name.endswith(".8")
        tandem.maintenance.block(group, (8,), group=False)
        assert await tandem.until(lambda: not tandem.maintenance.unacknowledged)
        assert (await office.call(HONEST_CALL, "ACCESS")).cause is None
        tandem.maintenance.unblock(group, range(1, 8), group=True)
        tandem.maintenance.unblock(group, (8,), group=False)
        assert await tandem.until(lambda: not tandem.maintenance.unacknowledged)
        assert office.blocked_there("ACCESS") == 0
        assert office.heard.keys() >= {"CGB", "BLO", "CGU", "UBL"}
        assert net.faults() == []


@pytest.mark.parametrize("group", [False, True])
async def test_a_reset_clears_the_calls_of_its_circuits_at_both_ends(group: bool) -> None:
    async with network() as net:
        call = asyncio.create_task(net.office.call(HONEST_CALL, "ACCESS", Conduct(hold_s=5)))
        assert await net.far.until(lambda: net.far.arrivals == 1)
        assert await net.tandem.until(lambda: net.tandem.heard["ANM"] == 1)
        net.tandem.maintenance.reset(net.tandem.trunks["ACCESS"], range(1, 9), group=group)
        outcome = await call
        assert (outcome.answered, outcome.cause, outcome.released_by) == (True, 31, "called")
        assert await net.tandem.until(lambda: not net.tandem.maintenance.unacknowledged)
        assert await net.far.until(lambda: not net.far.calls_up)
        assert [switch.calls_up for switch in net.switches] == [0, 0, 0]
        assert net.faults() == []


async def test_of_two_seizures_of_one_circuit_that_of_its_controlling_end_stands() -> None:
    async with network() as net:
        net.tandem.route = None
        net.office.glare = replace(HONEST_CALL, called="3125550001")
        outcome = await net.tandem.call(HONEST_CALL, "ACCESS", Conduct(cic=1))
        assert net.office.glared is not None
        crossed = await net.office.glared
        assert (outcome.answered, crossed.answered) == (True, True)
        assert outcome.name == "246-14-7.246-14-9.1"  # odd: the tandem, with the lower point code, has it
        assert crossed.name.startswith("246-14-9.246-14-7.")
        assert crossed.name != "246-14-9.246-14-7.1"
        assert net.faults() == []


async def test_a_call_with_a_continuity_check_is_answered_when_the_check_has_succeeded() -> None:
    async with network() as net:
        outcome = await net.office.call(replace(HONEST_CALL, continuity=True), "ACCESS")
        assert outcome.clean
        assert net.far.heard["COT"] == 1


async def test_links_that_are_lost_come_back_and_calls_go_on() -> None:
    async with network() as net:
        link = net.tandem.link_to("ACCESS")
        link.lose()
        assert await net.office.until(lambda: not net.office.link_to("ACCESS").active)
        assert (await net.office.call(HONEST_CALL, "ACCESS")).cause is None
        link.restore()
        assert await net.office.until(lambda: net.office.link_to("ACCESS").active)
        assert await net.tandem.until(lambda: link.active)
        assert (await net.office.call(HONEST_CALL, "ACCESS")).clean


async def test_an_itu_network_carries_a_call_as_well() -> None:
    async with network(Variant.ITU) as net:
        outcome = await net.office.call(IsupPlan(called="442079460000", calling="12125551234", hops=10), "ACCESS")
        assert outcome.clean
        assert net.far.received[0].iam.variant is Variant.ITU
        assert net.faults() == []
