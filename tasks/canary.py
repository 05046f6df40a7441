"""Whether agents work: what one tries of itself in a canary run, and how those of an app are asked for it."""

from collections.abc import Callable
from functools import partial

from tasks.runs.step import settings, step
from towpath.agent.checkup import environment_parts
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.render import Rendered
from towpath.engine.verify.agents import agent_environments, read_agents
from towpath.errors import VerifyError
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.canaries import Asking, CanaryRuns
from towpath.orchestration.server import prepare


@step("try what an agent of {environment} needs")
def try_parts(environment: str) -> str:
    """Git, keys, policy and cluster, as `towpath agent --check` tries them. Nothing is written."""
    return "; ".join(f"{part}: {look()}" for part, look in environment_parts(environment, settings()))


def require_working_agents(
    context: EnvironmentContext, rendered: Rendered, tell: Callable[[str], None]
) -> None:
    """VerifyError unless each agent among the app's newest pods carries out a run. Most apps have none."""
    environments = agent_environments(rendered)
    if not environments:
        return
    api = PrefectApi(prepare(settings()))
    try:
        pods = partial(read_agents, context.cluster, rendered)
        silent = Asking(CanaryRuns(api), environments, pods, tell).until_all_work()
    finally:
        api.close()
    if silent:
        listed = "\n".join(f"  {each}" for each in silent)
        raise VerifyError(
            f"app {rendered.app} in {rendered.environment} is healthy, but its agents do not work:\n{listed}"
        )
