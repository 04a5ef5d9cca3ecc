"""What a proxy may touch of a request that it forwards (RFC 3261 section 16.6), looked at without our codec."""

from __future__ import annotations

import re
from typing import Final

_COMPACT: Final = {b"v": b"via", b"l": b"content-length"}
_COMPLETED: Final = re.compile(rb";\s*(?:received|rport)\s*(?:=[^;,]*)?(?=[;,]|\Z)", re.IGNORECASE)
_SEPARATOR: Final = re.compile(rb"[ \t]*([;,])[ \t]*")
_FOLD: Final = re.compile(rb"[ \t]*\r\n[ \t]+")


def undue_change(original: bytes, forwarded: bytes, own_via: bytes) -> str | None:
    """In what `forwarded` differs from `original` though a proxy must not change it; None where it does in nothing.

    A proxy puts its Via (which starts with `own_via`) and its Record-Route before the rest, completes the previous Via,
    counts Max-Forwards down or adds it, takes its own Route off, and leaves out what is behind the body.
    """
    before, body = _taken_apart(original)
    after, _ = _taken_apart(forwarded)
    body_after = forwarded.partition(b"\r\n\r\n")[2]
    if after[0] != before[0]:
        return f"the start line became {after[0]!r}"
    if len(after) < 2 or not after[1].startswith(own_via):
        return "our Via is not the first"
    rest = after[2:]
    if rest and rest[0].startswith(b"Record-Route: ") and rest[0] not in before:
        rest = rest[1:]
    if not any(_name(line) == b"max-forwards" for line in before) and rest and rest[0].startswith(b"Max-Forwards: "):
        rest = rest[1:]
    kept = before[1:]
    if len(rest) == len(kept) - 1:
        kept = _without_first_route(kept)
    if len(rest) != len(kept):
        return f"{len(kept)} header fields became {len(rest)}"
    first_via = next((number for number, line in enumerate(kept) if _name(line) == b"via"), -1)
    for number, (old, new) in enumerate(zip(kept, rest, strict=True)):
        if old != new and not _is_due(old, new, first_via=number == first_via):
            return f"{old!r} became {new!r}"
    return None if body_after == body else f"a body of {len(body)} bytes became one of {len(body_after)}, or another"


def _taken_apart(data: bytes) -> tuple[list[bytes], bytes]:
    """Logical lines, folds left inside, and the body as long as Content-Length says."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line.startswith((b" ", b"\t")) and lines:
            lines[-1] += b"\r\n" + line
        else:
            lines.append(line)
    for line in lines[1:]:
        length = line.partition(b":")[2].strip()
        if _name(line) == b"content-length" and length.isdigit():
            body = body[: int(length.lstrip(b"0") or b"0")]
    return lines, body


def _name(line: bytes) -> bytes:
    name = line.partition(b":")[0].strip().lower()
    return _COMPACT.get(name, name)


def _without_first_route(lines: list[bytes]) -> list[bytes]:
    for number, line in enumerate(lines):
        if _name(line) == b"route":
            return lines[:number] + lines[number + 1 :]
    return lines


def _is_due(old: bytes, new: bytes, *, first_via: bool) -> bool:
    name = _name(old)
    if name == b"max-forwards":
        before, after = old.partition(b":")[2].strip(), new.partition(b":")[2].strip()
        return _name(new) == name and before.isdigit() and after == b"%d" % (int(before.lstrip(b"0")) - 1)
    if name == b"route":  # our own entry is the first of several in the line
        return new.partition(b":")[2].strip() in old
    return first_via and _same_via(old, new)


def _same_via(old: bytes, new: bytes) -> bool:
    """Whether nothing but `received` and `rport` of the first value differs, and no `received` stands there twice."""
    before, after = (via.partition(b",")[0].lower() for via in (old, new))
    if after.count(b";received=") > 1 or after.count(b";rport") > before.count(b";rport"):
        return False
    return _uncompleted(old) == _uncompleted(new)


def _uncompleted(via: bytes) -> bytes:
    """Without what completes it, and without the white space around it."""
    return _COMPLETED.sub(b"", _SEPARATOR.sub(rb"\1", _unfolded(via)))


def _unfolded(line: bytes) -> bytes:
    """A Via that is completed is written without its folds, which mean a space (RFC 3261 section 7.3.1)."""
    return _FOLD.sub(b" ", line).rstrip()
