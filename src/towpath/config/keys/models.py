"""The strict and frozen models of `towpath.yaml`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    JsonValue,
    PrivateAttr,
    StringConstraints,
)

from towpath.config.keys.app import App
from towpath.config.keys.app_rules import AppPolicy, IgnoreRule, PruneLimit
from towpath.config.keys.extras import any_extras_pruned, any_extras_searched, extras_mode, kinds_with_group
from towpath.config.keys.fields import (
    API_VERSION,
    KUBERNETES_VERSION,
    DriftMode,
    Duration,
    Extras,
    ExtrasMode,
    Model,
    Name,
    NamespacePattern,
    Text,
)
from towpath.config.keys.gate import Gate
from towpath.config.keys.graph import AfterKey, Needs, flat, is_graph, needs_of, needs_passing, sorted_names
from towpath.config.keys.people import MAX_PEOPLE, People, Person
from towpath.config.keys.scan import ScanPolicy
from towpath.errors import RefusedError, UnknownNameError
from towpath.fields.managed_fields import TakenBack
from towpath.formats.versions import CONFIG, FileVersion

CONFIG_FILE = CONFIG
DEPRECATED: dict[str, JsonValue] = {"deprecated": True}
"""For editors. formats/versions.py says since when."""


class Environment(Model):
    """A namespace of a cluster, and the policies that hold there."""

    name: Name
    namespace: Name
    after: Annotated[
        AfterKey | None,
        Field(
            description="Environments where a release must be verified before: all of a list, or one of"
            " `{any: [...]}`. Where one environment has it, those without come first. Since towpath.dev/v2."
        ),
    ] = None
    rollout: Annotated[
        Literal["parallel", "sequential"],
        Field(description="Whether those directly after it begin at once, or one after the other. Since v2."),
    ] = "parallel"
    context: Annotated[
        Text | None,
        Field(description="Not obeyed: the machine's TOWPATH_CONTEXT says it.", json_schema_extra=DEPRECATED),
    ] = None
    kubeconfig: Annotated[
        Annotated[str, StringConstraints(pattern=r"^(in-cluster|(/|~/).+)$(?!\n)")] | None,
        Field(description="Not obeyed: the machine's KUBECONFIG says it.", json_schema_extra=DEPRECATED),
    ] = None
    kubernetes: Annotated[
        Annotated[str, StringConstraints(pattern=KUBERNETES_VERSION)] | None,
        Field(description="Version of the cluster, for `towpath check`; null: the newest known one."),
    ] = None
    allow_exec: Annotated[
        bool,
        Field(
            description="Not obeyed: the machine's TOWPATH_ALLOW_EXEC says it.",
            json_schema_extra=DEPRECATED,
        ),
    ] = False
    namespaces: Annotated[
        tuple[NamespacePattern, ...],
        Field(
            max_length=200,
            description="Further namespaces that apps may touch: names, or patterns. Since towpath.dev/v2.",
        ),
    ] = ()
    allow_cluster_scoped: Annotated[
        tuple[Text, ...],
        Field(description="Cluster-scoped objects apps may contain: KIND or KIND/NAME, `*` for any letters."),
    ] = ("Namespace",)
    drift: DriftMode = "heal"
    apps: Annotated[
        dict[Name, AppPolicy], Field(default_factory=dict, description="Exceptions for single apps.")
    ]
    extras: Annotated[
        Extras,
        Field(
            default_factory=lambda: {"*": "report"},
            description="For all, or by KIND or KIND/NAME; `*` stands for the other kinds, or any letters.",
        ),
    ]
    ignore: tuple[IgnoreRule, ...] = ()
    people_tools: Annotated[
        tuple[Text, ...],
        Field(description="Field managers of further tools of people: their edits are drift."),
        Field(max_length=100),
    ] = ()
    prune: PruneLimit = PruneLimit()
    gate: Gate = Gate()
    timeout: Annotated[Duration, Field(description="How long a sync may take to become healthy.")] = (
        timedelta(seconds=120)
    )
    on_failure: Literal["rollback", "hold"] = "rollback"
    _own: dict[str, str] = PrivateAttr(default_factory=dict)

    def namespace_of(self, app: str) -> str:
        """Where objects of an app are that name no namespace."""
        return self._own.get(app, self.namespace)

    @property
    def managed_namespaces(self) -> tuple[str, ...]:
        """Those in which whatever nobody declared is an extra: its own, and its apps' own."""
        return tuple(dict.fromkeys((self.namespace, *sorted(self._own.values()))))

    def others_namespaces(self, app: str) -> dict[str, str]:
        """Namespaces that are other apps' own, with that app: this one must not touch them."""
        ours = self._own.get(app)
        return {name: other for other, name in self._own.items() if name != ours}

    def drift_mode_of(self, app: str) -> DriftMode:
        """The drift mode of one app in this environment."""
        policy = self.apps.get(app)
        return policy.drift if policy and policy.drift else self.drift

    def taken_back(self, app: str) -> TakenBack:
        """From which field managers fields of an app are taken back, beside the known tools of people."""
        policy = self.apps.get(app)
        return TakenBack(tuple(sorted(self.people_tools))).with_former(policy.take_over if policy else ())

    def extras_mode_of(self, group: str, kind: str, name: str = "") -> ExtrasMode:
        """The mode for an undeclared object."""
        return extras_mode(self.extras, group, kind, name)

    def searches_extras(self, group: str, kind: str) -> bool:
        """Whether any undeclared object of the kind is reported or pruned."""
        return any_extras_searched(self.extras, group, kind)

    def prunes_extras(self, group: str, kind: str) -> bool:
        """Whether any undeclared object of the kind is pruned."""
        return any_extras_pruned(self.extras, group, kind)

    @property
    def extra_kinds(self) -> tuple[tuple[str, str], ...]:
        """(group, kind) of the keys of `extras` that have a group: these kinds are searched for extras."""
        return kinds_with_group(self.extras)


