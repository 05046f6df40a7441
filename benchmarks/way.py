"""The way of data: which modules one promotion and one reconcile pass, and how often they climb back.

Run: TOWPATH_HOME=... .venv/bin/python -m benchmarks.way [--calls]
Needs the local stack (`towpath local up`): Git, registry, API server and Prefect are real. A release is
promoted into an environment of its own, without approvals; then its Deployment is edited by hand and one
reconcile heals it. Both flows run in this process, and every call between modules of the project is noted.

Printed per flow: the rooms and modules of each step in the order in which they are entered, how many modules
that is besides value types, every climb back, and what was asked of Git and of the API server.

A *value type* is a module that only describes: see `is_value_type`. A *room* is a package of the import
contract in pyproject.toml. A *climb back* is a call from a room into another one that the way had left for
good before the calling room was entered for the first time; each pair of rooms counts once per flow.
"""

import argparse
import ast
import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from towpath.settings import Settings

TOP = Path(__file__).parents[1]
SOURCES = {TOP / "src" / "towpath": "towpath", TOP / "tasks": "tasks", TOP / "flows": "flows"}
NESTED = ("adapters", "engine")
"""Packages whose packages are rooms of their own."""
ACTING = ("flows", "tasks", "orchestration", "engine", "adapters")
"""What reads or writes something outside; the other rooms compute values of values."""
MOST_STATEMENTS = 8
"""So long is an accessor at most: it computes something of its arguments, and calls nobody."""
COUNTED = {
    ("towpath.adapters.git.mirror", "fetch"): "Git fetches",
    ("towpath.adapters.git.write", "push"): "Git pushes",
    ("towpath.adapters.kubernetes.connect", "connect"): "API connections",
    ("shutil", "copytree"): "copies of a tree",
}


def module_of(file: str) -> str:
    """`towpath.engine.live.observe` of its file; empty for what is not the project's."""
    return _module_of(file)


@functools.cache
def _module_of(file: str) -> str:
    for folder, package in SOURCES.items():
        if file.startswith(f"{folder}/"):
            parts = Path(file).relative_to(folder).with_suffix("").parts
            return ".".join((package, *(part for part in parts if part != "__init__")))
    return ""


def room_of(module: str) -> str:
    """`engine.live` of `towpath.engine.live.observe`, `kube` of `towpath.kube.diff`, `tasks` of any task."""
    package, *parts = module.split(".")
    if package != "towpath":
        return package
    if parts[0] in NESTED and len(parts) > 2:
        return ".".join(parts[:2])
    return parts[0]


def acts(room: str) -> bool:
    """Whether a room reads or writes something outside."""
    return room.partition(".")[0] in ACTING


@functools.cache
def is_value_type(module: str) -> bool:
    """Whether a module only describes: frozen records, errors, enumerations, protocols, and accessors.

    An accessor has at most MOST_STATEMENTS statements and no loop that waits, opens nothing, and the module
    imports nothing of the project but other value types.
    """
    tree = ast.parse(_file_of(module).read_text())
    return all(_describes(node) for node in tree.body)


def _describes(node: ast.stmt) -> bool:
    match node:
        case ast.ImportFrom(module=str(name)) if name.split(".")[0] in SOURCES.values():
            return all(is_value_type(each) for each in _imported(name, node))
        case ast.Import() | ast.ImportFrom() | ast.Assign() | ast.AnnAssign() | ast.Expr():
            return True
        case ast.FunctionDef():
            return _statements(node) <= MOST_STATEMENTS and not _acts(node)
        case ast.ClassDef():
            return _is_frozen(node) and all(_describes(each) for each in node.body)
        case ast.Pass() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _is_frozen(node: ast.ClassDef) -> bool:
    """A frozen dataclass, or a subclass of what cannot be or is not meant to be changed."""
    if any("frozen=True" in ast.unparse(each) for each in node.decorator_list):
        return True
    bases = " ".join(map(ast.unparse, node.bases))
    return any(word in bases for word in ("Error", "Exception", "Enum", "Protocol", "NamedTuple", "Model"))


def _statements(node: ast.FunctionDef) -> int:
    docstring = ast.get_docstring(node) is not None
    return sum(isinstance(each, ast.stmt) for each in ast.walk(node)) - 1 - docstring


def _acts(node: ast.FunctionDef) -> bool:
    named = (each for each in ast.walk(node) if isinstance(each, (ast.While, ast.With, ast.AsyncWith)))
    return any(True for _ in named)


def _imported(name: str, node: ast.ImportFrom) -> Iterator[str]:
    for each in node.names:
        inner = f"{name}.{each.name}"
        yield inner if _file_of(inner).exists() else name


def _file_of(module: str) -> Path:
    package, *parts = module.split(".")
    folder = next(path for path, name in SOURCES.items() if name == package)
    path = folder.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@dataclass
