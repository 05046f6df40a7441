"""`towpath.yaml`: read once, at the door, into strict and frozen models that can be trusted afterwards.

All problems of a file come in one ConfigError, a line each: `towpath.yaml:12: unknown key …; did you mean …?`
"""

import difflib
import json
import re
import typing
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from towpath.errors import ConfigError, UnknownNameError
from towpath.files import read_text
from towpath.yamlfile import Document, config_error, read_document

CONFIG_FILE = "towpath.yaml"
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_RELATIVE = r"^(?!/)(?!-)(?!(.*/)?\.\.(/|$))[^\x00-\x1f\\]+$"
_API_VERSION = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[a-z0-9]+$"
_IMAGE = (
    r"^(localhost|\[[0-9a-f:]+\]|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:[0-9]{1,5})?"
    r"(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
)


def parse_duration(value: object) -> timedelta:
    """`90s`, `5m`, `1h30m`, `7d` -> timedelta; ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if not found:
        raise ValueError("must be a duration such as 90s, 5m, 1h30m or 7d")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError("is too long a duration") from None


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["90s", "5m"]}
    ),
]
Name = Annotated[str, StringConstraints(pattern=_LABEL)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
RelativePath = Annotated[str, StringConstraints(pattern=_RELATIVE)]
Image = Annotated[str, StringConstraints(pattern=_IMAGE, max_length=255)]
Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"]

_RESERVED = {
    "base": "the folder that environments share",
    "build": "the work pool that must not hold an environment's credentials",
}
_HINTS = {
    _API_VERSION: "must be GROUP/VERSION, for example example.com/v1",
    r"^[A-Z][A-Za-z0-9]*$": "must be a kind, for example Database",
    _LABEL: "must be lower-case letters, digits and dashes, at most 63",
    _RELATIVE: "must be a path inside of the repository",
    _IMAGE: "must be REGISTRY/REPOSITORY without tag or digest, for example registry.example.com/team/app",
}


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        regex_engine="python-re",
    )


class Source(_Model):
    """Where an app's code is and how its image is built."""

    repository: Annotated[
        Text, Field(description="Git URL; `./` and `../` are relative to this repository's.")
    ]
    branch: Text = "main"
    context: RelativePath = "."
    dockerfile: RelativePath = "Dockerfile"
    test_target: Annotated[
        Text | None, Field(description="Dockerfile target whose build runs the tests; null: none.")
    ] = "test"


class SmokeCheck(_Model):
    """One thing to ask after everything is healthy: a Service, a URL, or a Job that must succeed."""

    service: Name | None = None
    port: Annotated[int | None, Field(ge=1, le=65535)] = None
    path: Annotated[str, StringConstraints(pattern=r"^/[^\s\x00-\x1f]*$")] = "/"
    url: Annotated[
        str | None,
        StringConstraints(pattern=r"^https?://[^\s\x00-\x1f]+$"),
        Field(description="`{environment}` and `{namespace}` are put in."),
    ] = None
    job: Annotated[
        Name | None, Field(description="Job of the app with the annotation `towpath.dev/hook: smoke`.")
    ] = None
    status: Annotated[int, Field(ge=100, le=599)] = 200
    contains: Text | None = None
    latency: Annotated[Duration | None, Field(description="The answer must not take longer.")] = None

    @model_validator(mode="after")
    def _one_target(self) -> "SmokeCheck":
        if sum(target is not None for target in (self.service, self.url, self.job)) != 1:
            raise ValueError("must have exactly one of `service`, `url` and `job`")
        if (self.service is None) != (self.port is None):
            raise ValueError("`service` and `port` go together")
        return self


class App(_Model):
    """One application: its image, its source, how its manifests are rendered."""

    image: Annotated[Image, Field(description="Repository without tag; releases are pushed there.")]
    source: Source | None = None
    renderer: Literal["kustomize", "helm", "plain"] = "kustomize"
    container: Annotated[
        Text | None, Field(description="Container whose image a promotion edits (plain).")
    ] = None
    smoke: tuple[SmokeCheck, ...] = ()
    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        """Its key in `apps`."""
        return self._name


