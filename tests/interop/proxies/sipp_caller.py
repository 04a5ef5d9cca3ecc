"""The calling side of a call, as SIPp plays it."""

from __future__ import annotations

from collections.abc import Iterable

from tests.interop.proxies.sipp_script import (
    KIND_FIELD,
    RETRANSMIT_MS,
    SDP,
    expect_request,
    expect_response,
    label,
    message,
    pause,
)


class CallerSteps:
    """The calling side: SIPp places the call, and a line of its log says what came of it.

    Generic keywords of the command line: ``own``, the address that others reach this side at; ``parameters``, what its
    Contact adds to that. Fields of a call: kind, calling number, asserted number, called number.
    """

    def __init__(self, kind: str) -> None:
        self.steps: list[str] = []
        self._kind = kind
        self._cseq = 1
        self._invite_cseq = 1
        self._labels = 0

    @staticmethod
    def opening() -> list[str]:
        """What every call begins with."""
        return ['<nop><action><assignstr assign_to="kind" value="[field0]"/></action></nop>']

    def invites(self) -> None:
        """The INVITE. SIPp has to know by then of which kind the call is: an answer finds it where it waits, or not."""
        lines = (
            "INVITE sip:[field3]@[remote_ip]:[remote_port];user=phone SIP/2.0",
            *_own_fields("INVITE", 1, route=False, to_tag=False),
            "Contact: <sip:caller@[own][parameters]>",
            "P-Asserted-Identity: <sip:[field2]@partner.example;user=phone>",
            "Supported: 100rel",
            "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, REFER, NOTIFY",
            f"{KIND_FIELD}: [field0]",
        )
        self.steps.append(message(lines, SDP, retrans=RETRANSMIT_MS))

    def rings(self) -> None:
        """Provisional responses, which may also be lost. SIPp does not get over a late one that it expects."""
        self.steps += [expect_response(status, optional="true") for status in (100, 180)]

    def answered(self) -> None:
        """The 200, its ACK right behind it."""
        self.steps += [expect_response(200, "answered 200", rrs="true"), self._ack_of_success()]

    def answered_and_acknowledged_late(self, milliseconds: int) -> None:
        self.steps += [
            expect_response(200, "answered 200", rrs="true"),
            pause(milliseconds),
            self._ack_of_success(),
        ]

    def answered_or_refused(self, status: int) -> None:
        """Whichever comes. The call is over behind a refusal."""
        refused, answered = self._label("refused"), self._label("answered")
        self.steps += [
            expect_response(status, f"failed {status}", optional="true", next=refused),
            expect_response(200, "answered 200", rrs="true"),
            self._ack_of_success(next=answered),
            label(refused),
            self._ack_of_failure(next="over"),
            label(answered),
        ]

    def failed(self, status: int) -> None:
        self.steps += [expect_response(status, f"failed {status}"), self._ack_of_failure()]

    def cancelled(self, milliseconds: int) -> None:
        """CANCEL, some time after the telephone rings: a response has to come first (RFC 3261 section 9.1)."""
        overtaken = self._label("overtaken")
        self.steps += [
            self._waits_for_ringing(milliseconds),
            self._cancel(),
            expect_response(487, "failed 487", optional="true", next=overtaken),
            expect_response(200, response_txn="cancel"),
            expect_response(487, "failed 487"),
            label(overtaken),
            self._ack_of_failure(),
        ]

    def cancelled_too_late(self, milliseconds: int) -> None:
        """CANCEL, and the call is answered all the same (RFC 3261 section 9.2)."""
        self.steps += [
            self._waits_for_ringing(milliseconds),
            self._cancel(),
            expect_response(200, response_txn="cancel"),
        ]
        self.answered()

    def acknowledges_progress(self) -> None:
        """PRACK for a reliable 183 (RFC 3262)."""
        self.steps.append(expect_response(183, rrs="true"))
        self.asks("PRACK", extra=("RAck: 1 1 INVITE",))

    def asks(self, method: str, status: int = 200, extra: Iterable[str] = (), note: str = "") -> None:
        """A request in the dialog, and its answer."""
        self._cseq += 1
        lines = (*_in_dialog(method, self._cseq), *extra)
        transaction = self._label(method.lower())
        self.steps += [
            message(lines, retrans=RETRANSMIT_MS, start_txn=transaction),
            expect_response(status, note, response_txn=transaction),
        ]

    def asks_again(self) -> None:
        """A re-INVITE (RFC 3261 section 14)."""
        self._cseq += 1
        self._invite_cseq = self._cseq
        contact = "Contact: <sip:caller@[own][parameters]>"
        self.steps += [
            message((*_in_dialog("INVITE", self._cseq), contact), SDP, retrans=RETRANSMIT_MS),
            expect_response(100, optional="true"),
            expect_response(200),
            self._ack_of_success(),
        ]

    def is_asked(self, method: str, note: str = "") -> None:
        """A request from the called side, answered with 200."""
        contact = ("Contact: <sip:caller@[own][parameters]>",) if method == "INVITE" else ()
        answer = ("SIP/2.0 200 OK", "[last_Via:]", "[last_Record-Route:]", "[last_From:]", "[last_To:]")
        answer = (*answer, "[last_Call-ID:]", "[last_CSeq:]", *contact)
        if method == "INVITE":
            self.steps += [
                expect_request(method),
                message(answer, SDP, retrans=RETRANSMIT_MS),
                expect_request("ACK"),
            ]
        else:
            self.steps += [expect_request(method, note), message(answer)]

    def pause(self, milliseconds: int) -> None:
        self.steps.append(pause(milliseconds))

    def hangs_up(self) -> None:
        self.asks("BYE", note="ended")

    def is_hung_up_on(self) -> None:
        self.is_asked("BYE", "ended")

    def _ack_of_success(self, **attributes: str) -> str:
        return message(_in_dialog("ACK", self._invite_cseq), **attributes)

    def _ack_of_failure(self, **attributes: str) -> str:
        """It belongs to the INVITE's transaction: same Request-URI, same branch (RFC 3261 section 17.1.1.3)."""
        return message(_of_the_invite("ACK", "[last_To:]"), **attributes)

    def _cancel(self) -> str:
        to = "To: <sip:[field3]@host.example;user=phone>"
        return message(_of_the_invite("CANCEL", to), retrans=RETRANSMIT_MS, start_txn="cancel")

    def _waits_for_ringing(self, milliseconds: int) -> str:
        return "\n".join(
            (expect_response(100, optional="true"), expect_response(180), pause(milliseconds)),
        )

    def _label(self, word: str) -> str:
        self._labels += 1
        return f"{self._kind}_{word}_{self._labels}"


def _own_fields(method: str, cseq: int, *, route: bool = True, to_tag: bool = True) -> tuple[str, ...]:
    return (
        "Via: SIP/2.0/[transport] [own];branch=[branch];rport",
        *(("[routes]",) if route else ()),
        "Max-Forwards: 70",
        "From: <sip:[field1]@partner.example;user=phone>;tag=caller-[call_number]",
        f"To: <sip:[field3]@host.example;user=phone>{'[peer_tag_param]' if to_tag else ''}",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
    )


def _in_dialog(method: str, cseq: int) -> tuple[str, ...]:
    return f"{method} [next_url] SIP/2.0", *_own_fields(method, cseq)


def _of_the_invite(method: str, to: str) -> tuple[str, ...]:
    return (
        f"{method} sip:[field3]@[remote_ip]:[remote_port];user=phone SIP/2.0",
        "[last_Via:]",
        "Max-Forwards: 70",
        "From: <sip:[field1]@partner.example;user=phone>;tag=caller-[call_number]",
        to,
        "Call-ID: [call_id]",
        f"CSeq: 1 {method}",
    )
