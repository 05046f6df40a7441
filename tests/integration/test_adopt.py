"""Drift is written back to Git: the branch renders to what is live, and that survives the next reconcile."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.fleet import Fleet, a_fleet, release
from towpath.drift.proposal import Proposal
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.adopt import propose_app
from towpath.engine.reconcile.loop import look

pytestmark = pytest.mark.integration

DIGEST = "sha256:" + "0" * 64
DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: hello}}
spec:
  replicas: 0  # nobody needs one
  selector: {{matchLabels: {{app: hello}}}}
  template:
    metadata: {{labels: {{app: hello}}}}
    spec:
      containers:
        - name: app
          image: 127.0.0.1:5000/hello@{DIGEST}
          env:
            - {{name: GREETING, value: hello}}
            - {{name: COLOUR, value: red}}
"""
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  LEVEL: info  # or debug
  GONE: soon
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {T: s3cret}\n"
CHART = {
    "base/Chart.yaml": "apiVersion: v2\nname: hello\nversion: 1.0.0\n",
    "base/values.yaml": "replicas: 0\ngreeting: hello\nlevel: info\n",
    "base/templates/deployment.yaml": DEPLOYMENT.replace("replicas: 0", "replicas: {{ .Values.replicas }}")
    .replace("value: hello", "value: {{ .Values.greeting }}"),
    "base/templates/settings.yaml": SETTINGS.replace("info", "{{ .Values.level }}"),
    "base/templates/secret.yaml": SECRET,
    "test/values.yaml": "# test\nlevel: info  # or debug\n",
}  # fmt: skip
FILES = {
    "plain": {"test/deployment.yaml": DEPLOYMENT, "test/settings.yaml": SETTINGS, "test/secret.yaml": SECRET},
    "kustomize": {
        "base/kustomization.yaml": "resources: [deployment.yaml, settings.yaml, secret.yaml]\n",
        "base/deployment.yaml": DEPLOYMENT,
        "base/settings.yaml": SETTINGS,
        "base/secret.yaml": SECRET,
        "test/kustomization.yaml": "resources: [../base]  # all of it\n",
    },
    "helm": CHART,
}


@dataclass
class Shop(Fleet):
    """One app, `hello`, written down for one of the renderers."""

    renderer: str = "plain"
    files: dict[str, str] = field(default_factory=dict)

    def content(self) -> Mapping[str, str]:
        environment = {"name": "test", "namespace": self.namespace, "drift": "adopt", **self.environment}
        config = {
            "apiVersion": "towpath.dev/v2",
            "apps": {"hello": {"image": "127.0.0.1:5000/hello", "renderer": self.renderer}},
            "environments": [environment],
        }
        files = {f"apps/hello/{path}": text for path, text in self.files.items()}
        records = {
            "towpath.yaml": yaml.safe_dump(config),
            "apps/hello/test/release.yaml": release("hello", "127.0.0.1:5000/hello"),
        }
        return files | records

    def adopt(self) -> Proposal:
        context = open_context(self.settings, "test")
        found = look(context)
        [decision] = found.adopts
        return propose_app(self.settings, context, found.rendered[0], decision, "run")

    def merge(self, branch: str) -> None:
        work = self.folder / "work"
        self.git(work, "fetch", "-q", "origin")
        self.git(work, "merge", "-q", "--no-ff", "-m", "Adopt", f"origin/{branch}")
        self.git(work, "push", "-q", "origin", "main")

    def live(self) -> Any:
        deployment = self.world.live("deployment", "hello")
        return (
            deployment["metadata"].get("labels", {}).get("team"),
            deployment["spec"]["replicas"],
            deployment["spec"]["template"]["spec"]["containers"][0]["env"],
            self.world.live("configmap", "settings")["data"],
        )


