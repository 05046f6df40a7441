"""What is written of a Lease: times as the server takes them, and all that others have put there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from towpath.adapters.kubernetes.lease import Lease, lease_of, lease_time, manifest_of, released


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 120, tzinfo=UTC), "2026-01-02T03:04:05.000120Z"),
        (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00.000000Z"),
    ],
)
def test_a_time_on_a_whole_second_has_its_digits_too(at: datetime, text: str) -> None:
    assert lease_time(at) == text


def test_labels_and_fields_of_others_are_written_back() -> None:
    manifest = {
        "metadata": {"name": "a", "namespace": "b", "resourceVersion": "7", "labels": {"team": "x"}},
        "spec": {"holderIdentity": "old", "leaseDurationSeconds": 15, "strategy": "OldestEmulationVersion"},
    }
    written = manifest_of(replace(lease_of(manifest), holder="new"), "b", "a")
    assert written["metadata"] == manifest["metadata"]
    assert (written["spec"]["holderIdentity"], written["spec"]["strategy"]) == (
        "new",
        "OldestEmulationVersion",
    )


@pytest.mark.parametrize("manifest", [{}, {"spec": None}, {"spec": {"holderIdentity": None}}])
def test_what_a_lease_does_not_say_is_empty(manifest: dict[str, object]) -> None:
    assert lease_of(manifest) == Lease("", 0, "", "", 0)


def test_a_lease_given_back_has_no_holder() -> None:
    back = released(Lease("a", 15, "t", "t", 3), datetime(2026, 1, 1, tzinfo=UTC))
    assert (back.holder, back.seconds, back.transitions) == ("", 1, 3)
