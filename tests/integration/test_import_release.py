"""A release of the real Helm is imported: what is live stays as it is, and is then Towpath's."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.chart_server import chart_server
from tests.integration.importing import content, towpath
from tests.integration.world import World, throw_away
from towpath.config import load_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.check.repository import check_repository
from towpath.engine.preview.plan import plan_app
from towpath.engine.source.render import render_app

pytestmark = pytest.mark.integration

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: "registry.example.com/web:{{ .Chart.AppVersion }}"}]}
"""
FILES = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '3.10'\n",
    "values.yaml": "replicas: 0 # none\ntext: default\n",
    "templates/web.yaml": WEB,
    "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
    'data: {text: {{ .Values.text | quote }}, more: {{ .Files.Get "more.txt" | quote }}}\n',
    "templates/role.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n"
    "metadata: {name: {{ .Release.Namespace }}}\nrules: []\n",
    "templates/test.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: try\n"
    "  annotations: {helm.sh/hook: test}\nspec: {containers: [{name: a, image: a}]}\n",
    "more.txt": "8080\n",
}


@pytest.fixture
def tools(stack: Any) -> Path:
    found: Path = stack.settings.tools
    return found


@pytest.fixture
def world(stack: Any) -> Iterator[World]:
    with throw_away(stack.settings) as one:
        yield one


def helm(world: World, tools: Path, *arguments: str | Path) -> None:
    program = tools / "helm"
    if not program.exists():
        pytest.skip("needs helm: `towpath doctor --get --charts` builds it")
    options = ("--kubeconfig", str(world.kubeconfig), "--namespace", world.namespace)
    subprocess.run([program, *map(str, arguments), *options], check=True, capture_output=True, timeout=120)


def chart(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_a_release_is_imported_and_taken_over(world: World, tools: Path, tmp_path: Path) -> None:
    source, folder = chart(tmp_path / "chart", FILES), tmp_path / "environments"
    with chart_server() as server:
        server.chart("db", "1.0.0")
        needs = f"dependencies: [{{name: db, version: ^1, repository: '{server.url}'}}]\n"
        chart(source, {"Chart.yaml": FILES["Chart.yaml"] + needs})
        helm(world, tools, "dependency", "update", source)
        helm(world, tools, "install", "web", source)
        try:
            helm(world, tools, "upgrade", "web", source, "--set", "text=1e3,db.password=hunter2-and-more")
            imported(world, tools, folder)
            taken_over(world, tools, folder)
        finally:
            helm(world, tools, "uninstall", "web", "--no-hooks")


def imported(world: World, tools: Path, folder: Path) -> None:
    """The release, and the chart that its chart needs, in the version that was installed."""
    named = ("--namespace", world.namespace, "--helm-release", "web")
    done = towpath(world, tools, "import", folder, *named)
    assert done.exit_code == 0, (done.output, done.exception)
    for said in ("the hook Pod try (test)", "`db.password` looks like a credential", "cluster-scoped"):
        assert said in done.output
    assert "hunter2" not in done.output
    assert "version: '1.0.0'" in (folder / "vendor.yaml").read_text()
    vendored = towpath(world, tools, "vendor", "--repo", folder)
    assert "web-db 1.0.0" in vendored.output, (vendored.output, vendored.exception)


def taken_over(world: World, tools: Path, folder: Path) -> None:
    """Planned and synced without a change but of who the objects belong to, and then still."""
    config = load_config(folder)
    where = config.environments[0]
    assert where.apps["web"].take_over == ("helm",)
    assert where.allow_cluster_scoped == ("Namespace", f"ClusterRole/{world.namespace}")
    assert [str(each) for each in check_repository(folder, tools=tools).findings] == []
    rendered = render_app(folder, config, "web", where.name, tools=tools)
    assert len(rendered.objects) == 4
    before = content(world, rendered.objects)
    assert before[f"ConfigMap {world.namespace}/web"]["data"] == {"text": "1e3", "more": "8080\n"}
    plan = plan_app(world.cluster, rendered, where)
    assert {entry.reason for entry in plan.entries} == {"taken over from helm"}
    pointers = {difference.pointer for entry in plan.entries for difference in entry.differences}
    assert all(each.startswith(("/metadata/labels", "/metadata/annotations")) for each in pointers)
    sync_app(world.cluster, rendered, where, commit="c" * 40)
    assert content(world, rendered.objects) == before
    compared = towpath(world, tools, "diff", where.name, "--repo", folder)
    assert compared.exit_code == 0, compared.output
