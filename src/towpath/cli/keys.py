"""`towpath keys`: the keys that sign commits, approvals and release evidence, and those that are trusted."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from towpath.cli.completion.values import complete_key_name
from towpath.cli.ui.options import output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.adapters.evidence.key_files import KeyFolder

F = TypeVar("F", bound=Callable[..., Any])
USES = {"commits": "git", "approvals": "towpath", "evidence": "towpath-evidence", "policy": "towpath-policy"}
"""What a key may sign -> the namespace in the file of trusted keys."""
AGENT_USES = ("commits", "evidence")


def _folder_option(function: F) -> F:
    return click.option(
        "--folder",
        envvar="TOWPATH_KEYS",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the keys; TOWPATH_KEYS names it too.  [default: ~/.local/share/towpath/keys]",
    )(function)


def _use_option(function: F) -> F:
    return click.option(
        "--use",
        "uses",
        multiple=True,
        type=click.Choice(list(USES)),
        help="What the key may sign; may be given several times.",
    )(function)


@click.group(name="keys")
def command() -> None:
    """Make, list, rotate and retire the keys that sign, and say whom this machine trusts.

    The folder has a file `allowed_signers`, as OpenSSH and Git read it: give it to each agent that must trust
    these keys. Private keys are for their agent alone; no command prints them.

    \b
    Examples:
      towpath keys make prod                              a key for the agent of prod
      towpath keys trust alice@example.com ~/.ssh/id_ed25519.pub --use approvals
      towpath keys trust bob@example.com bob.pub --use approvals --use policy     an owner of the policy
      towpath keys list
      towpath keys show build --format pem > build.pem    for cosign verify-attestation --key
      towpath keys rotate prod                            a new key; what the old one signed still holds
    """


@command.command(name="make")
@click.argument("name", shell_complete=complete_key_name)
@_use_option
@_folder_option
@output_option
def make(name: str, uses: tuple[str, ...], folder: Path | None, output: str) -> None:
    """Make a key for NAME (an agent: its environment, or `build`) and trust it.

    Unless --use says what it may sign, it may sign commits and release evidence.
    """
    from towpath.adapters.evidence.key_changes import make_key

    keys = _open(folder)
    key = make_key(keys, _name(name), tuple(USES[use] for use in uses or AGENT_USES))
    private = str(keys.private_file(name))
    _tell(
        output,
        f"made key {key.fingerprint} for {name}: {private}",
        {"name": name, "fingerprint": key.fingerprint, "private": private},
    )


@command.command(name="trust")
@click.argument("name", shell_complete=complete_key_name)
@click.argument("public", type=click.Path(path_type=Path))
@_use_option
@_folder_option
@output_option
def trust(name: str, public: Path, uses: tuple[str, ...], folder: Path | None, output: str) -> None:
    """Trust the public key in file PUBLIC (`.pub`) as NAME's: a person's, or another machine's agent's.

    Unless --use says what it may sign, it may sign approvals.
    """
    from towpath.adapters.evidence.key_changes import trust_key
    from towpath.adapters.evidence.key_files import read_public_key

    key = read_public_key(public)
    trust_key(_open(folder), _name(name), key, tuple(USES[use] for use in uses or ("approvals",)))
    _tell(output, f"trust key {key.fingerprint} as {name}'s", {"name": name, "fingerprint": key.fingerprint})


@command.command(name="list")
@_folder_option
@output_option
def list_keys(folder: Path | None, output: str) -> None:
    """List the trusted keys: whose, what they may sign, until when, and whether the private part is here."""
    from towpath.evidence.trusted_keys import parse_trusted_keys

    keys, now = _open(folder), datetime.now(UTC)
    entries = parse_trusted_keys(keys.trusted_text(), str(keys.trusted_file)).entries
    here = _private_keys(keys, {name for entry in entries for name in entry.principals})
    rows = [
        {
            "names": list(entry.principals),
            "kind": entry.key.kind,
            "fingerprint": entry.key.fingerprint,
            "uses": [_use(name) for name in entry.namespaces] or ["everything"],
            "state": _state(entry.valid_after, entry.valid_before, now),
            "valid_after": _time(entry.valid_after),
            "valid_before": _time(entry.valid_before),
            "private": entry.key.fingerprint in here,
        }
        for entry in entries
    ]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"no keys in {keys.path}; `towpath keys make NAME` makes one")
    for row in rows:
        until = f" until {row['valid_before']}" if row["valid_before"] else ""
        own = ", private key here" if row["private"] else ""
        names, uses = ", ".join(row["names"]), ", ".join(row["uses"])  # type: ignore[arg-type]
        click.echo(printable(f"{names}  {row['fingerprint']}  {row['state']}{until}  signs {uses}{own}"))


@command.command(name="rotate")
@click.argument("name", shell_complete=complete_key_name)
@click.option("--overlap", default="0m", help="How long the old key may sign beside the new one: 1h, 1d.")
@_folder_option
@output_option
def rotate(name: str, overlap: str, folder: Path | None, output: str) -> None:
    """Replace NAME's key by a new one for the same uses. What the old one signed before its end still holds.

    The old private key is deleted. Give `allowed_signers` to whoever trusts NAME before it signs again.
    """
    from towpath.adapters.evidence.key_changes import rotate_key
    from towpath.config import parse_duration

    try:
        duration = parse_duration(overlap)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--overlap") from error
    done = rotate_key(_open(folder), _name(name), duration)
    old = [key.fingerprint for key in done.old]
    _tell(
        output,
        f"{name} signs with key {done.new.fingerprint} from now on;"
        f" {old[-1]} is valid until {_time(done.end)}",
        {"name": name, "fingerprint": done.new.fingerprint, "retired": old, "until": _time(done.end)},
    )


@command.command(name="retire")
@click.argument("name", shell_complete=complete_key_name)
@click.option("--stolen", is_flag=True, help="Trust nothing that its keys ever signed.")
@_folder_option
@output_option
def retire(name: str, stolen: bool, folder: Path | None, output: str) -> None:
    """End NAME's keys now and delete the private one. What they signed before still holds.

    A signer chooses the dates that he signs: whoever has a stolen key dates back. So a stolen key must be
    retired with --stolen, and what it signed be signed again.
    """
    from towpath.adapters.evidence.key_changes import retire_key

    done = retire_key(_open(folder), _name(name), stolen=stolen)
    what = "trusted no more" if stolen else f"valid until {_time(done.end)}"
    gone = "; the private key is deleted" if done.private else ""
    _tell(
        output,
        f"keys of {name}, {what}: {', '.join(key.fingerprint for key in done.keys)}{gone}",
        {"name": name, "fingerprints": [key.fingerprint for key in done.keys], "stolen": stolen},
    )


@command.command(name="show")
@click.argument("name", shell_complete=complete_key_name)
@click.option(
    "--format", "form", type=click.Choice(["openssh", "pem"]), default="openssh", help="pem: for cosign."
)
@click.option("--fingerprint", help="Which of NAME's keys, where it is not the newest.")
@_folder_option
@output_option
def show(name: str, form: str, fingerprint: str | None, folder: Path | None, output: str) -> None:
    """Print the public part of NAME's newest key."""
    from towpath.adapters.evidence.key_changes import entries_of
    from towpath.errors import UnknownNameError

    keys = _open(folder)
    entries = entries_of(keys, keys.trusted_text(), name)
    mine = [entry for entry in entries if fingerprint in (None, entry.key.fingerprint)]
    if not mine:
        raise UnknownNameError("key", fingerprint or name, [entry.key.fingerprint for entry in entries])
    key = mine[-1].key
    if output == "json":
        shown = {"name": name, "fingerprint": key.fingerprint, "openssh": key.openssh, "pem": key.pem}
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(key.pem if form == "pem" else f"{key.openssh} {name}", nl=form != "pem")


def _open(folder: Path | None) -> "KeyFolder":
    import os

    from towpath.adapters.evidence.key_files import KeyFolder
    from towpath.settings import Settings

    return KeyFolder(folder or Settings.load(os.environ).keys)


def _name(name: str) -> str:
    from towpath.evidence.trusted_keys import check_name

    try:
        return check_name(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error


def _private_keys(keys: "KeyFolder", names: set[str]) -> set[str]:
    """Fingerprints of the private keys in the folder, read from their public parts."""
    from towpath.adapters.evidence.key_files import read_public_key
    from towpath.errors import TerminalError

    found = set()
    for name in names:
        try:
            if keys.private_file(name).is_file():
                found.add(read_public_key(keys.public_file(name)).fingerprint)
        except TerminalError:
            continue  # a name that is no file's, or a public part that is gone
    return found


def _tell(output: str, text: str, data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, indent=2) if output == "json" else printable(text))


def _use(namespace: str) -> str:
    return next((use for use, known in USES.items() if known == namespace), namespace)


def _state(after: datetime | None, before: datetime | None, now: datetime) -> str:
    if before and before <= now:
        return "retired"
    return "not yet valid" if after and after > now else "valid"


def _time(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
