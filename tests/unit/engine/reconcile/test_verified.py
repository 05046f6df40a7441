"""What a reconcile signs of apps without images: each change once, also one of secret values in `vendor/`."""

import os
import shutil
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.engine.gates.bench import Bench
from towpath.engine.gates.merged import require_admitted
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.verified import verified_changes
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.render_changed import render_released
from towpath.errors import RefusedError
from towpath.release.verified_file import VerifiedChange, dump_verified, verified_path
from towpath.settings import Settings

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {crds: {renderer: kustomize, promote: manifests}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""
BASE = """\
resources: [limits.yaml, key.yaml, deployment.yaml]
secretGenerator: [{name: made, literals: [word=first-word], options: {disableNameSuffixHash: true}}]
"""
LIMITS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\ndata: {value: '%s'}\n"
KEY = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {key: %s}\ndata: {old: %s}\n"
OLD = "Zmlyc3Qtb2xk"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
        - {name: hello, image: 'registry.example.com/hello@sha256:%s', env: [{name: DB_PASSWORD, value: %s}]}
"""
OVERLAY = "resources: [../../../vendor/limits]\ncomponents: [../../../vendor/more]\n"
MORE = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches: [{target: {kind: Secret, name: key}, patch: '- {op: add, path: /stringData/more, value: %s}'}]
"""
FIRST = {
    "towpath.yaml": CONFIG,
    "apps/crds/dev/kustomization.yaml": OVERLAY,
    "apps/crds/prod/kustomization.yaml": OVERLAY,
    "vendor/limits/kustomization.yaml": BASE,
    "vendor/limits/limits.yaml": LIMITS % "1",
    "vendor/limits/key.yaml": KEY % ("first-secret", OLD),
    "vendor/limits/deployment.yaml": DEPLOYMENT % ("1" * 64, "first-password"),
    "vendor/more/kustomization.yaml": MORE % "first-more",
}
TOOLS = Settings.load({"HOME": str(Path.home())}).tools

pytestmark = pytest.mark.skipif(
    shutil.which("kustomize", path=f"{TOOLS}:{os.environ['PATH']}") is None, reason="needs kustomize"
)


class Crds(Bench):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.renders = folder / "renders"
        self.merge(FIRST)

    def plan(self, environment: str) -> ReconcilePlan:
        context = replace(self.context(environment), tools=TOOLS, renders=self.renders)
        rendered = render_released(
            context.repo, context.environment, "crds", tools=TOOLS, cache=self.renders
        ).rendered
        return ReconcilePlan(context, (rendered,), {}, {}, cast(Any, None), (), whole=True)

    def found(self, environment: str = "dev") -> tuple[VerifiedChange, ...]:
        """What a reconcile that synced the app and found it healthy has to sign."""
        return verified_changes(self.plan(environment), (Outcome("crds", healthy=True),), "run")

    def sign(self, environment: str = "dev") -> None:
        """As the agent does."""
        (change,) = self.found(environment)
        mark = ("Towpath-Intent", f"verified-{uuid.uuid4().hex}")
        files = {verified_path("crds", environment): dump_verified(change)}
        self.git.write(files, f"Verified\n\n{mark[0]}: {mark[1]}\n", mark, signer=environment)

    def held(self, environment: str = "prod") -> str:
        context = self.plan(environment).context
        try:
            require_admitted(context.in_git, "crds")
        except RefusedError as error:
            return error.message
        return ""


@pytest.fixture
def crds(tmp_path: Path) -> Crds:
    made = Crds(tmp_path)
    made.sign()
    return made


@pytest.mark.parametrize(
    "changed",
    [
        {"vendor/limits/key.yaml": KEY % ("other-secret", OLD)},
        {"vendor/limits/key.yaml": KEY % ("first-secret", "b3RoZXItb2xk")},
        {"vendor/limits/kustomization.yaml": BASE.replace("first-word", "other-word")},
        {"vendor/limits/deployment.yaml": DEPLOYMENT % ("1" * 64, "other-password")},
        {"vendor/more/kustomization.yaml": MORE % "other-more"},
        {"vendor/limits/limits.yaml": LIMITS % "2"},
        {"apps/crds/dev/kustomization.yaml": f"{OVERLAY}nameSuffix: -new\n"},
    ],
    ids=["a Secret", "its data", "generated", "a variable", "a component", "no secret", "the overlay"],
)
def test_a_change_is_signed_once_wherever_it_is(crds: Crds, changed: dict[str, str]) -> None:
    assert crds.found() == ()
    crds.merge(changed)
    (change,) = crds.found()
    assert change.commit == crds.git.checkout().commit
    assert len(crds.found()) == 1, "until it is signed"
    crds.sign()
    assert crds.found() == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"vendor/limits/README.md": "More about it.\n"},
        {"vendor/other/kustomization.yaml": BASE},
        {"vendor/limits/key.yaml": "# A comment.\n" + KEY % ("first-secret", OLD)},
        {"apps/other/dev/limits.yaml": LIMITS % "1"},
    ],
    ids=["a text", "another base", "a comment", "another app"],
)
def test_what_renders_the_same_is_not_signed_again(crds: Crds, changed: dict[str, str]) -> None:
    crds.merge(changed)
    assert crds.found() == ()


def test_a_secret_that_alone_has_changed_in_vendor_goes_on_to_the_next_environment(crds: Crds) -> None:
    crds.sign("prod")
    crds.merge({"vendor/limits/key.yaml": KEY % ("other-secret", OLD)})
    assert "does not have Secret prod/key" in crds.held()
    crds.sign()
    assert crds.held() == ""


def test_a_record_of_a_commit_that_nobody_has_is_replaced(crds: Crds) -> None:
    (change,) = verified_changes(crds.plan("prod"), (Outcome("crds", healthy=True),), "run")
    lost = replace(change, environment="dev", commit="0" * 40, sources="")
    crds.merge({verified_path("crds", "dev"): dump_verified(lost)})
    assert len(crds.found()) == 1
