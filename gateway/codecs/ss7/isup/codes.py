"""The names of ISUP's codes: message types, parameters, and the values within parameters that have names."""

from __future__ import annotations

from enum import IntEnum


class MessageType(IntEnum):
    """The message type octet (Q.763 table 4; T1.113.3), under the acronyms of Q.762."""

    IAM = 0x01  # initial address
    SAM = 0x02  # subsequent address
    INR = 0x03  # information request
    INF = 0x04  # information
    COT = 0x05  # continuity
    ACM = 0x06  # address complete
    CON = 0x07  # connect
    FOT = 0x08  # forward transfer
    ANM = 0x09  # answer
    REL = 0x0C  # release
    SUS = 0x0D  # suspend
    RES = 0x0E  # resume
    RLC = 0x10  # release complete
    CCR = 0x11  # continuity check request
    RSC = 0x12  # reset circuit
    BLO = 0x13  # blocking
    UBL = 0x14  # unblocking
    BLA = 0x15  # blocking acknowledgement
    UBA = 0x16  # unblocking acknowledgement
    GRS = 0x17  # circuit group reset
    CGB = 0x18  # circuit group blocking
    CGU = 0x19  # circuit group unblocking
    CGBA = 0x1A  # circuit group blocking acknowledgement
    CGUA = 0x1B  # circuit group unblocking acknowledgement
    FAR = 0x1F  # facility request
    FAA = 0x20  # facility accepted
    FRJ = 0x21  # facility reject
    LPA = 0x24  # loop back acknowledgement
    PAM = 0x28  # pass-along
    GRA = 0x29  # circuit group reset acknowledgement
    CQM = 0x2A  # circuit group query
    CQR = 0x2B  # circuit group query response
    CPG = 0x2C  # call progress
    USR = 0x2D  # user-to-user information
    UCIC = 0x2E  # unequipped circuit identification code
    CFN = 0x2F  # confusion
    OLM = 0x30  # overload
    CRG = 0x31  # charge information
    NRM = 0x32  # network resource management
    FAC = 0x33  # facility
    UPT = 0x34  # user part test
    UPA = 0x35  # user part available
    IDR = 0x36  # identification request
    IRS = 0x37  # identification response
    SGM = 0x38  # segmentation
    LOP = 0x40  # loop prevention
    APM = 0x41  # application transport
    PRI = 0x42  # pre-release information
    SDN = 0x43  # subsequent directory number
    CRA = 0xE9  # circuit reservation acknowledgement (ANSI)
    CRM = 0xEA  # circuit reservation (ANSI)
    CVR = 0xEB  # circuit validation response (ANSI)
    CVT = 0xEC  # circuit validation test (ANSI)
    EXM = 0xED  # exit (ANSI)


