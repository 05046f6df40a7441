"""Arguments and options that several verbs share."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from towpath.cli.completion.names import complete_app, complete_context, complete_environment
from towpath.cli.completion.values import complete_approver

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


def checked_name(_ctx: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    """A name as Kubernetes has them."""
    if name is not None and not _NAME.fullmatch(name):
        raise click.BadParameter(f"{name!r} is no name of Kubernetes: lowercase letters, digits, `-` and `.`")
    return name


def app_argument(function: F) -> F:
    """`APP`, with completion."""
    return click.argument("app", shell_complete=complete_app)(function)


def environment_argument(function: F) -> F:
    """`ENVIRONMENT`, with completion."""
    return click.argument("environment", shell_complete=complete_environment)(function)


def optional_environment_argument(function: F) -> F:
    """`[ENVIRONMENT]`, with completion."""
    return click.argument("environment", required=False, shell_complete=complete_environment)(function)


def environment_option(function: F) -> F:
    """`--environment`, where it only narrows something down."""
    return click.option(
        "-e", "--environment", shell_complete=complete_environment, help="Only in this environment."
    )(function)


def context_option(function: F) -> F:
    """`--context`: which cluster of the kubeconfig, for this command."""
    return click.option(
        "--context",
        shell_complete=complete_context,
        help="Context of the kubeconfig; left out: TOWPATH_CONTEXT, or its current one.",
    )(function)


def output_option(function: F) -> F:
    """`--output text|json`: JSON goes to stdout alone, progress to stderr."""
    return click.option(
        "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the result."
    )(function)


def detach_option(function: F) -> F:
    """`--detach`: start, say which run, end."""
    return click.option("--detach", is_flag=True, help="Start the run and do not wait for it.")(function)


def approver_option(function: F) -> F:
    """`--as`: in whose name a promotion is approved or rejected."""
    return click.option(
        "--as",
        "approver",
        shell_complete=complete_approver,
        help="Your name in towpath.yaml; left out, you are asked about your login name.",
    )(function)


def sign_options(function: F) -> F:
    """`--sign` and `--key`: what is decided is signed by the key of who decides."""
    key = click.option(
        "--key",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Sign by this SSH key, or by its .pub file when ssh-agent holds it.  [default: ~/.ssh/id_*]",
    )
    return click.option("--sign", is_flag=True, help="Sign it by your SSH key.")(key(function))


def yes_option(function: F) -> F:
    """`--yes`: an answer is given without being asked."""
    return click.option("--yes", is_flag=True, help="Do not ask on the terminal; needs --as.")(function)
