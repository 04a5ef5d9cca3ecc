"""What the commands make of an answer that is not the gateway's, or is its refusal."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from processes import EXAMPLE, LOOPBACK

from gateway.operations import control_client
from gateway.operations.api_token import TOKEN_FILE
from gateway.operations.configuration import Configuration, load_configuration
from gateway.operations.control_client import ControlFault, get_status, post_step


@contextmanager
def answering(tmp_path: Path, answer: bytes) -> Iterator[tuple[Configuration, list[bytes]]]:
    """A server that gives one answer, whatever it is asked; the configuration that names it, and what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            while not asked or b"\r\n\r\n" not in asked[0]:
                asked[:] = [b"".join(asked) + connection.recv(65_536)]
            connection.sendall(answer)

    (tmp_path / TOKEN_FILE).write_text("secret\n")
    with socket.create_server((LOOPBACK, 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        configuration = load_configuration(EXAMPLE)
        yield replace(configuration, state_folder=tmp_path, operations_listen=server.getsockname()), asked
        thread.join(10)


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http("409 Conflict", b'{"error": "XV01 is not cut over"}'), "the gateway refused: XV01 is not cut over"),
        (http("401 Unauthorized", b'{"error": "token"}'), f"{TOKEN_FILE}: is it another one"),
        (http("500 Internal Server Error", b'{"fault": 1}'), 'the gateway refused: {"fault": 1}'),
        (http("200 OK", b"<html>"), "is not a gateway"),
        (http("200 OK", b'["a list"]'), "is not a gateway"),
        (http("200 OK", b'"a text"'), "is not a gateway"),
        (http("404 Not Found", b"no such page"), "is not a gateway"),
        (http("200 OK", b"\xff\xff"), "is not a gateway"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no gateway answers on"),
        (b"", "no gateway answers on"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "is not a gateway"),
    ],
)
def test_what_is_not_a_gateways_yes_is_told_in_a_line(tmp_path: Path, answer: bytes, said: str) -> None:
    with answering(tmp_path, answer) as (configuration, _), pytest.raises(ControlFault) as told:
        get_status(configuration)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", ["\u043a\u043b\u044e\u0447", "a\nb", "a\r\nX: y"])
def test_a_key_that_no_header_can_carry_is_said_to_be_none_and_nothing_is_asked(tmp_path: Path, key: str) -> None:
    (tmp_path / TOKEN_FILE).write_text("secret\n")
    configuration = replace(load_configuration(EXAMPLE), state_folder=tmp_path)
    with pytest.raises(ControlFault, match="give 1 to 128 printable ASCII characters"):
        post_step(configuration, "throttle", {"ocn": "XV01"}, key)


def test_a_gateway_that_does_not_answer_in_time_may_have_done_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_client, "TIMEOUT_S", 0.05)
    (tmp_path / TOKEN_FILE).write_text("secret\n")
    with socket.create_server((LOOPBACK, 0)) as server:
        configuration = replace(
            load_configuration(EXAMPLE), state_folder=tmp_path, operations_listen=server.getsockname()
        )
        with pytest.raises(ControlFault, match=r"it may do what was asked all the same: look at `tollgate status`"):
            post_step(configuration, "throttle", {"ocn": "XV01"})
        with pytest.raises(ControlFault, match=r"has not answered within 0.05 s$"):
            get_status(configuration)


def test_a_step_is_posted_with_the_token_of_the_state_folder_and_its_key(tmp_path: Path) -> None:
    with answering(tmp_path, http("200 OK", b'{"at": "now"}')) as (configuration, asked):
        fields = {"ocn": "XV01", "who": "operator", "why": "flood", "expected_state": None}
        assert post_step(configuration, "undo", fields, "k-1") == {"at": "now"}
    assert asked[0].startswith(b"POST /undo HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in asked[0]
    assert b"Idempotency-Key: k-1\r\n" in asked[0]


def test_a_status_is_asked_for_without_a_token_where_there_is_none(tmp_path: Path) -> None:
    with answering(tmp_path, http("200 OK", b"{}")) as (configuration, asked):
        (tmp_path / TOKEN_FILE).unlink()
        assert get_status(configuration) == {}
    assert b"Authorization" not in asked[0]
