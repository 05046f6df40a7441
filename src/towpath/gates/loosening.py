"""What of a protected policy is looser than the one that owners have signed, and what stays in force. Pure.

A change that tightens takes effect at once. Of one that loosens, the signed value stays in force, field by
field: an addition that is not signed does not count, a removal that is not signed did not happen.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from towpath.config import ScanIgnore, ScanPolicy
from towpath.config.keys.gate import Approvals
from towpath.config.keys.graph import all_before
from towpath.config.keys.people import People, Person, normal
from towpath.config.protected import Paused, Policy, ProtectedGate, Quarantined
from towpath.gates.looser_order import order_in_force
from towpath.release.scan_policy import canonical_id

KINDS = ("declared", "signed")
"""From the loosest kind of approvals to the strictest."""


@dataclass(frozen=True, slots=True, order=True)
class Loosening:
    """One thing that is looser than what was signed. `app` or `environment` is empty where it is of all."""

    where: str
    what: str
    environment: str = ""
    app: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy in force, and what of the files is not in force because no owner has signed it.

    `unknown` are environments, and `unsigned` apps without source or images, of which nothing is signed.
    """

    policy: Policy
    loosened: tuple[Loosening, ...]
    unknown: frozenset[str] = frozenset()
    unsigned: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Found:
    loosened: list[Loosening] = field(default_factory=list)

    def add(self, where: str, what: str, *, environment: str = "", app: str = "") -> None:
        self.loosened.append(Loosening(where, what, environment, app))


def judge_policy(signed: Policy, files: Policy, now: datetime) -> PolicyInForce:
    """Compare what the files say with what owners have signed; `now` tells which pauses have ended.

    `signed` has all quarantines and pauses that were there since it was signed, too.
    """
    found = _Found()
    people = _people(signed, files, found)
    who_signed, who = People(signed.people), People(people)
    environments = {}
    for name, gate in files.environments.items():
        before = signed.environments.get(name)
        if before is None:
            found.add(f"environments.{name}", "is not in the signed policy", environment=name)
        environments[name] = gate if before is None else _gate(name, before, gate, who_signed, who, found)
    unsigned = _apps(signed, files, found)
    policy = Policy(
        environments=environments,
        people=people,
        scan=_scan(signed.scan, files.scan, found),
        unbuilt=files.unbuilt,
        without_images=files.without_images,
        verified_changes=tuple(sorted({*signed.verified_changes, *files.verified_changes})),
        places=files.places,
        quarantine=_quarantine(signed.quarantine, files.quarantine, found),
        pauses=_pauses(signed.pauses, files.pauses, now, found),
    )
    unknown = frozenset(files.environments) - frozenset(signed.environments)
    return PolicyInForce(policy, tuple(sorted(found.loosened)), unknown, unsigned)


def _apps(signed: Policy, files: Policy, found: _Found) -> frozenset[str]:
    """The apps of which nothing is proven, where owners have not signed that."""
    as_merged = frozenset(files.without_images) - frozenset(signed.without_images)
    # An app that gets images is built elsewhere from then on, which is another thing to sign.
    signed_unbuilt = frozenset(signed.unbuilt) - frozenset(signed.without_images)
    unbuilt = frozenset(files.unbuilt) - signed_unbuilt - frozenset(files.without_images)
    for app in sorted(as_merged):
        found.add(f"apps.{app}", "has no images, so what is merged of it is synced", app=app)
    for app in sorted(unbuilt):
        found.add(f"apps.{app}", "has no `source`, so nothing proves its releases", app=app)
    waits = frozenset(signed.verified_changes) - frozenset(files.verified_changes)
    gone = waits - frozenset(files.without_images)
    for app in sorted(waits - gone):
        found.add(f"apps.{app}.promote", "manifests -> merge", app=app)
    for app in sorted(gone):
        found.add(f"apps.{app}", "does not wait for verified changes any more", app=app)
    return as_merged | unbuilt | gone | _passed_by(signed, files, found)


