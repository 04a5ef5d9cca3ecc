"""The configuration file: what it becomes, and what is said of each fault."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.interconnection.carriers import Carrier, CarrierKind, Ocn, RateLimit
from gateway.interconnection.trunk_groups import Hop, Member, Mode, Side, Supervision, TrunkGroup
from gateway.operations.configuration import Agreement, Configuration, Limits, load_configuration
from gateway.operations.configuration_faults import ConfigurationError
from gateway.operations.configuration_schema import CarrierTable

VALID = """\
[gateway]
listen = "127.0.0.1:5060"
emergency_trunk_group = "host-1"
emergency_numbers = ["911", "+1 (314) 555-0199"]
gateway_numbers = ["3145550100"]

[numbering]
lerg = "lerg"

[agreement]
name = "Carrier-partner amendment"
effective = 2005-10-17

[[carriers]]
ocn = "1234"
name = "Host"
kind = "host"

[[carriers]]
ocn = "567A"
name = "Partner"
kind = "partner"
amendment = true

[[carriers]]
ocn = "890B"
name = "Provider"
kind = "provider"
partner = "567A"
numbering_agreement = true
confirmed = 2026-01-15T00:00:00-06:00
limit = { sustained_per_s = 10, burst = 20, in_progress = 100 }

[[trunk_groups]]
name = "partner-1"
side = "partner"
carrier = "567A"
switch = "STLSMO01DS0"
home_switch = "STLSMO02DS0"
members = ["127.0.0.1:5070", "127.0.0.1:5071"]
modes = { footprint = "monitor" }

[[trunk_groups]]
name = "host-1"
side = "host"
carrier = "1234"
switch = "STLSMO01DS0"
members = ["127.0.0.1:5080"]
mode = "off"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str, **check_names: frozenset[str]) -> Configuration:
    Path("x.toml").write_text(text, encoding="utf-8")
    return load_configuration(Path("x.toml"), **check_names)


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return [str(fault) for fault in caught.value.faults]


def test_a_file_becomes_domain_objects(folder: Path) -> None:
    configuration = load(VALID)
    assert configuration.file == folder / "x.toml"
    assert configuration.listen == (Hop("127.0.0.1", 5060),)
    assert configuration.record_route_hosts == ("127.0.0.1",)
    assert configuration.operations_listen == ("127.0.0.1", 9464)
    assert configuration.state_folder == folder / "var/tollgate"
    assert configuration.lerg_folder == folder / "lerg"
    assert configuration.ported_file is None
    assert configuration.emergency_trunk_group == "host-1"
    assert configuration.emergency_numbers == {"911", "3145550199"}
    assert configuration.gateway_numbers == {"3145550100"}
    assert configuration.limits == Limits(65_535, 100_000, 100_000, 43_200, 1_000, 50, 100, 50, None, None)
    assert configuration.agreement == Agreement("Carrier-partner amendment", date(2005, 10, 17), None)
    assert configuration.carriers.get(Ocn("890B")) == Carrier(
        ocn=Ocn("890B"),
        name="Provider",
        kind=CarrierKind.PROVIDER,
        partner=Ocn("567A"),
        numbering_agreement=True,
        confirmed_at_us=1_768_456_800_000_000,
        limit=RateLimit(10.0, 20, 100),
    )
    partner, host = configuration.trunk_groups
    assert partner == TrunkGroup(
        name="partner-1",
        side=Side.PARTNER,
        carrier=Ocn("567A"),
        switch="STLSMO01DS0",
        members=(Member(Hop("127.0.0.1", 5070)), Member(Hop("127.0.0.1", 5071))),
        home_switch="STLSMO02DS0",
        modes={"footprint": Mode.MONITOR},
    )
    assert host.default_mode is Mode.OFF


@pytest.mark.usefixtures("folder")
def test_911_is_an_emergency_number_whatever_the_file_says() -> None:
    configured = VALID.replace('emergency_numbers = ["911", ', "emergency_numbers = [")
    assert load(configured).emergency_numbers == {"911", "3145550199"}


