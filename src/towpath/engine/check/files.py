"""Judges the files of an environment repository that nothing is rendered from: records, pauses, folders."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from towpath.admission.rules import Finding
from towpath.applyset.prune_file import PRUNE_FILE, load_confirmed_deletions
from towpath.config import CONFIG_FILE, App, Config, Environment
from towpath.config.deprecations import deprecation_notes
from towpath.engine.source.migrate import record_paths, record_version
from towpath.engine.vendor.compare import vendor_problems
from towpath.errors import ConfigError, EvidenceError, RefusedError, TooLargeError
from towpath.files import read_text
from towpath.formats.versions import FileVersion, order
from towpath.gates.evidence_exception import EXCEPTIONS, decode_exception, exception_paths
from towpath.gates.pause import load_pauses, pause_path
from towpath.gates.policy_statement import POLICY_FILE
from towpath.gates.signed_approval import key_problems
from towpath.release.quarantine import parse_quarantine, quarantine_path
from towpath.release.release_file import release_path
from towpath.release.verified_file import load_verified
from towpath.yamltext.config_reader import read_document

MAX_STRANGE = 100
"""Pauses of unknown environments that are told of."""
MAX_ENTRIES = 10_000
"""Of `apps`, and of each other folder that is looked through for what is not known."""


def check_files(root: Path, config: Config) -> set[Finding]:
    """All findings; what cannot be read is one of them."""
    findings: set[Finding] = set()
    for check in (_unknown_folders, _nowhere, _records, _pauses, _sources, _people, _vendored, _exceptions):
        try:
            findings.update(check(root, config))
        except ConfigError as error:
            findings.update(findings_of(error))
        except OSError as error:
            findings.add(_unreadable(error, root))
    return findings


def environments_of(root: Path, app: App, config: Config) -> list[Environment]:
    """Where an app is judged: where its `environments` are, or else where it has a folder."""
    if app.environments is not None:
        return [each for each in config.environments if app.may_be_in(each.name)]
    folders = {each.name for each in _entries(root, f"apps/{app.name}")}
    return [each for each in config.environments if each.name in folders]


def _nowhere(root: Path, config: Config) -> Iterator[Finding]:
    """Apps that have a folder for no environment, or none for one through which their releases come."""
    places = {name: environments_of(root, app, config) for name, app in config.apps.items()}
    problems = {name: problem for name in places if (problem := _gap(config, name, places[name]))}
    if problems:
        lines = read_document(read_text(root, CONFIG_FILE) or "", CONFIG_FILE)
        for name, what in problems.items():
            yield Finding(CONFIG_FILE, lines.line(("apps", name)), what)


def _gap(config: Config, name: str, places: list[Environment]) -> str:
    """Why an app cannot be where it has folders; empty when it can."""
    app, here = config.apps[name], [each.name for each in places]
    if not here:
        folders = ", ".join(f"apps/{name}/{each.name}" for each in config.environments)
        return f"apps.{name} is in no environment: there is none of the folders {folders}"
    if app.environments is None and app.is_released:
        for place in here:
            for group in config.needs(place, name):
                if set(group).isdisjoint(here):
                    return (
                        f"apps.{name} has a folder for {place}, and none for {' or '.join(group)}, where its"
                        f" releases are verified before: add apps/{name}/{group[0]}, or say"
                        f" `environments: [{', '.join(here)}]`"
                    )
    return ""


def version_notes(root: Path, config: Config) -> Iterator[str]:
    """What is still read of former versions, and what agents of a former version do not read."""
    yield from deprecation_notes(read_text(root, CONFIG_FILE) or "")
    other: dict[FileVersion, list[str]] = {}
    with suppress(ConfigError):  # said where it is read
        for path in record_paths(root, config):
            version = _version(root, path)
            if version not in (None, config.api_version):
                other.setdefault(version, []).append(path)
    for version, paths in other.items():
        named = f"{paths[0]} is" if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more files are"
        why = "" if order(version) < order(config.api_version) else "; agents of the former version hold it"
        yield f"{named} of {version}, {CONFIG_FILE} of {config.api_version}{why}; `towpath migrate` ends that"


def _version(root: Path, path: str) -> FileVersion | None:
    try:
        return record_version(root, path)
    except ConfigError:
        return None  # said where it is read


def findings_of(error: ConfigError) -> Iterator[Finding]:
    """A finding for each problem of the error, its message on one line."""
    for problem in error.problems:
        message = " ".join(line.strip() for line in problem.message.splitlines())
        yield Finding(problem.file, problem.line, message)


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
            for load in (load_confirmed_deletions, load_verified):
                try:
                    load(root, name, environment.name)
                except ConfigError as error:
                    yield from findings_of(error)
            path = release_path(name, environment.name)
            if config.apps[name].promote == "manifests" and (root / path).exists():
                yield Finding(
                    path, 0, f"{name} has no images, so no release of it is promoted: remove the file"
                )


def _sources(root: Path, config: Config) -> Iterator[Finding]:
    """URLs that no source would be fetched from; those beside this repository's own are judged with it."""
    sources = {name: app.source for name, app in config.apps.items()}
    urls = {name: each.repository for name, each in sources.items() if each}
    absolute = {name: url for name, url in urls.items() if not url.startswith(("./", "../"))}
    if not absolute:
        return
    from towpath.adapters.git.allowed_url import check_url

    lines = read_document(read_text(root, CONFIG_FILE) or "", CONFIG_FILE)
    for name, url in absolute.items():
        try:
            check_url(url, allow_file=True)
        except RefusedError as error:
            line = lines.line(("apps", name, "source", "repository"))
            yield Finding(CONFIG_FILE, line, error.message)


