"""CA bundles that a controller puts where Git has a placeholder: left to it, on each kind that has one."""

import base64
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.engine.source.render import EarlierApp
from towpath.fields import pointer
from towpath.objects import Manifest

pytestmark = pytest.mark.integration
NOBODY = {"matchLabels": {"towpath.dev/no-such-label": "x"}}


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


def webhook(kind: str, bundle: str) -> Manifest:
    service = {"name": "none", "namespace": "default"}
    hook = {
        "name": "a.example.com",
        "clientConfig": {"service": service, "caBundle": bundle},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "namespaceSelector": NOBODY,
        "rules": [{"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"],
                   "resources": ["nothings"]}],
    }  # fmt: skip
    api = "admissionregistration.k8s.io/v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": ""}, "webhooks": [hook]}


def definition(bundle: str) -> Manifest:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    client = {"service": {"name": "none", "namespace": "default"}, "caBundle": bundle}
    spec = {
        "group": "equal.example.com",
        "names": {"kind": "Equal", "plural": "equals"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        "conversion": {
            "strategy": "Webhook",
            "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]},
        },
    }
    metadata = {"name": "equals.equal.example.com"}
    api = "apiextensions.k8s.io/v1"
    return {"apiVersion": api, "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec}


def api_service(bundle: str) -> Manifest:
    spec = {
        "group": "equal-none.example.com",
        "version": "v1",
        "service": {"name": "none", "namespace": "default"},
        "caBundle": bundle,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    metadata = {"name": "v1.equal-none.example.com"}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": metadata,
        "spec": spec,
    }


CASES = {
    "mutating": (lambda ca: webhook("MutatingWebhookConfiguration", ca), "/webhooks/0/clientConfig/caBundle"),
    "validating": (
        lambda ca: webhook("ValidatingWebhookConfiguration", ca),
        "/webhooks/0/clientConfig/caBundle",
    ),
    "definition": (definition, "/spec/conversion/webhook/clientConfig/caBundle"),
    "api-service": (api_service, "/spec/caBundle"),
}


@pytest.fixture
def case(world: World, request: pytest.FixtureRequest) -> Iterator[tuple[Manifest, str, str]]:
    """(the manifest with the cluster's own CA as a placeholder, where the bundle is, another bundle)."""
    made, at = CASES[request.param]
    cluster = yaml.safe_load(world.kubeconfig.read_text())["clusters"][0]["cluster"]
    placeholder = (
        cluster.get("certificate-authority-data")
        or base64.b64encode(Path(cluster["certificate-authority"]).read_bytes()).decode()
    )
    manifest = made(placeholder)
    manifest["metadata"]["name"] = manifest["metadata"]["name"] or f"{world.namespace}-{request.param}"
    try:
        yield manifest, at, placeholder
    finally:
        kind, name = manifest["kind"].lower(), manifest["metadata"]["name"]
        world.kubectl("delete", kind, name, "--ignore-not-found")


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_an_injected_bundle_is_left_and_the_rest_goes_on(
    world: World, case: tuple[Manifest, str, str]
) -> None:
    manifest, at, placeholder = case
    injected = base64.b64encode(base64.b64decode(placeholder) * 2).decode()
    world.app = f"ca-{manifest['kind'].lower()}"
    world.objects = [deepcopy(manifest), configmap(f"beside-{world.app}", A="1")]
    world.sync()
    patch = json.dumps([{"op": "replace", "path": at, "value": injected}])
    names = (manifest["kind"].lower(), manifest["metadata"]["name"])
    world.kubectl("patch", *names, "--type=json", "-p", patch, "--field-manager=cainjector")
    [entry] = [each for each in world.drift().entries if each.app == world.app]
    assert entry.left_to == "1 field left to cainjector"
    old = EarlierApp(world.rendered, world.environment)
    world.objects[0]["metadata"]["labels"] = {"new": "yes"}
    world.objects[1]["data"]["A"] = "2"
    done = world.sync(applied_before=lambda _: old)
    assert done.summary().endswith("; 1 field left to cainjector")
    live = world.live(*names)
    assert pointer.read(live, at) == injected
    assert live["metadata"]["labels"]["new"] == "yes"
    assert world.live("configmap", f"beside-{world.app}")["data"] == {"A": "2"}
