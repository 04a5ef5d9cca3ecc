"""Where fuzzing starts: the messages of the corpus, as each target takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from gateway.codecs.sip import SipMessage, forwarded, response_to
from gateway.codecs.ss7.m3ua import MessageType, Parameter, Tag, m3ua_data, number, written
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, encode_mtp3
from gateway.codecs.ss7.variant import Variant
from gateway.signalling.ss7.routing_keys import RoutingKey, routing_key_parameter
from tests.codecs.ss7.isup.samples import ANSI_IAM, ITU_IAM, samples
from tests.fuzz.codec_target import OWN_VIA, codec
from tests.fuzz.isup_target import isup
from tests.fuzz.m3ua_target import KINDS, m3ua
from tests.fuzz.proxy_target import proxy
from tests.fuzz.sigtran_target import sigtran
from tests.hostile.cases import PARTNER, requests
from tests.hostile.growing import sound

FOUND: Final = Path(__file__).with_name("found")
"""Inputs that broke something once: a folder for each target, a file for each input."""
LONGEST: Final = 4_096
"""Of an input: what breaks at this length breaks at others, and short ones are tried more often."""


class Target(NamedTuple):
    """What is fuzzed, and where that starts."""

    check: Callable[[bytes], None]
    """Tries one input; raises where something does not hold."""
    seeds: Callable[[], tuple[bytes, ...]]
    words: Path
    """What inputs are made of, in libFuzzer's format."""
    is_script: bool = False
    """An input is a row of steps, so that one may stand behind another."""


@cache
def seeds_of(target: str) -> tuple[bytes, ...]:
    found = tuple(file.read_bytes() for file in sorted((FOUND / target).glob("*")))
    return found + TARGETS[target].seeds()


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


def _signal_units() -> tuple[bytes, ...]:
    """M3UA messages of every type with every parameter that any has, DATA, and frames of the other layers."""
    parameters = tuple(number(tag, 1) for tag in Tag)
    key = routing_key_parameter(RoutingKey(1, (0xF60E07,), b"\x05", 7, 2))
    transfer = Mtp3Transfer(0xF60E07, 0x02891A, 5, 2, 0, 5, b"\x29\x23\x0c\x02\0\x02\x80\x90")
    messages = tuple(written(kind, *parameters, key) for kind in MessageType)
    units = tuple(encode_mtp3(transfer._replace(opc=1, dpc=2), variant) for variant in Variant)
    m2ua = written(0x0601, number(1, 1), Parameter(0x300, units[0]))
    m2pa = b"\1\0\x0b\1\0\0\0" + bytes((17 + len(units[0]),)) + b"\0\0\0\1\0\0\0\2\0" + units[0]
    frames = tuple(b"\x1d\x1d" + bytes((len(unit),)) + unit for unit in units)
    return (m3ua_data(transfer), m3ua_data(transfer, 7, 1), *messages, *units, m2ua, m2pa, *frames)


def _circuits() -> tuple[bytes, ...]:
    """A message of every type with what it must have, and IAMs with much more; with a CIC and without."""
    itu = {sample.type: sample.data for sample in reversed(list(samples(Variant.ITU)))}
    ansi = {sample.type: sample.data for sample in reversed(list(samples(Variant.ANSI)))}
    with_cic = (
        *(b"\0" + data for data in (ITU_IAM, *itu.values())),
        *(b"\1" + data for data in (ANSI_IAM, *ansi.values())),
    )
    return (*with_cic, b"\2" + ITU_IAM[2:], b"\3" + ANSI_IAM[2:])


def _associations() -> tuple[bytes, ...]:
    """Associations in the words of `m3ua_target`: they come up, are used, and go."""

    def hear(association: int, kind: MessageType, chosen: int = 0, at: int = 0) -> bytes:
        return bytes((0, association, KINDS.index(kind), chosen >> 8, chosen & 0xFF, at, 0))

    all_active = b"".join(bytes((8, association)) for association in range(6))
    data, later, much_later = b"\4\3\0\0", b"\5\2", b"\5\5"
    return (
        all_active + data + b"\3\1" + data + b"\3\2" + b"\4\2\2\1" + later + data + much_later,
        all_active + b"\6\0\1\0" * 4 + much_later,
        b"\3\1" + hear(1, MessageType.ASPUP) + hear(1, MessageType.REG_REQ, 0x10) + hear(1, MessageType.ASPAC),
        *(
            all_active + hear(association, kind, chosen, at) + data + later
            for kind in KINDS
            for association, chosen, at in ((0, 0x3FFF, 0), (1, 0x0EFF, 0), (1, 0x10, 1), (3, 0x00FE, 1), (5, 0xA0F, 5))
        ),
    )


_SIP_WORDS: Final = Path(__file__).with_name("sip.dict")
_SS7_WORDS: Final = Path(__file__).with_name("ss7.dict")
TARGETS: Final[dict[str, Target]] = {
    "codec": Target(codec, _messages, _SIP_WORDS),
    "proxy": Target(proxy, _scripts, _SIP_WORDS, is_script=True),
    "sigtran": Target(sigtran, _signal_units, _SS7_WORDS),
    "isup": Target(isup, _circuits, _SS7_WORDS),
    "m3ua": Target(m3ua, _associations, _SS7_WORDS, is_script=True),
}
