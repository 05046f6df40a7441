"""One account per environment, confined to its namespace by RBAC and an admission policy.

Cluster-wide an account may only create its own Namespace and the RoleBinding that gives it rights there: this
is needed to rebuild a deleted namespace from Git. RBAC cannot confine `create` to a name; the policy does.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from towpath.errors import TerminalError, TransientError
from towpath.local.common.files import write_json
from towpath.local.common.http import APPLY, request
from towpath.local.common.stack import ACCOUNTS_NAMESPACE, ENVIRONMENTS, Stack
from towpath.local.parts.configuration import kubeconfig
from towpath.local.parts.readiness import tls
from towpath.local.users import ownership

INSIDE = "towpath-environment"
"""ClusterRole that RoleBinding `towpath` grants an account inside its namespace."""
ACROSS = "towpath-across-namespaces"
"""ClusterRole of cluster-wide rights; POLICY narrows them to the account's own namespace."""
POLICY = "towpath-own-namespace"
POD_SECURITY = (
    "request.resource.resource != 'namespaces' || request.operation == 'DELETE' || "
    "!has(object.metadata.labels) || object.metadata.labels.all(key, "
    "!key.startsWith('pod-security.kubernetes.io/enforce') || "
    "object.metadata.labels[key] in ['baseline', 'restricted', 'latest'])"
)
"""CEL: the labels of a Namespace ask for no less than `baseline`, which holds without any."""
TOKEN_SECONDS = 365 * 24 * 3600
_PREFIX = f"system:serviceaccount:{ACCOUNTS_NAMESPACE}:towpath-"
_RBAC = "rbac.authorization.k8s.io"
PLURALS = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "RoleBinding": "rolebindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


def objects(environments: tuple[str, ...] = ENVIRONMENTS) -> list[dict[str, Any]]:
    """All objects of the accounts, in creation order."""
    names = [account(environment) for environment in environments]
    return [
        _object("v1", "Namespace", ACCOUNTS_NAMESPACE),
        _object(f"{_RBAC}/v1", "ClusterRole", INSIDE, rules=[_rule("*", "*", "*")]),
        _object(
            f"{_RBAC}/v1",
            "ClusterRole",
            ACROSS,
            rules=[
                _rule("", "namespaces", "get", "list", "watch", "create", "patch"),
                _rule(_RBAC, "rolebindings", "get", "create", "patch"),
                _rule(_RBAC, "clusterroles", "bind") | {"resourceNames": [INSIDE]},
            ],
        ),
        _policy(),
        _object(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicyBinding",
            POLICY,
            spec={"policyName": POLICY, "validationActions": ["Deny"]},
        ),
        *(_object("v1", "ServiceAccount", name, namespace=ACCOUNTS_NAMESPACE) for name in names),
        _object(
            f"{_RBAC}/v1",
            "ClusterRoleBinding",
            ACROSS,
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": ACROSS},
            subjects=[_subject(name) for name in names],
        ),
        *(_object("v1", "Namespace", environment) for environment in environments),
        *(
            _object(
                f"{_RBAC}/v1",
                "RoleBinding",
                "towpath",
                namespace=environment,
                roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": INSIDE},
                subjects=[_subject(account(environment))],
            )
            for environment in environments
        ),
    ]


def account(environment: str) -> str:
    """Name of an environment's ServiceAccount."""
    return f"towpath-{environment}"


def _policy() -> dict[str, Any]:
    touched = "request.resource.resource == 'namespaces' ? request.name : request.namespace"
    return _object(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        POLICY,
        spec={
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "resources": [resource],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                    }
                    for group, resource in (("", "namespaces"), (_RBAC, "rolebindings"))
                ]
            },
            "matchConditions": [
                {
                    "name": "account-of-an-environment",
                    "expression": f"request.userInfo.username.startsWith('{_PREFIX}')",
                }
            ],
            "variables": [
                {
                    "name": "own",
                    "expression": f"request.userInfo.username.substring({len(_PREFIX)})",
                },
                {"name": "touched", "expression": touched},
            ],
            "validations": [
                {
                    "expression": "variables.touched == variables.own",
                    "messageExpression": "'this account may write Namespaces and RoleBindings of ' "
                    "+ variables.own + ' only, not of ' + variables.touched",
                    "reason": "Forbidden",
                },
                {
                    "expression": POD_SECURITY,
                    "message": "this account may not loosen the Pod Security of its Namespace",
                    "reason": "Forbidden",
                },
            ],
        },
    )


def create_accounts(stack: Stack) -> None:
    """Apply `objects` to the own cluster and write each account's kubeconfig (mode 0600)."""
    context = tls(stack)
    for manifest in objects():
        reply = request(
            "PATCH",
            f"{stack.apiserver}{path_of(manifest)}?fieldManager=towpath-local&force=true",
            manifest,
            tls=context,
            content_type=APPLY,
        )
        if not reply.ok:
            name = f"{manifest['kind']} {manifest['metadata']['name']}"
            error = TerminalError if reply.status in (400, 422) else TransientError
            raise error(f"the API server refused {name}: {reply.body.decode(errors='replace')}")
    for environment in ENVIRONMENTS:
        path = f"/api/v1/namespaces/{ACCOUNTS_NAMESPACE}/serviceaccounts/{account(environment)}/token"
        body = {"spec": {"expirationSeconds": TOKEN_SECONDS}}
        reply = request("POST", stack.apiserver + path, body, tls=context)
        if not reply.ok:
            raise TransientError(
                f"no token for {account(environment)}: {reply.body.decode(errors='replace')}"
            )
        token = reply.json()["status"]["token"]
        content = kubeconfig(stack, account(environment), token=token, namespace=environment)
        write_json(stack.layout.kubeconfig(environment), content)
    ownership.hand_over_kubeconfigs(stack)


def adopt_kubeconfig(stack: Stack) -> None:
    """Copy the given kubeconfig for each account: with its context selected, and with its certificates.

    Paths become absolute. A file of a token is named as it is, since its content changes.
    """
    from towpath.yamltext.manifest_reader import load_document

    source = Path(stack.options.kubeconfig or "")
    content = load_document(source.read_bytes(), str(source))
    if stack.options.context:
        content["current-context"] = stack.options.context
    for entry in (*(content.get("clusters") or ()), *(content.get("users") or ())):
        inner = entry.get("cluster") or entry.get("user") or {}
        for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
            if inner.get(key):
                inner[key] = str((source.parent / inner[key]).absolute())
        _embed(inner)
        plugin = inner.get("exec") or {}
        if "/" in plugin.get("command", ""):
            plugin["command"] = str((source.parent / plugin["command"]).absolute())
    for name in ("admin", *ENVIRONMENTS):
        write_json(stack.layout.kubeconfig(name), content)
    ownership.hand_over_kubeconfigs(stack)


def _embed(inner: dict[str, Any]) -> None:
    """Put certificates and keys themselves in the place of their files, which an agent's user cannot read."""
    for key in ("certificate-authority", "client-certificate", "client-key"):
        path = Path(inner.get(key) or "")
        if inner.get(key) and not inner.get(f"{key}-data") and path.is_file():
            inner[f"{key}-data"] = base64.b64encode(path.read_bytes()).decode()
            del inner[key]


def path_of(manifest: Mapping[str, Any]) -> str:
    """The API path of the object."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{namespace}/{PLURALS[manifest['kind']]}/{quote(metadata['name'])}"


def _object(
    version: str, kind: str, name: str, *, namespace: str | None = None, **fields: object
) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _rule(group: str, resource: str, *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


def _subject(name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": ACCOUNTS_NAMESPACE}
