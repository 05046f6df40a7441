"""What a real API server says about an object: a dry run of server-side apply, as Towpath applies."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kubernetes import client, config

from towpath.objects import Manifest

_MERGE = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that a server refuses, as its status tells it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is the first line of the server's refusal, empty where it took the object."""

    accepted: bool
    reason: str
    causes: tuple[Cause, ...] = ()


class Server:
    """An API server, by a kubeconfig; that of the environment if left out."""

    def __init__(self, kubeconfig: str | None = None) -> None:
        config.load_kube_config(config_file=kubeconfig)
        self._api = client.ApiClient()
        self._namespace = f"schemas-agreement-{os.getpid()}-{time.monotonic_ns() % 10_000}"
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    @property
    def version(self) -> str:
        return str(self.get("/version")["gitVersion"])

    def verdict(self, manifest: Manifest) -> Verdict:
        """Whether a dry run takes it (`fieldValidation=Strict`)."""
        path = self._path(manifest)
        if path is None:
            return Verdict(accepted=False, reason=f"no {manifest['kind']} in {manifest['apiVersion']}")
        query = "?dryRun=All&fieldValidation=Strict&force=true&fieldManager=agreement"
        # JSON is YAML, apart from the escapes of JSON beyond 16 bits: the server reads what we read.
        status, body = self._send("PATCH", path + query, json.dumps(manifest, ensure_ascii=False), _MERGE)
        if status < 300:
            return Verdict(accepted=True, reason="")
        details = (body.get("details") or {}).get("causes") or []
        causes = tuple(Cause(str(each.get("field")), str(each.get("message"))) for each in details)
        lines = str(body.get("message") or body).splitlines() or [f"status {status}"]
        return Verdict(accepted=False, reason=lines[0][:300], causes=causes)

    @contextmanager
    def prepared(self, definitions: list[Manifest]) -> Iterator[None]:
        """With a namespace and the custom kinds, which are removed afterwards."""
        made = [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": self._namespace,
                    # A cluster's policy is not what the schemas say.
                    "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
                },
            },
            *definitions,
        ]
        try:
            for manifest in made:
                path = self._path(manifest)
                status, body = self._send(
                    "PATCH", f"{path}?fieldManager=agreement&force=true", json.dumps(manifest), _MERGE
                )
                if status >= 300:
                    raise RuntimeError(f"{manifest['metadata']['name']}: {body}")
            self._until_served(definitions)
            yield
        finally:
            for manifest in reversed(made):
                self._send("DELETE", str(self._path(manifest)))

    def _until_served(self, definitions: list[Manifest]) -> None:
        deadline = time.monotonic() + 60
        for manifest in definitions:
            group, kind = manifest["spec"]["group"], manifest["spec"]["names"]["kind"]
            served = [each["name"] for each in manifest["spec"]["versions"] if each["served"]]
            while not all(kind in self._kinds(f"{group}/{version}") for version in served):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{kind} is not served")
                time.sleep(0.2)
        time.sleep(1)  # OpenAPI of a new kind follows its discovery

    def _path(self, manifest: Manifest) -> str | None:
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        found = self._kinds(api_version).get(kind)
        if found is None:
            return None
        resource, namespaced = found
        root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        place = f"/namespaces/{self._namespace}" if namespaced else ""
        return (
            f"{root}{place}/{resource}/{manifest['metadata']['name'].replace('%', '%25').replace('/', '%2F')}"
        )

    def _kinds(self, api_version: str) -> dict[str, tuple[str, bool]]:
        if not self._resources.get(api_version):
            root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
            status, body = self._send("GET", root)
            listed = body.get("resources", []) if status == 200 else []
            self._resources[api_version] = {
                each["kind"]: (each["name"], each["namespaced"])
                for each in reversed(listed)
                if "/" not in each["name"]
            }
        return self._resources[api_version]

    def get(self, path: str) -> Any:
        return self._send("GET", path)[1]

    def _send(self, method: str, path: str, body: str | None = None, content: str = "") -> tuple[int, Any]:
        settings = self._api.configuration
        headers = {"Accept": "application/json", **({"Content-Type": content} if content else {})}
        answer = self._api.rest_client.pool_manager.request(
            method, settings.host + path, body=body and body.encode(), headers=headers
        )
        try:
            return answer.status, json.loads(answer.data)
        except ValueError:
            return answer.status, {"message": answer.data.decode(errors="replace")}
