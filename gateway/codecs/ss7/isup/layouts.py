"""Which parameters a message must have, and where they stand: the message format tables, one for each variant.

Q.763 section 4; T1.113.3. A message has a fixed part, a pointer to each parameter of
variable length, and a pointer to the optional part where its type has one.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from gateway.codecs.ss7.isup.codes import MessageType as M
from gateway.codecs.ss7.isup.codes import P
from gateway.codecs.ss7.variant import Variant


class OptionalPart(Enum):
    """Whether a pointer to an optional part follows the other pointers."""

    NEVER = 0
    ALWAYS = 1
    IF_PRESENT = 2
    """Editions differ: the pointer is there only where the octets are (ANSI: RLC, and circuit groups)."""


class Layout(NamedTuple):
    """The format of a message type."""

    fixed: tuple[tuple[int, int], ...] = ()
    """Mandatory parameters of fixed length: parameter name, octets."""
    variable: tuple[int, ...] = ()
    """Mandatory parameters of variable length."""
    optional: OptionalPart = OptionalPart.NEVER

    @property
    def fixed_octets(self) -> int:
        return sum(size for _, size in self.fixed)


_OPTIONAL: Final = OptionalPart.ALWAYS
_ADDRESS: Final = ((P.NATURE_OF_CONNECTION, 1), (P.FORWARD_CALL_INDICATORS, 2), (P.CALLING_PARTYS_CATEGORY, 1))
_BACKWARD: Final = Layout(((P.BACKWARD_CALL_INDICATORS, 2),), (), _OPTIONAL)
_CAUSE: Final = Layout((), (P.CAUSE_INDICATORS,), _OPTIONAL)
_BARE: Final = Layout()
_ONLY_OPTIONAL: Final = Layout((), (), _OPTIONAL)
_SUSPEND: Final = Layout(((P.SUSPEND_RESUME, 1),), (), _OPTIONAL)
_FACILITY: Final = Layout(((P.FACILITY_INDICATOR, 1),), (), _OPTIONAL)
_GROUP: Final = Layout((), (P.RANGE_AND_STATUS,))
_BLOCKING: Final = Layout(((P.CIRCUIT_GROUP_SUPERVISION, 1),), (P.RANGE_AND_STATUS,))
_QUERY_RESPONSE: Final = Layout((), (P.RANGE_AND_STATUS, P.CIRCUIT_STATE))

_ITU: Final[dict[int, Layout]] = {
    M.IAM: Layout((*_ADDRESS, (P.TRANSMISSION_MEDIUM, 1)), (P.CALLED_PARTY_NUMBER,), _OPTIONAL),
    M.SAM: Layout((), (P.SUBSEQUENT_NUMBER,), _OPTIONAL),
    M.INR: Layout(((P.INFORMATION_REQUEST_INDICATORS, 2),), (), _OPTIONAL),
    M.INF: Layout(((P.INFORMATION_INDICATORS, 2),), (), _OPTIONAL),
    M.COT: Layout(((P.CONTINUITY, 1),)),
    M.ACM: _BACKWARD,
    M.CON: _BACKWARD,
    M.FOT: _ONLY_OPTIONAL,
    M.ANM: _ONLY_OPTIONAL,
    M.REL: _CAUSE,
    M.SUS: _SUSPEND,
    M.RES: _SUSPEND,
    M.RLC: _ONLY_OPTIONAL,
    **dict.fromkeys((M.CCR, M.RSC, M.BLO, M.UBL, M.BLA, M.UBA, M.LPA, M.UCIC, M.OLM), _BARE),
    M.GRS: _GROUP,
    M.GRA: _GROUP,
    M.CQM: _GROUP,
    M.CQR: _QUERY_RESPONSE,
    **dict.fromkeys((M.CGB, M.CGU, M.CGBA, M.CGUA), _BLOCKING),
    M.FAR: _FACILITY,
    M.FAA: _FACILITY,
    M.FRJ: Layout(((P.FACILITY_INDICATOR, 1),), (P.CAUSE_INDICATORS,), _OPTIONAL),
    M.CPG: Layout(((P.EVENT_INFORMATION, 1),), (), _OPTIONAL),
    M.USR: Layout((), (P.USER_TO_USER_INFORMATION,), _OPTIONAL),
    M.CFN: _CAUSE,
    **dict.fromkeys((M.NRM, M.FAC, M.UPT, M.UPA, M.IDR, M.IRS, M.SGM, M.LOP, M.APM, M.PRI, M.SDN), _ONLY_OPTIONAL),
}
_IF_PRESENT: Final = OptionalPart.IF_PRESENT
_ANSI: Final[dict[int, Layout]] = {
    **_ITU,
    M.IAM: Layout(_ADDRESS, (P.USER_SERVICE_INFORMATION, P.CALLED_PARTY_NUMBER), _OPTIONAL),
    M.RLC: Layout((), (), _IF_PRESENT),
    **dict.fromkeys((M.GRS, M.GRA, M.CQM), _GROUP._replace(optional=_IF_PRESENT)),
    M.CQR: _QUERY_RESPONSE._replace(optional=_IF_PRESENT),
    **dict.fromkeys((M.CGB, M.CGU, M.CGBA, M.CGUA), _BLOCKING._replace(optional=_IF_PRESENT)),
    M.CRM: Layout(((P.NATURE_OF_CONNECTION, 1),)),
    M.CRA: _BARE,
    M.CVT: _BARE,
    M.CVR: Layout(((P.CIRCUIT_VALIDATION_RESPONSE, 1), (P.CIRCUIT_GROUP_CHARACTERISTICS, 1)), (), _OPTIONAL),
    M.EXM: _ONLY_OPTIONAL,
}


def _by_type(formats: dict[int, Layout]) -> list[Layout | None]:
    """A list for reading: plain integers in place of the enums' members."""
    table: list[Layout | None] = [None] * 256
    for kind, layout in formats.items():
        fixed = tuple((int(name), size) for name, size in layout.fixed)
        table[kind] = Layout(fixed, tuple(int(name) for name in layout.variable), layout.optional)
    return table


ITU_LAYOUTS: Final = _by_type(_ITU)
ANSI_LAYOUTS: Final = _by_type(_ANSI)
"""By message type; None for what has no table here: its parameters cannot be found, its octets are kept."""


def layout_of(variant: Variant, kind: int) -> Layout | None:
    """The format of a message type in a variant, or None."""
    return (ANSI_LAYOUTS if variant is Variant.ANSI else ITU_LAYOUTS)[kind]


def has_optional_pointer(data: bytes, at: int, layout: Layout) -> bool:
    """Whether the pointers, which begin at `at`, include one to the optional part.

    A message that ends where its only pointer would stand has none: the optional part is absent, not broken.
    """
    optional = layout.optional
    if optional is OptionalPart.NEVER:
        return False
    count = len(layout.variable)
    if not count:
        return at < len(data)
    if optional is OptionalPart.ALWAYS:
        return True
    behind = at + count
    return behind < len(data) and all(position + data[position] != behind for position in range(at, behind))
