"""Tollgate: a SIP/SS7 signalling-compliance gateway simulator."""

from typing import Final

from gateway import native as native  # before any module that could be compiled

VERSION: Final = "0.1.0"
