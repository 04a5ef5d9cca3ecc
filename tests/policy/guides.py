"""A small LERG guide for tests: the host's end office, its host and remote, a tandem, and the partner's switch."""

from __future__ import annotations

from datetime import date

from attempts import AT_US, HOST, HOST_SWITCH, OTHER_PROVIDER, PARTNER, PARTNER_SWITCH, PROVIDER, SECOND_US

from gateway.interconnection.carriers import Carrier, CarrierBook, CarrierKind, Ocn
from gateway.numbering.lerg import LergGuide
from gateway.numbering.lerg_rows import CodeAssignment, HomingRow, LrnRow, SwitchFunction, SwitchRow
from gateway.numbering.portability import PortedNumbers

DAY_US = 86_400 * SECOND_US
NEW_CODE_FROM_US = AT_US // DAY_US * DAY_US
"""Midnight of the day of the call: the code 314-777 counts from here on."""

HOST_WITH_REMOTE = "CLMAMOXADS0"
REMOTE = "ASLDMOXARS0"
TANDEM = "STLSMO0100T"
OTHER_SWITCH = "KSCYMO05DS0"
STRANGER = Ocn("903C")

HOST_LRN = "6365559999"
OTHER_LRN = "8165559999"
PROVIDER_LRN = "3145559999"
UNLISTED_LRN = "6365558888"

_CODES = (
    CodeAssignment("314555", "A", PARTNER, PARTNER_SWITCH),
    CodeAssignment("314555", "0", PROVIDER, PARTNER_SWITCH),
    CodeAssignment("314555", "1", OTHER_PROVIDER, PARTNER_SWITCH),
    CodeAssignment("314556", "A", STRANGER, PARTNER_SWITCH),
    CodeAssignment("314558", "A", PROVIDER, OTHER_SWITCH),
    CodeAssignment("913555", "A", STRANGER, OTHER_SWITCH, state="KS"),
    CodeAssignment("314777", "A", PROVIDER, PARTNER_SWITCH, effective=date.fromtimestamp(NEW_CODE_FROM_US / SECOND_US)),
    CodeAssignment("636555", "A", HOST, HOST_SWITCH),
    CodeAssignment("636777", "A", HOST, HOST_SWITCH, effective=date.fromtimestamp(NEW_CODE_FROM_US / SECOND_US)),
    CodeAssignment("573555", "A", HOST, HOST_WITH_REMOTE),
    CodeAssignment("573556", "A", HOST, REMOTE),
    CodeAssignment("816555", "A", STRANGER, OTHER_SWITCH, "01"),
    CodeAssignment("816556", "A", STRANGER, OTHER_SWITCH, "02"),
)

GUIDE = LergGuide(
    "test",
    codes=_CODES,
    switches=(
        SwitchRow(HOST_SWITCH, HOST, frozenset({SwitchFunction.END_OFFICE})),
        SwitchRow(HOST_WITH_REMOTE, HOST, frozenset({SwitchFunction.HOST})),
        SwitchRow(REMOTE, HOST, frozenset({SwitchFunction.REMOTE})),
        SwitchRow(TANDEM, HOST, frozenset({SwitchFunction.LOCAL_TANDEM})),
        SwitchRow(PARTNER_SWITCH, PARTNER, frozenset({SwitchFunction.END_OFFICE})),
        SwitchRow(OTHER_SWITCH, STRANGER, frozenset({SwitchFunction.END_OFFICE})),
    ),
    homings=(HomingRow(REMOTE, "00", host=HOST_WITH_REMOTE), HomingRow(OTHER_SWITCH, "01", local_tandem=TANDEM)),
    lrns=(
        LrnRow(HOST_LRN, HOST_SWITCH, HOST),
        LrnRow(OTHER_LRN, OTHER_SWITCH, STRANGER),
        LrnRow(PROVIDER_LRN, PARTNER_SWITCH, PROVIDER, state="MO"),
    ),
)

PORTED = PortedNumbers(
    {
        "8165550100": HOST_LRN,  # into the area
        "6365550177": OTHER_LRN,  # out of it
        "6365550178": UNLISTED_LRN,  # within it, to an LRN that LERG 12 doesn't have
        "8165550123": PROVIDER_LRN,  # a caller who took the number to the provider
        "3145550177": OTHER_LRN,  # a caller who left it
    }
)

CARRIERS = CarrierBook(
    (
        Carrier(HOST, "Host", CarrierKind.HOST),
        Carrier(PARTNER, "Partner", CarrierKind.PARTNER, amendment=True),
        Carrier(PROVIDER, "Provider", CarrierKind.PROVIDER, PARTNER, True, confirmed_at_us=0),
        Carrier(OTHER_PROVIDER, "Other provider", CarrierKind.PROVIDER, PARTNER, True, confirmed_at_us=0),
        Carrier(STRANGER, "Stranger", CarrierKind.PROVIDER, Ocn("7002"), True, confirmed_at_us=0),
    )
)
