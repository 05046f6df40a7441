"""What the pods run is what Towpath and Prefect take: commands, files, probes, accounts."""

import re
from pathlib import Path

import pytest

from tests.chart import CHART, EXAMPLES, NAMESPACE, RenderError, example, needs_helm, one, pods, rendered
from towpath.agent.agent_file import AGENT_FILE, AgentFile
from towpath.cli.agent import command as agent_command
from towpath.cli.door import command as door_command
from towpath.config.machine_file import parse_machine_file
from towpath.door.door_file import DOOR_FILE, DoorFile
from towpath.kube.lease import lease_rights
from towpath.kube.rights import rules_of
from towpath.objects import Manifest

pytestmark = needs_helm

SERVER = "towpath-server"


def agent_file(objects: list[Manifest], name: str) -> AgentFile:
    data = one(objects, "ConfigMap", f"towpath-agent-{name}")["data"]
    return parse_machine_file(data[AGENT_FILE], AGENT_FILE, AgentFile)


def test_each_agent_has_its_own_file() -> None:
    objects = rendered(example("all-in-one"))
    for name in ("dev", "staging", "prod"):
        file = agent_file(objects, name)
        assert (file.environment, file.name, file.cluster.kubeconfig) == (
            name,
            None,
            "in-cluster",
        )
        assert file.prefect.api == "http://towpath-server.towpath-system.svc:4200/api"
        assert file.docker is None
    build = agent_file(objects, "build")
    assert build.docker and build.docker.host == "tcp://docker.build.svc:2376"
    assert build.cluster.kubeconfig is None


def test_an_agent_of_a_cluster_elsewhere_has_its_kubeconfig_and_no_account() -> None:
    objects = rendered(example("gitops"))
    cluster = agent_file(objects, "prod").cluster
    assert (cluster.kubeconfig, cluster.context) == ("/etc/towpath/cluster/kubeconfig", "prod")
    found = pods(objects)
    assert found["towpath-agent-prod"]["automountServiceAccountToken"] is False
    assert found["towpath-agent-tools"]["automountServiceAccountToken"] is True


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_what_files_name_is_mounted(values: Path) -> None:
    objects = rendered(values)
    for each in objects:
        for name, text in (each.get("data") or {}).items():
            if name not in (AGENT_FILE, DOOR_FILE):
                continue
            (container,) = pods(objects)[each["metadata"]["name"]]["containers"]
            mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
            for path in re.findall(r"/etc/towpath/\S+", text):
                assert {path, str(Path(path).parent)} & {*mounts}, path


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_every_pod_is_confined_and_only_agents_have_an_account(values: Path) -> None:
    for name, pod in pods(rendered(values)).items():
        if name == "towpath-buildkit":
            continue  # the one whose work needs more: see below
        assert pod["securityContext"]["runAsNonRoot"] is True
        may_ask = bool(re.fullmatch(r"towpath-agent-(?!build).*", name))
        assert may_ask or pod["automountServiceAccountToken"] is False
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert container["resources"]["limits"]["memory"]
        for container in pod["containers"]:
            assert "services" in name or {"readinessProbe", "livenessProbe"} <= set(container), name


