"""A real Prefect server and real Git repositories; the cluster, the registry and Docker are recorded.

The same flows on the real ones: tests/integration.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.context import SyncClientContext
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import (
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    get_current_settings,
    temporary_settings,
)
from prefect.states import Scheduled
from prefect.testing.utilities import prefect_test_harness

from flows.deliver import deliver
from flows.promote import promote
from flows.reconcile import reconcile
from flows.rollback import rollback
from tests.flows.server_database import MigratedDatabase
from tests.keys import evidence_of, make_keys
from tests.prepared import copy_of
from towpath.adapters.evidence.key_files import read_private_key
from towpath.adapters.evidence.referrers import FoundBundles
from towpath.adapters.registries.registry import RegistryManifest
from towpath.applyset.inventory import Inventory
from towpath.applyset.plan import Plan
from towpath.drift.heal_budget import WHOLE_OBJECT, ExhaustedFields, HealBudget
from towpath.drift.model import DriftReport
from towpath.drift.proposal import Proposal
from towpath.engine.apply.sync_result import SyncResult
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.verify.health_snapshot import AppHealth
from towpath.engine.verify.verify import Verification
from towpath.errors import TowpathError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.signing import sign_release
from towpath.health import Status
from towpath.objects import ObjectRef
from towpath.orchestration import keys
from towpath.orchestration.execution.known_answers import answer_here
from towpath.orchestration.execution.related_resources import relate_without_asking
from towpath.orchestration.profile import share_tls_contexts
from towpath.release.image_ref import check_digest, parse_image
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import load_release_file
from towpath.release.scan_verdict import ScanVerdict
from towpath.settings import SIGNING_KEY, TRUSTED_KEYS

FLOWS: dict[str, Flow[Any, Any]] = {
    "deliver": deliver,
    "promote": promote,
    "reconcile": reconcile,
    "rollback": rollback,
}
IMAGE = "127.0.0.1:5000/hello"

UNUSED = (
    *("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED", "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED"),
    *("PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED", "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED"),
)
"""What the server does besides answering."""

SERVER_PATIENCE = 900
"""Seconds that a server may take to start: ten where nothing else runs, minutes beside the other tests."""

TOWPATH = """\
apiVersion: towpath.dev/v2
apps:
  hello:
    image: 127.0.0.1:5000/hello
    source: {repository: ../hello.git}
    renderer: plain
environments:
  - {name: dev, namespace: dev}
  - name: prod
    namespace: prod
    gate: {approvals: {required: 2, from: [alice, bob, carol, dana]}}
scan: {scanners: [secret], block: [HIGH]}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello}
spec:
  replicas: 1
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
        - name: hello
          image: 127.0.0.1:5000/hello@sha256:0000000000000000000000000000000000000000000000000000000000000000
"""


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One server for all flow tests: it takes many seconds to start."""
    share_tls_contexts()  # as an agent does, like the next
    relate_without_asking()
    database = MigratedDatabase()
    with (
        patch.object(SubprocessASGIServer, "_run_uvicorn_command", lambda server: _serve(server, database)),
        prefect_test_harness(server_startup_timeout=SERVER_PATIENCE),
        temporary_settings(
            {
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
                PREFECT_LOGGING_TO_API_ENABLED: False,  # no test reads there what a run said
            }
        ),
    ):
        database.keep()
        with get_client(sync_client=True) as client:
            for environment in ("dev", "prod"):
                client.create_global_concurrency_limit(
                    GlobalConcurrencyLimitCreate(name=keys.lock_name(environment), limit=1)
                )
            for name, flow in FLOWS.items():
                flow_id = client.create_flow(flow)
                for environment in ("",) if name == keys.DELIVER else ("dev", "prod"):
                    client.create_deployment(flow_id, keys.deployment_name(name, environment))
        yield


