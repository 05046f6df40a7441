"""A connection to a Docker Engine; what goes wrong with it is told in Towpath's own errors."""

import contextlib
import os
from collections.abc import Iterator

import docker.errors
import docker.utils
import requests
from docker import APIClient
from urllib3.exceptions import HTTPError

from towpath.errors import TerminalError, TransientError
from towpath.redact import redact

REQUEST_TIMEOUT = 60


def engine_version(docker_host: str | None) -> str:
    """The version of the Docker Engine."""
    with open_engine(docker_host) as engine:
        return str(engine.version()["Version"])


@contextlib.contextmanager
def open_engine(docker_host: str | None, *, timeout: float = REQUEST_TIMEOUT) -> Iterator[APIClient]:
    """A connected client; errors of the SDK and of the connection become Towpath's own."""
    environ = {**os.environ, **({"DOCKER_HOST": docker_host} if docker_host else {})}
    host = environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    client: APIClient | None = None
    try:
        known = docker.utils.kwargs_from_env(environ)
        client = APIClient(**known, version="auto", timeout=int(timeout))
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


def _no_answer(host: str) -> TransientError:
    return TransientError(
        f"no Docker Engine answers at {redact(host)}",
        remedy="Start one with `towpath local up`, or name a running one in DOCKER_HOST.",
    )
