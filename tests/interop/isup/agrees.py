"""Holds our reading of ISUP against tshark's, and what we write against what pycrate writes of it."""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, variant_of_iam
from gateway.codecs.ss7.m3ua import decode_m3ua, transfer_of
from gateway.codecs.ss7.mtp3 import Mtp3Transfer, decode_mtp3, encode_mtp3
from gateway.codecs.ss7.variant import Variant
from tests.codecs.ss7.isup.samples import ANSI_IAM, ITU_IAM, samples, varied
from tests.interop.isup.fields import UNREAD_BY_TSHARK, Fields, fields_of
from tests.interop.isup.pycrate_writes import try_pycrate
from tests.interop.isup.tshark import Shown, shown_by_tshark
from tests.interop.prometheus_panels import Failure, say

MTP3: Final = 141
"""The link type of captures of MTP3 messages (LINKTYPE_MTP3)."""
VARIED: Final = 2_000
"""Messages of values at random, besides one of each type with each parameter."""
LARGEST_OF_ITU: Final = 0x3FFF
POINTS: Final = {Variant.ANSI: (0xF60E07, 0x02891A), Variant.ITU: (0x1324, 0x0A0B)}


class Agreement(NamedTuple):
    """What was compared of a capture."""

    messages: int
    fields: int
    named: int
    """Messages of types whose parameters tshark does not show."""
    itu: list[IsupMessage]
    """ITU-T's, which pycrate can be given."""

    def __str__(self) -> str:
        named = f", {self.named} that tshark only names" if self.named else ""
        return f"{self.messages} messages, {len(self.itu)} of them ITU-T's, {self.fields} fields{named}"


def agrees(capture: Path) -> Agreement | None:
    """Compare every ISUP message of a capture; None where it holds none. Raises `Failure` with what differs first."""
    messages = fields = named = 0
    itu: list[IsupMessage] = []
    for variant, shown in _each_once(capture):
        try:
            message = IsupMessage(shown.data, variant, has_cic="isup.cic" in shown.head)
            differences, compared = _compare(message, shown)
        except Malformed as fault:
            raise Failure(f"{capture} frame {shown.frame}, {shown.data.hex()}: we: {fault}") from fault
        if differences:
            raise Failure(f"{capture} frame {shown.frame}, {shown.data.hex()}: {'; '.join(differences[:5])}")
        messages += 1
        fields += compared
        named += message.type in UNREAD_BY_TSHARK
        if variant is Variant.ITU:
            itu.append(message)
    return Agreement(messages, fields, named, itu) if messages else None


def _each_once(capture: Path) -> Iterator[tuple[Variant, Shown]]:
    """Each message of a capture by the standard that it follows.

    That is ANSI's between point codes between which an IAM of ANSI's went, or that are too large for ITU-T's. A body of
    SIP says what it is itself.
    """
    as_ansi = list(shown_by_tshark(capture, Variant.ANSI))
    ansi = {
        frozenset(shown.points)
        for shown in as_ansi
        if shown.points and (_is_ansi_iam(shown.data) or (shown.layer == "m3ua" and max(shown.points) > LARGEST_OF_ITU))
    }
    done = set()
    for shown in as_ansi:
        if _says_ansi(shown.content_type) if shown.points is None else frozenset(shown.points) in ansi:
            done.add(shown.frame)
            yield Variant.ANSI, shown
    for shown in shown_by_tshark(capture, Variant.ITU):
        if shown.points is None:
            if not _says_ansi(shown.content_type):
                yield Variant.ITU, shown
        elif frozenset(shown.points) not in ansi and not (shown.layer == "mtp3" and shown.frame in done):
            yield Variant.ITU, shown


def _is_ansi_iam(data: bytes) -> bool:
    try:
        return variant_of_iam(data) is Variant.ANSI
    except Malformed:
        return False


def _says_ansi(content_type: str) -> bool:
    return "ansi" in content_type.lower() or "gr317" in content_type.lower()


