"""The commands' way to the running gateway: its HTTP API, found through the configuration, with the token of its
state folder.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.operations.api_token import TOKEN_FILE, NoToken, read_token
from gateway.operations.configuration import Configuration
from gateway.operations.control_plane import KEY_HEADER

TIMEOUT_S: Final = 10.0
RELOAD_TIMEOUT_S: Final = 120.0
"""A million rows take some seconds to read."""
LARGEST_ANSWER: Final = 16 << 20
_REFUSED: Final = frozenset({http.client.CONFLICT, http.client.UNPROCESSABLE_ENTITY})
"""As `gateway.operations.http_steps.refusals_in_json` answers a step that is in order and is not taken."""


class ControlFault(Exception):
    """The running gateway was not reached, or refused. The text says why and what to do."""


class GatewayRefused(ControlFault):
    """The running gateway does not take the step: as its provider stands, or as its key was used before."""


def post_step(
    configuration: Configuration, route: str, fields: Mapping[str, object], key: str | None = None
) -> dict[str, Any]:
    """Take a step on the running gateway and give what is now in force.

    `route` and `fields` are as of `gateway.operations.http_steps`: ``discontinue``; fields that are None are left out.
    With a `key` the same step, sent again, is not taken again. Raises `ControlFault`, of which `GatewayRefused` is one.
    """
    body = json.dumps({name: value for name, value in fields.items() if value is not None})
    return _exchange(configuration, "POST", f"/{route}", body, _token_of(configuration), key=key)


def post_block(configuration: Configuration, trunk_group: str, blocked: bool, who: str, why: str) -> dict[str, Any]:
    """Block a trunk group's circuits on the running gateway, or open them, and give what is now in force.

    Raises `ControlFault`.
    """
    return post_step(configuration, "block", {"trunk_group": trunk_group, "blocked": blocked, "who": who, "why": why})


def post_reload(configuration: Configuration) -> dict[str, Any]:
    """Have the running gateway read its numbering tables again, and give what it now has. Raises `ControlFault`."""
    return _exchange(configuration, "POST", "/reload", None, _token_of(configuration), RELOAD_TIMEOUT_S)


def _token_of(configuration: Configuration) -> str:
    """The token that the gateway wants to see from whoever changes something."""
    try:
        return read_token(configuration.state_folder)
    except NoToken as error:
        raise ControlFault(str(error)) from None
    except OSError as error:
        raise ControlFault(
            f"{configuration.state_folder / TOKEN_FILE}: {error.strerror}; the gateway makes it when it starts, for "
            "its own user: start it, or run this as that user"
        ) from None


def get_status(configuration: Configuration) -> dict[str, Any]:
    """What the running gateway is doing. Raises `ControlFault`."""
    return _get(configuration, "/status")


def _get(configuration: Configuration, path: str) -> dict[str, Any]:
    try:
        token = read_token(configuration.state_folder)
    except NoToken as error:
        raise ControlFault(str(error)) from None
    except OSError:
        token = None  # not needed on the loopback
    return _exchange(configuration, "GET", path, None, token)


def _exchange(
    configuration: Configuration,
    method: str,
    path: str,
    body: str | None,
    token: str | None,
    timeout_s: float | None = None,
    key: str | None = None,
) -> dict[str, Any]:
    host, port = configuration.operations_listen
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ControlFault(f"--key {key!r:.80}: give 1 to 128 printable ASCII characters without spaces")
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if key is not None:
        headers[KEY_HEADER] = key
    timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read(LARGEST_ANSWER)
        document = _object(text)
    except TimeoutError:
        raise ControlFault(
            f"the gateway on {host}:{port} has not answered within {timeout_s:g} s"
            + ("; it may do what was asked all the same: look at `tollgate status`" if method == "POST" else "")
        ) from None
    except (OSError, http.client.HTTPException) as error:
        why = " ".join(str(error).split())  # what answers may have put a line end into it
        raise ControlFault(f"no gateway answers on {host}:{port} ({why}); is it running with this file?") from None
    except ValueError:
        raise ControlFault(f"what answers on {host}:{port} is not a gateway") from None
    finally:
        connection.close()
    if answer.status == http.client.UNAUTHORIZED:
        raise ControlFault(
            f"the gateway on {host}:{port} does not take the token of {configuration.state_folder / TOKEN_FILE}: is it "
            "another one, with a configuration of its own?"
        )
    if answer.status in _REFUSED:
        raise GatewayRefused(f"the gateway refused: {_reason(document)}")
    if answer.status != http.client.OK:
        raise ControlFault(f"the gateway refused: {_reason(document)}")
    return document


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object that every answer of a gateway is. Raises ValueError."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _reason(document: dict[str, Any]) -> str:
    for key in ("error", "reason", "detail"):
        if key in document:
            return str(document[key])
    return json.dumps(document)
