"""What the agents of a running local stack take of the machine's memory: `python -m benchmarks.memory`.

A page that several processes share counts once (PSS of /proc/PID/smaps_rollup). Counted is what carries out
the work of environments: agents, their preloaded processes and what launches them; of an earlier Towpath the
Prefect workers and watchers. Flow runs under way come apart, and are not in the sum. TOWPATH_HOME names
another stack than the default one. Needs root.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towpath.settings import Settings

FORKED = "fork server and agents"
KINDS = {
    "launchers": re.compile(r"/agent/launch\.py "),
    FORKED: re.compile(r"-m towpath\.cli\.fork_server "),
    "agents": re.compile(r"towpath agent "),
    "watchers": re.compile(r"towpath watch "),
    "workers": re.compile(r"prefect worker start|-m prefect worker "),
}
RUNS = "flow runs"
FIELDS = ("Rss", "Pss", "Private_Dirty", "Private_Clean")


@dataclass(frozen=True, slots=True)
class Process:
    """A process and its memory in KiB, by FIELDS."""

    pid: int
    name: str
    kind: str
    memory: dict[str, int]


def processes(stack: Path) -> Iterator[Process]:
    """Those of the stack in this folder that carry out the work of environments."""
    mark = f"TOWPATH_LOCAL_STACK={stack}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            command = _command(folder)
            kind = next((kind for kind, pattern in KINDS.items() if pattern.search(command)), None)
            if kind == FORKED and _is_run(folder):
                kind = RUNS
            if kind:
                text = (folder / "smaps_rollup").read_text()
                memory = {
                    name: int(re.findall(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[0]) for name in FIELDS
                }
                yield Process(int(folder.name), (folder / "comm").read_text().strip(), kind, memory)
        except OSError:
            continue


def _is_run(folder: Path) -> bool:
    """Whether it is a forked flow run: the leader of a process group, forked by an agent's own process."""
    parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[1:3]
    above = folder.parent / parent
    forked = KINDS[FORKED].search(_command(above)) is not None
    return forked and group == folder.name and (above / "comm").read_text() == (folder / "comm").read_text()


def _command(folder: Path) -> str:
    return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def main() -> None:
    """Print each process and the sums, in MiB."""
    stack = Settings.load(os.environ).local.absolute()
    total: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(FIELDS, 0))
    print(f"{'process':<16}{'pid':>8}" + "".join(f"{name:>15}" for name in FIELDS))
    for one in sorted(processes(stack), key=lambda one: (one.kind, one.name, one.pid)):
        print(f"{one.name:<16}{one.pid:>8}" + "".join(f"{one.memory[name] / 1024:15.1f}" for name in FIELDS))
        for name in FIELDS:
            total[one.kind][name] += one.memory[name]
            total["all"][name] += one.memory[name] * (one.kind != RUNS)
    for kind, sums in total.items():
        print(f"{kind:<24}" + "".join(f"{sums[name] / 1024:15.1f}" for name in FIELDS))


if __name__ == "__main__":
    main()
