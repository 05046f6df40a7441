"""What `pause` and `resume` share: one commit to the environment repository that changes its pauses."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
from towpath.adapters.git import commit_files
from towpath.cli.ui.names import Environments
from towpath.config import load_config
from towpath.engine.policy.signing import sign_policy, without_pause
from towpath.engine.source.edits import version_to_write
from towpath.errors import RefusedError
from towpath.evidence.trusted_keys import POLICY
from towpath.gates.pause import Pause, dump_pauses, load_pauses, pause_marker, pause_path
from towpath.settings import GIT_TIMEOUT

NOTHING: Mapping[str, str] = MappingProxyType({})
Change = Callable[[tuple[Pause, ...]], tuple[Pause, ...]]


def commit_pauses(  # noqa: PLR0913
    environments: Environments,
    environment: str,
    change: Change,
    message: str,
    *,
    key: str,
    by: str,
    signed: Mapping[str, str] = NOTHING,
) -> str:
    """Push the pauses as `change` makes them of the newest ones; the commit that has them.

    `signed` are the files of a policy that an owner has signed for it.
    """

    def edits(root: Path) -> dict[str, str | None]:
        path = pause_path(environment)
        version = version_to_write(root, load_config(root), path)
        return {path: dump_pauses(change(load_pauses(root, environment)), version), **signed}

    settings = environments.settings
    return commit_files(
        settings.environments_url(),
        settings.branch,
        environments.checkout.commit,
        edits,
        message,
        author=by,
        cache=settings.cache,
        marker=pause_marker(environment, key),
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )


def signed_end(environments: Environments, environment: str, app: str, key: Path | None) -> Mapping[str, str]:
    """The policy without a pause, signed: who ends one before its time needs an owner where they are known.

    `key` is the owner's; None: nobody signs, which is a RefusedError there.
    """
    if not environments.protection.owners:
        return NOTHING
    if key is None:
        raise RefusedError(
            f"owners protect the policy, and the pause of {named(environment, app)} ends before its time only"
            " when one of them signs it",
            remedy="As an owner: `towpath resume --sign`, or wait. Nothing was changed.",
        )
    policy = without_pause(environments.protection, environment, app)
    return sign_policy(
        policy,
        environments.commit,
        environments.settings.trusted_keys,
        lambda content: sign_with_ssh(content, key, POLICY),
    )


def named(environment: str, app: str | None) -> str:
    """`hello in prod`, or `prod`."""
    return f"{app} in {environment}" if app else environment
