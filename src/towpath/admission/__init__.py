"""What rendered objects must satisfy before a cluster sees them. Pure."""
