"""Fetches what `vendor.yaml` names, compares it with the repository and its lock, and writes both at once."""
