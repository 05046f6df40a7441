"""Signed statements: release evidence, approvals, their envelopes and signatures; trusted keys. Pure."""
