"""The operations API over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession
from metrics_examples import Stand, metrics_of

from gateway.operations.http_api import (
    MAX_BODY_BYTES,
    SECURITY_HEADERS,
    CannotServe,
    StepRefused,
    is_loopback,
    operations_app,
    serve,
)

TOKEN = "correct horse"  # noqa: S105 - the tests' own
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STEP = {"ocn": "555A", "trunk_group": "TG-DEDICATED", "who": "J. Doe", "why": "flood since 14:02"}


@dataclass
class Control:
    """A control plane that knows one provider, and remembers the steps taken."""

    is_ready: tuple[bool, str] = (True, "")
    broken: bool = False
    steps: list[tuple[str, str | None, str, str]] = field(default_factory=list)
    blockings: list[tuple[str, bool, str, str]] = field(default_factory=list)

    def status(self) -> dict[str, Any]:
        if self.broken:
            raise RuntimeError("the inside of the gateway")
        return {"calls": 3}

    def ready(self) -> tuple[bool, str]:
        return self.is_ready

    def cutover(self, ocn: str, trunk_group: str | None, who: str, why: str) -> dict[str, Any]:
        if ocn != "555A":
            raise StepRefused(f"{ocn} is not a configured provider")
        self.steps.append((ocn, trunk_group, who, why))
        return {"ocn": ocn, "trunk_group": trunk_group}

    def block(self, trunk_group: str, blocked: bool, who: str, why: str) -> dict[str, Any]:
        if trunk_group != "RB-SS7":
            raise StepRefused(f"{trunk_group} is not a trunk group with circuits")
        self.blockings.append((trunk_group, blocked, who, why))
        return {"trunk_group": trunk_group, "blocked": blocked}

    async def reload(self) -> dict[str, Any]:
        return {}


@asynccontextmanager
async def api(
    control: Control, *, token: str | None = TOKEN, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[ClientSession, str]]:
    """The API served on `host`, and a client that reaches it over the loopback."""
    app = operations_app(control, metrics_of(Stand()), token)
    async with serve(app, host, 0) as port, ClientSession() as client:
        yield client, f"http://127.0.0.1:{port}"


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


@pytest.mark.parametrize("trunk_group", ["TG-DEDICATED", None])
async def test_a_cut_over_is_taken_and_answered_with_what_is_in_force(trunk_group: str | None) -> None:
    control = Control()
    step = STEP | {"trunk_group": trunk_group}
    async with (
        api(control) as (client, url),
        client.post(f"{url}/cutover", json=step, headers=BEARER) as answer,
    ):
        assert (answer.status, await answer.json()) == (200, {"ocn": "555A", "trunk_group": trunk_group})
    assert control.steps == [("555A", trunk_group, "J. Doe", "flood since 14:02")]


BLOCK = {"trunk_group": "RB-SS7", "blocked": True, "who": "J. Doe", "why": "flood since 14:02"}


@pytest.mark.parametrize("blocked", [True, False])
async def test_a_trunk_group_is_blocked_and_opened_again(blocked: bool) -> None:
    control = Control()
    step = BLOCK | {"blocked": blocked}
    async with api(control) as (client, url), client.post(f"{url}/block", json=step, headers=BEARER) as answer:
        assert (answer.status, await answer.json()) == (200, {"trunk_group": "RB-SS7", "blocked": blocked})
    assert control.blockings == [("RB-SS7", blocked, "J. Doe", "flood since 14:02")]


@pytest.mark.parametrize(
    ("step", "status", "says"),
    [
        (BLOCK | {"trunk_group": "TG-1"}, 409, "TG-1 is not a trunk group with circuits"),
        (BLOCK | {"blocked": "yes"}, 400, "blocked: must be true or false"),
        ({"trunk_group": "RB-SS7"}, 400, "blocked: required; who: required; why: required"),
    ],
)
async def test_a_blocking_that_cannot_be_taken_says_why(step: dict[str, Any], status: int, says: str) -> None:
    async with api(Control()) as (client, url), client.post(f"{url}/block", json=step, headers=BEARER) as answer:
        assert (answer.status, await answer.json()) == (status, {"error": says})


async def test_a_step_that_the_gateway_refuses_is_a_conflict_and_says_why() -> None:
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", json=STEP | {"ocn": "999X"}, headers=BEARER) as answer,
    ):
        assert (answer.status, await answer.json()) == (409, {"error": "999X is not a configured provider"})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{", "not JSON", id="half"),
        pytest.param(b"\xff\xfe\xfd", "not JSON", id="no text"),
        pytest.param(b"[" * 15_000, "not JSON", id="nested without end"),
        pytest.param(b"[]", "must be a JSON object with the fields ocn, trunk_group, who, why", id="a list"),
        pytest.param(
            b"{}",
            "ocn: required; trunk_group: required, null to take the cut-over back; who: required; why: required",
            id="no field",
        ),
        pytest.param(json.dumps(STEP | {"force": True}).encode(), "'force': no such field", id="a field too many"),
        pytest.param(json.dumps(STEP | {"ocn": None}).encode(), "ocn: must be a text that is not empty", id="null OCN"),
        pytest.param(json.dumps(STEP | {"who": " "}).encode(), "who: must be a text that is not empty", id="nobody"),
        pytest.param(json.dumps(STEP | {"why": 7}).encode(), "why: must be a text that is not empty", id="a number"),
        pytest.param(
            json.dumps(STEP | {"why": "x" * 1001}).encode(), "why: at most 1000 characters, not 1001", id="too long"
        ),
        pytest.param(
            json.dumps(STEP | {"who": "J\nDoe"}).encode(), "who: control characters are not allowed", id="two lines"
        ),
    ],
)
async def test_a_body_that_is_wrong_is_refused_with_what_is_wrong(body: bytes, says: str) -> None:
    control = Control()
    headers = BEARER | {"Content-Type": "application/json"}
    async with (
        api(control) as (client, url),
        client.post(f"{url}/cutover", data=body, headers=headers) as answer,
    ):
        assert answer.status == 400
        assert says in (await answer.json())["error"]
    assert control.steps == []


async def test_a_body_that_is_too_large_is_refused() -> None:
    headers = BEARER | {"Content-Type": "application/json"}
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", data=b" " * (MAX_BODY_BYTES + 1), headers=headers) as answer,
    ):
        assert answer.status == 413


async def test_a_body_that_does_not_say_it_is_json_is_refused() -> None:
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", data=json.dumps(STEP), headers=BEARER) as answer,
    ):
        assert answer.status == 415


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
    assert control.steps == []


@pytest.mark.parametrize("token", [None, ""])
async def test_nothing_can_be_changed_where_no_token_is_configured(token: str | None) -> None:
    control = Control()
    async with (
        api(control, token=token) as (client, url),
        client.post(f"{url}/cutover", json=STEP, headers={"Authorization": "Bearer "}) as answer,
    ):
        assert answer.status == 403
    assert control.steps == []


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
