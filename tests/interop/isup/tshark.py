"""tshark's reading of a capture: the signalling messages in it, with their octets and what it shows of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.codecs.ss7.variant import Variant
from tests.interop.isup.fields import TEXT
from tests.interop.tshark_agrees import run

SAME: Final = {"isup.backw_call_iam_seg_ind": "isup.backw_call_end_to_end_information_indicator"}
"""One bit under two names, by the part of the message that it stands in."""
LABELS: Final = ("mtp3", "m3ua")
"""The layers that say between which point codes a message goes."""
Pairs = list[list[Any]]


class Shown(NamedTuple):
    """One ISUP message as tshark shows it."""

    frame: int
    data: bytes
    """Its octets."""
    label: bytes
    """The octets of the layer below: MTP3's label or the whole M3UA message; none for a body of SIP."""
    layer: str
    """``mtp3``, ``m3ua`` or empty."""
    points: tuple[int, int] | None
    """Originating and destination point code."""
    content_type: str
    """Of a body of SIP, with its parameters."""
    head: dict[str, object]
    """Fields before the first parameter."""
    parameters: list[tuple[int, dict[str, object]]]
    """Name and fields of each parameter."""


def shown_by_tshark(capture: Path, variant: Variant) -> Iterator[Shown]:
    """Every ISUP message of a capture, read as one variant's. Raises `Failure` where tshark cannot read the file."""
    command = ["tshark", "-r", str(capture), "-Y", "isup", "-T", "json", "-x"]
    if variant is Variant.ANSI:
        command += ["-o", "mtp3.standard:ANSI"]
    text = run(command)
    for frame in json.loads(text, object_pairs_hook=lambda pairs: [list(pair) for pair in pairs]) if text else ():
        layers: Pairs = dict(map(tuple, dict(map(tuple, frame))["_source"]))["layers"]
        number = int(next(dict(_flat(content))["frame.number"] for layer, content in layers if layer == "frame"))
        yield from _messages(layers, number)


def _messages(layers: Pairs, number: int, content_type: str = "") -> Iterator[Shown]:
    """Layers of one name follow one another as often as there are messages in the frame; bodies stand within SIP.

    A body is of the type that its own part names, else the header fields of the SIP message.
    """
    label, name, octets = b"", "", b""
    points: tuple[int, int] | None = None
    for layer, content in layers:
        if layer.lower().endswith("content-type"):
            content_type = str(content)
        elif not isinstance(content, list):
            continue
        elif layer.endswith("_raw"):
            octets = bytes.fromhex(content[0]) if layer[:-4] in (*LABELS, "isup") else b""
        elif layer in LABELS:
            flat = dict(reversed(_flat(content)))
            label, name = octets, layer
            points = (int(str(flat["mtp3.opc"])), int(str(flat["mtp3.dpc"]))) if "mtp3.opc" in flat else None
        elif layer == "isup":
            head, parameters = _grouped(_flat(content))
            yield Shown(number, octets, label, name, points, content_type, head, parameters)
            label, name, points = b"", "", None
        else:
            named = (value for field, value in _flat(content) if field == "sip.Content-Type") if layer == "sip" else ()
            yield from _messages(content, number, next(iter(named), content_type))


def _flat(pairs: Pairs) -> list[tuple[str, str]]:
    found = []
    for name, value in pairs:
        if name.endswith("_raw"):
            continue
        if isinstance(value, list):
            found += _flat(value)
        else:
            found.append((name, value))
    return found


def _grouped(flat: list[tuple[str, str]]) -> tuple[dict[str, object], list[tuple[int, dict[str, object]]]]:
    head: dict[str, object] = {}
    parameters: list[tuple[int, dict[str, object]]] = []
    fields = head
    for shown, text in flat:
        name = SAME.get(shown, shown)
        if name == "isup.parameter_type":
            fields = {}
            if int(text):
                parameters.append((int(text), fields))
        elif name not in fields:
            fields[name] = _value(name, text)
        else:
            before = fields[name]
            fields[name] = (*(before if isinstance(before, tuple) else (before,)), _value(name, text))
    return head, parameters


def _value(name: str, text: str) -> object:
    """A number as int, however tshark writes it."""
    if name in TEXT or ":" in text or not text:
        return text
    try:
        return int(text, 0) if text.startswith("0x") else int(text)
    except ValueError:
        return text
