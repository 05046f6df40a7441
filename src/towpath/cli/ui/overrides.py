"""What an owner signs on the command line who lets a release in without what its environment asks."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from towpath.cli.completion.values import complete_owner
from towpath.cli.ui.options import yes_option

if TYPE_CHECKING:
    from towpath.gates.override import Waived
    from towpath.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def owner_options(function: F) -> F:
    """`--reason`, `--as`, `--key`, `--yes`: why, in whose name, and by which key."""
    key = click.option(
        "--key",
        type=click.Path(path_type=Path),
        help="The owner's SSH key, or its `.pub` file when ssh-agent or a security key holds it.",
    )
    owner = click.option(
        "--as", "owner", shell_complete=complete_owner, help="The owner's name in the trusted keys."
    )
    reason = click.option("--reason", help="Why; it is told everywhere.")
    return reason(owner(key(yes_option(function))))


def sign_override(  # noqa: PLR0913
    settings: "Settings",
    app: str,
    environment: str,
    release: str,
    waives: "Waived",
    *,
    reason: str | None,
    owner: str | None,
    key: Path | None,
    yes: bool,
) -> str:
    """The owner's signed statement, for the parameters of a run. Shown before it is signed.

    EvidenceError when the keys that this machine trusts do not let it count; the agent asks its own.
    """
    from towpath.adapters.evidence.ssh_keygen import sign_with_ssh
    from towpath.cli.ui.waiting import named_person
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.evidence.trusted_keys import POLICY
    from towpath.gates.override import (
        LIFETIME,
        OverrideStatement,
        encode_override,
        join_signed,
        verify_override,
    )

    if not reason or key is None:
        raise click.UsageError("an owner signs for this: give --reason TEXT and --key FILE")
    asked = not yes and sys.stdin.isatty()
    name = named_person(owner, asked=asked, yes=yes)
    now = datetime.now(UTC).replace(microsecond=0)
    statement = OverrideStatement(
        app, environment, release, waives, name, reason, now.isoformat(), (now + LIFETIME).isoformat()
    )
    content = encode_override(statement)
    click.echo(content.decode(), err=True, nl=False)
    if asked:
        click.confirm(f"Sign this as {name}?", abort=True, err=True)
    signature = sign_with_ssh(content, key, POLICY)
    if settings.trusted_keys is not None:
        verify_override(content, signature, load_trusted_keys(settings.trusted_keys), datetime.now(UTC))
    return join_signed(content, signature)


def refuse_owner_options(flag: str, **given: object) -> None:
    """UsageError when an owner's options are given without the flag that they are for."""
    names = [f"--{name}" for name, value in given.items() if value]
    if names:
        raise click.UsageError(f"{', '.join(names)}: only with {flag}")
