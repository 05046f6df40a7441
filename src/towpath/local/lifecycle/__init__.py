"""The local stack up and down: processes, status, logs."""
