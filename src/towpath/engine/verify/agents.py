"""Which pods of an app are agents of Towpath that can be asked whether they work, by a label of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from towpath.adapters.kubernetes import Cluster
from towpath.engine.live.pods import Snapshot, current_pods
from towpath.engine.source.render import Rendered
from towpath.engine.verify.health_snapshot import read_picture
from towpath.health.verdict import mapping_at
from towpath.objects import Manifest, ref_of

CANARY_LABEL = "towpath.dev/canary"
"""On pods of agents that answer canary runs: their environment. Agents of versions before have none."""


@dataclass(frozen=True, slots=True, order=True)
class AgentPod:
    """A pod of the newest revision of an agent, and the environment that the agent is of."""

    environment: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"Pod {self.namespace}/{self.name}"


def agent_deployments(rendered: Rendered) -> tuple[Manifest, ...]:
    """The app's Deployments of agents that answer canary runs. Pure."""
    return tuple(each for each in rendered.objects if each["kind"] == "Deployment" and _environment(each))


def agent_environments(rendered: Rendered) -> frozenset[str]:
    """The environments that these agents are of; empty for an app of other things. Pure."""
    return frozenset(map(_environment, agent_deployments(rendered)))


def read_agents(cluster: Cluster, rendered: Rendered) -> list[AgentPod]:
    """Their pods now; the cluster is not asked where the app has no agents."""
    found = agent_deployments(rendered)
    if not found:
        return []
    agents = replace(rendered, objects=found)
    return sorted(agent_pods(agents, read_picture(cluster, [agents]).family(agents)))


def agent_pods(agents: Rendered, snapshot: Snapshot) -> Iterator[AgentPod]:
    """The pods of the newest revision of each. Pure."""
    for each in agents.objects:
        live = snapshot.get(ref_of(each))
        for pod in current_pods(live, snapshot) if live is not None else ():
            ref = ref_of(pod)
            yield AgentPod(_environment(each), ref.namespace, ref.name)


def _environment(deployment: Manifest) -> str:
    labels = mapping_at(deployment, "spec", "template", "metadata", "labels")
    return str(labels.get(CANARY_LABEL) or "")
