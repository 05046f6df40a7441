"""`towpath install` on a real API server: what it makes, that it makes it once, and what it refuses."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart import needs_helm
from tests.integration.installing import Site, a_site, actions, with_logins
from tests.integration.running import RunningStack
from tests.integration.verb import towpath
from towpath.adapters.rendering.own_chart import render_own_chart
from towpath.applyset.inventory import INSTALLED_LABEL
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.trusted_keys import parse_trusted_keys
from towpath.install.objects import MANAGER, Target, prune_objects, read_record
from towpath.objects import Manifest, ref_of
from towpath.orchestration.api import PrefectApi

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), needs_helm]


@pytest.fixture
def site(stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with a_site(stack, tmp_path, monkeypatch) as site:
        yield site


def test_a_dry_run_shows_the_plan_and_writes_nothing(site: Site) -> None:
    code, said = site.run("--dry-run", "--no-wait")
    assert code == 0, said
    assert f"+ Namespace {site.home}" in said
    assert f"+ Namespace {site.place}" in said
    assert f"+ Secret {site.home}/towpath-agent-far-keys  (a new key)" in said
    assert f"+ Deployment {site.home}/towpath-agent-far" in said
    assert "+ WorkPool towpath-far  (once the Prefect server answers)" in said
    assert f"! Secret {site.home}/towpath-git is missing, for towpath-agent-far" in said
    assert site.there("namespace", site.home) is None
    assert site.all_of_it() == {}
    assert not (site.folder / "keys").exists()


def test_installed_twice_it_is_written_once(site: Site) -> None:
    code, said = with_logins(site).run("--no-wait", "--output", "json")
    assert code == 0, said
    assert actions(said)["Deployment towpath-agent-far"] == "create"
    secret = site.there("secret", "towpath-agent-far-keys")
    assert secret
    private = base64.b64decode(secret["data"]["far"])
    assert private.decode().splitlines()[1] not in said
    trusted = site.there("configmap", "towpath-trusted-keys")
    assert trusted
    [entry] = parse_trusted_keys(trusted["data"]["allowed_signers"], "x").entries
    assert (entry.principals, entry.key) == (("far",), PrivateKey.parse(private).public)
    fields = ("--show-managed-fields", "-o", "jsonpath={.metadata.managedFields[*].manager}")
    managers = site.world.kubectl("-n", site.home, "get", "deployment", "towpath-agent-far", *fields)
    assert MANAGER in managers.split()
    before = site.all_of_it()
    assert len(before) > 12

    code, said = site.run("--no-wait", "--output", "json")
    assert code == 0, said
    entries = [each for each in json.loads(said)["entries"] if each["object"]["group"] != "prefect.io"]
    assert {each["action"] for each in entries} == {"unchanged"}
    after = site.all_of_it()
    status = {name for name in before if name.startswith(("Deployment ", "ReplicaSet ", "Pod "))}
    assert {name for name in before if after[name] != before[name]} <= status, "their controllers write"


def test_other_values_change_what_they_say_and_delete_what_they_drop(site: Site) -> None:
    assert with_logins(site).run("--no-wait")[0] == 0
    agents = {"far": {"namespace": site.place, "poll": "1m"}}
    code, said = site.run("--no-wait", "--dry-run", agents=agents, networkPolicy={"enabled": False})
    assert code == 0, said
    assert f"~ ConfigMap {site.home}/towpath-agent-far" in said
    assert f"- NetworkPolicy {site.home}/towpath-agent  (no longer in the chart)" in said
    code, said = site.run("--no-wait", agents=agents, networkPolicy={"enabled": False})
    assert code == 0, said
    assert "what the chart has no more was not deleted" in said
    assert site.there("networkpolicy", "towpath-agent"), "only once the rest is well"
    file = site.there("configmap", "towpath-agent-far")
    assert file
    assert "poll: 1m" in file["data"]["agent.yaml"]


def test_missing_secrets_are_named_before_anything_is_written(site: Site) -> None:
    code, said = site.run()
    assert code == 1
    assert f"Secret {site.home}/towpath-prefect (key auth-string), for towpath-agent-far" in said
    assert f"kubectl create namespace {site.home}; kubectl -n {site.home} create secret generic" in said
    assert site.all_of_it() == {}


def test_the_server_that_is_not_there_yet_is_said_and_the_rest_is_kept(site: Site) -> None:
    """No kubelet runs here: with a server elsewhere, pools come before pods are waited for."""
    with_logins(site)
    code, said = site.run("--no-wait")
    assert code == 0, said
    assert "left: work pools, locks, automation and deployments" in said


def test_a_namespace_with_apps_of_another_environment_is_refused(site: Site) -> None:
    world = site.world
    world.kubectl("create", "namespace", site.place)
    labels = ("towpath.dev/inventory=true", "towpath.dev/environment=near")
    world.kubectl("-n", site.place, "create", "configmap", "towpath-inventory-shop")
    world.kubectl("-n", site.place, "label", "configmap", "towpath-inventory-shop", *labels)
    code, said = site.run("--dry-run", "--no-wait")
    assert code == 1
    assert f"namespace {site.place} has apps of the environment near, and would be of far" in said


def test_what_somebody_else_has_made_is_not_taken(site: Site) -> None:
    with_logins(site)
    site.world.kubectl("-n", site.home, "create", "configmap", "towpath-agent-far", "--from-literal=a=b")
    code, said = site.run("--no-wait")
    assert code == 1
    owner = "somebody else (field managers: kubectl-create)"
    assert f"ConfigMap {site.home}/towpath-agent-far: belongs to {owner}" in said
    assert site.there("deployment", "towpath-agent-far") is None
    code, said = site.run("--no-wait", "--take-over")
    assert code == 0, said


def test_without_a_context_nothing_is_guessed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWPATH_CONTEXT", raising=False)
    code, said = towpath(site.world, site.folder / "none", "install", "--values", str(site.values()))
    assert code == 1
    assert "no context is named" in said
    assert site.context in said


def test_values_that_the_chart_refuses_reach_no_cluster(site: Site) -> None:
    code, said = site.run("--no-wait", agents={"far": {"namespace": site.place, "polls": "1m"}})
    assert code == 1
    assert "values.yaml: the chart refuses these values" in said
    assert "additional properties 'polls' not allowed" in said
    assert site.all_of_it() == {}


def checks(site: Site, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    code, said = site.towpath("--output", "json", *options, verb="doctor")
    return code, {each["name"]: each for each in json.loads(said)}


def test_doctor_says_what_an_installation_lacks(site: Site) -> None:
    code, found = checks(site, "--cluster")
    assert code == 1
    assert found["namespace"]["detail"] == f"{site.home} is missing"
    assert "towpath install" in found["namespace"]["remedy"]

    assert site.run("--no-wait")[0] == 0  # the Secrets that are the user's are not there
    code, found = checks(site, "--cluster")
    assert code == 1
    assert found["objects"]["status"] == found["key far"]["status"] == found["versions"]["status"] == "ok"
    assert f"Secret {site.home}/towpath-git for towpath-agent-far" in found["secrets"]["detail"]
    assert found["agent-far"]["status"] == "missing", "nothing starts pods here"
    assert "describe deployment towpath-agent-far" in found["agent-far"]["remedy"]
    assert "stopped answering" in found["prefect api"]["detail"]
    assert found["database"]["status"] == "absent", "the server is elsewhere"

    with_logins(site)
    other = f"far {PrivateKey.generate().public.openssh}"
    patch = json.dumps({"data": {"allowed_signers": other}})
    site.world.kubectl("-n", site.home, "patch", "configmap", "towpath-trusted-keys", "-p", patch)
    site.world.kubectl("-n", site.home, "delete", "service", "towpath-agent-far")
    _, found = checks(site, "--cluster")
    assert found["secrets"]["status"] == "ok"
    assert "does not trust key" in found["key far"]["detail"]
    assert f"Service {site.home}/towpath-agent-far" in found["objects"]["detail"]
    assert site.run("--no-wait")[0] == 0, "its way out"
    _, found = checks(site, "--cluster")
    assert (found["key far"]["status"], found["objects"]["status"]) == ("ok", "ok")


def test_doctor_compares_the_rights_of_an_account_with_those_that_its_apps_need(site: Site) -> None:
    repository = site.folder / "environments"
    folder = repository / "apps/shop/far"
    folder.mkdir(parents=True)
    app: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop"},
        "data": {"a": "b"},
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(app))
    config = f"environments: [{{name: far, namespace: {site.place}}}]\napps: {{shop: {{renderer: plain}}}}\n"
    (repository / "towpath.yaml").write_text(f"apiVersion: towpath.dev/v2\n{config}")
    with_logins(site)
    assert site.run("--no-wait")[0] == 0
    _, found = checks(site, "--cluster", "--repo", str(repository))
    assert found["rights far"]["status"] == "ok", found["rights far"]
    site.world.kubectl("-n", site.place, "delete", "rolebinding", "towpath")
    code, found = checks(site, "--cluster", "--repo", str(repository))
    assert code == 1
    assert "towpath-far may not" in found["rights far"]["detail"]
    assert f"configmaps in {site.place}" in found["rights far"]["detail"]
    assert found["rights far"]["remedy"].startswith(f"`towpath rbac far --namespace {site.home}")


def test_a_server_that_is_not_reached_in_time_is_said_and_the_chart_stays(site: Site) -> None:
    code, said = with_logins(site).run("--timeout", "1s")
    assert code == 1
    assert "the chart is applied, work pools are not made: the Prefect server at http://127.0.0.1:9" in said
    assert "or name its address from here by --prefect" in said
    assert site.there("deployment", "towpath-agent-far")


def test_what_the_chart_has_no_more_is_deleted_and_forgotten(site: Site) -> None:
    assert with_logins(site).run("--no-wait")[0] == 0
    values, tools = site.values(networkPolicy={"enabled": False}), site.world.kubectl_path.parent
    objects = render_own_chart(values, site.home, tools)
    target = Target(site.world.cluster, site.home)
    other = ("service", "towpath-agent-far", f"{INSTALLED_LABEL}=other", "--overwrite")
    site.world.kubectl("-n", site.home, "label", *other)
    fewer = [each for each in objects if each["kind"] != "Service"]
    assert [str(ref) for ref in prune_objects(target, fewer)] == [f"NetworkPolicy {site.home}/towpath-agent"]
    assert site.there("networkpolicy", "towpath-agent") is None
    assert site.there("service", "towpath-agent-far"), "it is another's now"
    assert set(read_record(target)) == {ref_of(each) for each in fewer}
    assert prune_objects(target, fewer) == []


def test_pools_are_made_and_what_is_not_healthy_in_time_is_told(site: Site, stack: RunningStack) -> None:
    """At the stack's own Prefect server: a pool of its own, and an image that no registry has."""
    url = stack.settings.prefect_api_url
    if not url:
        pytest.skip("no Prefect server beside this cluster")
    api = PrefectApi(url)
    with_logins(site)
    try:
        code, said = site.run("--prefect", url, "--timeout", "5s")
        assert code == 1
        assert "did not become healthy in time" in said or "cannot become healthy" in said
        assert f"Deployment {site.home}/towpath-agent-far" in said
        assert api.get("/work_pools/towpath-far")["type"] == "towpath"
        code, said = site.run("--prefect", url, "--dry-run", "--output", "json")
        assert code == 0, said
        assert set(actions(said).values()) == {"unchanged"}
        _, found = checks(site, "--cluster", "--prefect", url)
        assert found["pool far"]["detail"] == "no agent polls towpath-far"
    finally:
        api.request("DELETE", "/work_pools/towpath-far")
        for row in api.post("/v2/concurrency_limits/filter", {}):
            if row["name"] == "environment-far":
                api.request("DELETE", f"/v2/concurrency_limits/{row['id']}")
        for row in api.post("/deployments/filter", {"deployments": {"tags": {"all_": ["environment:far"]}}}):
            api.request("DELETE", f"/deployments/{row['id']}")
