"""An environment of several apps made equal to Git: quiet when it is, each app by itself when it is not."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap, definition, deployment, service
from towpath.engine.source import render_changed
from towpath.errors import UnknownNameError
from towpath.health import Status

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    with a_fleet(stack.settings, tmp_path) as fleet:
        for name in ("one", "two", "three"):
            fleet.add(name)
        yield fleet


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Apps that really were rendered."""
    calls: list[str] = []
    real = render_changed.render_traced

    def traced(root: Path, app, environment, **options):
        calls.append(app.name)
        return real(root, app, environment, **options)

    monkeypatch.setattr(render_changed, "render_traced", traced)
    return calls


def test_all_apps_are_synced_and_a_second_run_writes_renders_and_says_nothing(
    fleet: Fleet, rendered: list[str]
) -> None:
    head = fleet.push()
    done = fleet.reconcile()
    assert done.failures == {}
    assert {each.app: len(each.changed) for each in done.outcomes} == {"one": 3, "two": 3, "three": 3}
    assert done.summary().startswith(
        f"test at {head[:7]}: 9 unapplied; synced one, three, two; 9 objects written in "
    )
    assert {app: health.status for app, health in done.health.items()} == dict.fromkeys(
        ("one", "three", "two"), Status.HEALTHY
    )
    before = fleet.resource_versions()
    rendered.clear()
    done = fleet.reconcile()
    assert done.summary() == f"test at {head[:7]}: 3 apps in sync"
    assert (done.outcomes, fleet.lines, rendered) == ((), [], [])
    assert fleet.resource_versions() == before


def test_what_was_rendered_is_known_to_the_next_process(fleet: Fleet, rendered: list[str]) -> None:
    fleet.push()
    fleet.look()
    assert sorted(rendered) == ["one", "three", "two"]
    rendered.clear()
    render_changed._known.clear()  # what a new process has not
    found = fleet.look()
    assert rendered == []
    assert [len(each.objects) for each in found.rendered] == [3, 3, 3]


def test_a_commit_to_one_app_renders_and_syncs_that_app_only(fleet: Fleet, rendered: list[str]) -> None:
    fleet.push()
    fleet.reconcile()
    before = fleet.resource_versions()
    rendered.clear()
    fleet.apps["two"][2]["data"]["A"] = "2"
    fleet.push()
    done = fleet.reconcile()
    assert rendered == ["two"]
    assert [each.app for each in done.outcomes] == ["two"]
    after = fleet.resource_versions()
    assert [name for name in after if after[name] != before[name]] == [
        "ConfigMap/towpath-inventory-two",
        "ConfigMap/two-settings",
    ]


