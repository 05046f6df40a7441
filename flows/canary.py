"""An agent shows that it works: that runs are carried out in its pod, and that it has what they need."""

from tasks.canary import try_parts
from tasks.runs.step import towpath_flow


@towpath_flow
def canary(environment: str, pod: str) -> str:
    """Try what the agent of `environment` in `pod` needs. It writes nothing, so a standby may run it."""
    tried = try_parts(environment)
    return f"the agent of {environment} in {pod} works: {tried}"
