"""How each reason for refusing a call is said on the wire: one table, SIP status and Q.850 cause side by side.

Why these values:

- 403 Forbidden (RFC 3261 section 21.4.4: understood, refused, retrying does not help) is the answer to signalling that
  breaks the agreement. RFC 3398 section 8.2.6.1 maps 403 to cause 21, call rejected, and section 7.2.4.1 maps it back.
  Cause 57, which also becomes 403, speaks of the bearer capability and would send the reader the wrong way.
- 404 Not Found with cause 3, no route to destination: the number may well exist, but not over this trunk group.
  Cause 1, to which RFC 3398 maps 404 by default, would say that it is unallocated, which is not known.
- 480 Temporarily Unavailable with Retry-After (RFC 3261 section 20.33) and cause 42, switching equipment congestion, is
  the answer to a flood, whoever's limit it meets: a provider's, a source's, a trunk group's, a partner's. Not 503: by
  RFC 3261 section 21.5.4 a client that is told 503 should send nothing more to this server for a while, and everyone
  else behind the same partner would be cut off with the offender.
- 480 with Retry-After and cause 34, no circuit available, where the trunk group to leave on is full or none of its
  members is in service. RFC 3398 section 7.2.4.1 would say 503; it is not said for the reason above: the other groups
  have room. A switch that knows another way takes it on cause 34.
- 500 Server Internal Error with cause 41, temporary failure (RFC 3398 section 8.2.6.1), where a check itself failed.

Phrases are plain ASCII, so that they go into a SIP status line as they are (RFC 3261 section 7.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from gateway.policy.verdict import Refusal


class Reason(Enum):
    """Why a call can be refused."""

    CPN_MISSING = "calling number missing"
    CPN_ALTERED = "calling number altered"
    CPN_FABRICATED = "calling number fabricated"
    PRESENTATION_ALTERED = "presentation altered"
    CHARGE_NUMBER_ALTERED = "charge number altered"
    CHARGE_NUMBER_FABRICATED = "charge number fabricated"
    CALLED_MISSING = "called number missing"
    CALLED_ALTERED = "called number altered"
    CALLED_FABRICATED = "called number's routing number fabricated"
    DIVERSION_ALTERED = "diverting numbers altered"
    DIVERSION_FABRICATED = "diverting number fabricated"
    ENCAPSULATED_ALTERED = "ISUP body contradicts the SIP headers"
    JURISDICTION_FABRICATED = "jurisdiction information fabricated"
    JURISDICTION_MISMATCH = "jurisdiction information not the originating switch's"
    CALLING_CODE_UNASSIGNED = "calling code unassigned"
    CALLING_CODE_MISMATCH = "calling code not the provider's"
    OUTSIDE_FOOTPRINT = "destination outside the LERG area of the switch"
    UNCONFIRMED = "provider not admitted"
    DISCONTINUED = "traffic discontinued"
    OVER_LIMIT = "provider over its limit"
    THROTTLED = "provider over its throttled limit"
    SOURCE_OVER_LIMIT = "source over its limit"
    TRUNK_GROUP_OVER_LIMIT = "trunk group over its limit"
    PARTNER_OVER_LIMIT = "partner over its limit"
    OVER_ALLOWANCE = "too much from a source came to nothing"
    WRONG_TRUNK_GROUP = "provider on the wrong trunk group"
    NO_ROOM = "trunk group full"
    NO_MEMBER = "trunk group without a member in service"
    CHECK_FAILED = "check failed"


CALL_REJECTED = 21
NO_ROUTE_TO_DESTINATION = 3
NO_CIRCUIT_AVAILABLE = 34
TEMPORARY_FAILURE = 41
SWITCHING_EQUIPMENT_CONGESTION = 42

REFUSALS: Mapping[Reason, Refusal] = MappingProxyType(
    {
        Reason.CPN_MISSING: Refusal(403, "Calling Number Missing", CALL_REJECTED),
        Reason.CPN_ALTERED: Refusal(403, "Calling Number Altered", CALL_REJECTED),
        Reason.CPN_FABRICATED: Refusal(403, "Calling Number Fabricated", CALL_REJECTED),
        Reason.PRESENTATION_ALTERED: Refusal(403, "Presentation Altered", CALL_REJECTED),
        Reason.CHARGE_NUMBER_ALTERED: Refusal(403, "Charge Number Altered", CALL_REJECTED),
        Reason.CHARGE_NUMBER_FABRICATED: Refusal(403, "Charge Number Fabricated", CALL_REJECTED),
        Reason.CALLED_MISSING: Refusal(403, "Called Number Missing", CALL_REJECTED),
        Reason.CALLED_ALTERED: Refusal(403, "Called Number Altered", CALL_REJECTED),
        Reason.CALLED_FABRICATED: Refusal(403, "Routing Number Fabricated", CALL_REJECTED),
        Reason.DIVERSION_ALTERED: Refusal(403, "Diverting Numbers Altered", CALL_REJECTED),
        Reason.DIVERSION_FABRICATED: Refusal(403, "Diverting Number Fabricated", CALL_REJECTED),
        Reason.ENCAPSULATED_ALTERED: Refusal(403, "ISUP Body Contradicts Headers", CALL_REJECTED),
        Reason.JURISDICTION_FABRICATED: Refusal(403, "Jurisdiction Fabricated", CALL_REJECTED),
        Reason.JURISDICTION_MISMATCH: Refusal(403, "Jurisdiction Not The Switch's", CALL_REJECTED),
        Reason.CALLING_CODE_UNASSIGNED: Refusal(403, "Calling Code Unassigned", CALL_REJECTED),
        Reason.CALLING_CODE_MISMATCH: Refusal(403, "Calling Code Not The Provider's", CALL_REJECTED),
        Reason.OUTSIDE_FOOTPRINT: Refusal(404, "Outside LERG Area Of Switch", NO_ROUTE_TO_DESTINATION),
        Reason.UNCONFIRMED: Refusal(403, "Provider Not Admitted", CALL_REJECTED),
        Reason.DISCONTINUED: Refusal(403, "Traffic Discontinued", CALL_REJECTED),
        Reason.OVER_LIMIT: Refusal(480, "Provider Over Its Limit", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1),
        Reason.THROTTLED: Refusal(480, "Provider Throttled", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1),
        Reason.SOURCE_OVER_LIMIT: Refusal(
            480, "Source Over Its Limit", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1
        ),
        Reason.TRUNK_GROUP_OVER_LIMIT: Refusal(
            480, "Trunk Group Over Its Limit", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1
        ),
        Reason.PARTNER_OVER_LIMIT: Refusal(
            480, "Partner Over Its Limit", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1
        ),
        Reason.OVER_ALLOWANCE: Refusal(480, "Too Many Calls In Vain", SWITCHING_EQUIPMENT_CONGESTION, retry_after_s=1),
        Reason.WRONG_TRUNK_GROUP: Refusal(403, "Wrong Trunk Group", CALL_REJECTED),
        Reason.NO_ROOM: Refusal(480, "Trunk Group Full", NO_CIRCUIT_AVAILABLE, retry_after_s=2),
        Reason.NO_MEMBER: Refusal(480, "Trunk Group Out Of Service", NO_CIRCUIT_AVAILABLE, retry_after_s=10),
        Reason.CHECK_FAILED: Refusal(500, "Check Failed", TEMPORARY_FAILURE),
    }
)
"""The refusal of every reason."""
