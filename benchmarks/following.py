"""Notes every call between modules of the project while something runs. For benchmarks/way.py."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from benchmarks.modules import acts, is_value_type, module_of, room_of

COUNTED = {
    ("towpath.adapters.git.mirror", "fetch"): "Git fetches",
    ("towpath.adapters.git.write.commit", "push"): "Git pushes",
    ("towpath.adapters.kubernetes.connect", "connect"): "API connections",
    ("shutil", "copytree"): "copies of a tree",
}


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

        threading.Thread.start = started  # type: ignore[method-assign, assignment]
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
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