class IgnoreRule(_Model):
    """A field that somebody else owns: never planned, never drift."""

    kind: Text
    name: Text | None = None
    pointer: Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])+)+$")]


class PruneLimit(_Model):
    """One sync deletes at most max(limit, share of the inventory) objects."""

    limit: Annotated[int, Field(ge=0)] = 3
    share: Annotated[float, Field(ge=0, le=1)] = 0.2


class Approvals(_Model):
    """How many of whom must approve."""

    required: Annotated[int, Field(ge=0)] = 0
    approvers: Annotated[tuple[Text, ...], Field(alias="from")] = ()


class Gate(_Model):
    """What must hold before a release may enter."""

    verified_in: Annotated[
        Text | None,
        Field(description="Earlier environment where it must be verified; null: the one before this one."),
    ] = None
    soak: Annotated[Duration, Field(description="How long it must have been verified there.")] = timedelta()
    approvals: Approvals = Approvals()


class Environment(_Model):
    """A namespace of a cluster, and the policies that hold there."""

    name: Name
    namespace: Name
    context: Annotated[
        Text | None, Field(description="Context of the kubeconfig; null: the current one.")
    ] = None
    kubeconfig: Annotated[
        Annotated[str, StringConstraints(pattern=r"^(in-cluster|(/|~/).+)$")] | None,
        Field(description="File on the worker, or `in-cluster` for its pod's account; null: KUBECONFIG."),
    ] = None
    allow_exec: Annotated[
        bool, Field(description="Whether the kubeconfig may run a program to get its credentials.")
    ] = False
    allow_cluster_scoped: Annotated[
        tuple[Text, ...], Field(description="Cluster-scoped kinds apps may contain.")
    ] = ("Namespace",)
    drift: Literal["heal", "report", "adopt", "off"] = "heal"
    extras: Literal["report", "ignore", "prune"] = "report"
    ignore: tuple[IgnoreRule, ...] = ()
    prune: PruneLimit = PruneLimit()
    gate: Gate = Gate()
    timeout: Annotated[Duration, Field(description="How long a sync may take to become healthy.")] = (
        timedelta(seconds=120)
    )
    on_failure: Literal["rollback", "hold"] = "rollback"


class ScanIgnore(_Model):
    """One finding that does not block until a date, and why."""

    id: Text
    until: date
    reason: Text


class ScanPolicy(_Model):
    """What is looked for in an image, and which findings block it."""

    scanners: tuple[Literal["secret", "vuln", "misconfig"], ...] = ("secret", "vuln")
    block: tuple[Severity, ...] = ("CRITICAL", "HIGH")
    ignore: tuple[ScanIgnore, ...] = ()


class HealthCheckExpression(_Model):
    """How a kind of custom resource tells its health, in CEL, as in Flux's Kustomizations."""

    api_version: Annotated[str, StringConstraints(pattern=_API_VERSION), Field(alias="apiVersion")]
    kind: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    current: Annotated[Text, Field(description="True: it is healthy.")]
    in_progress: Annotated[Text | None, Field(description="True: it is not there yet; asked first.")] = None
    failed: Annotated[Text | None, Field(description="True: it failed; asked before `current`.")] = None


