"""Which release an app goes back to in an environment, and the commit that restores it.

Only what was verified there before, which a signed commit proves, and what the admission lets in by this way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from towpath.engine.gates.admission import Admission, Entry, admit
from towpath.engine.gates.done_before import done_before
from towpath.engine.source.commits import Committer, commit_quarantine, commit_rollback
from towpath.engine.source.history import earlier_releases, is_named, release_history
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, RefusedError, UnknownNameError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.override import VerifiedOverride
from towpath.gates.ways import Way
from towpath.release.model import EnvironmentRelease, Override
from towpath.release.quarantine import QuarantineEntry, find_quarantined

NAMED = 20
"""Earlier releases that are named to somebody who asks for one that is not there."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollback that was committed, and the repository after it.

    `told` is what waived checks would have said.
    """

    repo: EnvironmentRepo
    told: tuple[str, ...] = ()
    override: Override | None = None


def restore_failed(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, failed: QuarantineEntry
) -> Rollback | None:
    """Restore the last verified release before the failed one, and quarantine that. Waits for nobody.

    None where there is no such release that is proven, and the failed one is quarantined.
    """
    trusted = load_trusted_keys(by.settings.trusted_keys)
    admission = next(_admitted(by, repo, trusted, app, environment, failed.release), None)
    if admission is None or admission.facts.here is None:
        commit_quarantine(by, repo, app, environment, failed)
        return None
    told = admission.verdict.told
    after = commit_rollback(
        by, repo, environment, admission.facts.here, failed.release, failed=failed, told=told
    )
    return Rollback(after, told)


def restore_release(  # noqa: PLR0913
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, to: str | None, *, override: str = ""
) -> Rollback:
    """Restore the release `to` (id, digest or commit), or the last verified one; the repository after it.

    `override` is what an owner signed who lets a quarantined release come back. Repeated by the same flow
    run it commits nothing: ConflictError where another release has come in since. Raises RefusedError where
    there is nothing to go back to or it may not come back, UnknownNameError for a release that is not in the
    app's history, EvidenceError for one not proven.
    """
    trusted = load_trusted_keys(by.settings.trusted_keys)
    current = _current(repo, app, environment)
    if current.rolls_back is not None and current.flow_run == by.flow_run:
        return Rollback(repo, override=current.override)  # this run was here before
    if done_before(repo, lambda: trusted, app, environment, by.flow_run) is not None:
        return Rollback(repo, override=current.override)
    earlier = choose_earlier(repo, trusted, app, environment, to)
    entry = _entry(by, repo, environment, earlier, "rollback", override)
    admission = admit(entry, trusted)
    if admission.verdict.reasons:
        raise RefusedError(
            f"{environment} does not take {app} {earlier.release.short_id} back:"
            f" {'; '.join(admission.verdict.reasons)}",
            remedy=_remedy(app, environment),
        )
    signed, told = overridden(admission.override), admission.verdict.told
    after = commit_rollback(by, repo, environment, earlier, current.release.id, override=signed, told=told)
    return Rollback(after, told, signed)


def choose_earlier(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, to: str | None
) -> EnvironmentRelease:
    """The release that a rollback would restore, before it is judged. Git alone is asked. Raises as above.

    A quarantined one is chosen by its name only.
    """
    current = _current(repo, app, environment).release.id
    verified, quarantine = earlier_releases(repo, trusted, app, environment, current), repo.quarantine(app)
    fits = (
        each
        for each in verified
        if (is_named(each, to) if to else not find_quarantined(quarantine, *each.release.quarantine_ids))
    )
    if earlier := next(fits, None):
        return earlier
    if to is None:
        raise RefusedError(f"no earlier verified release of {app} in {environment}")
    entries = release_history(repo.checkout, repo.config, app, environment)
    if any(is_named(each.state, to) for each in entries if each.release.id == current):
        raise RefusedError(f"{environment} runs {app} {to} already, so there is nothing to go back to")
    if found := next((each.state for each in entries if is_named(each.state, to)), None):
        raise RefusedError(
            f"no commit that the agent of {environment} has signed says that {app} {found.release.short_id}"
            " was verified there",
            remedy=_remedy(app, environment),
        )
    known = [each.release.commit[:7] for each in entries if each.release.id != current][:NAMED]
    error = UnknownNameError("release", to, known, where=f"the history of {app} in {environment}")
    hint = f"`towpath history {app}` lists all; `towpath promote` brings one that was never here."
    error.remedy = f"{error.remedy} {hint}" if error.remedy else hint
    raise error


def overridden(verified: VerifiedOverride | None) -> Override | None:
    """What an owner signed, as the environment repository keeps it."""
    if verified is None:
        return None
    statement = verified.statement
    return Override(statement.waives, statement.owner, statement.reason, verified.id)


def _admitted(  # noqa: PLR0913, PLR0917
    by: Committer, repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, failed: str
) -> Iterator[Admission]:
    """Those of the earlier releases that an automatic rollback may restore, newest first."""
    for state in earlier_releases(repo, trusted, app, environment, failed):
        try:
            admission = admit(_entry(by, repo, environment, state, "automatic rollback"), trusted)
        except EvidenceError:
            continue
        if admission.verdict.open:
            yield admission


def _entry(  # noqa: PLR0913, PLR0917
    by: Committer,
    repo: EnvironmentRepo,
    environment: str,
    state: EnvironmentRelease,
    way: Way,
    override: str = "",
) -> Entry:
    release = state.release
    return Entry(repo, environment, release.app, release.id, way, release, override, by.flow_run)


def _remedy(app: str, environment: str) -> str:
    return f"`towpath promote {app} --to {environment}` takes a release through the gate."


def _current(repo: EnvironmentRepo, app: str, environment: str) -> EnvironmentRelease:
    repo.config.app(app)
    repo.config.environment(environment)
    current = repo.release(app, environment)
    if current is None:
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to go back from")
    return current
