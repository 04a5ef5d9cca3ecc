"""The parameters of circuit maintenance: which circuits of a range, and in which state each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.codecs.malformed import Malformed

LARGEST_RANGE: Final = 255


class RangeAndStatus(NamedTuple):
    """Range and status (Q.763 section 3.43): circuits from the CIC of the message on, and a bit for each."""

    range: int
    """One less than the number of circuits; 0 is reserved in most messages (Q.763 section 3.43 a)."""
    status: bytes = b""
    """A bit for each circuit, from the low end of the first octet on; empty in GRS and CQM."""

    @property
    def circuits(self) -> int:
        """The number of circuits in the range."""
        return self.range + 1

    @property
    def flags(self) -> tuple[bool, ...]:
        """The status bit of each circuit, in the order of CICs; () where there is no status."""
        if not self.status:
            return ()
        return tuple(bool(self.status[circuit >> 3] >> (circuit & 7) & 1) for circuit in range(self.range + 1))


def range_and_status(flags: Sequence[bool]) -> RangeAndStatus:
    """The range of as many circuits as there are flags, with their status.

    Raises:
        ValueError: no circuit, or more than 256.
    """
    if not 1 <= len(flags) <= LARGEST_RANGE + 1:
        raise ValueError(f"a range of {len(flags)} circuits; 1 to {LARGEST_RANGE + 1} can be named")
    bits = 0
    for circuit, flag in enumerate(flags):
        if flag:
            bits |= 1 << circuit
    return RangeAndStatus(len(flags) - 1, bits.to_bytes((len(flags) + 7) >> 3, "little"))


def decode_range_and_status(value: bytes) -> RangeAndStatus:
    """Range and status.

    Raises:
        Malformed: it is empty, or has a status that is not as long as the range asks for.
    """
    if not value:
        raise Malformed("range and status is empty")
    wanted = (value[0] >> 3) + 1
    if len(value) > 1 and len(value) - 1 != wanted:
        raise Malformed(
            f"the status of {value[0] + 1} circuits has {len(value) - 1} octets instead of {wanted}",
            min(len(value), wanted + 1),
        )
    return RangeAndStatus(value[0], value[1:])


def encode_range_and_status(value: RangeAndStatus) -> bytes:
    """The inverse. Raises ValueError where the range is not 0 to 255."""
    return bytes((value.range,)) + value.status


class CircuitState(NamedTuple):
    """One octet of the circuit state indicator in a CQR (Q.763 section 3.14)."""

    maintenance: int
    """Bits BA, blocking for maintenance: 0 none, 1 local, 2 remote, 3 both. Of no call: 0 transient, 3 unequipped."""
    call: int
    """Bits DC: 0 see `maintenance`, 1 incoming busy, 2 outgoing busy, 3 idle."""
    hardware: int
    """Bits FE: blocking for hardware failure, as `maintenance`."""
    spare: int = 0


def decode_circuit_states(value: bytes) -> tuple[CircuitState, ...]:
    """A state for each octet. Raises `Malformed` where there is none."""
    if not value:
        raise Malformed("the circuit state indicator is empty")
    return tuple(CircuitState(octet & 3, octet >> 2 & 3, octet >> 4 & 3, octet & 0xC0) for octet in value)


def encode_circuit_states(states: Sequence[CircuitState]) -> bytes:
    """The inverse of `decode_circuit_states`."""
    return bytes(
        state.maintenance & 3 | (state.call & 3) << 2 | (state.hardware & 3) << 4 | state.spare & 0xC0
        for state in states
    )
