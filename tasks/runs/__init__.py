"""What every task needs of its run: how steps run, names, locks, events, artifacts, and the next run."""
