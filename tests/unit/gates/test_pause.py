"""Pauses: what holds until when, what the file looks like, and what is wrong in one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from towpath.errors import ConfigError
from towpath.formats.versions import V2
from towpath.gates.pause import (
    Pause,
    active_pause,
    add_pause,
    dump_pauses,
    load_pauses,
    parse_pauses,
    parse_until,
    pause_message,
    remove_pause,
    resume_message,
)
from towpath.release.commit_message import parse_trailers

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SOON, LATE, PAST = "2026-11-21T13:00:00+00:00", "2026-11-22T12:00:00+00:00", "2026-11-21T11:59:59+00:00"
ALL = Pause("", SOON, "migration", "alice", PAST)
HELLO = Pause("hello", LATE, "a leak", "bob", PAST)
OVER = Pause("hello", PAST, "old", "bob", PAST)


def test_a_pause_of_the_environment_holds_for_every_app_and_ends_by_itself() -> None:
    assert active_pause([ALL], "hello", NOW) == ALL
    assert active_pause([ALL], "", NOW) == ALL
    assert active_pause([ALL], "hello", NOW + timedelta(hours=1)) is None
    assert active_pause([OVER], "hello", NOW) is None


def test_a_pause_of_an_app_holds_for_it_alone() -> None:
    assert active_pause([HELLO], "hello", NOW) == HELLO
    assert active_pause([HELLO], "other", NOW) is None
    assert active_pause([HELLO], "", NOW) is None
    assert active_pause([ALL, HELLO], "hello", NOW) == HELLO, "the one that ends last"


def test_a_new_pause_replaces_the_one_before_and_drops_what_is_over() -> None:
    longer = Pause("", LATE, "longer", "alice", PAST)
    assert add_pause([ALL, OVER], longer, NOW) == (longer,)
    assert add_pause([ALL], HELLO, NOW) == (ALL, HELLO)
    assert remove_pause([ALL, HELLO], "", NOW) == (HELLO,)
    assert remove_pause([ALL, OVER], "", NOW) == ()


def test_the_file_comes_back_as_it_was_written(tmp_path: Path) -> None:
    text = dump_pauses([ALL, HELLO], V2)
    assert text is not None
    (tmp_path / "pauses").mkdir()
    (tmp_path / "pauses/prod.yaml").write_text(text)
    assert load_pauses(tmp_path, "prod") == (ALL, HELLO)
    assert load_pauses(tmp_path, "dev") == ()
    assert dump_pauses([], V2) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "must be a mapping that begins with `apiVersion: towpath.dev/v2`"),
        ("- {until: '2026-11-21T13:00:00Z'}", "must have `until` and `reason`"),
        ("- {until: '2026-11-21T13:00:00Z', reason: x, apps: y}", "must have `until` and `reason`"),
        ("- {until: '2026-11-21T13:00:00', reason: x}", "with its zone"),
        ("- {until: 'soonZ', reason: x}", "is no time"),
        ("- {until: 5, reason: x}", "must be a text"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"pauses/prod\.yaml:1: ") as caught:
        parse_pauses(text, "pauses/prod.yaml")
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2h", "2026-11-21T14:00:00+00:00"),
        ("1d12h", "2026-11-23T00:00:00+00:00"),
        ("2026-11-21T15:30+02:00", "2026-11-21T13:30:00+00:00"),
        ("2026-11-21T18:00:00Z", "2026-11-21T18:00:00+00:00"),
    ],
)
def test_an_end_is_a_duration_or_a_time(text: str, until: str) -> None:
    assert parse_until(text, NOW) == until


def test_a_time_without_a_zone_is_local() -> None:
    local = (NOW + timedelta(hours=3)).astimezone().replace(tzinfo=None).isoformat()
    assert parse_until(local, NOW) == "2026-11-21T15:00:00+00:00"


@pytest.mark.parametrize("text", ["", "soon", "0h", "2026-11-21T11:00Z", "-2h", "999999999d"])
def test_no_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|too"):
        parse_until(text, NOW)


def test_the_commits_carry_who_and_until_when() -> None:
    trailers = parse_trailers(pause_message("prod", HELLO, "k"))
    assert trailers["Towpath-App"] == ["hello"]
    assert trailers["Towpath-Paused-Until"] == [LATE]
    assert trailers["Towpath-Paused-By"] == ["bob"]
    assert "Towpath-App" not in parse_trailers(pause_message("prod", ALL, "k"))
    assert parse_trailers(resume_message("prod", "", "alice", "k"))["Towpath-Resumed-By"] == ["alice"]
    assert resume_message("prod", "", "alice", "k").startswith("Resume prod\n")
