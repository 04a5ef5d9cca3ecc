"""INVITEs and IAMs for the tests of interworking, and what each is read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.codecs.sip import SipMessage
from gateway.codecs.ss7.isup import (
    ForwardCallIndicators,
    IsupMessage,
    MessageType,
    P,
    PartyNumber,
    encode_forward_call_indicators,
    encode_number,
    isup_message,
)
from gateway.codecs.ss7.variant import Variant
from gateway.interconnection.trunk_groups import Hop, Transport
from gateway.policy.call_attempt import CallAttempt
from gateway.signalling.isup_attempt import attempt_of_iam, nobodys_call
from gateway.signalling.sip_attempt import attempt_of
from gateway.signalling.ss7.interworking.invite_of_iam import call_fields

HOST: Final = b"192.0.2.1"
TARGET: Final = b"192.0.2.20:5060"
EXCHANGE: Final = Hop("246-14-7", 9001, Transport.SS7)
CALLED: Final = PartyNumber("6365550199")
EMERGENCY: Final = frozenset({"911"})
ANSI_IAM: Final = bytes.fromhex(
    "2923010060110a03060d038090a207031013525500000a0703171252552143c008c003101352557777"
    "eb0703101252559999ea0100c4031252553d011400"
)
"""CIC 9001, called = LRN, restricted calling number, GAP ported, M bit, charge number, OLI, JIP, hop counter."""
ITU_IAM: Final = bytes.fromhex(
    "d500010060010a00020a0804104402976400000a088415212155153204c0090684102121559599091d038090a33d011400"
)
"""CIC 213, restricted, a generic number."""


def invite(
    uri: bytes = b"sip:+16365550199@192.0.2.20;user=phone",
    from_: bytes = b"<sip:+13145550100@192.0.2.10>",
    *lines: bytes,
    hops: int = 70,
) -> SipMessage:
    head = (
        b"INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r\nMax-Forwards: %d\r\n" % (uri, hops)
        + b"From: %s;tag=a\r\nTo: <sip:+16365550199@192.0.2.20>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n" % from_
    )
    return SipMessage(head + b"".join(line + b"\r\n" for line in lines) + b"\r\n")


def sip_facts(message: SipMessage, emergency_numbers: frozenset[str] = EMERGENCY) -> CallAttempt:
    return attempt_of(
        message,
        at_us=0,
        source=Hop("192.0.2.10", 5060),
        ingress=None,
        find_provider=nobodys_call,
        emergency_numbers=emergency_numbers,
    )


def isup_facts(iam: IsupMessage) -> CallAttempt:
    return attempt_of_iam(
        iam,
        at_us=0,
        call_id="c1",
        source=EXCHANGE,
        ingress=None,
        find_provider=nobodys_call,
        emergency_numbers=EMERGENCY,
    )


def invite_of(iam: IsupMessage) -> SipMessage:
    """The INVITE of an IAM, with what every INVITE must have."""
    fields = call_fields(iam, HOST, TARGET)
    return SipMessage(
        b"INVITE %s SIP/2.0\r\nVia: SIP/2.0/TCP h:1;branch=z9hG4bK1\r\nMax-Forwards: %d\r\nFrom: %s;tag=a\r\n"
        b"To: %s\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n%s\r\n"
        % (fields.request_uri, fields.hops, fields.from_, fields.to, fields.lines)
    )


def iam_with(
    parameters: Mapping[int, bytes] | None = None,
    *,
    variant: Variant = Variant.ANSI,
    called: PartyNumber = CALLED,
    ported: bool = False,
    category: int = 10,
) -> IsupMessage:
    number = encode_number(P.CALLED_PARTY_NUMBER, called, variant)
    forward = encode_forward_call_indicators(ForwardCallIndicators(ported=ported))
    usual = {
        P.NATURE_OF_CONNECTION.value: b"\x00",
        P.FORWARD_CALL_INDICATORS.value: forward,
        P.CALLING_PARTYS_CATEGORY.value: bytes((category,)),
        P.TRANSMISSION_MEDIUM.value: b"\x03",
        P.USER_SERVICE_INFORMATION.value: b"\x80\x90\xa2",
        P.CALLED_PARTY_NUMBER.value: number,
    }
    if variant is Variant.ANSI:
        del usual[P.TRANSMISSION_MEDIUM.value]
    wanted = [*usual.items(), *(parameters or {}).items()]
    return isup_message(variant, MessageType.IAM.value, 9001 if variant is Variant.ANSI else 213, wanted)
