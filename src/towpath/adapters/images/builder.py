"""Builds images, and keeps them until they are pushed: BuildKit where one is named, else a Docker Engine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from towpath.adapters.images import docker
from towpath.adapters.images.buildkit import BuildKit
from towpath.adapters.images.docker_engine import engine_version
from towpath.release.image_ref import ImageReference
from towpath.settings import Settings


class Builder(Protocol):
    """An image's id is the digest of its configuration, `sha256:…`; times are in seconds.

    TransientError where it or a registry does not answer.
    """

    def version(self) -> str:
        """The version of the program that builds."""

    def build(  # noqa: PLR0913
        self,
        context: Path,
        dockerfile: str,
        *,
        tag: str,
        target: str | None,
        build_args: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        timeout: float,
    ) -> str:
        """Build an image, of the whole Dockerfile or up to its stage `target`; the image's id.

        `dockerfile` is relative to `context`; `build_args` are values of `ARG` in it; `on_line` gets each
        line of output, redacted. BuildError ends with the output of the step that failed.
        """

    def pull(self, reference: ImageReference, *, timeout: float) -> str:
        """Get an image by its digest, for this platform; its id. TerminalError where it is refused."""

    def save(self, image: str, tar: Path, *, timeout: float) -> None:
        """Write an image to a tar file. TerminalError when that cannot be written."""

    def push(self, image: str, reference: ImageReference, *, timeout: float) -> str:
        """Push an image under a tag, and return the digest of its manifest."""

    def forget(self, images: Iterable[str]) -> None:
        """These were pushed: what was kept of them for that may go."""


@dataclass(frozen=True, slots=True)
class DockerBuilder:
    """A Docker Engine, which keeps what it built itself. `host`: None where Docker's own variables say."""

    host: str | None

    def version(self) -> str:
        """As Builder."""
        return engine_version(self.host)

    def build(  # noqa: PLR0913
        self,
        context: Path,
        dockerfile: str,
        *,
        tag: str,
        target: str | None,
        build_args: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        timeout: float,
    ) -> str:
        """As Builder."""
        return docker.build(
            context,
            dockerfile,
            tag=tag,
            target=target,
            build_args=build_args,
            labels=labels,
            docker_host=self.host,
            on_line=on_line,
            timeout=timeout,
        )

    def pull(self, reference: ImageReference, *, timeout: float) -> str:
        """As Builder."""
        return docker.pull(reference, docker_host=self.host, timeout=timeout)

    def save(self, image: str, tar: Path, *, timeout: float) -> None:
        """As Builder."""
        docker.save(image, tar, docker_host=self.host, timeout=timeout)

    def push(self, image: str, reference: ImageReference, *, timeout: float) -> str:
        """As Builder."""
        return docker.push(image, reference, docker_host=self.host, timeout=timeout)

    def forget(self, images: Iterable[str]) -> None:
        """As Builder: the engine's own prune decides."""


def builder_of(settings: Settings) -> Builder:
    """The builder that the settings name."""
    if settings.buildkit_host:
        return BuildKit(settings.buildkit_host, settings.cache, settings.buildkit_tls)
    return DockerBuilder(settings.docker_host)