def _passed_by(signed: Policy, files: Policy, found: _Found) -> frozenset[str]:
    """The apps whose releases do not pass environments any more that are before one of theirs."""
    apps, needs = set[str](), {name: gate.needs for name, gate in signed.environments.items()}
    for app in sorted(files.places):
        here = files.places[app]
        before = set[str]().union(*(all_before(place, needs) for place in here))
        was = signed.places.get(app, tuple(signed.environments))
        if passed := sorted((before & set(was)) - set(here)):
            found.add(f"apps.{app}.environments", f"{', '.join(passed)} removed, and asked before", app=app)
            apps.add(app)
    return frozenset(apps)


def _gate(  # noqa: PLR0913, PLR0917
    name: str, signed: ProtectedGate, files: ProtectedGate, who_signed: People, who: People, found: _Found
) -> ProtectedGate:
    def loosened(key: str, what: str) -> None:
        found.add(f"environments.{name}.gate.{key}", what, environment=name)

    order, soak = order_in_force(signed, files, loosened), files.soak
    if soak < signed.soak:
        loosened("soak", f"{signed.soak} -> {soak}")
        soak = signed.soak
    old, new = signed.approvals, files.approvals
    if not old.required:  # nobody was asked: whoever is asked now is more
        return order.model_copy(update={"soak": soak})
    required, kind, expires = new.required, new.kind, new.expires
    if required < old.required:
        loosened("approvals.required", f"{old.required} -> {required}")
        required = old.required
    if KINDS.index(kind) < KINDS.index(old.kind):
        loosened("approvals.kind", f"{old.kind} -> {kind}")
        kind = old.kind
    if expires > old.expires:
        loosened("approvals.expires", f"{old.expires} -> {expires}")
        expires = old.expires
    before, after = (each.approvers(of.approvers, of.groups) for each, of in ((who_signed, old), (who, new)))
    if added := sorted(after - before):
        loosened("approvals", f"{', '.join(added)} may approve")
    approvals = Approvals(
        required=required, approvers=tuple(sorted(after & before)), kind=kind, expires=expires
    )
    return order.model_copy(update={"soak": soak, "approvals": approvals})


def _people(signed: Policy, files: Policy, found: _Found) -> dict[str, Person]:
    """Keys that are not signed do not count; a spelling that is signed stays that person's.

    Groups are compared where they are used, as approvers.
    """
    in_force: dict[str, Person] = {}
    theirs = People(files.people)
    approvers = _all_approvers(signed, files)
    for name, person in files.people.items():
        before = signed.people.get(name, Person())
        if added := [key for key in person.public_keys if key not in before.public_keys]:
            found.add(f"people.{name}.keys", f"{len(added)} added")
        kept = tuple(key for key in person.public_keys if key in before.public_keys)
        lost = _lost(before, name, theirs)
        if lost:
            found.add(f"people.{name}", f"{', '.join(lost)} removed")
        in_force[name] = person.model_copy(update={"public_keys": kept, "names": (*person.names, *lost)})
    for name, person in signed.people.items():
        # Whose rights have ended needs no other spellings; whoever may still approve does.
        if name not in files.people and name in approvers and person.spellings:
            found.add(f"people.{name}", "removed, and may still approve")
            in_force[name] = person.model_copy(update={"public_keys": (), "groups": ()})
    return _without_duplicates(in_force, signed.people)


def _lost(signed: Person, name: str, people: People) -> tuple[str, ...]:
    return tuple(each for each in signed.spellings if people.person(each) != name)


def _all_approvers(*policies: Policy) -> frozenset[str]:
    """Everybody who may approve somewhere by each of the policies."""
    everybody = [
        {
            person
            for gate in policy.environments.values()
            for person in People(policy.people).approvers(gate.approvals.approvers, gate.approvals.groups)
        }
        for policy in policies
    ]
    return frozenset.intersection(*map(frozenset, everybody))


