"""YAML texts: read with caps, and edited so that every other byte stays."""
