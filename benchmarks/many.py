"""Many apps promoted at once to one environment, several releases of each: is a run lost, and is time linear?

A Prefect server, a registry, a repository, keys and an agent of its own; the cluster is that of KUBECONFIG,
or of the local stack. No pods run: workloads have no replicas. All runs are created first, and begin
together. Printed: what became of the runs, commits for each, what is in the environment, and when each
quarter had ended.

Run: KUBECONFIG=… .venv/bin/python -m benchmarks.many [--apps 40] [--releases 5] [--limit 8] [--oldest-last]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.prefect_server import ask, deploy, prefect_server, variables
from tests.integration.manifests import configmap, deployment
from tests.integration.world import throw_away
from tests.keys import evidence_of, make_keys
from tests.own_image import OwnImage
from tests.own_registry import own_registry
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key
from towpath.adapters.evidence.referrers import put_bundle
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signing import sign_release
from towpath.evidence.statement import RELEASE_TYPE
from towpath.orchestration import keys
from towpath.release.model import Release, ScanSummary, one_image
from towpath.release.release_file import release_path
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS, Settings

ENVIRONMENT = "dev"
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PAGE = 200
TRAILER = "Towpath-Flow-Run"


@dataclass
class BenchEnvironment:
    """Where releases are promoted. `releases`: of each app, the oldest first."""

    folder: Path
    api: httpx.Client
    namespace: str
    kubeconfig: str
    keys: KeyFolder
    releases: dict[str, list[Release]]

    @property
    def repository(self) -> Path:
        return self.folder / "environments.git"

    @contextmanager
    def agent(self, limit: int) -> Iterator[None]:
        environ = {
            **variables(self.folder),
            "PREFECT_API_URL": str(self.api.base_url).rstrip("/"),
            "TOWPATH_ENVIRONMENTS": str(self.repository),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "KUBECONFIG": self.kubeconfig,
            SIGNING_KEY: str(self.keys.private_file(ENVIRONMENT)),
            TRUSTED_KEYS: str(self.keys.trusted_file),
        }
        towpath = Path(sys.executable).with_name("towpath")
        options = ("--address=127.0.0.1:0", f"--limit={limit}")
        log = self.folder / "agent.log"
        with log.open("wb") as output:
            command = [str(towpath), "agent", ENVIRONMENT, *options]
            process = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
        try:
            while "started!" not in log.read_text():
                if process.poll() is not None:
                    raise SystemExit(f"the agent did not start:\n{log.read_text()}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(90)

    def git(self, *args: str) -> str:
        who = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
        return subprocess.run(["git", *args], env=environ, check=True, capture_output=True, text=True).stdout

    def push(self) -> None:
        """The repository, with all apps and without any release."""
        apps = {
            app: {
                "image": all_of[0].images[0].image,
                "source": {"repository": "../app.git"},
                "renderer": "plain",
            }
            for app, all_of in self.releases.items()
        }
        config = {
            "apiVersion": "towpath.dev/v2",
            "apps": apps,
            "environments": [{"name": ENVIRONMENT, "namespace": self.namespace, "timeout": "120s"}],
            "scan": {"scanners": ["secret"]},
        }
        files = {"towpath.yaml": yaml.safe_dump(config)}
        for app, all_of in self.releases.items():
            workload = deployment(app)
            workload["spec"]["template"]["spec"]["containers"][0]["image"] = all_of[0].images[0].reference
            objects = yaml.safe_dump_all([configmap(f"{app}-settings", a="1"), workload])
            files[f"apps/{app}/{ENVIRONMENT}/objects.yaml"] = objects
        work = self.folder / "work"
        self.git("init", "-q", "--bare", "-b", "main", str(self.repository))
        self.git("init", "-q", "-b", "main", str(work))
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        self.git("-C", str(work), "add", "-A")
        self.git("-C", str(work), "commit", "-qm", "Begin")
        self.git("-C", str(work), "push", "-q", str(self.repository), "HEAD:main")

    def commits(self) -> Counter[str]:
        """How many commits each run made."""
        log = self.git(
            "-C", str(self.repository), "log", f"--format=%(trailers:key={TRAILER},valueonly)", "main"
        )
        return Counter(line for line in log.splitlines() if line)

    def current(self, app: str) -> str:
        """The id of the release in the environment; empty without one."""
        try:
            path = release_path(app, ENVIRONMENT)
            text = self.git("-C", str(self.repository), "show", f"main:{path}")
        except subprocess.CalledProcessError:
            return ""
        return next((one.id for one in self.releases[app] if one.id in text), "")


def release_all(registry: str, apps: int, releases: int, key: PrivateKey) -> dict[str, list[Release]]:
    """Images and their evidence; of each app, the oldest release first."""
    made: dict[str, list[Release]] = {}
    for app in (f"app-{number:02}" for number in range(apps)):
        image, before = OwnImage(f"{registry}/{app}"), ""
        for number in range(releases):
            digest = image.push({"created": f"{app} {number}"})
            release = Release(
                app=app,
                images=one_image(app, image.name, digest),
                commit=f"{number + 1:07x}".ljust(40, "0"),
                source="https://example.com/app.git",
                subject=f"Version {number}",
                author="Ann <ann@example.com>",
                built_at=f"2026-01-01T00:00:{number:02}+00:00",
                scan=ScanSummary("passed", ("secret",)),
                flow_run="",
            )
            put_bundle(
                image.name, digest, sign_release(evidence_of(release, previous=before), key), RELEASE_TYPE
            )
            made.setdefault(app, []).append(release)
            before = digest
    return made


@contextmanager
def bench_environment(apps: int, releases: int) -> Iterator[BenchEnvironment]:
    settings = Settings.load(os.environ)
    if not settings.kubeconfig:
        sys.exit("No cluster: run `towpath local up` first, or set KUBECONFIG.")
    with tempfile.TemporaryDirectory(prefix="towpath-many-") as text, throw_away(settings) as world:
        folder = Path(text)
        agents = make_keys(folder / "keys")
        with own_registry(folder / "registry") as registry, prefect_server(folder) as api:
            key = read_private_key(agents.private_file("build"))
            made = release_all(registry, apps, releases, key)
            place = BenchEnvironment(folder, api, world.namespace, settings.kubeconfig, agents, made)
            place.push()
            yield place


def create(place: BenchEnvironment, *, oldest_last: bool) -> dict[str, Release]:
    """A run for each release, none of which begins before its pool is set going; by the run's id."""
    deployment = deploy(place.api, keys.PROMOTE, ENVIRONMENT)
    deploy(place.api, keys.RECONCILE, ENVIRONMENT)
    pause(place.api, paused=True)
    rounds = list(zip(*place.releases.values(), strict=True))
    created: dict[str, Release] = {}
    for release in (one for turn in (reversed(rounds) if oldest_last else rounds) for one in turn):
        parameters = {"app": release.app, "digest": release.id, "environment": ENVIRONMENT}
        body = {
            "parameters": parameters,
            "name": keys.promote_name(release.app, release.short_id, ENVIRONMENT),
            "tags": [
                keys.environment_tag(ENVIRONMENT),
                *keys.release_tags(release.app, release.short_id, release.id),
            ],
        }
        run = ask(place.api, "POST", f"/deployments/{deployment}/create_flow_run", body)
        created[str(run["id"])] = release
    return created


