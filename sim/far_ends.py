"""Where the calls of a scenario arrive: the user agents by Call-ID, the switches on ISUP by the number called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.codecs.ss7.isup import IsupMessage
from sim.cast import Cast
from sim.ss7.parties import ReceivedIam
from sim.user_agents import ReceivedCall

Mark = Mapping[str, int]
"""How many calls each switch on ISUP had got at some time."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call as one of the cast got it: over SIP, or on a circuit."""

    at: str
    """Who got it."""
    call: ReceivedCall | ReceivedIam

    @property
    def answered(self) -> bool:
        return self.call.acked if isinstance(self.call, ReceivedCall) else self.call.answered

    @property
    def released_by(self) -> str | None:
        return self.call.released_by

    @property
    def invite(self) -> bytes | None:
        return self.call.invite if isinstance(self.call, ReceivedCall) else None

    @property
    def iam(self) -> IsupMessage | None:
        return self.call.iam if isinstance(self.call, ReceivedIam) else None


class FarEnds:
    """Everyone who can get a call."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast

    def mark(self) -> Mark:
        """Calls that come on circuits from now on are told from those before."""
        return {name: len(switch.received) for name, switch in self._cast.ss7.switches.items()}

    def by_call_id(self, call_id: str) -> list[Arrival]:
        """A call over SIP as the far ends got it, but for those whose failure made the gateway ask another."""
        arrivals = [
            (name, call)
            for name, agent in self._cast.agents.items()
            if (call := agent.received_call(call_id)) is not None
        ]
        kept = [(name, call) for name, call in arrivals if (call.status or 0) // 100 != 5] or arrivals
        return [Arrival(name, call) for name, call in kept]

    def on_circuits(self, called: str, since: Mark) -> list[Arrival]:
        """Calls for a number, or for its location routing number, that came on circuits since then."""
        wanted = numbers_in(called)
        return [
            Arrival(name, call)
            for name, switch in self._cast.ss7.switches.items()
            for call in list(switch.received)[since[name] :]
            if _called_in(call.iam) & wanted
        ]


def numbers_in(called: str) -> set[str]:
    """The ten digits of a Request-URI's number and of its rn; digits as an IAM has them stay.

    >>> sorted(numbers_in("+14172130100;npdi;rn=+16363270000"))
    ['4172130100', '6363270000']
    """
    number, *parameters = called.split(";")
    written = [number, *(one[3:] for one in parameters if one.startswith("rn="))]
    return {one.removeprefix("+1") for one in written}


def _called_in(iam: IsupMessage) -> set[str]:
    numbers = {number.digits for number in iam.generic}
    if iam.called is not None:
        numbers.add(iam.called.digits)
    return {digits[1:] if len(digits) == 11 and digits[0] == "1" else digits for digits in numbers}
