"""The server and the bench for all tests of flows."""

from tests.flows.bench import bench, prefect_server

__all__ = ["bench", "prefect_server"]
