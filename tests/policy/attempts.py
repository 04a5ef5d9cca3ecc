"""Builds call attempts for tests: an honest call from a provider over a partner's trunk group, and whatever differs."""

from __future__ import annotations

import base64
import json
from typing import Any

from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Member, Side, TrunkGroup
from gateway.numbering.telephone_number import TelephoneNumber, parse_number
from gateway.policy.call_attempt import CallAttempt, NumberFact, OcnSource, TextFact

AT_US = 1_760_000_000_000_000
SECOND_US = 1_000_000

PARTNER = Ocn("7001")
PROVIDER = Ocn("901A")
OTHER_PROVIDER = Ocn("902B")
HOST = Ocn("9740")
HOST_SWITCH = "WNVLMOXADS0"
PARTNER_SWITCH = "STLSMO09DS1"

CALLING = "+13145550100"
CALLED = "+16365550199"

PARTNER_GROUP = TrunkGroup(
    "partner-1", Side.PARTNER, PARTNER, HOST_SWITCH, (Member(Hop("192.0.2.10", 5060)),), home_switch=PARTNER_SWITCH
)
DEDICATED_GROUP = TrunkGroup(
    "dedicated-1",
    Side.PARTNER,
    PARTNER,
    HOST_SWITCH,
    (Member(Hop("192.0.2.11", 5060)),),
    home_switch=PARTNER_SWITCH,
    dedicated=True,
)
HOST_GROUP = TrunkGroup("host-1", Side.HOST, HOST, HOST_SWITCH, (Member(Hop("192.0.2.20", 5060)),))


def number_fact(field: str, user: str, *, tel: bool = False, offset: int = 0) -> NumberFact:
    """A field whose URI has this user part. Words ("anonymous") carry no number."""
    uri = f"tel:{user}" if tel else f"sip:{user}@example.com"
    raw = uri if field == "Request-URI" else f"<{uri}>"
    return NumberFact(field, parse_number(user), raw.encode(), offset)


def text_fact(field: str, value: str, offset: int = 0) -> TextFact:
    return TextFact(field, value.encode(), offset)


def lrn(digits: str) -> TelephoneNumber:
    number = parse_number(digits)
    assert number is not None
    return number


def _base64url(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def identity(
    orig: str = "13145550100",
    dest: tuple[str, ...] = ("16365550199",),
    *,
    iat: int | None = AT_US // SECOND_US,
    attest: str | None = "A",
    div: str | None = None,
    offset: int = 500,
) -> TextFact:
    """An Identity header with a PASSporT: SHAKEN, or div where a diverting number is given."""
    ppt = "shaken" if div is None else "div"
    header = {"alg": "ES256", "ppt": ppt, "typ": "passport", "x5u": "https://certificates.example/1.pem"}
    payload: dict[str, Any] = {"dest": {"tn": list(dest)}, "orig": {"tn": orig}}
    if iat is not None:
        payload["iat"] = iat
    if div is not None:
        payload["div"] = {"tn": div}
    elif attest is not None:
        payload |= {"attest": attest, "origid": "00000000-0000-4000-8000-000000000000"}
    token = f"{_base64url(header)}.{_base64url(payload)}.c2lnbmF0dXJl"
    return text_fact("Identity", f"{token};info=<https://certificates.example/1.pem>;alg=ES256;ppt={ppt}", offset)


def attempt(
    *,
    calling: str = CALLING,
    called: str = CALLED,
    to: str | None = None,
    asserted: tuple[str, ...] | None = None,
    charge: tuple[str, ...] = (),
    diversions: tuple[str, ...] = (),
    history: tuple[str, ...] = (),
    identities: tuple[TextFact, ...] = (),
    privacy: str | tuple[str, ...] | None = None,
    display_name: str | None = None,
    category: str | None = None,
    line: str | None = None,
    rn: str | None = None,
    npdi: bool = False,
    calling_rn: str | None = None,
    emergency: bool = False,
    ingress: TrunkGroup | None = PARTNER_GROUP,
    provider: Ocn | None = PROVIDER,
    at_us: int = AT_US,
) -> CallAttempt:
    """An honest call, with what is given in its place. `calling` is From; `asserted` is the same unless it is given."""
    users = (calling,) if asserted is None else asserted
    return CallAttempt(
        at_us=at_us,
        call_id="1@192.0.2.10",
        source=("192.0.2.10", 5060),
        ingress=ingress,
        provider=provider,
        provider_source=OcnSource.NONE if provider is None else OcnSource.CALLING_CODE,
        called=number_fact("Request-URI", called, offset=7),
        from_=number_fact("From", calling, offset=100),
        to=number_fact("To", called if to is None else to, offset=150),
        asserted=tuple(
            number_fact("P-Asserted-Identity", user, tel=place == 1, offset=200 + 50 * place)
            for place, user in enumerate(users)
        ),
        charge=tuple(number_fact("P-Charge-Info", user, offset=300) for user in charge),
        diversions=tuple(number_fact("Diversion", user, offset=350 + place) for place, user in enumerate(diversions)),
        history=tuple(number_fact("History-Info", user, offset=400 + place) for place, user in enumerate(history)),
        identities=identities,
        privacy=tuple(text_fact("Privacy", text, 450) for text in _each(privacy)),
        display_name=None if display_name is None else text_fact("From", display_name, 101),
        routing_number=None if rn is None else lrn(rn),
        npdi=npdi,
        calling_routing_number=None if calling_rn is None else lrn(calling_rn),
        originating_line=None if line is None else text_fact("isup-oli", line, 120),
        calling_party_category=None if category is None else text_fact("cpc", category, 121),
        emergency=emergency,
    )


def _each(values: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if values is None:
        return ()
    return (values,) if isinstance(values, str) else values
