"""The operations API over real sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from http_control import BEARER, TOKEN, Control, api
from metrics_examples import Stand, metrics_of

from gateway.operations.http_api import SECURITY_HEADERS, CannotServe, is_loopback, operations_app, serve

STEP = {"ocn": "555A", "trunk_group": "TG-DEDICATED", "who": "J. Doe", "why": "flood since 14:02"}


async def test_metrics_are_served_as_prometheus_text() -> None:
    async with api(Control()) as (client, url), client.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'tollgate_build_info{version="1.2.3"} 1.0' in await answer.text()


@pytest.mark.parametrize(
    ("path", "control", "status", "body"),
    [
        ("/healthz", Control(), 200, {"status": "ok"}),
        ("/readyz", Control(), 200, {"ready": True, "reason": ""}),
        ("/readyz", Control((False, "no LERG")), 503, {"ready": False, "reason": "no LERG"}),
        ("/status", Control(), 200, {"calls": 3}),
        ("/nowhere", Control(), 404, {"error": "404: Not Found"}),
    ],
)
async def test_what_is_read_needs_no_token_on_the_loopback(
    path: str, control: Control, status: int, body: dict[str, Any]
) -> None:
    async with api(control, token=None) as (client, url), client.get(url + path) as answer:
        assert (answer.status, await answer.json()) == (status, body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer correct"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer Ünicode"},
    ],
)
async def test_a_change_without_the_right_token_is_unauthorised(headers: dict[str, str]) -> None:
    control = Control()
    async with (
        api(control) as (client, url),
        client.post(f"{url}/cutover", json=STEP, headers=headers) as answer,
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert control.orders == []


@pytest.mark.parametrize("token", [None, ""])
async def test_nothing_can_be_changed_where_no_token_is_configured(token: str | None) -> None:
    control = Control()
    async with (
        api(control, token=token) as (client, url),
        client.post(f"{url}/cutover", json=STEP, headers={"Authorization": "Bearer "}) as answer,
    ):
        assert answer.status == 403
    assert control.orders == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9464", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:9464", 200),
        ("attacker.example", 421),
        ("127.0.0.1.attacker.example", 421),
        ("localhost.attacker.example:9464", 421),
        ("192.0.2.1", 421),
        ("[::1]attacker.example", 421),
        ("", 421),
    ],
)
async def test_on_the_loopback_only_its_own_names_are_answered(host: str, status: int) -> None:
    async with api(Control()) as (client, url), client.get(f"{url}/status", headers={"Host": host}) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/healthz", {}, 200),
        ("GET", "/metrics", {}, 401),
        ("GET", "/readyz", {}, 401),
        ("GET", "/status", {}, 401),
        ("GET", "/nowhere", {}, 401),
        ("POST", "/healthz", {}, 401),
        ("POST", "/cutover", {}, 401),
        ("GET", "/metrics", BEARER, 200),
        ("GET", "/status", BEARER | {"Host": "gateway.example"}, 200),
    ],
)
async def test_beyond_the_loopback_everything_but_health_needs_the_token(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with (
        api(Control(), host="0.0.0.0") as (client, url),  # noqa: S104 - that is what is tested
        client.request(method, url + path, headers=headers) as answer,
    ):
        assert answer.status == status


async def test_beyond_the_loopback_nothing_is_served_without_a_token() -> None:
    with pytest.raises(CannotServe, match="needs a token"):
        async with api(Control(), token=None, host="0.0.0.0"):  # noqa: S104 - that is what is tested
            pytest.fail("it was served")


async def test_an_address_that_is_taken_is_named() -> None:
    app = operations_app(Control(), metrics_of(Stand()), None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"cannot listen on 127.0.0.1 port {port}: "):
            async with serve(app, "127.0.0.1", port):
                pytest.fail("it was served")


@pytest.mark.parametrize("path", ["/status", "/metrics", "/nowhere", "/cutover"])
async def test_every_answer_carries_the_security_headers_and_no_version(path: str) -> None:
    async with api(Control()) as (client, url), client.get(url + path) as answer:
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
        assert answer.headers["Server"] == "tollgate"


async def test_a_fault_of_our_own_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with api(Control(broken=True)) as (client, url), client.get(f"{url}/status") as answer:
        assert answer.status == 500
        assert "inside of the gateway" not in await answer.text()
    assert "GET /status failed" in caplog.text
    assert "inside of the gateway" in caplog.text


async def test_what_is_not_http_is_answered_and_leaves_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(operations_app(Control(), metrics_of(Stand()), None), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"OPTIONS sip:gateway SIP/2.0\r\nContent-Length: -1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.0 400")
        writer.close()
        await writer.wait_closed()
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "Localhost"])
def test_the_loopback_is_known_by_its_addresses_and_its_name(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example", ""])  # noqa: S104 - not bound to
def test_everything_else_is_not_the_loopback(host: str) -> None:
    assert not is_loopback(host)
