"""What each part of `benchmarks/fleet.py` has cost: agents, servers, services, PostgreSQL, Redis."""

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process_costs import children, pss, spent, tree

AGENT = "an agent"
SETTLED = 60.0
"""Seconds in which what has just begun still has work to do."""
IDLE = 60.0
"""Seconds in which nothing runs, for what that costs."""


def parts(agents: list[int]) -> dict[str, list[int]]:
    """Process ids of each part: of the agents, and of the other children of this process by their program."""
    found = {AGENT: agents}
    for pid in set(children(os.getpid())) - set(agents):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        text = b" ".join(words)
        kind = (
            "PostgreSQL" if b"postgres" in words[0]
            else "Redis" if b"redis" in words[0]
            else "services" if b"services start" in text
            else "a server of the API" if b"server start" in text
            else "else"
        )  # fmt: skip
        found.setdefault(kind, []).append(pid)
    return found


@dataclass(frozen=True)
class Cost:
    """Of a part: how many there are, MiB of the middle one, processor seconds of all since they began."""

    count: int
    mebibytes: float
    processor: float


def costs(agents: list[int]) -> dict[str, Cost]:
    found = {}
    for name, pids in parts(agents).items():
        trees = [tree(pid) for pid in pids]
        mebibytes = statistics.median(sum(pss(each) for each in below) for below in trees)
        processor = sum(spent(each) for below in trees for each in below)
        found[name] = Cost(len(pids), mebibytes, processor)
    return found


def idle(agents: list[int]) -> dict[str, Cost]:
    """Wait while nothing runs, and tell what that has cost all of each part; the costs at its end."""
    time.sleep(SETTLED)
    begun, before = time.monotonic(), costs(agents)
    time.sleep(IDLE)
    after, seconds = costs(agents), time.monotonic() - begun
    for name, cost in after.items():
        share = (cost.processor - before[name].processor) / seconds
        what = f"{cost.count} of {cost.mebibytes:.0f} MiB (PSS)"
        print(f"{name:34} {what}, {share:.3f} processors while nothing runs", flush=True)
    return after
