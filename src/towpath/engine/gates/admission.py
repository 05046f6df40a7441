"""The one admission: what is proven of a release, and whether it may enter an environment in this way.

Promotions, rollbacks, reconcile and adopt all ask `admit`, and nothing else judges a release (import
contract). What each way in may waive is in gates/waivers.py.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from towpath.config import Config, ScanPolicy
from towpath.config.keys.graph import flat
from towpath.engine.source.excepted_release import require_exception
from towpath.engine.source.history import signed_commits, signed_states
from towpath.engine.source.release_proof import authors_of, prove
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConflictError, EvidenceError, RefusedError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.approval import Approval
from towpath.gates.evaluate import Facts, GateVerdict, evaluate_gate, verified_before
from towpath.gates.override import VerifiedOverride, Waived, parse_signed, require_about, verify_override
from towpath.gates.passed_through import passed_through
from towpath.gates.same_change import ChangeFacts
from towpath.gates.waivers import WAIVERS
from towpath.gates.ways import Way
from towpath.release.commit_message import FLOW_RUN_TRAILER, OVERRIDE_TRAILER
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.recorded_scan import recorded_scan_problem

RUNNING_LIMIT = 20
"""Commits of one `release.yaml` that are searched for the newest of its agent's."""
_OVERRIDABLE: dict[Way, Waived] = {"break-glass": "gate", "rollback": "quarantine"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to enter which environment: the release of an app, by its id, as of one commit of Git.

    `named` is the release that Git names already. `override`: what an owner signed. `run`: who asks, by id.
    """

    repo: EnvironmentRepo
    environment: str
    app: str
    release: str
    way: Way
    named: Release | None = None
    override: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """What was decided about an entry. `release` is what its evidence states, or Git where none is asked for.

    `facts` are all that was proven of it, among them who wrote what is new with it, as far as people approve,
    and what the environment's agent has signed of it as verified there.
    """

    entry: Entry
    facts: Facts
    verdict: GateVerdict
    override: VerifiedOverride | None = None

    @property
    def release(self) -> Release:
        """The release itself."""
        return self.facts.release

    @property
    def verified_before(self) -> dict[str, str]:
        """When the release was verified in each of the environments before this one, where it was."""
        return verified_before(self.facts)

    def with_approvals(self, approvals: tuple[Approval, ...]) -> "Admission":
        """Judged now by the same facts and these decisions of people."""
        facts = replace(self.facts, approvals=approvals, now=datetime.now(UTC))
        return replace(self, facts=facts, verdict=evaluate_gate(self.entry.way, facts))

    def require_open(self) -> None:
        """RefusedError when the gate is closed; missing approvals are no refusal."""
        if self.verdict.reasons:
            reasons = "; ".join(self.verdict.reasons)
            raise RefusedError(f"{self.entry.environment} refuses this release: {reasons}")


def admit(entry: Entry, trusted: TrustedKeys) -> Admission:
    """Judge it by today's policy. Asks the registry for evidence unless that is waived; changes nothing.

    EvidenceError when no evidence and no exception holds, or an override does not; TransientError when the
    registry does not answer; RefusedError without the override that the way needs, with one that was used
    before, and where owners protect the policy, but have not signed what would be in force.
    """
    rulings, now = WAIVERS[entry.way], datetime.now(UTC)
    repo, environment, config = entry.repo, entry.environment, _asked_of(entry)
    repo.config.require_in(entry.app, environment)
    repo.protection.require(environment, entry.app)
    override = _verified_override(entry, trusted, now)
    proof = _proven(entry, trusted)
    looks_back = "asked" in (rulings["order"], rulings["soak"])
    returns = rulings["verified here"] == "asked" or rulings["approvals"] == "of then"
    here = verified_here(entry.repo, trusted, entry.app, environment, entry.release) if returns else None
    facts = Facts(
        config,
        environment,
        proof.release,
        now,
        unproven=proof.unproven,
        states=_proven_releases(entry, trusted) if looks_back else {},
        quarantine=repo.quarantine(entry.app) if rulings["quarantine"] != "waived" else (),
        pauses=repo.pauses(environment) if rulings["pause"] != "waived" else (),
        authors=proof.authors,
        excepted=proof.excepted,
        here=here,
        overridden_by=override.statement.owner if override else "",
    )
    return Admission(entry, facts, evaluate_gate(entry.way, facts), override)


def admit_change(
    repo: EnvironmentRepo, environment: str, way: Way, release: Release, change: ChangeFacts
) -> GateVerdict:
    """Judge a change of an app without images by today's policy; `release` names the commit alone.

    RefusedError where owners protect the policy, but have not signed what would be in force.
    """
    repo.protection.require(environment, release.app)
    facts = Facts(
        repo.config,
        environment,
        release,
        datetime.now(UTC),
        quarantine=repo.quarantine(release.app),
        pauses=repo.pauses(environment),
        change=change,
    )
    return evaluate_gate(way, facts)


def scan_objection(release: Release, policy: ScanPolicy) -> str:
    """Why today's scan policy would not let a proven release in; empty: it would. `deliver` asks it."""
    return recorded_scan_problem(release.scan, policy, now=datetime.now(UTC))


def asks_nothing(config: Config, app: str, environment: str) -> bool:
    """Whether any release of the app may be merged, if it is not quarantined: nothing here builds it, no
    environment is before this one, and nobody approves."""
    approvals = config.environment(environment).gate.approvals.required
    return config.app(app).source is None and not (config.needs(environment, app) or approvals)


def verified_here(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, release: str
) -> EnvironmentRelease | None:
    """The newest that the environment's agent has signed of a release as verified there."""
    states = signed_states(repo.checkout, trusted, app, environment)
    return next((each for each in states if each.release.id == release and each.verified_at), None)


def require_not_superseded(
    release: Release, current: EnvironmentRelease | None, created: datetime | None
) -> None:
    """ConflictError when a newer build has come into the environment since the run was `created`."""
    if current is None or created is None:
        return
    came_later = current.promoted > created
    if current.release.overtakes(release) and came_later and current.rolls_back is None:
        raise ConflictError(
            f"{release.app} {release.short_id} was superseded by {current.release.short_id},"
            f" promoted at {current.promoted_at} by run {current.flow_run}",
            remedy="Nothing was changed.",
        )


def require_not_overtaken(admission: Admission, created: datetime | None) -> None:
    """ConflictError when it is refused, and a newer build has come into an environment before this one since
    the run was `created`: that one takes its way.
    """
    facts = admission.facts
    if not admission.verdict.reasons or created is None:
        return
    for before in flat(facts.config.needs(facts.environment, facts.release.app)):
        state = facts.states.get(before)
        if state is None or not state.release.overtakes(facts.release):
            continue
        if state.promoted > created:
            reasons = "; ".join(admission.verdict.reasons)
            raise ConflictError(
                f"{facts.name} was superseded by {state.release.short_id}, promoted to {before} at"
                f" {state.promoted_at}: {reasons}",
                remedy="Nothing was changed.",
            )


def _asked_of(entry: Entry) -> Config:
    """What is asked of the app's releases: of one that is built elsewhere there is no scan."""
    config = entry.repo.config
    if _is_built_here(entry):
        return config
    return config.model_copy(update={"scan": ScanPolicy(scanners=())})


def _is_built_here(entry: Entry) -> bool:
    """Whether evidence can be asked for. Only what is built here is promoted."""
    return entry.named is None or entry.repo.config.app(entry.app).source is not None


@dataclass(frozen=True, slots=True)
class _Proof:
    """A release, who wrote what is new with it, why it is not proven, and what excepts it from evidence."""

    release: Release
    authors: tuple[str, ...] = ()
    unproven: str = ""
    excepted: str = ""


def _proven(entry: Entry, trusted: TrustedKeys) -> _Proof:
    named, config = entry.named, entry.repo.config
    if named is not None and (WAIVERS[entry.way]["evidence"] == "waived" or not _is_built_here(entry)):
        return _Proof(named)
    if named is not None and not named.images:
        return _Proof(named, unproven="it has no image, so nothing proves its commit and its scan")
    app = config.app(entry.app)
    try:
        proven = prove(trusted, app, entry.release, named.images if named is not None else ())
    except EvidenceError as error:
        exception = require_exception(entry.repo, trusted, app.name, entry.release, error)
        stated = exception.statement
        return _of_commit(named, _Proof(stated.release, stated.authors, excepted=str(exception)))
    if proven.evidence.prebuilt and app.source is not None:
        why = f"it was built elsewhere, and {app.name} is built from its `source`"
        return _Proof(named or proven.release, unproven=why)
    proof = _of_commit(named, _Proof(proven.release, proven.evidence.authors))
    approvals = config.environment(entry.environment).gate.approvals.required
    if proof.unproven or not approvals or WAIVERS[entry.way]["approvals"] != "asked":
        return proof
    states = signed_states(entry.repo.checkout, trusted, app.name, entry.environment, limit=RUNNING_LIMIT)
    running = next((state.release.id for state in states if state.release.id != entry.release), "")
    return replace(proof, authors=authors_of(trusted, app, proven, running))


def _of_commit(named: Release | None, proof: _Proof) -> _Proof:
    """The proof, if it is of the commit that Git names."""
    if named is None or proof.release.commit == named.commit:
        return proof
    return _Proof(named, unproven="its release.yaml and its evidence have another commit")


def _proven_releases(entry: Entry, trusted: TrustedKeys) -> dict[str, EnvironmentRelease | None]:
    """What Git says runs in each environment, by name; of those before this one, verified if proven.

    That a release was verified there counts when a commit says so that the agent of that environment signed.
    With `after`, one that has stayed there for long enough counts, too, after a newer one took its place.
    """
    repo, app = entry.repo, entry.app
    states, entered = repo.releases(app), repo.config.environment(entry.environment)
    for before in flat(repo.config.needs(entry.environment, app)):
        state = states.get(before)
        if state is None:
            continue
        if state.release.id == entry.release:
            found = verified_here(repo, trusted, app, before, entry.release) if state.verified_at else None
            states[before] = replace(state, verified_at=found.verified_at if found else None)
        elif entered.after is not None:
            soak = entered.gate.soak
            signed = signed_states(repo.checkout, trusted, app, before)
            states[before] = passed_through(signed, entry.release, soak) or state
    return states


def _verified_override(entry: Entry, trusted: TrustedKeys, now: datetime) -> VerifiedOverride | None:
    """What an owner signed for exactly this entry, and for no run before."""
    if not entry.override:
        if entry.way == "break-glass":
            raise RefusedError(
                "a break-glass promotion needs what an owner signed",
                remedy="`towpath promote --break-glass` signs it with an owner's key.",
            )
        return None
    if entry.way not in _OVERRIDABLE:
        raise RefusedError(f"nothing of a {entry.way} can be overridden")
    content, signature = parse_signed(entry.override)
    override = verify_override(content, signature, trusted, now)
    require_about(
        override,
        app=entry.app,
        environment=entry.environment,
        release=entry.release,
        waives=_OVERRIDABLE[entry.way],
    )
    commits = signed_commits(entry.repo.checkout, trusted, entry.app, entry.environment)
    for commit, _ in commits:
        if override.id in commit.trailers.get(OVERRIDE_TRAILER, ()):
            run = commit.trailers.get(FLOW_RUN_TRAILER, [""])[0]
            if not entry.run or run != entry.run:
                raise RefusedError(
                    f"{override.statement.owner}'s override was used before, by run {run}",
                    remedy="It holds once. Sign again, if it is needed again.",
                )
    return override
