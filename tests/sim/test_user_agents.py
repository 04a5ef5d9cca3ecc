from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from lab_cast import Cast

from sim.aiosip_compatibility import T1_S
from sim.call_plan import CallOutcome, CallPlan
from sim.sip_text import read
from sim.user_agents import AnswerPlan, UserAgent

PLAN = CallPlan(called="+15735550123", calling="+13145550100")


async def call_directly(cast: Cast, plan: CallPlan) -> CallOutcome:
    return await cast.provider.call(plan, via=cast.switch.address)


async def test_an_answered_call_rings_is_acknowledged_and_ended_by_the_caller(cast: Cast) -> None:
    outcome = await call_directly(cast, PLAN)
    assert await cast.switch.idle()
    assert (outcome.status, outcome.phrase, outcome.provisional) == (200, "OK", (180,))
    assert outcome.clean
    assert outcome.released_by == "caller"
    received = cast.switch.received_call(outcome.call_id)
    assert received is not None
    assert received.acked
    assert received.released_by == "caller"


async def test_the_headers_go_out_exactly_as_planned(cast: Cast) -> None:
    plan = CallPlan(
        called="+15735550123;npdi;rn=+15735550100",
        calling="+13145550100",
        display_name="Riverbend Bakery",
        to="<tel:+15735550123>",
        asserted=("+13145550100", "<tel:+13145550100;cpc=payphone>"),
        privacy="id",
        charge="+13145550199",
        diversion=("<sip:+13145550111@a.example>;reason=unconditional",),
        history_info=("+13145550111", "<sip:+15735550123@b.example>;index=1.1"),
        identity=("eyJh.eyJi.sig",),
        extra=(("X-Odd", 'a  b;c="d"'),),
        max_forwards="31",
        call_id="exactly@this",
    )
    await call_directly(cast, plan)
    head, _, body = cast.switch.received[0].invite.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    host = f"127.0.0.1:{cast.switch.address[1]}"
    own = f"127.0.0.1:{cast.provider.address[1]}"
    assert lines[0] == f"INVITE sip:+15735550123;npdi;rn=+15735550100@{host};user=phone SIP/2.0"
    assert lines[1].startswith(f"Via: SIP/2.0/UDP {own};branch=z9hG4bK")
    assert lines[2] == "Max-Forwards: 31"
    assert lines[3].startswith('From: "Riverbend Bakery" <sip:+13145550100@riverbend.example;user=phone>;tag=')
    assert lines[4:] == [
        "To: <tel:+15735550123>",
        "Call-ID: exactly@this",
        "CSeq: 1 INVITE",
        f"Contact: <sip:riverbend@{own}>",
        "P-Asserted-Identity: <sip:+13145550100@riverbend.example;user=phone>",
        "P-Asserted-Identity: <tel:+13145550100;cpc=payphone>",
        "Privacy: id",
        "P-Charge-Info: <sip:+13145550199@riverbend.example;user=phone>",
        "Diversion: <sip:+13145550111@a.example>;reason=unconditional",
        "History-Info: <sip:+13145550111@riverbend.example;user=phone>;index=1",
        "History-Info: <sip:+15735550123@b.example>;index=1.1",
        "Identity: eyJh.eyJi.sig;info=<https://certificates.invalid/lab.cer>;alg=ES256;ppt=shaken",
        'X-Odd: a  b;c="d"',
        "User-Agent: tollgate-lab",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]


@pytest.mark.parametrize(
    ("plan", "start"),
    [
        (CallPlan(called="urn:service:sos", calling="+13145550100"), b"INVITE urn:service:sos SIP/2.0\r\n"),
        (CallPlan(called="911", calling=None), b"INVITE sip:911@"),
        (CallPlan(called="tel:+15735550123;npdi", calling=None), b"INVITE tel:+15735550123;npdi SIP/2.0\r\n"),
    ],
)
async def test_a_call_may_go_to_any_kind_of_address(cast: Cast, plan: CallPlan, start: bytes) -> None:
    assert (await call_directly(cast, plan)).clean
    assert cast.switch.received[0].invite.startswith(start)


async def test_an_anonymous_call_names_nobody_in_from(cast: Cast) -> None:
    await call_directly(cast, CallPlan(called="+15735550123", calling=None, asserted=("+13145550100",), privacy="id"))
    assert b'\r\nFrom: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=' in cast.switch.received[0].invite


