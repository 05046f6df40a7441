"""Which pods are asked whether they work: those of the newest revision, of agents that say they answer."""

from typing import Any

from tests.chart import example, needs_helm, rendered
from towpath.engine.source.render import Rendered
from towpath.engine.verify.agents import AgentPod, agent_deployments, agent_environments, agent_pods
from towpath.objects import Manifest, ref_of

HOME = "towpath-system"


def app(*objects: Manifest) -> Rendered:
    return Rendered("towpath", "system", HOME, objects, "")


def live(version: str, kind: str, name: str, owner: str = "", **metadata: Any) -> Manifest:
    owners = {"ownerReferences": [{"uid": owner}]} if owner else {}
    told = {"name": name, "namespace": HOME, "uid": name, **owners, **metadata}
    return {"apiVersion": version, "kind": kind, "metadata": told}


def revision(number: int) -> dict[str, str]:
    return {"deployment.kubernetes.io/revision": str(number)}


def agent(name: str, **labels: str) -> Manifest:
    made = live("apps/v1", "Deployment", name, annotations=revision(2))
    return {**made, "spec": {"template": {"metadata": {"labels": labels}}}}


def test_pods_of_the_newest_revision_that_are_not_ending() -> None:
    prod = agent("agent-prod", **{"towpath.dev/canary": "prod"})
    objects = [
        prod,
        live("apps/v1", "ReplicaSet", "old", "agent-prod", annotations=revision(1)),
        live("apps/v1", "ReplicaSet", "new", "agent-prod", annotations=revision(2)),
        live("v1", "Pod", "old-a", "old"),
        live("v1", "Pod", "new-a", "new"),
        live("v1", "Pod", "new-b", "new", deletionTimestamp="2026-01-01T00:00:00Z"),
    ]
    found = list(agent_pods(app(prod), {ref_of(each): each for each in objects}))
    assert found == [AgentPod("prod", HOME, "new-a")]
    assert str(found[0]) == f"Pod {HOME}/new-a"


def test_agents_of_a_version_that_does_not_answer_are_not_asked() -> None:
    former, other = agent("agent-dev", **{"towpath.dev/agent-of": "dev"}), agent("hello", app="hello")
    assert agent_deployments(app(former, other)) == ()
    assert agent_environments(app(former, other)) == frozenset()


@needs_helm
def test_the_chart_s_agents_say_that_they_answer_but_those_that_are_alone() -> None:
    everything = app(*rendered(example("all-in-one")))
    assert agent_environments(everything) == {"dev", "staging", "prod"}, (
        "the build agent is in no environment"
    )
    for each in agent_deployments(everything):
        assert "towpath.dev/canary" not in each["spec"]["selector"]["matchLabels"], "no selector may change"
    assert agent_environments(app(*rendered(example("gitops")))) == {"tools"}
