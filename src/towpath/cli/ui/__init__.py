"""What several verbs share: options, names, progress, confirmation."""
