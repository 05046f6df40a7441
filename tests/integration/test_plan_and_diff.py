"""`towpath plan` and `towpath diff` of a branch and of an uncommitted folder, as for a pull request."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.manifests import configmap, deployment
from tests.integration.verb import towpath
from tests.integration.world import World
from towpath.adapters.kubernetes.wire import Request, Wire
from towpath.config import load_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.preview.plan import plan_app
from towpath.engine.reconcile.diff import Comparison, compare_environment
from towpath.engine.source.render import EarlierApp, released_apps, render_app
from towpath.formats.versions import V2
from towpath.objects import Manifest
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file

pytestmark = pytest.mark.integration
CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello, renderer: plain}}
environments: [{name: test, namespace: %s}]
"""

WHOLE = """\
apiVersion: towpath.dev/v2
apps:
  a: {image: 127.0.0.1:5000/hello, renderer: plain}
  b: {image: 127.0.0.1:5000/hello, renderer: plain}
  later: {image: 127.0.0.1:5000/hello, renderer: plain}
environments:
  - {name: test, namespace: %s}
  - {name: away, namespace: away, kubeconfig: %s}
"""
PASSED = ScanSummary("passed")


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap("a", A="1"), configmap("b", A="1")]


@pytest.fixture
def repository(world: World, tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    (folder / "apps/hello/test").mkdir(parents=True)
    (folder / "towpath.yaml").write_text(CONFIG % world.namespace)
    write(folder, "a", "1")
    write(folder, "b", "1")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


def write(folder: Path, name: str, value: str) -> None:
    text = f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{A: "{value}"}}\n'
    (folder / f"apps/hello/test/{name}.yaml").write_text(text)


def git(folder: Path, *arguments: str) -> None:
    person = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *person, "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "Change")


def test_exit_code_and_json_of_a_folder_and_a_branch(world: World, repository: Path) -> None:
    code, said = towpath(world, repository, "diff", "hello", "test")
    assert code == 2, said
    assert said.count("\n+ ConfigMap") + said.startswith("+ ConfigMap") == 2
    world.sync()
    assert towpath(world, repository, "diff", "hello", "test")[0] == 0

    git(repository, "switch", "--quiet", "-c", "change")
    write(repository, "a", "2")
    code, said = towpath(world, repository, "diff", "hello", "test", "--repo", str(repository))
    assert (code, '+ /data/A: "2"' in said) == (2, True), said
    commit(repository)
    git(repository, "switch", "--quiet", "main")
    code, said = towpath(
        world, repository, "diff", "hello", "test", "--revision", "change", "--output", "json"
    )
    answer = json.loads(said)
    assert (code, answer["differs"]) == (2, True)
    (entry,) = [each for each in answer["entries"] if each["action"] == "configure"]
    assert entry["differences"] == [{"pointer": "/data/A", "live": "1", "desired": "2"}]
    assert towpath(world, repository, "diff", "hello", "test")[0] == 0
    assert towpath(world, repository, "diff", "hello", "test", "--revision", "gone")[0] == 1
    assert towpath(world, repository, "diff", "helo", "test")[0] == 1


def release(folder: Path, app: str) -> None:
    made = Release(
        app, one_image(app, "127.0.0.1:5000/hello", "sha256:" + "a" * 64), "", "", "", "", "", PASSED, ""
    )
    state = EnvironmentRelease(made, "2026-01-01T00:00:00Z", "ann")
    path = folder / f"apps/{app}/test/release.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_release_file(state, V2))
    image = "127.0.0.1:5000/hello@sha256:" + "a" * 64
    workload = {**deployment(app), "metadata": {"name": app}}
    workload["spec"]["template"]["spec"]["containers"][0]["image"] = image
    (path.parent / "deployment.yaml").write_text(json.dumps(workload))


