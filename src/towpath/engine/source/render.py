"""Renders and admits what Git says about one app in one environment; the cluster is not asked."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from towpath.adapters.rendering import renderers
from towpath.adapters.rendering.quota import RenderQuota
from towpath.admission.policy import AdmissionPolicy
from towpath.admission.rules import Admission, Finding, admit_objects
from towpath.applyset.digest_key import sealed
from towpath.applyset.hooks import split_hooks
from towpath.config import App, Config, Environment
from towpath.errors import ConfigError, RefusedError
from towpath.files import NO_EDITS, Edits, read_text
from towpath.objects import Manifest, ObjectRef
from towpath.redact import names_secret, remember_objects, without_values
from towpath.release.model import EnvironmentRelease, Release, repositories
from towpath.release.release_file import is_in, parse_release_file, release_path
from towpath.yamltext.manifest_reader import ManifestDocument


@dataclass(frozen=True, slots=True)
class Rendered:
    """The admitted objects, in the renderer's order.

    `digest` is the SHA-256 of their canonical JSON. Where they hold secret values, it stays in this process
    and in the cache of renderings: stored and shown is what `recorded_digest` gives.
    """

    app: str
    environment: str
    namespace: str
    objects: tuple[Manifest, ...]
    digest: str
    origins: Mapping[ObjectRef, ManifestDocument] = field(default_factory=dict, repr=False, compare=False)
    hooks: tuple[Manifest, ...] = ()
    """Jobs that run at a sync (hooks.py); `digest` covers them, `objects` does not have them."""
    beside: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Folders beside the app's own that it was rendered from, such as `vendor`, each with Git's id of it."""
    holds_values: bool = field(init=False, repr=False, compare=False)
    """Whether there is a secret value in it: in a Secret, or under the name of a credential."""
    names_secrets: bool = field(init=False, repr=False, compare=False)
    """Whether live Secrets are to be read: its objects may hold values of theirs."""

    def __post_init__(self) -> None:
        objects = (*self.objects, *self.hooks)
        # Also what comes from the cache is known before anything is said about it.
        holds = remember_objects(objects, (self.app, self.environment, self.namespace))
        object.__setattr__(self, "holds_values", holds)
        object.__setattr__(self, "names_secrets", holds or any(map(names_secret, objects)))

    def recorded_digest(self, key: bytes | None) -> str:
        """The digest for inventories, plans and Jobs, which others read than may read Secrets.

        With secret values in the objects it is an HMAC; without a key it leaves out the values.
        """
        if not self.holds_values:
            return self.digest
        if key is None:
            return digest_of(tuple(map(without_values, (*self.objects, *self.hooks))))
        return f"sha256:{sealed(key, self.digest.removeprefix('sha256:'))}"

    def is_recorded(self, digest: str, key: bytes | None) -> bool:
        """Whether a recorded digest is of these objects; before there was a key, it was the plain one."""
        return digest == self.digest or digest == self.recorded_digest(key)  # the second costs more


def secret_places(app: Rendered) -> set[str]:
    """The namespaces whose Secrets are read, because an app's objects there may hold values of theirs."""
    objects = (*app.objects, *app.hooks)
    places = {each["metadata"].get("namespace", "") for each in objects if names_secret(each)}
    return (places | {app.namespace}) - {""} if app.names_secrets else set()


@dataclass(frozen=True, slots=True)
class EarlierApp:
    """An app as it was at an earlier commit, with the rules of its environment then."""

    rendered: Rendered
    environment: Environment


def render_app(  # noqa: PLR0913
    checkout: Path,
    config: Config,
    app: str,
    environment: str,
    *,
    tools: Path | None = None,
    cache: Path | None = None,
    edits: Edits = NO_EDITS,
) -> Rendered:
    """Render one app for one environment, or take it from `cache` when nothing it is made of has changed.

    With `edits` it is rendered as if they were committed; the checkout stays as it is. Raises ConfigError for
    a file that a person must correct, RefusedError with every finding of admission, UnknownNameError for an
    app or environment that towpath.yaml does not name.
    """
    app_config, environment_config = config.app(app), config.environment(environment)
    admission = judge_app(checkout, app_config, environment_config, tools=tools, cache=cache, edits=edits)
    if admission.findings:
        raise refusal(f"app {app} in {environment}", admission.findings)
    return rendered(app, environment_config, admission)