def pause(api: httpx.Client, *, paused: bool) -> None:
    ask(api, "PATCH", f"/work_pools/{keys.pool(ENVIRONMENT)}", {"is_paused": paused})


def wait(api: httpx.Client, created: dict[str, Release]) -> dict[str, dict[str, Any]]:
    """The runs, once all have ended."""
    while True:
        found: dict[str, dict[str, Any]] = {}
        for offset in range(0, len(created) + PAGE, PAGE):
            body = {"limit": PAGE, "offset": offset, "flows": {"name": {"any_": [keys.PROMOTE]}}}
            found |= {run["id"]: run for run in ask(api, "POST", "/flow_runs/filter", body)}
        if all(run["state_type"] in FINAL for run in found.values()):
            return found
        time.sleep(2)


def seconds(run: dict[str, Any], first: str, last: str) -> float:
    moments = (datetime.fromisoformat(run[name]) for name in (last, first))
    return next(moments).timestamp() - next(moments).timestamp()


def tell(
    place: BenchEnvironment, created: dict[str, Release], runs: dict[str, dict[str, Any]], begun: float
) -> None:
    commits = place.commits()
    newest = sum(place.current(app) == all_of[-1].id for app, all_of in place.releases.items())
    ends = sorted(datetime.fromisoformat(run["end_time"]).timestamp() - begun for run in runs.values())
    states = Counter(f"{run['state_type']} {run['state_name']}" for run in runs.values())
    print("states: " + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    print(f"lost: {len(created) - len(runs)}; commits: {sum(commits[run] for run in created)},", end="")
    print(f" at most {max((commits[run] for run in created), default=0)} of a run")
    print(f"apps with their newest release: {newest} of {len(place.releases)}")
    quarters = [ends[max(0, round(len(ends) * share) - 1)] for share in (0.25, 0.5, 0.75, 1)]
    print("seconds until a quarter, half, three quarters and all had ended: ", end="")
    print(", ".join(f"{each:.0f}" for each in quarters) + f" ({ends[-1] / len(ends):.2f} a run)")
    for what, some in (
        ("with commits", [run for run in runs.values() if commits[run["id"]]]),
        ("superseded", [run for run in runs.values() if not commits[run["id"]]]),
    ):
        taken = sorted(seconds(run, "start_time", "end_time") for run in some if run["start_time"])
        if taken:
            print(f"runs {what}: {len(taken)}, p50 {statistics.median(taken):.1f} s, most {taken[-1]:.1f} s")
    for run in runs.values():
        if run["state_type"] not in ("COMPLETED", "CANCELLED") and "superseded" not in (
            run["state"]["message"] or ""
        ):
            print(f"  {run['name']}: {run['state_name']}: {run['state']['message']}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--apps", type=int, default=40)
    asked.add_argument("--releases", type=int, default=5)
    asked.add_argument("--limit", type=int, default=8)
    asked.add_argument("--oldest-last", action="store_true", help="Begin with the newest of each app.")
    given = asked.parse_args()
    with bench_environment(given.apps, given.releases) as place:
        created = create(place, oldest_last=given.oldest_last)
        with place.agent(given.limit):
            load, begun = os.getloadavg()[0], time.time()
            pause(place.api, paused=False)
            runs = wait(place.api, created)
        print(f"{given.apps} apps, {given.releases} releases each, {given.limit} at once, ", end="")
        print(f"{os.cpu_count()} CPUs, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")
        tell(place, created, runs, begun)


if __name__ == "__main__":
    main()
