"""All releases of an app: those that Git names in any environment, and those that only the registry has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from towpath.adapters.registries import registry
from towpath.engine.gates.admission import scan_objection
from towpath.engine.live.concurrent import concurrently
from towpath.engine.source.excepted_release import exception_or_why
from towpath.engine.source.history import Entry, release_history
from towpath.engine.source.release_proof import prove
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, RefusedError, TerminalError, TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.release.model import Release

RECORDS = 200
"""Records of a registry that are read: those of releases that Git does not name."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A release in one environment. `current`: Git says that it runs there now. Times are RFC 3339."""

    environment: str
    current: bool
    promoted_at: str
    promoted_by: str
    approved_by: tuple[str, ...] = ()
    verified_at: str | None = None
    rolled_back_at: str | None = None
    quarantined: str | None = None

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "approved_by": list(self.approved_by)
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """`proven` by a key that this machine trusts; `excepted`: an owner has signed that there is none;
    `failed`; `unknown`: not asked, or nobody to ask.
    """

    standing: str
    by: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {"standing": self.standing, "by": self.by, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """One release; `objection`: why today's scan policy would not let it in, empty where it would."""

    release: Release
    stays: tuple[Stay, ...] = ()
    evidence: Evidence = Evidence("unknown")
    objection: str = field(default="", kw_only=True)

    @property
    def runs_in(self) -> tuple[str, ...]:
        return tuple(stay.environment for stay in self.stays if stay.current)

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        release = self.release
        images = [{"name": each.name, "image": each.image, "digest": each.digest} for each in release.images]
        scan = release.scan
        return {
            "id": release.id,
            "commit": release.commit,
            "subject": release.subject,
            "author": release.author,
            "built_at": release.built_at,
            "images": images,
            "scan": {
                "status": scan.status,
                "scanners": list(scan.scanners),
                "counts": dict(scan.counts),
                "objection": self.objection,
            },
            "evidence": self.evidence.to_json(),
            "runs_in": list(self.runs_in),
            "environments": [stay.to_json() for stay in self.stays],
        }


@dataclass(frozen=True, slots=True)
class AppReleases:
    """The newest releases first; `notes` say what could not be read."""

    releases: tuple[KnownRelease, ...]
    notes: tuple[str, ...] = ()


def app_releases(
    repo: EnvironmentRepo, trusted: TrustedKeys | None, app: str, environment: str | None, limit: int
) -> AppReleases:
    """The newest `limit` releases. Git and the registry are asked, each release's evidence too.

    With `environment` only those that were there. Raises UnknownNameError for a name that Git does not have.
    """
    config = repo.config
    config.app(app)
    names = [config.environment(environment).name] if environment else [e.name for e in config.environments]
    entries = [entry for name in names for entry in release_history(repo.checkout, config, app, name)]
    current = {name: state.release.id for name in names if (state := repo.release(app, name))}
    known = _from_git(entries, current)
    notes: tuple[str, ...] = ()
    if environment is None:
        recorded, notes = _recorded(repo, app, {each.release.commit for each in known})
        known += [KnownRelease(release) for release in recorded]
    known.sort(key=lambda each: (each.release.built, each.release.id), reverse=True)
    proven = concurrently(lambda each: _proven(repo, trusted, each), known[:limit])
    return AppReleases(tuple(proven), notes)


def _from_git(entries: Iterable[Entry], current: dict[str, str]) -> list[KnownRelease]:
    """One for each release, with its stays: the newest in each environment."""
    releases: dict[str, Release] = {}
    stays: dict[str, dict[str, Stay]] = {}
    for entry in entries:
        release, state = entry.release, entry.state
        releases.setdefault(release.id, release)
        stays.setdefault(release.id, {}).setdefault(
            entry.environment,
            Stay(
                entry.environment,
                current.get(entry.environment) == release.id,
                state.promoted_at,
                state.promoted_by,
                state.approved_by,
                state.verified_at,
                entry.rolled_back_at,
                entry.quarantined,
            ),
        )
    return [KnownRelease(release, tuple(stays[each].values())) for each, release in releases.items()]


def _recorded(repo: EnvironmentRepo, app: str, known: set[str]) -> tuple[Sequence[Release], tuple[str, ...]]:
    """Releases that only the registry has a record of, and what could not be read."""
    declared = repo.config.app(app)
    if declared.source is None or not declared.is_released:
        return (), ()
    image = declared.first_image
    try:
        commits = sorted(registry.recorded_commits(image) - known)
        chosen = commits[:RECORDS]
        found = concurrently(lambda commit: _record(image, commit), chosen)
    except TowpathError as error:
        return (), (f"releases that Git does not name are not shown: {error.message}",)
    unread = len(found) - len(releases := [each for each in found if each is not None])
    notes = (
        f"{len(commits) - len(chosen)} more records are not read" if len(commits) > len(chosen) else "",
        f"{unread} records cannot be read, and prove nothing" if unread else "",
    )
    return releases, tuple(filter(None, notes))


def _record(image: str, commit: str) -> Release | None:
    """The release that a record speaks of; None for a record that somebody broke."""
    try:
        return registry.find_release(image, commit)
    except TerminalError:
        return None


def _proven(repo: EnvironmentRepo, trusted: TrustedKeys | None, known: KnownRelease) -> KnownRelease:
    """With its evidence, and what today's scan policy says of the scan that is proven, or else named."""
    app, release = repo.config.app(known.release.app), known.release
    if app.source is None and release.commit:
        evidence = Evidence("unknown", "", "built elsewhere")
    elif trusted is None:
        evidence = Evidence("unknown", "", "this machine trusts no key")
    elif not release.images:
        evidence = Evidence("unknown", "", "a release without images has no evidence")
    else:
        try:
            proven = prove(trusted, app, release.id, release.images)
        except (EvidenceError, RefusedError) as error:
            evidence = _excepted(repo, trusted, release, error)
        except TowpathError as error:
            evidence = Evidence("unknown", "", error.message)
        else:
            release = replace(release, scan=proven.release.scan)
            evidence = Evidence(
                "proven", f"{proven.evidence.builder} {proven.fingerprint}", release.references
            )
    objection = scan_objection(release, repo.config.scan) if evidence.standing == "proven" else ""
    return replace(known, release=release, evidence=evidence, objection=objection)


def _excepted(repo: EnvironmentRepo, trusted: TrustedKeys, release: Release, error: TowpathError) -> Evidence:
    found = exception_or_why(repo, trusted, release, error)
    if isinstance(found, str):
        return Evidence("failed", "", found)
    return Evidence("excepted", f"{found.statement.owner} {found.fingerprint}", str(found))
