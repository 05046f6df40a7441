"""`make test` itself: which files it selects, and what its last line says."""

from collections import Counter
from pathlib import Path

import pytest

from tests.run import FLOWS, INTEGRATION, UNIT, Run, environment
from tests.totals import GroupReport, read_report, summary_line, tell_slowest

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_a" name="test_good" time="1.5"/>
<testcase classname="tests.unit.test_a" name="test_bad" time="0.5"><failure message="no"/></testcase>
<testcase classname="tests.unit.test_b" name="test_broken" time="0"><error message="no"/></testcase>
<testcase classname="tests.unit.test_b" name="test_left" time="0"><skipped message="needs helm"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("arguments", "unit", "flows"),
    [
        ([], ["tests/unit"], ["tests/flows"]),
        (["-k", "gate"], ["tests/unit", "-k", "gate"], ["tests/flows", "-k", "gate"]),
        (["tests/unit/kube", "-x"], ["tests/unit/kube", "-x"], None),
        (["tests/flows/test_lock.py::test_none"], None, ["tests/flows/test_lock.py::test_none"]),
        (["tests"], ["tests/unit"], ["tests/flows"]),
    ],
)
def test_arguments_select_groups(arguments: list[str], unit: object, flows: object) -> None:
    run = Run(arguments)
    assert (run.selected(UNIT), run.selected(FLOWS)) == (unit, flows)
    assert run.selected(INTEGRATION) is None or arguments in ([], ["-k", "gate"], ["tests"])


def test_a_report_counts_every_outcome_and_names_what_is_not_good(tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_text(JUNIT)
    report = read_report("unit", tmp_path / "unit.xml", 3.0)
    assert report.counts() == "1 failed, 1 passed, 1 skipped, 1 error"
    assert report.files == {"tests/unit/test_a.py": 2.0, "tests/unit/test_b.py": 0.0}
    told = tell_slowest([report]).splitlines()
    assert told[1].split() == ["2", "s", "tests/unit/test_a.py"]
    assert told[3:] == [
        "SKIPPED [1] unit: needs helm",
        "FAILED tests/unit/test_a.py::test_bad",
        "ERROR tests/unit/test_b.py::test_broken",
    ]


def test_a_group_that_pytest_did_not_end_is_an_error(tmp_path: Path) -> None:
    assert read_report("unit", tmp_path / "none.xml", 3.0).outcomes == {"error": 1}


def test_the_last_line_has_the_totals_and_the_checks_that_failed() -> None:
    reports = [
        GroupReport("unit", 1, Counter(passed=3, skipped=1)),
        GroupReport("flows", 1, Counter(passed=2)),
    ]
    assert summary_line(reports, [], 12.5) == "===== 5 passed, 1 skipped in 12.50s ====="
    assert (
        summary_line(reports, ["unit", "types"], 1)
        == "===== types failed, 5 passed, 1 skipped in 1.00s ====="
    )
    assert summary_line([], [], 1) == "===== no tests ran in 1.00s ====="


def test_what_python_compiles_is_kept_for_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("CI", "true")
    assert "PYTHONDONTWRITEBYTECODE" not in environment()
    assert environment()["CI"] == "true"
