"""Builds, saves and pushes images with a Docker Engine (docker SDK, classic builder or newer)."""

import contextlib
import os
import posixpath
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import docker.errors
import docker.utils
from docker.utils.build import create_archive
from urllib3.exceptions import ReadTimeoutError

from towpath.adapters.images.build_context import require_dockerfile
from towpath.adapters.images.docker_engine import open_engine
from towpath.adapters.images.dockerignore import sent_files
from towpath.adapters.images.transient import is_transient
from towpath.adapters.process import tail
from towpath.errors import BuildError, TerminalError, TransientError
from towpath.printable import printable
from towpath.redact import redact
from towpath.release.image_ref import ImageReference, check_digest

LAST_LINES = 30
LABELS = "org.opencontainers.image."

_STEP = re.compile(r"^Step \d+/\d+ : ")
_NOISE = re.compile(r"^ ---> |^Removing intermediate container ")


def labels(*, commit: str, source: str, version: str, created: str) -> dict[str, str]:
    """The labels of a release's image. `created` is the commit's time: a second build has the same."""
    values = {"revision": commit, "source": source, "version": version, "created": created}
    return {LABELS + name: redact(value) for name, value in values.items() if value}


def build(  # noqa: PLR0913
    context: Path,
    dockerfile: str = "Dockerfile",
    *,
    tag: str | None = None,
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    network: str | None = None,
    docker_host: str | None = None,
    on_line: Callable[[str], None] | None = None,
    timeout: float = 1800.0,
) -> str:
    """Build an image and return its id (`sha256:…`, the digest of its config).

    `dockerfile` is relative to `context`; `network` is the mode of its steps (None: the engine's default;
    `none`: no network); `on_line` gets each line of output, redacted; `timeout` is in seconds, counted again
    when a step is silent. Raises BuildError, which ends with the output of the step that failed, and
    TransientError when the engine or the base image's registry does not answer.
    """
    require_dockerfile(context, dockerfile)
    log = _Log(on_line)
    deadline = time.monotonic() + timeout
    files = sent_files(context, dockerfile)
    with open_engine(docker_host, timeout=timeout) as engine:
        answers = engine.build(
            fileobj=cast("IO[bytes]", create_archive(root=str(context.resolve()), files=files)),
            custom_context=True,
            dockerfile=posixpath.normpath(dockerfile),
            tag=tag,
            target=target,
            buildargs=dict(build_args or {}),
            labels=dict(labels or {}),
            network_mode=network,
            timeout=int(timeout),
            rm=True,
            forcerm=True,
            decode=True,
        )
        image_id = _built_image(answers, log, deadline, timeout)
        if image_id is None:
            raise BuildError(f"the build ended without an image:\n{log.last_step()}")
        image: dict[str, Any] = engine.inspect_image(image_id)  # type: ignore[no-untyped-call]
        return check_digest(str(image["Id"]))


def _built_image(
    answers: Iterable[Mapping[str, Any]], log: "_Log", deadline: float, timeout: float
) -> str | None:
    """Read the engine's answers to their end; the id in them, None when they name none."""
    image_id = None
    with _as_build_error(log, timeout):
        for answer in answers:
            log.add(str(answer.get("stream") or ""))
            image_id = (answer.get("aux") or {}).get("ID") or image_id
            if "error" in answer:
                raise _failed_build(str(answer["error"]), log)
            if time.monotonic() > deadline:
                raise _too_long(timeout, log)
    log.end()
    return image_id


