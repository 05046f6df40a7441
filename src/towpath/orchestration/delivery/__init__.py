"""Deliveries at the Prefect server: how one is started, and how far it has come."""