class Step:
    """One task of a flow: the modules that it entered, in order, and how often each was entered anew."""

    name: str
    entered: dict[str, int] = field(default_factory=dict)


class Way:
    """Notes every call between modules, in all threads; a new thread goes on where its maker stands."""

    def __init__(self) -> None:
        self.steps = [Step("the flow itself")]
        self.modules: dict[str, int] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        self.climbs: dict[tuple[str, str], str] = {}
        self.counts: Counter[str] = Counter()
        self._standing: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._clock = 0
        self._lock = threading.Lock()
        self._local = threading.local()

    @contextmanager
    def followed(self) -> Iterator[None]:
        start = threading.Thread.start

        def started(thread: threading.Thread) -> None:
            stack = self._stack()
            run = thread.run

            def run_here() -> None:
                self._local.stack = list(stack[-1:])
                run()

            thread.run = run_here  # type: ignore[method-assign]
            start(thread)

        threading.Thread.start = started  # type: ignore[method-assign]
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
            threading.Thread.start = start  # type: ignore[method-assign]

    def _stack(self) -> list[str]:
        if not hasattr(self._local, "stack"):
            self._local.stack = []
        stack: list[str] = self._local.stack
        return stack

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event not in ("call", "return"):
            return
        code = frame.f_code
        if code.co_name == "<module>":
            return
        if event == "call" and (what := COUNTED.get((frame.f_globals.get("__name__", ""), code.co_name))):
            # A copy calls itself for each folder.
            self.counts[what] += frame.f_back is None or frame.f_back.f_code.co_name != "_copytree"
        module = module_of(code.co_filename)
        if not module or code.co_name == "<genexpr>":
            return
        stack = self._stack()
        with self._lock:
            if event == "call":
                self._enter(stack, module, code.co_name)
            elif stack and stack[-1] == module:
                self._leave(stack)

    def _enter(self, stack: list[str], module: str, function: str) -> None:
        caller, room = stack[-1] if stack else "", room_of(module)
        stack.append(module)
        self._clock += 1
        if module.startswith("tasks.") and caller.startswith("flows."):
            self.steps.append(Step(f"{module.removeprefix('tasks.')}.{function}"))
        self._standing[room] += not is_value_type(module)
        if caller == module:
            return
        entered = self.steps[-1].entered
        entered[module] = entered.get(module, 0) + 1
        self.modules[module] = self.modules.get(module, 0) + 1
        if caller and caller != module:
            self.calls[caller, module] += 1
        if is_value_type(module):
            return
        self._first.setdefault(room, self._clock)
        above = room_of(caller) if caller else ""
        if above in ("", room) or room not in self._left or self._standing[room] > 1:
            return
        if self._left[room] < self._first.get(above, 0):
            self.climbs.setdefault((above, room), f"{caller} -> {module}.{function}")

    def _leave(self, stack: list[str]) -> None:
        module = stack.pop()
        if is_value_type(module):
            return
        room = room_of(module)
        self._standing[room] -= 1
        self._clock += 1
        if not self._standing[room]:
            self._left.setdefault(room, self._clock)

    def told(self, title: str, *, calls: bool) -> None:
        """Print the way."""
        print(f"\n## {title}")
        for step in self.steps:
            if step.entered:
                print(f"\n  {step.name}")
                rooms: dict[str, list[str]] = {}
                for module, count in step.entered.items():
                    mark = " (value)" if is_value_type(module) else f" x{count}" if count > 1 else ""
                    rooms.setdefault(room_of(module), []).append(module.rpartition(".")[2] + mark)
                for room, names in rooms.items():
                    print(f"    {room:22} {', '.join(names)}")
        passed = [module for module in self.modules if not is_value_type(module)]
        acting = [module for module in passed if acts(room_of(module))]
        print(
            f"\n  modules besides value types: {len(passed)}, value types: {len(self.modules) - len(passed)}"
        )
        print(f"  of these, in rooms that act: {len(acting)}, in pure rooms: {len(passed) - len(acting)}")
        for room, count in Counter(map(room_of, passed)).items():
            print(f"    {room:22} {count}")
        between = [pair for pair in self.climbs if all(acts(room) for room in pair)]
        print(f"  climbs back: {len(self.climbs)}, of these between rooms that act: {len(between)}")
        for (above, room), example in self.climbs.items():
            print(f"    {above} -> {room}: {example}")
        for name in COUNTED.values():
            print(f"  {name}: {self.counts[name]}")
        if calls:
            for (one, other), count in self.calls.most_common():
                print(f"    {count:6} {one} -> {other}")


