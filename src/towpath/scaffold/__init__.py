"""Files that Towpath writes for its users to start from: a repository, a `prefect.yaml`. Pure."""
