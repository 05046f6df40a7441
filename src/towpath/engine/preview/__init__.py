"""What a sync would do, found by dry runs. Writes nothing."""
