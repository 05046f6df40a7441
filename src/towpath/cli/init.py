"""`towpath init`: scaffolds an environment repository."""

import re
from pathlib import Path

import click

MAX_FILES = 1000


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
    "--environments", default="dev,staging,prod", show_default=True, help="Names, in promotion order."
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
    environments: str,
    port: int,
) -> None:
    """Scaffold an environment repository in FOLDER, the current one if left out.

    Writes towpath.yaml, a base and an overlay per environment for an existing image or existing manifests.
    Overwrites nothing.

    \b
    Examples:
      towpath init environments --image registry.example.com/team/shop:1.4
      towpath init environments --from ../shop/deploy --environments test,live
      towpath init --image 127.0.0.1:5000/hello --app hello --port 8000
      towpath init cluster --from ../operator/manifests --no-image --environments dev,prod
    """
    from towpath.config import parse_config
    from towpath.errors import RefusedError
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
    names = [name.strip() for name in environments.split(",") if name.strip()]
    manifests = _read(source) if source else None
    files = scaffold_repository(
        app, names, image=image, manifests=manifests, port=port, without_image=no_image
    )
    # A wrong name is found before anything is written.
    parse_config(files["towpath.yaml"], "towpath.yaml")
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
    click.echo(f"\n{app} for {', '.join(names)}. Next:")
    click.echo(f"  towpath check --repo {folder}")
    click.echo(f"  cd {folder} && git init -b main && git add . && git commit -m 'Environments of {app}'")
    click.echo("Then push it, and let every other verb read it there:")
    click.echo("  export TOWPATH_ENVIRONMENTS=https://…")


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

    paths = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    wanted = [path for path in paths if not path.startswith(".") and "/." not in path]
    base = any(path in ("kustomization.yaml", "kustomization.yml", "Kustomization") for path in wanted)
    if not base:
        # A Kustomize base may need any file; of a folder of manifests only the manifests are wanted.
        wanted = [path for path in wanted if path.endswith((".yaml", ".yml"))]
    if len(wanted) > MAX_FILES:
        raise ConfigError(f"has more than {MAX_FILES} files", file=str(source))
    return {path: read_text(source, path) or "" for path in wanted}
