"""A first sync, and syncs and drift checks that find nothing, by the checkout that is the working folder.

Run by before.py: KUBECONFIG NAMESPACE FILE, the file with the objects as JSON. Prints seconds as JSON.
"""

import importlib
import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONFIG = "apiVersion: towpath.dev/v1\nenvironments: [{name: test, namespace: %s}]\n"
"""Version 1: an earlier build reads it, too."""
REPEATS = 11
"""Of what writes nothing, so that one busy moment of the server does not decide; medians are told."""


def find_definition(name: str) -> Any:
    """What this checkout calls `name`: modules move between checkouts, these names do not."""
    source = Path.cwd() / "src"
    for path in sorted((source / "towpath").rglob("*.py")):
        if re.search(rf"^(def|class) {name}\b", path.read_text(), re.MULTILINE):
            module = ".".join(path.relative_to(source).with_suffix("").parts)
            return getattr(importlib.import_module(module), name)
    raise SystemExit(f"no module of {source} defines {name}")


def main(kubeconfig: str, namespace: str, file: str) -> None:
    connect, parse_config, sync_app, inspect, rendered_class = map(
        find_definition, ("connect", "parse_config", "sync_app", "inspect", "Rendered")
    )
    placed = tuple(json.loads(Path(file).read_text()))
    environment = parse_config(CONFIG % namespace).environments[0]
    rendered = rendered_class(
        "bench", "test", namespace, placed, sys.modules[rendered_class.__module__].digest_of(placed)
    )
    times: dict[str, list[float]] = {}

    def measured(label: str, work: Callable[[Any], Any]) -> Any:
        cluster = connect(kubeconfig)
        begin = time.perf_counter()
        result = work(cluster)
        times.setdefault(label, []).append(time.perf_counter() - begin)
        return result

    def sync(cluster: Any) -> Any:
        return sync_app(cluster, rendered, environment, commit="0" * 40)

    for label, expected in (("first sync", len(placed)), *[("second sync", 0)] * REPEATS):
        result = measured(label, sync)
        if len(result.changes) != expected:
            raise SystemExit(f"{len(result.changes)} objects were changed, not {expected}")
    for _ in range(REPEATS):
        entries = measured(
            "drift check, unchanged", lambda cluster: inspect(cluster, environment, [rendered]).report.entries
        )
        if entries:
            raise SystemExit(f"{len(entries)} objects were found, not 0: {entries[:1]}")
    print(json.dumps({label: statistics.median(each) for label, each in times.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
