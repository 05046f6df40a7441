"""Versions of the files that Towpath reads and writes in an environment repository."""
