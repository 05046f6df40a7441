"""`towpath policy`: what of a policy owners have signed, what is looser, and their signature."""

import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from towpath.cli.completion.values import complete_release
from towpath.cli.ui.options import app_argument, output_option
from towpath.cli.ui.overrides import owner_options
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.engine.policy.protection import Protection
    from towpath.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
LOOSER, FAILED = 1, 1


def _repo_option(function: F) -> F:
    return click.option(
        "--repo",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder of an environment repository, uncommitted; left out: the newest commit of its branch.",
    )(function)


@click.group(name="policy")
def command() -> None:
    """Show, sign and verify the policy of an environment repository.

    Protected are gates, approvers, people, the scan policy, quarantines and pauses. What makes them looser
    takes effect when an owner has signed it; what makes them stricter needs no signature. Owners are those
    whom the agents' file of trusted keys names so: `towpath keys trust NAME FILE.pub --use policy`.

    \b
    Examples:
      towpath policy diff                       what is looser than what was signed, and so not in force
      towpath policy diff --repo .              the same, of a change before it is committed
      towpath policy sign --repo . && git add policy.json policy.json.sig
      towpath policy sign                       sign the branch's newest commit, and push both files
      towpath policy verify                     who has signed, and when
      towpath policy except hello 4f5e6a7b --until 30d --reason "from before" --as olga --key KEY
    """


@command.command(name="diff")
@_repo_option
@output_option
def diff(repo: Path | None, output: str) -> None:
    """Say what is looser than the policy that owners have signed.

    Exits 1 when anything is, or when nothing is signed yet.
    """
    from towpath.engine.policy.signing import require_owners

    protection = _protection(repo)
    require_owners(protection)
    enforced = protection.enforced
    if output == "json":
        found = [
            {"where": each.where, "what": each.what, "environment": each.environment, "app": each.app}
            for each in (enforced.loosened if enforced else ())
        ]
        click.echo(json.dumps({**protection.to_json(), "loosened": found}, indent=2))
    else:
        for note in protection.notes:
            click.echo(printable(note))
        if not protection.notes:
            click.echo(printable(f"nothing is looser than the policy {protection.signed}"))
    if enforced is None or enforced.loosened:
        sys.exit(LOOSER)


@command.command(name="verify")
@_repo_option
@output_option
def verify(repo: Path | None, output: str) -> None:
    """Say who has signed the policy, and when.

    Exits 1 when nobody has, or when the statement in policy.json does not count.
    """
    from towpath.engine.policy.signing import require_owners

    protection = _protection(repo)
    require_owners(protection)
    if output == "json":
        click.echo(json.dumps(protection.to_json(), indent=2))
    else:
        click.echo(printable(protection.summary()))
        for problem in protection.problems if protection.signed else ():
            click.echo(printable(problem))
    if protection.signed is None or protection.problems:
        sys.exit(FAILED)


@command.command(name="sign")
@_repo_option
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your SSH key, or its .pub file when ssh-agent holds it.  [default: ~/.ssh/id_*]",
)
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
@output_option
def sign(repo: Path | None, key: Path | None, yes: bool, output: str) -> None:
    """Sign the policy as it is now, as its owner.

    Shows what is looser than before, and writes policy.json and policy.json.sig: with --repo into the folder,
    for you to commit with the change; else as a commit to the environment repository. The first signature is
    the baseline: until there is one, agents that know owners hold everything.
    """
    from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
    from towpath.cli.ui.signing import key_file
    from towpath.engine.policy.signing import signed_folder
    from towpath.errors import RefusedError
    from towpath.evidence.trusted_keys import POLICY
    from towpath.settings import Settings

    settings, own = Settings.load(os.environ), key_file(key, Path.home())
    environments = None if repo is not None else _environments(settings)
    protection = environments.protection if environments else _protection(repo)
    for note in protection.notes:
        click.echo(printable(note), err=output == "json")
    if not yes:
        if output == "json" or not sys.stdin.isatty():
            raise RefusedError("nobody said yes: there is no terminal to ask on", remedy="Give --yes.")
        click.confirm("Sign the policy as it is?", abort=True)

    def signer(content: bytes) -> str:
        return sign_with_ssh(content, own, POLICY)

    commit = ""
    if environments is None:
        folder = repo or Path()
        for name, text in signed_folder(folder, settings.trusted_keys, signer).items():
            (folder / name).write_text(text, encoding="utf-8")
    else:
        commit = _commit(environments, signer)
    if output == "json":
        click.echo(json.dumps({"signed": True, "commit": commit, "key": str(own)}, indent=2))
    else:
        where = (
            f"commit {commit[:7]}" if commit else "policy.json and policy.json.sig are written: commit both"
        )
        click.echo(f"the policy is signed ({where})")


