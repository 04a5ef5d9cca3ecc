"""Carriers of SS7 links: SCTP of the kernel, SCTP in UDP (RFC 6951), or M3UA on TCP, behind one interface."""

from gateway.interconnection.links import Address, LinkCarrier
from gateway.transport.sctp.available import available_carriers, missing_carriers, open_carrier
from gateway.transport.sctp.carrier import (
    M3UA_PPID,
    RESTARTED,
    Arrived,
    Association,
    Listener,
    Refusal,
    SctpCarrier,
    SctpLimits,
    SctpUser,
)

__all__ = [
    "M3UA_PPID",
    "RESTARTED",
    "Address",
    "Arrived",
    "Association",
    "LinkCarrier",
    "Listener",
    "Refusal",
    "SctpCarrier",
    "SctpLimits",
    "SctpUser",
    "available_carriers",
    "missing_carriers",
    "open_carrier",
]
