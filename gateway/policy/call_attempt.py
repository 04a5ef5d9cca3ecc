"""One call as the checks see it: the facts of its first message, whatever protocol carried it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, TrunkGroup
from gateway.numbering.telephone_number import TelephoneNumber


class OcnSource(Enum):
    """How the provider of a call was learnt (agreement L, definitions)."""

    TRUNK_GROUP = "trunk group"  # the group is the provider's own
    CALLING_LRN = "calling LRN"  # holder of the location routing number of a ported calling number
    CALLING_CODE = "calling code"  # holder of the calling number's NPA-NXX-X in LERG 6
    NONE = "none"


class Protocol(Enum):
    """What carried the first message of a call."""

    SIP = "SIP"
    ISUP = "ISUP"


class Presentation(Enum):
    """Address presentation restricted indicator of a number (Q.763 section 3.10, T1.113.3)."""

    ALLOWED = "allowed"
    RESTRICTED = "restricted"
    UNAVAILABLE = "unavailable"


class Screening(Enum):
    """Screening indicator of the calling party number (Q.763 section 3.10, T1.113.3)."""

    USER_NOT_VERIFIED = "user provided, not verified"
    USER_VERIFIED = "user provided, verified and passed"
    USER_FAILED = "user provided, verified and failed"
    NETWORK = "network provided"


class NumberFact(NamedTuple):
    """A telephone number as one field of the message carries it."""

    field: str
    """Header or message part: ``From``, ``P-Asserted-Identity``, ``Request-URI``, ``Diversion`` ...; of an ISUP message
    the parameter: ``Calling party number``, ``Charge number``, ``Generic address`` ..."""
    number: TelephoneNumber | None
    """None where the field is there and carries no telephone number (``sip:anonymous@anonymous.invalid``)."""
    raw: bytes
    """The bytes of the field's value as received."""
    offset: int
    """Byte offset of `raw` in the message; below 0 where the field is not there at all, and `raw` is empty."""


def number_fact(field_name: str, number: TelephoneNumber | None, raw: bytes, offset: int) -> NumberFact:
    """As `NumberFact(...)`, without the Python code of a named tuple's own constructor: a call has four."""
    return tuple.__new__(NumberFact, (field_name, number, raw, offset))


class TextFact(NamedTuple):
    """Any other field, as it stands."""

    field: str
    raw: bytes
    offset: int
    value: str = ""
    """What `raw` says, where it is not text itself: of an ISUP parameter, ``27`` or ``payphone``; empty where it cannot
    be read."""


@dataclass(slots=True)  # not frozen: freezing costs 3 us a call on the hot path; nobody writes to it once it is made
class CallAttempt:
    """The facts of one call, from every field that carries them. Absent facts are None or empty.

    Orders are those of the message. Nothing is compared or corrected here: that is the checks' work.
    """

    at_us: int
    """When the first message arrived, microseconds since the Unix epoch."""
    call_id: str
    source: Hop
    ingress: TrunkGroup | None
    """The trunk group it came on; None where there is no configuration (an audit of a foreign capture)."""
    provider: Ocn | None
    provider_source: OcnSource
    called: NumberFact
    """The Request-URI. Its digits are the dialled number also when the call is ported (`routing_number` is the LRN)."""
    from_: NumberFact
    to: NumberFact
    asserted: tuple[NumberFact, ...] = ()
    """P-Asserted-Identity (RFC 3325), at most one sip and one tel URI."""
    charge: tuple[NumberFact, ...] = ()
    """P-Charge-Info (RFC 8496)."""
    diversions: tuple[NumberFact, ...] = ()
    """Diversion (RFC 5806), most recent first."""
    history: tuple[NumberFact, ...] = ()
    """History-Info entries (RFC 7044), oldest first."""
    identities: tuple[TextFact, ...] = ()
    """Identity headers (RFC 8224): each a PASSporT."""
    privacy: tuple[TextFact, ...] = ()
    """Privacy (RFC 3323): every line of it, for one more could say the contrary."""
    display_name: TextFact | None = None
    """From's display name."""
    routing_number: TelephoneNumber | None = None
    """rn of the Request-URI (RFC 4694): the LRN of a ported called number."""
    npdi: bool = False
    """The Request-URI says that a number portability dip was made (RFC 4694)."""
    calling_routing_number: TelephoneNumber | None = None
    """rn on P-Asserted-Identity or From: the LRN of the calling number, standing for the JIP."""
    originating_line: TextFact | None = None
    """isup-oli or oli on From or P-Asserted-Identity."""
    calling_party_category: TextFact | None = None
    """cpc (draft-mahy-iptel-cpc) on From or P-Asserted-Identity."""
    trunk: TextFact | None = None
    """Contact, where it names the trunk group that the sender got the call on (RFC 4904). No evidence of the caller."""
    emergency: bool = False
    """911, ``urn:service:sos`` or a configured public-safety number was called."""
    protocol: Protocol = Protocol.SIP
    """Of an ISUP call, `called` is the called party number, or the ported number of a generic address; `to` is the
    same, `from_` the calling party number, and `asserted` is empty; `routing_number` is the LRN in the called party
    number; `npdi` is the ported number translation indicator (M bit); `diversions` are redirecting number and original
    called number; `display_name` is the generic name, where it may be shown."""
    presentation: Presentation | None = None
    """ISUP: of the calling party number. SIP says it with Privacy and an anonymous From."""
    screening: Screening | None = None
    """ISUP: of the calling party number."""
    jurisdiction: TextFact | None = None
    """ISUP: the jurisdiction information parameter (JIP), the six digits NPA-NXX of the originating switch."""
    carrier: TextFact | None = None
    """ISUP: transit network selection or carrier identification; SIP: cic (RFC 4694)."""
    hops: int | None = None
    """ISUP: the hop counter; SIP: Max-Forwards."""
    encapsulated: CallAttempt | None = None
    """SIP-I: what the IAM in the message's body says of the same call (Q.1912.5, RFC 3372)."""
    unreadable_body: TextFact | None = None
    """SIP-I: the ISUP body of which no IAM can be read; its value says why."""
    variant: Variant | None = None
    """ISUP: the edition that the message was read by."""
    redirections: int | None = None
    """ISUP: the redirection counter of the redirection information (Q.763 section 3.45)."""

    calling: NumberFact = field(init=False)
    """The calling party number: P-Asserted-Identity where it carries a number, else From (RFC 3325)."""

    def __post_init__(self) -> None:
        self.calling = self.from_
        for fact in self.asserted:
            if fact.number is not None:
                self.calling = fact
                break
