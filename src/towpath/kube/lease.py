"""The Lease that the agents of an environment share: its name, and what its holder must be allowed. Pure."""

from towpath.kube.rights import Right

GROUP, RESOURCE = "coordination.k8s.io", "leases"
VERBS = ("get", "create", "update")
"""Each on its name alone: an `update` of a name that is not there creates it."""


def lease_name(environment: str) -> str:
    """`towpath-agent-prod`"""
    return f"towpath-agent-{environment}"


def lease_rights(namespace: str, environment: str) -> set[Right]:
    """Those of an account whose agents share the Lease of their environment in that namespace."""
    return {Right(namespace, GROUP, RESOURCE, verb, lease_name(environment)) for verb in VERBS}
