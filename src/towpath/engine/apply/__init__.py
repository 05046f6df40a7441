"""Changes to a cluster: plan, apply, hooks, prune."""