class P(IntEnum):
    """The parameter names (Q.763 table 5; T1.113.3)."""

    END_OF_OPTIONAL_PARAMETERS = 0x00
    CALL_REFERENCE = 0x01
    TRANSMISSION_MEDIUM = 0x02
    ACCESS_TRANSPORT = 0x03
    CALLED_PARTY_NUMBER = 0x04
    SUBSEQUENT_NUMBER = 0x05
    NATURE_OF_CONNECTION = 0x06
    FORWARD_CALL_INDICATORS = 0x07
    OPTIONAL_FORWARD_CALL_INDICATORS = 0x08
    CALLING_PARTYS_CATEGORY = 0x09
    CALLING_PARTY_NUMBER = 0x0A
    REDIRECTING_NUMBER = 0x0B
    REDIRECTION_NUMBER = 0x0C
    CONNECTION_REQUEST = 0x0D
    INFORMATION_REQUEST_INDICATORS = 0x0E
    INFORMATION_INDICATORS = 0x0F
    CONTINUITY = 0x10
    BACKWARD_CALL_INDICATORS = 0x11
    CAUSE_INDICATORS = 0x12
    REDIRECTION_INFORMATION = 0x13
    CIRCUIT_GROUP_SUPERVISION = 0x15
    RANGE_AND_STATUS = 0x16
    FACILITY_INDICATOR = 0x18
    CUG_INTERLOCK_CODE = 0x1A
    USER_SERVICE_INFORMATION = 0x1D
    SIGNALLING_POINT_CODE = 0x1E
    USER_TO_USER_INFORMATION = 0x20
    CONNECTED_NUMBER = 0x21
    SUSPEND_RESUME = 0x22
    TRANSIT_NETWORK_SELECTION = 0x23
    EVENT_INFORMATION = 0x24
    CIRCUIT_ASSIGNMENT_MAP = 0x25
    CIRCUIT_STATE = 0x26
    AUTOMATIC_CONGESTION_LEVEL = 0x27
    ORIGINAL_CALLED_NUMBER = 0x28
    OPTIONAL_BACKWARD_CALL_INDICATORS = 0x29
    USER_TO_USER_INDICATORS = 0x2A
    ORIGINATION_ISC_POINT_CODE = 0x2B
    GENERIC_NOTIFICATION = 0x2C
    CALL_HISTORY_INFORMATION = 0x2D
    ACCESS_DELIVERY_INFORMATION = 0x2E
    NETWORK_SPECIFIC_FACILITY = 0x2F
    USER_SERVICE_INFORMATION_PRIME = 0x30
    PROPAGATION_DELAY_COUNTER = 0x31
    REMOTE_OPERATIONS = 0x32
    SERVICE_ACTIVATION = 0x33
    USER_TELESERVICE_INFORMATION = 0x34
    TRANSMISSION_MEDIUM_USED = 0x35
    CALL_DIVERSION_INFORMATION = 0x36
    ECHO_CONTROL_INFORMATION = 0x37
    MESSAGE_COMPATIBILITY = 0x38
    PARAMETER_COMPATIBILITY = 0x39
    MLPP_PRECEDENCE = 0x3A
    MCID_REQUEST_INDICATORS = 0x3B
    MCID_RESPONSE_INDICATORS = 0x3C
    HOP_COUNTER = 0x3D
    TRANSMISSION_MEDIUM_PRIME = 0x3E
    LOCATION_NUMBER = 0x3F
    REDIRECTION_NUMBER_RESTRICTION = 0x40
    CALL_TRANSFER_REFERENCE = 0x43
    LOOP_PREVENTION_INDICATORS = 0x44
    CALL_TRANSFER_NUMBER = 0x45
    CCSS = 0x4B
    FORWARD_GVNS = 0x4C
    BACKWARD_GVNS = 0x4D
    REDIRECT_CAPABILITY = 0x4E
    NETWORK_MANAGEMENT_CONTROLS = 0x5B
    CORRELATION_ID = 0x65
    SCF_ID = 0x66
    CALLED_IN_NUMBER = 0x6F
    CHARGED_PARTY_IDENTIFICATION = 0x71
    REDIRECT_COUNTER = 0x77
    APPLICATION_TRANSPORT = 0x78
    COLLECT_CALL_REQUEST = 0x79
    CALLED_DIRECTORY_NUMBER = 0x7D
    ORIGINAL_CALLED_IN_NUMBER = 0x7F
    CALLING_GEODETIC_LOCATION = 0x81
    NETWORK_ROUTING_NUMBER = 0x84
    NUMBER_PORTABILITY_FORWARD = 0x8D
    GENERIC_NUMBER = 0xC0
    GENERIC_ADDRESS = 0xC0  # what ANSI calls it
    GENERIC_DIGITS = 0xC1
    OPERATOR_SERVICES_INFORMATION = 0xC2
    EGRESS_SERVICE = 0xC3
    JURISDICTION_INFORMATION = 0xC4
    CARRIER_IDENTIFICATION = 0xC5
    BUSINESS_GROUP = 0xC6
    GENERIC_NAME = 0xC7
    NOTIFICATION_INDICATOR = 0xE1
    TRANSACTION_REQUEST = 0xE3
    CIRCUIT_GROUP_CHARACTERISTICS = 0xE5
    CIRCUIT_VALIDATION_RESPONSE = 0xE6
    OUTGOING_TRUNK_GROUP_NUMBER = 0xE7
    CIRCUIT_IDENTIFICATION_NAME = 0xE8
    CLLI = 0xE9
    ORIGINATING_LINE_INFORMATION = 0xEA
    CHARGE_NUMBER = 0xEB
    SERVICE_CODE_INDICATOR = 0xEC
    SPECIAL_PROCESSING_REQUEST = 0xED
    CARRIER_SELECTION_INFORMATION = 0xEE
    NETWORK_TRANSPORT = 0xEF


class NatureOfAddress(IntEnum):
    """How far a number reaches (Q.763 section 3.9 b; T1.113.3). ANSI calls 1, 3 and 4 unique."""

    SUBSCRIBER = 1
    UNKNOWN = 2
    NATIONAL = 3
    INTERNATIONAL = 4
    NETWORK_SPECIFIC = 5
    OPERATOR_SUBSCRIBER = 0x71  # ANSI called number; in other ANSI numbers: a subscriber's, not unique
    OPERATOR_NATIONAL = 0x72
    OPERATOR_INTERNATIONAL = 0x73
    OPERATOR_NO_NUMBER = 0x74
    CUT_THROUGH_TO_CARRIER = 0x75
    CALL_950 = 0x76
    TEST_LINE_CODE = 0x77