@pytest.fixture
def whole(world: World, tmp_path: Path) -> Path:
    """Two released apps, one that is not, in two environments; one of these has no cluster."""
    folder = tmp_path / "whole"
    folder.mkdir()
    (folder / "towpath.yaml").write_text(WHOLE % (world.namespace, tmp_path / "no-such-kubeconfig"))
    for app in ("a", "b"):
        release(folder, app)
    (folder / "apps/later/test").mkdir(parents=True)
    return folder


def compare(world: World, folder: Path) -> Comparison:
    config = load_config(folder)
    return compare_environment(
        folder, config, config.environment("test"), lambda _: world.cluster, tools=world.kubectl_path.parent
    )


def sync_all(world: World, folder: Path) -> None:
    config = load_config(folder)
    for app in released_apps(folder, config, "test"):
        rendered = render_app(folder, config, app, "test", tools=world.kubectl_path.parent)
        sync_app(world.cluster, rendered, config.environment("test"), commit="c")


def test_a_whole_environment_by_folder_branch_and_head(world: World, whole: Path) -> None:
    git(whole, "init", "--quiet", "--initial-branch=main")
    commit(whole)
    code, said = towpath(world, whole, "diff", "test")
    assert (code, said.count("+ Deployment")) == (2, 2), said
    assert said.rstrip().endswith("test: 2 of 2 apps differ: a, b; not released: later")
    sync_all(world, whole)
    assert towpath(world, whole, "diff", "test")[0] == 0

    git(whole, "switch", "--quiet", "-c", "change")
    file = whole / "apps/b/test/deployment.yaml"
    file.write_text(file.read_text().replace('"hello"}]', '"bye"}]'))
    code, said = towpath(world, whole, "diff", "test", "--repo", str(whole), "--output", "json")
    answer = json.loads(said)
    assert (code, answer["differs"]) == (2, True)
    (environment,) = answer["environments"]
    assert environment["summary"] == "test: 1 of 2 apps differ: b; not released: later"
    assert [plan["app"] for plan in environment["plans"]] == ["a", "b"]
    (entry,) = [each for each in environment["plans"][1]["entries"] if each["action"] == "configure"]
    assert [each["desired"] for each in entry["differences"]] == ["bye"]
    commit(whole)
    git(whole, "switch", "--quiet", "main")
    assert towpath(world, whole, "diff", "test")[0] == 0
    assert towpath(world, whole, "diff", "test", "--revision", "change")[0] == 2


def test_all_environments_and_what_cannot_be_judged_is_an_error(world: World, whole: Path) -> None:
    sync_all(world, whole)
    code, said = towpath(world, whole, "diff", "--repo", str(whole))
    assert code == 1, said
    assert "test: 0 of 2 apps differ; not released: later" in said
    assert "away: not judged\n" in said
    assert "error: away: towpath.yaml names the `kubeconfig` of away, which is not obeyed" in said
    code, said = towpath(replace(world, kubeconfig=whole / "none"), whole, "diff", "--repo", str(whole))
    assert (code, said.count("not judged\n"), "error: test: no kubeconfig at" in said) == (1, 2, True), said
    assert towpath(world, whole, "diff", "tset", "--repo", str(whole))[0] == 1
    assert towpath(world, whole, "diff", "a", "test", "more", "--repo", str(whole))[0] == 1

    (whole / "apps/a/test/deployment.yaml").write_text("kind: [")
    (whole / "apps/b/test/prune.yaml").write_text("no")
    found = compare(world, whole)
    assert (found.plans, set(found.problems)) == ((), {"a", "b"})
    (whole / "apps/b/test/prune.yaml").unlink()
    found = compare(world, whole)
    assert [plan.app for plan in found.plans] == ["b"], "one broken app stops no other"


