"""Drift: finding it, deciding about it, the heal budget, adoption, events. Pure."""
