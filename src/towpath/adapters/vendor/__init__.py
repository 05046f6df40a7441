"""Charts of repositories and registries: found, fetched within limits, and unpacked."""
