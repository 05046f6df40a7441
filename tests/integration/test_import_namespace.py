"""A namespace of the cluster is imported: what is live stays as it is, and is then Towpath's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.importing import content, towpath
from tests.integration.manifests import configmap, deployment, role, secret, service
from tests.integration.world import World, throw_away
from towpath.config import load_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.check.repository import check_repository
from towpath.engine.preview.plan import plan_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import render_app
from towpath.objects import Manifest

pytestmark = pytest.mark.integration

OF_OTHERS = (
    *("/metadata/labels", "towpath.dev~1app", "towpath.dev~1environment", "applyset.kubernetes.io~1part-of"),
    *("/metadata/annotations", "kubectl.kubernetes.io~1last-applied-configuration"),
)
"""Ends of pointers: who an object belongs to, and what kubectl remembers of it."""


@pytest.fixture
def tools(stack: Any) -> Path:
    found: Path = stack.settings.tools
    return found


@pytest.fixture
def world(stack: Any) -> Iterator[World]:
    with throw_away(stack.settings) as one:
        yield one


def workloads() -> list[Manifest]:
    """Kinds with many fields that the server fills."""
    probe = {"httpGet": {"path": "/", "port": 80}}
    web = deployment("web")
    web["spec"]["template"]["spec"]["containers"][0] |= {
        "readinessProbe": probe,
        "ports": [{"containerPort": 80}],
    }
    pod = web["spec"]["template"]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    db = {
        "replicas": 0,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "web"}},
        "template": pod,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    once = {"template": {"spec": {**pod["spec"], "restartPolicy": "Never"}}}
    night = {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": once}}
    headless = service("db")
    headless["spec"] |= {"clusterIP": "None"}
    target = {"type": "Utilization", "averageUtilization": 60}
    scaled = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    rule = {
        "http": {
            "paths": [
                {
                    "path": "/",
                    "pathType": "Prefix",
                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                }
            ]
        }
    }
    return [
        *(web, service("web"), headless, role("web"), configmap("settings", A="1e3", B="a\nb ")),
        of("apps/v1", "StatefulSet", "db", spec=db),
        of("batch/v1", "CronJob", "night", spec=night),
        of("batch/v1", "Job", "once", spec={**once, "suspend": True}),
        of("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=scaled),
        of("networking.k8s.io/v1", "Ingress", "web", spec={"rules": [rule]}),
        of(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "web",
            spec={"podSelector": {}, "policyTypes": ["Egress"]},
        ),
        of("policy/v1", "PodDisruptionBudget", "web", spec={"maxUnavailable": 1, "selector": {}}),
        of("v1", "ServiceAccount", "web"),
        of("v1", "PersistentVolumeClaim", "files", spec={**claim, "storageClassName": "none"}),
    ]


def of(api_version: str, kind: str, name: str, **content: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **content}


def declared_spec(manifest: Manifest) -> Any:
    """As Git has it in the end: without the replicas of what is scaled."""
    spec = {
        key: value
        for key, value in manifest.get("spec", {}).items()
        if manifest["kind"] != "Deployment" or key != "replicas"
    }
    return spec or None


@pytest.mark.parametrize("by", ["client-side", "helm"])
def test_what_people_have_made_is_imported_and_taken_over(
    world: World, tools: Path, tmp_path: Path, by: str
) -> None:
    objects = workloads()
    options = ("--server-side", "--field-manager=helm") if by == "helm" else ()
    text = "\n---\n".join(map(json.dumps, [*objects, secret("db", password="hunter2-and-more")]))
    world.kubectl("apply", *options, "-f", "-", text=text)
    before, folder = content(world, objects), tmp_path / "environments"
    done = towpath(world, tools, "import", folder, "--namespace", world.namespace)
    assert done.exit_code == 0, (done.output, done.exception)
    told = [line for line in done.output.splitlines() if line.startswith("not carried over")]
    assert len(told) == 1, told
    assert f"Secret {world.namespace}/db" in told[0]
    written = [yaml.safe_load(path.read_text()) for path in (folder / "apps").rglob("*.yaml")]
    specs = {(each["kind"], each["metadata"]["name"]): each.get("spec") for each in written}
    assert specs == {(each["kind"], each["metadata"]["name"]): declared_spec(each) for each in objects}
    assert not [path for path in folder.rglob("*") if path.is_file() and "hunter2" in path.read_text()]
    config = load_config(folder)
    where = config.environments[0]
    assert [str(each) for each in check_repository(folder, tools=tools).findings] == []
    rendered = render_app(folder, config, world.namespace, where.name, tools=tools)
    plan = plan_app(world.cluster, rendered, where)
    pointers = {difference.pointer for entry in plan.entries for difference in entry.differences}
    assert all(each.endswith(OF_OTHERS) for each in pointers), pointers
    sync_app(world.cluster, rendered, where, commit="c" * 40)
    assert content(world, objects) == before
    compared = towpath(world, tools, "diff", where.name, "--repo", folder)
    assert compared.exit_code == 0, compared.output
    drift = inspect(world.cluster, where, [rendered], commit="c" * 40).report
    assert drift.entries == (), drift.entries  # the Secret is no extra
    again = towpath(world, tools, "import", tmp_path / "again", "--namespace", world.namespace)
    assert again.exit_code == 1
    assert "belongs to another ApplySet" in again.output