@pytest.mark.usefixtures("folder")
def test_a_partner_its_trunk_group_and_each_source_on_it_may_have_limits() -> None:
    limit = "{ sustained_per_s = 5, burst = 6, in_progress = 7 }"
    written = VALID.replace('name = "partner-1"', f'name = "partner-1"\nlimit = {limit}\nsource_limit = {limit}')
    written = written.replace('kind = "partner"', f'kind = "partner"\nlimit = {limit}')
    written = written.replace('kind = "provider"', f'kind = "provider"\nthrottled = {limit}')
    configuration = load(written)
    group = next(group for group in configuration.trunk_groups if group.name == "partner-1")
    partner, provider = configuration.carriers.get(Ocn("567A")), configuration.carriers.get(Ocn("890B"))
    assert partner is not None
    assert provider is not None
    assert [group.limit, group.source_limit, partner.limit, provider.throttled] == [RateLimit(5, 6, 7)] * 4


@pytest.mark.usefixtures("folder")
def test_a_trunk_group_may_have_a_label_and_its_context() -> None:
    named = VALID.replace('name = "host-1"', 'name = "host-1"\ntgrp = "T/1"\ntrunk_context = "+1314"')
    group = next(group for group in load(named).trunk_groups if group.name == "host-1")
    assert (group.tgrp, group.trunk_context) == ("T/1", "+1314")


@pytest.mark.usefixtures("folder")
def test_the_environment_overrides_single_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_GATEWAY__LISTEN", "127.0.0.2:0")
    monkeypatch.setenv("TOLLGATE_GATEWAY__MASK_NUMBERS", "true")
    monkeypatch.setenv("TOLLGATE_LIMITS__MAX_DIALOGS", "7")
    monkeypatch.setenv("TOLLGATE_AGREEMENT__REPLACED", "2030-01-01")
    monkeypatch.setenv("TOLLGATE_RECORDS__QUEUE", "")
    monkeypatch.setenv("TOLLGATE_PORT", "tcp://10.0.0.1:5060")
    configuration = load(VALID)
    assert configuration.listen == (Hop("127.0.0.2", 0),)
    assert configuration.mask_numbers
    assert configuration.limits.max_dialogs == 7
    assert configuration.agreement.replaced == date(2030, 1, 1)
    assert configuration.record_queue == 20_000


