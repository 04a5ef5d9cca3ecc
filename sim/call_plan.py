"""What a call of the lab is to look like on the wire, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from sim.passports import identity_value
from sim.sip_text import Field, field

ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""RFC 3323 section 4.1.1.3."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call to place. Every header field goes out exactly as planned, in the order of these attributes.

    Where a field holds an address there are two spellings. Text with a colon is the field's value, byte for byte
    (``<tel:+15735550123;cpc=payphone>``, ``urn:service:sos``); text without one is a user part, and the agent puts it
    into ``<sip:USER@DOMAIN;user=phone>``. Times are in seconds. A value with a line break is refused when it is sent.
    """

    called: str
    """Request-URI: a user part with its parameters (``+15735550123;npdi;rn=+15735550100``), or an absolute URI."""
    calling: str | None
    """From. None: the anonymous address of RFC 3323."""
    display_name: str | None = None
    to: str | None = None
    """To. None: the dialled digits, the user part of `called` without parameters."""
    asserted: tuple[str, ...] = ()
    """P-Asserted-Identity (RFC 3325), a field for each."""
    privacy: str | None = None
    charge: str | None = None
    """P-Charge-Info (RFC 8496)."""
    diversion: tuple[str, ...] = ()
    history_info: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    """Identity (RFC 8224): a compact PASSporT, or with ``;info=`` behind it the whole value."""
    isup: bytes | None = None
    """SIP-I: an ISUP message of ANSI without its CIC, which goes in the body beside the SDP."""
    extra: tuple[tuple[str, str], ...] = ()
    max_forwards: str = "70"
    call_id: str | None = None
    """None: a new random one."""
    hold_s: float = 0.0
    """How long the caller keeps an answered call, if neither the called side nor `hang_up` ends it before."""
    hang_up: asyncio.Event | None = None
    """The caller ends an answered call when this is set."""
    cancel_after_s: float | None = None
    answer_timeout_s: float = 8.0
    """How long to wait for a final response to INVITE, and to BYE."""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What the caller saw. Times are seconds since the INVITE went out; None for what didn't happen."""

    call_id: str
    status: int | None
    """Final status of the INVITE; None when none came in time."""
    phrase: str = ""
    reason: str | None = None
    """Reason (RFC 3326) of the final response."""
    retry_after_s: int | None = None
    provisional: tuple[int, ...] = ()
    answered: bool = False
    released_by: str | None = None
    """``caller`` or ``called``, for an answered call."""
    bye_status: int | None = None
    """Final status of the caller's BYE; None when it sent none, or no response came."""
    ringing_s: float | None = None
    """First response of 180 or above."""
    final_s: float | None = None
    ended_s: float | None = None
    final: bytes = b""
    """The final response as it came."""

    @property
    def name(self) -> str:
        return self.call_id

    @property
    def clean(self) -> bool:
        """Answered, and ended by a BYE that was answered with 200, whoever sent it."""
        return self.answered and (self.released_by == "called" or self.bye_status == 200)


def uri(text: str, domain: str) -> str:
    """A URI: `text` as it stands if it is one, else a sip URI of the user part `text`."""
    return text if ":" in text else f"sip:{text}@{domain};user=phone"


def name_addr(text: str, domain: str) -> str:
    """A name-addr: `text` as it stands if it holds a URI, else one with the user part `text`."""
    return text if ":" in text else f"<{uri(text, domain)}>"


def from_value(plan: CallPlan, domain: str) -> str:
    """From without its tag."""
    if plan.calling is None:
        return ANONYMOUS
    name = f'"{plan.display_name}" ' if plan.display_name else ""
    return name + name_addr(plan.calling, domain)


def to_value(plan: CallPlan, domain: str) -> str:
    if plan.to is not None:
        return name_addr(plan.to, domain)
    if ":" in plan.called:
        return f"<{plan.called}>"
    return name_addr(plan.called.partition(";")[0], domain)


def identity_fields(plan: CallPlan, domain: str) -> Iterator[Field]:
    """The fields that say who calls and where the call has been, in the plan's order."""
    for asserted in plan.asserted:
        yield field("P-Asserted-Identity", name_addr(asserted, domain))
    if plan.privacy is not None:
        yield field("Privacy", plan.privacy)
    if plan.charge is not None:
        yield field("P-Charge-Info", name_addr(plan.charge, domain))
    for diversion in plan.diversion:
        yield field("Diversion", name_addr(diversion, domain))
    for index, entry in enumerate(plan.history_info, start=1):
        whole = ";index=" in entry
        yield field("History-Info", entry if whole else f"{name_addr(entry, domain)};index={'.'.join(['1'] * index)}")
    for identity in plan.identity:
        yield field("Identity", identity if ";" in identity else identity_value(identity))
    for name, value in plan.extra:
        yield field(name, value)


def session_description(host: str, port: int) -> bytes:
    """An SDP offer or answer (RFC 8866) of one G.711 audio stream. No media is sent in the lab."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- 1 1 IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


ISUP_BOUNDARY = "tollgate-lab-isup"
SESSION_DESCRIPTION = "application/sdp"


def body_of(plan: CallPlan, host: str, port: int) -> tuple[str, bytes]:
    """Content-Type and body of the INVITE: the offer, with an ISUP message beside it where the plan has one."""
    offer = session_description(host, port)
    if plan.isup is None:
        return SESSION_DESCRIPTION, offer
    line = f"--{ISUP_BOUNDARY}".encode()
    of_isup = b"application/isup; version=ansi88; base=ansi88\r\nContent-Disposition: signal; handling=optional"
    parts = (SESSION_DESCRIPTION.encode() + b"\r\n\r\n" + offer, of_isup + b"\r\n\r\n" + plan.isup)
    body = b"".join(line + b"\r\nContent-Type: " + part + b"\r\n" for part in parts) + line + b"--"
    return f"multipart/mixed; boundary={ISUP_BOUNDARY}", body
