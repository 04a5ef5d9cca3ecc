"""The lab's cast: which carriers, switches, codes and ported numbers the synthetic guide must hold.

Carriers are named as the two agreements name them (CenturyTel of Missouri, Spectra, Socket) or fictional. The OCNs are
made up, and start with X to show it. Which exchange is whose, every switch and every homing is made up too.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.numbering.lerg_rows import CarrierRow, RowStatus

HOST = CarrierRow("XH01", "CENTURYTEL OF MISSOURI", "MO", "ILEC", "XH01")
SPECTRA = CarrierRow("XH02", "SPECTRA COMMUNICATIONS GROUP", "MO", "ILEC", "XH01")
SOCKET = CarrierRow("XC01", "SOCKET TELECOM", "MO", "CLEC", "XC01")
PARTNER = CarrierRow("XP01", "RIVER BEND TELECOM", "MO", "CLEC", "XP01")
PROVIDER_1 = CarrierRow("XV01", "PAWPAW VOICE", "MO", "IPES", "XV01")
PROVIDER_2 = CarrierRow("XV02", "BLUESTEM VOICE", "MO", "IPES", "XV02")
PROVIDER_3 = CarrierRow("XV03", "DOGWOOD VOICE", "MO", "IPES", "XV03")
METRO_BELL = CarrierRow("XR01", "MERAMEC BELL", "MO", "ILEC", "XR01")
INDEPENDENTS = (
    CarrierRow("XR02", "KATY TRAIL TELEPHONE", "MO", "ILEC", "XR02"),
    CarrierRow("XR03", "SAND HILLS RURAL TELEPHONE", "MO", "ILEC", "XR03"),
    CarrierRow("XR04", "LIMESTONE MUTUAL TELEPHONE", "MO", "ILEC", "XR04"),
    CarrierRow("XR05", "TALL GRASS FARMERS TELEPHONE", "MO", "ILEC", "XR05"),
)
CABLE = CarrierRow("XC02", "THREE FORKS CABLE VOICE", "MO", "CLEC", "XC02")
METRO_CLEC = CarrierRow("XC03", "LIMEKILN METRO TELECOM", "MO", "CLEC", "XC03")
WIRELESS_1 = CarrierRow("XW01", "PRAIRIE HEN CELLULAR", "MO", "WIRELESS", "XW01")
WIRELESS_2 = CarrierRow("XW02", "SYCAMORE WIRELESS", "MO", "WIRELESS", "XW02")

CARRIERS = (
    *(HOST, SPECTRA, SOCKET, PARTNER, PROVIDER_1, PROVIDER_2, PROVIDER_3),
    *(METRO_BELL, *INDEPENDENTS, CABLE, METRO_CLEC, WIRELESS_1, WIRELESS_2),
)

WENTZVILLE = "WNVLMOXADS0"
COLUMBIA = "CLMAMOXADS0"
ASHLAND = "ASLDMOXARS0"
HALLSVILLE = "HLVLMOXARS0"
TROY = "TROYMOXADS0"
WARRENTON_TANDEM = "WRTNMOXA01T"
BRANSON = "BRSNMOXADS0"
SAINT_LOUIS_TANDEM = "STLSMOMB01T"
PARTNER_SWITCH = "STLSMORBDS0"
SOCKET_SWITCH = "CLMAMOSKDS0"
METRO_CLEC_SWITCH = "STLSMOLKDS0"
WRIGHT_CITY = "WRCTMOKTDS0"


class Exchange(NamedTuple):
    """An exchange of the host carrier or of Spectra: the rate centre (a city of the source) and its switch."""

    city: str
    clli: str
    carrier: CarrierRow
    host: str = ""
    """CLLI of the host, where the switch is a remote."""
    tandem: str = ""
    """Where it subtends the host carrier's own tandem; else the metropolitan carrier's of its LATA."""


EXCHANGES = (
    Exchange("Wentzville", WENTZVILLE, HOST, tandem=WARRENTON_TANDEM),
    Exchange("Foristell", "FRSTMOXADS0", HOST, tandem=WARRENTON_TANDEM),
    Exchange("Warrenton", "WRTNMOXADS0", HOST, tandem=WARRENTON_TANDEM),
    Exchange("Troy", TROY, HOST, tandem=WARRENTON_TANDEM),
    Exchange("Bowling Green", "BWGRMOXADS0", HOST, tandem=WARRENTON_TANDEM),
    Exchange("Columbia", COLUMBIA, HOST),
    Exchange("Ashland", ASHLAND, HOST, host=COLUMBIA),
    Exchange("Hallsville", HALLSVILLE, HOST, host=COLUMBIA),
    Exchange("Rolla", "RLLAMOXADS0", HOST),
    Exchange("Branson", BRANSON, HOST),
    Exchange("Forsyth", "FRSYMOXADS0", HOST),
    Exchange("West Plains", "WPLNMOXADS0", HOST),
    Exchange("Macon", "MACNMOXBDS0", SPECTRA),
    Exchange("Cameron", "CMRNMOXBDS0", SPECTRA),
    Exchange("Savannah", "SVNHMOXBDS0", SPECTRA),
)


class CastCode(NamedTuple):
    """A LERG 6 row that the cast needs as it stands. The rate centre is the source's."""

    npa_nxx: str
    block: str
    carrier: CarrierRow
    switch: str
    sha: str = "00"
    status: RowStatus = RowStatus.IN_EFFECT
    effective: str = "010199"
    """MMDDYY."""


