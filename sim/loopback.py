"""The senders of the lab are not to be pointed at others."""

from __future__ import annotations

import ipaddress

from sim.sip_text import Address


def check_loopback(target: Address) -> None:
    """Raises ValueError for a target other than 127.0.0.0/8 and ::1: nothing here is to be sent to others."""
    try:
        loopback = ipaddress.ip_address(target[0]).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"loopback only (127.0.0.0/8 or ::1), not {target[0]}")
