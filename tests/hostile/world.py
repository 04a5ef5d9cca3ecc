"""A proxy with the checks of the small gateway's configuration, without sockets: time is handed in.

What goes in and what comes out is watched: how much is sent for one datagram, which calls were decided and ended, and
that the books balance.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.sip import SipMessage, headers, parse_name_addr, parse_uri, response_to
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.operator_steps import Steps
from gateway.interconnection.trunk_groups import Hop, Member
from gateway.policy.verdict import Outcome
from gateway.signalling.call import Action, Call, Decided, Ended, Send
from gateway.signalling.proxy import SipProxy
from gateway.signalling.proxy_settings import ProxySettings
from gateway.wiring.engine import policy_of
from tests.hostile.forwarding import undue_change
from tests.wiring.small_gateway import Exchange

T0_US: Final = 1_760_000_000_000_000
SECOND_US: Final = 1_000_000
OURSELVES: Final = Hop("192.0.2.1", 5060)
STRANGER: Final = Hop("203.0.113.9", 5060)
LIMITED: Final = (Ocn("901A"),)
"""Providers with a limit: those whose calls in progress are counted."""
MAX_CALL_S: Final = 3_600

MOST_SENDS: Final = 2
"""For one datagram: an INVITE is answered with 100 and forwarded; a CANCEL is answered, and sent on; a response goes
back, and is acknowledged or followed by the CANCEL that waited for it."""
MOST_ACTIONS: Final = 4
"""And beside them: the call was decided, and has ended."""
LONGER_THAN_THE_REQUEST: Final = 2_048
"""Bytes by which an answer may exceed what it answers: our own header lines, and compact names of Via spelt in full."""


class World:
    """One proxy, what happened to it, and what it must never do. Faults are AssertionErrors."""

    caller: Final = Hop("192.0.2.10", 5060)
    callee: Final = Hop("192.0.2.20", 5060)

    def __init__(self, folder: Path, *, max_transactions: int = 2_000, max_calls: int = 1_000) -> None:
        """`folder` is an empty one for the configuration."""
        exchange = Exchange(folder)
        exchange.close()
        ends = {"shared": self.caller, "host": self.callee}
        groups = tuple(
            replace(group, members=(Member(ends[group.name]),))
            for group in exchange.configuration.trunk_groups
            if group.name in ends
        )
        configuration = replace(exchange.configuration, trunk_groups=groups)
        policy = policy_of(configuration, Steps())
        self.in_progress: Final[Callable[[Ocn], int]] = policy.limiter.in_progress
        settings = ProxySettings(
            (OURSELVES,),
            b"secret",
            max_transactions=max_transactions,
            max_calls=max_calls,
            max_message_bytes=65_535,
            max_call_s=MAX_CALL_S,
        )
        self._new_proxy: Final[Callable[[], SipProxy]] = lambda: SipProxy(
            settings, policy.engine, groups, policy.find_provider
        )
        self.proxy = self._new_proxy()
        self.via: Final = f"Via: SIP/2.0/UDP {OURSELVES.host}:{OURSELVES.port};branch=".encode()
        self.now_us = T0_US
        self.up: dict[int, Call] = {}
        """Calls that were decided and have not ended."""
        self.decided = self.ended = 0

    def begin_again(self) -> None:
        """A proxy as if it had just been started, on the same configuration. The old one must be settled."""
        self.proxy = self._new_proxy()

    def receive(self, data: bytes, source: Hop) -> list[Action]:
        """One datagram; what the proxy does about it is bounded."""
        absorbed = self.proxy.counters.absorbed
        actions = self.proxy.receive(data, source, self.now_us)
        sends = [action for action in actions if isinstance(action, Send)]
        assert len(sends) <= MOST_SENDS, f"{len(sends)} datagrams sent for one"
        assert len(actions) <= MOST_ACTIONS, f"{len(actions)} actions for one datagram"
        for sent, _ in sends:
            if data.startswith(b"SIP/2.0 "):
                assert sent.startswith((b"ACK ", b"CANCEL ", b"SIP/2.0 500 ")) or len(sent) < len(data), (
                    "a response grew on its way back"
                )
            elif sent.startswith(b"SIP/2.0 "):
                assert len(sent) <= len(data) + LONGER_THAN_THE_REQUEST, "an answer amplifies"
                if self.proxy.counters.absorbed == absorbed:  # else it is a repeated one, which may be another's
                    SipMessage(sent)
            elif not data.startswith(b"CANCEL "):  # it is not forwarded: ours is another one
                fault = undue_change(data, sent, self.via)
                assert fault is None, f"forwarded with an undue change: {fault}"
                assert readings(sent) == readings(data), "what went on is read in another way than what came"
        self._note(actions)
        return actions

    def pass_time(self, seconds: float) -> list[Action]:
        """Wake the proxy whenever it asks for it."""
        done: list[Action] = []
        end_us = self.now_us + round(seconds * SECOND_US)
        while (wake_us := self.proxy.next_wake_us) is not None and wake_us <= end_us:
            self.now_us = max(self.now_us, wake_us)
            done += self.proxy.wake(self.now_us)
        self._note(done)
        self.now_us = end_us
        return done

    def settle(self) -> None:
        """Let every timer pass: nothing may be left, and every decided call has ended once."""
        self.pass_time(2 * MAX_CALL_S)
        assert (self.proxy.transactions, self.proxy.dialogs) == (0, 0), "something is left when all timers have passed"
        assert self.proxy.next_wake_us is None, "a timer runs for nothing"
        assert not self.up, "a call that was decided has not ended"
        self.check_books()

    def check_books(self) -> None:
        """The limiter counts the calls that are up, each once."""
        admitted = [call for call in self.up.values() if call.decision.outcome is not Outcome.REFUSE]
        counted = {ocn: self.in_progress(ocn) for ocn in LIMITED}
        of_provider = {ocn: sum(call.attempt.provider == ocn for call in admitted) for ocn in LIMITED}
        assert counted == of_provider, "calls in progress of a provider do not balance"

    def _note(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Decided):
                self.decided += 1
                self.up[id(action.call)] = action.call
            elif isinstance(action, Ended):
                assert self.up.pop(id(action.call), None) is action.call, "a call ended twice, or was never decided"
                self.ended += 1


_CHANGED: Final = (headers.VIA, headers.MAX_FORWARDS, headers.ROUTE, headers.RECORD_ROUTE)
_SAME: Final = [header for header in headers.ALL if header not in _CHANGED]
_OURS: Final = f"<sip:{OURSELVES.host}:{OURSELVES.port};lr>".encode()


def readings(data: bytes) -> list[object]:
    """What our codec reads of a request that a proxy must not change."""
    message = SipMessage(data)
    own = message.spans(headers.RECORD_ROUTE)
    recorded = [message.text(span) for span in own if not message.text(span).startswith(_OURS)]
    values = [[message.text(span) for span in message.spans(header)] for header in _SAME]
    read: list[object] = [message.method, message.request_uri, recorded, *values]
    with suppress(Malformed):
        read.append(message.cseq())
    for uri in (message.request_uri, *(_uri_in(message.value(header)) for header in (headers.FROM, headers.TO))):
        with suppress(Malformed):
            read.append(parse_uri(uri))
    return read


def _uri_in(value: bytes | None) -> bytes:
    try:
        return parse_name_addr(value or b"").uri
    except Malformed:
        return b""


def answer_to(request: bytes, status: int, tag: bytes = b"b") -> bytes:
    """What the called side answers to a request that was sent on to it."""
    return response_to(SipMessage(request), status, "Answer", to_tag=tag)


def sent_on(actions: list[Action], target: Hop) -> list[bytes]:
    """The requests among what was sent there."""
    return [
        action.data
        for action in actions
        if isinstance(action, Send) and action.target == target and not action.data.startswith(b"SIP/2.0 ")
    ]
