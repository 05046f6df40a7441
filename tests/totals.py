"""What groups of tests came to, read from the JUnit files that pytest writes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

OUTCOMES = ("failed", "passed", "skipped", "error")
SLOWEST = 12


@dataclass(frozen=True, slots=True)
class GroupReport:
    """Of one group: seconds from begin to end, tests by outcome, seconds by file, and what is not good."""

    name: str
    seconds: float
    outcomes: Counter[str] = field(default_factory=Counter)
    files: dict[str, float] = field(default_factory=dict)
    bad: tuple[str, ...] = ()
    skipped: Counter[str] = field(default_factory=Counter)

    def counts(self) -> str:
        return _counts(self.outcomes) or "no tests"


def read_report(name: str, path: Path, seconds: float) -> GroupReport:
    """The group's report; a file that is missing means that pytest did not come to its end."""
    report = GroupReport(name, seconds)
    if not path.exists():
        report.outcomes["error"] += 1
        return report
    bad: list[str] = []
    for case in ElementTree.parse(path).iter("testcase"):
        file = case.get("classname", "").replace(".", "/") + ".py"
        outcome = _outcome(case)
        report.outcomes[outcome] += 1
        report.files[file] = report.files.get(file, 0.0) + float(case.get("time", "0"))
        if outcome in ("failed", "error"):
            bad.append(f"{outcome.upper()} {file}::{case.get('name')}")
        for reason in case.iter("skipped"):
            report.skipped[reason.get("message", "")] += 1
    return GroupReport(name, seconds, report.outcomes, report.files, tuple(bad), report.skipped)


def _outcome(case: ElementTree.Element) -> str:
    for tag, outcome in (("error", "error"), ("failure", "failed"), ("skipped", "skipped")):
        if case.find(tag) is not None:
            return outcome
    return "passed"


def tell_slowest(reports: Sequence[GroupReport]) -> str:
    """The slowest files, skipped tests by reason, and all tests that are not good."""
    files = [(seconds, file) for report in reports for file, seconds in report.files.items()]
    lines = ["Slowest files (sum of their tests, on the workers that they had)"]
    lines += [f"  {seconds:6.0f} s  {file}" for seconds, file in sorted(files, reverse=True)[:SLOWEST]]
    for report in reports:
        lines += [f"SKIPPED [{count}] {report.name}: {why}" for why, count in report.skipped.items()]
    lines += [line for report in reports for line in report.bad]
    return "\n".join(lines)


def summary_line(reports: Sequence[GroupReport], failed: Sequence[str], seconds: float) -> str:
    """As pytest's last line. A failed check that is no test is named."""
    total: Counter[str] = sum((report.outcomes for report in reports), Counter())
    others = [name for name in failed if name not in {report.name for report in reports}]
    parts = [*(f"{name} failed" for name in others), _counts(total) or "no tests ran"]
    return f"===== {', '.join(parts)} in {seconds:.2f}s ====="


def _counts(outcomes: Counter[str]) -> str:
    return ", ".join(f"{outcomes[each]} {each}" for each in OUTCOMES if outcomes[each])
