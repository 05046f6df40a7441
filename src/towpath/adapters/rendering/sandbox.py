"""Runs a renderer without network, and with limits of memory, time and output.

The program gets an empty PATH and HOME, a proxy that does not answer, no variable of this process, and limits
that the operating system enforces. This holds even if the scan before it missed something.
"""

import base64
import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from towpath.adapters.process import CommandError, run
from towpath.adapters.rendering import quota
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError, TooLargeError
from towpath.redact import MASK

TIMEOUT = 60.0
"""Seconds of wall time for one render, of which most may be waiting for a processor."""
MAX_OUTPUT = 8 << 20
"""Bytes that a renderer may write; the YAML reader accepts no longer text."""
_CRASH = re.compile(r"\s*(?:goroutine \d+|runtime stack:|\[signal )")
_STACK = re.compile(r"\.go:\d+ \+0x")
_MIN_MASKED = 6
"""Characters; shorter values are too common to be masked."""


_LEAST_MEMORY = {"kustomize": 36, "helm": 56}
"""MiB that a small app is given."""
_SECONDS: dict[str, Callable[[Sources], float]] = {
    "kustomize": lambda sources: min(
        20, 3 + sources.values / 7_500 + (sources.values / 20_000) ** 2 + sources.total / (2 << 20)
    ),
    "helm": lambda sources: min(10, 3 + 2 * sources.size / (1 << 20)),
}
"""Seconds of processor time, several times what a render needs where it is slow; a template may loop for
ever. Kustomize compares every object with every other.
"""


class _MoreMemoryError(TooLargeError):
    """A render needed more memory than it was given."""


def render_by(  # noqa: PLR0913
    renderer: str,
    command: Sequence[str],
    sources: Sources,
    file: str,
    timeout: float,
    *,
    folder: Path | None = None,
) -> str:
    """Run the renderer and return its output; retry with all memory, alone, when it needed more than usual.

    It runs in `folder` (None: the checkout). `timeout` is in seconds. Raises TooLargeError when a limit was
    reached, ConfigError when the renderer refuses its input, StoppedError when the quota is spent.
    """
    cpu = int(_SECONDS[renderer](sources))
    usual = _usual_memory(renderer, sources)

    def render(memory: int) -> str:
        return _run_within(memory, cpu, command, sources, file, timeout, folder or sources.root)

    if usual < quota.MEMORY:
        with contextlib.suppress(_MoreMemoryError):
            return render(usual)
    return render(quota.MEMORY)


def _usual_memory(renderer: str, sources: Sources) -> int:
    """MiB that suffice for nearly all apps of this size: YAML in memory takes many times its bytes."""
    needed = _LEAST_MEMORY[renderer] + 6 * sources.total // (1 << 20) + sources.values // 1_000
    return min(needed, quota.MEMORY)


def _run_within(  # noqa: PLR0913, PLR0917
    memory: int,
    cpu: int,
    command: Sequence[str],
    sources: Sources,
    file: str,
    timeout: float,
    folder: Path,
) -> str:
    with (
        sources.quota.memory(memory),
        tempfile.TemporaryDirectory(prefix="towpath-render-") as home,
    ):
        dead_proxy = "http://127.0.0.1:9"
        env = {
            "HOME": home,
            "TMPDIR": home,
            "PATH": home,
            "KUBECONFIG": os.devnull,
            "GOMEMLIMIT": f"{memory * 7 // 8}MiB",  # it collects garbage before it is ended
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), dead_proxy),
        }
        try:
            return run(
                command,
                cwd=folder,
                env=env,
                timeout=timeout,
                memory=memory << 20,
                cpu=cpu,
                max_output=MAX_OUTPUT,
                stop=sources.quota.stopped,
            ).stdout
        except CommandError as error:
            sources.quota.check()
            if error.timed_out or error.code is None:
                kind = _MoreMemoryError if error.out_of_memory else TooLargeError
                raise kind(f"rendering {_reason(error)}", file=file) from error
            raise ConfigError(f"does not render: {_error_text(error, sources, folder)}", file=file) from error


def _error_text(error: CommandError, sources: Sources, folder: Path) -> str:
    """The program's error output on one line, without paths of this machine, values, and stack traces."""
    text = " ".join(error.output.replace(f"{folder}/", "").split())
    text = "it crashed" if _STACK.search(text) else _CRASH.split(text, maxsplit=1)[0]
    for value in sorted(_all_texts(sources.masked), key=len, reverse=True):
        for form in (value, " ".join(value.split()), base64.b64encode(value.encode()).decode()):
            if len(form) >= _MIN_MASKED:
                text = text.replace(form, MASK)
    return text[-1000:] or "it printed no reason"


def _all_texts(value: Any) -> set[str]:
    """Every string in plain data, without mapping keys."""
    texts: set[str] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            texts.update((item, item.partition("=")[2]))
        elif isinstance(item, (list, dict)):
            pending.extend(item.values() if isinstance(item, dict) else item)
    return texts


def _reason(error: CommandError) -> str:
    return error.message.partition("` ")[2].partition("\n")[0]
