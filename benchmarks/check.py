"""`towpath check` of a repository of 300 apps: cold, again, and after one commit; and how hard traps hit it.

Run: .venv/bin/python benchmarks/check.py [--apps 300] [--runs 5] [--renderer kustomize] [--traps]
Medians; seconds at the wall of whole processes, and the largest resident memory of any of them.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
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


def seconds(root: Path, cache: Path) -> float:
    tools = Path(os.environ.get("TOWPATH_CACHE") or Path.home() / ".cache/towpath") / "tools/bin"
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "TOWPATH_CACHE": str(cache), "PATH": path}
    begin = time.perf_counter()
    done = subprocess.run(
        [*TOWPATH, str(root)], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
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
    """Every trap of the unit tests, in a process of its own."""
    sys.path.insert(0, str(ROOT))
    from tests.unit.engine import test_hostile as hostile

    worst: list[tuple[float, str]] = []
    groups = (hostile.YAML, hostile.OBJECTS, hostile.KUSTOMIZE, hostile.HELM_TRAPS)
    for name, trap in ((name, trap) for group in groups for name, trap in group.items()):
        with tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder:
            root = hostile.build(Path(folder), trap)
            worst.append((seconds(root, Path(folder) / "cache"), f"{trap.renderer}: {name}"))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    middle = statistics.median(taken for taken, _ in worst)
    print(f"{len(worst)} traps; median {middle:.2f}s; largest process {memory} MiB")
    for taken, name in sorted(worst, reverse=True)[:8]:
        print(f"{taken:7.2f}s  {name}")


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
