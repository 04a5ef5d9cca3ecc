"""The JSON bodies of requests to the operations API: read within bounds, each fault said with its field."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohttp import web

BODY_TIMEOUT_S = 5.0


class BodyField(NamedTuple):
    """A field of a body. All are required, and there are no others."""

    longest: int = 0
    """Characters of a text; 0: the field is true or false."""
    null_means: str | None = None
    """What null says, where it may stand for a text."""


async def read_body(request: web.Request, fields: Mapping[str, BodyField]) -> dict[str, Any]:
    """The body of a request, which has these fields. Raises the `web.HTTPException` that answers a faulty one."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be JSON, with Content-Type: application/json")
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
    return dict(body)


def _faults(body: object, fields: Mapping[str, BodyField]) -> list[str]:
    """What is wrong with a body, each fault with its field; empty where nothing is."""
    if not isinstance(body, dict):
        return [f"the body must be a JSON object with the fields {', '.join(fields)}"]
    faults = [f"{name!r}: no such field" for name in body if name not in fields]
    for name, field in fields.items():
        if name in body:
            faults += _faults_of(name, body[name], field)
        else:
            faults.append(f"{name}: required" + (f", null {field.null_means}" if field.null_means else ""))
    return faults


def _faults_of(name: str, value: object, field: BodyField) -> list[str]:
    if value is None and field.null_means:
        return []
    if not field.longest:
        return [] if isinstance(value, bool) else [f"{name}: must be true or false"]
    if not isinstance(value, str) or not value.strip():
        return [f"{name}: must be a text that is not empty"]
    if len(value) > field.longest:
        return [f"{name}: at most {field.longest} characters, not {len(value)}"]
    return [] if value.isprintable() else [f"{name}: control characters are not allowed"]
