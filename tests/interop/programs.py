"""Programs that only these tests need, built from their Go modules, once for each version."""

import os
from pathlib import Path

from towpath.local.programs import golang
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


REFERRERS = GoProgram("referrers", ".", ("referrers",))
"""A registry with the referrers API."""


def built(program: GoProgram) -> Path:
    """The path of a program, which is built when it is missing."""
    settings = Settings.load(os.environ)
    golang.ensure([program], settings, progress_on())
    return golang.built_path(program, settings)
