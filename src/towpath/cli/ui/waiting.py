"""Runs that wait for an approval: found, shown, answered."""

import json
from collections.abc import Callable

import click

from towpath.cli.ui.follow import Narrator, conclude, follow
from towpath.cli.ui.names import load_environments
from towpath.cli.ui.started import tell_started
from towpath.config import Config
from towpath.config.keys.graph import needs_text
from towpath.errors import MissingPartError, RefusedError, TransientError
from towpath.gates.approval import check_approver
from towpath.orchestration.keys import plan_key
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server, whoami
from towpath.settings import Settings


def named_person(approver: str | None, *, asked: bool, yes: bool) -> str:
    """In whose name the answer is given: the login name only where a person is asked about it."""
    if not asked and not (yes and approver):
        raise RefusedError(
            "nobody said yes: there is no terminal to ask on"
            if not yes
            else "--yes was given without a name",
            remedy="Give both --yes and --as NAME, with the name as in towpath.yaml. Nothing was changed.",
        )
    return approver or whoami()


def known_config(settings: Settings, app: str, environment: str | None) -> Config | None:
    """What towpath.yaml says now; None where this machine cannot read it: the run judges all the same.

    UnknownNameError, with the nearest name, for an app or environment that it does not name.
    """
    try:
        config = load_environments(settings).config
    except (MissingPartError, TransientError):
        return None
    config.app(app)
    if environment is not None:
        config.environment(environment)
    return config


def require_listed(config: Config | None, run: Run, name: str) -> None:
    """RefusedError for somebody who may not approve there, before the run is set going for it."""
    environment = str(run.parameters.get("environment"))
    if config is not None:
        check_approver(name, config.environment(environment), config.who())


def find_waiting(  # noqa: PLR0913, PLR0917
    server: Server,
    config: Config | None,
    app: str,
    environment: str | None,
    run_id: str | None,
    digest: str | None = None,
) -> Run:
    """The waiting promotion that is meant: the newest one, which replaces those before it when it goes in.

    RefusedError when none waits, or when they wait in several environments and none was named.
    `digest` chooses among several; that a single one is about it is checked by `answer`.
    """
    if run_id is not None:
        run = server.run(run_id)
        if not run.waiting:
            raise RefusedError(f"{run.name} does not wait: it is {run.state.lower()}")
        if run.parameters.get("app") != app:
            raise RefusedError(f"run {run_id} is {run.name}, not one of {app}")
        return run
    found = [
        run
        for run in server.waiting()
        if run.parameters.get("app") == app and environment in (None, run.parameters.get("environment"))
    ]
    if len(found) > 1 and digest is not None:
        found = [run for run in found if _same(digest, str(run.parameters.get("digest", "")))] or found
    where = f" in {environment}" if environment else ""
    if not found:
        others = ", ".join(sorted(run.name for run in server.waiting() if _is_of(config, run)))
        raise RefusedError(
            f"no promotion of {app}{where} waits for approval",
            remedy=f"These wait: {others}." if others else "`towpath status` shows what runs where.",
        )
    if len({run.parameters.get("environment") for run in found}) > 1:
        listed = "\n".join(
            f"  --run {run.id}  {run.name}{_after(config, run)}" for run in _sorted(config, found)
        )
        raise RefusedError(f"{len(found)} promotions of {app} wait", remedy=f"Choose one:\n{listed}")
    return found[0]


def answer(  # noqa: PLR0913
    server: Server,
    run: Run,
    *,
    decision: str,
    approver: str,
    digest: str | None,
    reason: str,
    detach: bool,
    output: str,
    sign: Callable[[], str] | None = None,
) -> None:
    """Fill in the waiting run's form as the UI does, and follow what comes of it.

    `sign` makes the signed statement; None: a name alone is given.
    """
    expected = str(run.parameters.get("digest", ""))
    if digest is not None and not _same(digest, expected):
        raise RefusedError(f"{run.name} is about {expected}, not {digest}", remedy="Nothing was changed.")
    known = server.tasks(run)
    form = {"decision": decision, "approver": approver, "digest": expected, "reason": reason}
    if plan := server.asked(run).get("manifests"):
        form["plan"] = plan
    if sign is not None:
        form["statement"] = sign()
    server.resume(run, form)
    if detach:
        tell_started(server, run, new=False, output=output)
        return
    with Narrator(quiet=output == "json") as narrator:
        followed = follow(server, run, narrator, known=known)
    last = followed.last
    if decision == "reject" and last.state == "Rejected":
        click.echo(json.dumps(followed.to_json(server), indent=2) if output == "json" else last.message)
        return
    if last.waiting and last.id == run.id and (because := server.refusal(last)):
        raise RefusedError(f"the answer did not count: {because}", remedy=f"{run.name} still waits.")
    if output == "text" and decision == "withdraw" and last.waiting and last.id == run.id:
        click.echo(f"{approver}'s approval is withdrawn; {run.name} still waits")
        return
    conclude(server, followed, output=output)


def show(server: Server, run: Run) -> None:
    """Print what is to be decided: release, plan, what was said so far. A long plan stands above it whole."""
    question = server.question(run)
    parameters = run.parameters
    whole = server.report(run, plan_key(str(parameters.get("environment")), str(parameters.get("app"))))
    if whole.count("\n") > question.count("\n"):
        click.echo(f"{whole}\n")
    click.echo(question or f"{run.name}: {server.url(run)}")
    click.echo()


def _is_of(config: Config | None, run: Run) -> bool:
    """Whether a run is about an app and an environment of this repository: others may use the same server."""
    app, environment = run.parameters.get("app"), run.parameters.get("environment")
    return config is None or (app in config.apps and environment in [e.name for e in config.environments])


def _sorted(config: Config | None, runs: list[Run]) -> list[Run]:
    """By environment, in the order in which releases come there."""
    order = [each.name for each in config.ordered] if config else []

    def place(run: Run) -> int:
        name = str(run.parameters.get("environment"))
        return order.index(name) if name in order else len(order)

    return sorted(runs, key=place)


def _after(config: Config | None, run: Run) -> str:
    """What its environment comes after in a graph."""
    if not _is_of(config, run) or config is None:
        return ""
    after = config.after(str(run.parameters.get("environment")), str(run.parameters.get("app")))
    return f" (after {needs_text(after)})" if after else ""


def _same(given: str, digest: str) -> bool:
    short = given.removeprefix("sha256:")
    return len(short) >= 12 and digest.removeprefix("sha256:").startswith(short)
