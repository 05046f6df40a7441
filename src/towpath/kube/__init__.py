"""What the API server means: kinds, defaults, differences, and in which order objects come. Pure."""
