"""An operator's steps over HTTP: what is asked for reaches the control plane, and what is wrong is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from http_control import BEARER, Control, api

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.denial_of_service.states import Scope, State, StepKind
from gateway.operations.control_plane import KEY_HEADER, Answer, Order
from gateway.operations.http_api import MAX_BODY_BYTES

BY_WHOM = {"who": "J. Doe", "why": "flood since 14:02"}
STEP = {"ocn": "555A", "trunk_group": "TG-DEDICATED", **BY_WHOM}
BLOCK = {"trunk_group": "RB-SS7", "blocked": True, **BY_WHOM}


def order(kind: StepKind, **more: Any) -> Order:
    return Order(kind, Ocn("555A"), "J. Doe", "flood since 14:02", **more)


async def post(
    control: Control, path: str, body: object, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    async with (
        api(control) as (client, url),
        client.post(url + path, json=body, headers=BEARER | (headers or {})) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/throttle", {}, order(StepKind.THROTTLE)),
        ("/throttle", {"expected_state": None, "approves": None}, order(StepKind.THROTTLE)),
        ("/release", {"expected_state": "throttled"}, order(StepKind.RELEASE, expected=State.THROTTLED)),
        ("/discontinue", {"scope": "provider"}, order(StepKind.DISCONTINUE, scope=Scope.PROVIDER)),
        (
            "/discontinue",
            {"scope": "partner", "drain_seconds": 0, "approves": 12},
            order(StepKind.DISCONTINUE, scope=Scope.PARTNER, drain_s=0, approves=12),
        ),
        ("/remediate", {}, order(StepKind.ATTEST)),
        ("/restore", {}, order(StepKind.RESTORE)),
        (
            "/cutover",
            {"trunk_group": "TG-DEDICATED", "drain_seconds": 60},
            order(StepKind.CUTOVER, trunk_group="TG-DEDICATED", drain_s=60),
        ),
        ("/undo", {}, order(StepKind.UNDO)),
    ],
)
async def test_each_step_reaches_the_gateway_as_it_is_asked_for(path: str, body: dict[str, Any], asked: Order) -> None:
    control = Control()
    status, answer = await post(control, path, {"ocn": "555A", **BY_WHOM, **body})
    assert (status, answer) == (200, {"ocn": "555A", "step": asked.kind.value})
    assert control.orders == [asked]


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/approve", {}, Answer(7, "J. Doe", "flood since 14:02")),
        (
            "/approve",
            {"drain_seconds": 30, "expected_state": "throttled"},
            Answer(7, "J. Doe", "flood since 14:02", 30, State.THROTTLED),
        ),
        ("/dismiss", {}, Answer(7, "J. Doe", "flood since 14:02")),
    ],
)
async def test_a_recommendation_is_approved_or_dismissed(path: str, body: dict[str, Any], asked: Answer) -> None:
    control = Control()
    status, answer = await post(control, path, {"recommendation": 7, **BY_WHOM, **body})
    assert (status, answer) == (200, {"recommendation": 7})
    assert control.answers == [(path[1:], asked)]


@pytest.mark.parametrize("blocked", [True, False])
async def test_a_trunk_group_is_blocked_and_opened_again(blocked: bool) -> None:
    control = Control()
    assert await post(control, "/block", BLOCK | {"blocked": blocked}) == (
        200,
        {"trunk_group": "RB-SS7", "blocked": blocked},
    )
    assert control.blockings == [("RB-SS7", blocked, "J. Doe", "flood since 14:02")]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/block", BLOCK | {"trunk_group": "TG-1"}, 409, "TG-1 is not a trunk group with circuits"),
        ("/block", BLOCK | {"blocked": "yes"}, 400, "blocked: must be true or false"),
        ("/block", {"trunk_group": "RB-SS7"}, 400, "blocked: required; who: required; why: required"),
        ("/cutover", STEP | {"ocn": "999X"}, 409, "999X is not a configured provider"),
        ("/approve", {"recommendation": 8, **BY_WHOM}, 409, "8 is not a recommendation that waits"),
        ("/dismiss", {"recommendation": 8, **BY_WHOM}, 409, "8 is not a recommendation that waits"),
        ("/approve", {"recommendation": "7", **BY_WHOM}, 400, "recommendation: must be a whole number from 1 to "),
        ("/approve", {"recommendation": True, **BY_WHOM}, 400, "recommendation: must be a whole number from 1 to "),
        ("/discontinue", {"ocn": "555A", **BY_WHOM}, 400, "scope: required"),
        (
            "/discontinue",
            {"ocn": "555A", "scope": "all", **BY_WHOM},
            400,
            "scope: must be one of provider, partner",
        ),
        ("/cutover", STEP | {"trunk_group": None}, 400, "trunk_group: must be a text that is not empty"),
        ("/cutover", STEP | {"drain_seconds": -1}, 400, "drain_seconds: must be a whole number from 0 to 86400"),
        ("/cutover", STEP | {"drain_seconds": 0.5}, 400, "drain_seconds: must be a whole number from 0 to 86400"),
        ("/undo", STEP, 400, "'trunk_group': no such field; there are ocn, who, why, approves, expected_state"),
        ("/undo", {"ocn": "555A", **BY_WHOM, "expected_state": "fine"}, 400, "expected_state: must be one of normal, "),
    ],
)
async def test_a_step_that_cannot_be_taken_says_why(path: str, body: dict[str, Any], status: int, says: str) -> None:
    control = Control()
    answered, document = await post(control, path, body)
    assert answered == status
    assert document["error"].startswith(says)
    assert (control.orders, control.answers, control.blockings) == ([], [], [])


async def test_a_state_that_is_not_the_expected_one_is_a_conflict_that_says_which_it_is() -> None:
    control = Control()
    assert await post(control, "/undo", {"ocn": "555A", **BY_WHOM, "expected_state": "normal"}) == (
        409,
        {"error": "555A is throttled: look again before you take the step", "state": "throttled"},
    )
    assert control.orders == []


async def test_a_request_is_known_by_its_key_however_its_body_is_written() -> None:
    control = Control()
    headers = BEARER | {KEY_HEADER: "k-1", "Content-Type": "application/json"}
    again = json.dumps(dict(reversed(STEP.items())) | {"expected_state": None}, indent=4)
    async with api(control) as (client, url):
        for body in (json.dumps(STEP), again):
            async with client.post(f"{url}/cutover", data=body, headers=headers) as answer:
                assert answer.status == 200
    assert len(set(control.keys.values())) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cutover", STEP | {"why": "another reason"}),
        ("/cutover", STEP | {"expected_state": "throttled"}),
        ("/undo", {"ocn": "555A", **BY_WHOM}),
        ("/block", BLOCK),
        ("/dismiss", {"recommendation": 7, **BY_WHOM}),
    ],
)
async def test_a_key_that_comes_again_with_another_request_is_refused(path: str, body: dict[str, Any]) -> None:
    control = Control()
    headers = {KEY_HEADER: "k-1"}
    assert (await post(control, "/cutover", STEP, headers))[0] == 200
    status, document = await post(control, path, body, headers)
    assert (status, document) == (422, {"error": "the key k-1 belongs to another request"})


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 129, "schlüssel"])
async def test_a_key_that_is_none_is_refused_and_says_what_one_is(key: str) -> None:
    control = Control()
    status, document = await post(control, "/cutover", STEP, {KEY_HEADER: key})
    assert status == 400
    assert document["error"].startswith("Idempotency-Key: give one, of 1 to 128 printable ASCII characters")
    assert control.orders == []


@pytest.mark.parametrize(
    ("query", "page"), [("", (0, 100)), ("?after=12", (12, 100)), ("?after=12&limit=1000", (12, 1000))]
)
async def test_the_journal_is_read_in_pages(query: str, page: tuple[int, int]) -> None:
    control = Control()
    async with api(control, token=None) as (client, url), client.get(f"{url}/journal{query}") as answer:
        assert (answer.status, await answer.json()) == (200, {"entries": [], "head": {"sequence": 0, "hash": ""}})
    assert control.pages == [page]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("after=-1", "after: must be a whole number from 0 to 9007199254740991"),
        ("after=x", "after: must be a whole number from 0 to 9007199254740991"),
        ("after=9999999999999999", "after: must be a whole number from 0 to 9007199254740991"),
        ("limit=0", "limit: must be a whole number from 1 to 1000"),
        ("limit=1001", "limit: must be a whole number from 1 to 1000"),
        ("limit=%D9%A3", "limit: must be a whole number from 1 to 1000"),
    ],
)
async def test_a_page_that_is_none_is_refused(query: str, says: str) -> None:
    async with api(Control()) as (client, url), client.get(f"{url}/journal?{query}") as answer:
        assert (answer.status, await answer.json()) == (400, {"error": says})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"{", "not JSON", id="half"),
        pytest.param(b"\xff\xfe\xfd", "not JSON", id="no text"),
        pytest.param(b"[" * 15_000, "not JSON", id="nested without end"),
        pytest.param(b"[]", "must be a JSON object with the fields ocn, who, why, approves, ", id="a list"),
        pytest.param(b"{}", "ocn: required; who: required; why: required; trunk_group: required", id="no field"),
        pytest.param(json.dumps(STEP | {"force": True}).encode(), "'force': no such field", id="a field too many"),
        pytest.param(json.dumps(STEP | {"ocn": None}).encode(), "ocn: must be a text that is not empty", id="null OCN"),
        pytest.param(json.dumps(STEP | {"who": " "}).encode(), "who: must be a text that is not empty", id="nobody"),
        pytest.param(
            json.dumps(STEP | {"who": "Tollgate"}).encode(), "who: tollgate is who takes the gateway's own", id="itself"
        ),
        pytest.param(json.dumps(STEP | {"why": 7}).encode(), "why: must be a text that is not empty", id="a number"),
        pytest.param(
            json.dumps(STEP | {"why": "x" * 1001}).encode(), "why: at most 1000 characters, not 1001", id="too long"
        ),
        pytest.param(
            json.dumps(STEP | {"who": "J\nDoe"}).encode(), "who: control characters are not allowed", id="two lines"
        ),
        pytest.param(
            json.dumps(STEP | {"who": "\ud800"}).encode(), "who: control characters are not allowed", id="no character"
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
    assert control.orders == []


async def test_a_body_that_is_too_large_is_refused() -> None:
    headers = BEARER | {"Content-Type": "application/json"}
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", data=b" " * (MAX_BODY_BYTES + 1), headers=headers) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_body_that_does_not_come_as_it_is_is_refused(encoding: str) -> None:
    headers = BEARER | {"Content-Type": "application/json", "Content-Encoding": encoding}
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", data=b"no gzip", headers=headers) as answer,
    ):
        assert answer.status == 415


async def test_a_body_that_does_not_say_it_is_json_is_refused() -> None:
    async with (
        api(Control()) as (client, url),
        client.post(f"{url}/cutover", data=json.dumps(STEP), headers=BEARER) as answer,
    ):
        assert answer.status == 415
