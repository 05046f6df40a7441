"""The parts of the local stack: how each is configured, started and asked whether it is ready."""
