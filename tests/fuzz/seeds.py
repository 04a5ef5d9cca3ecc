"""Where fuzzing starts: the messages of the corpus, as each target takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from gateway.codecs.sip import SipMessage, forwarded, response_to
from tests.fuzz.codec_target import OWN_VIA, codec
from tests.fuzz.proxy_target import proxy
from tests.hostile.cases import PARTNER, requests
from tests.hostile.growing import sound

Target = Callable[[bytes], None]
TARGETS: Final[dict[str, Target]] = {"codec": codec, "proxy": proxy}

FOUND: Final = Path(__file__).with_name("found")
"""Inputs that broke something once: a folder for each target, a file for each input."""
LONGEST: Final = 4_096
"""Of an input: what breaks at this length breaks at others, and short ones are tried more often."""


@cache
def seeds_of(target: str) -> tuple[bytes, ...]:
    found = tuple(file.read_bytes() for file in sorted((FOUND / target).glob("*")))
    return found + (_messages() if target == "codec" else _scripts())


def _messages() -> tuple[bytes, ...]:
    invite = sound("seed", PARTNER)
    onward = forwarded(SipMessage(invite), OWN_VIA + b"z9hG4bKtg1.1\r\n", 69, None)
    answers = (response_to(SipMessage(onward), status, "Answer", to_tag=b"b") for status in (100, 183, 200, 486))
    return (invite, *answers, *requests())


def _scripts() -> tuple[bytes, ...]:
    """Calls in the words of `proxy_target`: an INVITE, answers, what follows."""
    invite, ringing, answer, busy = b"\0\2\0\0", b"\4\0\1\0\0", b"\4\0\3\0\0", b"\4\0\7\0\0"
    ack, bye, cancel = b"\6\0\0\1\1\1\0\0", b"\6\0\1\1\2\1\0\0", b"\6\0\2\0\0\0\0"
    second, half_a_minute = b"\7\2", b"\7\4"
    return (
        invite + ringing + answer + ack + bye + b"\4\0\3\0\0" + half_a_minute,
        invite + busy + second,
        invite + ringing + cancel + b"\4\1\x08\0\0" + half_a_minute,
        invite + b"\3\0" + b"\3\0" + half_a_minute,
        *(bytes((0, number, 0, 0)) + busy for number in range(4, 70, 7)),
        b"\0\0\0\0" + answer + bye,
    )
