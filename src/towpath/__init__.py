"""Towpath: GitOps delivery on Prefect."""

__version__ = "0.1.0"
