"""Trouble is told once, again when it changes, and again when it had been over."""

import pytest

from towpath.drift.incidents import ENVIRONMENT_KEY, merge_incidents, new_incidents

A, B, HELD = {"a": "no such folder"}, {"b": "not YAML"}, {ENVIRONMENT_KEY: "rewritten"}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({}, {}, set()),
        ({}, A, {"a"}),
        (A, A, set()),
        (A, {"a": "not YAML"}, {"a"}),
        (A, A | B, {"b"}),
        (A | B, B, set()),
        (A, A | HELD, {ENVIRONMENT_KEY}),
        (HELD, HELD, set()),
        (HELD, {ENVIRONMENT_KEY: "rewritten again"}, {ENVIRONMENT_KEY}),
    ],
)
def test_only_news_is_told(before: dict[str, str], now: dict[str, str], told: set[str]) -> None:
    assert new_incidents(before, now) == told


@pytest.mark.parametrize(
    ("before", "now", "looked", "after"),
    [
        ({}, A, None, A),
        (A | HELD, {}, None, {}),
        (A | B, B, None, B),
        (A | B, {}, ["a"], B),
        (A | HELD, {}, ["b"], A | HELD),
        (A, B, ["b"], A | B),
        (A, {"a": "not YAML"} | HELD, ["a"], {"a": "not YAML"} | HELD),
    ],
)
def test_what_was_not_looked_at_is_not_over(
    before: dict[str, str], now: dict[str, str], looked: list[str] | None, after: dict[str, str]
) -> None:
    assert merge_incidents(before, now, looked) == after


def test_what_was_over_is_news_when_it_comes_back() -> None:
    between = merge_incidents(A, {}, None)
    assert new_incidents(between, A) == {"a"}
