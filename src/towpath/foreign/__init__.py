"""Definitions of Argo CD and Flux in files: read with their lines, and what each deploys where."""