def _serve(server: SubprocessASGIServer, database: MigratedDatabase) -> subprocess.Popen[Any]:
    """The local stack's server: Prefect's own stands still for a minute now and then (decision 0007).

    No test of flows waits for an automation, or reads events and logs afterwards: the runs of tasks are made
    of events as they come in, but none is kept, passed on or compared with triggers.
    """
    given = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", **dict.fromkeys(UNUSED, "0")}
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    url = settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    database.place(Path(url.removeprefix("sqlite+aiosqlite:///")))
    app = ("--factory", "towpath.orchestration.server_app:create_app", "--lifespan", "on")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # nobody takes the port while the server starts
        server.port = listener.getsockname()[1]
        command = (sys.executable, "-m", "uvicorn", *app, "--fd", str(listener.fileno()))
        process = subprocess.Popen(
            (*command, "--log-level", "error"),
            env={**os.environ, **given, **settings},
            pass_fds=[listener.fileno()],
        )
    _wait_for(process, f"{server.api_url}/health")
    return process


def _wait_for(process: subprocess.Popen[Any], health: str) -> None:
    """Prefect would wait for a server that has ended, too."""
    end = time.monotonic() + SERVER_PATIENCE
    with httpx.Client(timeout=10) as client:  # to make one reads all certificates of authorities
        while time.monotonic() < end:
            assert process.poll() is None, f"the Prefect server ended with {process.returncode}"
            with contextlib.suppress(httpx.TransportError):
                if client.get(health).is_success:
                    return
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"the Prefect server did not start in {SERVER_PATIENCE} s")


