"""The chain of what runs in an environment, from source to promotion: what of it is proven, and by whom.

Git and the registry are asked. Nothing is judged here but what somebody signed, or did not.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from towpath.adapters.git import CommitInfo, judge_commits
from towpath.config import People
from towpath.engine.gates.admission import scan_objection
from towpath.engine.gates.changes import ChangedApp, is_of
from towpath.engine.source.excepted_release import exception_or_why
from towpath.engine.source.history import is_last_word, signed_commits
from towpath.engine.source.news import newest_commit, sources_id
from towpath.engine.source.release_proof import Proven, prove
from towpath.engine.source.repository import EnvironmentRepo
from towpath.engine.source.verified_changes import signed_changes
from towpath.errors import EvidenceError, RefusedError, TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.evidence.verification import verify_approval
from towpath.gates.signed_approval import approval_keys, split_signed
from towpath.release.commit_message import STATEMENT_TRAILER
from towpath.release.model import EnvironmentRelease, Release

Standing = Literal["proven", "claimed", "failed", "unknown"]
"""`proven` by a key; `claimed` without proof; `failed`: it does not hold; `unknown`: not asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain. `by` names who says it; of what is proven, signer and fingerprint of the key."""

    name: str
    standing: Standing
    by: str
    detail: str

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {"step": self.name, "standing": self.standing, "by": self.by, "detail": self.detail}


def release_chain(  # noqa: PLR0913
    repo: EnvironmentRepo,
    trusted: TrustedKeys,
    app: str,
    environment: str,
    *,
    tools: Path | None = None,
    renders: Path | None = None,
) -> tuple[Step, ...]:
    """Each step of the release that Git names, the source first. RefusedError where it names none.

    An app without images is rendered, by `tools` and the cache `renders`. TransientError when the registry
    does not answer.
    """
    config = repo.config
    config.environment(environment)
    is_built_here = config.app(app).source is not None
    state = repo.release(app, environment)
    if state is None:
        if app in repo.released_apps(environment):
            changed = ChangedApp(repo, environment, app, tools=tools, renders=renders)
            return (*_changed(changed, trusted),)
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to verify")
    is_proven = is_built_here or not state.release.commit  # prebuilt: it has evidence
    elsewhere = Step("evidence", "unknown", "", f"{app} is built elsewhere, and has no evidence here")
    built = _built(repo, trusted, state.release) if is_proven else (elsewhere,)
    return (*built, *_promoted(repo, trusted, environment, state))


def _changed(changed: ChangedApp, trusted: TrustedKeys) -> Iterator[Step]:
    """Of an app without images: the newest change, and whether the agent has signed that it was verified."""
    repo, app, environment = changed.repo, changed.app, changed.environment
    if change := newest_commit(repo, app, environment):
        who = f"{change.author} <{change.author_email}>"
        yield Step("change", "claimed", who, f"{change.sha[:7]} {change.subject}")
    try:
        # Files of the app are not all that it is made of: a base of vendor/ is rendered, too.
        now = changed.rendered()
    except TowpathError as error:
        yield Step("verification", "unknown", "", f"what Git has now is not rendered here: {error.message}")
        return
    sources = sources_id(repo, app, environment)
    for commit, record in signed_changes(repo, trusted, app, environment):
        if record.sources == sources and is_of(changed, record, now):
            by = _signer(repo, trusted, environment, commit)
            detail = f"{record.verified_at} at {record.commit[:7]}, manifests {record.manifests}"
            yield Step("verification", "proven", by, detail)
            return
    why = f"no commit that the agent of {environment} has signed says so of what Git has now"
    yield Step("verification", "unknown", "", f"not verified yet: {why}")


def _built(repo: EnvironmentRepo, trusted: TrustedKeys, named: Release) -> Iterator[Step]:
    try:
        proven = prove(trusted, repo.config.app(named.app), named.id, named.images)
    except (EvidenceError, RefusedError) as error:
        yield _without_evidence(repo, trusted, named, error)
        yield Step("source", "claimed", "release.yaml", _source(named))
        yield Step("scan", "claimed", "release.yaml", named.scan.status)
        return
    release, by = proven.release, _by(proven)
    yield Step("evidence", "proven", by, release.references)
    agrees = release.commit == named.commit
    said = "" if agrees else f"; release.yaml says {named.commit}"
    yield Step("source", "proven" if agrees else "failed", by, f"{_source(release)}{said}")
    authors = ", ".join(proven.evidence.authors)
    yield Step("authors", "proven", by, f"{authors}, since {proven.evidence.previous or 'the first commit'}")
    objection = scan_objection(release, repo.config.scan)
    told = f"{release.scan.status} ({', '.join(release.scan.scanners) or 'no scanner'})"
    yield Step("scan", "failed" if objection else "proven", by, f"{told}{objection and f'; it {objection}'}")


def _without_evidence(
    repo: EnvironmentRepo, trusted: TrustedKeys, named: Release, error: TowpathError
) -> Step:
    found = exception_or_why(repo, trusted, named, error)
    if isinstance(found, str):
        return Step("evidence", "failed", "", found)
    return Step("exception", "proven", f"{found.statement.owner} {found.fingerprint}", str(found))


def _promoted(
    repo: EnvironmentRepo, trusted: TrustedKeys, environment: str, state: EnvironmentRelease
) -> Iterator[Step]:
    release, checkout = state.release, repo.checkout
    known = [*signed_commits(checkout, trusted, release.app, environment)]
    ours = [(commit, each) for commit, each in known if each.release.id == release.id]
    if not ours:
        why = f"no commit that the agent of {environment} has signed names it"
        yield Step("promotion", "failed", "", why)
        yield Step("verification", "claimed", "release.yaml", state.verified_at or "not verified yet")
        yield from _declared(repo, environment, state.approved_by, "release.yaml")
        return
    newest, signed = ours[0]
    time = [commit for commit, each in ours if each.promoted_at == signed.promoted_at]
    by = _signer(repo, trusted, environment, newest)
    last = known[0][0].sha == newest.sha
    last = last and is_last_word(checkout, trusted, release.app, environment, newest.sha)
    said = "" if last else "; since then the agent has signed another release, and a person names this one"
    first = time[-1]
    yield Step("promotion", "proven" if last else "failed", by, f"{first.sha[:7]} {first.subject}{said}")
    if signed.override:
        yield Step("override", "proven", by, str(signed.override))
    yield from _approved(repo, trusted, environment, signed, time)
    verified = next((each.verified_at for _, each in ours if each.verified_at), None)
    if verified:
        yield Step("verification", "proven", by, verified)
    else:
        yield Step("verification", "unknown", "", "not verified yet")


def _approved(
    repo: EnvironmentRepo,
    trusted: TrustedKeys,
    environment: str,
    signed: EnvironmentRelease,
    commits: list[CommitInfo],
) -> Iterator[Step]:
    """A step for each approver; one that signed nothing is named by whoever reached the form."""
    people, app = repo.config.who(), signed.release.app
    keys, proven = approval_keys(people, trusted), dict[str, str]()
    for commit in commits:
        for trailer in commit.trailers.get(STATEMENT_TRAILER, ()):
            statement = _statement(trailer, keys, people)
            about = (app, environment, signed.release.id, "approve")
            if statement is not None and statement[1:] == about:
                person, fingerprint = statement[0]
                proven[person] = fingerprint
    for person in signed.approved_by:
        if key := proven.get(people.person(person)):
            yield Step("approval", "proven", f"{person} {key}", "signed")
    rest = tuple(each for each in signed.approved_by if people.person(each) not in proven)
    yield from _declared(repo, environment, rest, "whoever answered the form")


def _declared(repo: EnvironmentRepo, environment: str, people: tuple[str, ...], by: str) -> Iterator[Step]:
    signed_only = repo.config.environment(environment).gate.approvals.kind == "signed"
    for person in people:
        why = f"; {environment} asks for signed approvals" if signed_only else ""
        yield Step("approval", "failed" if signed_only else "claimed", by, f"{person}, declared{why}")


def _statement(
    trailer: str, keys: TrustedKeys, people: People
) -> tuple[tuple[str, str], str, str, str, str] | None:
    """((person, fingerprint), app, environment, release, decision) of a signed statement that holds."""
    try:
        content, signature = split_signed(base64.b64decode(trailer, validate=True).decode())
        verified = verify_approval(content, signature, keys, datetime.now(UTC))
    except (binascii.Error, UnicodeDecodeError, EvidenceError):
        return None
    said, who = verified.statement, (people.person(verified.statement.approver), verified.fingerprint)
    return who, said.app, said.environment, said.release, said.decision


def _signer(repo: EnvironmentRepo, trusted: TrustedKeys, environment: str, commit: CommitInfo) -> str:
    (verdict,) = judge_commits(repo.checkout.mirror, [commit.sha], trusted, (environment,))
    return f"{verdict.principal} {verdict.fingerprint}"


def _by(proven: Proven) -> str:
    return f"{proven.evidence.builder} {proven.fingerprint}"


def _source(release: Release) -> str:
    return f"{release.commit or 'prebuilt image'} of {release.source}"
