"""Judges an environment repository without a cluster: every app and environment, all findings at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from towpath.admission import Admission, Finding, claims
from towpath.config import App, Config, Environment, load_config
from towpath.confirmation import PRUNE_FILE, confirmed_in
from towpath.engine.render import judge_app
from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.quarantine import parse_quarantine, quarantine_path


@dataclass(frozen=True, slots=True)
class Checked:
    """The sorted findings, and what was looked at."""

    findings: tuple[Finding, ...]
    apps: int
    environments: int
    objects: int


def check_repository(root: Path, *, tools: Path | None = None) -> Checked:
    """Check a checkout or an uncommitted folder. Only a missing renderer is raised; all else is a finding."""
    try:
        config = load_config(root)
    except ConfigError as error:
        return Checked(tuple(findings_of(error)), 0, 0, 0)
    findings: set[Finding] = set(_strangers(root, config))
    for name in config.apps:
        path = quarantine_path(name)
        try:
            parse_quarantine(read_text(root, path) or "[]", path)
        except ConfigError as error:
            findings.update(findings_of(error))
    for file in sorted((root / "apps").glob(f"*/*/{PRUNE_FILE}")):
        try:
            confirmed_in(root, file.parts[-3], file.parts[-2])
        except ConfigError as error:
            findings.update(findings_of(error))
    pairs = [(app, environment) for environment in config.environments for app in config.apps.values()]
    # Renderers are programs: threads keep all processors busy.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda pair: _judge(root, pair[0], pair[1], tools), pairs))
    objects = 0
    for environment in config.environments:
        admitted = []
        for (app, where), (admission, problems) in zip(pairs, results, strict=True):
            if where is not environment:
                continue
            findings.update(problems)
            if admission:
                findings.update(admission.findings)
                objects += len(admission.objects)
                admitted.append((app.name, admission.origins))
        findings.update(claims(admitted))
    return Checked(tuple(sorted(findings)), len(config.apps), len(config.environments), objects)


def findings_of(error: ConfigError) -> Iterator[Finding]:
    """A ConfigError may carry several problems, each on a line as `FILE:LINE: what`."""
    prefix = f"{error.file}:"
    problems: list[str] = []
    for line in error.message.splitlines():
        if line.startswith(prefix) or not problems:
            problems.append(line)
        else:
            problems[-1] += f" {line.strip()}"
    for problem in problems:
        rest = problem.removeprefix(prefix)
        number, colon, what = rest.partition(": ")
        if colon and number.isdigit():
            yield Finding(error.file, int(number), what)
        else:
            yield Finding(error.file, 0, rest.strip())


def _judge(
    root: Path, app: App, environment: Environment, tools: Path | None
) -> tuple[Admission | None, tuple[Finding, ...]]:
    try:
        return judge_app(root, app, environment, tools=tools), ()
    except ConfigError as error:
        return None, tuple(findings_of(error))


def _strangers(root: Path, config: Config) -> Iterator[Finding]:
    """Folders under apps/ that towpath.yaml does not name: renamed, or misspelt."""
    apps = root / "apps"
    known = {environment.name for environment in config.environments} | {"base"}
    for folder in sorted(apps.iterdir()) if apps.is_dir() else ():
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        if folder.name not in config.apps:
            if {file.name for file in folder.rglob("*") if not file.is_dir()} == {PRUNE_FILE}:
                continue  # the app has left, and its deletion is confirmed
            yield Finding(f"apps/{folder.name}", 0, "no app of this name is in towpath.yaml")
            continue
        for inner in sorted(folder.iterdir()):
            released = inner.is_dir() and (inner / "release.yaml").exists()
            if released and inner.name not in known:
                message = "has a release, but no environment of this name is in towpath.yaml"
                yield Finding(f"apps/{folder.name}/{inner.name}", 0, message)
