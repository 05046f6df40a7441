"""The agent of one environment: a Prefect worker, the runner of its flows, and its watcher."""
