"""Kubeconfigs as kubectl 1.35 reads them: from texts to values, and which of them a context names.

The same rules as client-go's: of several files the first to name a context, cluster or user gives all of it;
relative paths start at the folder of their file; unknown keys are left alone; a value of the wrong type, or a
name that stands twice, makes the whole file unusable. Nothing is read from disk here.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar

from towpath.adapters.kubernetes.fields import Fields, KubeconfigError
from towpath.errors import ConfigError
from towpath.yamltext.manifest_reader import load_document

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"
_EXEC_API = "client.authentication.k8s.io"
_INTERACTIVE_MODES = ("Never", "IfAvailable", "Always")
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class ClusterEntry:
    """How to reach an API server. `exec_config` is what the file tells exec plugins about it, as JSON."""

    server: str = ""
    tls_server_name: str = ""
    skip_tls_verify: bool = False
    authority_file: str = ""
    authority: bytes = b""
    proxy_url: str = field(default="", repr=False)
    disable_compression: bool = False
    exec_config: str = ""


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that gives credentials. A `command` without a slash is looked for on PATH."""

    command: str
    api_version: str
    interactive_mode: str
    args: tuple[str, ...] = field(default=(), repr=False)
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    provide_cluster_info: bool = False
    install_hint: str = ""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """As whom to act; `extra` holds each key with its values."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class UserEntry:
    """Who we are, and as whom to act."""

    token: str = field(default="", repr=False)
    token_file: str = ""
    certificate_file: str = ""
    certificate: bytes = b""
    key_file: str = ""
    key: bytes = field(default=b"", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    auth_provider: str | None = None
    exec_plugin: ExecPlugin | None = None
    impersonation: Impersonation = Impersonation()

    @property
    def has_token(self) -> bool:
        return bool(self.token or self.token_file)

    @property
    def has_certificate(self) -> bool:
        return bool(self.certificate_file or self.certificate)

    @property
    def plugin(self) -> ExecPlugin | None:
        """The exec plugin, if its program is run: a token or a certificate of the file goes before it."""
        return None if self.has_token or self.has_certificate else self.exec_plugin


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """Which user goes to which cluster."""

    cluster: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One file, or several merged."""

    current_context: str = ""
    contexts: Mapping[str, ContextEntry] = field(default_factory=dict)
    clusters: Mapping[str, ClusterEntry] = field(default_factory=dict)
    users: Mapping[str, UserEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a context names. `user_name` may be that of a user whom no file knows; then `user` is empty."""

    context: str
    cluster_name: str
    cluster: ClusterEntry
    user_name: str
    user: UserEntry


def parse(text: bytes, file: str) -> Kubeconfig:
    """The contents of one file, whose absolute path is `file`. Raises KubeconfigError."""
    try:
        content = load_document(text, file)
    except ConfigError as error:
        raise KubeconfigError(error.message) from None
    top = Fields(content, file)
    for key, wanted in (("apiVersion", "v1"), ("kind", "Config")):
        if (found := top.text(key)) not in ("", wanted):
            raise KubeconfigError(f"{file}: `{key}` is {found!r}, not {wanted}")
    folder = os.path.dirname(file)  # noqa: PTH120 (symbolic links stay, as for kubectl)

    def path(fields: Fields, key: str) -> str:
        return _absolute(fields.text(key), folder)

    return Kubeconfig(
        current_context=top.text("current-context"),
        contexts=_named(top, "contexts", "context", _context),
        clusters=_named(top, "clusters", "cluster", lambda fields: _cluster(fields, path)),
        users=_named(top, "users", "user", lambda fields: _user(fields, path, folder)),
    )


def merge(configs: Sequence[Kubeconfig]) -> Kubeconfig:
    """All of them as one: what the first of them names stays."""
    latest_first = configs[::-1]
    return Kubeconfig(
        current_context=next((each.current_context for each in configs if each.current_context), ""),
        contexts=dict(chain.from_iterable(each.contexts.items() for each in latest_first)),
        clusters=dict(chain.from_iterable(each.clusters.items() for each in latest_first)),
        users=dict(chain.from_iterable(each.users.items() for each in latest_first)),
    )


def choose(config: Kubeconfig, context: str | None) -> Chosen:
    """What `context`, or the current one, names. KubeconfigError when it or its cluster is not there."""
    name = context or config.current_context
    if not name:
        raise KubeconfigError("it has no current-context")
    entry = config.contexts.get(name)
    if entry is None:
        raise KubeconfigError(f"it has no context {name!r}")
    cluster = config.clusters.get(entry.cluster)
    if cluster is None:
        raise KubeconfigError(f"context {name!r} names cluster {entry.cluster!r}, which is not there")
    return Chosen(name, entry.cluster, cluster, entry.user, config.users.get(entry.user, UserEntry()))


def validate(chosen: Chosen) -> None:
    """Raises KubeconfigError for what kubectl refuses in the chosen cluster and user."""
    for problem in chain(_cluster_problems(chosen.cluster), _user_problems(chosen.user)):
        raise KubeconfigError(f"context {chosen.context!r} (user {chosen.user_name!r}): {problem}")


def _cluster_problems(cluster: ClusterEntry) -> Sequence[str]:
    problems = []
    if not cluster.server:
        problems.append("its cluster has no `server`")
    if cluster.authority and cluster.authority_file:
        problems.append("both `certificate-authority` and `certificate-authority-data` are given")
    return problems


def _user_problems(user: UserEntry) -> Sequence[str]:
    problems = []
    if user.has_certificate:
        if user.certificate and user.certificate_file:
            problems.append("both `client-certificate` and `client-certificate-data` are given")
        if user.key and user.key_file:
            problems.append("both `client-key` and `client-key-data` are given")
        if not user.key and not user.key_file:
            problems.append("a client certificate is given without its `client-key` or `client-key-data`")
    if user.exec_plugin is not None:
        problems += _exec_problems(user.exec_plugin)
    who = user.impersonation
    if not who.user and (who.uid or who.groups or who.extra):
        problems.append("`as-uid`, `as-groups` or `as-user-extra` is given without `as`")
    return problems


def _exec_problems(plugin: ExecPlugin) -> Sequence[str]:
    problems = []
    if not plugin.command:
        problems.append("`exec` has no `command`")
    if plugin.api_version not in (f"{_EXEC_API}/v1", f"{_EXEC_API}/v1beta1"):
        problems.append(f"`exec` has apiVersion {plugin.api_version!r}, not {_EXEC_API}/v1 or v1beta1")
    if any(not name for name, _ in plugin.env):
        problems.append("`exec` sets a variable without a name")
    if plugin.interactive_mode not in _INTERACTIVE_MODES:
        problems.append(f"`exec` needs an `interactiveMode`: one of {', '.join(_INTERACTIVE_MODES)}")
    return problems


def _named(top: Fields, key: str, inner: str, build: Callable[[Fields], _Entry]) -> Mapping[str, _Entry]:
    found: dict[str, _Entry] = {}
    for entry in top.entries(key):
        name = entry.text("name")
        if name in found:
            raise KubeconfigError(f"{entry.where}: the name {name!r} stands twice")
        found[name] = build(entry.inside(inner))
    return found


def _context(fields: Fields) -> ContextEntry:
    fields.text("namespace")
    return ContextEntry(fields.text("cluster"), fields.text("user"))


def _cluster(fields: Fields, path: Callable[[Fields, str], str]) -> ClusterEntry:
    return ClusterEntry(
        server=fields.text("server"),
        tls_server_name=fields.text("tls-server-name"),
        skip_tls_verify=fields.flag("insecure-skip-tls-verify"),
        authority_file=path(fields, "certificate-authority"),
        authority=fields.base64("certificate-authority-data"),
        proxy_url=fields.text("proxy-url"),
        disable_compression=fields.flag("disable-compression"),
        exec_config=_exec_config(fields),
    )


def _exec_config(fields: Fields) -> str:
    extensions: dict[str, Any] = {}
    for entry in fields.entries("extensions"):
        name = entry.text("name")
        if name in extensions:
            raise KubeconfigError(f"{entry.where}: the name {name!r} stands twice")
        extensions[name] = entry.raw("extension")
    told = extensions.get(_EXEC_EXTENSION)
    return "" if told is None else json.dumps(told)


def _user(fields: Fields, path: Callable[[Fields, str], str], folder: str) -> UserEntry:
    provider = fields.optional("auth-provider")
    plugin = fields.optional("exec")
    return UserEntry(
        token=fields.text("token"),
        token_file=path(fields, "tokenFile"),
        certificate_file=path(fields, "client-certificate"),
        certificate=fields.base64("client-certificate-data"),
        key_file=path(fields, "client-key"),
        key=fields.base64("client-key-data"),
        username=fields.text("username"),
        password=fields.text("password"),
        auth_provider=None if provider is None else provider.text("name"),
        exec_plugin=None if plugin is None else _exec_plugin(plugin, folder),
        impersonation=Impersonation(
            user=fields.text("as"),
            uid=fields.text("as-uid"),
            groups=fields.texts("as-groups"),
            extra=fields.lists_by_name("as-user-extra"),
        ),
    )


def _exec_plugin(fields: Fields, folder: str) -> ExecPlugin:
    command, api = fields.text("command"), fields.text("apiVersion")
    # v1beta1 is from before the field, which v1 requires.
    default = "IfAvailable" if api == f"{_EXEC_API}/v1beta1" else ""
    return ExecPlugin(
        command=_absolute(command, folder) if "/" in command else command,
        api_version=api,
        interactive_mode=fields.text("interactiveMode") or default,
        args=fields.texts("args"),
        env=tuple((entry.text("name"), entry.text("value")) for entry in fields.entries("env")),
        provide_cluster_info=fields.flag("provideClusterInfo"),
        install_hint=fields.text("installHint"),
    )


def _absolute(path: str, folder: str) -> str:
    # As Go joins paths: by their letters, so that a symbolic link's `..` is where it is written.
    return os.path.normpath(os.path.join(folder, path)) if path else ""  # noqa: PTH118
