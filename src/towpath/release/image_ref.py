"""Names of container images: `registry/repository[:tag][@digest]`, as Docker reads them."""

import re
from dataclasses import dataclass, replace

from towpath.errors import TerminalError

DEFAULT_REGISTRY = "docker.io"
_DOCKER_HUB = ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")

_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A parsed image name. `registry` is a host with an optional port; `digest` is `sha256:` and 64 hex."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """The reference for the registry: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine; only there plain HTTP is used."""
        return is_loopback(self.registry)

    def with_tag(self, tag: str) -> "ImageReference":
        """The same repository at a tag."""
        if not _TAG.fullmatch(tag):
            raise TerminalError(f"{tag!r} is not an image tag")
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: str) -> "ImageReference":
        """The same repository at a digest."""
        return replace(self, tag=None, digest=check_digest(digest))

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def names_registry(text: str) -> bool:
    """Whether an image is written with its registry: a host with a dot or a port, or `localhost`."""
    host, slash, _ = text.partition("@")[0].partition("/")
    # Docker's rule: the first part is a registry if it cannot be a namespace of Docker Hub.
    return bool(slash) and ("." in host or ":" in host or host == "localhost")


def parse_image(text: str) -> ImageReference:
    """Parse an image name; a name without a registry is Docker Hub's. Raises TerminalError."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise TerminalError(f"image {text!r}: {digest!r} is not a sha256 digest")
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # no colon, or a port's
        path, colon, tag = rest, "", ""
    if colon and not _TAG.fullmatch(tag):
        raise TerminalError(f"image {text!r}: {tag!r} is not a tag")
    registry, repository = _split_registry(path)
    if not _REGISTRY.fullmatch(registry) or not _REPOSITORY.fullmatch(repository):
        raise TerminalError(
            f"image {text!r} is not a valid name",
            remedy="It reads REGISTRY/REPOSITORY[:TAG][@sha256:…] with a repository in lower case.",
        )
    return ImageReference(registry, repository, tag or None, digest or None)


def is_image(text: str) -> bool:
    """Whether `text` is the name of an image, as `parse_image` reads it."""
    try:
        parse_image(text)
    except TerminalError:
        return False
    return True


def check_digest(digest: str) -> str:
    """`digest`, if it is `sha256:` and 64 hex digits. Raises TerminalError otherwise."""
    if not _DIGEST.fullmatch(digest):
        raise TerminalError(f"{digest!r} is not a sha256 digest")
    return digest


def repository_of(image: str) -> str:
    """`host:5000/app:tag@sha256:…` -> `host:5000/app`, of any text."""
    head, slash, last = image.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def same_repository(image: str, name: str) -> bool:
    """Whether `image`, with or without tag and digest, is pulled from the repository `name`.

    Neither needs to be valid. Other spellings of a registry (capitals, default port, Docker Hub's names) are
    equal.
    """
    return _canonical(image) == _canonical(name)


def is_loopback(registry: str) -> bool:
    """Whether `registry` (host with optional port) is this machine."""
    host = registry if registry in LOOPBACK_HOSTS else registry.rpartition(":")[0]
    return host in LOOPBACK_HOSTS


def _canonical(image: str) -> tuple[str, str]:
    registry, repository = _split_registry(repository_of(image.strip()))
    registry = registry.lower().removesuffix(":443")
    if registry not in (DEFAULT_REGISTRY, *_DOCKER_HUB):
        return registry, repository
    return DEFAULT_REGISTRY, repository if "/" in repository else f"library/{repository}"


def _split_registry(path: str) -> tuple[str, str]:
    first, slash, rest = path.partition("/")
    if names_registry(path):
        return first, rest
    return DEFAULT_REGISTRY, path if slash else f"library/{path}"
