from itertools import product
from pathlib import Path
from typing import Any

import pytest

from towpath.health import Status, assess
from towpath.health.assess import JUDGES, JUDGES_THAT_WEIGH_BAD_NEWS, healthy_once_present
from towpath.health.operators import row_of
from towpath.objects import group_of
from towpath.yamltext.manifest_reader import load_document

DATA = sorted((Path(__file__).parent / "data").glob("*.yaml"))

STRANGE = (None, "", "x", 7, True, {}, {"x": 1}, [None], [[]], [{"type": ["x"]}])

JUDGED = sorted(
    key for key in JUDGES if not healthy_once_present(*key) and key[1] not in ("Service", "CronJob")
)
"""Kinds for which existing is not enough."""


def load(path: Path) -> Any:
    return load_document(path.read_text(), path.name)


HEALTHY_CUSTOM = [
    (path, manifest)
    for path in DATA
    if path.stem.endswith("-healthy")
    and (key := (group_of((manifest := load(path))["apiVersion"]), manifest["kind"])) not in JUDGES
    and row_of(*key) not in JUDGES_THAT_WEIGH_BAD_NEWS
]


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.stem)
def test_verdict(path: Path) -> None:
    health = assess(load(path))
    assert health.status == path.stem.rpartition("-")[2].capitalize(), health.message
    assert health.message


@pytest.mark.parametrize(
    "name",
    [
        "deployment-deadline-degraded",
        "pod-crash-loop-degraded",
        "pod-image-pull-degraded",
        "pod-image-name-degraded",
        "pod-failed-degraded",
        "job-failed-degraded",
        "custom-stalled-degraded",
    ],
)
def test_hopeless_is_told(name: str) -> None:
    assert assess(load(next(path for path in DATA if path.stem == name))).final


@pytest.mark.parametrize("name", ["pod-configmap-missing-degraded", "deployment-quota-degraded"])
def test_what_may_heal_is_not_hopeless(name: str) -> None:
    assert not assess(load(next(path for path in DATA if path.stem == name))).final


@pytest.mark.parametrize("key", JUDGED)
@pytest.mark.parametrize(
    "junk", [{}, {"status": None}, {"status": "x", "spec": 1}, {"status": {"conditions": 1}}]
)
def test_no_kind_is_healthy_without_evidence(key: tuple[str, str], junk: dict[str, Any]) -> None:
    group, kind = key
    version = f"{group}/v1" if group else "v1"
    health = assess({"apiVersion": version, "kind": kind, "metadata": {"name": "x", "generation": 1}, **junk})
    assert health.status is not Status.HEALTHY


@pytest.mark.parametrize("news", ["Stalled", "Degraded", "Failed"])
def test_bad_news_is_never_healthy(news: str) -> None:
    told = {"type": news, "status": "True", "reason": "RetriesExceeded", "message": "it failed for good"}
    for path, manifest in HEALTHY_CUSTOM:
        status = manifest.get("status") or {}
        listed = status.get("conditions") if isinstance(status.get("conditions"), list) else []
        changed = {**manifest, "status": {**status, "conditions": [*listed, told]}}
        assert assess(changed).status is not Status.HEALTHY, path.stem


def test_an_older_generation_is_never_healthy() -> None:
    for path, manifest in HEALTHY_CUSTOM:
        status = {**(manifest.get("status") or {}), "observedGeneration": 4}
        changed = {**manifest, "metadata": {**manifest["metadata"], "generation": 5}, "status": status}
        assert assess(changed).status is not Status.HEALTHY, path.stem


def test_strange_values_are_no_error() -> None:
    for manifest in map(load, DATA):
        for part in ("metadata", "spec", "status"):
            for key, junk in product(manifest.get(part) or {}, STRANGE):
                assert assess({**manifest, part: {**manifest[part], key: junk}}).status in Status


@pytest.mark.parametrize("junk", [{}, {"kind": 1, "apiVersion": "v1"}, {"kind": "Pod"}])
def test_what_is_no_object_is_unknown(junk: dict[str, Any]) -> None:
    assert assess(junk).status is Status.UNKNOWN


def test_messages_say_why() -> None:
    said = {path.stem: assess(load(path)).message for path in DATA}
    assert "OOMKilled, exit code 137" in said["pod-crash-loop-degraded"]
    assert "exceeded quota" in said["deployment-quota-degraded"]
    assert "0/1 nodes are available" in said["pod-unschedulable-progressing"]
    assert "generation 2, seen 1" in said["deployment-not-observed-progressing"]
