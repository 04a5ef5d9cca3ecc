"""Tollgate: a SIP/SS7 signalling-compliance gateway simulator."""

from typing import Final

VERSION: Final = "0.1.0"
