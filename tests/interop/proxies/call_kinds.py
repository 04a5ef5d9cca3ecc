"""The kinds of calls that go through the proxies: what each side does, and what must be written of it everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.interop.proxies.sipp_called import CalledSteps
from tests.interop.proxies.sipp_caller import CallerSteps

RING_MS: Final = 100
"""Long enough that 180 and 200 do not overtake each other in Kamailio, whose workers take a datagram each."""
HOLD_MS: Final = 700
"""Long enough for an ACK that was lost to come again with the 200: SIPp takes no BYE before it."""
UNANSWERED_MS: Final = 1_500
"""How long Kamailio lets a call of the kind `unanswered` ring (its timer for a final response)."""

PROVIDER_NUMBER: Final = "+13142061100"
LIMITED_NUMBER: Final = "+13142063100"
"""Of the provider with the narrow limit."""
INSIDE: Final = "+16363270100"
OUTSIDE: Final = "+14172130100"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the gateway's record must say of a call."""

    outcome: str
    final_status: int
    ended_by: str

    @property
    def answered(self) -> bool:
        return 200 <= self.final_status < 300


ANSWERED: Final = Expected("ADMIT", 200, "caller")
DIVERTED: Final = Expected("DIVERT", 200, "caller")
"""An emergency call, which does not take the partner's way."""


def refused(status: int) -> Expected:
    return Expected("REFUSE", status, "refusal")


@dataclass(frozen=True, slots=True)
class CallKind:
    """One kind of call."""

    name: str
    calls: int
    """How many of it in a run."""
    expected: tuple[Expected, ...]
    """What may become of such a call. Where there are several, SIPp's own log says which it was."""
    caller: Callable[[CallerSteps], None]
    called: Callable[[CalledSteps], None] | None = None
    """None: the gateway lets no such call through."""
    calling: str = PROVIDER_NUMBER
    asserted: str = ""
    """"": the calling number."""
    number: str = INSIDE
    under_loss: bool = True
    """False: SIPp takes the messages of two transactions in one order alone, and loses its place in any other."""


def _plain(ends: Callable[[CallerSteps], None]) -> Callable[[CallerSteps], None]:
    def play(caller: CallerSteps) -> None:
        caller.rings()
        caller.answered()
        ends(caller)

    return play


def _plainly(goes_on: Callable[[CalledSteps], None]) -> Callable[[CalledSteps], None]:
    def play(called: CalledSteps) -> None:
        called.rings(RING_MS)
        called.answers()
        goes_on(called)

    return play


def _hangs_up(caller: CallerSteps) -> None:
    caller.pause(HOLD_MS)
    caller.hangs_up()


def _called_hangs_up(called: CalledSteps) -> None:
    called.pause(HOLD_MS)
    called.hangs_up()


def _acknowledges_late(caller: CallerSteps) -> None:
    caller.rings()
    caller.answered_and_acknowledged_late(700)
    _hangs_up(caller)


def _is_acknowledged_late(called: CalledSteps) -> None:
    called.may_be_acknowledged_again()
    called.is_hung_up_on()


def _asks(method: str, status: int = 200, extra: tuple[str, ...] = ()) -> Callable[[CallerSteps], None]:
    def go_on(caller: CallerSteps) -> None:
        caller.pause(HOLD_MS)
        caller.asks(method, status, extra)
        _hangs_up(caller)

    return _plain(go_on)


def _is_asked(method: str) -> Callable[[CalledSteps], None]:
    def go_on(called: CalledSteps) -> None:
        called.is_asked(method)
        called.is_hung_up_on()

    return _plainly(go_on)


def _asks_again(caller: CallerSteps) -> None:
    caller.pause(HOLD_MS)
    caller.asks_again()
    _hangs_up(caller)


def _is_asked_again(called: CalledSteps) -> None:
    called.is_asked_again()
    called.is_hung_up_on()


def _called_asks_again(called: CalledSteps) -> None:
    called.pause(HOLD_MS)
    called.asks_again()
    called.is_hung_up_on()


def _caller_is_asked_again(caller: CallerSteps) -> None:
    caller.is_asked("INVITE")
    _hangs_up(caller)


def _refers(caller: CallerSteps) -> None:
    caller.pause(HOLD_MS)
    caller.asks("REFER", 202, ("Refer-To: <sip:+16363320100@host.example;user=phone>", "Contact: <sip:caller@[own]>"))
    caller.is_asked("NOTIFY")
    _hangs_up(caller)


def _is_referred(called: CalledSteps) -> None:
    called.is_asked("REFER", 202, "Accepted")
    called.pause(HOLD_MS)
    called.asks(
        "NOTIFY", ("Event: refer", "Subscription-State: terminated;reason=noresource", "Contact: <sip:called@[own]>")
    )
    called.is_hung_up_on()


