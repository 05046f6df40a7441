"""`towpath delete`: what leaves Git, and what of the clusters a commit confirms."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.cli.running_app import CONFIG, RunningApp, configmap
from tests.unit.engine.source.promotions import release
from towpath.applyset.prune_file import parse_prune_file
from towpath.config import load_config
from towpath.formats.versions import V2
from towpath.objects import ObjectRef
from towpath.release.model import EnvironmentRelease
from towpath.release.release_file import dump_release_file

TWO = """\
apiVersion: towpath.dev/v2
apps:
  hello: {image: 127.0.0.1:5000/hello, renderer: plain}
  other: {image: 127.0.0.1:5000/other}  # stays
environments:
  - {name: dev, namespace: dev, apps: {hello: {drift: report}, other: {drift: report}}}
  - {name: prod, namespace: prod, apps: {hello: {drift: report}}}
"""
WEB = ObjectRef("apps", "Deployment", "dev", "web")
SETTINGS = ObjectRef("", "ConfigMap", "dev", "settings")


@pytest.fixture
def running(app: RunningApp) -> RunningApp:
    app.begin("dev", "prod").apply("dev")
    app.world.write({"towpath.yaml": TWO}, "Two\n\nMark: 5\n", ("Mark", "5"))
    return app


def test_it_shows_what_is_live_everywhere_and_changes_nothing_unasked(running: RunningApp) -> None:
    before = running.world.checkout().commit
    done = running.run("delete", "hello")
    assert done.exit_code == 0, done.output
    assert "Git: hello leaves towpath.yaml, and 6 files of apps/hello are deleted\n" in done.output
    assert "dev: the next reconcile deletes nothing, and reports as left behind, 2 objects\n" in done.output
    assert "prod: nothing of it is live\n" in done.output
    assert done.output.endswith("Nothing was changed: --yes commits it.\n")
    assert running.world.checkout().commit == before


def test_it_leaves_git_by_one_commit_that_confirms_nothing(running: RunningApp) -> None:
    done = running.run("delete", "hello", "--yes", "--reason", "not used any more")
    assert done.exit_code == 0, done.output
    root = running.world.checkout().path
    text = (root / "towpath.yaml").read_text()
    config = load_config(root)
    assert [*config.apps] == ["other"]
    assert [[*each.apps] for each in config.environments] == [["other"], []]
    assert "# stays" in text
    assert not (root / "apps/hello").exists()


def test_with_prune_exactly_what_was_shown_is_confirmed(running: RunningApp) -> None:
    done = running.run("delete", "hello", "--prune", "--yes", "--output", "json")
    assert done.exit_code == 0, done.output
    root = running.world.checkout().path
    told = json.loads(done.stdout)
    assert told["commit"] == running.world.checkout().commit
    files = [path.relative_to(root).as_posix() for path in (root / "apps/hello").rglob("*") if path.is_file()]
    assert files == ["apps/hello/dev/prune.yaml"]
    confirmed = parse_prune_file((root / files[0]).read_text())
    assert confirmed == {WEB: "Deployment-web", SETTINGS: "ConfigMap-settings"}
    shown = {each["uid"] for each in told["environments"][0]["delete"]}
    assert shown == set(confirmed.values())


def test_what_a_rule_keeps_is_shown_and_not_confirmed(running: RunningApp) -> None:
    live = running.api.objects["/api/v1/namespaces/dev/configmaps/settings"]
    live["metadata"]["annotations"] = {"towpath.dev/prune": "disabled"}
    done = running.run("delete", "hello", "--prune", "--yes")
    assert "! ConfigMap dev/settings stays: not deleted" in done.output
    text = (running.world.checkout().path / "apps/hello/dev/prune.yaml").read_text()
    assert parse_prune_file(text) == {WEB: "Deployment-web"}


def test_the_last_app_leaves_an_empty_mapping(app: RunningApp) -> None:
    app.begin("dev")
    assert CONFIG.count("apps:") == 1
    assert app.run("delete", "hello", "--yes").exit_code == 0
    assert load_config(app.world.checkout().path).apps == {}


def test_an_environment_that_cannot_be_read_is_told_and_stops_prune(running: RunningApp) -> None:
    inventory = "/api/v1/namespaces/prod/configmaps/towpath-inventory-hello"
    running.api.objects[inventory] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    before = running.world.checkout().commit
    done = running.run("delete", "hello", "--prune", "--yes")
    assert done.exit_code == 1
    assert "prod cannot be read" in str(done.exception)
    assert running.world.checkout().commit == before
    assert running.run("delete", "hello", "--yes").exit_code == 0


def test_an_app_whose_files_another_needs_stays(running: RunningApp) -> None:
    files = {
        "apps/hello/base/kustomization.yaml": "resources: [settings.yaml]\n",
        "apps/hello/base/settings.yaml": json.dumps(configmap("dev", "base")),
        "apps/other/dev/kustomization.yaml": "namespace: dev\nresources: [../../hello/base]\n",
    }
    running.world.write(files, "Share\n\nMark: 6\n", ("Mark", "6"))
    state = EnvironmentRelease(replace(release(1), app="other", images=()), "2026-01-01T00:00:00Z", "bob")
    text = dump_release_file(state, V2)
    config = TWO.replace("other: {image: 127.0.0.1:5000/other}", "other: {images: {}}")
    running.world.write(
        {"apps/other/dev/release.yaml": text, "towpath.yaml": config}, "Release\n\nMark: 7\n", ("Mark", "7")
    )
    done = running.run("delete", "hello", "--yes")
    assert done.exit_code == 1
    assert "other in dev cannot be rendered without hello" in str(done.exception)


def test_an_app_that_another_depends_on_stays(running: RunningApp) -> None:
    config = TWO.replace("other: {image", "other: {dependsOn: [hello], image")
    running.world.write({"towpath.yaml": config}, "Order\n\nMark: 8\n", ("Mark", "8"))
    before = running.world.checkout().commit
    done = running.run("delete", "hello", "--yes")
    assert done.exit_code == 1
    assert "apps.other.dependsOn: there is no app `hello`" in str(done.exception)
    assert running.world.checkout().commit == before


def test_a_misspelt_app_is_told_with_the_nearest(running: RunningApp) -> None:
    assert "Did you mean hello?" in str(running.run("delete", "helo").exception)


def test_whatever_is_in_the_folder_leaves_and_a_missing_folder_is_no_obstacle(
    running: RunningApp, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    person = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", "clone", "-q", running.world.url, str(work)], check=True)
    (work / "apps/hello/base").mkdir(parents=True, exist_ok=True)
    (work / "apps/hello/base/logo.png").write_bytes(bytes(range(256)))
    (work / "apps/hello/base/link").symlink_to("../dev")
    (work / "apps/hello/base/.hidden").write_text("x")
    (work / "apps/hello/base/a name").write_text("x")
    for args in (("add", "-A"), (*person, "commit", "-qm", "More"), ("push", "-q")):
        subprocess.run(["git", *args], cwd=work, check=True)
    done = running.run("delete", "hello", "--yes")
    assert done.exit_code == 1
    assert "apps/hello/base/link is a symbolic link" in str(done.exception)
    for args in (("rm", "-q", "apps/hello/base/link"), (*person, "commit", "-qm", "Less"), ("push", "-q")):
        subprocess.run(["git", *args], cwd=work, check=True)
    done = running.run("delete", "hello", "--yes", "--output", "json")
    assert done.exit_code == 0, done.output
    assert {"apps/hello/base/a name", "apps/hello/base/logo.png"} <= set(json.loads(done.stdout)["files"])
    folder = running.world.checkout().path
    assert not (folder / "apps/hello").exists()
    assert running.run("delete", "other", "--yes").exit_code == 0
    assert load_config(running.world.checkout().path).apps == {}
