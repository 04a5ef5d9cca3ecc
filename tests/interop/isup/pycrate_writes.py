"""pycrate reads our ITU-T messages and writes them again, lengths and pointers worked out anew: to the same octets."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Final

from gateway.codecs.ss7.isup import IsupMessage, MessageType, P, isup_message
from tests.interop.prometheus_panels import Failure, say

NOT_READ: Final = frozenset(
    (
        *(
            (kind, P.USER_TELESERVICE_INFORMATION) for kind in MessageType
        ),  # it asks for a third octet, which is optional
        *((MessageType.INF, code) for code in range(256)),  # its information indicators have 15 bits instead of 16
        (MessageType.SGM, P.USER_TO_USER_INFORMATION),  # it takes the message of that name for the parameter
    )
)
"""Type and parameter that pycrate 0.8 is known to read wrongly."""


def writes_the_same(messages: Iterable[IsupMessage]) -> str:
    """Raises `Failure` with the first message that comes out otherwise than we write it, or than it came."""
    from pycrate_mobile.ISUP import parse_ISUP

    count = left_out = 0
    for message in messages:
        if NOT_READ.intersection((message.type, code) for code, _ in message.parameters):
            left_out += 1
            continue
        ours = isup_message(message.variant, message.type, message.cic, message.parameters).data
        if not message.data.startswith(ours):  # behind the message may stand what belongs to the layer below
            raise Failure(f"we make {ours.hex()} of {message.data.hex()}")
        element, fault = parse_ISUP(ours)
        if fault:
            raise Failure(f"pycrate cannot read {ours.hex()}")
        element.reautomate()
        if (written := element.to_bytes()) != ours:
            raise Failure(f"pycrate makes {written.hex()} of {ours.hex()}")
        count += 1
    return f"{count} messages" + (f", {left_out} left out that it is known not to read" if left_out else "")


def try_pycrate(messages: Iterable[IsupMessage], name: str) -> bool:
    """Whether pycrate writes the messages as we do; says so."""
    if importlib.util.find_spec("pycrate_mobile") is None:
        say("FAULT  pycrate is not installed: pip install pycrate")
        return False
    try:
        say(f"ok  pycrate on {name}: {writes_the_same(messages)}")
    except Failure as fault:
        say(f"FAULT  {fault}")
        return False
    return True