@command.command(name="except")
@app_argument
@click.argument("release", shell_complete=complete_release)
@click.option("--until", required=True, help="Its end: 30d, or a time such as 2026-12-31T18:00.")
@click.option("--author", "authors", multiple=True, help="Who else wrote what is new with it: `Name <mail>`.")
@click.option(
    "--repo",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Write both files into this clone, to be committed; left out: commit and push them.",
)
@owner_options
@output_option
def except_(  # noqa: PLR0913, PLR0917
    app: str,
    release: str,
    until: str,
    authors: tuple[str, ...],
    repo: Path | None,
    yes: bool,
    key: Path | None,
    owner: str | None,
    reason: str | None,
    output: str,
) -> None:
    """Let RELEASE of APP in without evidence, until a time, as an owner: of before there was any.

    RELEASE is its id or some digits of it. What Git or the registry says of the release is shown and signed,
    since nothing else proves it; today's scan policy, order, soak and approvals are asked as ever. Nobody
    approves what he wrote: name all authors of what is new with it.

    \b
    Examples:
      towpath policy except hello 4f5e6a7b --until 30d --reason "from before" --as olga --key ~/.ssh/id
    """
    from towpath.cli.ui.exceptions import commit_exception, release_of, signed_exception, write_exception
    from towpath.cli.ui.waiting import named_person
    from towpath.gates.evidence_exception import made_now
    from towpath.gates.pause import parse_until
    from towpath.settings import Settings

    if not reason or key is None:
        raise click.UsageError("an owner signs for this: give --reason TEXT and --key FILE")
    try:
        end = datetime.fromisoformat(parse_until(until, datetime.now(UTC)))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error
    environments = _environments(settings := Settings.load(os.environ))
    meant = release_of(environments, app, release)
    asked = not yes and sys.stdin.isatty()
    name = named_person(owner, asked=asked, yes=yes)
    content = made_now(meant, tuple(dict.fromkeys((meant.author, *authors))), name, reason, end)
    click.echo("\n".join(map(printable, content.decode().splitlines())), err=True)
    if asked:
        click.confirm(f"Sign this as {name}?", abort=True, err=True)
    files = signed_exception(content, meant, key, settings.trusted_keys)
    commit = "" if repo else commit_exception(environments, files, meant)
    if repo:
        write_exception(files, repo)
    if output == "json":
        told = {"app": app, "release": meant.id, "until": end.isoformat(), "owner": name}
        click.echo(json.dumps({**told, "commit": commit, "files": [*files]}, indent=2))
    else:
        where = f"commit {commit[:7]}" if commit else f"{' and '.join(files)} are written: commit both"
        click.echo(printable(f"{app} {meant.short_id} may enter without evidence until {end} ({where})"))


def _commit(environments: "Environments", signer: Callable[[bytes], str]) -> str:
    """Push the signed policy of the newest commit that was looked at."""
    from towpath.adapters.git import commit_files
    from towpath.config import load_config
    from towpath.engine.policy.records import files_policy
    from towpath.engine.policy.signing import sign_policy
    from towpath.orchestration.server import whoami
    from towpath.release.commit_message import format_message, intent_marker
    from towpath.settings import GIT_TIMEOUT

    settings, base = environments.settings, environments.commit
    # Of the commit that was shown, not of one that others have pushed since: what came later stays in force.
    policy = files_policy(environments.root, load_config(environments.root))
    files = sign_policy(policy, base, settings.trusted_keys, signer)
    marker = intent_marker("policy", "", "", "", uuid.uuid4().hex)
    return commit_files(
        settings.environments_url(),
        settings.branch,
        base,
        lambda _: dict(files),
        format_message("Sign the policy", "", [marker]),
        author=whoami(),
        cache=settings.cache,
        marker=marker,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )


def _protection(repo: Path | None) -> "Protection":
    from towpath.engine.policy.signing import folder_policy
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if repo is not None:
        return folder_policy(repo, settings.trusted_keys).protection
    return _environments(settings).protection


def _environments(settings: "Settings") -> "Environments":
    from towpath.cli.ui.names import load_environments

    return load_environments(settings)
