"""What is taken out of a Trivy report: findings, the most severe first, and no secret."""

from typing import Any

import pytest

from towpath.release.scan_report import read_findings, worst_severities


def report(**results: Any) -> dict[str, Any]:
    return {"Results": [{"Target": "app/key.pem", **results}]}


@pytest.mark.parametrize("key", ["Secrets", "Vulnerabilities", "Misconfigurations"])
@pytest.mark.parametrize("field", ["Title", "Message"])
def test_a_title_shows_no_credentials(key: str, field: str) -> None:
    item = {"Severity": "HIGH", field: "uses https://bob:canary-1@host/ with password=canary-2"}
    (finding,), _ = read_findings(report(**{key: [item]}))
    assert "canary" not in str(finding)
    assert finding.title == "uses https://***@host/ with password=***"


def test_what_the_scanner_quotes_is_left_out() -> None:
    item = {"Severity": "HIGH", "RuleID": "key", "Match": "canary-1", "Code": {"Lines": ["canary-2"]}}
    (finding,), _ = read_findings(report(Secrets=[item]))
    assert "canary" not in str(finding.to_json())


def test_the_most_severe_come_first_and_one_of_unknown_severity_before_all() -> None:
    severities = ["LOW", "CRITICAL", "odd", "MEDIUM"]
    items = [{"VulnerabilityID": f"CVE-{n}", "Severity": each} for n, each in enumerate(severities)]
    found, reasons = read_findings(report(Vulnerabilities=items))
    assert [finding.severity for finding in found] == ["ODD", "CRITICAL", "MEDIUM", "LOW"]
    assert reasons == []
    assert list(worst_severities(found)) == ["CVE-0", "CVE-1", "CVE-2", "CVE-3"]
