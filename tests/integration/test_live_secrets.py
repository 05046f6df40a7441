"""A value that a live Secret holds is masked wherever else it stands, before Git's new value is applied."""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.adapters.kubernetes import connect
from towpath.adapters.kubernetes.wire import Request, Wire
from towpath.applyset.apply_object import prepare_objects
from towpath.drift.adoption import select_changes
from towpath.engine.live.app_state import owner_of
from towpath.engine.reconcile.detect import inspect
from towpath.objects import Manifest, ref_of
from towpath.redact import redact
from towpath.redact.known_values import KnownValues

pytestmark = pytest.mark.integration


def secret(name: str, **texts: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}


def user_of(name: str, **reference: object) -> Manifest:
    """A pod template that names a Secret; no pod is ever started."""
    container = {"name": "c", "image": "127.0.0.1:5000/none:1", **reference}
    meta = {"labels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": meta["labels"]},
            "template": {"metadata": meta, "spec": {"containers": [container]}},
        },
    }


def random_value() -> str:
    return f"q{secrets.token_hex(8)}"


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap("settings", colour="blue")]


def shown(world: World) -> str:
    plan, drift = world.plan(), world.drift()
    return "\n".join(
        (
            plan.to_text(),
            plan.to_markdown(),
            drift.to_markdown(),
            *map(str, plan.changes),
            repr(plan.to_json()),
        )
    )


PutSecret = Callable[[World, str], None]


def in_the_apps_own_secret(world: World, old: str) -> None:
    world.objects.append(secret("own", colour=old))
    world.sync()
    world.objects[-1] = secret("own", colour=random_value())


def in_a_secret_that_left_git(world: World, old: str) -> None:
    world.objects.append(secret("own", colour=old))
    world.sync()
    del world.objects[-1]


def in_a_secret_that_a_variable_names(world: World, old: str) -> None:
    world.kubectl("create", "secret", "generic", "others", f"--from-literal=x={old}")
    source = {"secretKeyRef": {"name": "others", "key": "x"}}
    world.objects.append(user_of("web", env=[{"name": "X", "valueFrom": source}]))
    world.sync()


def in_a_secret_that_all_variables_come_from(world: World, old: str) -> None:
    world.kubectl("create", "secret", "generic", "others", f"--from-literal=x={old}")
    world.objects.append(user_of("web", envFrom=[{"secretRef": {"name": "others"}}]))
    world.sync()


def in_a_secret_that_somebody_edited(world: World, old: str) -> None:
    world.objects.append(secret("own", colour=random_value()))
    world.sync()
    data = {"colour": base64.b64encode(old.encode()).decode()}
    world.kubectl("patch", "secret", "own", "-p", json.dumps({"data": data}))


def in_a_key_that_somebody_added(world: World, old: str) -> None:
    world.objects.append(secret("own", colour=random_value()))
    world.sync()
    world.kubectl("patch", "secret", "own", "-p", json.dumps({"stringData": {"notes": f"a: 1\nb: {old}\n"}}))


PLACES: tuple[PutSecret, ...] = (
    in_the_apps_own_secret,
    in_a_secret_that_left_git,
    in_a_secret_that_a_variable_names,
    in_a_secret_that_all_variables_come_from,
    in_a_secret_that_somebody_edited,
    in_a_key_that_somebody_added,
)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_live_value_is_masked_in_another_object(
    world: World, place: PutSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = random_value()
    place(world, old)
    # Somebody copied it to a place that sounds harmless, and Git has it there, too.
    world.kubectl("patch", "configmap", "settings", "-p", json.dumps({"data": {"colour": f"live {old}"}}))
    world.objects[0] = configmap("settings", colour="green", level=f"wanted {old}")
    monkeypatch.setattr("towpath.redact._known", KnownValues())  # as in another process
    said = shown(world)
    assert "settings" in said
    # What is printed has passed `redact`; without the live Secrets it would not know the value.
    assert old not in redact(said)
    assert "green" in said


def test_no_value_that_a_live_secret_holds_is_adopted(world: World) -> None:
    old = random_value()
    in_a_secret_that_a_variable_names(world, old)
    world.sync()
    world.kubectl("patch", "configmap", "settings", "-p", json.dumps({"data": {"colour": old}}))
    rendered, entries = world.rendered, world.drift().drifted
    wanted = prepare_objects(rendered.objects, owner_of(rendered))
    live = {each.ref: each for each in wanted if each.ref.name == "settings"}
    full = {ref: world.cluster.get(ref) for ref in live}
    changes, left = select_changes(
        entries, {ref: found for ref, found in full.items() if found},
        {ref_of(manifest): manifest for manifest in rendered.objects}, ("none",),
    )  # fmt: skip
    assert not changes
    assert [each.ref.name for each in left] == ["settings"]


def test_secrets_cost_one_request_however_many_and_helms_history_is_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.objects += [secret(f"s{number}", colour=random_value()) for number in range(20)]
    world.kubectl(
        "create", "secret", "generic", "sh.helm.release.v1.web.v1", "--type=helm.sh/release.v1",
        f"--from-literal=release={random_value()}",
    )  # fmt: skip
    world.sync()
    asked: list[Request] = []
    send = Wire.send
    monkeypatch.setattr(Wire, "send", lambda wire, request: asked.append(request) or send(wire, request))
    assert world.drift().entries == ()
    of_secrets = [request for request in asked if "/secrets" in request.path]
    assert len(of_secrets) == 1
    assert "helm" in of_secrets[0].query["fieldSelector"]


def test_an_app_that_names_no_secret_asks_for_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sync()
    asked: list[Request] = []
    send = Wire.send
    monkeypatch.setattr(Wire, "send", lambda wire, request: asked.append(request) or send(wire, request))
    world.plan()
    assert not [request for request in asked if "/secrets" in request.path]


def test_an_account_without_rights_on_secrets_needs_none(world: World, tmp_path: Path) -> None:
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["*"]}
        for group, resources in (
            ("", ["configmaps", "events"]),
            ("apps", ["deployments"]),
            ("autoscaling", ["horizontalpodautoscalers"]),
        )
    ]
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "worker", "namespace": world.namespace}
    meta = {"metadata": {"name": "worker"}}
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", **meta},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", **meta, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            **meta,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "worker"},
            "subjects": [subject],
        },
    ]
    world.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))
    config = yaml.safe_load(world.kubectl("config", "view", "--raw", "--flatten"))
    token = world.kubectl("create", "token", "worker").strip()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    world.cluster = connect(str(tmp_path / "kubeconfig"))
    source = {"secretKeyRef": {"name": "others", "key": "x"}}
    variables = [{"name": "X", "valueFrom": source}, {"name": "DB_PASS", "value": random_value()}]
    world.objects.append(user_of("web", env=variables))
    assert {entry.action for entry in world.plan().entries} == {"create"}
    world.sync()
    assert world.sync().changes == ()
    inspection = inspect(world.cluster, world.environment, [world.rendered], only=[world.app])
    assert inspection.report.entries == ()
