"""The local stack: every real part on one Linux machine."""
