"""The ends of the lab's calls: providers' user agents and the host carrier's switches, on aiosip.

Each agent has one UDP socket and can place and answer calls. Every wait is bounded. An agent sends what it starts to
its next hop, whatever the Route says, and answers to where a packet came from: so the lab's path is the one configured.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import sim.call_plan as plans
from sim.aiosip_compatibility import T1_S, SipApplication, SipDialog, Tap, contact_field
from sim.call_plan import CallOutcome, CallPlan
from sim.placed_call import CONTENT_TYPE, MEDIA_PORT, InDialog, PlacedCall, happens
from sim.sip_text import Address, Field, SipText, host_port
from sim.sip_text import field as header

KEPT_CALLS = 20_000
"""Received calls that an agent remembers."""
LONGEST_CALL_S = 60.0
"""An answered call that nobody ends is ended by the side that answered."""
BYE_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """How an agent treats the calls that it gets."""

    provisional: tuple[int, ...] = (180,)
    ring_s: float = 0.0
    status: int = 200
    phrase: str = "OK"
    reason: str | None = None
    """Reason (RFC 3326) on the final response, for a refusal."""
    retry_after_s: int | None = None
    """Retry-After on it."""
    hang_up_after_s: float | None = None
    """The answering side sends BYE after this; None: it waits for the caller's."""


