"""Where and how an overlay is edited: the image of a release, adopted drift. Pure."""
