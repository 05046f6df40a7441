"""Exec plugins: a program gives a token or a client certificate, and is run again when that has expired."""

import base64
import json
import os
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from towpath.adapters import process
from towpath.adapters.kubernetes.credentials import Identity, checked_token
from towpath.adapters.kubernetes.fields import Fields, KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import ClusterEntry, ExecPlugin
from towpath.adapters.kubernetes.tls import KeyPair, client_context
from towpath.errors import ConfigError, MissingPartError, TerminalError
from towpath.printable import printable
from towpath.redact import remember_environment_secrets
from towpath.yamltext.manifest_reader import load_document

SECONDS = 60.0
"""That the program may take."""
LARGEST = 1 << 20
_INFO = "KUBERNETES_EXEC_INFO"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_BY_HAND = (
    "Run it by hand on this machine to see what it says: its output may hold credentials, so that it is not"
    " shown here."
)


class ExecSource:
    """Runs the program when its credentials are first needed, have expired, or are refused."""

    def __init__(self, plugin: ExecPlugin, cluster: ClusterEntry | None, authority: bytes) -> None:
        self._plugin, self._cluster, self._authority = plugin, cluster, authority
        self._lock = threading.Lock()
        self._identity: Identity | None = None
        self._expires: datetime | None = None

    def current(self) -> Identity:
        with self._lock:
            if self._identity is None or (self._expires and datetime.now(UTC) > self._expires):
                return self._run()
            return self._identity

    def renewed(self, refused: Identity) -> Identity | None:
        with self._lock:
            found = self._run() if self._identity == refused or self._identity is None else self._identity
        return found if found != refused else None

    def _run(self) -> Identity:
        self._identity = None  # what has expired is not used again, whatever comes now
        try:
            self._identity, self._expires = _read(self._output(), self._plugin.api_version)
        except KubeconfigError as error:
            raise TerminalError(f"{_named(self._plugin)} {error}", remedy=_BY_HAND) from None
        return self._identity

    def _output(self) -> str:
        plugin = self._plugin
        if plugin.interactive_mode == "Always":
            raise KubeconfigError(
                "wants a terminal (`interactiveMode: Always`), which it is never given here"
            )
        info = _info(plugin, self._cluster, self._authority)
        environ = {**os.environ, **dict(plugin.env), _INFO: info}
        try:
            command = [plugin.command, *plugin.args]
            return process.run(command, env=environ, timeout=SECONDS, max_output=LARGEST).stdout
        except process.CommandError as error:
            raise KubeconfigError(_why(error)) from None
        except (OSError, ValueError, MissingPartError) as error:
            cause = error.__cause__ if isinstance(error, MissingPartError) else error
            why = getattr(cause, "strerror", None) or "it is no program that this machine runs"
            raise KubeconfigError(f"cannot be run: {why}") from None


def shared_source(plugin: ExecPlugin, cluster: ClusterEntry, authority: bytes) -> ExecSource:
    """One for all connections of this process that would run the same program in the same way.

    Raises TerminalError when the program is not there.
    """
    try:
        found = replace(plugin, command=_program(plugin))
    except KubeconfigError as error:
        raise TerminalError(f"{_named(plugin)} {error}", remedy="Install it on this machine.") from None
    return _shared(found, *((cluster, authority) if plugin.provide_cluster_info else (None, b"")))


@lru_cache(maxsize=64)
def _shared(plugin: ExecPlugin, cluster: ClusterEntry | None, authority: bytes) -> ExecSource:
    remember_environment_secrets(dict(plugin.env))
    return ExecSource(plugin, cluster, authority)


def _named(plugin: ExecPlugin) -> str:
    return f"the program {printable(plugin.command)}, which gives the kubeconfig's credentials,"


def _program(plugin: ExecPlugin) -> str:
    """Its path. As in Go, and unlike a shell, nothing of the current folder is run by its mere name."""
    if "/" in plugin.command:
        return plugin.command
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder, plugin.command)
        if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
            return str(path)
    hint = f" ({printable(plugin.install_hint)})" if plugin.install_hint else ""
    raise KubeconfigError(f"is not on PATH{hint}")


def _why(error: process.CommandError) -> str:
    if error.timed_out:
        return f"did not end within {SECONDS:g} s and was ended"
    return "wrote too much" if error.code is None else f"failed with exit code {error.code}"


def _info(plugin: ExecPlugin, cluster: ClusterEntry | None, authority: bytes) -> str:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info and cluster is not None:
        told = {
            "server": cluster.server,
            "tls-server-name": cluster.tls_server_name,
            "certificate-authority-data": base64.b64encode(authority).decode(),
            "proxy-url": cluster.proxy_url,
            "disable-compression": cluster.disable_compression,
        }
        spec["cluster"] = {key: value for key, value in told.items() if value or key == "server"}
        spec["cluster"]["config"] = json.loads(cluster.exec_config or "null")
    content = {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}
    return json.dumps(content, separators=(",", ":"))


def _read(output: str, api_version: str) -> tuple[Identity, datetime | None]:
    answer = Fields(_content(output), "answered with a wrong ExecCredential")
    if answer.text("kind") != "ExecCredential" or answer.text("apiVersion") != api_version:
        raise KubeconfigError(f"did not answer with an ExecCredential of {api_version}")
    status = answer.optional("status")
    if status is None:
        raise KubeconfigError("answered without a `status`")
    token = status.text("token")
    pair = KeyPair(status.text("clientCertificateData").encode(), status.text("clientKeyData").encode())
    if bool(pair.certificate) != bool(pair.key):
        raise KubeconfigError("answered with only one of certificate and key")
    if not token and not pair.certificate:
        raise KubeconfigError("answered without a token or a certificate")
    identity = Identity(
        checked_token(token, "answered with a token that") if token else "",
        pair if pair.certificate else None,
    )
    if identity.pair:
        try:
            client_context(b"", identity.pair)
        except KubeconfigError as error:
            raise KubeconfigError(f"answered with a wrong certificate: {error}") from None
    return identity, _time(status.text("expirationTimestamp"))


def _content(output: str) -> Any:
    try:
        return json.loads(output)
    except ValueError:
        pass
    try:
        return load_document(output, "its answer")
    except ConfigError:
        raise KubeconfigError("did not answer with JSON or YAML") from None


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise KubeconfigError("answered with an `expirationTimestamp` that is no time as in RFC 3339")
