"""`plan`, `diff` and `drift` where no kubeconfig is: compared with what the agent has published in Git."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.forks import towpath_command
from tests.keys import make_keys
from tests.published import CHANGED, CONFIG, configmap, environment_files, published_state
from tests.unit.adapters.git.repositories import Bare, run
from towpath.adapters.git.write.state_ref import write_state_ref
from towpath.drift.model import DriftEntry
from towpath.drift.published import STATE_FILE, PublishedState, state_ref
from towpath.drift.published_text import encode_state
from towpath.engine.source.published import publish_state
from towpath.fields.managed_fields import FieldChange
from towpath.kube.diff import Difference
from towpath.objects import ObjectRef
from towpath.settings import Settings

WHO = FieldChange("2026-01-01T00:00:00Z", "kubectl-edit", "Update", (".data.A",))
REF = ObjectRef("", "ConfigMap", "prod", "a")


class PublishedWorld:
    """An environment repository, the agents' keys, and a machine without a cluster."""

    def __init__(self, folder: Path) -> None:
        self.git = Bare(folder / "git")
        self.keys = make_keys(folder / "keys")
        self.home = folder / "home"
        self.home.mkdir()
        for path, text in environment_files().items():
            self.git.push(path, text)
        self.applied = self.git.head

    def settings(self, key: str) -> Settings:
        return Settings.load(
            {
                "HOME": str(self.home),
                "TOWPATH_ENVIRONMENTS": self.git.url,
                "TOWPATH_GIT_ALLOW_FILE": "1",
                "TOWPATH_CACHE": str(self.home / "agent"),
                "TOWPATH_SIGNING_KEY": str(self.keys.private_file(key)),
            }
        )

    def state(self, *entries: DriftEntry, **options: Any) -> PublishedState:
        return published_state(self.applied, *entries, **options)

    def publish(self, state: PublishedState, key: str = "prod") -> None:
        publish_state(self.settings(key), state)

    def towpath(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
        environ = {
            **kept,
            "HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TOWPATH_ENVIRONMENTS": self.git.url,
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "TOWPATH_TRUSTED_KEYS": str(self.keys.trusted_file),
            **variables,
        }
        command = [*towpath_command(), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> PublishedWorld:
    """Published, and Git is as it was applied."""
    place = PublishedWorld(tmp_path_factory.mktemp("unchanged"))
    place.publish(place.state())
    return place


@pytest.fixture
def place(tmp_path: Path) -> PublishedWorld:
    return PublishedWorld(tmp_path)


def test_plan_and_diff_say_first_with_what_they_compared(unchanged: PublishedWorld) -> None:
    for verb in (["plan", "hello", "prod"], ["diff", "hello", "prod"], ["diff", "prod"], ["drift", "prod"]):
        done = unchanged.towpath(*verb)
        assert done.returncode == 0, done.stderr
        first = done.stdout.splitlines()[0]
        assert first.startswith("compared with what prod's agent published "), done.stdout
        assert first.endswith(f" ago (commit {unchanged.applied[:7]}), not with the cluster")
        assert "warning" not in done.stdout


def test_json_has_it_in_a_field(unchanged: PublishedWorld) -> None:
    for verb in (["plan", "hello", "prod"], ["diff", "hello", "prod"], ["drift", "prod"]):
        told = json.loads(unchanged.towpath(*verb, "--output", "json").stdout)["published"]
        assert (told["environment"], told["commit"]) == ("prod", unchanged.applied)
        assert (told["signed_by"], told["stale"], told["warnings"]) == ("prod", False, [])
        assert 0 <= told["age_seconds"] < 600


def test_a_branch_is_compared_with_the_commit_that_was_applied(place: PublishedWorld) -> None:
    place.publish(place.state())
    place.git.push(CHANGED, configmap("2"))
    done = place.towpath("diff", "hello", "prod")
    assert done.returncode == 2
    assert '- /data/A: "1"' in done.stdout
    assert '+ /data/A: "2"' in done.stdout
    assert place.towpath("diff", "hello", "prod", "--revision", place.applied).returncode == 0
    folder = place.towpath("diff", "prod", "--repo", str(place.git.clone), "--output", "json")
    assert folder.returncode == 2
    (environment,) = json.loads(folder.stdout)["environments"]
    assert environment["published"]["commit"] == place.applied


def test_published_drift_is_shown_with_who_and_when(place: PublishedWorld) -> None:
    entry = DriftEntry("hello", REF, "modified", (Difference("/data/A", "9", "1"),), (WHO,), "", (WHO,))
    place.publish(place.state(entry))
    done = place.towpath("drift", "prod")
    assert done.returncode == 2
    assert [
        each
        for each in ("kubectl-edit (Update)", "/data/A", "2026-01-01", "drift is allowed")
        if each not in done.stdout
    ] == []
    assert place.towpath("drift", "prod", "--app", "hello").returncode == 2
    assert '- /data/A: "9"' in place.towpath("plan", "hello", "prod").stdout


def test_old_and_unproven_states_are_told(place: PublishedWorld) -> None:
    place.publish(place.state(age=timedelta(hours=5)))
    done = place.towpath("drift", "prod", TOWPATH_TRUSTED_KEYS="")
    first, stale, unproven = done.stdout.splitlines()[:3]
    assert "published 5 h ago" in first
    assert stale.startswith("warning: it is 5 h old: prod's agent does not run")
    assert unproven.startswith("warning: nobody proves who published it")


@pytest.mark.parametrize("key", ["dev", "build"])
def test_what_another_key_signed_is_refused(place: PublishedWorld, key: str) -> None:
    place.publish(place.state(), key)
    done = place.towpath("diff", "hello", "prod")
    assert done.returncode == 1
    assert "was not published by prod's agent" in done.stderr
    assert done.stdout == ""


def test_a_state_of_another_environment_at_the_ref_is_refused(place: PublishedWorld) -> None:
    content = encode_state(place.state(environment="dev"), 1024 * 1024)
    write_state_ref(
        place.git.url, state_ref("prod"), STATE_FILE, content, "State of dev\n", author="T <t@localhost>",
        signing_key=place.keys.private_file("prod"), cache=place.home / "agent", allow_file=True,
    )  # fmt: skip
    done = place.towpath("drift", "prod")
    assert (done.returncode, done.stdout) == (1, "")
    assert "about environment 'dev', not 'prod'" in done.stderr


def test_where_nothing_was_published_both_ways_are_told(place: PublishedWorld) -> None:
    done = place.towpath("plan", "hello", "prod")
    assert done.returncode == 1
    assert ".kube/config, and prod's agent has published nothing" in done.stderr
    whole = place.towpath("diff", "--output", "json")
    assert (whole.returncode, json.loads(whole.stdout)["differs"]) == (1, None)


def test_one_environment_of_which_nothing_was_published_hides_no_other(place: PublishedWorld) -> None:
    place.publish(place.state())
    done = place.towpath("diff", "--output", "json")
    answer = json.loads(done.stdout)
    assert [each["environment"] for each in answer["problems"]] == ["dev"]
    assert [bool(each["published"]) for each in answer["environments"]] == [False, True]


@pytest.mark.parametrize("broken", ["missing", "empty", "no yaml", "no current-context"])
def test_a_kubeconfig_that_cannot_be_used_stays_an_error(place: PublishedWorld, broken: str) -> None:
    place.publish(place.state())
    file = place.home / "kubeconfig"
    texts = {"empty": "", "no yaml": "{", "no current-context": "apiVersion: v1\nkind: Config\n"}
    if broken in texts:
        file.write_text(texts[broken])
    for verb in (["plan", "hello", "prod"], ["drift", "prod"]):
        done = place.towpath(*verb, KUBECONFIG=str(file))
        assert done.returncode == 1
        assert "published" not in done.stdout
        assert "kubeconfig" in done.stderr


def test_a_kubeconfig_at_the_default_place_counts(place: PublishedWorld) -> None:
    place.publish(place.state())
    (place.home / ".kube").mkdir()
    (place.home / ".kube/config").write_text("apiVersion: v1\nkind: Config\n")
    assert place.towpath("plan", "hello", "prod").returncode == 1


def test_what_only_the_cluster_can_say_is_refused(unchanged: PublishedWorld) -> None:
    deep = unchanged.towpath("drift", "prod", "--deep")
    confirm = unchanged.towpath("plan", "hello", "prod", "--confirm")
    assert (deep.returncode, confirm.returncode) == (1, 1)
    assert "--deep asks the cluster" in deep.stderr
    assert "only the cluster tells" in confirm.stderr


def test_a_misspelt_app_is_told_with_the_nearest(unchanged: PublishedWorld) -> None:
    for verb in (["diff", "helo", "prod"], ["plan", "helo", "prod"], ["drift", "prod", "--app", "helo"]):
        done = unchanged.towpath(*verb)
        assert done.returncode == 1
        assert done.stderr.startswith("error: unknown app 'helo'"), done.stderr


def test_what_was_too_much_is_counted(place: PublishedWorld) -> None:
    place.publish(replace(place.state(), left_out=12))
    assert "warning: 12 objects that differ were too many to publish" in place.towpath("drift", "prod").stdout


def test_markdown_needs_no_cluster_and_posting_needs_a_job(place: PublishedWorld) -> None:
    place.publish(place.state())
    place.git.push(CHANGED, configmap("2"))
    for names in (["prod"], ["hello", "prod"]):
        done = place.towpath("diff", *names, "--markdown")
        assert done.returncode == 2
        assert done.stdout.startswith("### prod: 1 of 1 apps differ: hello\n")
        assert "> compared with what prod's agent published" in done.stdout
        assert '+   /data/A: "2"' in done.stdout
    posted = place.towpath("diff", "prod", "--markdown", "--post")
    assert (posted.returncode, posted.stdout) == (1, "")
    assert "this is no CI job of GitHub Actions, GitLab CI or Gitea Actions" in posted.stderr
    for wrong in (["--post"], ["--markdown", "--output", "json"]):
        assert place.towpath("diff", "prod", *wrong).returncode == 1


def test_a_shallow_clone_without_the_applied_commit_has_it_fetched(place: PublishedWorld) -> None:
    place.publish(place.state())
    place.git.push(CHANGED, configmap("2"))
    shallow = place.home / "shallow"
    run("clone", "-q", "--depth=1", place.git.url, str(shallow), cwd=place.home)
    done = place.towpath("diff", "hello", "prod", "--repo", str(shallow))
    assert done.returncode == 2, done.stderr
    assert '- /data/A: "1"' in done.stdout


def test_an_applied_commit_that_nobody_has_is_told(place: PublishedWorld) -> None:
    state = place.state()
    apps = {"hello": replace(state.apps["hello"], commit="e" * 40)}
    place.publish(replace(state, apps=apps))
    done = place.towpath("diff", "prod", "--output", "json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["differs"]) == (1, None)
    assert "e" * 40 in answer["problems"][0]["message"]


def test_an_app_that_has_left_git_is_told_object_by_object(place: PublishedWorld) -> None:
    place.publish(place.state())
    head, _, environments = CONFIG.partition("apps:")
    place.git.push("towpath.yaml", head + environments.partition("renderer: plain}\n")[2])
    for names in (["prod"], ["hello", "prod"]):
        done = place.towpath("diff", *names)
        assert done.returncode == 2, done.stderr
        assert (
            "- ConfigMap prod/a  (its app is no longer in Git, and prune.yaml does not confirm it)"
            in done.stdout
        )
        assert "- Deployment prod/hello" in done.stdout
