"""A cluster with pods for each story, and Towpath's images in it."""

import time
from collections.abc import Iterator

import pytest

from tests.interop.pods.cluster import pods_cluster
from tests.interop.pods.images import images, kept
from tests.interop.pods.site import Site, Tell
from towpath.progress import progress_on


@pytest.fixture(scope="module")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Says where the story is, and what was measured."""
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    begun = time.monotonic()

    def line(text: str) -> None:
        assert terminal is not None
        terminal.ensure_newline()
        terminal.write_line(f"  {time.monotonic() - begun:6.0f} s  {text}")

    return line


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tell: Tell
) -> Iterator[Site]:
    """A cluster with its images, and what the installation's owner brings; no environment repository yet.

    `IMAGES` of the test's module are brought to its node; left out, all but those that build.
    """
    made = images(progress_on())
    tell("images are there; starting a cluster")
    with pods_cluster(kept()) as cluster:
        tell("the cluster is up")
        found = Site(cluster, made, tmp_path_factory.mktemp("site"))
        found.prepare()
        for name in getattr(request.module, "IMAGES", sorted(made.keys() - {"buildkit", "build-agent"})):
            cluster.pull(made[name].reference)
            tell(f"pulled {name}")
        yield found
