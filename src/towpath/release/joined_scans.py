"""The verdict about the images of one release: they pass together or not at all."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from towpath.release.model import ScanStatus, ScanSummary
from towpath.release.scan_policy import SEVERITIES
from towpath.release.scan_verdict import ScanVerdict


def join_verdicts(verdicts: Mapping[str, ScanVerdict]) -> ScanVerdict:
    """One verdict of several, by the name of their image; each finding then says in which image it is."""
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))
    named = [_named(name, verdict) for name, verdict in verdicts.items()]
    return ScanVerdict(
        _joined([each.summary for each in named]),
        tuple(finding for each in named for finding in each.findings),
        tuple(finding for each in named for finding in each.blocked_by),
        tuple(pair for each in named for pair in each.ignored),
        tuple(reason for each in named for reason in each.reasons),
    )


def _named(name: str, verdict: ScanVerdict) -> ScanVerdict:
    return replace(
        verdict,
        findings=tuple(replace(each, where=f"{name}: {each.where}") for each in verdict.findings),
        blocked_by=tuple(replace(each, where=f"{name}: {each.where}") for each in verdict.blocked_by),
        ignored=tuple((replace(each, where=f"{name}: {each.where}"), rule) for each, rule in verdict.ignored),
        reasons=tuple(f"{name}: {reason}" for reason in verdict.reasons),
    )


def _joined(scans: list[ScanSummary]) -> ScanSummary:
    """Only what all of them were scanned for counts as scanned, and each finding by its worst severity."""
    first = scans[0]
    systems = dict.fromkeys(each.os or "none" for each in scans)
    recorded = [each.findings for each in scans]
    return ScanSummary(
        status=_status([each.status for each in scans]),
        scanners=tuple(name for name in first.scanners if all(name in each.scanners for each in scans)),
        counts={
            name: count for name in SEVERITIES if (count := sum(each.counts.get(name, 0) for each in scans))
        },
        scanner_version=", ".join(dict.fromkeys(each.scanner_version for each in scans)),
        policy=first.policy,
        findings=_worst(each for each in recorded if each is not None) if None not in recorded else None,
        os=", ".join(systems) if any(each.os for each in scans) else "",
    )


def _status(statuses: list[ScanStatus]) -> ScanStatus:
    worst: tuple[ScanStatus, ...] = ("not-scanned", "blocked")
    return next((each for each in worst if each in statuses), "passed")


def _worst(recorded: Iterable[Mapping[str, str]]) -> dict[str, str]:
    worst: dict[str, str] = {}
    for findings in recorded:
        for name, severity in findings.items():
            known = worst.get(name, severity)
            worst[name] = min(known, severity, key=SEVERITIES.index)
    return worst
