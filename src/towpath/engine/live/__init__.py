"""What is live on a cluster: read, watched, and compared with what was applied."""
