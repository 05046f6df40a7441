"""`towpath diff --markdown --post` at a real Gitea, compared with what an agent published to it."""

import os
import subprocess
import sys
import time
import urllib.error
import uuid
from pathlib import Path

import pytest

from tests.interop.gitea import OWNER, PASSWORD, Gitea, Working, gitea
from tests.keys import make_keys
from tests.published import CHANGED, configmap, environment_files, published_state
from towpath.drift.published import state_ref
from towpath.engine.source.published import publish_state
from towpath.settings import Settings

__all__ = ["gitea"]

PATIENCE = 30.0
TOWPATH = [sys.executable, "-c", "from towpath.cli.main import run; run()"]


class Review:
    """An environment repository at Gitea with a published state, and a pull request that changes prod."""

    def __init__(self, gitea: Gitea, folder: Path) -> None:
        self.gitea, self.folder = gitea, folder
        self.keys = make_keys(folder / "keys")
        self.work: Working = gitea.repository("acme", f"environments-{uuid.uuid4().hex[:6]}")
        self.url = f"http://{OWNER}:{PASSWORD}@127.0.0.1:{gitea.port}/{self.work.name}.git"
        for path, text in environment_files().items():
            self.write(path, text)
        self.applied = self.push("main", "Begin")
        publish_state(self.settings(), published_state(self.applied))
        self.work.git("checkout", "-q", "-b", "change")
        self.write(CHANGED, configmap("2"))
        self.head = self.push("change", "Change prod")
        self.number = self.open_pull()
        scopes = {"name": uuid.uuid4().hex, "scopes": ["write:repository", "write:issue", "read:user"]}
        self.token = gitea.api("POST", f"/users/{OWNER}/tokens", scopes)["sha1"]

    def write(self, path: str, text: str) -> None:
        (self.work.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.work.folder / path).write_text(text)

    def push(self, branch: str, subject: str) -> str:
        self.work.git("add", "-A")
        self.work.git("commit", "-q", "-m", subject)
        self.work.git("push", "-q", "origin", f"HEAD:{branch}")
        return self.work.git("rev-parse", "HEAD")

    def open_pull(self) -> int:
        """Gitea answers 404 until it has noted the branch, some time after the push has ended."""
        request = {"head": "change", "base": "main", "title": "Change prod"}
        end = time.monotonic() + PATIENCE
        while True:
            try:
                number: int = self.gitea.api("POST", f"/repos/{self.work.name}/pulls", request)["number"]
            except urllib.error.HTTPError as error:
                if error.code != 404 or time.monotonic() > end:
                    raise
                time.sleep(0.2)
            else:
                return number

    def settings(self) -> Settings:
        return Settings.load(
            {
                "HOME": str(self.folder),
                "TOWPATH_ENVIRONMENTS": self.url,
                "TOWPATH_CACHE": str(self.folder / "agent"),
                "TOWPATH_SIGNING_KEY": str(self.keys.private_file("prod")),
            }
        )

    def towpath(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """The verb in a job of Gitea Actions, on a machine without a kubeconfig."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "job"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TOWPATH_ENVIRONMENTS": self.url,
            "TOWPATH_TRUSTED_KEYS": str(self.keys.trusted_file),
            "GITEA_ACTIONS": "true",
            "GITHUB_API_URL": f"http://127.0.0.1:{self.gitea.port}/api/v1",
            "GITHUB_SERVER_URL": f"http://127.0.0.1:{self.gitea.port}",
            "GITHUB_REPOSITORY": self.work.name,
            "GITHUB_REF": f"refs/pull/{self.number}/head",
            "GITHUB_SHA": self.head,
            "GITEA_TOKEN": self.token,
            **variables,
        }
        command = [*TOWPATH, "diff", "prod", "--repo", str(self.work.folder), "--markdown", "--post"]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def comments(self) -> list[str]:
        found = self.gitea.api("GET", f"/repos/{self.work.name}/issues/{self.number}/comments")
        return [each["body"] for each in found]

    def statuses(self) -> list[tuple[str, str]]:
        """(state, description), newest first."""
        found = self.gitea.api("GET", f"/repos/{self.work.name}/commits/{self.head}/statuses")
        return [
            (each["status"], each["description"]) for each in found if each["context"] == "towpath diff prod"
        ]


@pytest.fixture
def review(gitea: Gitea, tmp_path: Path) -> Review:
    return Review(gitea, tmp_path)


def test_the_comment_is_made_once_and_kept_up_to_date(review: Review) -> None:
    first = review.towpath()
    assert (first.returncode, first.stderr.splitlines()[-1][:7]) == (2, "posted:"), first.stderr
    (comment,) = review.comments()
    assert comment.startswith("<!-- towpath diff prod -->\n### prod: 1 of 1 apps differ: hello\n")
    assert "compared with what prod's agent published" in comment
    assert '+   /data/A: "2"' in comment
    assert review.statuses() == [("success", "prod: 1 of 1 apps differ: hello")]

    review.gitea.api("POST", f"/repos/{review.work.name}/issues/{review.number}/comments", {"body": "Why?"})
    review.write(CHANGED, configmap("3"))
    review.head = review.push("change", "Change it again")
    second = review.towpath()
    assert second.stderr.splitlines()[-1].startswith("updated:"), second.stderr
    comment, question = review.comments()
    assert ('+   /data/A: "3"' in comment, '"2"' in comment, question) == (True, False, "Why?")
    assert review.statuses()[0][0] == "success"


def test_what_could_not_be_judged_fails_the_status(review: Review) -> None:
    review.write(CHANGED, "kind: [")
    done = review.towpath()
    assert done.returncode == 1
    assert "**Not judged:**" in review.comments()[0]
    assert review.statuses()[0][0] == "failure"


def test_a_token_without_the_right_is_told_and_shows_nowhere(review: Review) -> None:
    scopes = {"name": uuid.uuid4().hex, "scopes": ["read:repository", "read:issue"]}
    token = review.gitea.api("POST", f"/users/{OWNER}/tokens", scopes)["sha1"]
    for value in (token, "not-a-token-of-anybody"):
        done = review.towpath(GITEA_TOKEN=value)
        assert done.returncode == 1
        assert "the forge answered" in done.stderr
        assert value not in done.stderr + done.stdout
    assert review.comments() == []


def test_gitea_takes_the_agents_ref_and_shows_it_in_no_list_of_branches(review: Review) -> None:
    listed = review.work.git("ls-remote", "origin", "refs/towpath/*")
    assert listed.endswith(state_ref("prod"))
    branches = review.gitea.api("GET", f"/repos/{review.work.name}/branches")
    assert sorted(each["name"] for each in branches) == ["change", "main"]
