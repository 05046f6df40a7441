"""The `towpath` command: one file per verb."""
