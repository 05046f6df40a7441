"""The environment repository: read, rendered, edited."""
