"""Schedules of CronJobs as an API server judges them; verdicts on some are recorded in tests/agreement."""

import pytest

from towpath.schemas.cron import schedule_problem


@pytest.mark.parametrize(
    "schedule",
    [
        *("* * * * *", "*/5 * * * *", "0 0 * * 0", "59 23 31 12 6", "0 9-17 * * 1-5", "0,15,30,45 * * * *"),
        *("5/15 * * * *", "0 0 ? * *", "0 0 1 JAN,jul *", "0 0 * * MON-Fri", "1-59/2 * * * *", "0 0 29 2 *"),
        *("@hourly", "@yearly", "@midnight", "@every 1h30m", "@every 1.5h", "0  0\t* * *", " 0 0 * * * "),
    ],
)
def test_a_schedule_is_taken(schedule: str) -> None:
    assert schedule_problem(schedule) == ""


@pytest.mark.parametrize(
    "schedule",
    [
        *("60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 7", "-1 * * * *"),
        *("* * * *", "* * * * * *", "", "every day", "5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *"),
        *("1-2-3 * * * *", "a * * * *", "* * * foo *", "* * * * MONDAY", "1. * * * *", "+1 * * * *"),
        *(
            "@reboot",
            "@Daily",
            "@every",
            "@every day",
            "TZ=UTC 0 0 * * *",
            "CRON_TZ=UTC 0 0 * * *",
            "٣ * * * *",
        ),
    ],
)
def test_a_schedule_is_refused(schedule: str) -> None:
    assert schedule_problem(schedule)
