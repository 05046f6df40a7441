"""Makes an environment repository of what another tool deploys, or of what is live on a cluster."""
