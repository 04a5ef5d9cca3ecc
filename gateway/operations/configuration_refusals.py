"""What the configuration says of how calls are refused: 603+ (ATIS-1000099, 47 CFR 64.1200(k)(9))."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator

from gateway.operations.configuration_addresses import refused
from gateway.operations.configuration_tables import CONVERTING, EXACT
from gateway.signalling.network_blocked import NetworkBlocked

_URL: Final = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,=:@%/?-]{0,256})?")
_TELEPHONE: Final = re.compile(r"\+[0-9]{7,15}")
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
"""None has a quote, a backslash or a semicolon, which part the attributes in the text of a Reason."""


def _matching(pattern: re.Pattern[str], what: str, remedy: str) -> BeforeValidator:
    def validate(value: object) -> object:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise refused(f"{str(value)[:80]!r} is not {what}", remedy)
        return value

    return BeforeValidator(validate)


class NetworkBlockedTable(BaseModel):
    """Whom a caller whose call was blocked can turn to."""

    model_config = EXACT

    url: Annotated[str, _matching(_URL, "a URL of HTTPS", 'write "https://host/path", without ; and quotes')] | None = (
        None
    )
    telephone: Annotated[str, _matching(_TELEPHONE, "a number of E.164", 'write "+13145550100"')] | None = None
    email: Annotated[str, _matching(_EMAIL, "an e-mail address", 'write "name@host"')] | None = None
    location: Literal["LPN", "LN", "TN", "RLN", "RPN"] = "LN"


def _with_a_way(table: NetworkBlockedTable) -> NetworkBlockedTable:
    if table.url is None and table.telephone is None and table.email is None:
        raise refused("says nobody to turn to", "give url, telephone or email")
    return table


class RefusalsSection(BaseModel):
    """How calls are refused."""

    model_config = CONVERTING

    network_blocked: Annotated[NetworkBlockedTable, AfterValidator(_with_a_way)] | None = None

    def blocked(self) -> NetworkBlocked | None:
        """What 603+ says; None where calls are not refused so."""
        return NetworkBlocked(**self.network_blocked.model_dump()) if self.network_blocked is not None else None
