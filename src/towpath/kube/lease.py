"""The Lease that the agents of an environment share: its name, its times, and the rights to it. Pure."""

from dataclasses import dataclass

from towpath.kube.rights import Right

GROUP, RESOURCE = "coordination.k8s.io", "leases"
VERBS = ("get", "create", "update")
"""Each on its name alone: an `update` of a name that is not there creates it."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """In seconds; the parts of `lasts` are those of client-go's defaults: 15, 10 and 2.

    A Lease holds for `lasts` after it was seen to change; then whoever waits may have it.
    """

    lasts: int = 15

    @property
    def deadline(self) -> float:
        """Without a renewal for so long, a leader stops. What it has sent has the rest to arrive."""
        return self.lasts * 2 / 3

    @property
    def killed(self) -> float:
        """So long after a renewal the kernel ends a leader that has not ended by itself."""
        return self.deadline + self.lasts / 10

    @property
    def retry(self) -> float:
        """Between two tries to get or to renew it."""
        return self.lasts * 2 / 15

    @property
    def answer(self) -> float:
        """To wait for each answer of the API server: a try asks twice, and leaves time for another one."""
        return self.lasts / 5


def lease_name(environment: str) -> str:
    """`towpath-agent-prod`"""
    return f"towpath-agent-{environment}"


def lease_rights(namespace: str, environment: str) -> set[Right]:
    """Those of an account whose agents share the Lease of their environment in that namespace."""
    return {Right(namespace, GROUP, RESOURCE, verb, lease_name(environment)) for verb in VERBS}
