"""The called side of a call, as SIPp plays it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.interop.proxies.sipp_script import (
    KIND_FIELD,
    RETRANSMIT_MS,
    SDP,
    expect_request,
    expect_response,
    message,
    pause,
)

_REMEMBERED: Final = {"kind": f"{KIND_FIELD}:", "caller": "From:", "called": "To:", "invite": "CSeq:"}
"""Variable -> the INVITE's header field that it keeps: its answer may come after other requests."""
_PATH: Final = "((Via|Record-Route): .*[^[:cntrl:]])[[:cntrl:]]+Max-Forwards: "
"""Every Via and Record-Route of the INVITE, as they stand: what the proxies wrote stands above its Max-Forwards."""

_CONTACT: Final = "Contact: <sip:called@[own][parameters]>"
_TAG: Final = "tag=called-[pid]-[call_number]"


class CalledSteps:
    """The called side: it answers as the kind of the call asks.

    Generic keywords of the command line: ``own``, the address that others reach this side at; ``parameters``, what its
    Contact adds to that.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._cseq = 100

    @staticmethod
    def opening() -> list[str]:
        """What every call begins with: the INVITE."""
        kept = "".join(
            f'<ereg regexp="[^ ].*" search_in="hdr" header="{field}" check_it="true" assign_to="{variable}"/>'
            for variable, field in _REMEMBERED.items()
        )
        path = f'<ereg regexp="{_PATH}" search_in="msg" check_it="true" assign_to="matched,path,first"/>'
        return [
            expect_request("INVITE", rrs="true", actions=f"<action>{kept}{path}</action>"),
            '<Reference variables="matched,first"/>',
        ]

    def rings(self, milliseconds: int) -> None:
        """180, and silence for so long."""
        self.steps += [message(_answer(180, "Ringing")), pause(milliseconds)]

    def rings_on(self) -> None:
        """180, again and again, until something comes."""
        self.steps.append(message(_answer(180, "Ringing"), retrans=RETRANSMIT_MS))

    def answers(self) -> None:
        self.steps += [
            message(_answer(200, "OK", _CONTACT), SDP, retrans=RETRANSMIT_MS),
            expect_request("ACK", "answered 200"),
        ]

    def may_be_acknowledged_again(self) -> None:
        """Every 200 that was repeated gets an ACK of its own (RFC 3261 section 13.2.2.4)."""
        self.steps.append(expect_request("ACK", optional="true"))

    def fails(self, status: int, phrase: str) -> None:
        self.steps += [
            message(_answer(status, phrase), retrans=RETRANSMIT_MS),
            expect_request("ACK", f"failed {status}"),
        ]

    def is_cancelled(self) -> None:
        self.steps += [expect_request("CANCEL"), message(_answer_to_last())]
        self.fails(487, "Request Terminated")

    def is_cancelled_too_late(self) -> None:
        self.steps += [expect_request("CANCEL"), message(_answer_to_last()), pause(300)]
        self.answers()

    def reports_progress(self) -> None:
        """A reliable 183, until PRACK comes (RFC 3262)."""
        extra = ("Require: 100rel", "RSeq: 1", _CONTACT)
        self.steps += [
            message(_answer(183, "Session Progress", *extra), SDP, retrans=RETRANSMIT_MS),
            expect_request("PRACK"),
            message(_answer_to_last()),
        ]

    def is_asked(self, method: str, status: int = 200, phrase: str = "OK", note: str = "") -> None:
        self.steps += [expect_request(method, note), message(_answer_to_last(status, phrase))]

    def is_asked_again(self) -> None:
        """A re-INVITE (RFC 3261 section 14)."""
        self.steps += [
            expect_request("INVITE"),
            message((*_answer_to_last(), _CONTACT), SDP, retrans=RETRANSMIT_MS),
            expect_request("ACK"),
        ]

    def asks(self, method: str, extra: Iterable[str] = (), note: str = "") -> None:
        self._cseq += 1
        self.steps += [
            message((*_request(method, self._cseq), *extra), retrans=RETRANSMIT_MS, start_txn=method.lower()),
            expect_response(200, note, response_txn=method.lower()),
        ]

    def asks_again(self) -> None:
        """A re-INVITE from the called side."""
        self._cseq += 1
        self.steps += [
            message((*_request("INVITE", self._cseq), _CONTACT), SDP, retrans=RETRANSMIT_MS),
            expect_response(100, optional="true"),
            expect_response(200),
            message(_request("ACK", self._cseq)),
        ]

    def pause(self, milliseconds: int) -> None:
        self.steps.append(pause(milliseconds))

    def hangs_up(self) -> None:
        self.asks("BYE", note="ended")

    def is_hung_up_on(self) -> None:
        self.is_asked("BYE", note="ended")


def _answer(status: int, phrase: str, *extra: str) -> tuple[str, ...]:
    """An answer to the INVITE that opened the call."""
    return (
        f"SIP/2.0 {status} {phrase}",
        "[$path]",
        "From: [$caller]",
        f"To: [$called];{_TAG}",
        "Call-ID: [call_id]",
        "CSeq: [$invite]",
        *extra,
    )


def _answer_to_last(status: int = 200, phrase: str = "OK") -> tuple[str, ...]:
    return (
        f"SIP/2.0 {status} {phrase}",
        "[last_Via:]",
        "[last_Record-Route:]",
        "[last_From:]",
        # A CANCEL has no To tag yet.
        "[last_To:]",
        "[last_Call-ID:]",
        "[last_CSeq:]",
    )


def _request(method: str, cseq: int) -> tuple[str, ...]:
    return (
        f"{method} [next_url] SIP/2.0",
        "Via: SIP/2.0/[transport] [own];branch=[branch];rport",
        "[routes]",
        "Max-Forwards: 70",
        f"From: [$called];{_TAG}",
        "To: [$caller]",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
    )
