"""Programs that only these tests need, built from their Go modules, once for each version."""

import os
import subprocess
from pathlib import Path

from towpath.local.programs import debian, golang
from towpath.local.programs.debian import DebianPackage
from towpath.local.programs.golang import GoProgram
from towpath.progress import progress_on
from towpath.settings import Settings

COSIGN = GoProgram(
    "cosign",
    "github.com/sigstore/cosign/v3/cmd/cosign",
    ("cosign",),
    (
        "sigs.k8s.io/release-utils/version.gitVersion=v3.1.3",
        "sigs.k8s.io/release-utils/version.gitTreeState=clean",
    ),
)
"""About 7 minutes on an idle machine the first time."""


GITEA = GoProgram(
    "gitea",
    "code.gitea.io/gitea",
    ("gitea",),
    ("main.Version=1.26.0",),
    tags=("sqlite", "sqlite_unlock_notify"),
    cgo=True,
)
"""A forge."""


OAUTH2_PROXY = GoProgram(
    "oauth2-proxy",
    "github.com/oauth2-proxy/oauth2-proxy/v7",
    ("oauth2-proxy",),
    ("github.com/oauth2-proxy/oauth2-proxy/v7/pkg/version.VERSION=v7.15.6",),
)
"""Lets people sign in before they reach a server."""


REFERRERS = GoProgram("referrers", ".", ("referrers",))
"""A registry with the referrers API."""


BUILDCTL, BUILDKITD = (
    GoProgram("buildkit", f"github.com/moby/buildkit/cmd/{name}", (name,))
    for name in ("buildctl", "buildkitd")
)
"""BuildKit's client and its server."""


COREDNS = GoProgram("coredns", ".", ("coredns",))
"""The names of Services, for pods."""


def built(program: GoProgram) -> Path:
    """The path of a program, which is built when it is missing."""
    settings = Settings.load(os.environ)
    golang.ensure([program], settings, progress_on())
    return golang.built_path(program, settings)


def module_folder(program: GoProgram) -> Path:
    """The folder of the module that a program is built from, with the files that belong to it."""
    folder = golang.MODULES / program.module
    go, _ = golang.find_go(golang.required_version((folder / "go.mod").read_text()))
    command = [str(go), "list", "-m", "-f", "{{.Dir}}", program.package]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    return Path(done.stdout.strip())


STORES = (
    DebianPackage("postgresql", ("initdb", "postgres", "psql"), ("/usr/lib/postgresql/15/bin",)),
    DebianPackage("redis-server", ("redis-server",)),
)
"""What Prefect servers in a cluster keep everything in."""


ROOTLESS = (
    DebianPackage("rootlesskit", ("rootlesskit",)),
    DebianPackage("uidmap", ("newuidmap", "newgidmap")),
    DebianPackage("runc", ("runc",)),
)
"""What BuildKit needs to build without root."""


if __name__ == "__main__":  # before the tests, whose time is limited
    debian.ensure((*STORES, *ROOTLESS), Settings.load(os.environ), progress_on())
    for each in (COSIGN, GITEA, OAUTH2_PROXY, REFERRERS, BUILDCTL, BUILDKITD):
        built(each)
