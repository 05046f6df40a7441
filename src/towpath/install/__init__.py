"""Towpath in a cluster: what `towpath install` makes there, and what `towpath doctor --cluster` looks at."""
