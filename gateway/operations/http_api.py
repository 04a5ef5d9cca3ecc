"""The operations HTTP API: metrics, health, status, and an operator's steps.

| route | answers |
|---|---|
| GET /metrics | Prometheus' text format |
| GET /healthz | 200 while the process serves |
| GET /readyz | 200 when calls can be handled, else 503 and why |
| GET /status | what the gateway is doing, JSON |
| GET /journal?after=N&limit=N | the journal's entries that follow number `after`, JSON |
| POST ... | changes something, see `gateway.operations.http_steps` |

On a loopback address reading needs no token, and the Host header must name the loopback: a page in a browser on this
machine cannot read the API through a name of its own that resolves to 127.0.0.1 (DNS rebinding). On any other address
everything but /healthz needs the token. Changing something needs the token everywhere.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from gateway.operations.api_token import TOKEN_FILE
from gateway.operations.control_plane import ControlPlane
from gateway.operations.http_connections import HttpConnections
from gateway.operations.http_steps import CONTROL, LAST_ENTRY, add_steps, refusals_in_json

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
SHUTDOWN_TIMEOUT_S = 2.0
DEFAULT_ENTRIES = 100
MOST_ENTRIES = 1_000
"""Of the journal, in one answer."""

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class CannotServe(Exception):
    """The API cannot be served as configured. The text says what to change."""


class MetricsText(Protocol):
    """Renders the metrics (`gateway.operations.metrics.GatewayMetrics`)."""

    async def render(self) -> bytes:
        """Prometheus' text format 0.0.4."""


class _Binding(NamedTuple):
    """Where the API is served, as far as access depends on it."""

    loopback: bool


_METRICS = web.AppKey("metrics", MetricsText)
_TOKEN = web.AppKey("token", bytes)
_BINDING = web.AppKey("binding", _Binding)
_CONNECTIONS = web.AppKey("connections", HttpConnections)


def operations_app(control: ControlPlane, metrics: MetricsText, token: str | None) -> web.Application:
    """The application, for `serve`. Until it is served it counts as bound to the loopback.

    `token` is the bearer token (RFC 6750); None or empty: nothing can be changed over HTTP.
    """
    app = web.Application(
        middlewares=[_keep_time, _answer_in_json, _guard, refusals_in_json], client_max_size=MAX_BODY_BYTES
    )
    app[CONTROL] = control
    app[_METRICS] = metrics
    app[_TOKEN] = (token or "").encode()
    app[_BINDING] = _Binding(loopback=True)
    app.on_response_prepare.append(_add_security_headers)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/status", _status)
    app.router.add_get("/journal", _journal)
    add_steps(app)
    return app


@asynccontextmanager
async def serve(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serves `app` until the block is left, and hands out the port, which the system chooses where `port` is 0.

    Raises:
        CannotServe: the address is taken or not this machine's, or is not a loopback address and there is no token.
    """
    loopback = is_loopback(host)
    if not loopback and not app[_TOKEN]:
        raise CannotServe(
            f"operations API on {host}: other machines can reach that address, so it needs a token. "
            "Configure one, or listen on 127.0.0.1"
        )
    app[_BINDING] = _Binding(loopback)
    runner = web.AppRunner(app, access_log=None, logger=_protocol_log, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    app[_CONNECTIONS] = connections = HttpConnections(lambda: _protocol_of(runner))
    await runner.setup()
    try:
        try:
            listening = await asyncio.get_running_loop().create_server(connections, host, port)
        except OSError as error:
            raise CannotServe(
                f"operations API: cannot listen on {host} port {port}: {error.strerror or error}"
            ) from error
        try:
            yield int(listening.sockets[0].getsockname()[1])
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _protocol_of(runner: web.AppRunner) -> asyncio.Protocol:
    """The library's protocol of a new connection."""
    if runner.server is None:
        raise AssertionError("connections come between setup and cleanup")
    return runner.server()


def is_loopback(host: str) -> bool:
    """Whether `host`, an IP address or a name, is one of the loopback's."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _WithoutTraceback(logging.Filter):
    """A request that is not HTTP is its sender's fault: one line in the log, however the library would tell it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


_protocol_log = logging.getLogger(f"{__name__}.protocol")
_protocol_log.addFilter(_WithoutTraceback())


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "tollgate"  # in place of the library's name and version


@web.middleware
async def _keep_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    connections = request.app[_CONNECTIONS]
    connections.head_is_read(request.transport)
    try:
        return await handler(request)
    finally:
        connections.answered(request.transport)


@web.middleware
async def _answer_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        kept = {name: error.headers[name] for name in (hdrs.ALLOW, hdrs.WWW_AUTHENTICATE) if name in error.headers}
        return web.json_response({"error": error.text or error.reason}, status=error.status, headers=kept)
    except Exception:
        log.exception("operations API: %s %s failed", request.method, request.path)
        return web.json_response({"error": "internal error; the gateway's log has the details"}, status=500)


_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::[0-9]{1,5})?", re.IGNORECASE)


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets through whom the binding and the token allow (see the module's docstring)."""
    reading = request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
    if request.app[_BINDING].loopback:
        host = _HOST.fullmatch(request.headers.get(hdrs.HOST, ""))
        if host is None or not is_loopback(host[1] or host[2]):
            raise web.HTTPMisdirectedRequest(
                text="this API is served on the loopback: name it in the Host header as 127.0.0.1, [::1] or localhost"
            )
        if reading:
            return await handler(request)
    elif reading and request.path == "/healthz":
        return await handler(request)
    _require_token(request)
    return await handler(request)


def _require_token(request: web.Request) -> None:
    expected = request.app[_TOKEN]
    if not expected:
        raise web.HTTPForbidden(text="this gateway has no operations token, so nothing can be changed over HTTP")
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), expected)
    if scheme.lower() != "bearer" or not right:
        raise web.HTTPUnauthorized(
            text="the operations token is needed: Authorization: Bearer TOKEN, "
            f"which is in {TOKEN_FILE} in the gateway's state folder",
            headers={hdrs.WWW_AUTHENTICATE: 'Bearer realm="tollgate"'},
        )


async def _metrics(request: web.Request) -> web.Response:
    body = await request.app[_METRICS].render()
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: METRICS_CONTENT_TYPE})


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    ready, why = request.app[CONTROL].ready()
    return web.json_response({"ready": ready, "reason": why}, status=200 if ready else 503)


async def _journal(request: web.Request) -> web.Response:
    after = _number_in(request, "after", 0, 0, LAST_ENTRY)
    limit = _number_in(request, "limit", DEFAULT_ENTRIES, 1, MOST_ENTRIES)
    return web.json_response(request.app[CONTROL].journal(after, limit))


def _number_in(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """A number of the query. Raises `web.HTTPBadRequest`."""
    written = request.query.get(name, str(default))
    number = int(written) if re.fullmatch(r"[0-9]{1,16}", written) else -1
    if not least <= number <= most:
        raise web.HTTPBadRequest(text=f"{name}: must be a whole number from {least} to {most}")
    return number


async def _status(request: web.Request) -> web.Response:
    return web.json_response(request.app[CONTROL].status())
