"""A build agent in its pod, and its BuildKit in another one: what both bring, and their values."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.interop.pods.git_server import LOGIN, PASSWORD
from tests.interop.pods.layout import REGISTRY
from tests.interop.pods.site import HOME, Site
from towpath.local.parts.certificates import Subject, ensure_certificates

PLACE = "towpath-builder"


def bring(site: Site) -> None:
    """The namespace of BuildKit, certificates of both sides, and a login at the registry."""
    folder = site.folder / "buildkit"
    server = f"towpath-buildkit.{PLACE}.svc"
    ensure_certificates(folder, {"server": Subject("buildkit", hosts=(server,)), "client": Subject("agent")})
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    login = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
    push = {".dockerconfigjson": json.dumps({"auths": {REGISTRY: {"auth": login}}})}
    authority = (site.folder / "ca.crt").read_text()
    names = {"name": "registry-authorities", "namespace": PLACE}
    site.cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE, "labels": labels}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": names, "data": {"ca.crt": authority}},
        _secret(PLACE, "buildkit-server", _certificate(folder, "server")),
        _secret(HOME, "buildkit-client", _certificate(folder, "client")),
        _secret(HOME, "towpath-push", push) | {"type": "kubernetes.io/dockerconfigjson"},
    )


def values(site: Site) -> Mapping[str, Any]:
    """`build` of the chart's values."""
    server = {"enabled": True, "image": site.images["buildkit"].values, "tlsSecret": "buildkit-server"}
    server["caBundle"] = {"configMap": "registry-authorities"}
    return {
        "enabled": True,
        "image": site.images["build-agent"].values,
        "registrySecret": "towpath-push",
        "buildkit": {"tlsSecret": "buildkit-client", "server": server},
    }


def _certificate(folder: Path, name: str) -> dict[str, str]:
    files = {"ca.crt": "ca.crt", "tls.crt": f"{name}.crt", "tls.key": f"{name}.key"}
    return {key: (folder / file).read_text() for key, file in files.items()}


def _secret(namespace: str, name: str, content: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(content)}
