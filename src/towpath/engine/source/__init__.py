"""The environment repository: read, rendered, checked, edited."""