def test_a_builder_without_root_has_no_account_and_only_the_build_agent_reaches_it() -> None:
    objects = rendered(example("build-alone"))
    file = agent_file(objects, "build")
    assert file.docker is None
    assert file.buildkit
    assert file.buildkit.host == "tcp://towpath-buildkit.towpath-builder.svc:1234"
    assert str(file.buildkit.tls) == "/etc/towpath/buildkit"
    pod = pods(objects)["towpath-buildkit"]
    assert pod["automountServiceAccountToken"] is False
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 1000)
    (container,) = pod["containers"]
    assert "privileged" not in container["securityContext"]
    assert not [each for each in container["args"] if "insecure" in each]
    policy = one(objects, "NetworkPolicy", "towpath-buildkit")
    (source,) = policy["spec"]["ingress"][0]["from"]
    assert source["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "build-agent"
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": NAMESPACE}
    outside = [each for each in objects if each["metadata"].get("namespace") == "towpath-builder"]
    assert {each["kind"] for each in outside} == {"Deployment", "Service", "NetworkPolicy"}


def test_the_commands_are_ones_that_the_verbs_take() -> None:
    objects = rendered(example("all-in-one"))
    for name, verb in (("agent-prod", agent_command), ("agent-build", agent_command), ("door", door_command)):
        (container,) = pods(objects)[f"towpath-{name}"]["containers"]
        program, given, *arguments = container["command"]
        assert (program, given) == ("towpath", verb.name)
        assert [option.split("=")[0] for option in arguments] == ["--config"]
        assert {"--config"} <= {option for each in verb.params for option in each.opts}


def test_the_door_s_file_is_valid_and_its_ingress_shows_what_callers_need() -> None:
    objects = rendered(example("all-in-one"))
    data = one(objects, "ConfigMap", "towpath-door")["data"]
    file = parse_machine_file(data[DOOR_FILE], DOOR_FILE, DoorFile)
    (container,) = pods(objects)["towpath-door"]["containers"]
    assert file.listen.endswith(f":{container['ports'][0]['containerPort']}")
    (rule,) = one(objects, "Ingress", "towpath-door")["spec"]["rules"]
    assert [each["path"] for each in rule["http"]["paths"]] == ["/deliver", "/deliveries/", "/hooks/"]


def test_servers_wait_for_one_that_migrates_and_share_everything_by_redis() -> None:
    found = pods(rendered(example("all-in-one")))
    for name in ("towpath-server", "towpath-services"):
        (init,) = found[name]["initContainers"]
        assert init["command"] == ["python", "-m", "towpath.orchestration.server_database"]
        variables = {each["name"]: each for each in found[name]["containers"][0]["env"]}
        assert variables["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"]["value"] == "false"
        assert variables["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"]["value"] == "prefect_redis.lease_storage"
        for variable in (
            "PREFECT_REDIS_MESSAGING_URL",
            "PREFECT_SERVER_DOCKET_URL",
            "PREFECT_SERVER_API_AUTH_STRING",
        ):
            assert set(variables[variable]["valueFrom"]) == {"secretKeyRef"}


def test_the_trial_s_redis_is_the_process_that_is_told_to_end() -> None:
    (container,) = pods(rendered(example("trial")))["towpath-redis"]["containers"]
    begin, password, end = container["command"][-1].splitlines()
    assert begin == "exec redis-server - --appendonly yes --dir /data <<END"
    assert (password, end) == ("requirepass $(cat /etc/towpath/redis/password)", "END")


ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_the_pods_of_an_agent_share_a_lease_to_which_alone_they_have_a_right() -> None:
    objects = rendered(example("all-in-one"), {"agents.prod.leaseDuration": "1m"})
    file = agent_file(objects, "prod")
    assert file.leader
    assert (file.leader.namespace, file.leader.times.lasts, file.name) == ("towpath-system", 60, None)
    spec = one(objects, "Deployment", "towpath-agent-prod")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, ROLLING), (
        "the new one stands by before the old one ends"
    )
    role = one(objects, "Role", "towpath-system-towpath-prod-lease")
    assert role["rules"] == rules_of(lease_rights("towpath-system", "prod"))
    binding = one(objects, "RoleBinding", "towpath-system-towpath-prod-lease")
    assert binding["subjects"][0]["name"] == "towpath-prod"


def test_the_build_agent_and_one_of_a_cluster_elsewhere_are_alone() -> None:
    for values, name in (("all-in-one", "build"), ("gitops", "prod")):
        objects = rendered(example(values))
        file = agent_file(objects, name)
        assert (file.leader, file.name) == (None, f"towpath-{name}")
        spec = one(objects, "Deployment", f"towpath-agent-{name}")["spec"]
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_several_are_on_different_nodes_and_not_evicted_together() -> None:
    plain, objects = (
        rendered(example("all-in-one")),
        rendered(example("all-in-one"), {"agents.prod.replicas": 2}),
    )
    spec = one(objects, "Deployment", "towpath-agent-prod")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (2, ROLLING)
    spread = spec["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    budget = one(objects, "PodDisruptionBudget", "towpath-agent-prod")["spec"]
    assert spread == spec["selector"]["matchLabels"] == budget["selector"]["matchLabels"]
    changed = {each["metadata"]["name"] for each in objects if each not in plain}
    assert changed == {"towpath-agent-prod"}


@pytest.mark.parametrize(("change", "seconds"), [({}, 600), ({"agents.prod.runs": {"graceSeconds": 90}}, 90)])
def test_an_agent_that_is_replaced_has_the_time_to_end_the_upgrade_of_itself(
    change: dict[str, object], seconds: int
) -> None:
    objects = rendered(example("all-in-one"), change)
    assert agent_file(objects, "prod").runs.grace.total_seconds() == seconds
    assert pods(objects)["towpath-agent-prod"]["terminationGracePeriodSeconds"] == seconds + 30


def test_the_lease_of_a_cluster_elsewhere_is_there_and_its_rights_are_given_there() -> None:
    with pytest.raises(RenderError, match="leaseNamespace is not set"):
        rendered(example("gitops"), {"agents.prod.replicas": 2})
    for replicas in (1, 2):
        change = {"agents.prod.replicas": replicas, "agents.prod.leaseNamespace": "delivery"}
        objects = rendered(example("gitops"), change)
        file = agent_file(objects, "prod")
        assert file.leader
        assert file.leader.namespace == "delivery"
        assert one(objects, "Deployment", "towpath-agent-prod")["spec"]["strategy"] == ROLLING
    assert not [each for each in objects if each["metadata"]["name"].endswith("-lease")]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"agents.prod.replicas": 0}, "minimum"),
        ({"agents.prod.replicas": "2"}, "got string, want integer"),
        ({"agents.prod.leaseNamespace": "a"}, "kubeconfigSecret"),
        ({"build.replicas": 2}, "not allowed"),
    ],
)
def test_numbers_of_agents_that_cannot_be_are_refused(value: dict[str, object], why: str) -> None:
    with pytest.raises(RenderError, match=why):
        rendered(example("all-in-one"), value)


