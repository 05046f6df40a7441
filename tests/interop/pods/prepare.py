"""What the cluster with pods needs, before its tests, whose time is limited: programs and images."""

from tests.images import engine
from tests.interop.pods.cluster import ensure_programs
from tests.interop.pods.images import images
from tests.interop.programs import COREDNS, built
from towpath.progress import progress_on

if __name__ == "__main__":
    ensure_programs(progress_on())
    engine.ensure_programs()
    built(COREDNS)
    images(progress_on())
