"""The command's door: verbs by name, loaded only when called, and the one place that catches everything."""

import difflib
import importlib
import io
import keyword
import os
import signal
import sys
from typing import NoReturn

import click

from towpath import __version__
from towpath.errors import TowpathError, as_towpath_error
from towpath.printable import printable
from towpath.redact import (
    install_log_redaction,
    redact_known,
    remember_arguments,
    remember_environment_secrets,
)

VERBS = {
    "deliver": "Carry a commit from its source repository towards production.",
    "promote": "Move a release to an environment.",
    "approve": "Approve a promotion that waits.",
    "reject": "Reject a promotion that waits.",
    "rollback": "Restore an earlier release by a new commit.",
    "reconcile": "Make an environment equal to Git now.",
    "agent": "Carry out the work of one environment, until told to stop.",
    "door": "Let CI systems and forges ask for deliveries.",
    "pause": "Write nothing to an environment until a time.",
    "resume": "End a pause before its time.",
    "status": "Show apps by environments.",
    "runs": "List runs, and follow one again.",
    "get": "Show the objects of an app, and what is wrong with them.",
    "logs": "Print what the pods of an app write.",
    "wait": "Wait until an app is healthy.",
    "restart": "Restart the pods of an app.",
    "trace": "Tell whose a live object is, and who let it in.",
    "releases": "Show the releases of an app: scan, evidence, where they run.",
    "history": "Show what was released where, by whom, and when.",
    "verify": "Show who proves each step to what runs in an environment.",
    "plan": "Show what a sync would change.",
    "diff": "Say by exit code whether an environment is as Git wants it.",
    "rbac": "Print the Roles that an environment's agent needs, and no more.",
    "drift": "Show who changed what in an environment, field by field.",
    "check": "Check an environment repository without a cluster.",
    "render": "Print the objects an app has in an environment.",
    "schema": "Print the JSON Schema of what a verb prints.",
    "health": "Judge objects of any kind without a cluster.",
    "keys": "Make, list, rotate and retire the keys that sign.",
    "policy": "Show, sign and verify what owners protect.",
    "migrate": "Rewrite an environment repository to the newest version of its files.",
    "delete": "Take an app out of Git, and out of the clusters if that is confirmed.",
    "init": "Scaffold an environment repository.",
    "import": "Make an environment repository of what other tools deploy, or of what is live.",
    "vendor": "Fetch charts and bases from elsewhere into the repository, locked.",
    "deployments": "Write or check the prefect.yaml of an environment repository.",
    "install": "Install Towpath in a cluster.",
    "local": "Run every part on this machine.",
    "demo": "Play the demo's story on the local stack.",
    "doctor": "Say what is here, what is missing, and how to get it.",
}
"""Verb -> its line in `towpath --help`. A verb lives in `towpath/cli/<verb>.py` as `command`."""


class Verbs(click.Group):
    """Loads a verb's module only when it is called, so that `towpath --help` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        command: click.Command = importlib.import_module(f"towpath.cli.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; a misspelt verb is told with the nearest one."""
        near = difflib.get_close_matches(args[0], VERBS, n=1)
        if near and args[0] not in VERBS:
            raise click.UsageError(f"No such command '{args[0]}'. Did you mean '{near[0]}'?", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="towpath")
def main() -> None:
    """GitOps delivery on Prefect.

    \b
    Try:
      towpath local up            every part on this machine
      towpath deliver hello       carry the newest commit of app hello to dev
      towpath status              who runs what, where, and is it healthy
    """


def run() -> None:
    """Entry point: 0 done, 1 failed, 2 wrong usage, 128 and the number of the signal that ended it.

    No traceback reaches a user.
    """
    from towpath.cli.ui.output import filtered_output

    for number in filter(None, (signal.SIGTERM, getattr(signal, "SIGHUP", None))):  # Windows has no SIGHUP
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one of them
            signal.signal(number, _end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know less letters than a file has
    remember_environment_secrets(os.environ)
    remember_arguments(sys.argv[1:])
    install_log_redaction()
    with filtered_output(next((word for word in sys.argv[1:] if not word.startswith("-")), "")):
        _run()


def _run() -> None:
    try:
        main.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except TowpathError as error:
        report(error)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # the top
        if os.environ.get("TOWPATH_TRACEBACK"):
            raise
        report(as_towpath_error(error))
        sys.exit(1)


def _end(number: int, _frame: object) -> NoReturn:
    """Leave as after an interrupt: programs that were started are ended, temporary folders removed."""
    sys.exit(128 + number)


def report(error: TowpathError) -> None:
    """Print an error with its remedy to stderr."""
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(printable(redact_known(error.message)), err=True)
    if error.remedy:
        click.echo(printable(redact_known(error.remedy)), err=True)
