"""`towpath rollback`: restore an earlier release by a new commit."""

import os
from contextlib import suppress
from pathlib import Path

import click

from towpath.cli.completion.values import complete_former_release
from towpath.cli.ui.options import app_argument, detach_option, environment_argument, output_option
from towpath.cli.ui.overrides import owner_options, refuse_owner_options, sign_override


@click.command(name="rollback")
@app_argument
@environment_argument
@click.option(
    "--to",
    shell_complete=complete_former_release,
    help="Digest or commit to go back to; what was verified before if left out.",
)
@click.option(
    "--override-quarantine", is_flag=True, help="Let a quarantined release come back: an owner signs for it."
)
@owner_options
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str,
    to: str | None,
    override_quarantine: bool,
    reason: str | None,
    owner: str | None,
    key: Path | None,
    yes: bool,
    detach: bool,
    output: str,
) -> None:
    """Restore an earlier release of APP in ENVIRONMENT, then sync and verify it.

    Only what was verified there before comes back. Order and soak are not asked; evidence, scan and
    quarantine are, and as many approvals as the environment asks for must have been given when it came in.

    Of an app without images the files come back that it had at a commit (`towpath history` lists them), but
    those of other environments: a base that they share is theirs, too.

    \b
    Examples:
      towpath rollback hello prod
      towpath rollback hello prod --to 1a2b3c4
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.started import see_through
    from towpath.engine.gates.change_rollback import choose_change
    from towpath.engine.gates.changes import ChangedApp
    from towpath.engine.gates.rollback import choose_earlier
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.errors import MissingPartError
    from towpath.orchestration import keys
    from towpath.orchestration.server import connect, require_agent
    from towpath.settings import Settings

    if not override_quarantine:
        refuse_owner_options("--override-quarantine", reason=reason, key=key, yes=yes, **{"as": owner})
    settings, earlier = Settings.load(os.environ), None
    require_agent(settings, environment)
    if settings.trusted_keys is not None:
        # Git can tell whether there is such a release: no run is needed for that.
        trusted = load_trusted_keys(settings.trusted_keys)
        environments = load_environments(settings)
        if environments.config.app(app).is_released:
            earlier = choose_earlier(environments, trusted, app, environment, to)
        else:
            changed = ChangedApp(
                environments, environment, app, tools=settings.tools, renders=settings.renders
            )
            with suppress(MissingPartError):  # this machine need not render: the agent does
                choose_change(changed, trusted, to)
    parameters = {"app": app, "environment": environment, "to": to}
    if override_quarantine:
        if earlier is None or to is None:
            raise click.UsageError("--override-quarantine needs --to, and trusted keys: TOWPATH_TRUSTED_KEYS")
        release = earlier.release.id
        parameters["override"] = sign_override(
            settings, app, environment, release, "quarantine", reason=reason, owner=owner, key=key, yes=yes
        )
    with connect(settings) as server:
        run, new = server.start(
            keys.deployment(keys.ROLLBACK, environment),
            parameters,
            name=keys.rollback_name(app, environment),
            tags=[keys.app_tag(app), keys.environment_tag(environment)],
        )
        see_through(server, run, new=new, detach=detach, output=output)