CODES = (
    # Wentzville: the host's own, a pooled block of another carrier in it, and codes that change hands on a date.
    CastCode("636327", "A", HOST, WENTZVILLE),
    CastCode("636332", "A", HOST, WENTZVILLE),
    CastCode("636639", "A", HOST, WENTZVILLE),
    CastCode("636639", "8", METRO_CLEC, METRO_CLEC_SWITCH),
    CastCode("636698", "A", HOST, WENTZVILLE, status=RowStatus.ESTABLISHED, effective="070124"),
    CastCode("636887", "A", HOST, WENTZVILLE),
    CastCode("636887", "A", HOST, WENTZVILLE, status=RowStatus.DELETED, effective="010124"),
    CastCode("636841", "A", METRO_CLEC, METRO_CLEC_SWITCH),
    CastCode("636841", "A", HOST, WENTZVILLE, status=RowStatus.MODIFIED, effective="010150"),
    # Rated to Wentzville, homed elsewhere: Socket's (a VNXX code) and the partner's with its providers' blocks.
    CastCode("636497", "A", SOCKET, SOCKET_SWITCH),
    CastCode("636679", "A", PARTNER, PARTNER_SWITCH),
    CastCode("636679", "1", PROVIDER_1, PARTNER_SWITCH),
    CastCode("636679", "2", PROVIDER_2, PARTNER_SWITCH),
    CastCode("636679", "3", PROVIDER_3, PARTNER_SWITCH),
    # Rated to Saint Louis.
    CastCode("314206", "A", PARTNER, PARTNER_SWITCH),
    CastCode("314206", "1", PROVIDER_1, PARTNER_SWITCH),
    CastCode("314206", "2", PROVIDER_1, PARTNER_SWITCH),
    CastCode("314206", "3", PROVIDER_2, PARTNER_SWITCH),
    CastCode("314206", "5", PROVIDER_3, PARTNER_SWITCH),
    CastCode("314208", "A", PARTNER, PARTNER_SWITCH),
    CastCode("314208", "4", PROVIDER_1, PARTNER_SWITCH),
    CastCode("314208", "7", PROVIDER_2, PARTNER_SWITCH),
    CastCode("314204", "A", METRO_BELL, "STLSMOMBDS0"),
    CastCode("314220", "A", METRO_CLEC, METRO_CLEC_SWITCH),
    CastCode("314220", "6", PROVIDER_1, METRO_CLEC_SWITCH),  # a provider's block that is not on the partner's switch
    # Rated to Washington and Columbia, homed on the partner's switch in Saint Louis.
    CastCode("636266", "A", PARTNER, PARTNER_SWITCH),
    CastCode("636266", "1", PROVIDER_2, PARTNER_SWITCH),
    CastCode("573268", "A", PARTNER, PARTNER_SWITCH),
    CastCode("573268", "5", PROVIDER_1, PARTNER_SWITCH),
    # Columbia, its remotes, and Socket.
    CastCode("573256", "A", HOST, COLUMBIA),
    CastCode("573442", "A", HOST, COLUMBIA),
    CastCode("573657", "A", HOST, ASHLAND),
    CastCode("573696", "A", HOST, HALLSVILLE),
    CastCode("573214", "A", SOCKET, SOCKET_SWITCH),
    CastCode("573691", "A", SOCKET, SOCKET_SWITCH),
    # Troy: two of its codes are reached by another tandem than the rest.
    CastCode("636290", "A", HOST, TROY),
    CastCode("636462", "A", HOST, TROY, sha="01"),
    CastCode("636528", "A", HOST, TROY, sha="01"),
    CastCode("417213", "A", HOST, BRANSON),
)

