"""What holds for all tests."""

from __future__ import annotations

import os

from gateway.native import OFFER, PURE

if OFFER.reason not in ("", "not built"):
    # Compiled modules that do not fit the sources any more: every process of the tests runs in Python, and none has to
    # say so where a test reads what it says.
    os.environ[PURE] = "1"
