"""What the API server means: kinds, fields, who owns them, and in which order objects come. Pure."""