def _without_duplicates(people: dict[str, Person], signed: Mapping[str, Person]) -> dict[str, Person]:
    """A spelling that was signed as one person's is no other's."""
    owner = {normal(each): name for name in signed if name in people for each in signed[name].spellings}

    def own(name: str, spellings: Iterable[str]) -> tuple[str, ...]:
        return tuple(each for each in spellings if owner.get(normal(each), name) == name)

    return {
        name: person.model_copy(
            update={"names": own(name, person.names), "addresses": own(name, person.addresses)}
        )
        for name, person in people.items()
    }


def _scan(signed: ScanPolicy, files: ScanPolicy, found: _Found) -> ScanPolicy:
    def together(key: str, before: Collection[str], after: Collection[str]) -> tuple[str, ...]:
        if removed := [each for each in before if each not in after]:
            found.add(f"scan.{key}", f"{', '.join(removed)} removed")
        return (*after, *removed)

    end_of_life = files.end_of_life
    if signed.end_of_life == "block" and end_of_life == "allow":
        found.add("scan.endOfLife", "block -> allow")
        end_of_life = "block"
    return ScanPolicy.model_construct(
        scanners=together("scanners", signed.scanners, files.scanners),
        block=together("block", signed.block, files.block),
        ignore=tuple(_ignores(signed, files, found)),
        end_of_life=end_of_life,
    )


def _ignores(signed: ScanPolicy, files: ScanPolicy, found: _Found) -> Iterable[ScanIgnore]:
    until = {canonical_id(each.id): each.until for each in signed.ignore}
    for rule in files.ignore:
        allowed = until.get(canonical_id(rule.id))
        if allowed is None or rule.until > allowed:
            what = f"{rule.id} until {rule.until}" + (f", signed until {allowed}" if allowed else "")
            found.add("scan.ignore", what)
        if allowed is not None:
            yield rule.model_copy(update={"until": min(rule.until, allowed)})


def _quarantine(
    signed: Mapping[str, tuple[Quarantined, ...]],
    files: Mapping[str, tuple[Quarantined, ...]],
    found: _Found,
) -> dict[str, tuple[Quarantined, ...]]:
    in_force = dict(files)
    for app, entries in signed.items():
        there = {each.release for each in files.get(app, ())}
        for entry in entries:
            if entry.release not in there:
                there.add(entry.release)
                found.add(f"apps/{app}/quarantine.yaml", f"{entry.release[:19]} released", app=app)
                in_force[app] = (*in_force.get(app, ()), entry)
    return in_force


def _pauses(
    signed: Mapping[str, tuple[Paused, ...]],
    files: Mapping[str, tuple[Paused, ...]],
    now: datetime,
    found: _Found,
) -> dict[str, tuple[Paused, ...]]:
    in_force = dict(files)
    for environment, pauses in signed.items():
        ends: dict[str, datetime] = {}
        for pause in files.get(environment, ()):
            ends[pause.app] = max(ends.get(pause.app, now), _end(pause))
        for pause in sorted(pauses, key=_end, reverse=True):
            if _end(pause) <= max(ends.get(pause.app, now), now):
                continue
            ends[pause.app] = _end(pause)
            what = f"pause{f' of {pause.app}' if pause.app else ''} until {pause.until} ended"
            found.add(f"pauses/{environment}.yaml", what, environment=environment, app=pause.app)
            in_force[environment] = (*in_force.get(environment, ()), pause)
    return in_force


def _end(pause: Paused) -> datetime:
    return datetime.fromisoformat(pause.until)


def with_records(
    policy: Policy, quarantine: Mapping[str, Iterable[Quarantined]], pauses: Mapping[str, Iterable[Paused]]
) -> Policy:
    """The policy with further quarantines and pauses."""
    more = {app: (*policy.quarantine.get(app, ()), *entries) for app, entries in quarantine.items()}
    paused = {name: (*policy.pauses.get(name, ()), *entries) for name, entries in pauses.items()}
    return policy.model_copy(
        update={"quarantine": {**policy.quarantine, **more}, "pauses": {**policy.pauses, **paused}}
    )
