"""Prefect tasks: one visible, retryable effect each."""