def test_apps_that_left_git_and_lost_inventories_are_seen_in_the_whole(world: World, whole: Path) -> None:
    sync_all(world, whole)
    world.kubectl("delete", "configmap", "towpath-inventory-a")
    (whole / "apps/b/test/release.yaml").unlink()
    plans = {plan.app: plan for plan in compare(world, whole).plans}
    assert plans["a"].entries[0].action == "unchanged", "rebuilt from labels, and as Git wants it"
    (entry,) = plans["b"].entries
    assert entry.action == "delete"
    assert "does not confirm it" in entry.reason


def test_the_whole_takes_as_few_requests_for_many_apps_as_for_few(
    world: World, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Wire.ask

    def counted(wire: Wire, request: Request) -> object:
        asked.append(request.what)
        return ask(wire, request)

    monkeypatch.setattr(Wire, "ask", counted)

    def requests() -> int:
        asked.clear()
        assert not compare(world, whole).differs
        return len(asked)

    sync_all(world, whole)
    compare(world, whole)
    few = requests()
    text = (whole / "towpath.yaml").read_text()
    more = [f"app{i}" for i in range(8)]
    listed = "".join(f"  {app}: {{image: 127.0.0.1:5000/hello, renderer: plain}}\n" for app in more)
    (whole / "towpath.yaml").write_text(text.replace("apps:\n", f"apps:\n{listed}"))
    for app in more:
        release(whole, app)
    sync_all(world, whole)
    assert requests() == few
    world.kubectl("label", "deployment", "a", "x=y")
    asked.clear()
    assert [plan.app for plan in compare(world, whole).plans if plan.differs] == ["a"]
    assert len(asked) == few + 3, "the drifted object alone is read, and the two writes of a sync are tried"


def test_confirm_prints_what_a_commit_needs(world: World, repository: Path) -> None:
    world.sync()
    (repository / "towpath.yaml").write_text(CONFIG.replace("{hello", "{other", 1) % world.namespace)
    code, text = towpath(world, repository, "plan", "hello", "test", "--repo", str(repository), "--confirm")
    assert code == 0, text
    for file in (repository / "apps/hello/test").iterdir():
        file.unlink()
    (repository / "apps/hello/test/prune.yaml").write_text(text)
    code, said = towpath(world, repository, "plan", "hello", "test", "--repo", str(repository))
    assert (code, said.count("- ConfigMap"), "does not confirm" in said) == (0, 2, False), said


def test_a_whole_environment_and_one_app_say_of_another_controllers_field_what_the_sync_does(
    world: World, whole: Path
) -> None:
    sync_all(world, whole)
    takes = '[{"op": "replace", "path": "/spec/replicas", "value": 2}]'
    options = ("--type=json", "-p", takes, "--field-manager=some-scaler")
    world.kubectl("patch", "deployment", "a", *options)
    config = load_config(whole)
    old = render_app(whole, config, "a", "test", tools=world.kubectl_path.parent)
    file = whole / "apps/a/test/deployment.yaml"
    changed = json.loads(file.read_text())
    changed["metadata"]["labels"] = {"new": "yes"}
    file.write_text(json.dumps(changed))
    environment = config.environment("test")
    new = render_app(whole, config, "a", "test", tools=world.kubectl_path.parent)

    def before(_: str):
        return EarlierApp(old, environment)

    compared = compare_environment(
        whole,
        config,
        environment,
        lambda _: world.cluster,
        tools=world.kubectl_path.parent,
        applied_before=lambda _: before,
    )
    planned = plan_app(world.cluster, new, environment, applied_before=before)
    [of_all] = [plan for plan in compared.plans if plan.app == "a"]
    assert of_all == planned
    [entry] = [each for each in planned.entries if each.ref.kind == "Deployment"]
    assert (entry.action, entry.reason) == ("configure", "1 field left to some-scaler: .spec.replicas")
    synced = sync_app(world.cluster, new, environment, commit="d", applied_before=before)
    [result] = [each for each in synced.results if each.ref.kind == "Deployment"]
    assert (result.result, result.message) == ("configured", entry.reason)
