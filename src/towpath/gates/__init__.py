"""Gates: the conditions under which a release may enter an environment, approvals, pauses. Pure."""
