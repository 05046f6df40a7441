"""Forges, as far as a pull request is concerned: a comment that is kept up to date, and a commit's status."""