async def test_a_refusal_is_acknowledged_and_its_reason_is_told(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(provisional=(), status=503, phrase="Over Limit", reason="Q.850;cause=42")
    outcome = await call_directly(cast, PLAN)
    assert await cast.switch.idle()
    assert (outcome.status, outcome.phrase, outcome.reason) == (503, "Over Limit", "Q.850;cause=42")
    assert not outcome.answered
    assert cast.switch.received[0].acked


async def test_a_cancelled_call_ends_with_487(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(ring_s=30.0)
    outcome = await call_directly(cast, CallPlan(called="+15735550123", calling=None, cancel_after_s=0.01))
    assert await cast.switch.idle()
    assert outcome.status == 487
    assert cast.switch.received[0].cancelled


async def test_183_is_progress_and_not_the_end(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(provisional=(180, 183))
    outcome = await call_directly(cast, PLAN)
    assert (outcome.provisional, outcome.status) == ((180, 183), 200)


async def test_the_called_side_may_hang_up(cast: Cast) -> None:
    cast.switch.answers = AnswerPlan(hang_up_after_s=0.0)
    outcome = await call_directly(cast, CallPlan(called="+15735550123", calling=None, hold_s=5.0))
    assert await cast.switch.idle()
    assert outcome.released_by == "called"
    assert cast.switch.received[0].bye_status == 200


async def test_a_number_can_be_answered_in_a_way_of_its_own(cast: Cast) -> None:
    cast.switch.answers_by_number["+15735550123"] = AnswerPlan(status=486, phrase="Busy Here")
    assert (await call_directly(cast, PLAN)).status == 486
    assert (await call_directly(cast, CallPlan(called="+15735550124", calling=None))).status == 200


async def test_cseq_counts_up_within_a_dialog_and_the_ack_has_the_invites(cast: Cast) -> None:
    await call_directly(cast, PLAN)
    requests = [read(p.payload) for p in cast.log.packets if p.source == cast.provider.address]
    assert [r.first(b"cseq") for r in requests if r is not None] == [b"1 INVITE", b"1 ACK", b"2 BYE"]


class DeafAtFirst(asyncio.DatagramProtocol):
    """Lets the first request go unheard, and refuses the second."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(data)
        request = read(data)
        if request is not None and request.method == b"INVITE" and len(self.heard) > 1:
            kept = [f.raw for f in request.fields if f.name in (b"via", b"from", b"to", b"call-id", b"cseq")]
            self.transport.sendto(b"\r\n".join([b"SIP/2.0 486 Busy Here", *kept, b"", b""]), addr)


async def test_an_invite_that_is_not_answered_is_sent_again_unchanged(cast: Cast) -> None:
    transport, peer = await asyncio.get_running_loop().create_datagram_endpoint(
        DeafAtFirst, local_addr=("127.0.0.1", 0)
    )
    try:
        outcome = await cast.provider.call(PLAN, via=transport.get_extra_info("sockname"))
    finally:
        transport.close()
    assert outcome.status == 486
    assert peer.heard[0] == peer.heard[1]
    assert outcome.final_s is not None
    assert outcome.final_s >= T1_S * 0.9


async def test_no_answer_is_an_outcome_and_not_an_error(cast: Cast) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    try:
        plan = CallPlan(called="911", calling=None, answer_timeout_s=0.05)
        outcome = await cast.provider.call(plan, via=transport.get_extra_info("sockname"))
    finally:
        transport.close()
    assert (outcome.status, outcome.answered, outcome.clean) == (None, False, False)


async def test_a_planned_value_with_a_line_break_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="X-Bad: a value has no line break"):
        await call_directly(cast, CallPlan(called="911", calling=None, extra=(("X-Bad", "a\r\nVia: b"),)))


async def test_an_agent_without_a_next_hop_says_what_to_set() -> None:
    agent = UserAgent("Nowhere")
    await agent.start()
    try:
        with pytest.raises(RuntimeError, match="set next_hop"):
            await agent.call(PLAN)
    finally:
        await agent.close()


def test_importing_aiosip_warns_nobody_and_leaves_no_lent_name_behind() -> None:
    program = (
        "import sim.aiosip_compatibility, asyncio, collections;"
        "assert not hasattr(asyncio, 'coroutine') and not hasattr(collections, 'MutableMapping')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


def test_agents_run_on_uvloop_as_the_gateway_does() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def play() -> bool:
        caller, called = UserAgent("A"), UserAgent("B")
        caller.next_hop = await called.start()
        await caller.start()
        outcomes = await asyncio.gather(*(caller.call(PLAN) for _ in range(50)))
        await caller.close()
        await called.close()
        return all(outcome.clean for outcome in outcomes)

    assert uvloop.run(play())
