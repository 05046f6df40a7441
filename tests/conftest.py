"""What all tests share: in CI no part may be missing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from towpath import redact
from towpath.redact.known_values import KnownValues


@pytest.fixture(scope="module", autouse=True)
def no_secret_is_known() -> None:
    """What other files have in Secrets, `another` for one, would be masked in what this one reads."""
    redact._known = KnownValues()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """With CI set, a test that was skipped because it `needs …` a part has failed."""
    report = yield
    if os.environ.get("CI") and report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        if reason.removeprefix("Skipped: ").startswith("needs "):
            report.outcome = "failed"
            report.longrepr = f"CI lacks a part: {reason}"
    return report


@dataclass(eq=False)
class FailureTeller:
    """Names what failed at once: a whole run takes half an hour."""

    terminal: pytest.TerminalReporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.terminal.verbosity < 0:
            self.terminal.write(f"\nfailed: {report.nodeid} ({report.when})\n")


def pytest_sessionstart(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(terminal, pytest.TerminalReporter) and "PYTEST_XDIST_WORKER" not in os.environ:
        session.config.pluginmanager.register(FailureTeller(terminal))