def _acknowledges_progress(caller: CallerSteps) -> None:
    caller.rings()
    caller.acknowledges_progress()
    caller.answered()
    _hangs_up(caller)


def _reports_progress(called: CalledSteps) -> None:
    called.reports_progress()
    called.pause(RING_MS)
    called.answers()
    called.is_hung_up_on()


def _fails(status: int) -> Callable[[CallerSteps], None]:
    def play(caller: CallerSteps) -> None:
        caller.rings()
        caller.failed(status)

    return play


def _called_fails(status: int, phrase: str) -> Callable[[CalledSteps], None]:
    def play(called: CalledSteps) -> None:
        called.rings(RING_MS)
        called.fails(status, phrase)

    return play


def _cancels(caller: CallerSteps) -> None:
    caller.cancelled(2 * RING_MS)


def _is_cancelled(called: CalledSteps) -> None:
    called.rings_on()
    called.is_cancelled()


def _is_given_up(called: CalledSteps) -> None:
    called.rings(0)
    called.is_cancelled()


def _cancels_too_late(caller: CallerSteps) -> None:
    caller.cancelled_too_late(2 * RING_MS)
    _hangs_up(caller)


def _is_cancelled_too_late(called: CalledSteps) -> None:
    called.rings_on()
    called.is_cancelled_too_late()
    called.is_hung_up_on()


def _tries(caller: CallerSteps) -> None:
    caller.rings()
    caller.answered_or_refused(480)
    _hangs_up(caller)


_is_hung_up_on: Final = _plainly(CalledSteps.is_hung_up_on)


def call_kinds(limit_burst: int, unanswered: Expected) -> Iterator[CallKind]:
    """Every kind. `limit_burst` calls of the limited provider pass; `unanswered` depends on where Kamailio stands."""
    yield CallKind("answered", 20, (ANSWERED,), _plain(_hangs_up), _is_hung_up_on)
    yield CallKind(
        "hung_up_by_called",
        8,
        (Expected("ADMIT", 200, "called"),),
        _plain(CallerSteps.is_hung_up_on),
        _plainly(_called_hangs_up),
    )
    yield CallKind("acknowledged_late", 4, (ANSWERED,), _acknowledges_late, _plainly(_is_acknowledged_late))
    yield CallKind("asked_again", 6, (ANSWERED,), _plain(_asks_again), _plainly(_is_asked_again), under_loss=False)
    yield CallKind(
        "asked_again_by_called",
        4,
        (ANSWERED,),
        _plain(_caller_is_asked_again),
        _plainly(_called_asks_again),
        under_loss=False,
    )
    yield CallKind(
        "updated",
        4,
        (ANSWERED,),
        _asks("UPDATE", extra=("Contact: <sip:caller@[own][parameters]>",)),
        _is_asked("UPDATE"),
    )
    yield CallKind("informed", 4, (ANSWERED,), _asks("INFO"), _is_asked("INFO"))
    yield CallKind("referred", 4, (ANSWERED,), _plain(_refers), _plainly(_is_referred), under_loss=False)
    yield CallKind("progress_acknowledged", 4, (ANSWERED,), _acknowledges_progress, _reports_progress, under_loss=False)
    yield CallKind("busy", 6, (Expected("ADMIT", 486, "failure"),), _fails(486), _called_fails(486, "Busy Here"))
    yield CallKind("declined", 4, (Expected("ADMIT", 603, "failure"),), _fails(603), _called_fails(603, "Decline"))
    yield CallKind(
        "not_answered", 4, (Expected("ADMIT", 480, "failure"),), _fails(480), _called_fails(480, "No Answer")
    )
    yield CallKind("cancelled", 6, (Expected("ADMIT", 487, "cancel"),), _cancels, _is_cancelled)
    yield CallKind("cancelled_too_late", 4, (ANSWERED,), _cancels_too_late, _is_cancelled_too_late, under_loss=False)
    yield CallKind("unanswered", 2, (unanswered,), _fails(408), _is_given_up)
    yield CallKind("emergency", 4, (DIVERTED,), _plain(_hangs_up), _is_hung_up_on, number="911")
    yield CallKind("altered", 8, (refused(403),), _fails(403), asserted="+13142061199")
    yield CallKind("outside", 8, (refused(404),), _fails(404), number=OUTSIDE)
    yield CallKind(
        "over_limit", 2 * limit_burst, (ANSWERED, refused(480)), _tries, _is_hung_up_on, calling=LIMITED_NUMBER
    )