class Config(_Model):
    """The whole of `towpath.yaml`."""

    api_version: Annotated[Literal["towpath.dev/v1"], Field(alias="apiVersion")]
    apps: dict[Name, App] = {}
    environments: Annotated[tuple[Environment, ...], Field(min_length=1, description="In promotion order.")]
    scan: ScanPolicy = ScanPolicy()
    health_check_exprs: tuple[HealthCheckExpression, ...] = ()

    def model_post_init(self, _context: Any) -> None:
        for name, app in self.apps.items():
            app._name = name

    def app(self, name: str) -> App:
        """The app of that name; UnknownNameError names the nearest one there is."""
        try:
            return self.apps[name]
        except KeyError:
            raise UnknownNameError("app", name, self.apps, where=CONFIG_FILE) from None

    def environment(self, name: str) -> Environment:
        """The environment of that name; UnknownNameError names the nearest one there is."""
        return self.environments[self._index(name)]

    def next_environment(self, name: str) -> Environment | None:
        """The one after `name` in promotion order; None after the last."""
        after = self._index(name) + 1
        return self.environments[after] if after < len(self.environments) else None

    def previous_environment(self, name: str) -> Environment | None:
        """The one before `name` in promotion order; None before the first."""
        index = self._index(name)
        return self.environments[index - 1] if index else None

    def verified_in(self, name: str) -> str | None:
        """Where a release must have been verified before it may enter `name`; None: nowhere."""
        previous = self.previous_environment(name)
        return self.environment(name).gate.verified_in or (previous.name if previous else None)

    def _index(self, name: str) -> int:
        names = [environment.name for environment in self.environments]
        if name not in names:
            raise UnknownNameError("environment", name, names, where=CONFIG_FILE)
        return names.index(name)


def load_config(checkout: Path) -> Config:
    """Read `towpath.yaml` of a checkout of the environment repository; ConfigError says all that is wrong."""
    text = read_text(checkout, CONFIG_FILE)
    if text is None:
        raise ConfigError(
            "there is no such file, so this is no environment repository",
            file=CONFIG_FILE,
            remedy="`towpath init` makes an environment repository.",
        )
    return parse_config(text, CONFIG_FILE)


def parse_config(text: str, file: str = CONFIG_FILE) -> Config:
    """Parse the text of a `towpath.yaml`; `file` is its name in errors."""
    document = read_document(text, file)
    if not isinstance(document.data, dict):
        raise ConfigError(
            "must be a mapping that begins with `apiVersion: towpath.dev/v1`", file=file, line=1
        )
    try:
        # JSON, because strict mode then takes lists for tuples and text for dates, and nothing else.
        config = Config.model_validate_json(json.dumps(document.data), by_name=False, by_alias=True)
    except ValidationError as error:
        problems = [
            (document.line(tuple(problem["loc"])), _explain(dict(problem)))
            for problem in error.errors(include_url=False)
            # A list whose items are all wrong counts as empty; the items' own problems are enough.
            if problem["type"] != "too_short" or not problem["input"]
        ]
        raise config_error(problems, file) from error
    _check_names(config, document, file)
    if config.health_check_exprs:
        _check_expressions(config, document, file)
    return config


def config_schema() -> dict[str, Any]:
    """The JSON Schema of `towpath.yaml`, for editors."""
    schema = Config.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "towpath.yaml",
    }


def resolve_source_url(app: App, environments_url: str) -> str:
    """The URL of an app's source; `./` and `../` are resolved against the environment repository's URL.

    The rule is that of `git submodule`: `../hello.git` next to `https://host/team/environments.git` is
    `https://host/team/hello.git`. Raises ConfigError when there are more `../` than the URL has parts.
    """
    if app.source is None:
        raise ConfigError(f"app {app.name} has no `source`, so there is nothing to build", file=CONFIG_FILE)
    url = app.source.repository
    if not re.match(r"\.{1,2}/", url):
        return url
    base = environments_url.rstrip("/")
    while found := re.match(r"(\.{1,2})/+", url):
        url = url[found.end() :]
        if found[1] == "..":
            cut = max(base.rfind("/"), base.rfind(":"))
            if cut <= 0 or base[: cut + 1].endswith("://") or (base[cut] == ":" and not base[cut + 1 :]):
                raise ConfigError(
                    f"source of app {app.name} leads above {environments_url.partition('://')[0]} root",
                    file=CONFIG_FILE,
                )
            base = base[: cut + (base[cut] == ":")]
    return base + url if base.endswith(":") else f"{base}/{url}"


