import json
from functools import cache
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


@cache
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


def test_conditions_about_an_older_generation_are_never_healthy() -> None:
    """Also where a row reads a word or a field: the word is as old as the conditions beside it."""
    swept = 0
    for path, manifest in HEALTHY_CUSTOM:
        status = {k: v for k, v in (manifest.get("status") or {}).items() if k != "observedGeneration"}
        listed = status.get("conditions")
        if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
            continue
        status["conditions"] = [{**each, "observedGeneration": 4} for each in listed]
        changed = {**manifest, "metadata": {**manifest["metadata"], "generation": 5}, "status": status}
        assert assess(changed).status is not Status.HEALTHY, path.stem
        swept += 1
    assert swept > 300


VALID = {"type": "Valid", "status": "True", "reason": "Valid"}
PARENT = {"conditions": [{**VALID, "type": "Accepted", "observedGeneration": 2}]}


@pytest.mark.parametrize(
    ("group", "kind", "status", "expected"),
    [
        ("projectcontour.io", "HTTPProxy", {"currentStatus": "valid", "conditions": [{**VALID}]}, "Healthy"),
        ("example.com", "Widget", {"phase": "Ready", "conditions": [{**VALID}]}, "Healthy"),
        ("example.com", "Widget", {"state": "Active", "condition": {**VALID}}, "Healthy"),
        ("example.com", "Widget", {"phase": "Ready", "v1beta2": {"conditions": [{**VALID}]}}, "Healthy"),
        ("gateway.networking.k8s.io", "HTTPRoute", {"parents": [PARENT]}, "Healthy"),
        ("example.com", "Widget", {"phase": "Failed", "conditions": [{**VALID}]}, "Degraded"),
    ],
)
def test_a_word_is_as_old_as_its_conditions(
    group: str, kind: str, status: dict[str, Any], expected: str
) -> None:
    def at(generation: int) -> str:
        body = json.loads(
            json.dumps(status).replace('"Valid"}', f'"Valid", "observedGeneration": {generation}}}')
        )
        body = json.loads(
            json.dumps(body).replace('"observedGeneration": 2', f'"observedGeneration": {generation}')
        )
        metadata = {"name": "x", "generation": 3}
        return str(
            assess({"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "status": body}).status
        )

    assert at(3) == expected
    assert at(2) == "Progressing"
    assert at(-1) == "Progressing"


def test_copies_of_another_objects_conditions_make_nothing_old() -> None:
    child = {"name": "child", "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}
    own = [{"type": "Ready", "status": "True", "observedGeneration": 7}]
    for status in ({"conditions": own, "resources": [child]}, {"phase": "Ready", "resources": [child]}):
        manifest = {"apiVersion": "e.com/v1", "kind": "W", "metadata": {"name": "x", "generation": 7}}
        assert assess({**manifest, "status": status}).status is Status.HEALTHY


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
