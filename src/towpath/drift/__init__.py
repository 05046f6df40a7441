"""Drift: what differs, what to do about it, what is told of it. Pure."""
