"""Judges an environment repository without a cluster: its files, what is rendered, the schemas."""