@pytest.fixture(params=sorted(FILES))
def shop(stack, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/tools").symlink_to(stack.settings.cache / "tools")  # kustomize and helm
    with a_fleet(stack.settings, tmp_path) as fleet:
        files = dict(FILES[request.param])
        yield Shop(fleet.folder, fleet.world, fleet.settings, renderer=request.param, files=files)


ALWAYS = {"/spec/replicas", "/spec/template/spec/containers/0/env/0/value", "/data/LEVEL"}
"""What a value of the chart can give, too."""


def test_adopted_values_survive_the_next_reconcile(shop: Shop) -> None:
    shop.push()
    assert shop.reconcile().failures == {}
    kubectl = shop.world.kubectl
    kubectl("scale", "deployment", "hello", "--replicas=2")
    kubectl("set", "env", "deployment/hello", "GREETING=good day", "NEW=1", "COLOUR-")
    kubectl("label", "deployment", "hello", "team=shop")
    kubectl("patch", "configmap", "settings", "-p", '{"data":{"LEVEL":"debug","GONE":null,"MORE":"0x1"}}')
    kubectl("patch", "secret", "token", "-p", '{"stringData":{"T":"canary-value"}}')
    main = shop.git(shop.folder / "environments.git", "rev-parse", "main")
    live = shop.live()

    proposal = shop.adopt()
    assert proposal.failure == ""
    assert (proposal.branch, proposal.new) == ("towpath/adopt-test-hello", True)
    adopted, left = (
        {each.pointer for each in proposal.adopted},
        {each.pointer or each.ref.kind: each.reason for each in proposal.not_adopted},
    )
    assert adopted >= ALWAYS
    assert "never written to Git" in left.pop("Secret")
    if shop.renderer == "helm":
        assert left
        assert all(reason == "no value of values.yaml gives exactly this field" for reason in left.values())
    else:
        assert left == {}
    message = shop.git(shop.folder / "environments.git", "log", "-1", "--format=%B", proposal.branch)
    changed = shop.git(shop.folder / "environments.git", "diff", f"main..{proposal.branch}")
    assert "kubectl" in message
    assert "Towpath-App: hello" in message
    assert "canary" not in message + changed
    assert shop.git(shop.folder / "environments.git", "rev-parse", "main") == main
    assert shop.live() == live, "adopting writes nothing to the cluster"

    again = shop.adopt()
    assert (again.commit, again.new) == (proposal.commit, False), "the same drift is the same branch"

    shop.merge(proposal.branch)
    done = shop.reconcile()
    # There is no such image, so the two replicas never run; that is not what this is about.
    assert [each.synced for each in done.outcomes] == [True]
    if shop.renderer != "helm":
        assert shop.live() == live
    rest = {
        (entry.ref.kind, each.pointer) for entry in shop.look().drift.entries for each in entry.differences
    }
    assert not {at for _, at in rest} & adopted
    if shop.renderer != "helm":
        assert rest == {("Secret", "/data/T")}
    before = shop.resource_versions()
    shop.reconcile()
    assert shop.resource_versions() == before
    assert shop.world.live("deployment", "hello")["spec"]["replicas"] == 2


@pytest.mark.parametrize("shop", ["helm", "kustomize"], indirect=True)  # plain files need no room
def test_a_full_disk_is_told_and_adopting_goes_on_when_there_is_room(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.push()
    shop.reconcile()
    shop.world.kubectl("patch", "configmap", "settings", "-p", '{"data":{"LEVEL":"debug"}}')
    small = shop.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], check=True)
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(small))
        with (small / "filled").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        proposal = shop.adopt()
        assert (proposal.branch, proposal.commit) == ("towpath/adopt-test-hello", "")
        assert "No space left on device" in proposal.failure
        assert "This is a bug" not in proposal.failure
    finally:
        monkeypatch.setattr(tempfile, "tempdir", None)
        subprocess.run(["umount", str(small)], check=True)
    assert shop.adopt().commit


def test_deleted_objects_and_images_are_listed_and_nothing_is_proposed(shop: Shop) -> None:
    shop.push()
    shop.reconcile()
    shop.world.kubectl("delete", "configmap", "settings")
    shop.world.kubectl("set", "image", "deployment/hello", "app=127.0.0.1:5000/hello:other")
    proposal = shop.adopt()
    assert (proposal.branch, proposal.adopted) == ("", ())
    assert {each.reason for each in proposal.not_adopted} == {
        "it was deleted by hand: to keep it so, remove it from Git",
        "the image of a release comes by a promotion only",
    }
    assert shop.git(shop.folder / "environments.git", "branch", "--list", "towpath/*") == ""
