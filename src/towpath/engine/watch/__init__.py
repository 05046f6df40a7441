"""Changes of Git and of the cluster, followed as they happen."""
