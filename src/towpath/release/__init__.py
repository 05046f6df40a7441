"""Releases: images, scans, `release.yaml`, quarantine, and commit messages. Pure."""
