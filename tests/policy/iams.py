"""Builds IAMs for tests, and the call attempts that they are read as: an honest ANSI call, and whatever differs."""

from __future__ import annotations

from attempts import AT_US, CALLED, CALLING, PARTNER_GROUP, PROVIDER

from gateway.codecs.ss7.isup import (
    CarrierId,
    ForwardCallIndicators,
    GenericName,
    IsupMessage,
    MessageType,
    P,
    PartyNumber,
    RedirectionInformation,
    encode_carrier,
    encode_forward_call_indicators,
    encode_jurisdiction,
    encode_name,
    encode_number,
    encode_redirection_information,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.carriers import Ocn
from gateway.interconnection.trunk_groups import Hop, Transport, TrunkGroup
from gateway.numbering.telephone_number import TelephoneNumber
from gateway.policy.attribution import Attribution
from gateway.policy.call_attempt import CallAttempt, OcnSource
from gateway.signalling.isup_attempt import PORTED, attempt_of_iam

NATIONAL_CALLING, NATIONAL_CALLED = CALLING.removeprefix("+1"), CALLED.removeprefix("+1")
JIP = "314555"
SOURCE = Hop("246-14-7", 9001, Transport.SS7)
EMERGENCY_NUMBERS = frozenset({"911"})

Value = tuple[int, bytes]


def number(
    code: int, digits: str, *, nature: int = 3, plan: int = 1, presentation: int = 0, screening: int = 0, kind: int = 0
) -> Value:
    """A number parameter of an ANSI message."""
    party = PartyNumber(digits, nature, plan, presentation, screening, kind=kind)
    return int(code), encode_number(code, party, Variant.ANSI)


def iam(
    *more: Value,
    calling: str | None = NATIONAL_CALLING,
    nature: int = 3,
    presentation: int = 0,
    screening: int = 3,
    called: str = NATIONAL_CALLED,
    called_nature: int = 3,
    ported: str | None = None,
    m_bit: bool = False,
    category: int = 0x0A,
    charge: str | None = None,
    line: int | None = None,
    jip: str | None = JIP,
    redirecting: str | None = None,
    original: str | None = None,
    redirections: int | None = None,
    name: str | None = None,
    carrier: str | None = None,
    hops: int | None = 20,
) -> IsupMessage:
    """An IAM of ANSI's ISUP on circuit 9001; `more` are further parameters."""
    forward = encode_forward_call_indicators(ForwardCallIndicators(isup_preference=1, ported=m_bit))
    values: list[Value] = [
        (P.NATURE_OF_CONNECTION, b"\x00"),
        (P.FORWARD_CALL_INDICATORS, forward),
        (P.CALLING_PARTYS_CATEGORY, bytes((category,))),
        (P.USER_SERVICE_INFORMATION, b"\x80\x90\xa2"),
        number(P.CALLED_PARTY_NUMBER, called, nature=called_nature),
    ]
    if calling is not None:
        values.append(
            number(P.CALLING_PARTY_NUMBER, calling, nature=nature, presentation=presentation, screening=screening)
        )
    if ported is not None:
        values.append(number(P.GENERIC_ADDRESS, ported, kind=PORTED))
    if charge is not None:
        values.append(number(P.CHARGE_NUMBER, charge))
    if line is not None:
        values.append((P.ORIGINATING_LINE_INFORMATION, bytes((line,))))
    if jip is not None:
        values.append((P.JURISDICTION_INFORMATION, encode_jurisdiction(jip)))
    for code, digits in ((P.REDIRECTING_NUMBER, redirecting), (P.ORIGINAL_CALLED_NUMBER, original)):
        if digits is not None:
            values.append(number(code, digits))
    if redirections is not None:
        information = encode_redirection_information(RedirectionInformation(counter=redirections))
        values.append((P.REDIRECTION_INFORMATION, information))
    if name is not None:
        values.append((P.GENERIC_NAME, encode_name(GenericName(name))))
    if carrier is not None:
        values.append((P.CARRIER_IDENTIFICATION, encode_carrier(CarrierId(carrier), Variant.ANSI)))
    if hops is not None:
        values.append((P.HOP_COUNTER, bytes((hops,))))
    return isup_message(Variant.ANSI, MessageType.IAM, 9001, [*values, *more])


def attempt_from(
    message: IsupMessage, ingress: TrunkGroup | None = PARTNER_GROUP, provider: Ocn | None = PROVIDER
) -> CallAttempt:
    """The attempt of an IAM, which is this provider's."""

    def provider_of(_calling: TelephoneNumber | None, _lrn: TelephoneNumber | None, _at_us: int) -> Attribution:
        return provider, OcnSource.NONE if provider is None else OcnSource.CALLING_CODE

    return attempt_of_iam(
        message,
        at_us=AT_US,
        call_id="246-14-7.2-137-26.9001.1",
        source=SOURCE,
        ingress=ingress,
        find_provider=provider_of,
        emergency_numbers=EMERGENCY_NUMBERS,
    )


def isup_attempt(
    *more: Value, ingress: TrunkGroup | None = PARTNER_GROUP, provider: Ocn | None = PROVIDER, **facts: object
) -> CallAttempt:
    """The attempt of `iam`."""
    return attempt_from(iam(*more, **facts), ingress, provider)  # type: ignore[arg-type]