class ChargeNature(IntEnum):
    """Nature of address of a charge number (T1.113.3): whose line is billed, and how it is written."""

    CALLING_SUBSCRIBER = 1
    NOT_AVAILABLE = 2
    CALLING_NATIONAL = 3
    CALLED_SUBSCRIBER = 5
    CALLED_NO_NUMBER = 6
    CALLED_NATIONAL = 7


class AddressPresentation(IntEnum):
    """Address presentation restricted indicator (Q.763 section 3.10 e)."""

    ALLOWED = 0
    RESTRICTED = 1
    NOT_AVAILABLE = 2
    RESTRICTED_BY_NETWORK = 3


class ScreeningIndicator(IntEnum):
    """Who vouches for a number (Q.763 sections 3.10 f and 3.26 g)."""

    USER_NOT_VERIFIED = 0
    USER_VERIFIED_PASSED = 1
    USER_VERIFIED_FAILED = 2
    NETWORK = 3


class NumberingPlan(IntEnum):
    """Numbering plan indicator (Q.763 section 3.9 d)."""

    E164 = 1
    X121 = 3
    F69 = 4
    PRIVATE = 5


class GenericAddressType(IntEnum):
    """ANSI: type of address in a generic address (T1.113.3)."""

    DIALED = 0
    DESTINATION = 1
    SUPPLEMENTAL_USER_PROVIDED_FAILED = 2
    SUPPLEMENTAL_USER_PROVIDED_NOT_SCREENED = 3
    COMPLETION = 4
    PORTED = 0xC0


class NumberQualifier(IntEnum):
    """ITU-T: what a generic number is (Q.763 section 3.26 a)."""

    DIALLED = 0
    ADDITIONAL_CALLED = 1
    ADDITIONAL_CONNECTED = 5
    ADDITIONAL_CALLING = 6
    ADDITIONAL_ORIGINAL_CALLED = 7
    ADDITIONAL_REDIRECTING = 8
    ADDITIONAL_REDIRECTION = 9


class CallingCategory(IntEnum):
    """Calling party's category (Q.763 section 3.11; from 0xE0 on those of T1.113.3)."""

    UNKNOWN = 0
    OPERATOR_FRENCH = 1
    OPERATOR_ENGLISH = 2
    OPERATOR_GERMAN = 3
    OPERATOR_RUSSIAN = 4
    OPERATOR_SPANISH = 5
    ORDINARY = 10
    PRIORITY = 11
    DATA = 12
    TEST = 13
    PAYPHONE = 15
    EMERGENCY = 0xE0
    HIGH_PRIORITY_EMERGENCY = 0xE1
    NATIONAL_SECURITY = 0xE2


class CauseLocation(IntEnum):
    """Where a release began (Q.850 section 2.2.3)."""

    USER = 0
    PRIVATE_NETWORK_LOCAL = 1
    PUBLIC_NETWORK_LOCAL = 2
    TRANSIT_NETWORK = 3
    PUBLIC_NETWORK_REMOTE = 4
    PRIVATE_NETWORK_REMOTE = 5
    INTERNATIONAL = 7
    BEYOND_INTERWORKING = 10


class CodingStandard(IntEnum):
    """By whose list a cause is to be read (Q.850 section 2.2.2)."""

    ITU = 0
    ISO = 1
    NATIONAL = 2  # in North America: ANSI's list
    LOCATION = 3


class Event(IntEnum):
    """What a CPG tells (Q.763 section 3.21)."""

    ALERTING = 1
    PROGRESS = 2
    IN_BAND = 3
    FORWARDED_BUSY = 4
    FORWARDED_NO_REPLY = 5
    FORWARDED_UNCONDITIONAL = 6


class GroupSupervision(IntEnum):
    """Why circuits are blocked or unblocked (Q.763 section 3.13; T1.113.3)."""

    MAINTENANCE = 0  # ANSI: block without release
    HARDWARE = 1  # ANSI: block with immediate release


class TransmissionMedium(IntEnum):
    """Transmission medium requirement (Q.763 section 3.54)."""

    SPEECH = 0
    UNRESTRICTED_64K = 2
    AUDIO_3K1 = 3
    PREFERRED_64K = 6
