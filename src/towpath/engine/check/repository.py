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
from towpath.admission.cluster_scoped import entry_problem
from towpath.admission.rules import Finding, objects_of_two_apps
from towpath.config import CONFIG_FILE, App, Config, load_config
from towpath.config.checks import shared_namespaces
from towpath.engine.check.files import (
    check_files,
    environments_of,
    findings_of,
    policy_findings,
    version_notes,
)
from towpath.engine.check.schemas import SchemaCheck
from towpath.engine.source.render import judge_app
from towpath.errors import ConfigError, MissingPartError, TooLargeError
from towpath.files import read_text
from towpath.kube.kinds import Kind, crd_scopes
from towpath.objects import ObjectRef
from towpath.printable import pluralize, printable
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.manifest_reader import ManifestDocument

MAX_RENDERS = 10_000
"""Apps times environments of one repository."""
MAX_FINDINGS = 100
"""Of one app in one environment."""
MAX_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """The sorted findings, what was looked at, and notes on what could not be judged."""

    findings: tuple[Finding, ...]
    apps: int
    environments: int
    objects: int
    notes: tuple[str, ...] = ()


def check_repository(
    root: Path,
    *,
    tools: Path | None = None,
    cache: Path | None = None,
    kubernetes: str | None = None,
    trusted_keys: Path | None = None,
) -> Checked:
    """Check a checkout or an uncommitted folder. Whatever is wrong is a finding, a missing renderer too.

    `cache` is a folder of earlier renders: what has not changed since is judged again, not rendered again.
    `kubernetes` is the version by whose schemas objects are judged, instead of that of each environment:
    UnknownNameError where they are not known. `trusted_keys` tells who signs the policy.
    """
    try:
        config = load_config(root)
    except ConfigError as error:
        return Checked(_shown(findings_of(error)), 0, 0, 0)
    counts = len(config.apps), len(config.environments)
    if counts[0] * counts[1] > MAX_RENDERS:
        message = f"{counts[0]} apps in {counts[1]} environments are {counts[0] * counts[1]:,} renders; "
        finding = Finding(
            CONFIG_FILE, 0, f"{message}more than {MAX_RENDERS:,} are too many for one repository"
        )
        return Checked((finding,), *counts, 0)
    findings = set(check_files(root, config))
    looser, unsigned = policy_findings(root, trusted_keys) if trusted_keys else ([], [])
    findings.update(looser)
    schemas = SchemaCheck(root, config, kubernetes)
    judged = _judge_all(root, config, tools, cache, schemas)
    if cache:
        RenderCache(cache).trim()
    findings.update(itertools.chain.from_iterable(app.findings for app in judged.values()))
    findings.update(_not_rendered(judged))
    findings.update(_between_apps(config, judged))
    findings.update(_cluster_scoped(root, config, judged))
    custom, notes = schemas.rest()
    findings.update(custom)
    objects = sum(len(each.origins) for app in judged.values() for each in app.admitted.values())
    notes = [*version_notes(root, config), *unsigned, *shared_namespaces(config), *notes]
    return Checked(_shown(findings), *counts, objects, tuple(_line(note) for note in notes))


def _judge_all(
    root: Path, config: Config, tools: Path | None, cache: Path | None, schemas: SchemaCheck
) -> Mapping[str, "_JudgedApp"]:
    """Every app in all environments, some at a time."""
    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    quota = RenderQuota(max_too_large=workers)
    # Renderers are programs: threads keep all processors busy.
    with ThreadPoolExecutor(max_workers=workers) as pool:
        judge = partial(_judge, root, config=config, tools=tools, cache=cache, quota=quota, schemas=schemas)
        try:
            return dict(zip(config.apps, pool.map(judge, config.apps.values()), strict=True))
        except BaseException:
            quota.stopped.set()  # who interrupts does not wait for the renderers that run
            raise


