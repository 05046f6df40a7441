"""A sync through a proxy that cuts, delays and refuses: the invariants hold, and the next run goes on."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.adapters.kubernetes import Cluster, connect
from towpath.adapters.kubernetes.wire import ATTEMPTS
from towpath.applyset.inventory import PART_OF_LABEL, Owner
from towpath.engine.apply.run import TOLERATED
from towpath.engine.live.concurrent import THREADS
from towpath.engine.live.observe import read_inventory
from towpath.errors import SyncError, TransientError
from towpath.objects import Manifest, ObjectRef

pytestmark = pytest.mark.integration

Fault = Callable[[str, str], int | None]
"""(method, path) -> a status to answer with; None: pass on; 0: pass on, then cut; -1: never answer."""


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap(name, A="1") for name in ("a", "b", "c", "d")]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Callable[[Cluster, Fault], Cluster]]:
    """The same cluster behind a faulty proxy, that is away when it is silent for `read_timeout` seconds."""
    servers = []
    over = threading.Event()

    def start(cluster: Cluster, fault: Fault, read_timeout: float = 60.0) -> Cluster:
        wire = cluster._wire

        class Proxy(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                chosen = fault(self.command, self.path)
                if chosen == -1:
                    over.wait(60)
                    self.close_connection = True
                    return
                if chosen:
                    self.answer(
                        chosen,
                        {"Retry-After": getattr(fault, "retry_after", "0.05")},
                        b'{"message": "by the test"}',
                    )
                    return
                headers = {
                    name: self.headers[name] for name in ("Accept", "Content-Type") if name in self.headers
                }
                real = wire._sender.request(
                    self.command, wire.server + self.path, body=body, headers=headers, retries=False
                )
                if chosen == 0:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.answer(real.status, {"Content-Type": real.headers["Content-Type"]}, real.data)

            do_PATCH = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        content = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k"}}],
            "clusters": [{"name": "k", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        }
        path = tmp_path / "proxy"
        path.write_text(yaml.safe_dump(content))
        return connect(str(path), read_timeout=read_timeout)

    yield start
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


class Counted:
    """Answers `status` to writes number `first` to `last`."""

    def __init__(
        self, status: int, first: int, last: int = 10**9, methods: tuple[str, ...] = ("PATCH",)
    ) -> None:
        self.status, self.first, self.last, self.methods = status, first, last, methods
        self.count = 0
        self.retry_after = "0.05"
        self.lock = threading.Lock()

    def __call__(self, method: str, path: str) -> int | None:
        if method not in self.methods:
            return None
        with self.lock:
            self.count += 1
            return self.status if self.first <= self.count <= self.last else None


def test_a_busy_server_is_waited_for(world: World, behind) -> None:
    direct, world.cluster = world.cluster, behind(world.cluster, Counted(429, 1, 3))
    assert len(world.sync().changes) == 4
    world.cluster = direct
    assert world.sync().changes == ()


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_the_server_names_is_waited(world: World, behind, status: int) -> None:
    fault = Counted(status, 1, 1)
    fault.retry_after = "1"
    world.cluster = behind(world.cluster, fault)
    started = time.monotonic()
    world.sync()
    assert 1.0 <= time.monotonic() - started < 20


def test_the_date_that_the_server_names_is_waited_for(world: World, behind) -> None:
    class UntilDate(Counted):
        @property
        def retry_after(self) -> str:
            return formatdate(time.time() + 2, usegmt=True)

        @retry_after.setter
        def retry_after(self, _: str) -> None: ...

    fault = UntilDate(503, 1, 1)
    world.cluster = behind(world.cluster, fault)
    started = time.monotonic()
    assert len(world.sync().changes) == 4
    assert 1.0 <= time.monotonic() - started < 20, "a date has whole seconds"


def test_a_server_that_stays_busy_is_not_asked_for_every_object(world: World, behind) -> None:
    direct = world.cluster
    world.objects = [configmap(f"c-{number:03}", A="1") for number in range(100)]
    fault = Counted(429, 1)
    world.cluster = behind(direct, fault)
    with pytest.raises(TransientError, match=r"more objects were not tried") as caught:
        world.sync()
    assert caught.value.retry_after == 0.05
    assert fault.count <= ATTEMPTS * (THREADS + TOLERATED)
    world.cluster = direct
    assert len(world.sync().changes) == 100


def test_a_wait_that_is_too_long_for_a_thread_is_left_to_the_caller(world: World, behind) -> None:
    direct = world.cluster
    world.sync()
    world.objects = [configmap("a", A="2")]
    fault = Counted(503, 1)
    fault.retry_after = "3600"
    world.cluster = behind(direct, fault)
    started = time.monotonic()
    with pytest.raises(TransientError) as caught:
        world.sync()
    assert time.monotonic() - started < 10
    assert caught.value.retry_after == 3600
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "d")), "no prune in a run that failed"


def test_a_conflict_of_the_moment_is_tried_again(world: World, behind) -> None:
    world.cluster = behind(world.cluster, Counted(409, 1, 3))
    assert len(world.sync().changes) == 4


def test_a_conflict_that_stays_is_named_and_nothing_is_pruned(world: World, behind) -> None:
    direct = world.cluster
    world.sync()
    world.objects = [configmap("a", A="2"), configmap("b", A="1"), configmap("c", A="1")]
    world.cluster = behind(direct, Counted(409, 1))
    with pytest.raises(SyncError, match=r"ConfigMap .*/a: by the test"):
        world.sync()
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "d"))


def test_an_inventory_that_somebody_else_writes_is_another_sync(world: World, behind) -> None:
    direct = world.cluster
    world.sync()
    world.objects.append(configmap("e", A="1"))
    world.cluster = behind(direct, Counted(409, 1, methods=("PUT",)))
    with pytest.raises(TransientError, match="another sync of hello in test is under way"):
        world.sync()
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "e")) is None, (
        "nothing without the inventory"
    )
    world.cluster = direct
    world.sync()
    assert world.sync().changes == ()


def test_a_real_admission_policy_rejects_one_object(world: World) -> None:
    name = f"{world.namespace}.example.com"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {"expression": "!has(object.data) || !('A' in object.data) || object.data.A != 'no'"}
        ],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    kinds = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
    bind = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}}
    world.sync()
    try:
        for kind, each in zip(kinds, (spec, bind), strict=True):
            manifest = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "spec": each}
            world.kubectl("apply", "-f", "-", text=yaml.safe_dump({**manifest, "metadata": {"name": name}}))
        probe = {**configmap("probe", A="no")}
        probe["metadata"]["namespace"] = world.namespace
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                world.cluster.server_side_apply(probe, dry_run=True)
            except SyncError:
                break
            time.sleep(0.2)
        world.objects = [configmap("a", A="no"), configmap("b", A="2"), configmap("c", A="1")]
        assert next((e.ref.name, e.action) for e in world.plan().entries) == ("a", "skip")
        with pytest.raises(SyncError, match=r"ConfigMap .*/a: .*denied request"):
            world.sync()
        assert world.live("configmap", "b")["data"] == {"A": "2"}
        assert world.live("configmap", "d"), "no prune"
    finally:
        for kind in kinds:
            world.kubectl("delete", kind, name, "--ignore-not-found")
    world.objects[0]["data"]["A"] = "yes"
    world.sync()
    assert world.sync().changes == ()


def test_server_that_goes_away_in_mid_apply(world: World, behind) -> None:
    """The third write and all after it are cut, once the server has carried them out."""
    direct = world.cluster
    world.sync()
    world.objects = [configmap(name, A="2") for name in ("a", "b", "c", "e")]
    world.cluster = behind(direct, Counted(0, 3, methods=("PATCH", "PUT", "POST")))
    with pytest.raises(TransientError):
        world.sync()
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "d")), "no prune in a run that failed"
    world.cluster = direct
    inventory = world.live("configmap", "towpath-inventory-hello")["data"]["inventory"]
    assert '"e"' in inventory, "what may exist was written ahead"
    assert "deleted" in {each.result for each in world.sync().results}
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def test_server_that_accepts_and_never_answers(world: World, behind) -> None:
    direct = world.cluster
    world.sync()
    before = world.versions()
    world.cluster = behind(direct, lambda *_: -1, read_timeout=0.5)
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"has not answered within \d+\.\d s"):
        world.sync()
    assert time.monotonic() - started < 20
    world.cluster = direct
    assert world.versions() == before
    assert world.sync().changes == ()


def test_server_that_falls_silent_in_mid_apply(world: World, behind) -> None:
    """Every write after the thirtieth is taken, never answered: bounded, true, and the next run goes on."""
    direct = world.cluster
    world.sync()
    names = [f"c-{number:03}" for number in range(200)]
    world.objects = [configmap(name, A="1") for name in ("a", "b", "c", *names)]
    fault = Counted(-1, 31, methods=("PATCH", "PUT", "POST", "DELETE"))
    world.cluster = behind(direct, fault, read_timeout=5.0)
    with pytest.raises(TransientError, match=r"(?s)not answered .* more objects were not tried"):
        world.sync()
    assert fault.count < 31 + THREADS + TOLERATED + 1, "not one silence for each object"
    world.cluster = direct
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "d")), "no prune in a run that failed"
    owner = Owner("hello", "test", world.namespace)
    live = direct.list("", "ConfigMap", world.namespace, labels=f"{PART_OF_LABEL}={owner.applyset}")
    inventory, _ = read_inventory(direct, owner)
    assert inventory
    assert {each["metadata"]["name"] for each in live} <= {each.ref.name for each in inventory.objects}
    assert {each["metadata"]["name"] for each in live} < {"a", "b", "c", "d", *names}, "it was in the middle"
    results = {each.ref.name: each.result for each in world.sync().results}
    assert results["d"] == "deleted"
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def test_silence_about_one_object_leaves_the_others_done(world: World, behind) -> None:
    direct = world.cluster
    world.cluster = behind(
        direct, lambda method, path: -1 if method == "PATCH" and "/b?" in path else None, read_timeout=5.0
    )
    with pytest.raises(TransientError, match=r"apply ConfigMap .*/b: .* has not answered within \d+\.\d s"):
        world.sync()
    live = {each["metadata"]["name"] for each in direct.list("", "ConfigMap", world.namespace)}
    assert live & {"a", "b", "c", "d"} == {"a", "c", "d"}
    world.cluster = direct
    assert {e.ref.name: e.result for e in world.sync().results} == {
        "a": "unchanged",
        "b": "created",
        "c": "unchanged",
        "d": "unchanged",
    }


@pytest.mark.parametrize("cut", range(1, 8))
def test_cut_after_any_write_the_next_run_converges(world: World, behind, cut: int) -> None:
    direct = world.cluster
    world.cluster = behind(direct, Counted(0, cut, methods=("PATCH", "PUT", "POST")))
    with contextlib.suppress(TransientError, SyncError):
        world.sync()
    world.cluster = direct
    world.sync()
    assert world.sync().changes == ()
    assert world.drift().entries == ()


def test_refused_by_admission_is_named_and_nothing_is_pruned(world: World, behind) -> None:
    direct = world.cluster
    world.sync()
    world.objects = [configmap("a", A="2"), configmap("b", A="1"), configmap("c", A="1")]

    asked = []

    def deny(method: str, path: str) -> int | None:
        asked.append((method, path.partition("?")[0].rpartition("/")[2]))
        return 403 if asked[-1] == ("PATCH", "a") else None

    world.cluster = behind(direct, deny)
    with pytest.raises(SyncError, match=r"ConfigMap .*/a: by the test"):
        world.sync()
    assert asked.count(("PATCH", "a")) == 1, "a refusal is not asked for again"
    assert direct.get(ObjectRef("", "ConfigMap", world.namespace, "d"))


def test_two_syncs_at_once_do_not_lose_an_entry(world: World) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            world.sync()
        except TransientError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) < 3
    world.sync()
    assert world.sync().changes == ()
    assert world.drift().entries == ()