ADDRESS_FORM = 'write "192.0.2.1:5060" or "[2001:db8::1]:5060"'
KNOWN_CHECKS = (
    "admission, called_number, calling_code, calling_number, charge_number, discontinuance, diversion, emergency, "
    "encapsulated_isup, footprint, jurisdiction, passport, presentation, rate_limit, trunk_group"
)
ONE_FAULT: list[tuple[str, str, str]] = [
    # what stands in the valid file, what is written instead, the fault
    ("lerg = ", "lreg = ",
     "x.toml:7: numbering.lerg: is missing; add it\nx.toml:8: numbering.lreg: there is no such setting; did you "
     "mean `lerg`?"),
    ("amendment = true", "consent = true",
     "x.toml:23: carriers[1].consent: there is no such setting; remove it; known are "
     + ", ".join(CarrierTable.model_fields)),
    ("burst = 20", "brust = 20",
     "x.toml:32: carriers[2].limit.brust: there is no such setting; did you mean `burst`?\nx.toml:32: "
     "carriers[2].limit.burst: is missing; add it"),
    ('"127.0.0.1:5060"', '"localhost:5060"',
     f"x.toml:2: gateway.listen: 'localhost:5060' is not an IP address and port; {ADDRESS_FORM}"),
    ('"127.0.0.1:5060"', '"127.0.0.1:65536"',
     "x.toml:2: gateway.listen: '65536' is not a port; write a number from 0 to 65535"),
    ('"127.0.0.1:5060"', "5060",
     'x.toml:2: gateway.listen: is not text; write "ADDRESS:PORT" in quotes'),
    ('"127.0.0.1:5060"', '"0.0.0.0:5060"',
     "x.toml:1: gateway.record_route_host: is missing, and 0.0.0.0 is no address that others can answer to; write "
     "the address that the switches see"),
    ('"127.0.0.1:5071"', '"::1:5070"',
     f"x.toml:40: trunk_groups[0].members[1]: '::1:5070' is not an IP address and port; {ADDRESS_FORM}"),
    ('"127.0.0.1:5071"', '"127.0.0.1:0"',
     "x.toml:40: trunk_groups[0].members[1]: '0' is not a port; write a number from 1 to 65535"),
    ('"911", ', '"help", ',
     "x.toml:4: gateway.emergency_numbers[0]: 'help' is not a telephone number; write digits in quotes: "
     '"+13145550100"'),
    ('group = "host-1"', 'group = "host-2"',
     'x.toml:3: gateway.emergency_trunk_group: no trunk group is called "host-2"; name one of [[trunk_groups]]'),
    ('group = "host-1"', 'group = "partner-1"',
     'x.toml:3: gateway.emergency_trunk_group: "partner-1" leads back to the partner; name a trunk group of the '
     "host side"),
    ('"lerg"', '"guide"',
     "x.toml:8: numbering.lerg: FOLDER/guide is not a folder that can be read; correct the path; it is relative "
     "to the configuration file"),
    ('"lerg"', '"lerg"\nported = "lerg"',
     "x.toml:9: numbering.ported: FOLDER/lerg is not a file that can be read; correct the path; it is relative to "
     "the configuration file"),
    ("[numbering]", 'state_folder = "x.toml"\n[numbering]',
     "x.toml:7: gateway.state_folder: FOLDER/x.toml is not a folder that can be written to; correct the path; it is "
     "relative to the configuration file"),
    ("2005-10-17", '"17 October 2005"',
     "x.toml:12: agreement.effective: is not a date; write year, month and day, in a file without quotes: "
     "2005-10-17"),
    ("2005-10-17", "2005-10-17\nreplaced = 2005-10-17",
     "x.toml:13: agreement.replaced: 2005-10-17 is not after `effective`, 2005-10-17; correct one of the two, or "
     "remove `replaced`"),
    ('ocn = "890B"', 'ocn = "890b"',
     "x.toml:26: carriers[2].ocn: '890b' is not an OCN; write its four characters, digits and capital letters, as "
     "in LERG 1"),
    ('ocn = "890B"', 'ocn = "1234"',
     "x.toml:26: carriers[2].ocn: OCN 1234 is already that of carriers[0]; give each carrier once"),
    ('partner = "567A"\n', "",
     "x.toml:25: carriers[2].partner: is missing; name the OCN of the partner over whose trunks the provider comes"),
    ('partner = "567A"\n', 'partner = "9999"\n',
     "x.toml:29: carriers[2].partner: no carrier has OCN 9999; add it under [[carriers]], or correct the OCN"),
    ('partner = "567A"\n', 'partner = "1234"\n',
     "x.toml:29: carriers[2].partner: 1234 is a host; name the OCN of a partner"),
    ('kind = "host"', 'kind = "host"\npartner = "567A"',
     "x.toml:18: carriers[0].partner: a host comes over nobody's trunks; remove it, or make this a provider"),
    ('kind = "host"', 'kind = "hots"',
     "x.toml:17: carriers[0].kind: is none of the words for it; write 'host', 'partner' or 'provider'"),
    ("numbering_agreement", "amendment",
     "x.toml:30: carriers[2].amendment: is the partner's (L11), and this carrier is a provider; set it on the "
     "partner"),
    ('kind = "host"', 'kind = "host"\nlimit = { sustained_per_s = 1, burst = 1, in_progress = 1 }',
     "x.toml:18: carriers[0].limit: is of a provider or a partner (L8), and this carrier is a host; set it on a "
     "provider, or remove it"),
    ('kind = "partner"', 'kind = "partner"\nthrottled = { sustained_per_s = 1, burst = 1, in_progress = 1 }',
     "x.toml:23: carriers[1].throttled: is of a provider (L8), and this carrier is a partner; set it on a provider, or "
     "remove it"),
    ('side = "host"', 'side = "host"\nsource_limit = { sustained_per_s = 1, burst = 1, in_progress = 1 }',
     "x.toml:46: trunk_groups[1].source_limit: limits what comes from a partner (L8), and this trunk group reaches a "
     "host switch; set it on a partner's group, or remove it"),
    ("00-06:00", "00",
     "x.toml:31: carriers[2].confirmed: has no time zone; add Z for UTC or an offset: 2026-01-15T00:00:00-06:00"),
    ("2026-01-15T00:00:00-06:00", "2026-01-15",
     "x.toml:31: carriers[2].confirmed: is not a date and time; write it without quotes: 2026-01-15T00:00:00Z"),
    ("limit = {", "stopped = 2026-01-15T06:00:00Z\nlimit = {",
     "x.toml:32: carriers[2].stopped: is not after `confirmed`; correct one of the two"),
    ("burst = 20", "burst = 0",
     "x.toml:32: carriers[2].limit.burst: is too small; write 1 or more"),
    ("burst = 20", "burst = 2.5",
     "x.toml:32: carriers[2].limit.burst: is not a whole number; write digits without quotes"),
    ("_per_s = 10", "_per_s = 0",
     "x.toml:32: carriers[2].limit.sustained_per_s: is too small; write a number above 0.0"),
    ("_per_s = 10", "_per_s = nan",
     "x.toml:32: carriers[2].limit.sustained_per_s: is not a finite number; write digits"),
    ("progress = 100", "progress = 10_000_001",
     "x.toml:32: carriers[2].limit.in_progress: is too large; write 10000000 or less"),
    ('name = "host-1"', 'name = "host-1"\ntgrp = "T1"',
     "x.toml:45: trunk_groups[1].tgrp: stands without `trunk_context`, and names no trunk group by itself (RFC 4904); "
     "add `trunk_context`, or remove it"),
    ('name = "partner-1"', 'name = "partner 1"',
     "x.toml:35: trunk_groups[0].name: 'partner 1' is not a trunk group's name; use up to 63 letters, digits, "
     "dots, dashes and underscores"),
    ('name = "partner-1"', 'name = "host-1"',
     'x.toml:44: trunk_groups[1].name: "host-1" is already the name of trunk_groups[0]; give each trunk group a '
     "name of its own"),
    ('carrier = "567A"', 'carrier = "9999"',
     "x.toml:37: trunk_groups[0].carrier: no carrier has OCN 9999; add it under [[carriers]], or correct the OCN"),
    ('carrier = "567A"', 'carrier = "890B"',
     "x.toml:37: trunk_groups[0].carrier: 890B is a provider; name the OCN of a partner"),
    ('home_switch = "STLSMO02DS0"\n', "",
     "x.toml:34: trunk_groups[0].home_switch: is missing; name the CLLI of the partner's own switch, where its "
     "providers' codes are homed (L1.4)"),
    ('"STLSMO02DS0"', '"STLSMO02DS"',
     "x.toml:39: trunk_groups[0].home_switch: 'STLSMO02DS' is not a CLLI of a switch; write its 11 characters, "
     "capitals and digits, as in LERG 7"),
    ('switch = "STLSMO01DS0"\nhome', 'switch = "STLSMO09DS0"\nhome',
     "x.toml:38: trunk_groups[0].switch: no trunk group of the host side reaches STLSMO09DS0; add one with side = "
     '"host" and this switch, or correct the CLLI'),
    ('mode = "off"', "dedicated = true",
     "x.toml:49: trunk_groups[1].dedicated: is for groups of the partner side, and this one is the host's; remove "
     "it, or correct `side`"),
    ('"127.0.0.1:5080"', '"127.0.0.1:5070"',
     "x.toml:48: trunk_groups[1].members[0]: 127.0.0.1:5070 is already at trunk_groups[0].members[0]; a call's "
     "trunk group is known by its address: give each its own"),
    ('"127.0.0.1:5080"', '"127.0.0.1:5060"',
     "x.toml:48: trunk_groups[1].members[0]: 127.0.0.1:5060 is already at gateway.listen; a call's trunk group is "
     "known by its address: give each its own"),
    ('"127.0.0.1:5080"', '"[::1]:5080"',
     "x.toml:48: trunk_groups[1].members[0]: [::1]:5080 is reached by UDP over IPv6, and `listen` has nothing of the "
     'kind; add "[::1]:5060" to `listen`, or correct the address'),
    ('"127.0.0.1:5080"', '"0.0.0.0:5080"',
     "x.toml:48: trunk_groups[1].members[0]: 0.0.0.0:5080 is no address of one switch; write the address that it "
     "sends from"),
    ('"127.0.0.1:5080"', '"224.0.0.1:5080"',
     "x.toml:48: trunk_groups[1].members[0]: 224.0.0.1:5080 is no address of one switch; write the address that it "
     "sends from"),
    ('"127.0.0.1:5080"', '{ address = "127.0.0.1:5070" }',
     "x.toml:48: trunk_groups[1].members[0].address: 127.0.0.1:5070 is already at trunk_groups[0].members[0]; a call's "
     "trunk group is known by its address: give each its own"),
    ('"127.0.0.1:5080"', '{ address = "127.0.0.1:508O" }',
     "x.toml:48: trunk_groups[1].members[0].address: '508O' is not a port; write a number from 1 to 65535"),
    ('"127.0.0.1:5080"', '{ address = "127.0.0.1:5080", wieght = 1 }',
     "x.toml:48: trunk_groups[1].members[0].wieght: there is no such setting; did you mean `weight`?"),
    ('"127.0.0.1:5080"', '{ weight = 1 }',
     "x.toml:48: trunk_groups[1].members[0].address: is missing; add it"),
    ('"127.0.0.1:5080"', '{ address = "127.0.0.1:5080", priority = 65536 }',
     "x.toml:48: trunk_groups[1].members[0].priority: is too large; write 65535 or less"),
    ('["127.0.0.1:5080"]', '[5080]',
     'x.toml:48: trunk_groups[1].members[0]: is not a member; write "ADDRESS:PORT" in quotes, or a table { address = '
     '"ADDRESS:PORT" }'),
    ('["127.0.0.1:5080"]', '[{ address = "127.0.0.1:5080", capacity = 9 }]\ncapacity = 8',
     "x.toml:48: trunk_groups[1].members[0].capacity: 9 calls are more than the 8 of its trunk group; correct one of "
     "the two"),
    ('["127.0.0.1:5080"]', '["127.0.0.1:5080"]\nfailover_seconds = 31',
     "x.toml:49: trunk_groups[1].failover_seconds: is too large; write 30.0 or less"),
    ('["127.0.0.1:5080"]', '["127.0.0.1:5080"]\nprobe_seconds = -1',
     "x.toml:49: trunk_groups[1].probe_seconds: is too small; write 0.0 or more"),
    ('["127.0.0.1:5080"]', '["127.0.0.1:5080"]\ncapacity = 0',
     "x.toml:49: trunk_groups[1].capacity: is too small; write 1 or more"),
    ('["127.0.0.1:5080"]', "[]",
     "x.toml:48: trunk_groups[1].members: has too few elements; give at least 1"),
    ("{ footprint", "{ footprnit",
     f"x.toml:41: trunk_groups[0].modes.footprnit: no check is called 'footprnit'; use one of: {KNOWN_CHECKS}"),
    ('"monitor"', '"watch"',
     "x.toml:41: trunk_groups[0].modes.footprint: is none of the words for it; write 'enforce', 'monitor' or 'off'"),
    ('mode = "off"', "mode = off",
     "x.toml:49:8: Invalid value; correct the TOML"),
    ('mode = "off"', "mode = [",
     "x.toml:50: Invalid value before the end of the file; correct the TOML"),
    ('mode = "off"', "mode = 1\nmode = 2",
     "x.toml:50:9: Cannot overwrite a value; correct the TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "instead", "expected"), ONE_FAULT)
def test_a_fault_names_file_line_key_reason_and_remedy(folder: Path, written: str, instead: str, expected: str) -> None:
    assert written in VALID
    said = "\n".join(faults(VALID.replace(written, instead, 1)))
    assert said.replace(str(folder), "FOLDER") == expected


def test_all_faults_are_said_at_once_in_the_order_of_the_file(folder: Path) -> None:
    text = VALID.replace("5060", "port").replace("burst = 20", "burst = 0").replace('carrier = "1234"', 'carrier = "0"')
    (folder / "lerg").rmdir()
    assert [fault.split(": ")[:2] for fault in faults(text + "colour = 1\n")] == [
        ["x.toml:2", "gateway.listen"],
        ["x.toml:8", "numbering.lerg"],
        ["x.toml:32", "carriers[2].limit.burst"],
        ["x.toml:46", "trunk_groups[1].carrier"],
        ["x.toml:50", "trunk_groups[1].colour"],
    ]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("TOLLGATE_GATEWAY__LISTEN", "x", f"'x' is not an IP address and port; {ADDRESS_FORM}"),
        ("TOLLGATE_LIMITS__MAX_DIALOGS", "many", "is not a whole number; write digits"),
        (
            "TOLLGATE_GATEWAY__LISTENS",
            "x",
            "names no setting; remove it; TOLLGATE_SECTION__KEY overrides a single setting of a section",
        ),
        (
            "TOLLGATE_GATEWAY__EMERGENCY_NUMBERS",
            "[]",
            "names no setting; remove it; TOLLGATE_SECTION__KEY overrides a single setting of a section",
        ),
        (
            "TOLLGATE_GATEWAY__EMERGENCY_TRUNK_GROUP",
            "y",
            'no trunk group is called "y"; name one of [[trunk_groups]]',
        ),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert faults(VALID) == [f"environment: {variable}: {expected}"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "x.toml: agreement: is missing; add it"),
        (b'a = "\xff"', "x.toml:1: byte 5 is not UTF-8; save the file as UTF-8"),
        (b"a = " + b"[" * 10_000, "x.toml: brackets are nested too deep; correct the TOML"),
        (b"#" * (4 * 1024 * 1024 + 1), "x.toml: is larger than 4194304 bytes; give the path of a configuration file"),
        (b"gateway = 1\ncarriers = 2\ntrunk_groups = [3]", "x.toml: agreement: is missing; add it"),
    ],
    ids=["empty", "not UTF-8", "nested", "huge", "other types"],
)
def test_a_file_that_is_no_configuration_is_a_fault_and_no_traceback(content: bytes, expected: str) -> None:
    Path("x.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(Path("x.toml"))
    assert str(caught.value.faults[0]) == expected


def test_a_file_that_is_not_there_is_a_fault(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(folder / "none.toml")
    expected = f"{folder}/none.toml: cannot be read: No such file or directory; give the path of a configuration file"
    assert str(caught.value) == expected


@pytest.mark.usefixtures("folder")
def test_a_fault_is_one_printable_line_whatever_the_file_holds() -> None:
    assert faults(VALID.replace("lerg =", '"a\\n\\u001b[2J" = 1\nlerg =')) == [
        r"x.toml:8: numbering.a\n\x1b[2J: there is no such setting; remove it; known are lerg, ported"
    ]


@pytest.mark.usefixtures("folder")
def test_the_names_of_the_checks_can_be_given() -> None:
    text = VALID.replace("{ footprint", "{ new_check")
    assert load(text, check_names=frozenset({"new_check"})).trunk_groups[0].modes == {"new_check": Mode.MONITOR}


def test_the_example_configuration_is_without_fault() -> None:
    example = Path(__file__).parents[2] / "deploy" / "tollgate.toml"
    configuration = load_configuration(example)
    assert [group.name for group in configuration.trunk_groups] == [
        "riverbend-wentzville",
        "riverbend-dedicated",
        "wentzville",
    ]
    assert configuration.state_folder.resolve() == example.parents[1] / "var" / "tollgate"


@settings(deadline=None)
@given(
    st.integers(0, len(VALID)), st.integers(0, 40), st.text(max_size=10) | st.sampled_from(["1", '"', "[", "x = 1\n"])
)
def test_a_damaged_file_is_a_fault_or_a_configuration_and_never_a_traceback(at: int, cut: int, put: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "x.toml")
        file.write_text(VALID[:at] + put + VALID[at + cut :], encoding="utf-8", newline="")
        Path(folder, "lerg").mkdir()
        said = ["a fault"]
        try:
            load_configuration(file)
        except ConfigurationError as error:
            said = [str(fault) for fault in error.faults]
        assert said
        assert all(line.isprintable() for line in said)


@pytest.mark.usefixtures("folder")
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=4)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
def test_any_value_at_any_key_is_a_fault_or_a_configuration(value: object) -> None:
    for line in VALID.splitlines():
        if " = " in line:
            with suppress(ConfigurationError):
                load(VALID.replace(line, f"{line.split(' = ')[0]} = {toml_of(value)}", 1))


def toml_of(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(toml_of(element) for element in value)}]"
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan").replace("null", "{}")


