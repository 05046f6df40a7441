"""Writes the schemas that `towpath check` judges by, from the OpenAPI documents of a running API server.

Run: .venv/bin/python -m tools.kubernetes_schemas   (of the server of KUBECONFIG; all changes are dry runs but
a namespace and a CustomResourceDefinition, which are removed)
The file `src/towpath/schemas/data/<version>.json.xz` is all that a new Kubernetes version needs.
`python -m tests.agreement` then tells where `towpath check` and the server do not agree.
"""

import itertools
import json
import lzma
import sys
from pathlib import Path
from typing import Any

from tests.agreement.objects import definitions
from tests.agreement.server import Server
from tools.required_fields import Samples, correct_required
from tools.text_forms import learn_forms
from tools.value_limits import learn_limits

DATA = Path(__file__).parents[1] / "src/towpath/schemas/data"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
KEPT = ("type", "required", "enum", "x-kubernetes-list-type", "x-kubernetes-list-map-keys")
FORMATS = ("date-time", "byte")
BITS = {"int32": 32, "int64": 64}

CONDITIONS: dict[str, Any] = {
    "io.k8s.api.rbac.v1.Subject": {"properties": {"kind": {"enum": ["Group", "User"]}}},
    "io.k8s.api.core.v1.ServiceSpec": {
        "anyOf": [
            {"required": ["type"], "properties": {"type": {"enum": ["ExternalName"]}}},
            {"required": ["clusterIP"], "properties": {"clusterIP": {"enum": ["None"]}}},
        ]
    },
}
"""Definition -> values of it for which the server does not require what NEEDED says."""
ALWAYS_RESTARTED = {
    "properties": {
        "template": {"properties": {"spec": {"properties": {"restartPolicy": {"enum": ["", "Always"]}}}}}
    }
}
ONE_SUCCESS = {"properties": {"successThreshold": {"maximum": 1}}}
NEEDED: dict[str, Any] = {
    **dict.fromkeys(
        (
            "io.k8s.api.apps.v1.DaemonSetSpec",
            "io.k8s.api.apps.v1.DeploymentSpec",
            "io.k8s.api.apps.v1.ReplicaSetSpec",
            "io.k8s.api.apps.v1.StatefulSetSpec",
            "io.k8s.api.core.v1.ReplicationControllerSpec",
        ),
        ALWAYS_RESTARTED,
    ),
    "io.k8s.api.core.v1.Container": {
        "properties": {"livenessProbe": ONE_SUCCESS, "startupProbe": ONE_SUCCESS}
    },
    "io.k8s.api.autoscaling.v2.MetricTarget": {
        "properties": {"type": {"enum": ["AverageValue", "Utilization", "Value"]}}
    },
    "io.k8s.api.rbac.v1.Subject": {"properties": {"name": {"format": "subdomain"}}},
    "io.k8s.api.core.v1.ServiceSpec": {"required": ["ports"]},
    "io.k8s.api.batch.v1.JobSpec": {
        "properties": {
            "template": {
                "properties": {
                    "spec": {
                        "required": ["restartPolicy"],
                        "properties": {"restartPolicy": {"enum": ["Never", "OnFailure"]}},
                    }
                }
            }
        }
    },
    "io.k8s.api.core.v1.PersistentVolumeClaimSpec": {
        "required": ["resources"],
        "properties": {
            "resources": {
                "required": ["requests"],
                "properties": {
                    "requests": {
                        "required": ["storage"],
                        "properties": {"storage": {"format": "positive-quantity", "exclusiveMinimum": 0}},
                    }
                },
            }
        },
    },
}
"""Definition -> what a server needs of it besides: no dry run of single fields can tell it."""


def openapi(server: Server) -> dict[str, Any]:
    """The schemas of all built-in API versions that are served."""
    found: dict[str, Any] = {}
    for path, entry in server.get("/openapi/v3")["paths"].items():
        parts = path.split("/")
        if (parts[0] == "api" and len(parts) == 2) or (parts[0] == "apis" and len(parts) == 3):
            document = server.get(entry["serverRelativeURL"])
            found.update(document.get("components", {}).get("schemas", {}))
    # Those of custom kinds are named by their group.
    return {name: schema for name, schema in found.items() if name.startswith("io.k8s.")}


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an OpenAPI schema: without texts, and closed where the fields are known."""
    for inner in schema.get("allOf", ()):
        schema = {**schema, **inner}
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].rsplit("/", 1)[1]}
    result = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("format") in FORMATS:
        result["format"] = schema["format"]
    if "enum" in result:
        result["enum"] = sorted({"", *result["enum"]})  # to a server, an empty option is none
    if bits := BITS.get(schema.get("format", "")):
        result |= {"minimum": -(1 << (bits - 1)), "maximum": (1 << (bits - 1)) - 1}
    if schema.get("format") == "int-or-string":
        return {"type": ["integer", "string"]}
    if isinstance(default := schema.get("default"), (str, int)) and default:
        result["default"] = default
    if properties := schema.get("properties"):
        result["properties"] = {name: json_schema(each) for name, each in properties.items()}
        result["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = json_schema(schema[key])
    return result


def kinds(found: dict[str, Any]) -> dict[str, str]:
    """`apiVersion kind` of each object -> its definition."""
    result = {}
    for name, schema in found.items():
        metadata = json_schema(schema.get("properties", {}).get("metadata", {}))
        if metadata != {"$ref": f"#/$defs/{META}"}:
            continue
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            api_version = "/".join(filter(None, (kind["group"], kind["version"])))
            result[f"{api_version} {kind['kind']}"] = name
    return result


def main() -> None:
    server = Server()
    version = server.get("/version")
    found = openapi(server)
    converted = {name: json_schema(schema) for name, schema in found.items()}
    for name in converted:
        if name.endswith("resource.Quantity"):
            converted[name] = {"type": ["string", "number"], "format": "quantity"}
        if name.endswith("intstr.IntOrString"):
            converted[name] = {"type": ["integer", "string"]}
    named = kinds(found)
    with server.prepared(definitions()):
        samples = Samples(named, converted)
        for change in itertools.chain(
            correct_required(server, samples, named, converted),
            learn_limits(server, samples, converted),
            learn_forms(server, samples, converted),
        ):
            sys.stdout.write(f"{change}\n")
    for name, needed in NEEDED.items():
        converted[name] |= {"if": CONDITIONS.get(name, False), "else": needed}
    data = {"version": version["gitVersion"], "kinds": named, "definitions": converted}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    file = DATA / f"{version['major']}.{version['minor'].rstrip('+')}.json.xz"
    file.write_bytes(lzma.compress(text.encode(), preset=9))
    size = file.stat().st_size
    sys.stdout.write(f"{file.name}: {len(named)} kinds, {len(converted)} schemas, {size:,} bytes\n")


if __name__ == "__main__":
    main()
