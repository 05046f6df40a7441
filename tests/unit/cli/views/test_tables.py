"""Tables and ages, as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from towpath.cli.views.tables import age, table

NOW = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(seconds=0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=3, seconds=20), "3m20s"),
        (timedelta(minutes=12, seconds=20), "12m"),
        (timedelta(hours=3, minutes=12), "3h12m"),
        (timedelta(hours=11, minutes=12), "11h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=2, hours=5), "2d5h"),
        (timedelta(days=12, hours=5), "12d"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_an_age_is_told_as_kubectl_does(ago: timedelta, told: str) -> None:
    assert age((NOW - ago).isoformat(), NOW) == told


@pytest.mark.parametrize("moment", ["", None, "yesterday"])
def test_no_time_has_no_age(moment: str | None) -> None:
    assert age(moment, NOW) == "-"


def test_a_time_without_zone_is_utc() -> None:
    assert age("2026-01-19T23:59:00", NOW) == "1m"


def test_long_cells_are_cut_but_for_the_last_and_control_characters_are_gone() -> None:
    told = table([("A", "B"), ("x" * 70, "y" * 70), ("\x1b[31mred", "a\nb")])
    lines = told.splitlines()
    assert lines[1] == f"{'x' * 59}…  {'y' * 70}"
    assert lines[2].split() == ["red", "a", "b"]
    assert not any(line.endswith(" ") for line in lines)
