"""Our half of `benchmarks/mttp.py`: an agent, and a Prefect server on SQLite of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.mttp_apps import ENVIRONMENT, Apps, until
from benchmarks.prefect_server import ask, deploy, prefect_server, variables
from towpath.drift.decision import IN_SYNC, SYNCED
from towpath.orchestration import keys


@dataclass
class Towpath:
    """The agent of the environment `bench`, and its server's API."""

    apps: Apps
    api: httpx.Client
    process: "subprocess.Popen[bytes]"
    log: Path
    commit: str = ""

    def deliver(self, revision: str) -> None:
        self.commit = self.apps.push(revision)
        self.process.send_signal(signal.SIGHUP)

    def settled(self, revision: str) -> bool:
        return self.apps.applied(revision) and self._judged() and not self._busy()

    def ended(self) -> str:
        return "" if self.process.poll() is None else self.log.read_text()

    def listens(self) -> bool:
        """Whether the agent says where its metrics are, and that it is ready."""
        text = self.log.read_text()
        if "metrics and probes at" not in text:
            return False
        address = text.rpartition("metrics and probes at http://")[2].split()[0]
        return httpx.get(f"http://{address}/readyz").status_code == 200

    def _judged(self) -> bool:
        """Whether every app is healthy and in sync at the commit in the table that `towpath status` shows."""
        answer = self.api.get(f"/artifacts/{keys.status_key(ENVIRONMENT)}/latest")
        rows = json.loads(answer.json()["data"]) if answer.is_success else []
        well = [row for row in rows if row["health"] == "Healthy" and row["drift"] in (IN_SYNC, SYNCED)]
        return len([row for row in well if row["commit"] == self.commit[:7]]) == len(self.apps.names)

    def _busy(self) -> bool:
        body = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED"]}}}}
        return bool(ask(self.api, "POST", "/flow_runs/count", body))


@contextmanager
def towpath(apps: Apps, interval: int) -> Iterator[Towpath]:
    with prefect_server(apps.folder) as api:
        for flow in (keys.RECONCILE, keys.PROMOTE):
            deploy(api, flow, ENVIRONMENT)
        environ = {
            **variables(apps.folder),
            "PREFECT_API_URL": str(api.base_url).rstrip("/"),
            "TOWPATH_ENVIRONMENTS": apps.url,
            "KUBECONFIG": str(apps.settings.kubeconfig),
        }
        program = Path(sys.executable).with_name("towpath")
        options = ("--address=127.0.0.1:0", f"--interval={interval}")
        log = apps.folder / "agent.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "agent", ENVIRONMENT, *options], env=environ, stdout=output, stderr=output
            )
        agent = Towpath(apps, api, process, log)
        try:
            until(agent.listens, agent.ended)
            yield agent
        finally:
            process.terminate()
            process.wait(90)