def test_an_agent_alone_brings_no_server() -> None:
    objects = rendered(example("agent-alone"))
    assert list(pods(objects)) == ["towpath-agent-prod-eu"]
    (policy,) = [each for each in objects if each["kind"] == "ValidatingAdmissionPolicy"]
    accounts = policy["spec"]["variables"][0]["expression"]
    assert accounts == "{'system:serviceaccount:towpath-system:towpath-prod-eu': 'shop'}"


def test_people_go_by_the_proxy_and_only_it_and_programs_reach_the_server() -> None:
    objects = rendered(example("sso"))
    (rule,) = one(objects, "Ingress", "towpath-sso")["spec"]["rules"]
    assert rule["host"] == "prefect.example.com"
    assert not [each for each in objects if (each["kind"], each["metadata"]["name"]) == ("Ingress", SERVER)]
    (allowed,) = one(objects, "NetworkPolicy", SERVER)["spec"]["ingress"]
    (peers,) = allowed["from"]
    (parts,) = peers["podSelector"]["matchExpressions"]
    assert parts["values"] == ["agent", "build-agent", "door", "sso"]
    (server,) = pods(objects)[SERVER]["containers"]
    variables = {each["name"]: each.get("value") for each in server["env"]}
    assert variables["PREFECT_SERVER_UI_API_URL"] == "https://prefect.example.com/api"
    assert "towpath.orchestration.server_people:create_app" in server["command"]
    assert "TOWPATH_SERVER_PEOPLE" not in str(pods(rendered(example("all-in-one")))[SERVER])


def test_agents_of_other_clusters_reach_the_api_alone() -> None:
    ingress = {"server.host": "api.example.com", "server.ingress": {"enabled": True, "tlsSecret": "x"}}
    objects = rendered(example("sso"), ingress)
    (rule,) = one(objects, "Ingress", SERVER)["spec"]["rules"]
    assert (rule["host"], [each["path"] for each in rule["http"]["paths"]]) == ("api.example.com", ["/api/"])
    (allowed,) = one(objects, "NetworkPolicy", SERVER)["spec"]["ingress"]
    assert len(allowed["from"]) == 2
    (server,) = pods(objects)[SERVER]["containers"]
    variables = {each["name"]: each.get("value") for each in server["env"]}
    assert variables["PREFECT_UI_URL"] == "https://prefect.example.com", "of people"


@pytest.mark.parametrize(("issuer", "port"), [("https://a.example.com/b", 443), ("https://a:8443/b", 8443)])
def test_the_proxy_reaches_its_issuer(issuer: str, port: int) -> None:
    policy = one(rendered(example("sso"), {"sso.issuer": issuer}), "NetworkPolicy", "towpath-sso")
    assert policy["spec"]["egress"][1]["ports"][1]["port"] == port


def test_whoever_sees_the_chart_sees_each_value_explained_or_named() -> None:
    guide = (CHART.parents[1] / "docs/guides/install.md").read_text()
    for key in re.findall(r"^(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE):
        assert f"`{key}" in guide, key


@pytest.mark.parametrize("name", ["trial", "all-in-one", "sso"])
def test_a_busy_node_ends_nothing_that_works(name: str) -> None:
    """Kubernetes waits for a second where a probe does not say how long, and ends what is slower."""
    found = {
        f"{pod} {probe}": container[probe].get("timeoutSeconds", 1)
        for pod, spec in pods(rendered(example(name))).items()
        for container in spec["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        if probe in container
    }
    assert len(found) > 5
    least = {each: 10 if each.endswith("livenessProbe") else 5 for each in found}
    assert {each: seconds for each, seconds in found.items() if seconds < least[each]} == {}
