"""What a renderer finds when it runs: limits of the operating system, and nothing of ours."""

import os
import threading
from pathlib import Path

import pytest

from towpath.adapters.rendering.quota import RenderQuota, StoppedError
from towpath.adapters.rendering.sandbox import render_by
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError, TooLargeError

PRINTS = """\
#!/bin/sh
n=0
while [ $n -lt 50000 ]; do n=$((n+1)); done
while read -r line; do echo "$line"; done < /proc/$$/limits
"""
"""It looks a moment later: the limits are set right after the start."""


def program(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "helm"
    path.write_text(text)
    path.chmod(0o755)
    return [str(path)]


@pytest.mark.parametrize(("renderer", "mebibytes"), [("kustomize", 2 * 36 + 256), ("helm", 2 * 56 + 256)])
def test_limits_are_in_force(tmp_path: Path, renderer: str, mebibytes: int) -> None:
    sources = Sources(tmp_path)
    said = render_by(renderer, program(tmp_path, PRINTS), sources, "apps/x", 10)
    limits = {line[:26].strip(): line[26:].split()[:2] for line in said.splitlines()}
    assert limits["Max data size"] == [str(mebibytes << 20)] * 2
    assert limits["Max cpu time"] == ["3", "3"]
    assert limits["Max core file size"] == ["0", "0"]


def test_more_memory_is_tried_once_and_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    script = f'#!/bin/sh\necho "$GOMEMLIMIT" >> {notes}\necho "fatal error: out of memory" >&2\nexit 2\n'
    with pytest.raises(TooLargeError, match="more than 144 MiB of memory"):
        render_by("helm", program(tmp_path, script), Sources(tmp_path), "apps/x", 10)
    assert notes.read_text().split() == ["49MiB", "126MiB"]


def test_what_runs_when_a_run_is_stopped_is_ended(tmp_path: Path) -> None:
    budget = RenderQuota()
    script = f"#!/bin/sh\n: > {tmp_path}/begun\nread -r line < {tmp_path}/pipe\n"
    os.mkfifo(tmp_path / "pipe")
    sources = Sources(tmp_path, budget)

    def stop() -> None:
        while not (tmp_path / "begun").exists():
            pass
        budget.too_large()

    threading.Thread(target=stop).start()
    with pytest.raises(StoppedError):
        render_by("helm", program(tmp_path, script), sources, "apps/x", 60)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error: no canary-12345 here", "does not render: Error: no *** here"),
        ("Error: Y2FuYXJ5LTEyMzQ1", "does not render: Error: ***"),
        ("panic: x\n\ngoroutine 1 [running]:\nmain.main()", "does not render: panic: x"),
        ("main.go:12 +0x5e\nmain.go:13 +0x5e", "does not render: it crashed"),
    ],
)
def test_errors_show_no_values_and_no_stack(tmp_path: Path, said: str, told: str) -> None:
    sources = Sources(tmp_path)
    sources.masked.append({"a": [{"b": "canary-12345"}, 1, None]})
    (tmp_path / "said").write_text(said + "\n")
    script = f'#!/bin/sh\nwhile read -r line; do echo "$line" >&2; done < {tmp_path}/said\nexit 1\n'
    with pytest.raises(ConfigError) as caught:
        render_by("helm", program(tmp_path, script), sources, "apps/x", 10)
    assert caught.value.message == f"apps/x: {told}"
