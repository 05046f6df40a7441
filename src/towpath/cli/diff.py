"""`towpath diff`: whether live is as Git wants it, by exit code: for pull requests."""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.names import complete_app_or_environment
from towpath.cli.ui.options import context_option, output_option
from towpath.cli.ui.planning import make_comparisons, make_plan, plan_as_comparison, source_options
from towpath.cli.views.posting import show_markdown
from towpath.errors import TowpathError
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.ui.planning import ComparisonMade, PlanMade

FAILED, DIFFERENT = 1, 2


class WrongUsageError(click.UsageError):
    """As click's, with another exit code."""

    exit_code = FAILED


class Diff(click.Command):
    """Exits 1 for wrong usage, because 2 says that there are differences."""

    def make_context(self, *args: object, **kwargs: object) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)  # type: ignore[arg-type]
        except click.UsageError as error:
            raise WrongUsageError(error.format_message(), error.ctx) from error

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except click.UsageError as error:
            raise WrongUsageError(error.format_message(), error.ctx) from error


@click.command(name="diff", cls=Diff)
@click.argument("names", nargs=-1, metavar="[[APP] ENVIRONMENT]", shell_complete=complete_app_or_environment)
@source_options
@context_option
@click.option(
    "--markdown", is_flag=True, help="Print Markdown: a summary, then the changes, at most 60,000 characters."
)
@click.option(
    "--post",
    is_flag=True,
    help="With --markdown: keep it as a comment of this CI job's pull or merge request, and set a status.",
)
@output_option
def command(  # noqa: PLR0913, PLR0917
    names: tuple[str, ...],
    repo: Path | None,
    revision: str | None,
    context: str | None,
    markdown: bool,
    post: bool,
    output: str,
) -> None:
    """Compare with Git, field by field: an app, a whole environment, or all of them. Writes nothing.

    All of them are compared with one cluster: name the environment where they are on several. Where this
    machine has no kubeconfig, each is compared with what its agent last published: the output says so first,
    and JSON has it in `published`.

    Exits 0 when nothing differs, 2 when something does, 1 after an error, also in one of many. In JSON,
    errors are in `problems`; `differs` is null where not all could be judged and nothing known differs.

    --post knows GitHub Actions, GitLab CI and Gitea Actions by their variables, and others by TOWPATH_FORGE;
    the token is read from the environment: GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN, TOWPATH_FORGE_TOKEN.

    \b
    Examples:
      towpath diff hello prod
      towpath diff prod --revision my-branch --output json
      towpath diff --repo .
      towpath diff --repo . --markdown --post || [ $? -eq 2 ]
    """
    if len(names) > 2:
        raise click.UsageError("give an app and an environment, an environment, or neither.")
    app, environment = (names[0], names[1]) if len(names) == 2 else (None, names[0] if names else None)
    if markdown or post:
        if output == "json" or not markdown:
            raise click.UsageError(
                "--markdown is an output of its own, and --post posts it: give --markdown."
            )
        _exit(*show_markdown(partial(_compared, app, environment, repo, revision, context), names, post=post))
        return
    try:
        if app is not None and environment is not None:
            differs, failed = _diff_app(make_plan(app, environment, repo, revision, context), output), False
        else:
            found = make_comparisons(environment, repo, revision, context)
            differs, failed = _diff_all(found, output)
    except TowpathError as error:
        if output == "json":
            _print_json({"differs": None, "problems": [_problem(app, environment, str(error))]})
        raise
    _exit(differs, failed)


def _exit(differs: bool, failed: bool) -> None:
    if differs or failed:
        sys.exit(FAILED if failed else DIFFERENT)


def _compared(
    app: str | None, environment: str | None, repo: Path | None, revision: str | None, context: str | None
) -> "Sequence[ComparisonMade]":
    if app is None or environment is None:
        return make_comparisons(environment, repo, revision, context)
    return [plan_as_comparison(app, environment, repo, revision, context)]


def _diff_app(made: "PlanMade", output: str) -> bool:
    plan, against = made.plan, made.against
    if output == "json":
        head = {"differs": plan.differs, "problems": [], "published": against.to_json()}
        _print_json({**head, **plan.to_json()})
    else:
        click.echo(printable("\n".join((*against.banner(), plan.to_text()))))
    return plan.differs


def _diff_all(made: "Sequence[ComparisonMade]", output: str) -> tuple[bool, bool]:
    """(whether something differs, whether something could not be judged)"""
    found = [each.comparison for each in made]
    problems = [
        _problem(app or None, each.environment, why) for each in found for app, why in each.problems.items()
    ]
    differs = any(each.differs for each in found)
    if output == "json":
        environments = [{**each.to_json(), "published": against.to_json()} for each, against in made]
        known = differs or (None if problems else False)
        _print_json({"differs": known, "problems": problems, "environments": environments})
    else:
        for each, against in made:
            click.echo(printable("\n".join((*against.banner(), each.to_text()))))
    for problem in problems:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(printable(f"{_where(problem)}: {problem['message']}"), err=True)
    return differs, bool(problems)


def _problem(app: str | None, environment: str | None, message: str) -> dict[str, str | None]:
    """What could not be judged; None stands for all."""
    return {"environment": environment, "app": app, "message": message}


def _where(problem: dict[str, str | None]) -> str:
    return f"{problem['app']} in {problem['environment']}" if problem["app"] else str(problem["environment"])


def _print_json(data: object) -> None:
    click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
