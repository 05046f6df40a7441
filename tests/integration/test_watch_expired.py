"""The API server has forgotten where a watcher was: etcd is compacted while the watcher stands still."""

import ssl
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.running import RunningStack
from tests.integration.watched import Watched, watched

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.alone]


@pytest.fixture
def here(stack: RunningStack) -> Iterator[Watched]:
    with watched(stack, forked=False) as made:
        yield made


def client_of(stack: RunningStack, address: str, who: str) -> httpx.Client:
    pki = stack.layout.credentials / "pki"
    tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    tls.load_cert_chain(pki / f"{who}.crt", pki / f"{who}.key")
    return httpx.Client(base_url=f"https://{address}", verify=tls, timeout=30)


def compact(stack: RunningStack) -> None:
    """Forget all of etcd's history but the newest state, as its periodic compaction does."""
    with client_of(stack, stack.stack.address("etcd"), "etcd-client") as etcd:
        newest = etcd.post("/v3/kv/range", json={"key": "Lw=="}).json()["header"]["revision"]
        done = etcd.post("/v3/kv/compaction", json={"revision": newest, "physical": True})
        assert done.status_code == 200, done.text


def expired(here: Watched) -> float:
    """How often a watch began anew because the API server did not know its place any more."""
    families = text_string_to_metric_families(here.get("/metrics").text)
    samples = [each for family in families for each in family.samples]
    return sum(
        each.value
        for each in samples
        if each.name == "towpath_watch_restarts_total" and each.labels["reason"] == "expired"
    )


def test_after_a_compaction_everything_is_listed_anew_and_an_edit_made_meanwhile_is_healed(
    here: Watched, stack: RunningStack
) -> None:
    path = f"/api/v1/namespaces/{here.world.namespace}/configmaps"
    with client_of(stack, stack.stack.address("apiserver"), "admin") as api:
        place = api.get(path).json()["metadata"]["resourceVersion"]
        assert expired(here) == 0
        here.freeze()
        here.edit("c0")
        here.world.kubectl("delete", "configmap", "c1")
        compact(stack)
        # Its cache of the newest events goes with it; it would tell what etcd no longer knows.
        stack.stop("kube-apiserver")
        stack.start("kube-apiserver")
    with client_of(stack, stack.stack.address("apiserver"), "admin") as api:
        answer = api.get(path, params={"resourceVersion": place, "resourceVersionMatch": "Exact"})
        assert answer.status_code == 410, answer.text
    assert here.value("c0") == "by hand"
    here.thaw()
    here.until(lambda: here.value("c0") == here.value("c1") == "1", "what was done meanwhile is taken back")
    assert expired(here) > 0
    here.until(lambda: here.get("/readyz").status_code == 200, "it is ready again")
    here.edit("c2")
    here.until(lambda: here.value("c2") == "1", "it follows again")
