"""`towpath agent --check`: what an agent needs, asked before it starts. Nothing is changed."""

from collections.abc import Callable, Iterator

from towpath.adapters.kubernetes import Lease, connect_lease
from towpath.agent.agent_file import BUILD
from towpath.agent.configuration import AgentConfiguration
from towpath.engine.live.context import environment_context
from towpath.engine.source.keys import signing_summary, trusted_summary
from towpath.engine.source.repository import read_repository
from towpath.errors import MissingPartError, TowpathError
from towpath.findings import Finding, broken, look_at
from towpath.objects import ObjectRef
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi
from towpath.orchestration.installed_flows import flows_of
from towpath.orchestration.server import prepare
from towpath.settings import Settings


def check_up(configuration: AgentConfiguration, settings: Settings) -> Iterator[Finding]:
    """Each part in turn; one that is missing does not hide the others."""
    api = None
    try:
        api = PrefectApi(prepare(settings, knock=True), read_timeout=10.0, retries=1)
        yield Finding("Prefect server", api.url)
    except TowpathError as error:
        yield broken("Prefect server", error)
    if api is not None:
        for part, look in _server_parts(configuration, api):
            yield look_at(part, look)
        api.close()
    for part, look in environment_parts(configuration.environment, settings):
        yield look_at(part, look)
    if configuration.environment is None:
        yield look_at("builder", lambda: _engine(settings))
    elif configuration.lease_namespace:
        yield look_at("lease", lambda: _lease(configuration, settings))


def environment_parts(environment: str | None, settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    """What the work of an environment needs beside the Prefect server; None: what building needs.

    Each raises an error of ours when it is not as it must be.
    """
    yield "trusted keys", lambda: trusted_summary(settings)
    yield "signing key", lambda: signing_summary(settings, environment or BUILD)
    yield "environment repository", lambda: _repository(environment, settings)
    if environment is not None:
        yield "policy", lambda: _policy(environment, settings)
        yield "cluster", lambda: _cluster(environment, settings)


def _server_parts(
    configuration: AgentConfiguration, api: PrefectApi
) -> Iterator[tuple[str, Callable[[], str]]]:
    environment = configuration.environment
    yield f"work pool {configuration.pool}", lambda: _pool(configuration.pool, api)
    for flow in flows_of(environment):
        name = keys.deployment(flow, environment or "")
        yield (
            f"deployment {name}",
            lambda name=name: _there(  # type: ignore[misc]
                api,
                f"/deployments/name/{name}",
                "`towpath deployments` writes it, `prefect --no-prompt deploy --all` creates it.",
            ),
        )
    if environment is not None:
        lock = keys.lock_name(environment)
        remedy = f"`prefect gcl create {lock} --limit 1` creates it."
        yield f"lock {lock}", lambda: _there(api, f"/v2/concurrency_limits/{lock}", remedy)


def _pool(name: str, api: PrefectApi) -> str:
    create = f"`prefect work-pool create {name} --type {keys.POOL_TYPE}` creates it."
    try:
        pool = api.get(f"/work_pools/{name}")
    except NotFoundError as error:
        raise MissingPartError("there is none", remedy=create) from error
    if pool["type"] != keys.POOL_TYPE:
        raise MissingPartError(
            f"its type is {pool['type']}, which takes commands from runs",
            remedy=f"A pool's type cannot be changed: delete it when none of its runs waits, then {create}",
        )
    return "paused: it gives out no runs" if pool["is_paused"] else "there"


def _there(api: PrefectApi, path: str, remedy: str) -> str:
    try:
        api.get(path)
    except NotFoundError as error:
        raise MissingPartError("there is none", remedy=remedy) from error
    return "there"


def _repository(environment: str | None, settings: Settings) -> str:
    repo = read_repository(settings)
    if environment is not None:
        repo.config.environment(environment)
    return f"at commit {repo.commit[:7]}"


def _policy(environment: str, settings: Settings) -> str:
    protection = read_repository(settings).protection
    protection.require(environment)
    return protection.summary()


def _cluster(environment: str, settings: Settings) -> str:
    context = environment_context(settings, read_repository(settings), environment)
    namespace = context.environment.namespace
    there = context.cluster.get(ObjectRef("", "Namespace", "", namespace))
    return f"namespace {namespace}" + ("" if there else " is made by the first sync")


def _lease(configuration: AgentConfiguration, settings: Settings) -> str:
    where, name = configuration.lease_namespace, configuration.lease_name
    client = connect_lease(settings.connection, where, name, configuration.lease_times.answer)
    found = client.read()
    client.write(found or Lease("", 1, "", "", 0), dry_run=True)  # the right to
    return f"{client} is held by {found.holder}" if found and found.holder else f"{client} may be taken"


def _engine(settings: Settings) -> str:
    # Of an agent that builds alone: see tasks/image.py.
    from towpath.adapters.images.builder import builder_of

    return builder_of(settings).version()
