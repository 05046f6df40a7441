"""What must hold before a release enters an environment: policies, approvals, pauses. Pure."""
