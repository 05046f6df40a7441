"""The folder that an image is built from."""

from pathlib import Path

from towpath.errors import BuildError


def require_dockerfile(context: Path, dockerfile: str) -> None:
    """Refuse a Dockerfile outside of the context: builders would read it from anywhere."""
    root = context.resolve()
    path = (root / dockerfile).resolve()
    if dockerfile.startswith("-") or not path.is_relative_to(root):
        raise BuildError(f"Dockerfile {dockerfile} is outside of the build context")
    if not path.is_file():
        raise BuildError(
            f"there is no {dockerfile} in the source",
            remedy="Say where it is: `source.dockerfile` in towpath.yaml.",
        )
