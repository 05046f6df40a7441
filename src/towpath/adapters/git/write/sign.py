"""Commits signed by SSH, as `git commit -S` does with `gpg.format=ssh`. Git's configuration stays."""

from pathlib import Path

from towpath.adapters.process import CommandError
from towpath.errors import MissingPartError


def signing_options(key: Path | None) -> tuple[tuple[str, ...], str]:
    """Options of `git` itself, and the option of `commit-tree`, that sign with a private key file.

    MissingPartError when this machine lacks `ssh-keygen`, which Git calls.
    """
    if key is None:
        return (), "--no-gpg-sign"
    from towpath.adapters.evidence.ssh_keygen import require_program

    path = key.absolute()
    options = ("gpg.format=ssh", f"gpg.ssh.program={require_program()}", f"user.signingKey={path}")
    return tuple(part for option in options for part in ("-c", option)), f"-S{path}"


def not_signed(key: Path, error: CommandError) -> MissingPartError:
    """The error for a commit that Git could not sign; nothing was pushed."""
    return MissingPartError(
        f"the commit cannot be signed with {key}: {error.output or error.message}",
        remedy="The key must be a private key file without a passphrase that only this user may read:"
        " `towpath keys make`. Nothing was pushed.",
    )