def _check_names(config: Config, document: Document, file: str) -> None:
    """What one field alone cannot tell: names that must be unique, or exist, or be enough."""
    problems: list[tuple[int, str]] = []

    def problem(where: str, *path: str | int) -> None:
        problems.append((document.line(("environments", *path)), where))

    seen: set[str] = set()
    places: dict[tuple[str | None, str | None, str], str] = {}
    for index, environment in enumerate(config.environments):
        name = environment.name
        if name in seen:
            problem(f"environment `{name}` is there twice", index, "name")
        if name in _RESERVED:
            problem(f"`{name}` is {_RESERVED[name]}; choose another name", index, "name")
        place = (environment.kubeconfig, environment.context, environment.namespace)
        if place in places:
            problem(
                f"environments `{places[place]}` and `{name}` have the same namespace", index, "namespace"
            )
        before = environment.gate.verified_in
        if before is not None and before not in seen:
            near = difflib.get_close_matches(before, sorted(seen), n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            problem(
                f"verifiedIn: no environment before `{name}` is called `{before}`{hint}",
                *(index, "gate", "verifiedIn"),
            )
        approvals = environment.gate.approvals
        if approvals.required > (able := len(set(approvals.approvers))):
            problem(
                f"{approvals.required} approvals are required, but only {able} may approve;"
                " add names under `from`",
                *(index, "gate", "approvals", "required"),
            )
        seen.add(name)
        places[place] = name
    if problems:
        raise config_error(problems, file)


def _check_expressions(config: Config, document: Document, file: str) -> None:
    """Each expression is CEL, and each kind is there once."""
    from towpath.health.expressions import compile_expression

    problems: list[tuple[int, str]] = []
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(config.health_check_exprs):
        key = (each.api_version.rpartition("/")[0], each.kind)
        if key in seen:
            line = document.line(("healthCheckExprs", index, "kind"))
            problems.append((line, f"healthCheckExprs: {each.kind} of {each.api_version} is there twice"))
        seen.add(key)
        for name in ("current", "in_progress", "failed"):
            text = getattr(each, name)
            try:
                if text:
                    compile_expression(text)
            except ValueError as error:
                field = to_camel(name)
                line = document.line(("healthCheckExprs", index, field))
                problems.append((line, f"healthCheckExprs[{index}].{field}: not a CEL expression: {error}"))
    if problems:
        raise config_error(problems, file)


def _explain(problem: dict[str, Any]) -> str:
    """A sentence for one of pydantic's errors."""
    loc: tuple[str | int, ...] = problem["loc"]
    key, parent = (loc[-1] if loc else ""), loc[:-1]
    inside = f" in {_dotted(parent)}" if parent else ""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = _keys_at(parent)
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
            return f"unknown key `{key}`{inside}; {hint}"
        case "missing":
            return f"`{key}` is missing{inside}"
        case "literal_error":
            return f"{_dotted(loc)}: must be {context['expected']}, not {_shown(problem['input'])}"
        case "string_pattern_mismatch":
            hint = _HINTS.get(context["pattern"], f"must match {context['pattern']}")
            return f"{_dotted(tuple(part for part in loc if part != '[key]'))}: {hint}"
        case "value_error":
            return f"{_dotted(loc)}: {context['error']}"
        case _:
            message = problem["msg"].replace("Input should be", "must be").replace("tuple", "list")
            message = message.replace("object", "mapping").replace("dictionary", "mapping")
            message = re.sub(
                r"an? valid (instance of )?mapping|an mapping|an instance of \w+", "a mapping", message
            )
            return f"{_dotted(loc)}: {message}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _dotted(path: tuple[str | int, ...]) -> str:
    """`environments[1].gate.soak`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that the model at `path` knows."""
    here: Any = Config
    for part in path:
        here = _model_in(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field for name, field in here.model_fields.items()}
            here = fields[str(part)].annotation
        else:
            here = typing.get_args(here)[1 if typing.get_origin(here) is dict else 0]
    here = _model_in(here)
    return [field.alias or name for name, field in here.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """`Source | None` -> `Source`; `Annotated[X, …]` -> `X`; anything else as it is."""
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    args = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
    if type(None) in typing.get_args(annotation):
        return args[0]
    return annotation
