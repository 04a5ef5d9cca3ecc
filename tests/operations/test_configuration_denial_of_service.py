"""What a configuration says of denial of service and of notices."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_configuration import VALID, faults, load

from gateway.interconnection.carriers import Ocn, RateLimit
from gateway.interconnection.denial_of_service import Scope, StepKind

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lerg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def with_section(name: str, *lines: str) -> str:
    return VALID + f"\n[{name}]\n" + "\n".join(lines) + "\n"


def test_without_a_section_the_gateway_takes_no_step_by_itself(folder: Path) -> None:
    configuration = load(VALID)
    settings = configuration.denial_of_service
    assert settings.automatic == frozenset()
    assert settings.response.discontinue_scope is Scope.PROVIDER
    assert settings.throttle == RateLimit(1.0, 5, 20)
    assert (settings.decide_within_s, settings.clear_s) == (300, 300)
    assert (settings.evidence_bytes, settings.evidence_bundles) == (8_000_000, 100)
    notices = configuration.notices
    assert (notices.folder, notices.webhook) == (configuration.state_folder / "notices", None)
    assert notices.account_managers == {}
    assert notices.folder.is_relative_to(folder)


def test_the_steps_that_a_gateway_takes_by_itself_are_named() -> None:
    text = with_section(
        "denial_of_service",
        'automatic = ["throttle", "release", "discontinue"]',
        'discontinue_scope = "partner"',
        "throttle = { sustained_per_s = 0.5, burst = 2, in_progress = 4 }",
    )
    settings = load(text).denial_of_service
    assert settings.automatic == {StepKind.THROTTLE, StepKind.RELEASE, StepKind.DISCONTINUE}
    assert settings.response.discontinue_scope is Scope.PARTNER
    assert settings.throttle == RateLimit(0.5, 2, 4)


WEBHOOK_FORM = 'write "https://host/path", or "http://127.0.0.1:PORT/path" on this machine'


@pytest.mark.parametrize(
    ("section", "line", "expected"),
    [
        (
            "denial_of_service",
            'automatic = ["throttle", "cutover"]',
            "automatic[1]: 'cutover' is no step that a gateway takes by itself; "
            "write throttle, release, discontinue, in quotes",
        ),
        ("denial_of_service", "automatic = [1]", "automatic[0]: '1' is no step that a gateway takes by itself"),
        ("denial_of_service", 'automatic = "throttle"', "automatic: is not an array"),
        (
            "denial_of_service",
            'discontinue_scope = "everybody"',
            "discontinue_scope: is none of the words for it; write 'provider' or 'partner'",
        ),
        ("denial_of_service", "decide_within_seconds = 0", "decide_within_seconds: is too small; write 1 or more"),
        ("denial_of_service", "clear_seconds = 2592001", "clear_seconds: is too large; write 2592000 or less"),
        ("denial_of_service", "throttle = 5", "throttle: is not a table"),
        ("denial_of_service", "throttle = { burst = 1, in_progress = 1 }", "throttle.sustained_per_s: is missing"),
        ("denial_of_service", "evidence_megabytes = 2000", "evidence_megabytes: is too large; write 1024 or less"),
        ("denial_of_service", "forgive_seconds = 1", "forgive_seconds: there is no such setting"),
        ("notices", 'webhook = "ftp://host/"', f"webhook: 'ftp://host/' is not a URL of HTTP; {WEBHOOK_FORM}"),
        ("notices", 'webhook = "https:///path"', "webhook: 'https:///path' is not a URL of HTTP"),
        ("notices", 'webhook = "https://host:port/"', "webhook: 'https://host:port/' is not a URL; "),
        ("notices", 'webhook = "https://a b/"', "webhook: 'https://a b/' is not a URL of HTTP"),
        ("notices", 'webhook = "https://me:pw@host/"', "webhook: has a user, a password or a fragment"),
        ("notices", 'webhook = "https://host/#here"', "webhook: has a user, a password or a fragment"),
        ("notices", 'webhook = "http://192.0.2.1/"', "webhook: is not encrypted on its way to another machine"),
        ("notices", "webhook = 7", "webhook: is not a URL; "),
    ],
)
def test_a_fault_of_a_section_is_said_with_what_to_do(section: str, line: str, expected: str) -> None:
    (fault,) = faults(with_section(section, line))
    assert fault.startswith(f"x.toml:{VALID.count(chr(10)) + 3}: {section}.{expected}")


@pytest.mark.parametrize(
    "url", ["https://partner.example/notices?for=us", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost:1/"]
)
def test_a_webhook_is_encrypted_or_on_this_machine(url: str) -> None:
    assert load(with_section("notices", f'webhook = "{url}"')).notices.webhook == url


def test_notices_go_to_the_account_manager_of_the_partner() -> None:
    text = VALID.replace("amendment = true", 'amendment = true\naccount_manager = "A. Manager <a@partner.example>"')
    assert load(text).notices.account_managers == {Ocn("567A"): "A. Manager <a@partner.example>"}


def test_an_account_manager_of_anybody_else_is_a_fault() -> None:
    text = VALID.replace('kind = "host"', 'kind = "host"\naccount_manager = "A. Manager"')
    (fault,) = faults(text)
    assert fault.endswith(
        "carriers[0].account_manager: is the partner's (L1.3), and this carrier is a host; set it on the partner"
    )


def test_single_settings_are_overridden_and_tables_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_DENIAL_OF_SERVICE__CLEAR_SECONDS", "60")
    monkeypatch.setenv("TOLLGATE_DENIAL_OF_SERVICE__DISCONTINUE_SCOPE", "partner")
    settings = load(VALID).denial_of_service
    assert (settings.clear_s, settings.response.discontinue_scope) == (60, Scope.PARTNER)
    monkeypatch.setenv("TOLLGATE_DENIAL_OF_SERVICE__THROTTLE", "5")
    (fault,) = faults(VALID)
    assert fault.startswith("environment: TOLLGATE_DENIAL_OF_SERVICE__THROTTLE: names no setting")
