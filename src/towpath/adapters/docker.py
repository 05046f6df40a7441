"""Builds, saves and pushes images with a Docker Engine (docker SDK, classic builder or newer), and reads the
credentials that `docker login` left."""

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker.auth
import docker.errors
import docker.utils
import requests
from docker import APIClient
from urllib3.exceptions import HTTPError, ReadTimeoutError

from towpath.adapters.process import tail
from towpath.errors import BuildError, TerminalError, TransientError
from towpath.printable import printable
from towpath.redact import redact
from towpath.release.image_ref import ImageReference, check_digest

REQUEST_TIMEOUT = 60
LAST_LINES = 30
LABELS = "org.opencontainers.image."

_STEP = re.compile(r"^Step \d+/\d+ : ")
_NOISE = re.compile(r"^ ---> |^Removing intermediate container ")
# What a registry or the network says when trying again may help.
_PASSING = re.compile(
    r"connection refused|connection reset|i/o timeout|no such host|TLS handshake timeout|unexpected EOF|"
    r"server misbehaving|Client\.Timeout|network is unreachable|toomanyrequests|"
    r"unexpected (?:HTTP )?status:? (?:from .{0,200})?(?:429|5\d\d)",
    re.IGNORECASE,
)


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
    when a step is silent. BuildError ends with the output of the step that failed; TransientError means that
    the engine or the base image's registry did not answer.
    """
    _check_dockerfile(context, dockerfile)
    log = _Log(on_line)
    deadline = time.monotonic() + timeout
    with _engine(docker_host, timeout=timeout) as engine:
        answers = engine.build(
            path=str(context),
            dockerfile=dockerfile,
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
        if image_id is None:
            raise BuildError(f"the build ended without an image:\n{log.last_step()}")
        found: dict[str, Any] = engine.inspect_image(image_id)  # type: ignore[no-untyped-call]
        return check_digest(str(found["Id"]))


def save(image_id: str, tar: Path, *, docker_host: str | None = None, timeout: float = 600.0) -> None:
    """Write an image to a tar file; the file appears only when it is whole."""
    tar.parent.mkdir(parents=True, exist_ok=True)
    with _engine(docker_host, timeout=timeout) as engine:
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
    with _engine(docker_host, timeout=timeout) as engine:
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


def credentials(registry: str) -> dict[str, str]:
    """What `docker login` or its credential helper knows for a registry; empty when nothing.

    Keys: `username` and `password`, or `identitytoken`.
    """
    try:
        found = docker.auth.load_config().resolve_authconfig(registry)
    except docker.errors.DockerException as error:
        raise TerminalError(f"cannot read Docker's credentials for {registry}: {error}") from error
    known = {str(key).lower(): str(value) for key, value in (found or {}).items() if value}
    if "identitytoken" in known:
        return {"identitytoken": known["identitytoken"]}
    if "username" in known and "password" in known:
        return {"username": known["username"], "password": known["password"]}
    return {}


class _Log:
    """Cuts a stream into lines and keeps those of the step that runs."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self.on_line = on_line
        self.rest = ""
        self.step: list[str] = []

    def add(self, text: str) -> None:
        *lines, self.rest = (self.rest + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        if self.rest:
            self._line(self.rest)
        self.rest = ""

    def last_step(self) -> str:
        self.end()
        said = [line for line in self.step if not _NOISE.match(line)]
        head = said[:1] if len(said) > LAST_LINES else []
        return tail("\n".join([*head, *said[-LAST_LINES:]]), LAST_LINES + 1)

    def _line(self, raw: str) -> None:
        line = redact(printable(raw)).rstrip()
        if not line:
            return
        if _STEP.match(line):
            self.step = []
        self.step.append(line)
        if self.on_line is not None:
            self.on_line(line)


def _check_dockerfile(context: Path, dockerfile: str) -> None:
    """The SDK would read a Dockerfile from anywhere; ours lies below the context."""
    root = context.resolve()
    path = (root / dockerfile).resolve()
    if dockerfile.startswith("-") or not path.is_relative_to(root):
        raise BuildError(f"Dockerfile {dockerfile} is outside of the build context")
    if not path.is_file():
        raise BuildError(
            f"there is no {dockerfile} in the source",
            remedy="Say where it is: `source.dockerfile` in towpath.yaml.",
        )


def _failed_build(message: str, log: _Log) -> Exception:
    message = redact(printable(message)).strip()
    if _PASSING.search(message) and "returned a non-zero code" not in message:
        return TransientError(f"the build could not get what it needs: {message}")
    step = log.last_step()
    return BuildError(f"{message}\n{step}" if step and step != message else message)


def _failed_push(message: str, reference: ImageReference) -> Exception:
    message = redact(message).strip()
    if _PASSING.search(message):
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
    """What the engine refuses before the first step is a wrong Dockerfile."""
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


@contextlib.contextmanager
def _engine(docker_host: str | None, *, timeout: float = REQUEST_TIMEOUT) -> Iterator[APIClient]:
    """A connected client; every error of the SDK or the connection leaves as one of ours."""
    environ = {**os.environ, **({"DOCKER_HOST": docker_host} if docker_host else {})}
    host = environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    client: APIClient | None = None
    try:
        client = APIClient(**_connection(environ), version="auto", timeout=int(timeout))
        yield client
    except docker.errors.APIError as error:
        status = error.response.status_code if error.response is not None else 0
        message = f"the Docker Engine at {redact(host)} refused: {redact(str(error.explanation or error))}"
        raise (TransientError if status >= 500 else TerminalError)(message) from error
    except (docker.errors.DockerException, requests.RequestException, HTTPError, OSError) as error:
        raise _no_answer(host) from error
    finally:
        if client is not None:
            client.close()


def _connection(environ: Mapping[str, str]) -> dict[str, Any]:
    return dict(docker.utils.kwargs_from_env(environment=dict(environ)))


def _no_answer(host: str) -> TransientError:
    return TransientError(
        f"no Docker Engine answers at {redact(host)}",
        remedy="Start one with `towpath local up`, or name a running one in DOCKER_HOST.",
    )
