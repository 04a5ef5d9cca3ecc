"""The routes of the operations API that change something: an operator's steps (L8, L10).

| route | what it does | fields beside `ocn`, `who`, `why` |
|---|---|---|
| POST /throttle | holds the provider to its throttled limit | |
| POST /release | lifts the throttle | |
| POST /discontinue | refuses the provider, or all of its partner's traffic | `scope`, `drain_seconds` |
| POST /remediate | notes that the partner attests the removal of the provider's traffic | |
| POST /restore | accepts the rest of the partner's traffic again | |
| POST /cutover | gives the provider a trunk group of its own | `trunk_group`, `drain_seconds` |
| POST /undo | takes the last step back | |
| POST /approve | takes the step of a `recommendation`, which stands in place of `ocn` | `drain_seconds` |
| POST /dismiss | lays a `recommendation` aside, which stands in place of `ocn` | |
| POST /block | blocks a `trunk_group`'s circuits or opens them, by `blocked`; no `ocn` | |
| POST /reload | reads LERG and the ported numbers again; no body | |

Every step on a provider may say `expected_state`: where the provider stands otherwise, the answer is 409 and says how.
`approves` names the recommendation that a step follows. With the header `Idempotency-Key` a request that was carried
out is not carried out again, and gets the answer that it got; the same key with another request gets 422.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service.states import Scope, State, StepKind
from gateway.operations.control_plane import (
    KEY_HEADER,
    Answer,
    ControlPlane,
    JsonObject,
    KeyReused,
    Order,
    RequestKey,
    StepRefused,
)
from gateway.operations.http_bodies import BodyField, Flag, Number, Operator, Text, Word, read_body

log = logging.getLogger("gateway.operations.http_api")

CONTROL: Final = web.AppKey("control", ControlPlane)

LONGEST_DRAIN_S: Final = 86_400
LAST_ENTRY: Final = 2**53 - 1
"""The greatest whole number that every reader of JSON keeps exactly (RFC 8259 section 6)."""
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")

_OCN: Final = BodyField(Text(16))
_BY_WHOM: Final = {"who": BodyField(Operator(128)), "why": BodyField(Text(1000))}
_EXPECTED: Final = BodyField(Word(tuple(state.value for state in State)), required=False)
_DRAIN: Final = BodyField(Number(0, LONGEST_DRAIN_S), required=False)
_NUMBER: Final = Number(1, LAST_ENTRY)
_ON_A_PROVIDER: Final = {
    "ocn": _OCN,
    **_BY_WHOM,
    "approves": BodyField(_NUMBER, required=False),
    "expected_state": _EXPECTED,
}
_STEPS: Final[Mapping[str, tuple[StepKind, Mapping[str, BodyField]]]] = {
    "/throttle": (StepKind.THROTTLE, {}),
    "/release": (StepKind.RELEASE, {}),
    "/discontinue": (
        StepKind.DISCONTINUE,
        {"scope": BodyField(Word(tuple(scope.value for scope in Scope))), "drain_seconds": _DRAIN},
    ),
    "/remediate": (StepKind.ATTEST, {}),
    "/restore": (StepKind.RESTORE, {}),
    "/cutover": (StepKind.CUTOVER, {"trunk_group": BodyField(Text(64)), "drain_seconds": _DRAIN}),
    "/undo": (StepKind.UNDO, {}),
}
"""Route -> kind of step, and the fields of its body beside those that all have."""
_RECOMMENDATION: Final = {"recommendation": BodyField(_NUMBER), **_BY_WHOM}
_APPROVE: Final = {**_RECOMMENDATION, "drain_seconds": _DRAIN, "expected_state": _EXPECTED}
_BLOCK: Final = {"trunk_group": BodyField(Text(64)), "blocked": BodyField(Flag()), **_BY_WHOM}


def add_steps(app: web.Application) -> None:
    """Add the routes to an application that has `CONTROL`."""
    for path in _STEPS:
        app.router.add_post(path, _step)
    app.router.add_post("/approve", _approve)
    app.router.add_post("/dismiss", _dismiss)
    app.router.add_post("/block", _block)
    app.router.add_post("/reload", _reload)


@web.middleware
async def refusals_in_json(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answers a step that is refused: 409, with the reason and how the provider stands; 422 for a key used before."""
    try:
        response: web.StreamResponse = await handler(request)
    except StepRefused as refused:
        stands = {"state": refused.state.value} if refused.state is not None else {}
        return web.json_response({"error": refused.reason, **stands}, status=web.HTTPConflict.status_code)
    except KeyReused as reused:
        return web.json_response({"error": str(reused)}, status=web.HTTPUnprocessableEntity.status_code)
    return response


async def _step(request: web.Request) -> web.Response:
    kind, more = _STEPS[request.path]
    body = await read_body(request, {**_ON_A_PROVIDER, **more})
    order = Order(
        kind=kind,
        ocn=Ocn(body["ocn"]),
        who=body["who"],
        why=body["why"],
        scope=Scope(body["scope"]) if "scope" in body else None,
        trunk_group=body.get("trunk_group"),
        drain_s=body.get("drain_seconds"),
        approves=body["approves"],
        expected=_state(body["expected_state"]),
    )
    in_force = await request.app[CONTROL].step(order, _key_of(request, body))
    log.warning("%s of %s by %s: %s", kind.value, order.ocn, order.who, order.why)
    return web.json_response(in_force)


async def _approve(request: web.Request) -> web.Response:
    body = await read_body(request, _APPROVE)
    answer = Answer(
        body["recommendation"], body["who"], body["why"], body["drain_seconds"], _state(body["expected_state"])
    )
    return _answered("approved", answer, await request.app[CONTROL].approve(answer, _key_of(request, body)))


async def _dismiss(request: web.Request) -> web.Response:
    body = await read_body(request, _RECOMMENDATION)
    answer = Answer(body["recommendation"], body["who"], body["why"])
    return _answered("dismissed", answer, request.app[CONTROL].dismiss(answer, _key_of(request, body)))


def _answered(done: str, answer: Answer, in_force: JsonObject) -> web.Response:
    log.warning("recommendation %d %s by %s: %s", answer.recommendation, done, answer.who, answer.why)
    return web.json_response(in_force)


async def _block(request: web.Request) -> web.Response:
    body = await read_body(request, _BLOCK)
    in_force = request.app[CONTROL].block(**body, key=_key_of(request, body))
    done = "blocked" if body["blocked"] else "opened again"
    log.warning("trunk group %s %s by %s: %s", body["trunk_group"], done, body["who"], body["why"])
    return web.json_response(in_force)


async def _reload(request: web.Request) -> web.Response:
    return web.json_response(await request.app[CONTROL].reload())


def _state(word: str | None) -> State | None:
    return State(word) if word is not None else None


def _key_of(request: web.Request, body: JsonObject) -> RequestKey | None:
    """How a request is named by its sender, if it is. Raises `web.HTTPBadRequest`."""
    keys = request.headers.getall(KEY_HEADER, [])
    if not keys:
        return None
    if len(keys) > 1 or _KEY.fullmatch(keys[0]) is None:
        raise web.HTTPBadRequest(text=f"{KEY_HEADER}: give one, of 1 to 128 printable ASCII characters without spaces")
    named = json.dumps([request.path, body], sort_keys=True, separators=(",", ":"))
    return RequestKey(keys[0], hashlib.sha256(named.encode()).hexdigest())
