"""`towpath check` of a repository of 300 apps: cold, again, and after one commit; and how hard traps hit it.

Run: .venv/bin/python benchmarks/check.py [--apps 300] [--runs 5] [--renderer kustomize] [--traps]
Medians; seconds at the wall of whole processes. Of traps: the slowest, and those that take most memory.
"""

import argparse
import contextlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOWPATH = [sys.executable, "-c", "from towpath.cli.main import run; run()", "check", "--repo"]
OBJECTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - {{name: app, image: "registry.example.com/{name}"}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}
"""
MAX_SECONDS = 2.0
MAX_MEMORY = 256 << 20
CHART = "apiVersion: v2\nname: {name}\nversion: 0.1.0\n"


def repository(root: Path, apps: int, renderer: str) -> None:
    names = [f"app-{number}" for number in range(apps)]
    listed = "".join(
        f"  {name}: {{image: registry.example.com/{name}, renderer: {renderer}}}\n" for name in names
    )
    environments = "environments:\n  - {name: dev, namespace: dev}\n"
    (root / "towpath.yaml").write_text(f"apiVersion: towpath.dev/v1\napps:\n{listed}{environments}")
    for name in names:
        files = {
            "plain": {"base/app.yaml": OBJECTS, "dev/.keep": ""},
            "kustomize": {
                "base/kustomization.yaml": "resources: [app.yaml]\n",
                "base/app.yaml": OBJECTS,
                "dev/kustomization.yaml": "namespace: dev\nresources: [../base]\n",
            },
            "helm": {
                "base/Chart.yaml": CHART,
                "base/templates/app.yaml": OBJECTS,
                "dev/values.yaml": "replicas: 1\n",
            },
        }[renderer]
        for path, text in files.items():
            file = root / "apps" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.format(name=name))


def environment(cache: Path) -> dict[str, str]:
    tools = Path(os.environ.get("TOWPATH_CACHE") or Path.home() / ".cache/towpath") / "tools/bin"
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "TOWPATH_CACHE": str(cache), "PATH": path}


def seconds(root: Path, cache: Path) -> float:
    begin = time.perf_counter()
    done = subprocess.run(
        [*TOWPATH, str(root)], cwd=ROOT, env=environment(cache), capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - begin
    if "Traceback" in done.stderr:
        raise SystemExit(done.stderr)
    return taken


def commit(root: Path, number: int) -> None:
    """What a commit to one app does."""
    (file,) = (root / "apps/app-0/base").rglob("app.yaml")
    text = OBJECTS.format(name="app-0")
    file.write_text(text.replace("port: 80", f"port: {8000 + number}"))


def scale(arguments: argparse.Namespace) -> None:
    taken: dict[str, list[float]] = {"cold": [], "again": [], "after one commit": []}
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as name:
        root = Path(name) / "repository"
        root.mkdir()
        repository(root, arguments.apps, arguments.renderer)
        for number in range(arguments.runs):
            cache = Path(name) / f"cache-{number}"
            taken["cold"].append(seconds(root, cache))
            taken["again"].append(seconds(root, cache))
            commit(root, number)
            taken["after one commit"].append(seconds(root, cache))
            shutil.rmtree(cache)
    cold = statistics.median(taken["cold"])
    print(f"{arguments.apps} apps by {arguments.renderer}, 1 environment, {arguments.runs} runs")
    print(f"{'check':20} {'median':>8} {'worst':>8} {'to cold':>8}")
    for what, values in taken.items():
        middle = statistics.median(values)
        print(f"{what:20} {middle:7.2f}s {max(values):7.2f}s {middle / cold:7.2f}x")


def traps() -> None:
    """Every trap of the unit tests, in processes of its own; exit code 1 when one is above the bounds."""
    sys.path.insert(0, str(ROOT))
    from tests.traps import GROUPS, MANY
    from tests.traps.repository import build

    costs: list[tuple[Cost, str]] = []
    for group, named in {**GROUPS, "many": MANY}.items():
        for name, trap in named.items():
            with tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder:
                root = build(Path(folder), trap)
                costs.append((watched(root, Path(folder) / "cache"), f"{group}: {name}"))
    print(f"{len(costs)} traps; median {statistics.median(cost.seconds for cost, _ in costs):.2f}s")
    print(f"{'wall':>7} {'processor':>10} {'memory':>8}")
    by_time = sorted(costs, key=lambda each: -each[0].seconds)[:8]
    by_memory = sorted(costs, key=lambda each: -each[0].memory)[:8]
    for cost, name in (*by_time, *by_memory):
        print(f"{cost.seconds:6.2f}s {cost.processor:9.2f}s {cost.memory >> 20:4} MiB  {name}")
    over = [name for cost, name in costs if cost.seconds > MAX_SECONDS or cost.memory > MAX_MEMORY]
    if over:
        raise SystemExit(f"above {MAX_SECONDS:g} s or {MAX_MEMORY >> 20} MiB: {', '.join(over)}")


@dataclass(frozen=True)
class Cost:
    """Seconds at the wall, seconds of all processors, and bytes resident in all processes at once."""

    seconds: float
    processor: float
    memory: int


def watched(root: Path, cache: Path) -> Cost:
    """One `towpath check`, with its whole tree of processes looked at every few milliseconds."""
    begin, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*TOWPATH, str(root)], cwd=ROOT, env=environment(cache), stdout=said, stderr=said
        )
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            peak = max(peak, sum(resident(pid) for pid in tree(process.pid)))
            time.sleep(0.005)
        taken = time.perf_counter() - begin
        said.seek(0)
        text = said.read().decode(errors="replace")
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode != 1 or "Traceback" in text or "unexpected" in text:
        raise SystemExit(f"{root}: exit code {process.returncode}\n{text}")
    return Cost(taken, ended[2].ru_utime + ended[2].ru_stime, peak)


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found.extend(tree(int(child)))
    return found


def resident(pid: int) -> int:
    """Bytes; what processes share is counted for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--apps", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--renderer", choices=["plain", "kustomize", "helm"], default="kustomize")
    parser.add_argument("--traps", action="store_true", help="measure the traps instead")
    arguments = parser.parse_args()
    if arguments.traps:
        traps()
    else:
        scale(arguments)


if __name__ == "__main__":
    main()