def test_ipv6_addresses_are_known_in_whatever_way_they_are_written(folder: Path) -> None:
    text = VALID.replace('"127.0.0.1:5060"', '"[::0:1]:5060"').replace('"127.0.0.1:5080"', '"[0:0::1]:5080"')
    configuration = load(text.replace('"127.0.0.1:5070", "127.0.0.1:5071"', '"[::0:1]:5070"'))
    assert configuration.listen == (Hop("::1", 5060),)
    assert [group.members for group in configuration.trunk_groups] == [
        (Member(Hop("::1", 5070)),),
        (Member(Hop("::1", 5080)),),
    ]
    assert configuration.file.parent == folder


@pytest.mark.usefixtures("folder")
def test_a_member_may_be_a_table_and_its_group_says_how_it_is_watched() -> None:
    members = """members = [
        { address = "127.0.0.1:5080", priority = 1, weight = 3, capacity = 48 },
        "127.0.0.1:5081",
    ]
    capacity = 96
    probe_seconds = 0.5
    failures = 2
    failover_seconds = 1.5
    retry_seconds = 10
    retry_after_max_seconds = 60"""
    host = load(VALID.replace('members = ["127.0.0.1:5080"]', members)).trunk_groups[1]
    assert host.members == (Member(Hop("127.0.0.1", 5080), 1, 3, 48), Member(Hop("127.0.0.1", 5081), 0, 1, None))
    assert host.capacity == 96
    assert host.supervision == Supervision(500_000, 2, 1_500_000, 10_000_000, 60_000_000)