_PHRASES = {180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress"}


@dataclass(slots=True)
class ReceivedCall:
    """A call as the answering side saw it."""

    call_id: str
    invite: bytes
    """The first INVITE, as it came."""
    source: Address
    acked: bool = False
    cancelled: bool = False
    status: int | None = None
    """Of the final response that was sent."""
    released_by: str | None = None
    """``caller`` or ``called``, for an answered call that is over."""
    bye_status: int | None = None
    cancel: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    bye: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """ACK or BYE has come: the final response needs no sending again."""


class UserAgent:
    """A SIP user agent (RFC 3261 section 8) with one socket."""

    def __init__(self, name: str, *, domain: str | None = None, tap: Tap | None = None) -> None:
        self.name = name
        self._domain = domain
        self._tap = tap
        self._application: SipApplication | None = None
        self.next_hop: Address | None = None
        self.answers = AnswerPlan()
        self.answers_by_number: dict[str, AnswerPlan] = {}
        """User part of the Request-URI without parameters -> how to treat that call."""
        self.received: deque[ReceivedCall] = deque(maxlen=KEPT_CALLS)
        self.arrived = asyncio.Event()
        """Set whenever a call comes; whoever waits for one clears it first."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> Address:
        """Bind the socket, port 0 for one that the system chooses. Raises OSError where the port is taken."""
        application = SipApplication(loop=asyncio.get_running_loop(), tap=self._tap)
        address = await application.listen(host, port)
        application.router.add_route("INVITE", self._answer)
        self._application = application
        return address

    @property
    def application(self) -> SipApplication:
        if self._application is None:
            raise RuntimeError(f"{self.name} isn't started: call start() first")
        return self._application

    @property
    def address(self) -> Address:
        return self.application.address

    @property
    def domain(self) -> str:
        return self._domain or host_port(self.address)

    @property
    def user(self) -> str:
        """User part of the agent's Contact."""
        return self.name.lower().replace(" ", "-")

    @property
    def silent(self) -> bool:
        """Whether it drops whatever comes, as if nobody were there."""
        return self.application.silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        self.application.silent = silent

    async def close(self) -> None:
        if self._application is not None:
            await self._application.close()

    async def idle(self, timeout_s: float = 5.0) -> bool:
        """Wait until every call that this agent answered is over; False when the time ran out before."""
        if self.application.tasks:
            _, pending = await asyncio.wait(set(self.application.tasks), timeout=timeout_s)
            return not pending
        return True

    def received_call(self, call_id: str) -> ReceivedCall | None:
        return next((call for call in reversed(self.received) if call.call_id == call_id), None)

    # Placing calls

    async def call(self, plan: CallPlan, *, via: Address | None = None) -> CallOutcome:
        """Place a call towards the next hop (or `via`) and see it through. Network failure is an outcome, not an error.

        Raises ValueError where the plan has a value with a line break, RuntimeError where there is no next hop.
        """
        target = via or self.next_hop
        if target is None:
            raise RuntimeError(f"{self.name} has no next hop: set next_hop")
        call_id = plan.call_id or f"{uuid.uuid4()}@{self.domain}"
        dialog = await self.application.start_dialog(
            from_uri=f"<sip:{self.user}@{host_port(self.address)}>",
            to_uri=f"<sip:{host_port(target)}>",
            call_id=call_id,
            local_addr=self.address,
            remote_addr=target,
            dialog=SipDialog,
        )
        try:
            return await PlacedCall(dialog, plan, own=self.address, user=self.user, domain=self.domain).run()
        finally:
            dialog.close()

    # Answering calls

    async def _answer(self, dialog: SipDialog, msg: Any) -> None:
        invite: SipText = msg.sip
        call = ReceivedCall(dialog.call_id, bytes(invite), msg.source)
        self.received.append(call)
        self.arrived.set()
        plan = self.answers_by_number.get(_dialled(invite), self.answers)
        dialog.register_callback("ACK", self._acknowledged, call)
        dialog.register_callback("CANCEL", self._cancelled, call)
        dialog.register_callback("BYE", self._released, call)
        contact = contact_field(self.user, self.address)
        try:
            for status in plan.provisional:
                dialog.reply(invite, status, _PHRASES.get(status, "Progress"), (contact,))
            if plan.ring_s:
                await happens(call.cancel, plan.ring_s)
            if call.cancel.is_set():
                call.cancelled = True
                await self._conclude(dialog, invite, call, 487, "Request Terminated")
            elif plan.status >= 300:
                said = [header("Reason", plan.reason)] if plan.reason is not None else []
                if plan.retry_after_s is not None:
                    said.append(header("Retry-After", str(plan.retry_after_s)))
                await self._conclude(dialog, invite, call, plan.status, plan.phrase, said)
            else:
                body = plans.session_description(self.address[0], MEDIA_PORT)
                await self._conclude(dialog, invite, call, plan.status, plan.phrase, (contact, CONTENT_TYPE), body)
                await self._hold(dialog, invite, call, plan)
        finally:
            dialog.close()

    async def _conclude(
        self,
        dialog: SipDialog,
        invite: SipText,
        call: ReceivedCall,
        status: int,
        phrase: str,
        extra: Sequence[Field] = (),
        body: bytes = b"",
    ) -> None:
        """Send the final response, again at T1 and doubled until the ACK comes (RFC 3261 13.3.1.4, 17.2.1)."""
        wait_s = T1_S
        call.status = status
        dialog.reply(invite, status, phrase, extra, body)
        while not await happens(call.settled, wait_s) and wait_s < 32 * T1_S:
            dialog.reply(invite, status, phrase, extra, body)
            wait_s *= 2

    async def _hold(self, dialog: SipDialog, invite: SipText, call: ReceivedCall, plan: AnswerPlan) -> None:
        hold_s = LONGEST_CALL_S if plan.hang_up_after_s is None else plan.hang_up_after_s
        if await happens(call.bye, hold_s if call.acked else 0.0):  # no ACK: end it (RFC 3261 13.3.1.4)
            return
        call.released_by = "called"
        bye = InDialog.of_called(dialog, self.address, invite)
        call.bye_status = await bye.end(BYE_TIMEOUT_S)

    def _acknowledged(self, _dialog: SipDialog, _msg: Any, call: ReceivedCall) -> None:
        call.acked = True
        call.settled.set()

    def _cancelled(self, dialog: SipDialog, msg: Any, call: ReceivedCall) -> None:
        dialog.reply(msg.sip, 200, "OK")
        call.cancel.set()

    def _released(self, dialog: SipDialog, msg: Any, call: ReceivedCall) -> None:
        dialog.reply(msg.sip, 200, "OK")
        call.released_by = call.released_by or "caller"
        call.bye.set()
        call.settled.set()


class ProviderAgent(UserAgent):
    """The user agent of an interconnected VoIP provider: it places calls, and answers those to its numbers."""

    def __init__(self, name: str, ocn: str, *, domain: str | None = None, tap: Tap | None = None) -> None:
        super().__init__(name, domain=domain, tap=tap)
        self.ocn = ocn


class SwitchKind(Enum):
    """What a switch is in the LERG's homing tables."""

    END_OFFICE = "end office"
    HOST = "host"
    REMOTE = "remote"
    TANDEM = "access tandem"


class SwitchAgent(UserAgent):
    """A switch of the host carrier: 180, 200 with SDP, then it waits for BYE, or hangs up itself."""

    def __init__(
        self,
        name: str,
        clli: str,
        kind: SwitchKind = SwitchKind.END_OFFICE,
        *,
        domain: str | None = None,
        tap: Tap | None = None,
    ) -> None:
        super().__init__(name, domain=domain, tap=tap)
        self.clli = clli
        self.kind = kind


def _dialled(invite: SipText) -> str:
    """User part of the Request-URI without parameters; the whole of a URN."""
    uri = invite.request_uri.decode("utf-8", "surrogateescape")
    if not uri.lower().startswith("sip:"):
        return uri
    return uri[4:].partition("@")[0].partition(";")[0]
