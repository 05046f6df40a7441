"""Changes to a cluster: apply, hooks, prune."""
