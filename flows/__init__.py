"""Prefect flows: deliver, promote, reconcile, rollback."""
