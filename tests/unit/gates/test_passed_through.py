"""What stayed for long enough before a newer release came may move on."""

from dataclasses import replace
from datetime import timedelta

from towpath.gates.passed_through import passed_through
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image


def state(
    number: int, *, at: str, verified: str | None = None, back: str | None = None
) -> EnvironmentRelease:
    release = Release(
        app="hello", images=one_image("hello", "r.example.com/hello", f"sha256:{number:064x}"),
        commit=f"{number:040x}", source="", subject="", author="", flow_run="",
        built_at=f"2026-01-{number:02}T00:00:00Z", scan=ScanSummary("passed", ("secret",)),
    )  # fmt: skip
    return EnvironmentRelease(release, f"2026-02-01T{at}:00Z", "x", verified_at=verified, rolls_back=back)


FIRST = state(1, at="10:00", verified="2026-02-01T10:01:00Z")
SECOND = state(2, at="11:01")
HOUR = timedelta(hours=1)


def test_a_release_that_stayed_until_a_newer_one_came_has_passed_through() -> None:
    states = [SECOND, FIRST, replace(FIRST, verified_at=None)]
    assert passed_through(states, FIRST.release.id, HOUR) == FIRST
    assert passed_through(states, FIRST.release.id, HOUR + timedelta(seconds=1)) is None


def test_what_was_taken_back_or_never_verified_has_not() -> None:
    older = state(1, at="12:00", back=SECOND.release.id)
    second = replace(SECOND, verified_at="2026-02-01T11:02:00Z")
    third = state(3, at="13:00")
    assert passed_through([third, older, second, FIRST], SECOND.release.id, timedelta()) is None
    assert passed_through([state(1, at="12:00"), second], SECOND.release.id, timedelta()) is None
    assert passed_through([third, SECOND], SECOND.release.id, timedelta()) is None
    assert passed_through([SECOND], FIRST.release.id, timedelta()) is None
