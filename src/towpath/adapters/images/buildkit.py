"""Builds images with BuildKit, which needs no root: by its client `buildctl`, into archives of the cache.

An image's id is the digest of its configuration, as with a Docker Engine; its archive is called after it.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from towpath.adapters.images.archive import ImageArchive, opened
from towpath.adapters.images.build_context import require_dockerfile
from towpath.adapters.images.transient import is_transient
from towpath.adapters.process import CommandError, run
from towpath.errors import BuildError, MissingPartError, TerminalError, TransientError
from towpath.printable import printable
from towpath.redact import redact
from towpath.release.image_ref import ImageReference

PROGRAM = "buildctl"
KEPT_SECONDS = 6 * 3600.0
"""Archives of builds that came to no end are kept so long."""
ANSWER_SECONDS = 20.0
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "DOCKER_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_A_STEP_FAILED = "did not complete successfully"
"""How BuildKit says that a command of the Dockerfile has failed."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BuildKit:
    """`host` is its address, `tls` a folder with ca.crt, tls.crt and tls.key for a `tcp://` one."""

    host: str
    cache: Path
    tls: Path | None = None

    def version(self) -> str:
        """The version of the server."""
        said = self._ask(["debug", "info"], ANSWER_SECONDS).splitlines()
        return next((line.split()[2] for line in said if line.startswith("BuildKit:")), "unknown")

    def build(  # noqa: PLR0913
        self,
        context: Path,
        dockerfile: str,
        *,
        tag: str,  # noqa: ARG002 - an archive is found by the image's id
        target: str | None,
        build_args: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        timeout: float,
    ) -> str:
        """As Builder."""
        require_dockerfile(context, dockerfile)
        file = context.resolve() / dockerfile
        options = {"filename": file.name, **{f"label:{name}": value for name, value in labels.items()}}
        options |= {f"build-arg:{name}": value for name, value in build_args.items()}
        if target:
            options["target"] = target
        return self._to_archive(context.resolve(), file.parent, options, on_line, timeout)

    def pull(self, reference: ImageReference, *, timeout: float) -> str:
        """As Builder."""
        if reference.digest is None:
            raise TerminalError(f"{reference} has no digest to pull by")
        with tempfile.TemporaryDirectory(prefix="towpath-pull-") as name:
            folder = Path(name)
            (folder / "Dockerfile").write_text(f"FROM {reference}\n")
            try:
                return self._to_archive(folder, folder, {}, lambda _: None, timeout)
            except BuildError as error:
                raise TerminalError(f"{reference} cannot be pulled: {error.message}") from error

    def save(self, image: str, tar: Path, *, timeout: float) -> None:  # noqa: ARG002
        """As Builder."""
        try:
            shutil.copyfile(self._archive(image), tar)
        except OSError as error:
            raise TerminalError(f"cannot copy the archive of {image[:19]}: {error.strerror}") from error

    def push(self, image: str, reference: ImageReference, *, timeout: float) -> str:  # noqa: ARG002
        """As Builder."""
        if reference.tag is None:
            raise TerminalError(f"{reference} has no tag to push under")
        return self._read(self._archive(image), lambda archive: archive.push(reference))

    def forget(self, images: Iterable[str]) -> None:
        """As Builder."""
        for image in images:
            self._archive(image).unlink(missing_ok=True)

    def _to_archive(
        self,
        context: Path,
        folder: Path,
        options: Mapping[str, str],
        on_line: Callable[[str], None],
        timeout: float,
    ) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._forget_old()
        with tempfile.TemporaryDirectory(prefix=".new-", dir=self._folder) as name:
            made = Path(name) / "image.tar"
            asked = [f"--opt={name}={value}" for name, value in options.items()]
            self._ask(
                [
                    *("build", "--progress=plain", "--frontend=dockerfile.v0"),
                    *(f"--local=context={context}", f"--local=dockerfile={folder}"),
                    *(*asked, f"--output=type=docker,dest={made}"),
                ],
                timeout,
                on_line,
            )
            image = self._read(made, lambda archive: archive.id)
            made.replace(self._archive(image))
        return image

    def _ask(self, args: Iterable[str], timeout: float, on_line: Callable[[str], None] | None = None) -> str:
        tls = [f"--tlsdir={self.tls}"] if self.tls else []
        known = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            return run(
                [PROGRAM, f"--addr={self.host}", *tls, *args],
                env=known,
                timeout=timeout,
                on_line=None if on_line is None else lambda line: _say(on_line, line),
            ).stdout
        except MissingPartError as error:
            raise MissingPartError(
                f"{PROGRAM} is not installed, by which BuildKit is asked",
                remedy="Put it on PATH (https://github.com/moby/buildkit), or name a Docker Engine.",
            ) from error
        except CommandError as error:
            raise self._told(error, timeout) from error

    def _told(self, error: CommandError, timeout: float) -> Exception:
        said = printable(error.output)
        if error.timed_out:
            return BuildError(f"the build did not end within {timeout:g} s:\n{said}")
        if _A_STEP_FAILED in said:
            return BuildError(said)
        if is_transient(said):
            return TransientError(
                f"the build could not get what it needs: {said}",
                remedy=f"Does BuildKit answer at {redact(self.host)}, and the registry of the base image?",
            )
        return BuildError(said)

    def _read(self, path: Path, work: Callable[[ImageArchive], T]) -> T:
        with opened(path) as archive:
            return work(archive)

    @property
    def _folder(self) -> Path:
        return self.cache / "images"

    def _archive(self, image: str) -> Path:
        return self._folder / f"{image.partition(':')[2]}.tar"

    def _forget_old(self) -> None:
        for path in self._folder.glob("*.tar"):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink(missing_ok=True)


def _say(on_line: Callable[[str], None], line: str) -> None:
    text = printable(line).rstrip()
    if text:
        on_line(text)
