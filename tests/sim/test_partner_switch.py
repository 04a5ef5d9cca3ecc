from __future__ import annotations

import asyncio
import re

import pytest
from lab_cast import Cast

from sim.call_plan import CallPlan
from sim.malformed import corpus
from sim.sip_text import host_port, read
from sim.tampering import HONEST, Tampering
from sim.user_agents import AnswerPlan

PLAN = CallPlan(
    called="+15735550123",
    calling="+13145550100",
    asserted=("+13145550100",),
    privacy="id",
    charge="+13145550199",
)


async def test_an_honest_partner_changes_no_byte_but_its_own_lines_and_the_hops(cast: Cast) -> None:
    assert (await cast.provider.call(PLAN)).clean
    (sent,) = cast.sent(b"INVITE", cast.provider.address)
    trunk = host_port(cast.partner.trunk("SHARED"))
    (relayed,) = cast.sent(b"INVITE", cast.partner.trunk("SHARED"))
    start, rest = sent.split(b"\r\n", 1)
    lines = relayed.split(b"\r\n", 3)
    assert lines[0] == start
    assert re.fullmatch(rb"Via: SIP/2\.0/UDP %s;branch=z9hG4bK[0-9a-f]{24}\.0" % trunk.encode(), lines[1])
    assert lines[2] == b"Record-Route: <sip:%s;lr>" % trunk.encode()
    assert lines[3] == rest.replace(b"Max-Forwards: 70", b"Max-Forwards: 69")


async def test_a_response_comes_back_without_the_partners_via_and_otherwise_untouched(cast: Cast) -> None:
    await cast.provider.call(PLAN)
    (answered,) = (d for d in cast.sent(b"SIP/2.0 200", cast.switch.address) if b"1 INVITE" in d)
    (relayed,) = (d for d in cast.sent(b"SIP/2.0 200", cast.partner.access) if b"1 INVITE" in d)
    lines = answered.split(b"\r\n")
    own = next(line for line in lines if line.startswith(b"Via: ") and line.endswith(b".0"))
    assert relayed == answered.replace(own + b"\r\n", b"", 1)


async def test_a_retransmission_an_ack_and_a_cancel_get_the_branch_of_their_invite(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(ring_s=30.0)
    await cast.provider.call(CallPlan(called="911", calling=None, cancel_after_s=0.01))
    assert await cast.switch.idle()
    relayed = [m for d in cast.sent(b"", cast.partner.trunk("SHARED")) if (m := read(d)) is not None and m.is_request]
    assert [m.method for m in relayed] == [b"INVITE", b"CANCEL", b"ACK"]
    assert len({m.values(b"via")[0] for m in relayed}) == 1


NUMBER = b"+13145559999"


@pytest.mark.parametrize(
    ("tampering", "there", "gone"),
    [
        (HONEST, [b"From: <sip:+13145550100@", b"Privacy: id", b"P-Charge-Info: <sip:+13145550199@"], []),
        (
            Tampering(calling_number=NUMBER.decode()),
            [b"From: <sip:+13145559999@riverbend.example;user=phone>;tag=", b"P-Asserted-Identity: <sip:+13145559999@"],
            [b"13145550100"],
        ),
        (
            Tampering(remove_calling_number=True),
            [b'From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag='],
            [b"13145550100", b"P-Asserted-Identity"],
        ),
        (
            Tampering(asserted_number=NUMBER.decode()),
            [b"From: <sip:+13145550100@", b"P-Asserted-Identity: <sip:+13145559999@riverbend.example;user=phone>\r\n"],
            [],
        ),
        (Tampering(called_number="+15735550777"), [b"INVITE sip:+15735550777@", b"To: <sip:+15735550123@"], []),
        (Tampering(strip_privacy=True), [b"From: <sip:+13145550100@"], [b"Privacy"]),
        (Tampering(strip_charge_number=True), [b"Privacy: id"], [b"P-Charge-Info"]),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_tampering_partner_alters_what_it_is_told_to_and_the_call_still_completes(
    cast: Cast, tampering: Tampering, there: list[bytes], gone: list[bytes]
) -> None:
    cast.partner.tampering = tampering
    assert (await cast.provider.call(PLAN)).clean
    invite = cast.switch.received[0].invite
    assert [text for text in there if text not in invite] == []
    assert [text for text in gone if text in invite] == []


async def test_a_partner_may_tamper_with_one_provider_only(cast: Cast) -> None:
    cast.partner.tampering_by_provider["Another"] = Tampering(remove_calling_number=True)
    await cast.provider.call(PLAN)
    assert b"13145550100" in cast.switch.received[0].invite


async def test_an_asserted_identity_is_put_in_where_there_was_none(cast: Cast) -> None:
    cast.partner.tampering = Tampering(asserted_number="+13145559999")
    await cast.provider.call(CallPlan(called="+15735550123", calling="+13145550100"))
    assert b"\r\nP-Asserted-Identity: <tel:+13145559999>\r\n" in cast.switch.received[0].invite


async def test_a_moved_providers_new_calls_take_the_other_group_while_a_call_that_is_up_stays(cast: Cast) -> None:
    up = asyncio.create_task(cast.provider.call(CallPlan(called="+15735550123", calling=None, hold_s=0.2)))
    await asyncio.wait_for(cast.switch.arrived.wait(), 5.0)
    await asyncio.wait_for(cast.switch.received[0].settled.wait(), 5.0)
    cast.partner.move("Riverbend", "DEDICATED")
    assert (await cast.provider.call(PLAN)).clean
    assert (await up).clean
    assert await cast.switch.idle()
    assert [call.source for call in cast.switch.received] == [
        cast.partner.trunk("SHARED"),
        cast.partner.trunk("DEDICATED"),
    ]
    assert len(cast.sent(b"BYE", cast.partner.trunk("SHARED"))) == 1


async def test_moving_to_an_unknown_group_names_those_there_are(cast: Cast) -> None:
    with pytest.raises(ValueError, match="no trunk group NONE; it has DEDICATED, SHARED"):
        cast.partner.move("Riverbend", "NONE")


async def test_a_call_from_the_gateway_finds_the_provider_of_the_called_number(cast: Cast) -> None:
    outcome = await cast.switch.call(CallPlan(called="+13145550100", calling="+15735550123"))
    assert outcome.clean
    assert len(cast.provider.received) == 1


async def test_a_number_that_nobody_serves_is_404(cast: Cast) -> None:
    outcome = await cast.switch.call(CallPlan(called="+12125550100", calling="+15735550123"))
    assert outcome.status == 404
    assert cast.partner.dropped["no route"] > 0


async def test_the_called_side_hangs_up_through_the_partner(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(hang_up_after_s=0.0)
    outcome = await cast.provider.call(CallPlan(called="911", calling=None, hold_s=5.0))
    assert await cast.switch.idle()
    assert outcome.released_by == "called"
    assert cast.switch.received[0].bye_status == 200


async def test_a_request_with_no_hop_left_is_483(cast: Cast) -> None:
    outcome = await cast.provider.call(CallPlan(called="911", calling=None, max_forwards="0"))
    assert outcome.status == 483


async def test_the_cast_lives_through_every_hostile_datagram(cast: Cast) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    own = transport.get_extra_info("sockname")
    cast.partner.serve("Hostile", "SHARED", [own])
    try:
        for kind in corpus():
            for target in (
                cast.partner.access,
                cast.partner.trunk("SHARED"),
                cast.switch.address,
                cast.provider.address,
            ):
                transport.sendto(kind.payload(own), target)
        assert (await cast.provider.call(PLAN)).clean
    finally:
        transport.close()
