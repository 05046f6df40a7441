"""A small API server for verbs: objects in memory behind real HTTP, no controllers and no kubelet."""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from towpath.objects import Manifest, group_of

KINDS = {
    "v1": "Pod Service ConfigMap Secret Event Namespace PersistentVolumeClaim",
    "apps/v1": "Deployment ReplicaSet StatefulSet DaemonSet",
    "batch/v1": "Job CronJob",
}
CLUSTER_SCOPED = ("Namespace",)


@dataclass
class ApiServer:
    """`objects` by path; `logs` by (pod, container); `forbidden` are plurals that nobody may read."""

    url: str = ""
    objects: dict[str, Manifest] = field(default_factory=dict)
    logs: dict[tuple[str, str], str] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    applied: list[tuple[str, Manifest]] = field(default_factory=list)
    """Field manager and content of each server-side apply."""
    changes: list[tuple[str, Manifest]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, *manifests: Manifest) -> None:
        for manifest in manifests:
            metadata = manifest["metadata"]
            metadata.setdefault("uid", f"{manifest['kind']}-{metadata['name']}")
            metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            metadata.setdefault("resourceVersion", "1")
            with self.changed:
                self.objects[path_of(manifest)] = manifest
                self.changes.append((path_of(manifest), manifest))
                self.changed.notify_all()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        address = urlsplit(target)
        path, query = address.path, {name: each[0] for name, each in parse_qs(address.query).items()}
        self.requests.append(f"{method} {target}")
        parts = path.strip("/").split("/")
        if path in ("/api", "/apis"):
            return 200, {"kind": "APIGroupDiscoveryList", "items": list(_groups(path))}
        if parts[-1] == "log":
            return self._log(parts[-2], query)
        at = 2 if parts[0] == "api" else 3
        named = parts[at + 2 :] if parts[at] == "namespaces" and len(parts) > at + 2 else parts[at:]
        if named[0] in self.forbidden:
            return 403, {"message": f"{named[0]} is forbidden", "reason": "Forbidden"}
        if method == "PATCH":
            return self._apply(path, query, json.loads(body))
        if len(named) > 1:
            return (200, self.objects[path]) if path in self.objects else (404, {"message": "not found"})
        if query.get("watch"):
            return 200, self._watch(path, query)
        found = [each for where, each in self.objects.items() if where.rpartition("/")[0] == path]
        chosen = [each for each in found if _matches(each, query)]
        # Its items have no kind of their own.
        items = [
            {key: value for key, value in copy.deepcopy(each).items() if key not in ("apiVersion", "kind")}
            for each in chosen
        ]
        kind = next(kind for kind in " ".join(KINDS.values()).split() if f"{kind.lower()}s" == named[0])
        return 200, {
            "kind": f"{kind}List",
            "items": items,
            "metadata": {"resourceVersion": str(len(self.changes))},
        }

    def _watch(self, path: str, query: dict[str, str]) -> bytes:
        """The changes since a version, as soon as there is one."""
        since = int(query["resourceVersion"])

        def news() -> list[Manifest]:
            found = [each for where, each in self.changes[since:] if where.rpartition("/")[0] == path]
            return [each for each in found if _matches(each, query)]

        with self.changed:
            self.changed.wait_for(news, timeout=float(query["timeoutSeconds"]))
            version = str(len(self.changes))
            events = [{"type": "MODIFIED", "object": copy.deepcopy(each)} for each in news()]
        for event in events:
            event["object"]["metadata"]["resourceVersion"] = version
        return "".join(f"{json.dumps(event)}\n" for event in events).encode()

    def _log(self, pod: str, query: dict[str, str]) -> tuple[int, Any]:
        name = query["container"] + ("-previous" if query.get("previous") else "")
        if (pod, name) not in self.logs:
            return 400, {"message": f"container {name} is waiting to start", "reason": "BadRequest"}
        lines = self.logs[pod, name].splitlines(keepends=True)
        lines = lines[-int(query["tailLines"]) :] if "tailLines" in query else lines
        if query.get("timestamps"):
            lines = [f"2026-01-01T00:00:{at:02}.5Z {line}" for at, line in enumerate(lines)]
        return 200, "".join(lines).encode()

    def _apply(self, path: str, query: dict[str, str], content: Manifest) -> tuple[int, Any]:
        if path not in self.objects:
            return 404, {"message": "not found"}
        self.applied.append((query["fieldManager"], content))
        return 200, self.objects[path]


def path_of(manifest: Manifest) -> str:
    group, version = group_of(manifest["apiVersion"]), manifest["apiVersion"].rpartition("/")[2]
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    namespace = manifest["metadata"].get("namespace")
    base += f"/namespaces/{namespace}" if namespace else ""
    return f"{base}/{manifest['kind'].lower()}s/{manifest['metadata']['name']}"


def _groups(root: str) -> Iterator[dict[str, Any]]:
    for api_version, kinds in KINDS.items():
        group, version = group_of(api_version), api_version.rpartition("/")[2]
        if bool(group) == (root == "/apis"):
            resources = [
                {
                    "responseKind": {"kind": kind},
                    "resource": f"{kind.lower()}s",
                    "scope": "Cluster" if kind in CLUSTER_SCOPED else "Namespaced",
                    "verbs": ["list", "delete"],
                }
                for kind in kinds.split()
            ]
            yield {
                "metadata": {"name": group},
                "versions": [{"version": version, "resources": resources}],
            }


def _matches(manifest: Manifest, query: dict[str, str]) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    for selector in filter(None, query.get("labelSelector", "").split(",")):
        name, _, value = selector.partition("=")
        if name not in labels or (value and labels[name] != value):
            return False
    for selector in filter(None, query.get("fieldSelector", "").split(",")):
        if "!=" in selector:
            name, _, value = selector.partition("!=")
            if manifest.get(name) == value:
                return False
            continue
        pointer, _, value = selector.partition("=")
        found: Any = manifest
        for key in pointer.split("."):
            found = (found or {}).get(key)
        if found != value:
            return False
    return True


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """One on a free port of this machine."""
    served = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = served.answer(self.command, self.path, body)
            data = (
                b""
                if content is None
                else content
                if isinstance(content, bytes)
                else json.dumps(content).encode()
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):  # a watch whose reader has gone
                self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
