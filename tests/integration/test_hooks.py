"""Hooks: Jobs before and after a sync, one attempt per commit and content, whatever happens in between."""

from datetime import timedelta

import pytest

from tests.integration.killed_sync import owned_and_live, sync_and_die
from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.config import App, SmokeCheck
from towpath.engine.verify.verify import Verification, verify_app
from towpath.errors import SyncError, TransientError, VerifyError
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


def hook(name: str, when: str, **spec: object) -> Manifest:
    """Ends at once without a pod, unless `spec` says something else."""
    container = {"name": "hook", "image": "127.0.0.1:5000/none@sha256:" + "0" * 64}
    pod = {"containers": [container], "restartPolicy": "Never", "nodeSelector": {"no": "such-node"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "annotations": {"towpath.dev/hook": when}},
        "spec": {"completions": 0, "template": {"spec": pod}, **spec},
    }


FAILS = {"completions": 1, "activeDeadlineSeconds": 1}


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap("a", A="1"), hook("migrate", "pre-sync"), hook("warm", "post-sync")]


def uid(world: World, name: str) -> str:
    return world.live("job", name)["metadata"]["uid"]


def test_hooks_run_around_the_objects_and_once_per_commit(world: World) -> None:
    assert [e.ref.name for e in world.plan().entries] == ["migrate", "a", "warm"]
    done: list[str] = []
    world.sync(on_progress=lambda each: done.append(each.ref.name))
    assert done == ["migrate", "a", "warm"]
    first = uid(world, "migrate")
    before = world.versions()
    assert world.sync().changes == ()
    assert world.plan().changes == ()
    assert world.versions() == before
    assert world.drift().entries == (), "the Jobs are neither drift nor extras"
    # Healing is no delivery, not even at a later commit of the repository.
    world.kubectl("delete", "configmap", "a")
    world.sync(commit="d" * 40)
    assert uid(world, "migrate") == first
    # A commit that changes the app is.
    world.objects[0]["data"]["A"] = "2"
    world.sync(commit="e" * 40)
    assert uid(world, "migrate") != first


def test_failing_hook_stops_the_sync_and_is_not_tried_twice(world: World) -> None:
    world.sync()
    world.objects = [configmap("a", A="2"), hook("migrate", "pre-sync", **FAILS)]
    with pytest.raises(SyncError, match=r"Job .*/migrate: hook failed: DeadlineExceeded"):
        world.sync(commit="d" * 40)
    assert world.live("configmap", "a")["data"] == {"A": "1"}
    first = uid(world, "migrate")
    world.kubectl("delete", "job", "migrate")
    with pytest.raises(SyncError, match="failed at this commit before, and is not tried again"):
        world.sync(commit="d" * 40)
    world.objects[1] = hook("migrate", "pre-sync")
    world.sync(commit="e" * 40)
    assert uid(world, "migrate") != first
    assert world.live("configmap", "a")["data"] == {"A": "2"}
    assert world.kubectl("get", "job", "warm", "--ignore-not-found") == "", "its hook has left Git"


def test_slow_hook_is_waited_for_again_and_not_repeated(world: World) -> None:
    world.settings["timeout"] = "1s"
    world.objects[1] = hook("migrate", "pre-sync", completions=1)
    with pytest.raises(TransientError, match="is still running after 1 s"):
        world.sync()
    first = uid(world, "migrate")
    pod = world.kubectl("get", "pod", "-o", "name").strip()
    world.kubectl("patch", pod, "--subresource=status", "-p", '{"status":{"phase":"Succeeded"}}')
    world.settings["timeout"] = "60s"
    world.sync()
    assert uid(world, "migrate") == first
    assert world.live("configmap", "a")


def test_a_job_of_that_name_that_is_not_ours_is_left_alone(world: World) -> None:
    world.kubectl("create", "job", "migrate", "--image=none")
    before = uid(world, "migrate")
    with pytest.raises(SyncError, match="that is not hello's"):
        world.sync()
    assert uid(world, "migrate") == before


