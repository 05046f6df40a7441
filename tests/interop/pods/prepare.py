"""What the cluster with pods needs, before its tests, whose time is limited: programs and images."""

from tests.images import engine
from tests.interop.pods.cluster import ensure_programs
from tests.interop.pods.images import images
from tests.interop.programs import BUILDCTL, BUILDKITD, COREDNS, built
from towpath.progress import progress_on


def prepare() -> None:
    """Build and install what is missing."""
    ensure_programs(progress_on())
    engine.ensure_programs()
    for each in (COREDNS, BUILDCTL, BUILDKITD):
        built(each)
    images(progress_on())


if __name__ == "__main__":
    prepare()
