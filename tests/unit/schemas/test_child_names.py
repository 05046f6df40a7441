from typing import Any

import pytest

from towpath.schemas.child_names import child_name_note
from towpath.schemas.names import name_problem


def note(kind: str, name: str, spec: dict[str, Any] | None = None, version: str = "apps/v1") -> str:
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    return child_name_note(manifest) or ""


@pytest.mark.parametrize(
    ("kind", "length", "most"),
    [
        ("StatefulSet", 52, None),
        ("StatefulSet", 53, 52),
        ("StatefulSet", 63, 52),
        ("StatefulSet", 64, None),
        ("DaemonSet", 63, None),
        ("DaemonSet", 242, None),
        ("DaemonSet", 243, 242),
        ("DaemonSet", 253, 242),
        ("Deployment", 63, None),
        ("Deployment", 253, None),
        ("ReplicaSet", 253, None),
    ],
)
def test_a_name_whose_pods_a_server_may_refuse(kind: str, length: int, most: int | None) -> None:
    said = note(kind, "a" * length)
    expected = f"`metadata.name` has {length} characters; with more than {most} its pods may never be created"
    assert said.startswith(expected) if most else not said


@pytest.mark.parametrize("version", ["v1", "apps.example.com/v1", "batch/v1"])
def test_of_a_kind_of_another_group_nothing_is_said(version: str) -> None:
    assert not note("StatefulSet", "a" * 60, version=version)


INDEXED = "Indexed"


@pytest.mark.parametrize(
    ("name", "mode", "completions", "expected"),
    [
        ("a" * 52, INDEXED, 3, ""),
        ("a" * 52, INDEXED, 11, "has 52 characters; with more than 51 its Jobs are never created"),
        ("a" * 51, INDEXED, 11, ""),
        ("a" * 50, INDEXED, 1001, "has 50 characters; with more than 49 its Jobs are never created"),
        ("a.b", INDEXED, 1, "has a `.`; its Jobs are never created"),
        ("a.b", "NonIndexed", 2, ""),
        ("a.b", None, 2, ""),
        ("a.b", INDEXED, 0, ""),
        ("a.b", INDEXED, None, ""),
        ("a.b", INDEXED, True, ""),
        ("a" * 53, INDEXED, 1000, ""),
    ],
)
def test_the_jobs_of_an_indexed_cron_job(
    name: str, mode: str | None, completions: Any, expected: str
) -> None:
    spec = {"jobTemplate": {"spec": {"completionMode": mode, "completions": completions}}}
    said = note("CronJob", name, spec, "batch/v1")
    assert said.startswith(f"`metadata.name` {expected}") if expected else not said


@pytest.mark.parametrize("spec", [None, {}, {"jobTemplate": None}, {"jobTemplate": {"spec": []}}, []])
def test_a_cron_job_of_another_structure_has_no_note(spec: Any) -> None:
    assert not note("CronJob", "a" * 52, spec, "batch/v1")


@pytest.mark.parametrize(
    ("name", "completions", "expected"),
    [
        ("a" * 61, 1, None),
        ("a" * 62, 1, "has 62 characters; the Job is indexed, so at most 61 are allowed"),
        ("a" * 61, 10, None),
        ("a" * 61, 11, "has 61 characters; the Job is indexed, so at most 60 are allowed"),
        ("a.b", 1, "must have no `.`: the Job is indexed, and its pods' host names begin with this name"),
        ("a.b", 0, None),
        ("1a", 1, None),
    ],
)
def test_the_pods_of_an_indexed_job_are_named_by_it(
    name: str, completions: int, expected: str | None
) -> None:
    assert (
        name_problem("batch", "Job", name, {"completionMode": INDEXED, "completions": completions})
        == expected
    )