class HealthCheckExpression(Model):
    """CEL expressions for the health of a kind of custom resource, as in Flux's Kustomizations."""

    api_version: Annotated[str, StringConstraints(pattern=API_VERSION), Field(alias="apiVersion")]
    kind: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$(?!\n)")]
    current: Annotated[Text, Field(description="True: it is healthy.")]
    in_progress: Annotated[Text | None, Field(description="True: it is not there yet; asked first.")] = None
    failed: Annotated[Text | None, Field(description="True: it failed; asked before `current`.")] = None


class Config(Model):
    """The whole of `towpath.yaml`."""

    api_version: Annotated[
        FileVersion, Field(alias="apiVersion", description="Version of all files of the repository.")
    ]
    apps: Annotated[dict[Name, App], Field(default_factory=dict)]
    environments: Annotated[
        tuple[Environment, ...],
        Field(min_length=1, description="In promotion order, unless one has `after`."),
    ]
    people: Annotated[
        dict[Annotated[str, StringConstraints(min_length=1, max_length=100)], Person],
        Field(default_factory=dict, max_length=MAX_PEOPLE, description="Who approves and who writes."),
    ]
    scan: ScanPolicy = ScanPolicy()
    health_check_exprs: Annotated[tuple[HealthCheckExpression, ...], Field(max_length=200)] = ()

    _needs: dict[str, Needs] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _context: Any) -> None:
        for name, app in self.apps.items():
            app._name = name
        for place in self.environments:
            owned = {name: app.own_namespace(place.name) for name, app in self.apps.items()}
            place._own = {
                name: own
                for name, own in owned.items()
                if own not in ("", place.namespace) and self.may_be_in(name, place.name)
            }
        self._needs = needs_of(self.environments)

    def who(self) -> People:
        """Tells which names and addresses are one person's."""
        return People(self.people)

    def approvers(self, environment: str) -> frozenset[str]:
        """Those who may approve in an environment, each person once."""
        approvals = self.environment(environment).gate.approvals
        return self.who().approvers(approvals.approvers, approvals.groups)

    def app(self, name: str) -> App:
        """The app of that name; raises UnknownNameError."""
        try:
            return self.apps[name]
        except KeyError:
            raise UnknownNameError("app", name, self.apps, where=CONFIG_FILE) from None

    def environment(self, name: str) -> Environment:
        """The environment of that name; raises UnknownNameError."""
        return self.environments[self._index(name)]

    def may_be_in(self, app: str, environment: str) -> bool:
        """Whether an app of that name may run there; one that Git does not have may not."""
        return app in self.apps and self.apps[app].may_be_in(environment)

    def require_in(self, app: str, environment: str) -> None:
        """RefusedError when an app does not run in an environment by its `environments`."""
        places = self.app(app).environments
        if places is not None and environment not in places:
            raise RefusedError(
                f"{app} does not run in {environment}: its `environments` in {CONFIG_FILE} are"
                f" {', '.join(places)}",
                remedy=f"Name {environment} there, and make the folder apps/{app}/{environment}.",
            )

    def first_environments(self, app: str) -> tuple[Environment, ...]:
        """Where a new release of the app begins: one in a list, and what comes after nothing in a graph."""
        declared = self.app(app)
        here = [each for each in self.environments if declared.may_be_in(each.name)]
        free = [each for each in here if not self.needs(each.name, app)]
        return tuple(free if self.is_graph and free else here[:1])

    @property
    def is_graph(self) -> bool:
        """Whether `after` says the order of the environments, not the list."""
        return is_graph(self.environments)

    @property
    def ordered(self) -> tuple[Environment, ...]:
        """The environments, each after those that it comes after, else as in the file."""
        names = (
            sorted_names(self.environments) if self.is_graph else [each.name for each in self.environments]
        )
        return tuple(map(self.environment, names))

    def after(self, name: str, app: str = "") -> Needs:
        """The `needs` of an environment where a graph is declared; nothing in a list: its order tells."""
        return self.needs(name, app) if self.is_graph else ()

    def followers(self, name: str, app: str = "") -> tuple[Environment, ...]:
        """The environments directly after `name`, of an app if given."""
        here = [each for each in self.environments if app not in self.apps or self.may_be_in(app, each.name)]
        if self.is_graph:
            return tuple(each for each in here if name in flat(self.needs(each.name, app)))
        later = self.environments[self._index(name) + 1 :]
        return tuple(each for each in here if each in later)[:1]

    def needs(self, name: str, app: str = "") -> Needs:
        """Where a release must be verified before it may enter `name`: in one environment of each group.

        For an app that is not in one of these by its `environments`, what is before that one counts.
        """
        self._index(name)
        return needs_passing(
            name, self._needs, lambda other: app not in self.apps or self.may_be_in(app, other)
        )

    def with_needs(self, needs: Mapping[str, Needs]) -> "Config":
        """The same with another order, which its environments need not say."""
        other = self.model_copy()
        other._needs = dict(needs)
        return other

    def _index(self, name: str) -> int:
        names = [environment.name for environment in self.environments]
        if name not in names:
            raise UnknownNameError("environment", name, names, where=CONFIG_FILE)
        return names.index(name)