def git(folder: Path, *args: str) -> str:
    """Run git as a person would."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Dana Developer",
        "GIT_AUTHOR_EMAIL": "dana@example.com",
        "GIT_COMMITTER_NAME": "Dana Developer",
        "GIT_COMMITTER_EMAIL": "dana@example.com",
    }
    done = subprocess.run(["git", *args], cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Bench:
    """Repositories, a recorded outside world, and a hand that runs what a worker would."""

    folder: Path
    calls: list[str] = field(default_factory=list)
    releases: dict[str, Release] = field(default_factory=dict)
    """The records of the registry; what lies beside images as evidence is in `bundles`."""
    bundles: dict[str, list[bytes]] = field(default_factory=dict)
    sync_fails: list[Exception] = field(default_factory=list)
    never_syncs: dict[str, Exception] = field(default_factory=dict)
    verify_fails: list[Exception] = field(default_factory=list)
    prune_fails: list[Exception] = field(default_factory=list)
    unhealthy: dict[str, TowpathError] = field(default_factory=dict)
    """By app: what one look at it says."""
    not_ready: dict[str, str] = field(default_factory=dict)
    """By app: why it is not healthy for those that depend on it."""
    build_fails: list[Exception] = field(default_factory=list)
    sboms: dict[str, list[bytes]] = field(default_factory=dict)
    list_fails: list[Exception] = field(default_factory=list)
    sbom_fails: list[Exception] = field(default_factory=list)
    verdict: ScanVerdict = field(
        default_factory=lambda: ScanVerdict(ScanSummary("passed", ("secret",), policy="0" * 12), (), ())
    )
    inventories: dict[str, Inventory] = field(default_factory=dict)
    health: dict[str, AppHealth] = field(default_factory=dict)
    exhausted: frozenset[ObjectRef] = frozenset()
    proposal: Proposal | None = None
    drift: Callable[[str], DriftReport] = field(default=lambda name: DriftReport(name, "", ()))

    @property
    def environments(self) -> Path:
        return self.folder / "environments.git"

    def push(self, repository: str, files: dict[str, str], subject: str) -> str:
        """A person's commit on the newest state of a repository's branch; its id."""
        work = self.folder / f"work-{repository}"
        if not work.exists():
            git(self.folder, "clone", "-q", "--template=", f"{repository}.git", work.name)
            git(work, "checkout", "-q", "-B", "main")
        elif git(self.folder / f"{repository}.git", "branch", "--list", "main"):
            git(work, "pull", "-q", "--rebase", "origin", "main")
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        git(work, "add", "-A")
        git(work, "commit", "-q", "-m", subject)
        git(work, "push", "-q", "origin", "main")
        return git(work, "rev-parse", "HEAD")

    def release(self, number: int, *, author: str = "Dana Developer <dana@example.com>") -> Release:
        """Put a release on the shelf; a greater number is a newer build."""
        release = Release(
            app="hello",
            images=one_image("hello", IMAGE, f"sha256:{number:064x}"),
            commit=f"{number:040x}",
            source="/hello.git",
            subject=f"Version {number}",
            author=author,
            built_at=f"2026-01-{number:02}T00:00:00+00:00",
            scan=ScanSummary("passed", ("secret",)),
            flow_run="",
        )
        return self.shelve(release)

    def shelve(self, release: Release, *, previous: str = "", authors: tuple[str, ...] = ()) -> Release:
        """Put a release on the shelf as the build agent does: its record, and its evidence."""
        self.releases[release.id] = release
        evidence = evidence_of(release, previous=previous, authors=authors)
        self.bundles[release.id] = [sign_release(evidence, self.key("build"))]
        return release

    def key(self, name: str) -> PrivateKey:
        """The private key of an agent."""
        return read_private_key(self.folder / "keys" / name)

    def state(self, environment: str) -> EnvironmentRelease | None:
        """What Git says runs in an environment."""
        path = f"apps/hello/{environment}/release.yaml"
        target = self.folder / "read" / "release.yaml"
        target.parent.mkdir(exist_ok=True)
        try:
            target.write_text(git(self.environments, "show", f"main:{path}"))
        except subprocess.CalledProcessError:
            return None
        return load_release_file(target.parent)

    def subjects(self) -> list[str]:
        """The environment repository's commits, newest first."""
        return git(self.environments, "log", "--format=%s", "main").splitlines()

    def message(self) -> str:
        """The newest commit's whole message."""
        return git(self.environments, "log", "-1", "--format=%B", "main")

    def message_of(self, subject: str) -> str:
        """The whole message of the newest commit with that subject."""
        return git(
            self.environments, "log", "-1", "--format=%B", "--fixed-strings", f"--grep={subject}", "main"
        )

    def start(self, deployment: str, **parameters: Any) -> FlowRun:
        """Create a run and do what a worker would until it ends or is suspended."""
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(deployment)
            run = client.create_flow_run_from_deployment(found.id, parameters=parameters, state=Scheduled())
        return self.work(run.id)

    def work(self, run_id: UUID) -> FlowRun:
        """Run a created or resumed run in this process, as an agent's child does (flow_child.py)."""
        with SyncClientContext() as opened, contextlib.suppress(Pause):
            run = opened.client.read_flow_run(run_id)
            flow = FLOWS[opened.client.read_flow(run.flow_id).name]
            environ = {SIGNING_KEY: str(self.folder / "keys" / run.parameters.get("environment", "build"))}
            seen = run.model_copy(update={"deployment_id": None})  # nobody suspends it from outside
            answer_here(opened.client, seen, run.deployment_id)
            with patch.dict(os.environ, environ):
                run_flow(flow, flow_run=seen, return_type="state")
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run_id)

    def again(self, run: FlowRun) -> FlowRun:
        """Let a run that waits begin again."""
        assert run.state is not None
        assert (run.state.type, run.state.name) == (StateType.SCHEDULED, keys.WAITS), run.state
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Scheduled(), force=True)
        return self.work(run.id)

    def answer(self, run: FlowRun, **form: str) -> FlowRun:
        """Fill in the form of a suspended run as the UI does, with the plan, and let it go on."""
        assert run.state is not None
        key = f"suspended-{run.state.state_details.pause_key}-schema"
        with get_client(sync_client=True) as client:
            fields = json.loads(client.read_flow_run_input(run.id, key))["properties"]
            form = {"plan": fields["plan"]["default"], **form}
            result = client.resume_flow_run(run.id, run_input=form)
        assert result.status.value == "ACCEPT", result
        return self.work(run.id)

    def successor(self, run: FlowRun, environment: str) -> FlowRun | None:
        """The promotion that a run started, not worked on yet."""
        from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey

        key = keys.promote_key(str(run.id), environment)
        wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
        with get_client(sync_client=True) as client:
            found = client.read_flow_runs(flow_run_filter=wanted)
        return found[0] if found else None

    def promoted(self, release: Release, environment: str) -> FlowRun:
        """A promotion without approvals, done."""
        return self.start(
            keys.deployment(keys.PROMOTE, environment),
            app="hello",
            digest=release.id,
            environment=environment,
        )


