"""The policy in force at one commit of the environment repository: what owners have signed, and no looser.

Who is an owner, the agent's own trusted keys say. The statements that owners have signed are in the history
of `policy.json`; the newest one that holds counts, wherever in that history it is: nobody gets an earlier
one back by writing it again. Quarantines and pauses that came after it stay, until a later statement leaves
them out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from towpath.adapters.evidence.key_files import read_trusted_keys
from towpath.adapters.git import Checkout, commits_touching, is_ancestor, read_file_at
from towpath.config import Config, Gate
from towpath.config.protected import Policy
from towpath.engine.policy.records import readable_policy, records_since
from towpath.errors import ConfigError, EvidenceError, OtherSubjectError, RefusedError
from towpath.evidence.owners import owners_of
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.files import read_text
from towpath.gates.loosening import PolicyInForce, judge_policy, with_records
from towpath.gates.policy_statement import POLICY_FILE, SIGNATURE_FILE, SignedPolicy, verify_policy
from towpath.printable import pluralize

STATEMENTS = 200
"""Commits of the signed policy that are looked through."""
HOW = (
    "An owner signs the policy as it is: `towpath policy sign` writes policy.json and policy.json.sig;"
    " commit both."
)


@dataclass(frozen=True)
class Protection:
    """How the policy of a repository is protected.

    `owners` is empty where the agent trusts no owner's key: then the files are in force as they are.
    `problems` say why statements do not count that are newer than the signed one.
    """

    owners: tuple[str, ...] = ()
    signed: SignedPolicy | None = None
    enforced: PolicyInForce | None = None
    problems: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What people must be told: what is not in force, and why."""
        if not self.owners:
            return ()
        if self.enforced is None or self.signed is None:
            return (self._unsigned(),)
        stays = f"not in force, no owner has signed it (the policy {self.signed} stays)"
        return (*(f"{each}: {stays}" for each in self.enforced.loosened), *self.problems)

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "owners": list(self.owners),
            "signed_by": self.signed.signature.owner if self.signed else "",
            "signed_at": self.signed.statement.at if self.signed else "",
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """Whether the policy is protected, and by whom."""
        if not self.owners:
            return "unprotected: who may push to the repository may loosen its policy"
        if self.signed is None or self.enforced is None:
            return self._unsigned()
        loosened = len(self.enforced.loosened)
        more = f"; {pluralize(loosened, 'change')} not in force" if loosened else ""
        return f"{self.signed}{more}"

    def held(self, environment: str, app: str = "") -> str:
        """Why nothing of the environment, or of the app there, may be changed; empty where it may."""
        if not self.owners:
            return ""
        if self.enforced is None:
            return self._unsigned()
        if environment in self.enforced.unknown:
            return f"environment {environment} is not in the policy that owners have signed. {HOW}"
        if app in self.enforced.unsigned:
            if any(each.where == f"apps.{app}.environments" for each in self.enforced.loosened):
                return f"app {app} passes environments by, and owners have not signed that. {HOW}"
            why = "no `source`, so nothing proves its releases"
            if app in self.enforced.policy.without_images:
                why = "no images, so what is merged of it is synced"
            elif app in self.enforced.policy.verified_changes:
                why = "no changes any more that wait until they are verified in the environment before"
            return f"app {app} has {why}, and owners have not signed that. {HOW}"
        return ""

    def require(self, environment: str, app: str = "") -> None:
        """RefusedError where the policy that would let something in is not proven."""
        if reason := self.held(environment, app):
            raise RefusedError(reason.removesuffix(f" {HOW}"), remedy=HOW)

    def _unsigned(self) -> str:
        why = f" ({'; '.join(self.problems)})" if self.problems else ""
        return f"the policy is protected, and no owner has signed one yet{why}. {HOW}"


UNPROTECTED = Protection()


def protect(checkout: Checkout, config: Config, trusted_keys: Path | None) -> tuple[Protection, Config]:
    """The protection of the repository, and its configuration as it is in force."""
    trusted = read_trusted_keys(trusted_keys) if trusted_keys else TrustedKeys()
    owners = owners_of(trusted)
    if not owners:
        return UNPROTECTED, config
    now = datetime.now(UTC)
    signed, problems = _newest_signed(checkout, trusted, now)
    if signed is None:
        return Protection(owners, problems=problems), config
    base = signed.statement.base
    try:
        quarantine, pauses = records_since(checkout, base)
    except RefusedError as error:
        return Protection(owners, problems=(f"{error.message}; sign the policy anew",)), config
    asked = with_records(signed.statement.policy, quarantine, pauses)
    enforced = judge_policy(asked, readable_policy(checkout.path, config), now)
    return Protection(owners, signed, enforced, problems), in_force(config, enforced.policy)


def in_force(config: Config, policy: Policy) -> Config:
    """The configuration with the gates, people and scan policy of `policy`."""
    environments = tuple(
        each.model_copy(
            update={
                "after": None if gate.verified_in else each.after,
                "gate": Gate.model_construct(
                    verified_in=gate.verified_in, soak=gate.soak, approvals=gate.approvals
                ),
            }
        )
        for each in config.environments
        if (gate := policy.environments[each.name])
    )
    apps = {
        name: app.model_copy(update={"promote": "manifests"})
        if name in policy.verified_changes and not app.is_released
        else app
        for name, app in config.apps.items()
    }
    found = config.model_copy(
        update={"apps": apps, "environments": environments, "people": policy.people, "scan": policy.scan}
    )
    return found.with_needs({each.name: policy.environments[each.name].needs for each in environments})


def _newest_signed(
    checkout: Checkout, trusted: TrustedKeys, now: datetime
) -> tuple[SignedPolicy | None, tuple[str, ...]]:
    """The newest statement that holds, and what is wrong with one that lies in the files now."""
    newest: SignedPolicy | None = None
    problems: tuple[str, ...] = ()
    for number, (content, signature) in enumerate(_candidates(checkout)):
        try:
            signed = verify_policy(content.encode(), signature, trusted, now)
            _require_base(checkout, signed)
        except EvidenceError as error:
            if number == 0:
                problems = (f"{POLICY_FILE} does not count: {error.message}",)
            continue
        if newest is None or signed.statement.made > newest.statement.made:
            if newest is not None and not problems:
                problems = (f"{POLICY_FILE} is an earlier one than that {signed}, which counts",)
            newest = signed
    return newest, problems


def _require_base(checkout: Checkout, signed: SignedPolicy) -> None:
    base = signed.statement.base
    if not is_ancestor(checkout, base):
        raise OtherSubjectError(
            f"it begins with commit {base[:7]}, which is not in the history of {checkout.commit[:7]}",
            remedy="Sign it again on top of the branch's newest commit.",
        )


def _candidates(checkout: Checkout) -> Iterable[tuple[str, str]]:
    """Statement and signature of the files as they are, then of each commit that changed them."""
    now = _text(checkout.path, POLICY_FILE), _text(checkout.path, SIGNATURE_FILE)
    return ((content, signature or "") for content, signature in (now, *_history(checkout)) if content)


def _text(root: Path, name: str) -> str | None:
    try:
        return read_text(root, name)
    except ConfigError:
        return ""  # no text: no signature of it holds


@lru_cache(maxsize=8)
def _history(checkout: Checkout) -> tuple[tuple[str | None, str | None], ...]:
    commits = commits_touching(checkout, (POLICY_FILE, SIGNATURE_FILE), STATEMENTS)
    contents, signatures = (read_file_at(checkout, path, commits) for path in (POLICY_FILE, SIGNATURE_FILE))
    return tuple(zip(contents, signatures, strict=True))
