"""Our findings beside what a real API server said: python -m tests.agreement asks it again."""

import itertools

import pytest

from tests.agreement.compared import compare, judge, recorded
from tests.agreement.objects import Sample, broken_samples, valid_samples

FAULTS = {
    fault: list(samples) for fault, samples in itertools.groupby(broken_samples(), key=lambda each: each.file)
}


def test_no_object_that_the_server_takes_has_a_finding() -> None:
    row = compare("valid", valid_samples(), recorded(), judge())
    assert row.disagreements == ()
    assert row.refused == 0
    assert row.objects >= 300


@pytest.mark.parametrize("samples", FAULTS.values(), ids=list(FAULTS))
def test_what_the_server_refuses_is_found(samples: list[Sample]) -> None:
    row = compare("broken", samples, recorded(), judge())
    assert row.refused >= (10 if samples[0].folder else 30)
    assert row.found >= 0.95 * row.refused, "\n".join(row.disagreements)


def test_there_are_ten_kinds_of_fault() -> None:
    assert len(FAULTS) >= 10
