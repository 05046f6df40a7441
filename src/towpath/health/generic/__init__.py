"""Health of custom resources that have no row of their own."""
