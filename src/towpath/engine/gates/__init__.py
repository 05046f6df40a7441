"""Releases before an environment: what is proven of them, and the one admission that judges them."""
