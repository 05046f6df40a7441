"""What verbs show: tables, drift, states, comparisons as Markdown."""