@dataclass
class Place:
    """An environment of its own on the stack: repository, namespace, lock and a release in the registry."""

    folder: Path
    name: str
    kubeconfig: str
    tools: Path
    image: str
    digest: str = ""

    def kubectl(self, *args: str) -> str:
        return run(str(self.tools / "kubectl"), "--kubeconfig", self.kubeconfig, *args, cwd=self.folder)

    def push(self) -> None:
        """The repository with one app that was never released."""
        source = {"image": self.image, "renderer": "kustomize"}
        environment = {"name": self.name, "namespace": self.name, "timeout": "2m"}
        config = {"apiVersion": "towpath.dev/v1", "apps": {"way": source}, "environments": [environment]}
        overlay = {"namespace": self.name, "resources": ["../base"]}
        files = {
            "towpath.yaml": yaml.safe_dump(config),
            "apps/way/base/kustomization.yaml": yaml.safe_dump({"resources": ["app.yaml"]}),
            "apps/way/base/app.yaml": yaml.safe_dump_all(self.objects()),
            f"apps/way/{self.name}/kustomization.yaml": yaml.safe_dump(overlay),
        }
        run("git", "init", "-q", "--bare", "-b", "main", "environments.git", cwd=self.folder)
        run("git", "clone", "-q", "environments.git", "work", cwd=self.folder)
        work = self.folder / "work"
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        run("git", "add", "-A", cwd=work)
        run("git", "commit", "-q", "-m", "Begin", cwd=work)
        run("git", "push", "-q", "origin", "HEAD:main", cwd=work)

    def objects(self) -> list[dict[str, Any]]:
        labels = {"app": "way"}
        container = {"name": "way", "image": self.image, "command": ["sleep", "3600"]}
        pods = {"terminationGracePeriodSeconds": 0, "containers": [container]}
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "way"},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": pods},
                },
            },
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "way"}, "data": {"a": "1"}},
        ]

    def release(self) -> None:
        """Record the stack's own base image as a release of the app."""
        from towpath.adapters import registry
        from towpath.release.model import Release, ScanSummary

        self.digest = registry.read_manifest(f"{self.image}:1").digest
        registry.put_release(
            Release(
                app="way",
                image=self.image,
                digest=self.digest,
                commit="0" * 40,
                source="/way.git",
                subject="Begin",
                author="Dana <dana@example.com>",
                built_at=datetime.now(UTC).isoformat(timespec="seconds"),
                scan=ScanSummary("passed", ("vuln", "secret"), findings={}),
                flow_run="",
            )
        )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The environment's lock on the Prefect server."""
        from prefect.client.orchestration import get_client
        from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

        name = f"environment-{self.name}"
        with get_client(sync_client=True) as client:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
            try:
                yield
            finally:
                client.delete_global_concurrency_limit_by_name(name)


def run(*command: str, cwd: Path) -> str:
    who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER")
           for what, text in (("NAME", "Dana"), ("EMAIL", "dana@example.com"))}  # fmt: skip
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **who}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    """Sets this process's environment variables, too: the flows read them."""
    stack = Settings.load(os.environ)
    if not (stack.kubeconfig and stack.prefect_api_url):
        sys.exit("No local stack: run `towpath local up` first.")
    from towpath.local.common.layout import Layout
    from towpath.local.common.stack import Options, Stack

    layout = Layout(stack.local)
    registry = Stack(layout, Options.load(layout) or Options(subnet=layout.subnet), stack).registry
    name = f"way-{uuid.uuid4().hex[:8]}"
    place = Place(folder, name, stack.kubeconfig, stack.tools, f"{registry}/base/busybox")
    os.environ |= {
        "TOWPATH_ENVIRONMENTS": str(folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(folder / "cache"),
        "KUBECONFIG": stack.kubeconfig,
        "PREFECT_API_URL": stack.prefect_api_url,
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PATH": f"{stack.tools}{os.pathsep}{os.environ['PATH']}",
    }
    place.push()
    place.kubectl("create", "namespace", name)
    try:
        with place.lock():
            place.release()
            yield place
    finally:
        place.kubectl("delete", "namespace", name, "--wait=false")


def follow(title: str, work: Callable[[], object], *, calls: bool) -> None:
    from towpath.adapters.kubernetes.connect import _shared

    _shared.cache_clear()  # as in a process of its own
    way = Way()
    begin = time.monotonic()
    with way.followed():
        result = work()
    print(f"{title}: {result} ({time.monotonic() - begin:.1f} s, slowed by being followed)")
    way.told(title, calls=calls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", action="store_true", help="also every call between modules, by number")
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory(prefix="towpath-way-") as folder, a_place(Path(folder)) as place:
        from flows.promote import promote
        from flows.reconcile import reconcile

        follow(
            "promote, without approvals",
            lambda: promote("way", place.digest, place.name, return_state=True).message,
            calls=calls,
        )
        place.kubectl("--namespace", place.name, "label", "configmap", "way", "towpath.dev/app=other",
                      "--overwrite")  # fmt: skip
        follow(
            "reconcile, of one drifted app",
            lambda: reconcile(place.name, return_state=True).message,
            calls=calls,
        )


if __name__ == "__main__":
    main()
