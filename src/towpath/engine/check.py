"""Judges an environment repository without a cluster: every app and environment, all findings at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.render_cache import RenderCache
from towpath.adapters.renderers import RenderTooLargeError
from towpath.admission import Admission, Finding, claims
from towpath.config import CONFIG_FILE, App, Config, load_config
from towpath.confirmation import PRUNE_FILE, confirmed_in
from towpath.engine.render import judge_app
from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.pause import pause_path, pauses_in
from towpath.quarantine import parse_quarantine, quarantine_path

MAX_RENDERS = 10_000
"""Apps times environments of one repository."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The sorted findings, and what was looked at."""

    findings: tuple[Finding, ...]
    apps: int
    environments: int
    objects: int


def check_repository(root: Path, *, tools: Path | None = None, cache: Path | None = None) -> Checked:
    """Check a checkout or an uncommitted folder. Only a missing renderer is raised; all else is a finding.

    `cache` is a folder of earlier renders: what has not changed since is judged again, not rendered again.
    """
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
    findings.update(_pauses(root, config))
    pairs = len(config.apps) * len(config.environments)
    if pairs > MAX_RENDERS:
        message = (
            f"{len(config.apps)} apps in {len(config.environments)} environments are {pairs:,} renders; "
        )
        finding = Finding(
            CONFIG_FILE, 0, f"{message}more than {MAX_RENDERS:,} are too many for one repository"
        )
        return Checked((finding,), len(config.apps), len(config.environments), 0)
    # Renderers are programs: threads keep all processors busy.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda app: _judge(root, app, config, tools, cache), config.apps.values()))
    if cache:
        RenderCache(cache).trim()
    objects = 0
    for environment in config.environments:
        admitted = []
        for app, judged in zip(config.apps, results, strict=True):
            findings.update(judged.findings)
            if admission := judged.admissions.get(environment.name):
                findings.update(admission.findings)
                objects += len(admission.objects)
                admitted.append((app, admission.origins))
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


@dataclass(frozen=True, slots=True)
class _Judged:
    """One app in all environments: what could be admitted or not, and why the rest did not come so far."""

    admissions: dict[str, Admission]
    findings: set[Finding]


def _judge(root: Path, app: App, config: Config, tools: Path | None, cache: Path | None) -> _Judged:
    judged = _Judged({}, set())
    for environment in config.environments:
        try:
            judged.admissions[environment.name] = judge_app(root, app, environment, tools=tools, cache=cache)
        except ConfigError as error:
            judged.findings.update(findings_of(error))
            if isinstance(error, RenderTooLargeError):
                break  # the same base would take as long again in every environment
    return judged


def _pauses(root: Path, config: Config) -> Iterator[Finding]:
    """Pauses that cannot be read, or that pause what is not there."""
    known = {environment.name for environment in config.environments}
    for file in sorted((root / "pauses").glob("*.yaml")):
        if file.stem not in known:
            yield Finding(f"pauses/{file.name}", 0, "no environment of this name is in towpath.yaml")
            continue
        try:
            for app in {pause.app for pause in pauses_in(root, file.stem)} - {"", *config.apps}:
                yield Finding(pause_path(file.stem), 0, f"there is no app `{app}`")
        except ConfigError as error:
            yield from findings_of(error)


def _strangers(root: Path, config: Config) -> Iterator[Finding]:
    """Folders under apps/ that towpath.yaml does not name: renamed, or misspelt."""
    apps = root / "apps"
    if apps.is_symlink():
        yield Finding("apps", 0, "is a symbolic link; refused")
        return
    known = {environment.name for environment in config.environments} | {"base"}
    for folder in sorted(apps.iterdir()) if apps.is_dir() else ():
        if not (folder.is_symlink() or folder.is_dir()) or folder.name.startswith("."):
            continue
        if folder.is_symlink():
            yield Finding(f"apps/{folder.name}", 0, "is a symbolic link; refused")
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
