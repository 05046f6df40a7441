"""`towpath promote`: move a release to an environment."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.names import complete_environment
from towpath.cli.completion.values import complete_commit, complete_image, complete_release
from towpath.cli.ui.options import app_argument, detach_option, output_option
from towpath.cli.ui.overrides import owner_options, refuse_owner_options, sign_override

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.errors import UnknownNameError
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server
    from towpath.release.model import EnvironmentRelease, Release


@click.command(name="promote")
@app_argument
@click.option(
    "--to", "environment", required=True, shell_complete=complete_environment, help="Where it shall run."
)
@click.option("--release", "digest", shell_complete=complete_release, help="The release's digest (sha256:…).")
@click.option("--commit", shell_complete=complete_commit, help="The commit the release was built from.")
@click.option(
    "--image",
    "images",
    multiple=True,
    shell_complete=complete_image,
    help="An image that was built elsewhere (REGISTRY/NAME@sha256:…, or NAME=REGISTRY/…); again for each of"
    " several. The others stay as they run there.",
)
@click.option(
    "--break-glass", is_flag=True, help="Without order, soak and approvals: an owner signs for it. See below."
)
@owner_options
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str,
    digest: str | None,
    commit: str | None,
    images: tuple[str, ...],
    break_glass: bool,
    reason: str | None,
    owner: str | None,
    key: Path | None,
    yes: bool,
    detach: bool,
    output: str,
) -> None:
    """Promote a release of APP: by default the one that is verified in the environment before.

    The environment's gate judges it as ever. One promotion of an app waits for approval there: the same
    release joins it, a newer one takes its place. On success the promotion to the next environment is
    started.

    --image brings in an image that was built elsewhere, of an app without `source` or one that is
    `prebuilt`, by a first environment: the build agent scans it, records it as a release and signs that,
    as of one that it has built. A tag is resolved, and the digest is shown; only the digest is written. Of
    several images those that are not named stay as they run there: together they are a release of its own,
    which a later environment takes when the one before has verified it as a whole. With --commit the others
    are built of it.

    --break-glass is for emergencies: one owner of the policy (`towpath keys trust --use policy`) signs that
    the release may enter without order, soak and approvals. Evidence, scan, quarantine and pauses hold as
    ever. Who did it and why is told in commit, event, run, status and history.

    \b
    Examples:
      towpath promote hello --to prod
      towpath promote hello --to dev --commit 1a2b3c4
      towpath promote shop --to dev --image registry.example.com/team/shop@sha256:...
      towpath promote shop --to dev --image web=registry.example.com/team/web:1.4 \\
        --image worker=registry.example.com/team/worker:1.4
      towpath promote hello --to prod --release sha256:... --break-glass --reason "prod is down" \\
        --as alice@example.com --key ~/.ssh/id_ed25519
    """
    from towpath.cli.ui.given_images import choose_images, start_images
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.started import see_through
    from towpath.orchestration.server import connect, require_agent
    from towpath.settings import Settings

    if digest and commit:
        raise click.UsageError("--release and --commit exclude each other")
    if not break_glass:
        refuse_owner_options("--break-glass", reason=reason, key=key, yes=yes, **{"as": owner})
    settings = Settings.load(os.environ)
    if images:
        if digest or break_glass:
            raise click.UsageError("--image excludes --release and --break-glass")
        environments = load_environments(settings)
        environments.config.environment(environment)
        first = [each.name for each in environments.config.first_environments(app)]
        if environment in first:
            require_agent(settings, None)
            with connect(settings) as server:
                run, new = start_images(server, environments, app, environment, images, commit)
                see_through(server, run, new=new, detach=detach, output=output)
            return
        if commit:
            raise click.UsageError(
                f"--image and --commit together are for where releases begin: {', '.join(first)}"
            )
    require_agent(settings, environment)
    environments = load_environments(settings)
    if images:
        release = choose_images(environments, app, environment, images)
    else:
        release = choose(environments, app, environment, digest, commit)
    override = ""
    if break_glass:
        override = sign_override(
            settings, app, environment, release.id, "gate", reason=reason, owner=owner, key=key, yes=yes
        )
    with connect(settings) as server:
        run, new = _start(server, environment, release, override)
        see_through(server, run, new=new, detach=detach, output=output)


def _start(server: "Server", environment: str, release: "Release", override: str) -> "tuple[Run, bool]":
    """The run, and whether it is new: the same release joins one that waits, unless an owner has signed."""
    from towpath.orchestration import keys

    app = release.app
    if not override and (waits := server.waiting_with(app, environment, release.id)):
        return waits, False
    parameters = {"app": app, "digest": release.id, "environment": environment}
    tags = [keys.environment_tag(environment), *keys.release_tags(app, release.short_id, release.id)]
    return server.start(
        keys.deployment(keys.PROMOTE, environment),
        {**parameters, "override": override} if override else parameters,
        name=keys.promote_name(app, release.short_id, environment),
        tags=[*tags, keys.BREAK_GLASS] if override else tags,
    )


def choose(
    environments: "Environments", app: str, environment: str, digest: str | None, commit: str | None
) -> "Release":
    """The release that is meant, as the registry has it."""
    from towpath.adapters.registries.registry import find_release, get_release
    from towpath.cli.ui.names import verified_before
    from towpath.errors import RefusedError

    config = environments.config
    image = config.app(app).first_image
    config.environment(environment)
    config.require_in(app, environment)
    needs = config.needs(environment, app)
    if digest is None and commit is None:
        if not needs:
            raise RefusedError(
                f"{environment} is the first environment, so say which release",
                remedy="--release DIGEST or --commit SHA; `towpath deliver` makes a new one.",
            )
        return verified_before(environments, app, needs)
    if commit is not None:
        found = find_release(image, _commit(environments, app, commit))
    else:
        found = get_release(image, f"sha256:{str(digest).removeprefix('sha256:')}")
    if found is None:
        raise _unknown_release(environments, app, commit, str(digest))
    return found


def _commit(environments: "Environments", app: str, commit: str) -> str:
    """The whole id of a commit of the app's source, which may be an abbreviated one."""
    from towpath.errors import UnknownNameError

    try:
        return environments.revision(app, commit)
    except UnknownNameError as error:
        if error.kind != "revision":
            raise
        known = [state.release.commit[:7] for state in _states(environments, app)]
        unknown = UnknownNameError("commit", commit, known, where=f"the source of {app}")
        hint = f"`towpath history {app}` lists what was released, and `git log` of the source its commits."
        unknown.remedy = f"{unknown.remedy} {hint}" if unknown.remedy else hint
        raise unknown from error


def _unknown_release(
    environments: "Environments", app: str, commit: str | None, digest: str
) -> "UnknownNameError":
    from towpath.errors import UnknownNameError

    where = f"the registry of {app}"
    if commit is not None:
        error = UnknownNameError("release", commit, where=where)
        error.remedy = (
            f"The commit is there, but was not delivered: `towpath deliver {app} --revision {commit}`."
        )
        return error
    known = [state.release.id for state in _states(environments, app)]
    error = UnknownNameError("release", digest, known, where=where)
    error.remedy = error.remedy or f"`towpath history {app}` lists what was released."
    return error


def _states(environments: "Environments", app: str) -> "list[EnvironmentRelease]":
    """What was released anywhere, as Git tells."""
    from towpath.engine.source.history import release_history

    config = environments.config
    return [
        entry.state
        for environment in config.environments
        for entry in release_history(environments.checkout, config, app, environment.name)
    ]
