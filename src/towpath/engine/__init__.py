"""The verbs of the sync engine: they join the pure core to the adapters."""
