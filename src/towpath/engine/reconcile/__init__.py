"""One environment against Git: detect, decide, execute, report."""
