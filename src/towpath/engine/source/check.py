"""Judges an environment repository without a cluster: every app and environment, all findings at once."""

import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from towpath.adapters.rendering.quota import RenderQuota, StoppedError
from towpath.adapters.rendering.render_cache import RenderCache
from towpath.admission.rules import Finding, objects_of_two_apps
from towpath.applyset.prune_file import PRUNE_FILE, load_confirmed_deletions
from towpath.config import CONFIG_FILE, App, Config, load_config
from towpath.engine.source.render import judge_app
from towpath.errors import ConfigError, RefusedError, TooLargeError
from towpath.files import read_text
from towpath.gates.pause import load_pauses, pause_path
from towpath.kube.kinds import Kind, crd_scopes
from towpath.objects import ObjectRef
from towpath.printable import printable
from towpath.release.quarantine import parse_quarantine, quarantine_path
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.manifest_reader import ManifestDocument

MAX_RENDERS = 10_000
"""Apps times environments of one repository."""
MAX_FINDINGS = 100
"""Of one app in one environment."""
MAX_ENTRIES = 10_000
"""Of `apps`, and of each other folder that is looked through for what is not known."""
MAX_WORKERS = 4


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
        return Checked(_shown(findings_of(error)), 0, 0, 0)
    findings: set[Finding] = set()
    for looked in (_strangers, _records, _pauses, _sources):
        try:
            findings.update(looked(root, config))
        except ConfigError as error:
            findings.update(findings_of(error))
        except OSError as error:
            findings.add(_unreadable(error, root))
    pairs = len(config.apps) * len(config.environments)
    if pairs > MAX_RENDERS:
        message = (
            f"{len(config.apps)} apps in {len(config.environments)} environments are {pairs:,} renders; "
        )
        finding = Finding(
            CONFIG_FILE, 0, f"{message}more than {MAX_RENDERS:,} are too many for one repository"
        )
        return Checked((finding,), len(config.apps), len(config.environments), 0)
    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    budget = RenderQuota(max_too_large=workers)
    # Renderers are programs: threads keep all processors busy.
    with ThreadPoolExecutor(max_workers=workers) as pool:
        judge = partial(_judge, root, config=config, tools=tools, cache=cache, budget=budget)
        try:
            results = dict(zip(config.apps, pool.map(judge, config.apps.values()), strict=True))
        except BaseException:
            budget.stopped.set()  # who interrupts does not wait for the renderers that run
            raise
    if cache:
        RenderCache(cache).trim()
    for judged in results.values():
        findings.update(judged.findings)
    if unread := [app for app, judged in results.items() if judged.stopped]:
        findings.add(_stopped(unread))
    for environment in config.environments:
        admitted = {
            app: judged.admitted[environment.name]
            for app, judged in results.items()
            if environment.name in judged.admitted
        }
        findings.update(objects_of_two_apps((app, each.origins) for app, each in admitted.items()))
        findings.update(_scopes_of_others(admitted.values()))
    objects = sum(len(each.origins) for judged in results.values() for each in judged.admitted.values())
    return Checked(_shown(findings), len(config.apps), len(config.environments), objects)


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
class _Admitted:
    """What is still needed of one app in one environment: where objects are from, and scopes of its CRDs."""

    origins: Mapping[ObjectRef, ManifestDocument]
    definitions: Mapping[Kind, bool]


@dataclass(slots=True)
class _Judged:
    """One app in all environments: what could be rendered, and all that is wrong."""

    admitted: dict[str, _Admitted]
    findings: set[Finding]
    stopped: bool = False


def _judge(  # noqa: PLR0913
    root: Path, app: App, *, config: Config, tools: Path | None, cache: Path | None, budget: RenderQuota
) -> _Judged:
    judged = _Judged({}, set())
    for environment in config.environments:
        try:
            admission = judge_app(root, app, environment, tools=tools, cache=cache, quota=budget)
        except StoppedError:
            judged.stopped = True
            break
        except TooLargeError as error:
            judged.findings.update(findings_of(error))
            budget.too_large()
            break  # the same base would take as much again in every environment
        except ConfigError as error:
            judged.findings.update(findings_of(error))
            continue
        judged.findings.update(_first(admission.findings))
        judged.admitted[environment.name] = _Admitted(
            # Without the objects themselves: of 300 apps, they would be most of the memory.
            {ref: ManifestDocument(None, each.file, each.line) for ref, each in admission.origins.items()},
            crd_scopes(admission.objects),
        )
    return judged


def _records(root: Path, config: Config) -> Iterator[Finding]:
    """Quarantines and confirmations that cannot be read."""
    for name in config.apps:
        path = quarantine_path(name)
        try:
            parse_quarantine(read_text(root, path) or "[]", path)
        except ConfigError as error:
            yield from findings_of(error)
        for environment in config.environments:
            if (root / "apps" / name / environment.name).is_symlink():
                continue  # said where its manifests are looked for
            try:
                load_confirmed_deletions(root, name, environment.name)
            except ConfigError as error:
                yield from findings_of(error)


