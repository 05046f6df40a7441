"""A real environment repository in which releases are promoted, verified and rolled back."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.keys import make_keys
from tests.prepared import copy_of
from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.git import Checkout, commit_files, fetch_checkout
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.formats.versions import V2
from towpath.release.commit_message import (
    PromotionIntent,
    promotion_message,
    verified_marker,
    verified_message,
)
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.quarantine import QuarantineEntry, dump_quarantine, quarantine_path
from towpath.release.release_file import dump_release_file, release_path

CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/hello}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""


def release(number: int) -> Release:
    digit = str(number)
    return Release(
        app="hello",
        images=one_image("hello", "127.0.0.1:5000/hello", "sha256:" + digit * 64),
        commit=digit * 40,
        source="https://example.com/hello.git",
        subject=f"Version {number}",
        author="Ann <ann@example.com>",
        built_at="2026-01-01T00:00:00Z",
        scan=ScanSummary("passed", ("secret",)),
        flow_run=f"build-{number}",
    )


class Push:
    """What a commit has added to a bare repository."""

    def __init__(self, bare: Path, commit: str, before: set[Path]) -> None:
        self.commit, self.head = commit, head_of(bare)
        self.objects = {path: (bare / path).read_bytes() for path in objects_of(bare) - before}

    def repeat(self, bare: Path) -> None:
        """Add it to another one that has the same head."""
        for path, data in self.objects.items():
            (bare / path.parent).mkdir(exist_ok=True)
            (bare / path).write_bytes(data)
        (bare / HEAD).write_text(f"{self.head}\n")


_PUSHES: dict[tuple[object, ...], Push] = {}
"""By head, files, message, marker and key."""
HEAD = "refs/heads/main"


def head_of(bare: Path) -> str:
    return (bare / HEAD).read_text().strip()


def objects_of(bare: Path) -> set[Path]:
    return {path.relative_to(bare) for path in (bare / "objects").glob("*/*")}


class World:
    def __init__(self, folder: Path) -> None:
        self.keys = make_keys(folder / "keys")
        copy_of(_begin, folder)
        self.bare = folder / "environments.git"
        self.url = f"file://{self.bare}"
        self.cache = folder / "cache"

    def checkout(self) -> Checkout:
        return fetch_checkout(self.url, "main", self.cache, allow_file=True)

    @property
    def trusted(self) -> TrustedKeys:
        return read_trusted_keys(self.keys.trusted_file)

    def write(self, files: dict[str, str], message: str, marker: tuple[str, str], *, signer: str = "") -> str:
        """The same commit on top of the same head is made once; other repositories get a copy of it."""
        key = self.keys.private_file(signer) if signer else None
        wanted = (head_of(self.bare), *files.items(), message, marker, key.read_text() if key else "")
        if wanted not in _PUSHES:
            before = objects_of(self.bare)
            commit = commit_files(
                self.url,
                "main",
                self.checkout().commit,
                lambda _: dict(files),
                message,
                author="Towpath",
                cache=self.cache,
                marker=marker,
                signing_key=key,
                allow_file=True,
            )
            _PUSHES[wanted] = Push(self.bare, commit, before)
        else:
            _PUSHES[wanted].repeat(self.bare)
        return _PUSHES[wanted].commit

    def promote(
        self,
        number: int,
        environment: str,
        *,
        verified: bool,
        back_from: int | None = None,
        signer: str | None = None,
        approved_by: tuple[str, ...] = ("alice",),
    ) -> None:
        """As the environment's agent does it; by another `signer`, or nobody's (empty), as others can."""
        signer = environment if signer is None else signer
        rolls_back = release(back_from).id if back_from else None
        run = f"run-{number}-{environment}-{back_from}"
        intent = PromotionIntent(release(number), environment, None, approved_by, run, "bob", rolls_back)
        state = EnvironmentRelease(
            release(number), f"2026-01-0{number}T00:00:00Z", "bob", None, approved_by, run, None, rolls_back
        )
        path = release_path("hello", environment)
        files = {path: dump_release_file(state, V2)}
        if back_from:
            bad = QuarantineEntry(release(back_from).id, "never ready", "2026-01-03T00:00:00Z")
            files[quarantine_path("hello")] = dump_quarantine([bad], V2)
        self.write(files, promotion_message(intent), intent.marker, signer=signer)
        if verified:
            text = dump_release_file(replace(state, verified_at="2026-01-09T00:00:00Z"), V2)
            marker = verified_marker(release(number), environment, run)
            message = verified_message(release(number), environment, run)
            self.write({path: text}, message, marker, signer=signer)


def _begin(folder: Path) -> None:
    """The repository with its first commit, and a person's clone."""
    bare, clone = folder / "environments.git", folder / "clone"
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    for path in (("--bare", str(bare)), (str(clone),)):
        # Without the examples of hooks, which would be copied with it.
        subprocess.run(["git", "init", "-q", "--template=", "-b", "main", *path], env=env, check=True)
    (clone / "towpath.yaml").write_text(CONFIG)
    for args in (("add", "."), (*who, "commit", "-qm", "Begin"), ("push", "-q", str(bare), "main")):
        subprocess.run(["git", *args], cwd=clone, env=env, check=True)