def save(image_id: str, tar: Path, *, docker_host: str | None = None, timeout: float = 600.0) -> None:
    """Write an image to a tar file in one step: the file appears only when it is complete.

    `timeout` is in seconds. Raises TerminalError when the file cannot be written, TransientError when the
    engine does not answer.
    """
    tar.parent.mkdir(parents=True, exist_ok=True)
    with open_engine(docker_host, timeout=timeout) as engine:
        handle, name = tempfile.mkstemp(dir=tar.parent, prefix=f".{tar.name}.")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in engine.get_image(image_id):
                    file.write(chunk)
            part.replace(tar)
        except OSError as error:
            raise TerminalError(f"cannot write {tar}: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)


def push(
    image_id: str,
    reference: ImageReference,
    *,
    docker_host: str | None = None,
    on_line: Callable[[str], None] | None = None,
    timeout: float = 600.0,
) -> str:
    """Push an image under a tag and return the digest that the registry gave its manifest.

    The tag is only a handle for the push: read the digest back from the registry before relying on it.
    """
    if reference.tag is None:
        raise TerminalError(f"{reference} has no tag to push under")
    log = _Log(on_line)
    digest = None
    with open_engine(docker_host, timeout=timeout) as engine:
        engine.tag(image_id, reference.name, reference.tag, force=True)
        for answer in engine.push(reference.name, tag=reference.tag, stream=True, decode=True):
            if "error" in answer:
                raise _failed_push(str(answer["error"]), reference)
            digest = (answer.get("aux") or {}).get("Digest") or digest
            if answer.get("status") and not answer.get("progressDetail"):
                log.add(f"{answer.get('id', '')} {answer['status']}".strip() + "\n")
    if digest is None:
        raise TransientError(f"the push of {reference} ended without a digest")
    return check_digest(str(digest))


def pull(reference: ImageReference, *, docker_host: str | None = None, timeout: float = 600.0) -> str:
    """Pull an image by its digest, for this machine's platform, and return its id.

    Raises TerminalError where the registry refuses it, TransientError where it does not answer.
    """
    if reference.digest is None:
        raise TerminalError(f"{reference} has no digest to pull by")
    with open_engine(docker_host, timeout=timeout) as engine:
        for answer in engine.pull(reference.name, tag=reference.digest, stream=True, decode=True):
            if "error" in answer:
                raise _failed_pull(str(answer["error"]), reference)
        image: dict[str, Any] = engine.inspect_image(str(reference))  # type: ignore[no-untyped-call]
        return check_digest(str(image["Id"]))


class _Log:
    """Cuts a stream into lines and keeps those of the current step."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self.on_line = on_line
        self.unfinished = ""
        self.step: list[str] = []

    def add(self, text: str) -> None:
        *lines, self.unfinished = (self.unfinished + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        if self.unfinished:
            self._line(self.unfinished)
        self.unfinished = ""

    def last_step(self) -> str:
        self.end()
        lines = [line for line in self.step if not _NOISE.match(line)]
        head = lines[:1] if len(lines) > LAST_LINES else []
        return tail("\n".join([*head, *lines[-LAST_LINES:]]), LAST_LINES + 1)

    def _line(self, raw: str) -> None:
        line = redact(printable(raw)).rstrip()
        if not line:
            return
        if _STEP.match(line):
            self.step = []
        self.step.append(line)
        if self.on_line is not None:
            self.on_line(line)


def _failed_build(message: str, log: _Log) -> Exception:
    message = redact(printable(message)).strip()
    if is_transient(message) and "returned a non-zero code" not in message:
        return TransientError(f"the build could not get what it needs: {message}")
    step = log.last_step()
    return BuildError(f"{message}\n{step}" if step and step != message else message)


def _failed_pull(message: str, reference: ImageReference) -> Exception:
    message = f"{reference} cannot be pulled: {redact(printable(message)).strip()}"
    kind = TransientError if is_transient(message) else TerminalError
    return kind(message, remedy=f"`docker login {reference.registry}` gives the rights to pull.")


def _failed_push(message: str, reference: ImageReference) -> Exception:
    message = redact(message).strip()
    if is_transient(message):
        return TransientError(
            f"registry {reference.registry} did not take {reference}: {message}",
            remedy=f"Is the registry {reference.registry} running? `towpath doctor` says.",
        )
    return TerminalError(
        f"registry {reference.registry} refused {reference}: {message}",
        remedy=f"`docker login {reference.registry}` gives the rights to push.",
    )


@contextlib.contextmanager
def _as_build_error(log: _Log, timeout: float) -> Iterator[None]:
    """Translate what the engine refuses before the first step: the Dockerfile is wrong."""
    try:
        yield
    except docker.errors.APIError as error:
        if error.response is not None and error.response.status_code >= 500 and not _in_dockerfile(error):
            raise
        raise _failed_build(str(error.explanation or error), log) from error
    except ReadTimeoutError as error:
        raise _too_long(timeout, log) from error


def _too_long(timeout: float, log: _Log) -> BuildError:
    return BuildError(f"the build did not end within {timeout:g} s:\n{log.last_step()}")


def _in_dockerfile(error: docker.errors.APIError) -> bool:
    return "dockerfile" in str(error.explanation).lower()
