"""An installation that is an app of its own: `towpath` in the environment `system`, in its own namespace."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.chart import CHART
from tests.interop.pods.layout import REGISTRY
from tests.interop.pods.measures import processes_of
from tests.interop.pods.site import HOME, Site, is_ready

APP, ENVIRONMENT = "towpath", "system"
AGENT = "towpath-agent-system"
AGENT_OF = "towpath.dev/agent-of"
AGENTS = {ENVIRONMENT: {"namespace": HOME}, "dev": {}}
TIMEOUT = "150s"
"""Of the environment: how long a version has to become ready."""
TOWPATH = f"""\
apiVersion: towpath.dev/v2
apps:
  towpath:
    images:
      agent: {REGISTRY}/towpath/agent
      server: {REGISTRY}/towpath/server
    renderer: helm
    environments: [system]
environments:
  - name: system
    namespace: {HOME}
    timeout: {TIMEOUT}
    apps: {{towpath: {{takeOver: [towpath-install]}}}}
  - {{name: dev, namespace: dev}}
scan: {{scanners: [secret], block: [CRITICAL, HIGH]}}
"""


def write_repository(site: Site) -> Path:
    """The environment repository: the chart, and the values of the installation without rights."""
    folder = site.environments / "apps" / APP
    shutil.copytree(CHART, folder / "base", ignore=shutil.ignore_patterns("examples"))
    (folder / ENVIRONMENT).mkdir()
    values = yaml.safe_load(site.values(agents=AGENTS).read_text()) | {"rights": {"create": False}}
    (folder / ENVIRONMENT / "values.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    (site.environments / "towpath.yaml").write_text(TOWPATH)
    return site.environments


@dataclass
class Inception:
    """What is done with it, and seen of it."""

    site: Site
    releases: dict[tuple[str, str], str] = field(default_factory=dict)

    def release(self, agent: str, server: str = "server") -> str:
        """The id of the release of these images, which is made when it is asked for first."""
        if (agent, server) not in self.releases:
            images = self.site.images[agent], self.site.images[server]
            self.releases[agent, server] = self.site.release(APP, f"Towpath {agent} {server}", *images)
        return self.releases[agent, server]

    def promote(self, release: str, *options: str) -> "subprocess.CompletedProcess[str]":
        command = ("promote", APP, "--to", ENVIRONMENT, "--release", release, *options)
        return self.site.towpath(*command, **self.site.people)

    def agent(self, name: str = ENVIRONMENT) -> dict[str, Any]:
        """The only pod of that agent: it is ready, leads, and no other one is there."""

        def alone() -> dict[str, Any] | None:
            pods = [each for each in self.site.pods("agent") if each["metadata"]["labels"][AGENT_OF] == name]
            ready = len(pods) == 1 and is_ready(pods[0])
            return pods[0] if ready and self.leader(name) == pods[0]["metadata"]["name"] else None

        found: dict[str, Any] = self.site.until(alone, f"one agent of {name} is there, and leads", 300)
        return found

    def leader(self, name: str) -> str:
        """The pod that holds the Lease of that agent; empty while none does."""
        there = ("get", "lease", f"towpath-agent-{name}", "--namespace", HOME, "--ignore-not-found")
        return self.site.cluster.kubectl(*there, "--output=jsonpath={.spec.holderIdentity}").partition("_")[0]

    def image(self) -> str:
        """What the agent's Deployment asks for."""
        live = self.site.cluster.get("deployment", AGENT, "--namespace", HOME)
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"])

    def runs(self, flow: str, *states: str) -> list[dict[str, Any]]:
        """Of that flow, newest first."""
        wanted: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_DESC"}
        if states:
            wanted["flow_runs"] = {"state": {"type": {"any_": states}}}
        found: list[dict[str, Any]] = self.site.prefect("/flow_runs/filter", wanted)
        return found

    def showed(self) -> set[str]:
        """Pods whose canary runs completed."""
        return {each["parameters"]["pod"] for each in self.runs("canary", "COMPLETED")}

    def told(self) -> str:
        """For somebody who reads a failed test: pods, logs of agents, and what the newest promotion said."""
        parts = [self.site.told()]
        for pod in self.site.pods("agent"):
            name = pod["metadata"]["name"]
            log = self.site.cluster.run("kubectl", "logs", "--tail=40", "--namespace", HOME, name).stdout
            parts.append(f"== {name}\n{log[-4000:]}")
        for run in self.runs("promote")[:1]:
            wanted = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "limit": 200}
            lines = [each["message"] for each in self.site.prefect("/logs/filter", wanted)]
            parts += [f"== {run['name']}: {run['state']}", *lines[-60:]]
        return "\n".join(parts)

    def kill(self, pod: dict[str, Any]) -> None:
        """End all processes of the pod's container at once."""
        for process in processes_of(pod):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    @contextmanager
    def followed(self, pod: str) -> Iterator[list[str]]:
        """The lines of the pod's log, as they come: they are lost with the pod."""
        lines: list[str] = []
        command = self.site.cluster.entering("kubectl", "logs", "--follow", "--namespace", HOME, pod)
        with subprocess.Popen(
            command, env={**self.site.cluster.environ}, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
            reader.start()
            try:
                yield lines
            finally:
                process.terminate()