def _people(root: Path, config: Config) -> Iterator[Finding]:
    """Keys of people that cannot be read, or may sign no approvals: nothing that they sign would count."""
    problems = [*key_problems(config.who())]
    if problems:
        document = read_document(read_text(root, CONFIG_FILE) or "", CONFIG_FILE)
        for person, index, problem in problems:
            line = document.line(("people", person, "keys", index))
            yield Finding(CONFIG_FILE, line, f"people.{person}.keys[{index}]: {problem}")


def _vendored(root: Path, _config: Config) -> Iterator[Finding]:
    """What is vendored, and is not as `vendor.yaml` and its lock say."""
    for problem in vendor_problems(root):
        yield Finding(problem.file, problem.line, problem.message)


def _exceptions(root: Path, config: Config) -> Iterator[Finding]:
    """Exceptions from evidence that cannot be read, are of nothing that is there, or lack their signature."""
    for folder in _entries(root, EXCEPTIONS):
        place = f"{EXCEPTIONS}/{folder.name}"
        if folder.name not in config.apps:
            yield Finding(place, 0, "no app of this name is in towpath.yaml")
            continue
        for file in _entries(root, place):
            if file.suffix == ".json" and (problem := _exception_problem(root, folder.name, file.name)):
                yield Finding(f"{place}/{file.name}", 0, problem)


def _exception_problem(root: Path, app: str, name: str) -> str:
    """Who signed it, the agents judge: they know the owners."""
    path = f"{EXCEPTIONS}/{app}/{name}"
    try:
        release = decode_exception((read_text(root, path) or "").encode()).release
    except EvidenceError as error:
        return f"does not count: {error.message}"
    wanted, signature = exception_paths(release.app, release.id)
    if wanted != path:
        return f"is about {release.app} {release.short_id}, so it must be {wanted}"
    return "" if read_text(root, signature) else f"has no signature beside it: {signature}"


def policy_findings(root: Path, trusted_keys: Path | None) -> tuple[list[Finding], list[str]]:
    """What is looser than the policy that owners have signed; a note where they have signed none yet.

    Nothing where the machine knows no owners, or the folder has no history.
    """
    from towpath.engine.policy.signing import folder_policy  # GitPython cannot be imported without git

    try:
        protection = folder_policy(root, trusted_keys).protection
    except RefusedError:
        return [], []
    except ConfigError as error:
        return [*findings_of(error)], []
    if protection.signed is None:
        return [], [*protection.notes]
    return [Finding(POLICY_FILE, 0, note) for note in protection.notes], []


def _pauses(root: Path, config: Config) -> Iterator[Finding]:
    """Pauses that cannot be read, or that pause what is not there."""
    known = {environment.name for environment in config.environments}
    strange = [file for file in _entries(root, "pauses") if file.suffix == ".yaml" and file.stem not in known]
    for file in strange[:MAX_STRANGE]:
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
    try:
        if path.is_symlink():
            raise ConfigError("is a symbolic link; refused", file=folder)
        entries = list(itertools.islice(path.iterdir(), MAX_ENTRIES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=folder) from error
    if len(entries) > MAX_ENTRIES:
        raise TooLargeError(f"has more than {MAX_ENTRIES:,} entries", file=folder)
    return sorted(entries)


def _unknown_folders(root: Path, config: Config) -> Iterator[Finding]:
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


def _unreadable(error: OSError, root: Path) -> Finding:
    path = Path(str(error.filename))
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else "apps"
    return Finding(file, 0, f"cannot be read: {error.strerror}")
