"""Edits of overlays: the image of a release, and adopted drift. Pure."""
