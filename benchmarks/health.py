"""`towpath health` on 10,000 objects of every kind that the tests have: YAML, and JSON lines.

Run: .venv/bin/python benchmarks/health.py [--objects 10000] [--runs 5]
Medians; seconds at the wall of whole processes. Needs no cluster.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests/unit/health/data"
TOWPATH = str(Path(sys.executable).with_name("towpath"))


def write(folder: Path, count: int) -> dict[str, Path]:
    known = [each for file in sorted(DATA.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())]
    objects = list(itertools.islice(itertools.cycle(filter(None, known)), count))
    files = {"JSON lines": folder / "objects.jsonl", "YAML": folder / "objects.yaml"}
    files["JSON lines"].write_text("".join(json.dumps(each, default=str) + "\n" for each in objects))
    files["YAML"].write_text(yaml.safe_dump_all(json.loads(json.dumps(objects, default=str))))
    return files


def seconds(file: Path, count: int) -> float:
    begin = time.perf_counter()
    done = subprocess.run(
        [TOWPATH, "health", "-f", str(file), "--output", "json"], capture_output=True, text=True, check=True
    )
    taken = time.perf_counter() - begin
    if len(json.loads(done.stdout)) != count:
        sys.exit(f"{file.name}: not {count} verdicts")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as name:
        files = write(Path(name), arguments.objects)
        taken = {
            what: [seconds(f, arguments.objects) for _ in range(arguments.runs)] for what, f in files.items()
        }
    print(f"{arguments.objects:,} objects, {arguments.runs} runs")
    print(f"{'health':12} {'median':>8} {'worst':>8}")
    for what, values in taken.items():
        print(f"{what:12} {statistics.median(values):7.2f}s {max(values):7.2f}s")


if __name__ == "__main__":
    main()
