"""What decides whether a change is carried out: its own files, and what other environments have verified."""

import pytest

from towpath.engine.watch.wanted import decided_by

TREES = {
    "towpath.yaml": "1",
    "apps": "2",
    "apps/crds": "3",
    "apps/web": "4",
    "pauses/prod.yaml": "5",
    "verified": "6",
    "verified/dev": "7",
    "verified/prod": "8",
}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("towpath.yaml", {"", "crds", "web"}),
        ("pauses/prod.yaml", {"", "crds", "web"}),
        ("apps/crds", {"crds"}),
        ("verified/dev", {"", "crds", "web"}),
        ("verified/prod", set()),
    ],
)
def test_a_held_change_is_tried_again_when_what_decides_about_it_changes(
    path: str, changed: set[str]
) -> None:
    before, after = decided_by(TREES, "prod"), decided_by(TREES | {path: "9"}, "prod")
    assert {app for app in after if before[app] != after[app]} == changed
