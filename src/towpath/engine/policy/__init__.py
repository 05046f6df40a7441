"""The policy in force: what owners have signed, and no looser."""