def _between_apps(config: Config, judged: Mapping[str, "_JudgedApp"]) -> Iterator[Finding]:
    """What one app does to another: objects of both, kinds that one defines, and no time left."""
    if unread := [app for app, each in judged.items() if each.stopped]:
        yield _stopped(unread)
    for environment in config.environments:
        admitted = {
            app: each.admitted[environment.name]
            for app, each in judged.items()
            if environment.name in each.admitted
        }
        yield from objects_of_two_apps((app, each.origins) for app, each in admitted.items())
        yield from _scopes_of_others(admitted.values())


def _cluster_scoped(root: Path, config: Config, judged: Mapping[str, "_JudgedApp"]) -> Iterator[Finding]:
    """Entries of `allowClusterScoped` that allow nothing."""
    admitted = [each for app in judged.values() for each in app.admitted.values()]
    definitions = {kind: wide for each in admitted for kind, wide in each.definitions.items()}
    whole = not any(app.stopped or app.missing or app.findings for app in judged.values())
    used = {(ref.group, ref.kind) for each in admitted for ref in each.origins if not ref.namespace}
    lines = read_document(read_text(root, CONFIG_FILE) or "", CONFIG_FILE)
    for index, environment in enumerate(config.environments):
        for position, entry in enumerate(environment.allow_cluster_scoped):
            if problem := entry_problem(entry, definitions, used if whole else None):
                line = lines.line(("environments", index, "allowClusterScoped", position))
                what = f"environments[{index}].allowClusterScoped[{position}]"
                yield Finding(CONFIG_FILE, line, f"{what}: {problem}")


@dataclass(frozen=True, slots=True)
class _Admitted:
    """What is still needed of one app in one environment: where objects are from, and scopes of its CRDs."""

    origins: Mapping[ObjectRef, ManifestDocument]
    definitions: Mapping[Kind, bool]


@dataclass(slots=True)
class _JudgedApp:
    """One app in all environments: what could be rendered, and all that is wrong."""

    admitted: dict[str, _Admitted]
    findings: set[Finding]
    stopped: bool = False
    missing: str = ""
    """What this machine lacks to render it."""


def _judge(  # noqa: PLR0913
    root: Path,
    app: App,
    *,
    config: Config,
    tools: Path | None,
    cache: Path | None,
    quota: RenderQuota,
    schemas: SchemaCheck,
) -> _JudgedApp:
    judged = _JudgedApp({}, set())
    try:
        environments = environments_of(root, app, config)
    except ConfigError as error:
        return _JudgedApp({}, {*findings_of(error)})
    for environment in environments:
        try:
            admission = judge_app(root, app, environment, tools=tools, cache=cache, quota=quota)
        except StoppedError:
            judged.stopped = True
            break
        except TooLargeError as error:
            judged.findings.update(findings_of(error))
            quota.too_large()
            break  # the same base would take as much again in every environment
        except MissingPartError as error:
            judged.missing = str(error)
            break
        except ConfigError as error:
            judged.findings.update(findings_of(error))
            continue
        judged.findings.update(_first([*admission.findings, *schemas.findings(environment.name, admission)]))
        judged.admitted[environment.name] = _Admitted(
            # Without the objects themselves: of 300 apps, they would be most of the memory.
            {ref: ManifestDocument(None, each.file, each.line) for ref, each in admission.origins.items()},
            crd_scopes(admission.objects),
        )
    return judged


def _not_rendered(judged: Mapping[str, _JudgedApp]) -> Iterator[Finding]:
    """One finding for each thing that this machine lacks, whatever the number of apps that need it."""
    lacking = sorted((each.missing, app) for app, each in judged.items() if each.missing)
    for missing, group in itertools.groupby(lacking, key=lambda each: each[0]):
        apps = [app for _, app in group]
        yield Finding(CONFIG_FILE, 0, f"{missing}\nNot judged: {_named(apps)}")


def _named(apps: Sequence[str]) -> str:
    return f"{', '.join(apps[:5])}{', …' if len(apps) > 5 else ''} ({pluralize(len(apps), 'app')})"


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


def _line(text: str) -> str:
    return printable(text).replace("\n", " ")
