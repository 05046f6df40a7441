"""Where an agent is measured: on the local stack that is up, or on a cluster beside a Prefect server."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.prefect_server import prefect_server
from tests.integration.running import RunningStack
from towpath.settings import Settings


@dataclass(frozen=True)
class Beside(RunningStack):
    """In place of a local stack: this Prefect API, and the cluster of KUBECONFIG."""

    prefect_api: str = ""

    @property
    def settings(self) -> Settings:
        return Settings.load({**os.environ, "PREFECT_API_URL": self.prefect_api})


@contextmanager
def a_stack() -> Iterator[RunningStack]:
    """The one in TOWPATH_HOME or the default home; where none is up, KUBECONFIG must name a cluster."""
    home = Path(os.environ.get("TOWPATH_HOME") or Path.home() / ".local/share/towpath")
    stack = RunningStack(home)
    if stack.is_up():
        os.environ["TOWPATH_HOME"] = str(home)
        yield stack
        return
    if not os.environ.get("KUBECONFIG"):
        raise SystemExit("No local stack: run `towpath local up` first, or set KUBECONFIG.")
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as text, prefect_server(Path(text)) as api:
        yield Beside(Path(text), str(api.base_url).rstrip("/"))
