"""Health of operators for which a row is not enough."""