PROVIDER_LRNS = (("3142061000", PROVIDER_1), ("3142063000", PROVIDER_2), ("3142065000", PROVIDER_3))
"""Location routing numbers of the providers, all on the partner's switch."""


class Ported(NamedTuple):
    number: str
    to: str
    """CLLI of the switch it was ported to, or the OCN of a provider."""


PORTED = (
    # The host's code, another carrier's switch: inside Wentzville's area by the dialled code, outside by the LRN.
    Ported("6363274001", SOCKET_SWITCH),
    Ported("6363274002", SOCKET_SWITCH),
    Ported("6363324101", PARTNER_SWITCH),
    Ported("5732564001", SOCKET_SWITCH),
    # Another carrier's code, the host's switch: outside by the dialled code, inside by the LRN.
    Ported("6364972001", WENTZVILLE),
    Ported("6364972002", WENTZVILLE),
    Ported("6366398001", WENTZVILLE),
    Ported("5732142001", COLUMBIA),
    # Customers of the providers who kept their numbers: the calling code is somebody else's.
    Ported("6366395001", PROVIDER_1.ocn),
    Ported("3142045001", PROVIDER_1.ocn),
    Ported("3142045002", PROVIDER_2.ocn),
)

EXAMPLES = (
    ("6363270100", "Wentzville, the host's end office"),
    ("6363320100", "Wentzville, the host's end office"),
    ("6366398100", "Wentzville, but its thousands block is another carrier's"),
    ("6366980100", "Wentzville, not assigned before 1 July 2024"),
    ("6368870100", "Wentzville, not assigned since 1 January 2024"),
    ("6368410100", "Wentzville, the host's from 1 January 2050 only"),
    ("5732560100", "Columbia, the host with two remotes"),
    ("5736570100", "Ashland, a remote of Columbia"),
    ("5736960100", "Hallsville, a remote of Columbia"),
    ("6362900100", "Troy, subtends the Warrenton tandem"),
    ("6364620100", "Troy, by its homing arrangement not under the Warrenton tandem"),
    ("4172130100", "Branson, the host's, far from the other switches"),
    ("3142061100", "Saint Louis, provider 1"),
    ("3142062100", "Saint Louis, provider 1"),
    ("6366791100", "rated to Wentzville, provider 1"),
    ("5732685100", "rated to Columbia, provider 1"),
    ("3142206100", "Saint Louis, provider 1, but homed on another carrier's switch"),
    ("3142063100", "Saint Louis, provider 2"),
    ("3142087100", "Saint Louis, provider 2"),
    ("6366792100", "rated to Wentzville, provider 2"),
    ("6362661100", "rated to Washington, provider 2"),
    ("3142065100", "Saint Louis, provider 3 (for a provider that is not confirmed)"),
    ("3142060100", "Saint Louis, the partner's own"),
    ("5732140100", "Columbia, Socket"),
    ("6364970100", "rated to Wentzville, Socket (VNXX)"),
    ("3142040100", "Saint Louis, the metropolitan carrier"),
    *((ported.number, "ported") for ported in PORTED),
)
"""Numbers for scenarios, each with what is particular about it."""
