"""Fields of objects: paths to them, sets of them, who manages which. Pure."""
