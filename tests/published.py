"""The files of a small environment repository, and what an agent publishes of it."""

from datetime import UTC, datetime, timedelta

from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry
from towpath.drift.published import PublishedApp, PublishedState
from towpath.formats.versions import V2
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file

IMAGE, DIGEST = "127.0.0.1:5000/hello", "sha256:" + "0" * 64
CONFIG = f"""\
apiVersion: towpath.dev/v2
apps:
  hello: {{image: {IMAGE}, renderer: plain}}
environments:
  - {{name: dev, namespace: dev}}
  - {{name: prod, namespace: prod}}
"""
WORKLOAD = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: hello}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: hello}}}}
  template:
    metadata: {{labels: {{app: hello}}}}
    spec: {{containers: [{{name: hello, image: "{IMAGE}@{DIGEST}"}}]}}
"""
CHANGED = "apps/hello/prod/a.yaml"


def configmap(value: str) -> str:
    return f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{A: "{value}"}}\n'


def environment_files() -> dict[str, str]:
    """An app that is released in dev and prod, by path."""
    scan = ScanSummary("passed")
    release = Release(
        app="hello",
        images=one_image("hello", IMAGE, DIGEST),
        source="s",
        commit="1" * 40,
        author="a <a@b>",
        subject="s",
        built_at="2026-01-01T00:00:00Z",
        scan=scan,
        flow_run="1",
    )
    state = EnvironmentRelease(release, promoted_at="2026-01-01T00:00:00Z", promoted_by="a")
    files = {"towpath.yaml": CONFIG}
    for environment in ("dev", "prod"):
        folder = f"apps/hello/{environment}"
        files[f"{folder}/release.yaml"] = dump_release_file(state, V2)
        files[f"{folder}/workload.yaml"] = WORKLOAD
        files[f"{folder}/a.yaml"] = configmap("1")
    return files


def published_state(
    commit: str, *entries: DriftEntry, environment: str = "prod", age: timedelta = timedelta()
) -> PublishedState:
    """That `commit` was applied, with this drift."""
    at = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    decision = Decision("hello", "report", entries, "drift is allowed here") if entries else None
    app = PublishedApp(
        commit=commit,
        health="Healthy",
        at=at,
        entries=entries,
        decision=decision or Decision("hello", "none"),
    )
    return PublishedState(environment, at, commit, {"hello": app})
