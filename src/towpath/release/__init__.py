"""Releases: images, scans, the record of what runs, and the commits that carry them. Pure."""
