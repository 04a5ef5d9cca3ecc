"""One call from the caller's side, and the requests that either side sends within its dialog."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import sim.call_plan as plans
from sim.aiosip_compatibility import Request, SipDialog, contact_field
from sim.call_plan import CallOutcome, CallPlan
from sim.sip_text import Address, Field, SipText, host_port, uri_of
from sim.sip_text import field as header

MEDIA_PORT = 40_000
"""Written in the SDP; nobody listens there."""
CONTENT_TYPE = Field(b"content-type", b"application/sdp", b"Content-Type: application/sdp")
_USER_AGENT = Field(b"user-agent", b"tollgate-lab", b"User-Agent: tollgate-lab")


class InDialog:
    """Requests within a dialog of one agent: route set, remote target, tags (RFC 3261 section 12)."""

    def __init__(
        self, dialog: SipDialog, own: Address, local: str, remote: str, target: str, routes: list[str]
    ) -> None:
        self.dialog, self.own, self.target = dialog, own, target
        self._routes = [header("Route", route) for route in routes]
        self._local, self._remote = header("From", local), header("To", remote)

    @classmethod
    def of_called(cls, dialog: SipDialog, own: Address, invite: SipText) -> InDialog:
        local = invite.text("to") or ""
        if ";tag=" not in local.rpartition(">")[2]:
            local = f"{local};tag={dialog.local_tag}"
        routes = [value.decode() for value in invite.values(b"record-route")]
        return cls(dialog, own, local, invite.text("from") or "", _remote_target(invite), routes)

    @classmethod
    def of_caller(cls, dialog: SipDialog, own: Address, local: str, answer: SipText) -> InDialog:
        routes = [value.decode() for value in reversed(answer.values(b"record-route"))]
        return cls(dialog, own, local, answer.text("to") or "", _remote_target(answer), routes)

    def send(self, method: str, number: int) -> asyncio.Future[Any] | None:
        fields = (
            new_via(self.own),
            header("Max-Forwards", "70"),
            *self._routes,
            self._local,
            self._remote,
            header("Call-ID", self.dialog.call_id),
            header("CSeq", f"{number} {method}"),
            _USER_AGENT,
            header("Content-Length", "0"),
        )
        return self.dialog.request(method, self.target, fields)

    async def end(self, timeout_s: float) -> int | None:
        """Send BYE and wait for its final status; None when none came."""
        self.dialog.cseq_number += 1
        return await _status_of(self.send("BYE", self.dialog.cseq_number), timeout_s)


class PlacedCall:
    """One call from INVITE to its end, seen from the caller."""

    def __init__(self, dialog: SipDialog, plan: CallPlan, *, own: Address, user: str, domain: str) -> None:
        self.dialog, self.plan, self.own, self.domain = dialog, plan, own, domain
        self.contact = contact_field(user, own)
        content_type, self.body = plans.body_of(plan, own[0], MEDIA_PORT)
        self.content_type = header("Content-Type", content_type)
        self.call_id = dialog.call_id
        target = dialog.remote_addr
        self.request_uri = plans.uri(plan.called, host_port(target))
        self.via = new_via(own)
        self.from_ = f"{plans.from_value(plan, domain)};tag={dialog.local_tag}"
        self.to = plans.to_value(plan, host_port(target))
        self.bye = asyncio.Event()
        self.started = time.monotonic()
        dialog.register_callback("BYE", self._released)

    async def run(self) -> CallOutcome:
        self.dialog.cseq_number = 1
        future = self.dialog.request("INVITE", self.request_uri, self._invite_fields(), self.body)
        if future is None:  # aiosip gives one for everything but ACK
            raise RuntimeError("the INVITE was sent without a transaction")
        await self._final(future)
        if not future.done():
            return self._outcome(None, None)
        final_s = self._elapsed()
        answer: SipText = future.result().sip
        if answer.status >= 300:
            self._hop_by_hop("ACK", answer.text("to") or self.to)
            self.dialog.on_final_again = lambda: self._hop_by_hop("ACK", answer.text("to") or self.to)
            return self._outcome(answer, final_s)
        return await self._talk(answer, final_s)

    async def _final(self, future: asyncio.Future[Any]) -> None:
        """Wait for the final response; CANCEL where the plan or the time says so, once a provisional has come (9.1)."""
        plan = self.plan
        first_s = plan.answer_timeout_s if plan.cancel_after_s is None else plan.cancel_after_s
        await asyncio.wait({future}, timeout=first_s)
        if future.done() or not await happens(self.dialog.progress, plan.answer_timeout_s):
            return
        if not future.done():
            self._hop_by_hop("CANCEL", self.to)
            await asyncio.wait({future}, timeout=plan.answer_timeout_s)

    async def _talk(self, answer: SipText, final_s: float) -> CallOutcome:
        in_dialog = InDialog.of_caller(self.dialog, self.own, self.from_, answer)
        in_dialog.send("ACK", 1)
        self.dialog.on_final_again = lambda: self._acknowledge_again(in_dialog)
        if await self._ended_by_called():
            return self._outcome(answer, final_s, released_by="called")
        status = await in_dialog.end(self.plan.answer_timeout_s)
        return self._outcome(answer, final_s, released_by="caller", bye_status=status)

    async def _ended_by_called(self) -> bool:
        """Keep the call for as long as the plan says; whether the called side ended it within that time."""
        if self.plan.hang_up is None:
            return await happens(self.bye, self.plan.hold_s)
        ends = [asyncio.ensure_future(event.wait()) for event in (self.bye, self.plan.hang_up)]
        try:
            await asyncio.wait(ends, timeout=self.plan.hold_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        return self.bye.is_set()

    @staticmethod
    def _acknowledge_again(in_dialog: InDialog) -> None:
        in_dialog.send("ACK", 1)

    def _invite_fields(self) -> tuple[Field, ...]:
        return (
            self.via,
            header("Max-Forwards", self.plan.max_forwards),
            header("From", self.from_),
            header("To", self.to),
            header("Call-ID", self.call_id),
            header("CSeq", "1 INVITE"),
            self.contact,
            *plans.identity_fields(self.plan, self.domain),
            _USER_AGENT,
            self.content_type,
            header("Content-Length", str(len(self.body))),
        )

    def _hop_by_hop(self, method: str, to: str) -> None:
        """ACK of a refusal, or CANCEL: the INVITE's own Via, Request-URI and CSeq number (9.1, 17.1.1.3)."""
        fields = (
            self.via,
            header("Max-Forwards", self.plan.max_forwards),
            header("From", self.from_),
            header("To", to),
            header("Call-ID", self.call_id),
            header("CSeq", f"1 {method}"),
            header("Content-Length", "0"),
        )
        self.dialog.request(method, self.request_uri, fields)

    def _released(self, dialog: SipDialog, msg: Request) -> None:
        dialog.reply(msg.sip, 200, "OK")
        self.bye.set()

    def _elapsed(self) -> float:
        return time.monotonic() - self.started

    def _outcome(
        self,
        final: SipText | None,
        final_s: float | None,
        *,
        released_by: str | None = None,
        bye_status: int | None = None,
    ) -> CallOutcome:
        retry_after = None if final is None else final.text("retry-after")
        digits = (retry_after or "").partition(";")[0].partition("(")[0].strip()
        statuses = tuple(message.status for message in self.dialog.provisional)
        return CallOutcome(
            call_id=self.call_id,
            status=None if final is None else final.status,
            phrase="" if final is None else final.phrase,
            reason=None if final is None else final.text("reason"),
            retry_after_s=int(digits) if digits.isdigit() else None,
            provisional=statuses,
            answered=final is not None and final.status < 300,
            released_by=released_by,
            bye_status=bye_status,
            ringing_s=None if self.dialog.rang_at is None else self.dialog.rang_at - self.started,
            final_s=final_s,
            ended_s=self._elapsed(),
            final=b"" if final is None else bytes(final),
        )


def new_via(own: Address) -> Field:
    """A Via of ours with a new branch (RFC 3261 section 8.1.1.7)."""
    return header("Via", f"SIP/2.0/UDP {host_port(own)};branch=z9hG4bK{uuid.uuid4().hex}")


def _remote_target(message: SipText) -> str:
    return uri_of(message.first(b"contact") or b"").decode("utf-8", "surrogateescape")


async def happens(event: asyncio.Event, within_s: float) -> bool:
    if event.is_set():
        return True
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True


async def _status_of(future: asyncio.Future[Any] | None, timeout_s: float) -> int | None:
    if future is None:
        return None
    await asyncio.wait({future}, timeout=timeout_s)
    return future.result().sip.status if future.done() else None
