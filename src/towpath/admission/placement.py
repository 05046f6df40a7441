"""Whether an object may be in the environment: its kind, its namespace, cluster-scoped kinds."""

from collections.abc import Iterator, Mapping

from towpath.admission.policy import AdmissionPolicy
from towpath.applyset.digest_key import key_ref
from towpath.applyset.inventory import INVENTORY_PREFIX, Owner
from towpath.kube.kinds import (
    NEVER_STORED,
    Kind,
    built_in_api_version,
    is_cluster_scoped,
    is_known_kind,
    removed_in,
)
from towpath.objects import Manifest, group_of, ref_of


def placement_problems(
    manifest: Manifest, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> Iterator[str]:
    """A sentence for each reason why the object may not be here. Sets its missing namespace in place."""
    metadata, api_version = manifest["metadata"], manifest["apiVersion"]
    kind, name = manifest["kind"], metadata["name"]
    if (group_of(api_version), kind) in NEVER_STORED:
        yield f"{kind} {name}: this kind is not desired state and cannot be kept in Git"
    elif not is_known_kind(api_version, kind):
        yield f"{kind} {name}: there is no kind {kind} in {api_version}{_where_it_is(api_version, kind)}"
    elif _is_cluster_scoped(api_version, kind, policy, definitions):
        metadata.pop("namespace", None)
        yield from _cluster_scoped_problems(manifest, policy)
    elif metadata.setdefault("namespace", policy.namespace) in (None, ""):
        metadata["namespace"] = policy.namespace
    elif not policy.may_touch(metadata["namespace"]):
        yield f"{kind} {name} is for namespace {metadata['namespace'][:100]!r}; {_allowed(manifest, policy)}"
    elif ref_of(manifest) == key_ref(metadata["namespace"]):
        yield f"{kind} {name}: this name is of the key that Towpath makes for its digests"
    elif ref_of(manifest) == Owner(name.removeprefix(INVENTORY_PREFIX), "", metadata["namespace"]).ref:
        yield f"{kind} {name}: this name is of Towpath's own inventories"


def _allowed(manifest: Manifest, policy: AdmissionPolicy) -> str:
    """Which namespaces the app may touch, where it may not touch that of an object."""
    if other := policy.others.get(manifest["metadata"]["namespace"]):
        return f"that is app {other}'s own"
    if policy.namespaces:
        return f"{policy.app or 'the app'} may touch {', '.join((policy.namespace, *policy.namespaces))}"
    return f"this environment's namespace is {policy.namespace!r}"


def _where_it_is(api_version: str, kind: str) -> str:
    if version := removed_in(api_version, kind):
        return f"; Kubernetes {version} removed it"
    served = built_in_api_version(kind)
    return f"; it is in {served}" if served else ""


def _is_cluster_scoped(
    api_version: str, kind: str, policy: AdmissionPolicy, definitions: Mapping[Kind, bool]
) -> bool:
    """Whether the kind has no namespace. Without a CRD `allowClusterScoped` decides about a custom kind."""
    if is_cluster_scoped(api_version, kind, definitions):
        return True
    group = group_of(api_version)
    custom = "." in group and not group.endswith(".k8s.io") and (group, kind) not in definitions
    return custom and policy.allows(group, kind)


def _cluster_scoped_problems(manifest: Manifest, policy: AdmissionPolicy) -> Iterator[str]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if not policy.allows(group_of(manifest["apiVersion"]), kind, name):
        yield (
            f"{kind} {name} is cluster-scoped and not allowed in this environment "
            "(`allowClusterScoped` in towpath.yaml)"
        )
    elif kind == "Namespace" and not policy.may_touch(name):
        if policy.namespaces or name in policy.others:
            inside = {"metadata": {"namespace": name}}
            yield f"Namespace {name} may not be here: {_allowed(inside, policy)}"
            return
        yield f"Namespace {name} is not this environment's namespace {policy.namespace!r}"
