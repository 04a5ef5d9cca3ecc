"""The SIP codecs that can be tested: the Python one, and the C one where it was built from the sources as they are."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Final

from gateway.codecs.sip.python import edit, grammar, message, relayed
from gateway.native import OFFER

NAMES: Final = (
    *("SipMessage", "completed_via", "forwarded", "parameter_of", "parse_name_addr", "parse_uri", "parse_via"),
    *("read_response", "response_to", "split_list", "tag_of", "without_top_via"),
)
"""What both have."""


class Codec:
    """One implementation, by the names of `gateway.codecs.sip`."""

    def __init__(self, name: str, *modules: ModuleType) -> None:
        self._name = name
        self._functions = {name: value for module in reversed(modules) for name, value in vars(module).items()}

    def __getattr__(self, name: str) -> Any:
        try:
            return self._functions[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return self._name


PYTHON: Final = Codec("Python", edit, grammar, message, relayed)
C: Final = Codec("C", importlib.import_module("gateway.codecs.sip._codec"), edit) if "codec" in OFFER.groups else None
"""With the two edits that are Python for both."""
AT_HAND: Final = (PYTHON, C) if C is not None else (PYTHON,)
WITHOUT_C: Final = OFFER.reason if C is None else ""
"""Why there is no C codec to test."""