@pytest.fixture
def bench(prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Fresh repositories and an outside world that records; nothing is left of an earlier test."""
    with get_client(sync_client=True) as client:
        paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(state=paused)):
            client.delete_flow_run(run.id)
        tables = ArtifactFilterKey(any_=[keys.status_key(name) for name in ("dev", "prod")])
        for table in client.read_artifacts(artifact_filter=ArtifactFilter(key=tables)):
            client.delete_artifact(table.id)
    copy_of(_begin, tmp_path)
    bench = Bench(tmp_path)
    for name, value in {
        "TOWPATH_ENVIRONMENTS": str(bench.environments),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(tmp_path / "cache"),
        "TOWPATH_HOME": str(tmp_path / "home"),
        TRUSTED_KEYS: str(make_keys(tmp_path / "keys").trusted_file),
    }.items():
        monkeypatch.setenv(name, value)
    _record_cluster(bench, monkeypatch)
    _record_build(bench, monkeypatch)
    return bench


def _begin(folder: Path) -> None:
    """Both repositories, and a person's clone of that of the environments."""
    for name in ("environments", "hello"):
        git(folder, "init", "-q", "--template=", "--bare", "-b", "main", f"{name}.git")
    overlays = {f"apps/hello/{name}/deployment.yaml": DEPLOYMENT for name in ("dev", "prod")}
    Bench(folder).push("environments", {"towpath.yaml": TOWPATH, **overlays}, "Begin")
    git(folder / "work-environments", "remote", "set-url", "origin", "../environments.git")


def _record_cluster(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan_app(_cluster: object, rendered: Any, _where: object, **_: object) -> Plan:
        bench.calls.append(f"plan {rendered.environment}")
        return Plan(rendered.app, rendered.environment, (), rendered.digest)

    def sync_app(_cluster: object, rendered: Any, _where: object, **_: object) -> SyncResult:
        bench.calls.append(f"sync {rendered.environment} {_release(rendered)}")
        if rendered.app in bench.never_syncs:
            raise bench.never_syncs[rendered.app]
        _fail(bench.sync_fails)
        return SyncResult(rendered.app, rendered.environment, ())

    def verify_app(*args: Any, **_: object) -> Verification:
        bench.calls.append(f"verify {args[3].name} {_number(args[4])}")
        _fail(bench.verify_fails)
        return Verification(True, (), (), (), 0.0)

    def prune_app(_cluster: object, rendered: Any, **_: object) -> SyncResult:
        bench.calls.append(f"prune {rendered.environment} {_release(rendered)}")
        _fail(bench.prune_fails)
        return SyncResult(rendered.app, rendered.environment, ())

    def verify_at_once(*args: Any) -> dict[str, TowpathError | None]:
        bench.calls.extend(f"look {args[2].name} {each.app}" for each in args[3])
        return {each.app: bench.unhealthy.get(each.app) for each in args[3]}

    def unhealthy(context: Any, apps: Any, *_: object) -> dict[str, str]:
        bench.calls.extend(f"ready? {context.environment.name} {app}" for app in apps)
        return {app: bench.not_ready[app] for app in apps if app in bench.not_ready}

    def inspect(_cluster: object, where: Any, _rendered: object, **_: object) -> Inspection:
        bench.calls.append(f"detect {where.name}")
        return Inspection(bench.drift(where.name), inventories=bench.inventories)

    def verify_all(*args: Any) -> dict[str, TowpathError | None]:
        verdicts: dict[str, TowpathError | None] = {}
        for each in args[3]:
            bench.calls.append(f"verify {args[2].name} {_number(each.images)}")
            failure = bench.verify_fails.pop(0) if bench.verify_fails else None
            verdicts[each.rendered.app] = failure  # type: ignore[assignment]
        return verdicts

    def remove_app(_cluster: object, app: str, where: Any, confirmed: Any, **_: object) -> SyncResult:
        bench.calls.append(f"remove {app} {where.name} {len(confirmed)}")
        return SyncResult(app, where.name, ())

    def prune_extras(_cluster: object, where: Any, entries: Any, **_: object) -> tuple[object, ...]:
        bench.calls.append(f"extras {where.name} {len(entries)}")
        return ()

    def health_snapshot(
        _cluster: object, _config: object, rendered: Any, _digests: object
    ) -> dict[str, AppHealth]:
        bench.calls.extend(f"health {each.environment} {each.app}" for each in rendered)
        return {each.app: bench.health.get(each.app, AppHealth(Status.HEALTHY)) for each in rendered}

    def budget_of(_cluster: object, _owner: object, drifted: Any) -> HealBudget:
        known = bench.exhausted
        left = {entry.ref: (WHOLE_OBJECT,) for entry in drifted if entry.ref in known}
        stopped = tuple(ExhaustedFields(ref, ("/spec/replicas",)) for ref in left)
        return HealBudget(tuple(entry for entry in drifted if entry.ref not in left), left, stopped)

    def forget_heals(_cluster: object, name: str, _namespace: str, apps: object) -> tuple[str, ...]:
        bench.calls.append(f"forget heals {name} {apps}")
        bench.exhausted = frozenset()
        return ("hello",)

    def propose_app(_here: object, place: Any, rendered: Any, decision: Any, _run: str) -> Proposal:
        bench.calls.append(f"adopt {rendered.app} {place.environment.name} {len(decision.drifted)}")
        return bench.proposal or Proposal(rendered.app, "towpath/adopt-dev-hello", "c" * 40, True)

    monkeypatch.setattr("towpath.engine.reconcile.loop.budget_of", budget_of)
    monkeypatch.setattr("towpath.engine.reconcile.execute.remember_heals", lambda *_: None)
    monkeypatch.setattr("tasks.drift.forget_heals", forget_heals)
    monkeypatch.setattr("tasks.adopt.propose_app", propose_app)
    monkeypatch.setattr("towpath.engine.live.context.shared_connection", lambda *_: None)
    monkeypatch.setattr("towpath.engine.preview.plan.plan_app", plan_app)
    monkeypatch.setattr("tasks.cluster.verify_app", verify_app)
    monkeypatch.setattr("towpath.engine.reconcile.execute.verify_all", verify_all)
    for target in ("tasks.cluster", "towpath.engine.reconcile.prune"):
        monkeypatch.setattr(f"{target}.prune_app", prune_app)
    for target in ("prune", "verified"):
        monkeypatch.setattr(f"towpath.engine.reconcile.{target}.verify_at_once", verify_at_once)
    for target in ("tasks.cluster", "towpath.engine.reconcile.execute"):
        monkeypatch.setattr(f"{target}.sync_app", sync_app)
    monkeypatch.setattr("towpath.engine.reconcile.execute.remove_app", remove_app)
    monkeypatch.setattr("towpath.engine.reconcile.execute.prune_extras", prune_extras)
    monkeypatch.setattr("towpath.engine.reconcile.loop.inspect", inspect)
    for target in ("tasks.cluster", "towpath.engine.reconcile.waiting"):
        monkeypatch.setattr(f"{target}.unhealthy", unhealthy)
    monkeypatch.setattr("towpath.engine.reconcile.loop.health_snapshot", health_snapshot)


def _record_build(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, config = f"sha256:{7:064x}", f"sha256:{8:064x}"

    def build(*_: object, target: str | None, **__: object) -> str:
        bench.calls.append("test" if target else "build")
        _fail(bench.build_fails)
        return config

    def push(*_: object, **__: object) -> str:
        bench.calls.append("push")
        return digest

    def judge(*_: object, **__: object) -> ScanVerdict:
        bench.calls.append("scan")
        return bench.verdict

    def put_release(release: Release, _version: str) -> str:
        bench.calls.append("record")
        bench.releases[release.id] = release
        return release.id

    def list_parts(*_: object, **__: object) -> dict[str, Any]:
        _fail(bench.list_fails)
        part = {"bom-ref": "pkg:deb/debian/bash@5.2", "type": "library", "name": "bash", "version": "5.2"}
        metadata = {"timestamp": datetime.now(UTC).isoformat(timespec="seconds")}
        return {"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": metadata, "components": [part]}

    def put_sbom(_image: str, digest: str, bundle: bytes, *_: object, **__: object) -> str:
        _fail(bench.sbom_fails)
        bench.sboms.setdefault(digest, []).append(bundle)
        return digest

    def find_release(_image: str, commit: str) -> Release | None:
        return next((each for each in bench.releases.values() if each.commit == commit), None)

    monkeypatch.setattr("towpath.adapters.images.docker.build", build)
    monkeypatch.setattr(
        "towpath.adapters.images.docker.pull", lambda *_, **__: bench.calls.append("pull") or config
    )
    monkeypatch.setattr("towpath.adapters.images.docker.save", lambda *_, **__: None)
    monkeypatch.setattr("towpath.adapters.images.docker.push", push)
    monkeypatch.setattr("towpath.adapters.images.trivy.find_trivy", lambda _: None)
    monkeypatch.setattr("towpath.adapters.images.trivy.scan_image", lambda *_, **__: {})
    monkeypatch.setattr("towpath.adapters.images.trivy.list_parts", list_parts)
    monkeypatch.setattr("towpath.adapters.evidence.sbom_evidence.put_bundle", put_sbom)
    monkeypatch.setattr("tasks.image.judge_scan", judge)
    monkeypatch.setattr("towpath.adapters.registries.registry.put_release", put_release)
    monkeypatch.setattr("towpath.adapters.registries.registry.find_release", find_release)
    monkeypatch.setattr(
        "towpath.adapters.registries.registry.get_release",
        lambda _image, digest: bench.releases.get(check_digest(digest)),
    )
    monkeypatch.setattr(
        "towpath.adapters.registries.registry.recorded_commits",
        lambda _: {each.commit for each in bench.releases.values()},
    )
    monkeypatch.setattr(
        "towpath.adapters.evidence.release_evidence.put_bundle",
        lambda _image, digest, bundle, *_: bench.bundles.setdefault(digest, []).append(bundle),
    )
    monkeypatch.setattr(
        "towpath.adapters.evidence.release_evidence.read_bundles",
        lambda _image, digest, _type: FoundBundles(tuple(bench.bundles.get(check_digest(digest), ()))),
    )
    monkeypatch.setattr(
        "towpath.adapters.registries.registry.read_manifest",
        lambda image: RegistryManifest(parse_image(str(image)).digest or "", config, "", 0),
    )


def _release(rendered: Any) -> int | str:
    """The number in the digest of the image that is rendered; the app's name where it has none."""
    first = rendered.objects[0]
    if "spec" not in first:
        return str(rendered.app)
    return int(first["spec"]["template"]["spec"]["containers"][0]["image"][-8:], 16)


def _number(images: Any) -> int | str:
    return int(images[0].digest[-8:], 16) if images else "no image"


def _fail(failures: list[Exception]) -> None:
    if failures:
        raise failures.pop(0)
