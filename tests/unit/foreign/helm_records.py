"""Records of Helm releases for tests, as Helm writes them."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from towpath.objects import Manifest

TEMPLATE = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: '{{ .Values.a }}'}\n"
)


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def entries(files: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "data": encoded(text)} for name, text in files.items()]


def content(name: str = "cache", **changes: Any) -> dict[str, Any]:
    """What is packed; `chart` in the changes is merged into the chart."""
    chart = {
        "metadata": {"apiVersion": "v2", "name": "memory", "version": "1.2.3", "type": "application"},
        "lock": None,
        "templates": entries({"templates/map.yaml": TEMPLATE}),
        "values": {"a": 1, "off": "off"},
        "schema": encoded('{"type": "object"}'),
        "files": entries({"README.md": "# Memory\n", ".helmignore": "*.swp\n"}),
    }
    chart |= changes.pop("chart", {})
    manifest = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cache}\n"
    made = {"name": name, "namespace": "shop", "version": 3, "config": {"a": 2}, "hooks": []}
    return {**made, "manifest": manifest, "chart": chart, "info": {"status": "deployed"}, **changes}


def record(data: Any, *, name: str = "cache", revision: int = 3, status: str = "deployed") -> Manifest:
    """The Secret. `data` may be the packed bytes themselves."""
    packed = data if isinstance(data, bytes) else gzip.compress(json.dumps(data).encode())
    metadata = {
        "name": f"sh.helm.release.v1.{name}.v{revision}",
        "namespace": "shop",
        "labels": {"owner": "helm", "name": name, "status": status, "version": str(revision)},
    }
    release = encoded(encoded(packed))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": metadata,
        "data": {"release": release},
    }
