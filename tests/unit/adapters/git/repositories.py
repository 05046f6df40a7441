"""A bare repository, and a person who pushes to it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.prepared import copy_of
from towpath.adapters import git

FETCHED = "+refs/heads/*:refs/remotes/origin/*"
MARKER = ("Towpath-Intent", "promote-1")


def run(*args: str, cwd: Path, at: str | None = None) -> str:
    """Run git as Ann; a commit is made `at` a time, or now."""
    env = os.environ | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com",
    }
    if at:
        env |= {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    return subprocess.run(
        ["git", *args], cwd=cwd, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


class Bare:
    """A bare repository, and a person's clone of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "environments.git"
        self.clone = folder / "clone"
        self.cache = folder / "cache"
        folder.mkdir(exist_ok=True)
        copy_of(_begin, folder)
        with (self.clone / ".git/config").open("a") as config:
            config.write(f'[remote "origin"]\n\turl = {self.path}\n\tfetch = {FETCHED}\n')

    @property
    def url(self) -> str:
        return self.path.as_uri()

    @property
    def head(self) -> str:
        return run("rev-parse", "main", cwd=self.path)

    def push(self, path: str, text: str, *options: str, message: str = "A person's change") -> str:
        (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / path).write_text(text)
        run("add", "-A", cwd=self.clone)
        run("commit", "-q", "-m", message, cwd=self.clone)
        run("push", "-q", *options, "origin", "HEAD:main", cwd=self.clone)
        return run("rev-parse", "HEAD", cwd=self.clone)

    def fetch(self, revision: str = "main", **options: object) -> git.Checkout:
        return git.fetch_checkout(self.url, revision, self.cache, allow_file=True, **options)  # type: ignore[arg-type]

    def commit(
        self,
        edits: dict[str, str | None] | Callable[[Path], dict[str, str | None]],
        *,
        base: str | None = None,
        marker: tuple[str, str] = MARKER,
        url: str | None = None,
        **options: object,
    ) -> str:
        return git.commit_files(
            url or self.url,
            "main",
            base or self.head,
            edits if callable(edits) else lambda _: edits,
            f"Promote\n\nTowpath-App: hello\n{marker[0]}: {marker[1]}\n",
            author="Alice <alice@example.com>",
            cache=self.cache,
            marker=marker,
            allow_file=True,
            **options,  # type: ignore[arg-type]
        )

    def hook(self, name: str, script: str) -> None:
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def count(self) -> int:
        return int(run("rev-list", "--count", "main", cwd=self.path))


def _begin(folder: Path) -> None:
    """Both repositories, with two commits."""
    bare, clone = folder / "environments.git", folder / "clone"
    for path in (("--bare", str(bare)), (str(clone),)):
        # Without the examples of hooks, which would be copied with it.
        run("init", "-q", "--template=", "-b", "main", *path, cwd=folder)
    for name in ("a.txt", "b.txt"):
        (clone / name).write_text("one\n")
        run("add", "-A", cwd=clone)
        run("commit", "-q", "-m", "A person's change", cwd=clone)
        run("push", "-q", str(bare), "HEAD:main", cwd=clone)
    run("update-ref", "refs/remotes/origin/main", "HEAD", cwd=clone)
