"""`towpath init`: scaffolds an environment repository."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from towpath.config import Config

MAX_FILES = 1000
ENVIRONMENTS = "dev,staging,prod"


@click.command(name="init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--image", help="The image that is to be delivered: REGISTRY/REPOSITORY[:TAG].")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of manifests (plain or a Kustomize base) that become the base.",
)
@click.option(
    "--no-image", is_flag=True, help="What --from has is synced as it is: CRDs, operators, policies."
)
@click.option("--app", help="The app's name; made of the image's or the folder's if left out.")
@click.option(
    "--environments",
    help=f"Names, in promotion order; {ENVIRONMENTS} if left out, or all of a repository that is there.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Port that the image listens on (with --image alone).",
)
def command(  # noqa: PLR0913, PLR0917
    folder: Path,
    image: str | None,
    source: Path | None,
    no_image: bool,
    app: str | None,
    environments: str | None,
    port: int,
) -> None:
    """Scaffold an environment repository in FOLDER, the current one if left out, or add an app to it.

    Writes towpath.yaml, a base and an overlay per environment for an existing image or existing manifests.
    Where FOLDER has a towpath.yaml, the app is added to it, in its environments. Overwrites nothing else.

    \b
    Examples:
      towpath init environments --image registry.example.com/team/shop:1.4
      towpath init environments --from ../shop/deploy --environments test,live
      towpath init --image 127.0.0.1:5000/hello --app hello --port 8000
      towpath init cluster --from ../operator/manifests --no-image --environments dev,prod
      towpath init environments --image registry.example.com/team/blog:2     one more app
    """
    from towpath.config import CONFIG_FILE, load_config, parse_config
    from towpath.release.image_ref import names_registry, parse_image
    from towpath.scaffold.repository import scaffold_repository

    if image is None and source is None:
        raise click.UsageError("Give --image or --from: what is to be delivered?")
    if no_image and (image is not None or source is None):
        raise click.UsageError("--no-image goes with --from, and without --image")
    if image is not None and not names_registry(image):
        raise click.BadParameter(
            f"{image!r} names no registry. Write the whole name, as in registry.example.com/team/{image}"
            f" (on Docker Hub: {parse_image(image).name}).",
            param_hint="--image",
        )
    if app is None:
        app = _name(parse_image(image).repository if image else _folder(source) if source else "")
    config = load_config(folder) if (folder / CONFIG_FILE).exists() else None
    known = ",".join(each.name for each in config.environments) if config else ENVIRONMENTS
    listed = known if environments is None else environments
    names = [name.strip() for name in listed.split(",") if name.strip()]
    manifests = _read(source) if source else None
    if config:
        _check_names(config, app, names)
    files = scaffold_repository(
        app, names, image=image, manifests=manifests, port=port, without_image=no_image
    )
    if config:
        files = _added(folder, config, app, names, files)
    # A wrong name is found before anything is written.
    parse_config(files[CONFIG_FILE], CONFIG_FILE)
    _write(folder, {path: text for path, text in files.items() if not (config and path == CONFIG_FILE)})
    if config:
        _replace(folder / CONFIG_FILE, files[CONFIG_FILE])
    left_out = [path for path in manifests or () if not (folder / f"apps/{app}/base/{path}").exists()]
    if left_out:
        click.echo(f"Left out, as no object of the app is in them: {', '.join(left_out)}")
    click.echo(f"\n{app} {'is added, ' if config else ''}for {', '.join(names)}. Next:")
    click.echo(f"  towpath check --repo {folder}")
    if not config:
        click.echo(f"  cd {folder} && git init -b main && git add . && git commit -m 'Environments of {app}'")
        click.echo("Then push it, and let every other verb read it there:")
        click.echo("  export TOWPATH_ENVIRONMENTS=https://…")


def _check_names(config: "Config", app: str, names: list[str]) -> None:
    """RefusedError for an app that is there, UnknownNameError for an environment that is not."""
    from towpath.errors import RefusedError, UnknownNameError

    if app in config.apps:
        raise RefusedError(f"app {app} is in towpath.yaml already", remedy="Give another name by --app.")
    known = [each.name for each in config.environments]
    for name in names:
        if name not in known:
            raise UnknownNameError("environment", name, known, where="towpath.yaml")


def _added(
    folder: Path, config: "Config", app: str, names: list[str], files: Mapping[str, str]
) -> dict[str, str]:
    from towpath.config import CONFIG_FILE
    from towpath.files import read_text
    from towpath.scaffold.added_app import added_app

    namespaces = {name: config.environment(name).namespace for name in names}
    everywhere = len(names) == len(config.environments)
    return added_app(read_text(folder, CONFIG_FILE) or "", app, namespaces, files, everywhere=everywhere)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write new files; RefusedError, and none, where one is there."""
    from towpath.errors import RefusedError

    taken = [path for path in files if (folder / path).exists() or (folder / path).is_symlink()]
    if taken:
        raise RefusedError(
            f"{folder / taken[0]} is there already" + (f", and {len(taken) - 1} more" if taken[1:] else ""),
            remedy="Nothing was written. Choose another folder, or move these away.",
        )
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("x") as file:
            file.write(text)
        click.echo(f"  {folder / path}")


def _replace(path: Path, text: str) -> None:
    """Write a file anew, whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    os.replace(new, path)  # noqa: PTH105
    click.echo(f"  {path}")


def _folder(source: Path) -> str:
    """The folder that names the app; a Kustomize `base` lies in it."""
    folder = source.resolve()
    return folder.parent.name if folder.name == "base" else folder.name


def _name(text: str) -> str:
    last = text.rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:63].strip("-") or "app"


def _read(source: Path) -> dict[str, str]:
    from towpath.errors import ConfigError
    from towpath.files import read_text
    from towpath.scaffold.given import MANIFESTS

    paths = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    wanted = [path for path in paths if not path.startswith(".") and "/." not in path]
    base = any(path in ("kustomization.yaml", "kustomization.yml", "Kustomization") for path in wanted)
    if not base:
        # A Kustomize base may need any file; of a folder of manifests only the manifests are wanted.
        wanted = [path for path in wanted if path.endswith(MANIFESTS)]
    if len(wanted) > MAX_FILES:
        raise ConfigError(f"has more than {MAX_FILES} files", file=str(source))
    return {path: read_text(source, path) or "" for path in wanted}
