"""Which apps an app waits for in an environment (`dependsOn`)."""

from pathlib import Path

from towpath.config import Config


def dependencies(root: Path, config: Config, app: str, environment: str) -> tuple[str, ...]:
    """Apps that must be healthy in an environment before `app` is synced: those that run there.

    These have a folder for it, and no `environments` that leave it out.
    """
    declared = config.apps.get(app)
    names = declared.depends_on if declared else ()
    here = (name for name in names if config.may_be_in(name, environment))
    return tuple(name for name in here if (root / "apps" / name / environment).is_dir())