def test_a_shared_folder_that_changes_renders_the_apps_that_read_it(
    fleet: Fleet, rendered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = fleet.content

    def shared() -> dict[str, str]:
        files = dict(content())
        files["towpath.yaml"] = files["towpath.yaml"].replace("renderer: plain", "renderer: kustomize")
        for name in fleet.apps:
            resources = ["app.yaml", *(["../../../common"] if name == "one" else [])]
            files[f"apps/{name}/test/kustomization.yaml"] = json.dumps({"resources": resources})
        files["common/kustomization.yaml"] = "resources: [shared.yaml]\n"
        files["common/shared.yaml"] = json.dumps(configmap("shared", A=value))
        return files

    monkeypatch.setattr(fleet, "content", shared)
    value = "1"
    fleet.push()
    fleet.look()
    rendered.clear()
    value = "2"
    fleet.push()
    found = fleet.look()
    assert rendered == ["one"]
    (one,) = (each for each in found.rendered if each.app == "one")
    assert {"A": "2"} in [each.get("data") for each in one.objects]


def test_one_app_that_fails_stops_no_other(fleet: Fleet) -> None:
    bad = service("broken")
    bad["spec"]["ports"][0]["port"] = 99999
    fleet.add("bad", bad)
    fleet.push()
    done = fleet.reconcile()
    assert list(done.failures) == ["bad"]
    assert "99999" in done.failures["bad"]
    assert {each.app for each in done.outcomes if not each.failure} == {"one", "two", "three"}
    assert "; synced one, three, two; " in done.summary()
    assert done.summary().endswith("; failed bad; not healthy bad")
    # The next run tries it again, and again nobody else is touched.
    before = fleet.resource_versions()
    assert list(fleet.reconcile().failures) == ["bad"]
    after = fleet.resource_versions()
    assert {name for name in after if after[name] != before.get(name) and "bad" not in name} == set()


def test_an_app_that_does_not_render_stops_no_other(fleet: Fleet) -> None:
    fleet.apps["two"][1]["metadata"]["namespace"] = "kube-system"
    fleet.push()
    done = fleet.reconcile()
    assert list(done.failures) == ["two"]
    assert [each.app for each in done.outcomes] == ["one", "three"]


def test_of_an_app_that_does_not_render_no_report_says_that_it_left_git(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    fleet.apps["two"][1]["metadata"]["namespace"] = "kube-system"
    fleet.push("Break one")
    fleet.world.kubectl("label", "service", "one", "x=y")
    for apps in (None, ["two"]):
        plan = fleet.reconcile(apps).plan
        assert plan.drift.apps("unapplied") == ()
        assert plan.drift.uncompared == ("two",)
        assert "not compared: two" in plan.drift.summary()
        assert "no longer in Git" not in plan.to_markdown()
        assert "two: cannot be rendered" in plan.to_markdown()
    fleet.apps["two"][1]["metadata"].pop("namespace")
    fleet.push("Mend it")
    done = fleet.reconcile()
    assert (done.failures, done.plan.drift.uncompared) == ({}, ())


def test_only_the_apps_that_are_named_are_looked_at(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    fleet.world.kubectl("label", "deployment", "one", "x=y")
    fleet.world.kubectl("label", "deployment", "two", "x=y")
    done = fleet.reconcile(["two"])
    assert [each.app for each in done.outcomes] == ["two"]
    assert done.plan.drift.apps() == ("two",)
    assert fleet.look().drift.apps() == ("one",)
    with pytest.raises(UnknownNameError, match="unknown app 'tow'"):
        fleet.reconcile(["tow"])


def test_a_rewritten_branch_holds_until_it_descends_again(fleet: Fleet) -> None:
    lost = fleet.push("First")
    fleet.reconcile()
    work = fleet.folder / "work"
    fleet.git(work, "checkout", "-q", "--orphan", "other")
    fleet.apps["two"][2]["data"]["A"] = "from another history"
    del fleet.apps["three"]
    fleet.git(work, "commit", "-q", "-m", "Another history")
    fleet.git(work, "branch", "-q", "-M", "main")
    fleet.push("Rewritten")
    before = fleet.resource_versions()
    done = fleet.reconcile()
    assert done.outcomes == ()
    assert f"does not descend from {lost[:7]}, which was reconciled last" in done.failures["held"]
    assert "held: the branch was rewritten" in done.summary()
    assert fleet.resource_versions() == before
    fleet.git(work, "merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", "Accept", lost)
    fleet.git(work, "push", "-q", "origin", "main")
    done = fleet.reconcile()
    assert done.plan.held == ""
    assert [each.app for each in done.outcomes if each.changed] == ["two"]


@pytest.mark.parametrize("odd", ["of another branch", "of nothing", "no commit"])
def test_an_edited_inventory_holds_its_own_app_and_no_other(fleet: Fleet, odd: str) -> None:
    fleet.push()
    fleet.reconcile()
    work = fleet.folder / "work"
    other = fleet.git(work, "commit-tree", "-m", "Elsewhere", "HEAD^{tree}")
    fleet.git(work, "push", "-q", "origin", f"{other}:refs/heads/elsewhere")
    said = {"of another branch": other, "of nothing": "e" * 40, "no commit": "--all"}[odd]
    written = fleet.world.live("configmap", "towpath-inventory-two")
    content = json.loads(written["data"]["inventory"]) | {"commit": said}
    patch = {"data": {"inventory": json.dumps(content)}}
    fleet.world.kubectl("patch", "cm/towpath-inventory-two", "--type=merge", "-p", json.dumps(patch))
    fleet.apps["one"][2]["data"]["A"] = fleet.apps["two"][2]["data"]["A"] = "2"
    fleet.push("Both change")
    done = fleet.reconcile()
    assert done.plan.held == ""
    assert [(each.app, each.failure) for each in done.outcomes] == [("one", "")]
    assert set(done.failures) == {"two"}
    assert f"applied at {said[:12]}" in done.failures["two"]
    assert fleet.world.live("configmap", "two-settings")["data"] == {"A": "1"}

    fleet.world.kubectl("delete", "cm/towpath-inventory-two")
    done = fleet.reconcile()
    assert done.failures == {}
    assert fleet.world.live("configmap", "two-settings")["data"] == {"A": "2"}


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_an_unreadable_inventory_holds_its_own_app_and_no_other(fleet: Fleet, text: str) -> None:
    fleet.push()
    fleet.reconcile()
    patch = json.dumps({"data": {"inventory": text}})
    fleet.world.kubectl("patch", "cm/towpath-inventory-two", "--type=merge", "-p", patch)
    fleet.apps["one"][2]["data"]["A"] = fleet.apps["two"][2]["data"]["A"] = "2"
    fleet.push("Both change")
    done = fleet.reconcile()
    assert [(each.app, each.failure) for each in done.outcomes] == [("one", "")]
    assert set(done.failures) == {"two"}
    assert "towpath-inventory-two cannot be read" in done.failures["two"]
    assert done.plan.drift.uncompared == ("two",)
    assert fleet.world.live("configmap", "two-settings")["data"] == {"A": "1"}

    fleet.world.kubectl("delete", "cm/towpath-inventory-two")
    assert fleet.reconcile().failures == {}
    assert fleet.world.live("configmap", "two-settings")["data"] == {"A": "2"}


def test_without_a_note_of_its_own_the_apps_of_lost_commits_are_held(fleet: Fleet) -> None:
    """An agent whose cache was lost, and a branch that was rewritten meanwhile."""
    fleet.push()
    fleet.reconcile()
    work = fleet.folder / "work"
    fleet.git(work, "checkout", "-q", "--orphan", "other")
    fleet.push("Another history")
    fleet.git(work, "push", "-q", "--force", "origin", "other:main")
    fleet.settings = replace(fleet.settings, cache=fleet.folder / "another-cache")
    before = fleet.resource_versions()
    done = fleet.reconcile()
    assert (done.plan.held, done.outcomes) == ("", ())
    assert set(done.failures) == {"one", "two", "three"}
    assert fleet.resource_versions() == before


def test_a_missing_folder_is_an_error_and_deletes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.push()
    fleet.reconcile()
    content = fleet.content
    monkeypatch.setattr(
        fleet, "content", lambda: {p: t for p, t in content().items() if not p.startswith("apps/two/")}
    )
    fleet.push("Lose a folder")
    before = fleet.resource_versions()
    done = fleet.reconcile()
    assert done.failures["two"].startswith("apps/two/test: there is no such folder, but 3 objects are live")
    assert (done.plan.drift.apps("unapplied"), done.plan.drift.uncompared) == ((), ("two",))
    assert fleet.resource_versions() == before


def test_a_branch_that_lost_all_folders_deletes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.push()
    fleet.reconcile()
    content = fleet.content
    monkeypatch.setattr(fleet, "content", lambda: {"towpath.yaml": content()["towpath.yaml"]})
    fleet.push("Lose everything")
    before = fleet.resource_versions()
    assert sorted(fleet.reconcile().failures) == ["one", "three", "two"]
    assert fleet.resource_versions() == before


def test_lost_inventories_are_written_anew_and_nothing_is_deleted(fleet: Fleet) -> None:
    fleet.add("two", configmap("left-behind"))
    fleet.push()
    fleet.reconcile()
    uids = fleet.world.kubectl("get", "deployment,service", "-o", "jsonpath={.items[*].metadata.uid}")
    fleet.world.kubectl("delete", "configmap", "-l", "towpath.dev/inventory")
    fleet.apps["two"].pop()
    fleet.push("left-behind leaves Git while nobody remembers it")
    done = fleet.reconcile()
    assert done.failures == {}
    now = fleet.world.kubectl("get", "deployment,service", "-o", "jsonpath={.items[*].metadata.uid}")
    assert now == uids
    assert fleet.world.live("configmap", "left-behind")
    assert (
        fleet.world.kubectl("get", "configmap", "-l", "towpath.dev/inventory", "-o", "name").count("\n") == 3
    )
    # From now on it is known again, and what Git has not goes.
    fleet.reconcile()
    assert fleet.look().drift.entries == ()


def test_a_deep_check_finds_and_heals_what_metadata_do_not_tell(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    kept = json.dumps(fleet.world.live("configmap", "one-settings")["metadata"]["managedFields"])
    patch = ["patch", "configmap", "one-settings", "--type=json", "-p"]
    fleet.world.kubectl(*patch, '[{"op":"replace","path":"/data/A","value":"9"}]')
    fleet.world.kubectl(*patch, f'[{{"op":"replace","path":"/metadata/managedFields","value":{kept}}}]')
    assert fleet.look().drift.entries == ()
    [entry] = fleet.look(deep=True).drift.entries
    assert (entry.app, entry.kind) == ("one", "modified")
    assert [each.pointer for each in entry.differences] == ["/data/A"]
    done = fleet.reconcile(deep=True)
    assert [each.app for each in done.outcomes] == ["one"]
    assert fleet.world.live("configmap", "one-settings")["data"] == {"A": "1"}
    assert fleet.look(deep=True).drift.entries == ()


def test_an_empty_cluster_is_rebuilt_in_one_run_in_the_order_of_need(stack, tmp_path: Path) -> None:
    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": 1}}
    with a_fleet(stack.settings, tmp_path, create=False) as fleet:
        fleet.environment["allowClusterScoped"] = ["Namespace", "CustomResourceDefinition", "ClusterRole"]
        # By name the ones that need come before the ones that are needed.
        fleet.add("a-uses", widget)
        fleet.add("y-defines", definition(group))
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": fleet.namespace}}
        fleet.add("z-founds", space)
        fleet.push()
        try:
            done = fleet.reconcile()
            assert done.failures == {}
            assert all(health.good for health in done.health.values())
            assert fleet.look().drift.entries == ()
            # Lost again, all of it at once.
            fleet.world.kubectl("delete", "namespace", fleet.namespace)
            fleet.world.kubectl("delete", "crd", f"widgets.{group}")
            done = fleet.reconcile()
            assert done.failures == {}
            assert fleet.world.live(f"widgets.{group}", "w")["spec"] == {"a": 1}
            assert fleet.look().drift.entries == ()
        finally:
            fleet.world.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found")


def test_a_copy_is_brought_up_from_the_same_commit(fleet: Fleet, stack, tmp_path: Path) -> None:
    head = fleet.push()
    fleet.reconcile()
    with a_fleet(stack.settings, tmp_path / "copy") as copy:
        # The same commit but for the place where it is to be.
        copy.apps = fleet.apps
        copy.push()
        done = copy.reconcile()
        assert done.failures == {}
        first, second = (
            each.world.kubectl("get", "deploy,svc,cm", "-o", "name", "-l", "towpath.dev/app").split()
            for each in (fleet, copy)
        )
        assert first == second
        assert copy.look().drift.entries == ()
    assert fleet.look().drift.entries == ()
    assert fleet.look().context.repo.commit == head


def test_what_left_git_stays_while_the_app_is_not_healthy_and_goes_when_it_is(fleet: Fleet) -> None:
    fleet.environment["timeout"] = "3s"
    fleet.add("one", configmap("former", A="1"))
    fleet.push()
    assert fleet.reconcile().failures == {}
    fleet.add("one", configmap("latter", A="1"), never_ready := deployment("never", replicas=1))
    fleet.push("A version that does not become healthy")
    done = fleet.reconcile()
    assert "not become healthy" in done.failures["one"] or "cannot become healthy" in done.failures["one"]
    assert fleet.world.live("configmap", "former")
    began = time.monotonic()
    done = fleet.reconcile()
    assert time.monotonic() - began < 3.0, "an app that stays unhealthy is not waited for again"
    assert done.failures == {}
    assert [(entry.ref.name, entry.kind) for entry in done.plan.drift.entries] == [("former", "waiting")]
    assert not done.health["one"].good
    assert fleet.world.live("configmap", "former")
    never_ready["spec"]["replicas"] = 0
    fleet.push("Mended")
    done = fleet.reconcile()
    assert done.failures == {}
    assert "former" in {ref.name for each in done.outcomes for ref in each.changed}
    assert fleet.reconcile().plan.quiet


def test_a_prune_that_was_killed_is_finished_by_the_next_reconcile(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add("one", configmap("former", A="1"))
    fleet.push()
    fleet.reconcile()
    fleet.add("one")
    fleet.push("Without it")
    with monkeypatch.context() as patch:
        patch.setattr("towpath.engine.reconcile.execute.prune_verified", lambda *_: {})
        fleet.reconcile()
    assert fleet.world.live("configmap", "former")
    done = fleet.reconcile()
    assert [ref.name for each in done.outcomes for ref in each.changed] == ["former"]
    assert fleet.reconcile().plan.quiet
