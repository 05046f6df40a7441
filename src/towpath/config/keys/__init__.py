"""What each key of `towpath.yaml` may hold: one model per part, and ranges of versions."""
