"""The JSON bodies of requests to the operations API: read within bounds, each fault said with its field."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from gateway.operations.control_plane import SELF

BODY_TIMEOUT_S = 5.0


class Shape(Protocol):
    """What a field's value may be."""

    def fault(self, value: object) -> str | None:
        """What is wrong with a value; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Text:
    """A printable text that is not empty."""

    longest: int
    """Characters."""

    def fault(self, value: object) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be a text that is not empty"
        if len(value) > self.longest:
            return f"at most {self.longest} characters, not {len(value)}"
        return None if value.isprintable() else "control characters are not allowed"


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever answers for a step: anybody but the gateway itself."""

    longest: int
    """Characters."""

    def fault(self, value: object) -> str | None:
        if isinstance(value, str) and value.strip().lower() == SELF:
            return f"{SELF} is who takes the gateway's own steps; give the name of a person"
        return Text(self.longest).fault(value)


@dataclass(frozen=True, slots=True)
class Word:
    """One of some words."""

    words: tuple[str, ...]

    def fault(self, value: object) -> str | None:
        return None if value in self.words else f"must be one of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    def fault(self, value: object) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and self.least <= value <= self.most:  # type: ignore[operator]
            return None
        return f"must be a whole number from {self.least} to {self.most}"


class Flag:
    """True or false."""

    def fault(self, value: object) -> str | None:
        return None if isinstance(value, bool) else "must be true or false"


@dataclass(frozen=True, slots=True)
class BodyField:
    """A field of a body. One that need not be there may also be null, which says the same."""

    shape: Shape
    required: bool = True


async def read_body(request: web.Request, fields: Mapping[str, BodyField]) -> dict[str, Any]:
    """The body of a request, which has these fields, each of them in the result.

    Raises the `web.HTTPException` that answers a faulty one.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be JSON, with Content-Type: application/json")
    if "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType(text="the body must come as it is, without Content-Encoding")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError as late:
        raise web.HTTPRequestTimeout(text=f"the body did not arrive within {BODY_TIMEOUT_S:g} s") from late
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    faults = _faults(body, fields)
    if faults:
        raise web.HTTPBadRequest(text="; ".join(faults))
    return {name: body.get(name) for name in fields}


def _faults(body: object, fields: Mapping[str, BodyField]) -> list[str]:
    """What is wrong with a body, each fault with its field; empty where nothing is."""
    if not isinstance(body, dict):
        return [f"the body must be a JSON object with the fields {', '.join(fields)}"]
    faults = [f"{name!r}: no such field; there are {', '.join(fields)}" for name in body if name not in fields]
    for name, field in fields.items():
        if field.required and name not in body:
            faults.append(f"{name}: required")
        elif field.required or body.get(name) is not None:
            fault = field.shape.fault(body[name])
            faults += [f"{name}: {fault}"] if fault is not None else []
    return faults