def released_apps(checkout: Path, config: Config, environment: str) -> Iterator[str]:
    """Apps that Git has in the environment; the others are not released there yet."""
    for name, app in config.apps.items():
        if not app.may_be_in(environment):
            continue
        if app.is_released:
            if release_in(checkout, name, environment) is not None:
                yield name
        elif is_in(checkout, name, environment, released=False):
            yield name


def release_in(
    checkout: Path, app: str, environment: str, edits: Edits = NO_EDITS
) -> EnvironmentRelease | None:
    """The release that Git says runs there; None before the first promotion."""
    path = release_path(app, environment)
    text = edits[path] if path in edits else read_text(checkout, path)
    return None if text is None else parse_release_file(text, path)


def judge_app(  # noqa: PLR0913
    checkout: Path,
    app: App,
    environment: Environment,
    *,
    tools: Path | None = None,
    cache: Path | None = None,
    quota: RenderQuota | None = None,
    edits: Edits = NO_EDITS,
) -> Admission:
    """Render and admit; the findings of admission are returned, not raised. `quota`: see `render`."""
    documents = renderers.render(
        checkout, app, environment, tools=tools, cache=cache, quota=quota, edits=edits
    )
    return judge_documents(checkout, app, environment, documents, edits)


def judge_documents(
    checkout: Path,
    app: App,
    environment: Environment,
    documents: Sequence[ManifestDocument],
    edits: Edits = NO_EDITS,
) -> Admission:
    """Admit what was rendered; its secrets are known before a finding shows a value."""
    remember_objects(each.value for each in documents)
    release = release_in(checkout, app.name, environment.name, edits)
    if release:
        _require_same_app(release.release, app, release_path(app.name, environment.name))
    policy = AdmissionPolicy(
        namespace=environment.namespace_of(app.name),
        namespaces=environment.namespaces,
        others=environment.others_namespaces(app.name),
        app=app.name,
        environment=environment.name,
        cluster_scoped=frozenset(environment.allow_cluster_scoped),
        images=release.release.images if release else (),
        image_rules=app.image_rules,
    )
    return admit_objects(documents, policy, folder=f"apps/{app.name}/{environment.name}")


def _require_same_app(release: Release, app: App, file: str) -> None:
    """ConfigError for a release of another app, or of other images than those of towpath.yaml."""
    theirs, ours = repositories(release.images), repositories(app.images)
    if (release.app, theirs) != (app.name, ours):
        raise ConfigError(
            f"is the release of app {release.app} as {', '.join(theirs) or 'no image'}; "
            f"this is {app.name} as {', '.join(ours) or 'no image'}",
            file=file,
        )


def rendered(app: str, environment: Environment, admission: Admission) -> Rendered:
    """The admitted objects with their digest."""
    objects, hooks = split_hooks(admission.objects)
    return Rendered(
        app=app,
        environment=environment.name,
        namespace=environment.namespace,
        objects=objects,
        hooks=hooks,
        digest=digest_of(admission.objects),
        origins=admission.origins,
    )


def digest_of(objects: tuple[Manifest, ...]) -> str:
    """`sha256:…` of canonical JSON; the order of objects and keys does not count."""
    lines = sorted(json.dumps(each, sort_keys=True, separators=(",", ":")) for each in objects)
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def refusal(what: str, findings: tuple[Finding, ...] | list[Finding]) -> RefusedError:
    """One error for all findings, a line each."""
    listed = "\n".join(f"  {finding}" for finding in findings)
    number = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    return RefusedError(f"{what} is refused, {number}:\n{listed}")