def _compare(message: IsupMessage, shown: Shown) -> tuple[list[str], int]:
    ours: Fields = {"isup.message_type": message.type}
    if message.cic is not None:
        ours["isup.cic"] = message.cic
    differences = _differing(ours, shown.head, "")
    compared = len(ours)
    if shown.layer:
        transfer = _transfer(shown, message.variant)
        if (transfer.opc, transfer.dpc) != shown.points or transfer.data != shown.data:
            differences.append(f"point codes {shown.points} for tshark, {(transfer.opc, transfer.dpc)} for us")
        compared += 2
    if message.type in UNREAD_BY_TSHARK:
        return differences, compared
    names = [code for code, _ in message.parameters]
    theirs = [code for code, _ in shown.parameters]
    if names != theirs:
        return [*differences, f"parameters {theirs} for tshark, {names} for us"], compared
    for (code, value), (_, fields) in zip(message.parameters, shown.parameters, strict=True):
        ours = fields_of(code, value, message)
        if "isup.parameter_length" in fields:  # those of the mandatory fixed part have none
            ours["isup.parameter_length"] = len(value)
        differences += _differing(ours, fields, f"parameter {code:#04x} ")
        compared += len(ours)
    return differences, compared


def _differing(ours: Fields, theirs: Fields, where: str) -> list[str]:
    return [
        f"{where}{name} is {theirs.get(name)!r} for tshark, {value!r} for us"
        for name, value in ours.items()
        if theirs.get(name) != value
    ]


def _transfer(shown: Shown, variant: Variant) -> Mtp3Transfer:
    if shown.layer == "mtp3":
        return decode_mtp3(shown.label + shown.data, variant)
    return transfer_of(decode_m3ua(shown.label))


def sample_messages(variant: Variant) -> list[IsupMessage]:
    """The messages of the tests, on a circuit with a number that takes all bits of a CIC."""
    cic = {Variant.ANSI: 0x3FF0, Variant.ITU: 0x0FF0}[variant]
    vector = IsupMessage({Variant.ANSI: ANSI_IAM, Variant.ITU: ITU_IAM}[variant], variant)
    return [vector, *samples(variant, cic), *varied(variant, VARIED)]


def write_samples(file: Path, variant: Variant) -> None:
    """A capture of MTP3 messages, one for each sample."""
    opc, dpc = POINTS[variant]
    with file.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, MTP3))
        for second, message in enumerate(sample_messages(variant)):
            unit = encode_mtp3(Mtp3Transfer(opc, dpc, 5, 2, 0, second % 16, message.data), variant)
            out.write(struct.pack("<IIII", second, 0, len(unit), len(unit)) + unit)


def try_isup(captures: Iterable[Path]) -> bool:
    """Whether tshark reads our messages, and those of every capture, as we do; and pycrate writes ITU-T's as we do."""
    if shutil.which("tshark") is None:
        say("FAULT  tshark is not installed: apt-get install tshark")
        return False
    good = True
    with tempfile.TemporaryDirectory(prefix="tollgate-isup-") as folder:
        for variant in Variant:
            made = Path(folder) / f"samples-{variant.value}.pcap"
            write_samples(made, variant)
            good = try_capture(made) and good
    for capture in captures:
        good = try_capture(capture) and good
    return good


def try_capture(capture: Path) -> bool:
    """Whether tshark, and pycrate of what is ITU-T's, agree with us on the ISUP of a capture, if it holds any."""
    name = f"the ISUP of {capture.parent.name}/{capture.name}"
    try:
        agreement = agrees(capture)
    except Failure as fault:
        say(f"FAULT  {fault}")
        return False
    if agreement is None:
        return True
    say(f"ok  tshark on {name}: {agreement}")
    messages = [message for message in agreement.itu if message.has_cic]
    return try_pycrate(messages, name) if messages else True