@pytest.mark.parametrize("failpoint", ["hook-remembered", "hook-created", "hook-ended", "hook-ended:2"])
def test_killed_around_a_hook_it_runs_once(world: World, failpoint: str) -> None:
    sync_and_die(world, failpoint)
    made = world.kubectl("get", "job", "migrate", "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
    world.sync()
    assert not made or uid(world, "migrate") == made
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def marked(name: str, when: str, **data: str) -> Manifest:
    made = configmap(name, **data)
    made["metadata"]["annotations"] = {"towpath.dev/hook": when}
    return made


def test_what_hooks_need_is_there_before_them_and_owned_like_any_other(world: World) -> None:
    world.objects += [marked("needed", "pre-sync", A="1"), marked("late", "post-sync", A="1")]
    order = ["needed", "migrate", "a", "late", "warm"]
    assert [(e.ref.name, e.action) for e in world.plan().entries] == [(name, "create") for name in order]
    done: list[str] = []
    world.sync(on_progress=lambda each: done.append(each.ref.name))
    assert done == order
    before = world.versions()
    assert world.sync().changes == ()
    assert world.plan().changes == ()
    assert world.versions() == before
    # Drift of it is found and healed, and runs no hook.
    first = uid(world, "migrate")
    world.kubectl("patch", "configmap", "needed", "-p", '{"data":{"A":"2"}}')
    assert [(entry.ref.name, entry.kind) for entry in world.drift().entries] == [("needed", "modified")]
    assert [(each.ref.name, each.result) for each in world.sync().changes] == [("needed", "configured")]
    assert uid(world, "migrate") == first
    # It is in an inventory that is put together again, and leaves as others do; the Jobs are not in it.
    world.kubectl("delete", "configmap", "towpath-inventory-hello")
    world.sync()
    assert owned_and_live(world)[0] == {"a", "needed", "late"}
    world.objects = [each for each in world.objects if each["metadata"]["name"] != "needed"]
    assert [(each.ref.name, each.result) for each in world.sync(commit="d" * 40).results][-1] == (
        "needed",
        "deleted",
    )


def test_failing_hook_leaves_what_it_needs_and_the_next_commit_goes_on(world: World) -> None:
    world.sync()
    world.objects = [
        configmap("a", A="2"),
        marked("needed", "pre-sync", A="1"),
        marked("late", "post-sync", A="1"),
        hook("migrate", "pre-sync", **FAILS),
    ]
    with pytest.raises(SyncError, match="hook failed"):
        world.sync(commit="d" * 40)
    assert owned_and_live(world) == ({"a", "needed", "late"}, {"a", "needed"})
    assert world.live("configmap", "a")["data"] == {"A": "1"}
    world.objects[3] = hook("migrate", "pre-sync")
    assert [e.action for e in world.plan().entries if e.ref.name == "needed"] == ["unchanged"]
    world.sync(commit="e" * 40)
    assert owned_and_live(world) == ({"a", "needed", "late"}, {"a", "needed", "late"})
    assert world.sync(commit="e" * 40).changes == ()


def test_no_hook_runs_without_what_it_needs(world: World) -> None:
    world.objects.append(marked("needed", "pre-sync", A="1") | {"immutable": True})
    world.sync()
    first = uid(world, "migrate")
    world.objects[0]["data"]["A"] = world.objects[-1]["data"]["A"] = "2"
    with pytest.raises(SyncError, match="needed"):
        world.sync(commit="d" * 40)
    assert uid(world, "migrate") == first
    assert world.live("configmap", "a")["data"] == {"A": "1"}


@pytest.mark.parametrize(
    "failpoint",
    [
        "inventory-ahead-written",
        "applied",
        "hook-remembered",
        "hook-created",
        "hook-ended",
        "applied:2",
        "applied:3",
    ],
)
def test_killed_around_what_a_hook_needs_it_converges(world: World, failpoint: str) -> None:
    world.objects += [marked("needed", "pre-sync", A="1"), marked("late", "post-sync", A="1")]
    sync_and_die(world, failpoint)
    owned, live = owned_and_live(world)
    assert live <= owned == {"a", "needed", "late"}
    assert ("needed" in live) == (failpoint != "inventory-ahead-written"), "before the first hook"
    world.sync()
    assert owned_and_live(world) == ({"a", "needed", "late"}, {"a", "needed", "late"})
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def test_smoke_job_runs_once_for_what_is_rendered_and_its_result_counts(world: World) -> None:
    checks = [SmokeCheck(job="probe")]
    world.objects = [configmap("a", A="1"), hook("probe", "smoke")]
    world.sync()
    assert world.kubectl("get", "job", "probe", "--ignore-not-found") == "", "a sync does not run it"

    def verify() -> Verification:
        app = App(image="127.0.0.1:5000/none", smoke=tuple(checks))
        seconds = timedelta(seconds=30)
        return verify_app(world.cluster, world.rendered, app, world.environment, (), deadline=seconds)

    assert str(verify().smoke[0]).startswith("Job probe: succeeded")
    first = uid(world, "probe")
    verify()
    assert uid(world, "probe") == first
    assert world.drift().entries == ()
    world.objects[1] = hook("probe", "smoke", **FAILS)
    with pytest.raises(VerifyError, match=r"(?s)fails its smoke checks.*Job probe: DeadlineExceeded"):
        verify()
    checks.append(SmokeCheck(job="forgotten"))
    with pytest.raises(VerifyError, match="Job forgotten: hello has no Job of this name"):
        verify()