def _sources(root: Path, config: Config) -> Iterator[Finding]:
    """URLs that no source would be fetched from; those beside this repository's own are judged with it."""
    sources = {name: app.source for name, app in config.apps.items()}
    urls = {name: each.repository for name, each in sources.items() if each}
    absolute = {name: url for name, url in urls.items() if not url.startswith(("./", "../"))}
    if not absolute:
        return
    from towpath.adapters.git.command import check_url

    lines = read_document(read_text(root, CONFIG_FILE) or "", CONFIG_FILE)
    for name, url in absolute.items():
        try:
            check_url(url, allow_file=True)
        except RefusedError as error:
            line = lines.line(("apps", name, "source", "repository"))
            yield Finding(CONFIG_FILE, line, error.message)


def _pauses(root: Path, config: Config) -> Iterator[Finding]:
    """Pauses that cannot be read, or that pause what is not there."""
    known = {environment.name for environment in config.environments}
    strange = [file for file in _entries(root, "pauses") if file.suffix == ".yaml" and file.stem not in known]
    for file in strange[:MAX_FINDINGS]:
        yield Finding(f"pauses/{file.name}", 0, "no environment of this name is in towpath.yaml")
    for environment in sorted(known):
        try:
            for app in {pause.app for pause in load_pauses(root, environment)} - {"", *config.apps}:
                yield Finding(pause_path(environment), 0, f"there is no app `{app}`")
        except ConfigError as error:
            yield from findings_of(error)


def _entries(root: Path, folder: str) -> list[Path]:
    """What is in a folder of ours, sorted; nothing where there is none."""
    path = root / folder
    if path.is_symlink():
        raise ConfigError("is a symbolic link; refused", file=folder)
    try:
        found = list(itertools.islice(path.iterdir(), MAX_ENTRIES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=folder) from error
    if len(found) > MAX_ENTRIES:
        raise TooLargeError(f"has more than {MAX_ENTRIES:,} entries", file=folder)
    return sorted(found)


def _first(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first findings of an app, and how many more there are: nobody reads thousands."""
    yield from findings[:MAX_FINDINGS]
    if (more := len(findings) - MAX_FINDINGS) > 0:
        last = findings[MAX_FINDINGS]
        yield Finding(last.file, last.line, f"{last.message} (and {more - 1:,} more findings of this app)")


def _stopped(apps: Sequence[str]) -> Finding:
    named = ", ".join(apps[:5]) + (", …" if len(apps) > 5 else "")
    message = f"not judged, because others take more than they may: {named} ({len(apps):,} apps)"
    return Finding("apps", 0, message)


def _scopes_of_others(admitted: Collection[_Admitted]) -> Iterator[Finding]:
    """Objects whose kind another app's CustomResourceDefinition makes cluster-scoped."""
    cluster = {kind for each in admitted for kind, wide in each.definitions.items() if wide}
    for each in admitted:
        for ref, origin in each.origins.items():
            if ref.namespace and (ref.group, ref.kind) in cluster:
                message = (
                    f"{ref.kind} {ref.name} is cluster-scoped and not allowed in this environment "
                    "(`allowClusterScoped` in towpath.yaml)"
                )
                yield Finding(origin.file, origin.line, message)


def _shown(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted, and fit to be shown: no signs that steer a terminal, no lines of pages."""
    return tuple(
        Finding(_line(each.file)[:300], each.line, _line(each.message)[:1_200]) for each in sorted(findings)
    )


def _unreadable(error: OSError, root: Path) -> Finding:
    path = Path(str(error.filename))
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else "apps"
    return Finding(file, 0, f"cannot be read: {error.strerror}")


def _line(text: str) -> str:
    return printable(text).replace("\n", " ")


def _strangers(root: Path, config: Config) -> Iterator[Finding]:
    """Folders under apps/ that towpath.yaml does not name: renamed, or misspelt."""
    known = {environment.name for environment in config.environments} | {"base"}
    for folder in _entries(root, "apps"):
        if not (folder.is_symlink() or folder.is_dir()) or folder.name.startswith("."):
            continue
        if folder.is_symlink():
            yield Finding(f"apps/{folder.name}", 0, "is a symbolic link; refused")
            continue
        if folder.name not in config.apps:
            if _has_left(folder):
                continue
            yield Finding(f"apps/{folder.name}", 0, "no app of this name is in towpath.yaml")
            continue
        for inner in _entries(root, f"apps/{folder.name}"):
            if inner.name in known or inner.is_symlink():
                continue
            if (inner / "release.yaml").is_file():
                message = "has a release, but no environment of this name is in towpath.yaml"
                yield Finding(f"apps/{folder.name}/{inner.name}", 0, message)


def _has_left(folder: Path) -> bool:
    """Whether nothing but confirmed deletions is there."""
    inner = list(itertools.islice(folder.iterdir(), MAX_ENTRIES))
    return bool(inner) and all(map(_is_confirmed, inner))


def _is_confirmed(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    return [file.name for file in itertools.islice(folder.iterdir(), 2)] == [PRUNE_FILE]
