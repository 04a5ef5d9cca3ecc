"""What a call's circuit has to carry, between SDP's codecs and ISUP's bearer capability (RFC 3398, Q.1912.5)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from gateway.codecs.malformed import Malformed
from gateway.codecs.ss7.isup import IsupMessage, TransmissionMedium, UserServiceInformation, encode_user_service

_UNRESTRICTED_DIGITAL: Final = 0x08
_AUDIO_3K1: Final = 0x10
_MU_LAW: Final = b"\xa2"
_A_LAW: Final = b"\xa3"
"""User information layer 1 protocol: G.711 (Q.931 section 4.5.5)."""
_64_KBIT: Final = 0x10


class Bearer(Enum):
    """What the media of a call is."""

    MU_LAW = "PCMU"  # voice band, G.711 mu-law preferred
    A_LAW = "PCMA"
    DIGITAL = "CLEARMODE"  # 64 kbit/s unrestricted (RFC 4040)


def user_service_of(bearer: Bearer) -> bytes:
    """User service information. Voice is 3.1 kHz audio, for a modem or a fax may speak as well."""
    if bearer is Bearer.DIGITAL:
        return encode_user_service(UserServiceInformation(_UNRESTRICTED_DIGITAL, rate=_64_KBIT, rest=b""))
    layer_1 = _MU_LAW if bearer is Bearer.MU_LAW else _A_LAW
    return encode_user_service(UserServiceInformation(_AUDIO_3K1, rate=_64_KBIT, rest=layer_1))


def medium_of(bearer: Bearer) -> bytes:
    """Transmission medium requirement (ITU-T)."""
    medium = TransmissionMedium.UNRESTRICTED_64K if bearer is Bearer.DIGITAL else TransmissionMedium.AUDIO_3K1
    return bytes((medium,))


def bearer_of(iam: IsupMessage) -> Bearer:
    """What an IAM asks for. Where its bearer capability cannot be read, or is none, it is voice."""
    try:
        service, medium = iam.user_service, iam.transmission_medium
    except Malformed:
        return Bearer.MU_LAW
    if medium in (TransmissionMedium.UNRESTRICTED_64K.value, TransmissionMedium.PREFERRED_64K.value):
        return Bearer.DIGITAL
    if service is None:
        return Bearer.A_LAW if medium is not None else Bearer.MU_LAW  # ITU-T's networks speak A-law among themselves
    if medium is None and service.capability == _UNRESTRICTED_DIGITAL:
        return Bearer.DIGITAL
    return Bearer.A_LAW if service.layer_1 == _A_LAW[0] & 0x1F else Bearer.MU_LAW
