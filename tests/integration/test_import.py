"""What Argo CD and Flux have on a cluster is imported from their files and taken over: no object changes."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.chart_server import chart_server
from tests.integration.manifests import configmap, deployment, service
from tests.integration.world import World, throw_away, version_of
from tests.unit.engine.imports.foreign_repositories import ARGO_URL, argo, write
from towpath.cli.main import main
from towpath.config import Config, load_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.check.repository import check_repository
from towpath.engine.imports.assemble import assemble
from towpath.engine.imports.collect import collect
from towpath.engine.imports.write import write_new
from towpath.engine.preview.plan import plan_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import Rendered, render_app
from towpath.engine.vendor.plan import make_plan
from towpath.engine.vendor.resolve import Resolver
from towpath.engine.vendor.write import write_folder
from towpath.fields.canonical import without_server_fields
from towpath.objects import ref_of

pytestmark = pytest.mark.integration


@pytest.fixture
def world(stack: Any) -> Iterator[World]:
    with throw_away(stack.settings) as one:
        one.tools = stack.settings.tools  # type: ignore[attr-defined]
        yield one


def imported(source: Path, folder: Path) -> tuple[Config, tuple[str, ...]]:
    deployments, notes = collect(source, [ARGO_URL])
    made = assemble(source, deployments, notes)
    write_new(folder, made.files)
    return load_config(folder), tuple(str(each) for each in made.notes)


def apply_as(world: World, manager: str, rendered: Rendered) -> None:
    """What the other tool has made, by server-side apply or, as Argo CD does it, by the client's."""
    server_side = ["--server-side"] if manager != "argocd-controller" else []
    for each in rendered.objects:
        world.kubectl("apply", *server_side, "-f", "-", f"--field-manager={manager}", text=json.dumps(each))


def content(world: World, rendered: Rendered) -> dict[str, Any]:
    """What is live, without what says whose it is."""
    found = {}
    for each in rendered.objects:
        live = without_server_fields(world.cluster.get(ref_of(each)) or {})
        for key in ("annotations", "labels"):
            live["metadata"].pop(key, None)
        live.pop("status", None)
        found[str(ref_of(each))] = live
    return found


def versions(world: World, rendered: Rendered) -> dict[str, Any]:
    return {str(ref_of(each)): version_of(world.cluster.get(ref_of(each)) or {}) for each in rendered.objects}


def taken_over(world: World, folder: Path, config: Config, app: str, environment: str, manager: str) -> None:
    """The app is planned without a change, synced, and then still."""
    where = config.environment(environment)
    rendered = render_app(folder, config, app, environment, tools=world.tools)  # type: ignore[attr-defined]
    apply_as(world, manager, rendered)
    before = content(world, rendered)
    plan = plan_app(world.cluster, rendered, where)
    assert {entry.reason for entry in plan.entries} == {f"taken over from {manager}"}
    pointers = {difference.pointer for entry in plan.entries for difference in entry.differences}
    assert all(each.startswith(("/metadata/labels", "/metadata/annotations")) for each in pointers)
    sync_app(world.cluster, rendered, where, commit="c" * 40)
    assert content(world, rendered) == before
    versions = {
        str(ref_of(each)): version_of(world.cluster.get(ref_of(each)) or {}) for each in rendered.objects
    }
    assert sync_app(world.cluster, rendered, where, commit="c" * 40).changes == ()
    assert versions == {
        str(ref_of(each)): version_of(world.cluster.get(ref_of(each)) or {}) for each in rendered.objects
    }
    drift = inspect(world.cluster, where, [rendered], commit="c" * 40).report
    assert [entry for entry in drift.entries if entry.app == app] == []


def test_apps_of_argo_are_taken_over_without_a_change(world: World, tmp_path: Path) -> None:
    source = argo(tmp_path / "gitops")
    (source / "maps/web.yaml").write_text(
        json.dumps(deployment("web")) + "\n---\n" + json.dumps(service("web"))
    )
    text = (source / "apps/all.yaml").read_text()
    (source / "apps/all.yaml").write_text(
        text.replace("[{env: dev}, {env: prod}]", "[{env: prod}]").replace(
            'namespace: "{{.env}}"', f"namespace: {world.namespace}"
        )
    )
    folder = tmp_path / "environments"
    config, notes = imported(source, folder)
    assert notes == ()
    checked = check_repository(folder, tools=world.tools)  # type: ignore[attr-defined]
    assert [str(each) for each in checked.findings] == []
    for app in config.apps:
        taken_over(world, folder, config, app, world.namespace, "argocd-controller")
    cache = world.tools.parents[1]  # type: ignore[attr-defined]
    environ = {"KUBECONFIG": str(world.kubeconfig), "TOWPATH_CACHE": str(cache)}
    compared = CliRunner(env=environ).invoke(main, ["diff", world.namespace, "--repo", str(folder)])
    assert compared.exit_code == 0, compared.output
    assert "3 apps" in compared.output, compared.output


def test_releases_of_flux_are_vendored_and_taken_over(world: World, tmp_path: Path) -> None:
    with chart_server() as server:
        server.chart(
            "podinfo", "6.1.0", files={"templates/more.yaml": json.dumps(configmap("more", A="1")).encode()}
        )
        head = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n"
        release = (
            f"{head}metadata: {{name: charts, namespace: {world.namespace}}}\n"
            f"spec: {{url: '{server.url}'}}\n---\n"
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
            f"metadata: {{name: podinfo, namespace: {world.namespace}}}\nspec:\n"
            "  chart:\n    spec:\n      chart: podinfo\n      version: ^6\n"
            "      sourceRef: {kind: HelmRepository, name: charts}\n"
        )
        source, folder = write(tmp_path / "fleet", {"apps.yaml": release}), tmp_path / "environments"
        config, notes = imported(source, folder)
        assert notes == ()
        resolver = Resolver(tmp_path / "cache")
        write_folder(folder, make_plan(folder, (), resolver, update=False))
    checked = check_repository(folder, tools=world.tools)  # type: ignore[attr-defined]
    assert [str(each) for each in checked.findings] == []
    taken_over(world, folder, config, "podinfo", world.namespace, "helm-controller")


def test_the_programs_render_both_the_same(world: World, tmp_path: Path) -> None:
    """Kustomize renders the overlay here as the folder there."""
    kustomize = shutil.which("kustomize", path=str(world.tools))  # type: ignore[attr-defined]
    if kustomize is None:
        pytest.skip("needs kustomize: `towpath doctor --get` installs it")
    source, folder = argo(tmp_path / "gitops"), tmp_path / "environments"
    imported(source, folder)
    outputs = [
        subprocess.run([kustomize, "build", str(each)], check=True, capture_output=True, text=True).stdout
        for each in (source / "guestbook/overlays/dev", folder / "apps/guestbook/dev")
    ]
    assert outputs[0] == outputs[1]
