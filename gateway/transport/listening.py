"""What is said where an address cannot be listened on."""

from __future__ import annotations

import errno
from typing import Final

_REMEDIES: Final = {
    errno.EADDRINUSE: "end what has it, or choose another port",
    errno.EADDRNOTAVAIL: "choose an address of this machine",
    errno.EACCES: "choose a port above 1023, or allow this user a lower one",
}


def cannot_listen(where: str, what: str, error: OSError) -> OSError:
    """The error with the address and what to do: ``cannot listen on udp:127.0.0.1:5060 for SIP: ...``."""
    remedy = _REMEDIES.get(error.errno or 0, "choose another address")
    return OSError(error.errno, f"cannot listen on {where} for {what}: {error.strerror}; {remedy}")
