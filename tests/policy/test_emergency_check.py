"""911 over a partner's trunks (L10)."""

from __future__ import annotations

from attempts import HOST_GROUP, attempt

from gateway.policy.checks.emergency import Emergency
from gateway.policy.verdict import Verdict

CHECK = Emergency()


def test_an_emergency_call_on_a_partners_trunks_raises_an_alert_and_breaks_nothing() -> None:
    finding = CHECK.judge(attempt(called="911", emergency=True))
    assert finding.verdict is Verdict.WARN
    assert finding.clause == "L10"
    assert finding.refusal is None
    assert finding.evidence[0].field == "Request-URI"
    assert "call back" not in finding.text


def test_an_emergency_call_without_a_number_says_that_nobody_can_call_back() -> None:
    assert "call back" in CHECK.judge(attempt(calling="anonymous", called="911", emergency=True)).text


def test_other_calls_and_the_hosts_own_emergency_calls_pass() -> None:
    assert CHECK.judge(attempt()).verdict is Verdict.PASS
    assert CHECK.judge(attempt(called="911", emergency=True, ingress=HOST_GROUP)).verdict is Verdict.PASS
    assert CHECK.judge(attempt(called="911", emergency=True, ingress=None)).verdict is Verdict.PASS
