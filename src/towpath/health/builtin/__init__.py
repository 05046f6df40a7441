"""Health of Kubernetes' own kinds."""
